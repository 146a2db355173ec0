"""The files of `deploy/`: that they agree, and as far as it can be seen without a container engine, that they work."""
