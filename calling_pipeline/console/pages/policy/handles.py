"""A number in an address: encrypted, since addresses are logged and sent to others. It opens on this installation only."""

from __future__ import annotations

import base64
import binascii

from calling_pipeline.console.views import View
from calling_pipeline.errors import NotFound, SecretUnreadable

_OWNER = "console:policy:number"


def handle_of(view: View, phone: str) -> str:
    """What stands in an address for the canonical number `phone`; another one each time."""
    sealed = view.runtime.secrets.seal(phone, owner=_OWNER)
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def number_of(view: View, handle: str) -> str:
    """The number behind a handle. Raises `NotFound`."""
    try:
        return view.runtime.secrets.open(base64.urlsafe_b64decode(handle + "=" * (-len(handle) % 4)), owner=_OWNER)
    except (SecretUnreadable, binascii.Error, ValueError):
        raise NotFound("this address names no number; look the number up anew") from None


def address_of(view: View, phone: str) -> str:
    """The address of a number's page."""
    return f"/policy/numbers/{handle_of(view, phone)}"
