"""Numbers of people who had their data erased: known by a keyed hash alone, and never contacted again."""
