"""Backups of everything that cannot be made again, their restoring, and how to go on afterwards."""
