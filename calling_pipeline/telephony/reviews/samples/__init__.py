"""Samples of calls for review, drawn with a known probability."""
