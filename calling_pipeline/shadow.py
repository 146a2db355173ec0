"""Shadow mode: beside the system that it replaces, this one syncs and plans for some days, and neither calls nor sends.

Every way out asks here: `require_off` before anything is claimed, and `VendorHttp` again at the wire.
"""

from __future__ import annotations

from calling_pipeline.errors import ConfigurationError

SENTENCE = (
    "shadow mode is on (CALLING_SHADOW): the old system calls and sends, this one syncs and plans only;"
    " nothing was called or sent. Switch it off when the old system has stopped"
)
PLANNED_ONLY = "planned in shadow mode: nobody of it is ever called"


class ShadowMode(ConfigurationError):
    """What was asked for would reach somebody outside, and shadow mode is on."""

    def __init__(self) -> None:
        super().__init__(SENTENCE)


def require_off(shadow: bool) -> None:
    """Raise `ShadowMode` while shadow mode is on."""
    if shadow:
        raise ShadowMode
