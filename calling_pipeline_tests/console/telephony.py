"""Helpers of the tests of telephony's pages: a tenant at the simulator, people without script, what a page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from calling_pipeline_tests.support import LIMIT_S
from calling_pipeline_tests.telephony.support import Office, set_up

PROBES = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}")
KEY = "a-good-access-key"
CONFIG = {
    "name": "second",
    "api_url": "",
    "app_id": "app",
    "strategy": "affinity",
    "max_concurrent_calls": "20",
    "ring_timeout_s": "45",
    "cool_down_s": "5",
    "quarantine_after": "3",
    "quarantine_s": "600",
    "caller_numbers": "05710001\n05710002",
    "calls_per_hour": "100",
    "preset": "list_only",
    "countries": "cn, hk",
    "number_kinds": ["mobile", "land_line"],
    "more_rules": '{"hours": "09:00-20:00"}',
}


@contextmanager
def centre(console, simulator, *, lines: int = 3, people: int = 2) -> Iterator[Office]:
    """Tenant 1 at the simulator, whose calls ring until they are ended."""
    simulator.forget_calls()
    simulator.behave(ring_s=[600, 600])
    yield set_up(console.runtime, f"{simulator.url}/infinity/api", lines=lines, agents_=people)
    simulator.forget_calls()


@contextmanager
def visitor(console, name, role, **bound) -> Iterator[httpx.Client]:
    """A browser without script of a person who is logged in."""
    with httpx.Client(base_url=console.url, timeout=LIMIT_S, follow_redirects=True) as client:
        client.get(console.link(name, role, language="en", **bound))
        yield client


def csrf(page):
    """The proof in the first form of a page."""
    return re.search(r'name="csrf_token" value="([0-9a-f]+)"', page.text)[1]


def number_of(page, testid):
    """The number in the element of this name."""
    return int(re.search(rf'data-testid="{testid}">([\d,]+)<', page.text)[1].replace(",", ""))


def acts(office, act):
    """(door, reason) of the acts of this name, the oldest first."""
    return office.rows("SELECT door, reason FROM audit_log WHERE act = %(act)s ORDER BY id", act=act)


def keep(office, call_uuid="nobody"):
    """A callback that cannot be read; its id."""
    rows = office.rows(
        "INSERT INTO kept_callbacks"
        " (config_id, body_digest, body_sealed, reason, sentence, call_uuid, signed_at, received_at)"
        " VALUES (%(config)s, sha256(%(uuid)s::bytea), '\\x00', 'unreadable', %(said)s, %(uuid)s, now(), now())"
        " RETURNING id",
        config=office.config_id,
        uuid=call_uuid,
        said=PROBES[0],
    )
    return rows[0][0]
