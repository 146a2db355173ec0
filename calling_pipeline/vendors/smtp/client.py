"""Handing mails over to an SMTP server: one receiver each, many over one connection, a typed outcome for every one.

A mail whose end the server did not see was certainly not sent. From the final dot on, only the server's answer says. Every
error of smtplib is an `OSError`.
"""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from dataclasses import dataclass

from calling_pipeline.errors import ConfigurationError
from calling_pipeline.vendors.smtp.addresses import mask_addresses
from calling_pipeline.vendors.smtp.dialogue import Dialogue
from calling_pipeline.vendors.smtp.records import Mail, MailServer, SendResult

LONGEST_ANSWER = 200
_GO_ON = 354
_QUEUED = re.compile(r"(?i)\b(?:queued (?:as|mail)|message[ -]id|id)[ =:]+<?([A-Za-z0-9][\w.@-]{3,79})")
_OURS = frozenset({530, 534, 535, 538, 503})
"""Login or order of the dialogue: about us, not about the receiver."""


@dataclass(frozen=True)
class Limits:
    """Seconds: for the connection with its greeting, encryption and login, and for one mail's whole dialogue."""

    connect_s: float = 15.0
    mail_s: float = 60.0


class MailSession:
    """Mails over one connection, which is opened when it is needed. For one thread."""

    def __init__(self, server: MailServer, limits: Limits = Limits()) -> None:
        self._server = server
        self._limits = limits
        self._context = None if server.security == "never" else trusting(server)
        self._dialogue: Dialogue | None = None

    def send(self, mail: Mail) -> SendResult:
        """Hand one mail over. Raises nothing: every failure is an outcome."""
        if self._dialogue is not None and not self._dialogue.quiet():
            self._drop()
        if self._dialogue is not None:
            sent = self._attempt(self._dialogue, mail)
            if sent is not None:
                return sent
        dialogue, failed = self._opened()
        if failed is not None:
            return failed
        assert dialogue is not None
        return self._attempt(dialogue, mail) or SendResult("retry", "the connection broke before the end of the mail")

    def hello(self) -> str:
        """Connect, encrypt and log in as for a mail, and send none; how the connection is protected.

        Raises `ConfigurationError` that says what is wrong.
        """
        dialogue, failed = self._opened()
        if failed is not None or dialogue is None:
            raise ConfigurationError(failed.answer if failed else "no connection")
        encrypted = isinstance(dialogue.sock, ssl.SSLSocket)
        self.close()
        return "encrypted" if encrypted else "in the clear"

    def close(self) -> None:
        """Say goodbye, if there is a connection."""
        dialogue, self._dialogue = self._dialogue, None
        if dialogue is not None:
            dialogue.deadline = time.monotonic() + 2.0
            try:
                dialogue.quit()
            except OSError:
                dialogue.close()

    def _opened(self) -> tuple[Dialogue | None, SendResult | None]:
        shown = self._server.shown
        try:
            self._dialogue = self._open()
        except ssl.SSLCertVerificationError as error:
            said = f"the certificate of {shown} is not to be trusted: {error.verify_message}"
        except smtplib.SMTPResponseException as error:
            said = f"{shown} refused us: {_said(error.smtp_code, error.smtp_error)}"
        except (OSError, ValueError) as error:
            said = f"no connection with {shown}: {mask_addresses(str(error) or type(error).__name__)}"[:LONGEST_ANSWER]
        else:
            return self._dialogue, None
        return None, SendResult("retry", said, server=True)

    def _open(self) -> Dialogue:
        server = self._server
        direct = self._context if server.security == "tls" else None
        dialogue = Dialogue(server.host, server.port, connect_s=self._limits.connect_s, context=direct)
        try:
            dialogue.ehlo_or_helo_if_needed()
            if server.security in ("required", "offered"):
                self._encrypt(dialogue)
            if server.user:
                dialogue.login(server.user, server.password)
        except BaseException:
            dialogue.close()
            raise
        return dialogue

    def _encrypt(self, dialogue: Dialogue) -> None:
        if dialogue.has_extn("starttls"):
            dialogue.starttls(context=self._context)
            dialogue.ehlo()
        elif self._server.security == "required":
            raise smtplib.SMTPNotSupportedError("it does not offer STARTTLS, without which nothing is sent")

    def _attempt(self, dialogue: Dialogue, mail: Mail) -> SendResult | None:
        """One dialogue; None when the connection broke before anything was handed over."""
        dialogue.deadline = time.monotonic() + self._limits.mail_s
        try:
            refused = _envelope(dialogue, mail)
            if refused is None:
                dialogue.send(_stuffed(mail.content))
        except OSError:
            late = time.monotonic() >= dialogue.deadline
            self._drop()
            return SendResult("retry", "the server was too slow before the end of the mail", server=True) if late else None
        if refused is not None:
            self._reset(dialogue, refused)
            return refused
        return self._end(dialogue)

    def _end(self, dialogue: Dialogue) -> SendResult:
        """The final dot, after which only the answer says what became of the mail."""
        try:
            dialogue.send(b".\r\n")
            code, said = dialogue.getreply()
        except OSError:
            self._drop()
            late = time.monotonic() >= dialogue.deadline
            why = "was not answered in time" if late else "broke off without an answer"
            return SendResult("unknown", f"the mail was handed over whole and the connection {why}")
        answer = _said(code, said)
        if 200 <= code < 300:
            found = _QUEUED.search(said.decode("utf-8", "replace"))
            return SendResult("done", answer, mask_addresses(found[1])[:80] if found else "")
        if 400 <= code < 600:
            sent = SendResult("retry" if code < 500 else "refused", answer)
            self._reset(dialogue, sent, code)
            return sent
        self._drop()
        return SendResult("unknown", f"an answer that says nothing: {answer}")

    def _reset(self, dialogue: Dialogue, sent: SendResult, code: int = 0) -> None:
        """Make the connection ready for the next mail, or give it up."""
        if code == 421 or sent.answer.startswith("421") or sent.server:
            self._drop()
            return
        try:
            if dialogue.rset()[0] != 250:
                self._drop()
        except OSError:
            self._drop()

    def _drop(self) -> None:
        dialogue, self._dialogue = self._dialogue, None
        if dialogue is not None:
            dialogue.close()


