"""The parts of a report: each is a function of what is stored about a period."""
