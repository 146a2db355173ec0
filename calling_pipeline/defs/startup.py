"""Holds the garbage collector back while the code location is imported: whatever is made then stays.

Every run that Dagster starts is a new process. Its collector looked through all that Dagster and this package had just made,
again and again, and found nothing: a tenth of the time from the request of a small run to its end.
"""

import gc

_USUAL = gc.get_threshold()
gc.set_threshold(1_000_000)


def finished() -> None:
    """Let the collector work as usual from here on, and leave alone what is there already."""
    gc.freeze()
    gc.set_threshold(*_USUAL)
