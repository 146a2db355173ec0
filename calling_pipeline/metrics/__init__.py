"""What Prometheus reads: numbers of every room, of Dagster, of the database and of this process."""
