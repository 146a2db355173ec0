"""Settings: every mistake is one sentence that names the setting, never its value."""

import datetime as dt
import os
import stat
import subprocess
import sys

import pytest

from calling_pipeline.errors import ConfigurationError
from calling_pipeline.settings import load
from calling_pipeline_tests.support import start_process


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CALLING_GUANKE_BASE_URL", "ftp://secret-host"),
        ("CALLING_GUANKE_CONCURRENCY", "many-secret"),
        ("CALLING_GATEWAY_CONCURRENCY", "0"),
        ("CALLING_PARTITION_START", "soon-secret"),
        ("CALLING_API_TOKENS", '{"secret-token": {"role": "king"}}'),
        ("CALLING_API_TOKENS", "{secret"),
        ("CALLING_WECOM_ROBOTS", "secret, not json"),
        ("CALLING_CACHE_RETENTION_DAYS", "-1"),
        ("CALLING_SIMULATOR_PORT", "99999"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load()
    assert str(caught.value).count("CALLING_") == 1
    assert name in str(caught.value)
    assert "README" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_several_mistakes_are_named_at_once(monkeypatch):
    monkeypatch.setenv("CALLING_UI_PORT", "no")
    monkeypatch.setenv("CALLING_API_PORT", "no")
    with pytest.raises(ConfigurationError, match=r"CALLING_UI_PORT.*CALLING_API_PORT"):
        load()


def test_the_environment_file_is_read_and_the_environment_wins(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("CALLING_UI_PORT=3100\nCALLING_API_PORT=8100\nOTHER=1\n")
    monkeypatch.setenv("CALLING_API_PORT", "8200")
    settings = load()
    assert (settings.ui_port, settings.api_port) == (3100, 8200)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: it becomes another account for a moment")
def test_a_command_works_in_a_folder_that_its_account_may_not_read(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("CALLING_SIMULATOR_PORT=8901\n")
    tmp_path.chmod(0o700)
    monkeypatch.chdir(tmp_path)
    os.seteuid(65534)
    try:
        assert load().simulator_port == 8900
    finally:
        os.seteuid(0)


def test_vendors_default_to_the_simulator_wherever_it_listens():
    assert load(simulator_port=8123).guanke_base_url == "http://127.0.0.1:8123/guanke"


def test_secrets_are_hidden_when_settings_are_printed():
    settings = load(
        secret_key="hidden-word-of-some-length",
        guanke_secret="hidden-word",
        api_tokens={"hidden-word": {"role": "viewer"}},
        wecom_robots={"group": "hidden-word"},
        alert_urls="wecombot://hidden-word",
        database_url="postgresql://u:hidden-word@h/d",
    )
    assert "hidden-word" not in repr(settings) + str(settings)


def test_a_short_key_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="CALLING_SECRET_KEY is shorter"):
        load(home=tmp_path, secret_key="short").secret_key_bytes()


def test_without_settings_a_key_and_a_token_are_generated_once_and_kept_private(tmp_path):
    settings = load(home=tmp_path / "home")
    assert settings.secret_key_bytes() == load(home=tmp_path / "home").secret_key_bytes()
    [(token, grant)] = settings.token_grants().items()
    assert grant.role == "admin"
    assert len(token) > 30
    for name in ("secret.key", "admin.token"):
        assert stat.S_IMODE((tmp_path / "home" / name).stat().st_mode) == 0o600


def test_processes_that_start_together_end_with_the_same_key(tmp_path):
    program = "from calling_pipeline.settings import load; print(load().secret_key_bytes().hex())"
    environment = {**os.environ, "CALLING_HOME": str(tmp_path / "home")}
    started = [
        start_process([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment, text=True) for _ in range(4)
    ]
    assert len({process.communicate()[0] for process in started}) == 1


def test_a_home_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="CALLING_HOME"):
        load(home=tmp_path / "file").secret_key_bytes()


def test_the_partitions_of_a_new_installation_begin_on_the_kept_day_and_do_not_move(tmp_path):
    settings = load(home=tmp_path / "home")
    assert settings.first_partition() == settings.partition_start, (
        "nothing is kept yet: an installation of an earlier version"
    )
    settings.keep_first_partition(dt.date(2026, 11, 14))
    settings.keep_first_partition(dt.date(2026, 11, 20))
    assert settings.first_partition() == dt.date(2026, 11, 14)
    assert settings.partition_start == dt.date(2025, 1, 1), "earlier days may still be read by command and by API"


def test_the_setting_decides_where_it_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("CALLING_PARTITION_START", "2026-01-05")
    settings = load(home=tmp_path)
    settings.keep_first_partition(dt.date(2026, 11, 14))
    assert settings.first_partition() == dt.date(2026, 1, 5)


def test_a_kept_day_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "partition_start").write_text("soon")
    with pytest.raises(ConfigurationError, match="partition_start holds no date"):
        load(home=tmp_path).first_partition()
