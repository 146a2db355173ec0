"""The SMTP client against a lying server: certificates, encryption that is taken away, no greeting, odd addresses."""

from __future__ import annotations

from pathlib import Path

import pytest

from calling_pipeline.errors import ConfigurationError, InvalidInput
from calling_pipeline.vendors.smtp.addresses import address_of, mask_addresses
from calling_pipeline.vendors.smtp.client import Limits, MailSession
from calling_pipeline.vendors.smtp.records import Mail, server_of
from calling_pipeline_tests.reports.mail_support import certificate, lying, trusting

MAIL = Mail("a@x.example", "ok.b@x.example", b"Message-ID: <1@x>\r\n\r\n.hello\r\n")


def test_a_certificate_that_is_not_trusted_sends_nothing(tmp_path: Path) -> None:
    made = certificate(tmp_path)
    with lying(tmp_path, "--starttls", "--certificate", made) as liar:
        sent = MailSession(trusting(liar, "smtp", "?starttls=required")).send(MAIL)
        assert (sent.outcome, liar.accepted) == ("retry", [])
        assert "not to be trusted" in sent.answer
        trusted = MailSession(trusting(liar, "smtp", f"?starttls=required&ca={made}"))
        assert trusted.send(MAIL).outcome == "done"
        trusted.close()


def test_a_server_without_starttls_gets_no_password(tmp_path: Path) -> None:
    with lying(tmp_path, "--auth", "ok") as liar:
        sent = MailSession(server_of(f"smtp://root:geheim@127.0.0.1:{liar.port}")).send(MAIL)
        assert (sent.outcome, liar.accepted) == ("retry", [])
        assert "STARTTLS" in sent.answer


def test_a_server_that_greets_nobody_is_given_up_in_time(tmp_path: Path) -> None:
    with lying(tmp_path, "--no-banner") as liar:
        assert MailSession(liar.server, Limits(connect_s=0.3)).send(MAIL).server


@pytest.mark.parametrize(
    "text", ["", "lin", "a@b@c.example", "a@x.example\r\nBcc: b@x.example", "Lin <a@x.example>", "a@x.example,b@x.example"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        address_of(text)


def test_addresses_are_masked_and_a_wrong_url_is_not_shown() -> None:
    assert mask_addresses("<lin@example.com> unknown") == "<l***@example.com> unknown"
    with pytest.raises(ConfigurationError) as refused:
        server_of("http://root:geheim@host")
    assert "geheim" not in str(refused.value)
