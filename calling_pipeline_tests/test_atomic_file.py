"""Replacing a file that others edit: nothing of theirs is lost, and the file is whole at every instant."""

from __future__ import annotations

import os

import pytest

from calling_pipeline.atomic_file import ROUNDS, create, replace
from calling_pipeline.errors import Busy, Conflict, NotFound


def test_an_edit_made_while_the_file_is_being_changed_survives(tmp_path):
    path = tmp_path / "c.csv"
    path.write_bytes(b"one N")
    seen = []

    def change(content):
        seen.append(content)
        if len(seen) == 1:
            path.write_bytes(b"one N, two added")
        return content.replace(b"N", b"Y")

    assert replace(path, change)
    assert seen == [b"one N", b"one N, two added"]
    assert path.read_bytes() == b"one Y, two added"
    assert (tmp_path / "c.csv.bak").read_bytes() == b"one N, two added"


def test_a_file_that_never_rests_is_left_alone(tmp_path):
    path = tmp_path / "c.csv"
    path.write_bytes(b"0")
    calls = []

    def change(content):
        calls.append(content)
        path.write_bytes(content + b"+")
        return content + b"Y"

    with pytest.raises(Busy, match="keeps changing"):
        replace(path, change)
    assert path.read_bytes() == b"0" + b"+" * ROUNDS
    assert [file.name for file in tmp_path.iterdir()] == ["c.csv"]


def test_the_same_bytes_are_not_written_at_all(tmp_path):
    path = tmp_path / "c.csv"
    path.write_bytes(b"same")
    before = path.stat()
    assert not replace(path, lambda content: content)
    assert path.stat() == before


def test_mode_and_link_stay(tmp_path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_bytes(b"N")
    real.chmod(0o640)
    link.symlink_to(real)
    assert replace(link, lambda content: b"Y")
    assert link.is_symlink()
    assert (real.read_bytes(), oct(real.stat().st_mode)[-3:]) == (b"Y", "640")


def test_what_a_killed_writer_left_is_overwritten_and_gone(tmp_path):
    path = tmp_path / "c.csv"
    path.write_bytes(b"N")
    (tmp_path / ".c.csv.new~").write_bytes(b"half a fi")
    (tmp_path / ".c.csv.bak~").write_bytes(b"half a fi")
    assert replace(path, lambda content: b"Y")
    assert sorted(os.listdir(tmp_path)) == ["c.csv", "c.csv.bak"]


def test_a_file_that_exists_is_never_made_anew_and_a_missing_one_is_said(tmp_path):
    path = tmp_path / "c.csv"
    create(path, b"new")
    with pytest.raises(Conflict, match="exists"):
        create(path, b"newer")
    assert path.read_bytes() == b"new"
    with pytest.raises(NotFound, match="does not exist"):
        replace(tmp_path / "none.csv", lambda content: content)
