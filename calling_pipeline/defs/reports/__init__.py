"""Dagster's view of the reports: an asset for each kind, their checks and jobs, and the sensor that starts what is due."""
