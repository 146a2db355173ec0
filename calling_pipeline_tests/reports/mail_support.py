"""A lying mail server in its own process, certificates for it, and reports with subscribers."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from calling_pipeline import days
from calling_pipeline.reports.mail import rounds
from calling_pipeline.reports.mail import store_subscriptions as subscriptions
from calling_pipeline.reports.mail.dependencies import MailDependencies
from calling_pipeline.reports.mail.records import Delivered
from calling_pipeline.reports.mail.tables import report_deliveries
from calling_pipeline.vendors.smtp.client import Limits, MailSession
from calling_pipeline.vendors.smtp.dialogue import Dialogue
from calling_pipeline.vendors.smtp.records import Mail, MailServer, SendResult, server_of
from calling_pipeline_tests.reports.support import SUNDAY, make, morning_after, put_day
from calling_pipeline_tests.support import LIMIT_S

PATIENT = Limits(connect_s=LIMIT_S, mail_s=LIMIT_S)
INSTANT_S = 0.8
SENDER = "reports@centre.example"


@dataclass(frozen=True)
class Liar:
    """The server's port and what it accepted."""

    port: int
    file: Path

    @property
    def server(self) -> MailServer:
        """Its address, in the clear."""
        return server_of(f"smtp://127.0.0.1:{self.port}?starttls=never")

    @property
    def accepted(self) -> list[dict[str, str]]:
        """Every mail that it accepted, in order: the judge."""
        text = self.file.read_text() if self.file.exists() else ""
        return [
            json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")
        ]  # one may be half written

    @property
    def receivers(self) -> list[str]:
        """Receivers of accepted mails, sorted; one who had two is there twice."""
        return sorted(row["receiver"] for row in self.accepted)

    @property
    def held(self) -> bool:
        """Whether a client waits at the step where the server stops."""
        return self.file.with_suffix(".held").exists()


class Hurried(MailSession):
    """Waits as long as a test does, but for an instant where the server is never to answer: while it answers byte by byte
    (`drip`), and after it got the whole mail (`late`)."""

    def send(self, mail: Mail) -> SendResult:
        self._limits = Limits(LIMIT_S, INSTANT_S if mail.receiver.startswith("drip") else LIMIT_S)
        self._is_late = mail.receiver.startswith("late")
        return super().send(mail)

    def _end(self, dialogue: Dialogue) -> SendResult:
        if self._is_late:
            dialogue.deadline = time.monotonic() + INSTANT_S
        return super()._end(dialogue)


@contextmanager
def lying(folder: Path, *options: str, name: str = "accepted") -> Iterator[Liar]:
    """A server process with these options; killed at the end."""
    file = folder / f"{name}.jsonl"
    command = [sys.executable, "-m", "calling_pipeline_tests.reports.smtp_server", str(file), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Liar(int(process.stdout.readline()), file)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def certificate(folder: Path, host: str = "127.0.0.1", *, days_left: int = 30) -> str:
    """A certificate of its own with its key, in one file; what it is trusted by is the file itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "liar")])
    end = dt.datetime.now(dt.UTC) + dt.timedelta(days=days_left)
    names = [x509.IPAddress(ip_address(host)) if host[0].isdigit() else x509.DNSName(host)]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - dt.timedelta(days=60))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{host}-{days_left}.pem"
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return str(file)


def deps_of(engine: sa.Engine, server: MailServer | None, *, width: int = 4, limits: Limits = PATIENT) -> MailDependencies:
    """What a round needs."""
    return MailDependencies(engine, server, SENDER if server else "", {}, "http://console.example", width, limits)


def a_report(engine: sa.Engine, receivers: Sequence[str], *, corrections: bool = True, calls: int = 100) -> None:
    """The daily report of a Sunday, and receivers who subscribed the evening before it was made."""
    with engine.begin() as connection:
        put_day(connection, SUNDAY, calls=calls)
    with days.frozen(morning_after(SUNDAY, 1)), engine.begin() as connection:
        for receiver in receivers:
            subscriptions.subscribe(
                connection, "daily", receiver, language="zh", by="lin", formats=(), corrections=corrections
            )
    made = make(engine, SUNDAY)
    assert made.outcome == "made"


def corrected(engine: sa.Engine, *, calls: int = 120) -> None:
    """The Sunday is read again with other numbers, and its report made again."""
    with engine.begin() as connection:
        put_day(connection, SUNDAY, calls=calls, read_at=morning_after(SUNDAY, 3))
    assert make(engine, SUNDAY, now=morning_after(SUNDAY, 4)).outcome == "made"


def round_at(deps: MailDependencies, hour: float = 5.0) -> Delivered:
    """One round, so many hours after the midnight after the Sunday."""
    with days.frozen(morning_after(SUNDAY, 0) + dt.timedelta(hours=hour)):
        return rounds.deliver_round(deps)


def states(engine: sa.Engine) -> dict[str, str]:
    """Receiver → state of its newest delivery."""
    c = report_deliveries.c
    with engine.connect() as connection:
        rows = connection.execute(sa.select(c.receiver, c.state).order_by(c.revision))
        return {row.receiver: row.state for row in rows}


def trusting(liar: Liar, scheme: str, options: str) -> MailServer:
    """The liar by another form of address."""
    return replace(server_of(f"{scheme}://127.0.0.1:{liar.port}{options}"), host="127.0.0.1")
