"""Makes one delivery: composes the report once for all who get the same, hands it to the mail server or a channel."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from calling_pipeline.access.people.records import Language
from calling_pipeline.errors import CallingError
from calling_pipeline.masking import mask_digits
from calling_pipeline.reports import documents, store
from calling_pipeline.reports.downloads import file_of
from calling_pipeline.reports.files.charts import alt_of, png_of
from calling_pipeline.reports.mail.composing import Composed, addressed, compose
from calling_pipeline.reports.mail.dependencies import MailDependencies
from calling_pipeline.reports.mail.records import CHANNEL, Claimed
from calling_pipeline.reports.mail.saying import charts_of
from calling_pipeline.vendors.smtp.client import MailSession
from calling_pipeline.vendors.smtp.records import Mail, SendResult

_Key = tuple[int, Language, tuple[str, ...], bool]
_log = logging.getLogger(__name__)


class Sender:
    """For several threads, each with a connection of its own; `close` when all are done."""

    def __init__(self, deps: MailDependencies) -> None:
        self._deps = deps
        self._composed: dict[_Key, Composed] = {}
        self._composing = threading.Lock()
        self._own = threading.local()
        self._sessions: list[MailSession] = []

    def send(self, claimed: Claimed) -> SendResult:
        """Make one delivery. What fails before anything is handed over was certainly not sent."""
        try:
            composed = self.composed(claimed)
            content = b"" if claimed.receiver.startswith(CHANNEL) else addressed(composed, claimed)
        except Exception as error:
            _log.exception("composing report delivery %s failed", claimed.id)
            said = mask_digits(str(error)) if isinstance(error, CallingError) else type(error).__name__
            return SendResult("retry", f"the mail could not be composed: {said}"[:200])
        if claimed.receiver.startswith(CHANNEL):
            return self._to_channel(claimed.receiver.removeprefix(CHANNEL), composed)
        session = self._session()
        if session is None:
            return SendResult("retry", "no mail server is configured; set CALLING_SMTP_URL", server=True)
        return session.send(Mail(self._deps.sender, claimed.receiver, content))

    def composed(self, claimed: Claimed) -> Composed:
        """The mail without its receiver; made once."""
        key = (claimed.report_id, claimed.language, claimed.formats, claimed.correction)
        with self._composing:
            if key not in self._composed:
                self._composed[key] = self._compose(*key)
            return self._composed[key]

    def close(self) -> None:
        """End all connections."""
        for session in self._sessions:
            session.close()

    def _compose(self, report_id: int, language: Language, formats: Sequence[str], correction: bool) -> Composed:
        with self._deps.transaction() as connection:
            stored, report = store.by_id(connection, report_id)
            files = [file_of(connection, stored, report, language, name) for name in formats]
        charts = charts_of(report)
        return compose(
            report,
            stored.changes,
            language,
            sender=self._deps.sender,
            console=self._deps.console,
            correction=correction,
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