def trusting(server: MailServer) -> ssl.SSLContext:
    """Certificates are verified, by the machine's own authorities and by those of `ca`."""
    context = ssl.create_default_context()
    if server.ca:
        try:
            context.load_verify_locations(server.ca)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(f"CALLING_SMTP_URL names certificates that cannot be read: {error}") from None
    return context


def _envelope(dialogue: Dialogue, mail: Mail) -> SendResult | None:
    """Sender, receiver and permission to send the mail; the outcome when one is not granted.

    In one packet where the server takes that (PIPELINING, RFC 2920). One that permits the mail after it refused the receiver
    gets no mail: it waits for one, so the connection is closed.
    """
    steps = (
        ("the sender", f"MAIL FROM:<{mail.sender}>"),
        ("the receiver", f"RCPT TO:<{mail.receiver}>"),
        ("the mail", "DATA"),
    )
    together = dialogue.has_extn("pipelining")
    if together:
        dialogue.commands(command for _, command in steps)
    refused = None
    code = 0
    for part, command in steps:
        code, said = dialogue.getreply() if together else dialogue.docmd(command)
        refused = refused or _refused(part, code, said)
        if refused is not None and (not together or code == 421):
            return refused
    if refused is not None and code == _GO_ON:
        dialogue.close()
    return refused


def _refused(part: str, code: int, said: bytes) -> SendResult | None:
    """The outcome when the answer to this part grants nothing."""
    if code == _GO_ON if part == "the mail" else 250 <= code < 260:
        return None
    if part == "the sender":
        return SendResult("retry", f"{part}: {_said(code, said)}", server=True)
    if 500 <= code < 600 and code not in _OURS:
        return SendResult("refused", f"{part}: {_said(code, said)}")
    return SendResult("retry", f"{part}: {_said(code, said)}", server=code in _OURS or code == 421)


def _stuffed(content: bytes) -> bytes:
    """Lines that begin with a dot get a second one, and the last line ends: what follows is the final dot alone."""
    stuffed = re.sub(rb"(?m)^\.", b"..", content)
    return stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n"


def _said(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    shown = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return mask_addresses(f"{code} {shown}")[:LONGEST_ANSWER]
