"""All rooms at once under faults, judged by the simulator's own list: `make campaign`."""
