"""Data orchestration of an outbound call centre. The folders below are its rooms; `docs` for them is the README."""

__version__ = "0.1.0"
