"""Mail addresses: read by the grammar of `email`, and shown as `l***@example.com`."""

from __future__ import annotations

import re
from email.errors import MessageError
from email.headerregistry import Address

from calling_pipeline.errors import InvalidInput
from calling_pipeline.masking import mask_digits

LONGEST = 254
_IN_TEXT = re.compile(r"[^\s<>\"',;:()\[\]@]+@[^\s<>\"',;:()\[\]@]+")
_DOMAIN = re.compile(r"(?i)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*")


def address_of(text: str, *, field: str = "receiver") -> str:
    """One mail address (`name@host`), the host in lower case.

    Raises `InvalidInput` for what is none, for several, and for one that could end its line in a head of a mail.
    """
    wanted = text.strip()
    try:
        wanted.encode("ascii")
        read = Address(addr_spec=wanted)
    except (UnicodeError, ValueError, IndexError, MessageError):
        raise _no_address(field) from None
    local, domain = read.username, read.domain
    plain = all(33 <= ord(char) < 127 and char not in '<>(),;:"\\' for char in local)
    if not local or len(local) > 64 or len(wanted) > LONGEST or not plain or not _DOMAIN.fullmatch(domain):
        raise _no_address(field)
    return f"{local}@{domain.lower()}"


def mask_address(address: str) -> str:
    """`lin@example.com` → `l***@example.com`."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}" if at else f"{address[:1]}***"


def mask_addresses(text: str) -> str:
    """A server's text without addresses of people and without numbers of phones."""
    return mask_digits(_IN_TEXT.sub(lambda found: mask_address(found.group()), text))


def _no_address(field: str) -> InvalidInput:
    return InvalidInput("that is no mail address; write one as name@example.com, without a name before it", field=field)
