"""Data orchestration of an outbound call centre. Each folder is a system; README.md has a line for each."""

__version__ = "0.2.0"
