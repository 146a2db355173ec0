"""What tells outsiders that all is well."""
