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


@pytest.mark.parametrize("word", ["ok", "no", "grey", "early", "body", "busy", "full", "cut", "lost", "odd"])
def test_commands_in_one_packet_end_as_one_by_one(tmp_path: Path, word: str) -> None:
    found = []
    for name, options in (("one", ()), ("together", ("--pipelining",))):
        with lying(tmp_path, *options, name=name) as liar:
            session = MailSession(liar.server)
            sent = [session.send(Mail("a@x.example", f"{word}.{n}@x.example", MAIL.content)) for n in (1, 1, 2)]
            ok = session.send(MAIL)
            session.close()
            assert (ok.outcome, liar.accepted[-1]["receiver"]) == ("done", MAIL.receiver)
            found.append(([one.outcome for one in sent], liar.receivers))
    assert found[0] == found[1]


def test_a_command_of_two_lines_is_never_sent(tmp_path: Path) -> None:
    with lying(tmp_path, "--pipelining") as liar:
        session = MailSession(liar.server)
        with pytest.raises(ValueError, match="one line"):
            session.send(Mail("a@x.example", "ok.b@x.example>\r\nRCPT TO:<c@x.example", MAIL.content))
        session.close()
        assert liar.accepted == []


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
