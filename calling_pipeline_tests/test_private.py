"""What a process leaves behind is nobody else's: its files, its logs, its tracebacks."""

import logging
import os
import subprocess
import sys

import pytest

from calling_pipeline import private
from calling_pipeline.private import PrivateFormatter, keep_files_private, traceback_of

PHONE = "13812345678"


@pytest.fixture(autouse=True)
def same_umask():
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


def mode(path):
    return path.stat().st_mode & 0o777


def test_what_others_could_read_of_a_home_is_closed_and_that_is_said_once(tmp_path, caplog):
    home = tmp_path / "home"
    (home / "dagster" / "runs").mkdir(parents=True)
    (home / "postgres").mkdir()
    (home / "notes.log").write_text("x")
    for path, others in ((home, 0o755), (home / "dagster", 0o755), (home / "postgres", 0o700), (home / "notes.log", 0o644)):
        path.chmod(others)
    keep_files_private(home)
    keep_files_private(home)
    assert (mode(home / "dagster"), mode(home / "notes.log"), mode(home / "postgres")) == (0o700, 0o600, 0o700)
    assert mode(home) == (0o755 if os.geteuid() == 0 else 0o700)
    assert [record.getMessage() for record in caplog.records] == [
        f"files in {home} could be read by other users of this machine; they are closed to them now"
    ]


def test_new_files_are_the_users_own_and_a_home_that_is_not_there_is_no_error(tmp_path):
    keep_files_private(tmp_path / "none")
    made = tmp_path / "made"
    made.write_text("x")
    (tmp_path / "folder").mkdir()
    assert (mode(made), mode(tmp_path / "folder")) == (0o600, 0o700)


def test_a_link_in_a_home_opens_or_closes_nothing_elsewhere(tmp_path):
    target, home = tmp_path / "elsewhere", tmp_path / "home"
    target.mkdir(mode=0o755)
    target.chmod(0o755)
    home.mkdir()
    (home / "link").symlink_to(target)
    keep_files_private(home)
    assert mode(target) == 0o755


def logged(name, message, error=None):
    record = logging.LogRecord(name, logging.ERROR, "", 1, message, (), (type(error), error, None) if error else None)
    return PrivateFormatter("%(message)s").format(record)


def test_a_traceback_in_a_log_and_the_words_of_others_are_masked():
    assert PHONE not in logged("calling_pipeline.x", "failed", ValueError(f"no number: {PHONE}"))
    assert PHONE not in logged("uvicorn.error", f"odd request {PHONE}")
    assert "138****5678" in logged("uvicorn.error", f"odd request {PHONE}")
    assert logged("calling_pipeline.x", "10000000 rows") == "10000000 rows"


def test_a_traceback_shows_no_number_in_any_of_its_causes():
    try:
        try:
            raise KeyError(PHONE)
        except KeyError as error:
            raise ValueError(f"138 1234 5678 {private.OURS}") from error
    except ValueError as error:
        text = traceback_of(error)
    assert "138****5678" in text
    assert PHONE not in text
    assert "138 1234 5678" not in text


def test_a_fault_that_ends_a_command_prints_no_number():
    program = f"from calling_pipeline.private import log_to_stderr; log_to_stderr(); raise ValueError('{PHONE}')"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "ValueError: 138****5678" in ended.stderr
    assert PHONE not in ended.stderr.replace(f"raise ValueError('{PHONE}')", "")
