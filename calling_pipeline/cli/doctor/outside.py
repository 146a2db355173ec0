"""The vendors, as far as they can be seen without doing anything there: name, connection, TLS, answer, clock."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.parse import urlsplit

import httpx

from calling_pipeline import days
from calling_pipeline.cli.doctor.findings import Finding, Probe
from calling_pipeline.reports.mail.dependencies import mail_of
from calling_pipeline.settings import Settings
from calling_pipeline.vendors.smtp.client import Limits, MailSession
from calling_pipeline.vendors.url_guard import PrivateAddress, Reach, public_address

ANSWER_S = 5.0
SLOW_S = 2.0
CLOCK_WARN_S, CLOCK_WRONG_S = 10.0, 60.0
"""Signatures are valid for some minutes: a clock that is a minute off is close to being refused."""
_LOCAL = ("127.0.0.1", "localhost", "::1")


def probes(settings: Settings) -> list[Probe]:
    """One for each vendor."""
    wanted = {
        "guanke": (settings.guanke_base_url, "CALLING_GUANKE_BASE_URL"),
        "gateway": (settings.gateway_url, "CALLING_GATEWAY_URL"),
        "wecom": (settings.wecom_base_url, "CALLING_WECOM_BASE_URL"),
        "metabase": (settings.metabase_url, "CALLING_METABASE_URL"),
    }
    vendors = [Probe(name, partial(look, name, *address), limit_s=2 * ANSWER_S) for name, address in wanted.items()]
    return [
        *vendors,
        Probe("mail", lambda: mail(settings), limit_s=4 * ANSWER_S),
        Probe("watcher", lambda: watcher(settings)),
    ]


def watcher(settings: Settings) -> list[Finding]:
    """Whether there is an outside watcher whose address leads where it may. It is not asked: that says all is well."""
    if settings.heartbeat_url is None:
        return [Finding("watcher", "ok", "no outside watcher is set (CALLING_HEARTBEAT_URL): silence alarms nobody")]
    url, setting = settings.heartbeat_url.get_secret_value(), "CALLING_HEARTBEAT_URL"
    parts = urlsplit(url)
    try:
        if not Reach.of(settings).exempts(url):
            asyncio.run(public_address(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)))
    except PrivateAddress:
        do = "correct it; CALLING_PRIVATE_ORIGINS lists exceptions"
        return [Finding("watcher", "wrong", f"{setting} leads into a private network", do)]
    except httpx.ConnectError:
        return [Finding("watcher", "wrong", f"the host of {setting} cannot be resolved", "correct it, or the name server")]
    return [Finding("watcher", "ok", f"{setting} leads where it may; `calling-pipeline status` says when it last heard")]


def mail(settings: Settings) -> list[Finding]:
    """Whether the mail server takes our login; no mail is sent."""
    server, _ = mail_of(settings)
    if server is None:
        return [Finding("mail", "ok", "no mail server is set; no report is mailed")]
    protected = MailSession(server, Limits(connect_s=2 * ANSWER_S)).hello()
    return [Finding("mail", "ok", f"{server.shown} answers, {protected}")]


def look(name: str, url: str, setting: str) -> list[Finding]:
    """How one address answers."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return [Finding(name, "wrong", f"the name {host} cannot be resolved", f"correct {setting}, or the name server")]
    begun = time.monotonic()
    try:
        with httpx.Client(timeout=ANSWER_S, trust_env=False) as client, client.stream("GET", url) as answer:
            elapsed, date, status = time.monotonic() - begun, answer.headers.get("date", ""), answer.status_code
    except httpx.ConnectError as error:
        if "CERTIFICATE" in str(error).upper() or "SSL" in str(error).upper():
            return [
                Finding(name, "wrong", f"TLS with {host} fails: {_first(error)}", "look at its certificate and this clock")
            ]
        return [
            Finding(name, "wrong", f"{host}:{port} takes no connection", f"start it, open the way, or correct {setting}")
        ]
    except httpx.TransportError as error:
        return [
            Finding(
                name, "wrong", f"{host}:{port} gave no answer within {ANSWER_S:.0f} s: {_first(error)}", f"see {setting}"
            )
        ]
    found = [_answered(name, host, port, status, elapsed), *_clock(name, date)]
    if parts.scheme == "http" and host not in _LOCAL:
        found.append(Finding(name, "wrong", f"{setting} has no TLS: its secrets can be read on the way", "use https"))
    return found


def tenants(addresses: Sequence[tuple[int, str]], settings: Settings) -> list[Finding]:
    """Whether the addresses that tenants entered lead where they may."""
    reach, found = Reach.of(settings), []
    simulated = any(url.startswith(f"{settings.simulator_url}/") for url in settings.vendor_urls())
    for tenant, url in addresses:
        parts = urlsplit(url)
        if reach.exempts(url) or (simulated and url.startswith(f"{settings.simulator_url}/")):  # where `up` lets them
            continue
        try:
            asyncio.run(public_address(parts.hostname or "", parts.port or 443))
        except PrivateAddress:
            do = "correct the tenant's address; CALLING_PRIVATE_ORIGINS lists exceptions"
            found.append(Finding("infinity", "wrong", f"the address of tenant {tenant} leads into a private network", do))
        except httpx.ConnectError:
            found.append(
                Finding("infinity", "wrong", f"the host of tenant {tenant} cannot be resolved", "correct its address")
            )
    return found or [Finding("infinity", "ok", f"{len(addresses)} addresses of tenants lead where they may")]


def _answered(name: str, host: str, port: int, status: int, elapsed_s: float) -> Finding:
    said = f"{host}:{port} answers in {elapsed_s * 1000:.0f} ms"
    if status >= 500:
        return Finding(name, "warn", f"{said}, with status {status}", "ask the vendor")
    if elapsed_s > SLOW_S:
        return Finding(name, "warn", f"{said}, which is slow", "ask the vendor, or look at the network")
    return Finding(name, "ok", said)


def _clock(name: str, date: str) -> list[Finding]:
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return []
    if theirs.tzinfo is None:
        return []
    return [clock(f"{name}'s clock", days.now() - theirs)]


def clock(whose: str, ahead: dt.timedelta) -> Finding:
    """How far this machine's clock is ahead of another."""
    seconds = ahead.total_seconds()
    said = f"this machine is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} {whose}"
    if abs(seconds) > CLOCK_WRONG_S:
        return Finding("clock", "wrong", said, "set the clock by NTP (timedatectl set-ntp true)")
    if abs(seconds) > CLOCK_WARN_S:
        return Finding("clock", "warn", said, "set the clock by NTP (timedatectl set-ntp true)")
    return Finding("clock", "ok", f"this machine's clock agrees with {whose}")


def _first(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:150] if str(error).strip() else type(error).__name__
