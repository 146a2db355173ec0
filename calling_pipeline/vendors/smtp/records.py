"""Where mail is handed over, what is handed over, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from calling_pipeline.at_most_once.outcome import Outcome
from calling_pipeline.errors import ConfigurationError

Security = Literal["tls", "required", "offered", "never"]
"""`tls`: encrypted from the first byte. `required`: STARTTLS or nothing is sent. `offered`: STARTTLS where the server has
it. `never`: in the clear."""
_PORTS = {"smtp": 587, "smtps": 465}
_FORM = "write smtp://user:password@host:587 or smtps://user:password@host:465"


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over. `ca`: a file of certificates to trust beside the machine's own."""

    host: str
    port: int
    security: Security
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str = ""

    @property
    def shown(self) -> str:
        """Host and port, without a secret."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Mail:
    """One mail to one receiver: its bytes with CRLF at the end of each line."""

    sender: str
    receiver: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class SendResult:
    """What became of one mail.

    `answer`: what the server said, masked and cut. `queue_id`: by which the server's operator finds the mail. `server`: the
    reason concerns the server as a whole (no connection, refused login), not this mail.
    """

    outcome: Outcome
    answer: str = ""
    queue_id: str = ""
    server: bool = False


def server_of(url: str) -> MailServer:
    """Read `CALLING_SMTP_URL`.

    `?starttls=required|offered|never` says when the connection is encrypted: without it, as far as the server offers it,
    and always where a password is sent. `?ca=FILE` names certificates to trust. Raises `ConfigurationError`, which never
    shows the URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
        more = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    except ValueError:
        raise ConfigurationError(f"CALLING_SMTP_URL is no address of a mail server; {_FORM}") from None
    wanted = more.pop("starttls", [""])[-1]
    ca = more.pop("ca", [""])[-1]
    if not port or not parts.hostname or more or wanted not in ("", "required", "offered", "never"):
        raise ConfigurationError(f"CALLING_SMTP_URL is no address of a mail server; {_FORM}, with ?starttls=required if so")
    security: Security
    if parts.scheme == "smtps":
        security = "tls"
    elif wanted == "required" or (not wanted and parts.password):
        security = "required"
    else:
        security = "never" if wanted == "never" else "offered"
    return MailServer(parts.hostname, port, security, unquote(parts.username or ""), unquote(parts.password or ""), ca)
