"""Settings from files: a secret need not stand in an environment."""

import os
import subprocess
import sys

import pytest

from calling_pipeline.cli.doctor import configuration
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.settings import PREFIX, Settings, load
from calling_pipeline_tests.support import LIMIT_S


@pytest.fixture
def given(tmp_path, monkeypatch):
    """Give a setting by a file with this content."""

    def give(name, content):
        path = tmp_path / name.lower()
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        monkeypatch.setenv(f"CALLING_{name}_FILE", str(path))
        return path

    return give


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_secret_is_read_from_its_file_without_the_end_of_the_line(given, end):
    given("SECRET_KEY", f"a key with  blanks inside {end}")
    assert load().secret_key.get_secret_value() == "a key with  blanks inside "


def test_every_setting_may_come_from_a_file(given):
    given("DATABASE_URL", "postgresql://u:p@h/d\n")
    given("API_TOKENS", '{"a token": {"role": "viewer"}}\n')
    given("GUANKE_CONCURRENCY", "7\n")
    given("ALERT_URLS", "json://h/a json://h/b\n")
    settings = load()
    assert settings.database_url.get_secret_value() == "postgresql://u:p@h/d"
    assert settings.token_grants()["a token"].role == "viewer"
    assert (settings.guanke_concurrency, settings.alert_urls) == (7, "json://h/a json://h/b")


def test_a_setting_whose_own_name_ends_alike_is_itself(monkeypatch, tmp_path):
    monkeypatch.setenv("CALLING_CAMPAIGNS_FILE", str(tmp_path / "campaigns.toml"))
    assert load().campaigns_file == tmp_path / "campaigns.toml"


def test_a_setting_given_twice_is_refused_without_its_value(given, monkeypatch):
    given("SECRET_KEY", "one-secret")
    monkeypatch.setenv("CALLING_SECRET_KEY", "another-secret")
    with pytest.raises(ConfigurationError) as caught:
        load()
    assert str(caught.value) == ("CALLING_SECRET_KEY and CALLING_SECRET_KEY_FILE are both given; take one of them away")


def test_the_environment_wins_over_the_file_of_settings_in_both_forms(given, monkeypatch, tmp_path):
    given("SECRET_KEY", "from the environment's file")
    (tmp_path / ".env").write_text(
        f"CALLING_SECRET_KEY=from .env\nCALLING_GUANKE_SECRET_FILE={tmp_path / 'guanke'}\nCALLING_GATEWAY_SIGN_FILE=none\n"
    )
    (tmp_path / "guanke").write_text("from a file that .env names\n")
    monkeypatch.setenv("CALLING_GATEWAY_SIGN", "from the environment")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"CALLING_GATEWAY_SIGN_FILE: none cannot be read"):
        load()
    (tmp_path / "none").write_text("from another file")
    settings = load()
    assert settings.secret_key.get_secret_value() == "from the environment's file"
    assert settings.guanke_secret.get_secret_value() == "from a file that .env names"
    assert settings.gateway_sign.get_secret_value() == "from the environment"


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("", "is empty"),
        ("\n", "is empty"),
        (b"secret \xff\xfe", "holds no text in UTF-8"),
        ("secret\0word", "holds a zero byte"),
        ("secret" * 20_000, "is larger than 64 KiB"),
    ],
)
def test_a_file_that_holds_no_value_is_named_without_what_it_holds(given, content, wrong):
    path = given("SECRET_KEY", content)
    with pytest.raises(ConfigurationError) as caught:
        load()
    assert str(caught.value).startswith(f"CALLING_SECRET_KEY_FILE: {path} {wrong}")
    assert "secret" not in str(caught.value).replace(str(path), "").lower().replace("calling_secret_key_file", "")
    assert caught.value.__cause__ is None


def test_a_file_that_cannot_be_read_is_named(monkeypatch, tmp_path):
    for path, why in ((tmp_path / "nowhere", "No such file"), (tmp_path, "Is a directory")):
        monkeypatch.setenv("CALLING_SECRET_KEY_FILE", str(path))
        with pytest.raises(ConfigurationError, match=f"CALLING_SECRET_KEY_FILE: {path} cannot be read: {why}"):
            load()


def test_a_wrong_value_in_a_file_is_named_as_in_the_environment_and_not_shown(given):
    given("GUANKE_CONCURRENCY", "many-secret")
    with pytest.raises(ConfigurationError, match=r"CALLING_GUANKE_CONCURRENCY") as caught:
        load()
    assert "secret" not in str(caught.value)


def test_a_child_gets_the_value_that_was_settled_and_no_file_beside_it(given, monkeypatch):
    given("DATABASE_URL", "postgresql://u:p@h/d\n")
    settled = load().child_environment({"CALLING_DATABASE_URL": "postgresql://u:p@h/d?x=1"})
    assert "CALLING_DATABASE_URL_FILE" not in settled
    program = "from calling_pipeline.settings import load; print(load().database_url.get_secret_value())"
    done = subprocess.run(
        [sys.executable, "-c", program], env=settled, capture_output=True, text=True, check=True, timeout=LIMIT_S
    )
    assert done.stdout == "postgresql://u:p@h/d?x=1\n"
    assert "CALLING_DATABASE_URL_FILE" in os.environ


def test_the_doctor_knows_these_names_and_finds_misspelt_ones(given):
    given("SECRET_KEY", "a key of some length")
    given("SECRET_KEZ", "a key of some length")
    assert [found.what.split()[0] for found in configuration.unknown()] == ["CALLING_SECRET_KEZ_FILE"]


def test_no_setting_is_hidden_by_the_file_of_another():
    names = {PREFIX + name.upper() for name in Settings.model_fields}
    assert {name for name in names if name.endswith("_FILE") and name.removesuffix("_FILE") in names} == set()
