"""How personal data is shown and compared when the full value is not needed: `138****0000` and a keyed hash."""

from __future__ import annotations

import hashlib
import re

_SEPARATOR = r"(?:[ \u00a0\u3000.\-‐‑‒–—―−－/_·]{1,3}|[)）] ?|[(（])"
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[+-]\d{2}(?::?\d{2})?)?(?!\d)"
_DATE = rf"(?:19|20)\d\d(?:-\d\d?-|/\d\d?/|\.\d\d?\.)\d\d?(?!\d)(?:[T ]{_TIME})?"
_ADDRESS = r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?![\d.])"
_UUID = r"(?=[0-9-]*[a-f])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})(?![0-9A-Za-z])"
_DIGITS = re.compile(
    rf"(?<![0-9A-Za-z])(?P<no_phone>{_UUID}|{_DATE}|{_TIME}|{_ADDRESS})"
    rf"|\d(?:\d|{_SEPARATOR}(?!{_DATE}|{_TIME}|{_ADDRESS})\d){{6,}}"
)
"""Seven or more digits with at most three separators between any two of them. Dates, times, addresses of machines and UUIDs
are recognised first and left alone: an operator needs them, and they look like numbers written with separators."""


_MOBILE = re.compile(r"(?<![0-9A-Za-z])(?:\+?86[ -]?)?1[3-9]\d(?:[ -]?\d{4}){2}(?!\d|\.\d)")


def mask_phone(phone: str | None) -> str:
    """Show at most the first three and last four characters: `13812340000` → `138****0000`. Short values show less.

    A number that is masked already stays as it is, but for digits it shows in a row.
    """
    if not phone:
        return ""
    if "*" in phone:
        return mask_digits(phone)
    if len(phone) >= 11:
        return f"{phone[:3]}****{phone[-4:]}"
    if len(phone) > 4:
        return "*" * (len(phone) - 2) + phone[-2:]
    return "*" * len(phone)


def mask_secret(secret: str | None) -> str:
    """Show that a secret is there, and its last four characters when it is long enough to spare them."""
    if not secret:
        return ""
    return "****" + (secret[-4:] if len(secret) >= 16 else "")


def mask_digits(text: str) -> str:
    """Mask what may be a telephone number within free text (messages of vendors, of drivers).

    That is seven or more digits, with or without separators between them; not dates, times, IP addresses and UUIDs.
    """
    return _DIGITS.sub(_masked_unless_kept, text)


def _masked_unless_kept(match: re.Match[str]) -> str:
    text = match.group()
    return text if match["no_phone"] else mask_phone("".join(filter(str.isdigit, text)))


def mask_mobiles(text: str) -> str:
    """Mask mobile numbers in a text whose other numbers are there to be read, such as amounts and contract numbers."""
    return _MOBILE.sub(lambda match: mask_phone("".join(filter(str.isdigit, match.group()))[-11:]), text)


def mask_sample(text: str, *, length: int = 24) -> str:
    """Show the form of a field that should hold a number.

    Its first three and last four digits when there are eleven or more (the last two of fewer, above four), the other
    digits as `*`, any other word as `?`.
    """
    places = [place for place, sign in enumerate(text) if sign.isdigit()]
    shown = {*places[:3], *places[-4:]} if len(places) >= 11 else set(places[-2:]) if len(places) > 4 else set()
    signs = [
        (sign if place in shown else "*") if sign.isdigit() else (sign if sign in "+-*.() " else "?")
        for place, sign in enumerate(text)
    ]
    return "".join(signs)[:length]


def phone_hash(key: bytes, phone: str) -> bytes:
    """Keyed hash (BLAKE2b's own keyed mode, 16 bytes) by which rows of one phone are joined without storing it.

    `phone` is canonical (see `phones`); every room hashes by this function.
    """
    hasher = phone_hasher(key)
    hasher.update(phone.encode())
    return hasher.digest()


def phone_hasher(key: bytes) -> hashlib.blake2b:
    """A hasher that has taken the key: a copy of it for each phone makes `phone_hash` of many in a quarter of the time."""
    return hashlib.blake2b(key=key, digest_size=16)
