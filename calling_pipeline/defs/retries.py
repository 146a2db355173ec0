"""How often a step that reads a vendor is tried again after a failure that may pass."""

import dagster as dg

VENDOR = dg.RetryPolicy(max_retries=3, delay=30, backoff=dg.Backoff.EXPONENTIAL)
"""After 30, 60 and 120 s: an outage of two minutes repairs itself. Steps say by `Failure.allow_retries` what cannot pass."""
