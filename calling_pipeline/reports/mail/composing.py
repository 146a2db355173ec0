"""Composing the mail of a report: text and HTML of the same numbers, charts within, files attached.

All receivers of a report in a language with the same files get the same bytes; only the head names the receiver.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from typing import Any

from calling_pipeline.access.people.records import Language
from calling_pipeline.reports.downloads import File
from calling_pipeline.reports.mail.records import Claimed
from calling_pipeline.reports.mail.saying import Picture, Said, charts_of, said, say
from calling_pipeline.reports.records import Change, Report
from calling_pipeline.vendors.smtp.addresses import address_of

POLICY = SMTP.clone(cte_type="7bit")
"""Nothing that a server would have to convert."""


@dataclass(frozen=True)
class Composed:
    """The mail of a report in a language, without its receiver. `text` and `title` are for channels."""

    title: str
    text: str
    body: bytes


def compose(
    report: Report,
    changes: Sequence[Change],
    language: Language,
    *,
    sender: str,
    console: str,
    correction: bool,
    pictures: Sequence[bytes],
    descriptions: Sequence[str],
    names: Sequence[str],
    attachments: Sequence[File],
) -> Composed:
    """Make the mail. `pictures`, `names` and `descriptions` are those of `charts_of(report)`, as PNG and in words."""
    shown = [
        Picture(name, alt, f"{chart.name}.{report.control_code}@report")
        for chart, name, alt, _ in zip(charts_of(report), names, descriptions, pictures, strict=False)
    ]
    texts = said(
        report,
        changes,
        language,
        console=console,
        correction=correction,
        pictures=shown,
        attached=[one.name for one in attachments],
    )
    text = _rendered("mail.txt.j2", texts, language)
    message = EmailMessage(policy=POLICY)
    message["From"] = Address(display_name=say("sender", language), addr_spec=sender) if sender else ""
    message["Subject"] = "".join(char if char.isprintable() else " " for char in texts.subject)
    message["Auto-Submitted"] = "auto-generated"
    message["X-Report-Control"] = report.control_code
    message.set_content(text, charset="utf-8", cte="quoted-printable")
    message.add_alternative(_rendered("mail.html.j2", texts, language), subtype="html", charset="utf-8", cte="base64")
    parts = message.get_payload()
    assert isinstance(parts, list)
    html = parts[-1]
    assert isinstance(html, MIMEPart)
    for picture, content in zip(shown, pictures, strict=False):
        html.add_related(content, "image", "png", cid=f"<{picture.cid}>", disposition="inline")
    for one in attachments:
        message.add_attachment(one.content, *one.media_type.split(";")[0].split("/"), filename=one.name)
    for place, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{report.control_code}_{report.revision}_{place}")
    return Composed(texts.subject, text, message.as_bytes(policy=POLICY))


def addressed(composed: Composed, claimed: Claimed) -> bytes:
    """The mail to its receiver: the same bytes at every attempt. Raises `InvalidInput` for a receiver that is none."""
    head = (
        f"To: {address_of(claimed.receiver)}",
        f"Date: {format_datetime(claimed.created_at)}",
        f"Message-ID: {claimed.message_id}",
    )
    return "\r\n".join((*head, "")).encode("ascii") + composed.body


def _rendered(name: str, texts: Said, language: Language) -> str:
    rendered: str = _templates().get_template(name).render(m=texts, language=language)
    return rendered


@cache
def _templates() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - 40 ms of every run that Dagster starts

    return Environment(
        loader=PackageLoader("calling_pipeline.reports.mail"),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and ".html" in name,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
