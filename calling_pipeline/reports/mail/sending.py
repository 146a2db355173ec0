"""Makes one delivery: composes the report once for all who get the same, hands it to the mail server or a channel."""

from __future__ import annotations

import logging
import threading

from calling_pipeline.errors import CallingError
from calling_pipeline.masking import mask_digits
from calling_pipeline.reports import documents, store
from calling_pipeline.reports.downloads import file_of
from calling_pipeline.reports.files.charts import alt_of, png_of
from calling_pipeline.reports.mail.composing import Composed, addressed, compose
from calling_pipeline.reports.mail.dependencies import MailDependencies
from calling_pipeline.reports.mail.records import CHANNEL, Claimed, Edition
from calling_pipeline.reports.mail.saying import charts_of
from calling_pipeline.shadow import SENTENCE
from calling_pipeline.vendors.smtp.client import MailSession
from calling_pipeline.vendors.smtp.records import Mail, SendResult

_log = logging.getLogger(__name__)


class Sender:
    """For several threads, each with a connection of its own; `close` when all are done."""

    def __init__(self, deps: MailDependencies) -> None:
        self._deps = deps
        self._composed: dict[Edition, Composed | SendResult] = {}
        self._own = threading.local()
        self._sessions: list[MailSession] = []

    def send(self, claimed: Claimed) -> SendResult:
        """Make one delivery. What fails before anything is handed over was certainly not sent."""
        if self._deps.shadow:
            return SendResult("retry", SENTENCE[:200], server=True)
        composed = self._composed[claimed.edition]
        if isinstance(composed, SendResult):
            return composed
        if claimed.receiver.startswith(CHANNEL):
            return self._to_channel(claimed.receiver.removeprefix(CHANNEL), composed)
        try:
            content = addressed(composed, claimed)
        except CallingError as error:
            return _not_composed(error)
        session = self._session()
        if session is None:
            return SendResult("retry", "no mail server is configured; set CALLING_SMTP_URL", server=True)
        return session.send(Mail(self._deps.sender, claimed.receiver, content))

    def compose(self, edition: Edition) -> None:
        """Make the mail without its receiver, before anything is claimed. One that cannot be made fails every delivery."""
        try:
            self._composed[edition] = self._made(edition)
        except Exception as error:
            _log.exception("composing the mail of report %s failed", edition.report_id)
            self._composed[edition] = _not_composed(error)

    def close(self) -> None:
        """End all connections."""
        for session in self._sessions:
            session.close()

    def _made(self, edition: Edition) -> Composed:
        language = edition.language
        with self._deps.transaction() as connection:
            stored, report = store.by_id(connection, edition.report_id)
            files = [file_of(connection, stored, report, language, name) for name in edition.formats]
        charts = charts_of(report)
        return compose(
            report,
            stored.changes,
            language,
            sender=self._deps.sender,
            console=self._deps.console,
            correction=edition.correction,
            pictures=[png_of(chart, language) for chart in charts],
            descriptions=[alt_of(chart, language) for chart in charts],
            names=[documents.chart_name(chart.name, language) for chart in charts],
            attachments=files,
        )

    def _to_channel(self, channel: str, composed: Composed) -> SendResult:
        """Apprise does not say whether what failed arrived: such a summary is unknown."""
        known = self._deps.channels.get(channel)
        if known is None:
            return SendResult("refused", f"CALLING_ALERT_URLS has no channel {channel}")
        if known.send(composed.title, composed.text, "info"):
            return SendResult("done", "the channel took it")
        return SendResult("unknown", "the channel did not say that it took it")

    def _session(self) -> MailSession | None:
        if self._deps.server is None:
            return None
        if not hasattr(self._own, "session"):
            self._own.session = MailSession(self._deps.server, self._deps.limits)
            self._sessions.append(self._own.session)
        session: MailSession = self._own.session
        return session


def _not_composed(error: Exception) -> SendResult:
    said = mask_digits(str(error)) if isinstance(error, CallingError) else type(error).__name__
    return SendResult("retry", f"the mail could not be composed: {said}"[:200])
