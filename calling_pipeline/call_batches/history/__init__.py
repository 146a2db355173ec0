"""Calls that were made elsewhere: read from files and taken into the call history, so that nobody is called again."""
