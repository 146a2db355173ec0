"""The catalogue: both languages are complete, every key that is used exists, and none is there for nothing."""

import re
import tomllib
from pathlib import Path

import pytest

import calling_pipeline
from calling_pipeline.texts.catalogue import LANGUAGES, Catalogue, catalogue

PACKAGE = Path(calling_pipeline.__file__).parent
FOLDER = PACKAGE / "texts"
SOURCES = [path for kind in ("html", "py") for path in PACKAGE.rglob(f"*.{kind}")]
PLACE = re.compile(r"\{(\w+)\}")
TABLES = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted((FOLDER / "pages").glob("*.toml"))}


def test_every_text_has_both_languages_with_the_same_places():
    for room, table in TABLES.items():
        for key, texts in table.items():
            assert set(texts) == set(LANGUAGES), f"{room}.{key}"
            assert all(text.strip() for text in texts.values()), f"{room}.{key}"
            assert len({tuple(sorted(PLACE.findall(text))) for text in texts.values()}) == 1, f"{room}.{key}"


def test_every_text_that_is_named_exists():
    named = {}
    for path in SOURCES:
        text = path.read_text("utf-8")
        for key in re.findall(r"""\bt\(\s*["']([\w.]+)["']\s*[,)]""", text):
            named[key] = path.name
        for key in re.findall(r"""(?:State|Entry|done)\(\s*["']([a-z_]+\.\w+)["']""", text):
            named[key] = path.name
    assert {key: where for key, where in named.items() if key not in catalogue().keys} == {}


def test_no_text_is_there_for_nothing():
    """A key is used as it is, or by the part before a name that is put together: `"common.role_" ~ role`."""
    sources = "\n".join(path.read_text("utf-8") for path in SOURCES)
    prefixes = set(re.findall(r"""["']([a-z_]+\.\w+_)["']""", sources)) | set(
        re.findall(r"""f["']([a-z_]+\.\w+_)\{""", sources)
    )
    listed = {f"{room}.column_" for room in TABLES}
    used = set(re.findall(r"""["'](?=([\w.]+)["'])""", sources))
    assert [key for key in catalogue().keys - used if not key.startswith((*prefixes, *listed))] == []


def test_a_sentence_of_a_room_is_found_by_its_pattern_and_its_parts_are_translated_too():
    made = Catalogue({}, {"batch {id} is {state}": "批次 {id} {state}", "paused": "已暂停"})
    assert made.say("batch 7 is paused", "zh") == "批次 7 已暂停"
    assert made.say("batch 7 is paused", "en") == "batch 7 is paused"
    assert made.say("something else", "zh") == "something else"


def test_a_sentence_among_joined_ones_may_have_the_joint_within_it():
    made = Catalogue({}, {"{num} grades are unknown; say what they mean": "有 {num} 个未知", "paused": "已暂停"})
    assert made.say("paused; 7 grades are unknown; say what they mean; else", "zh") == "已暂停；有 7 个未知；else"


def test_no_place_for_one_thing_swallows_a_whole_sentence_where_each_is_known():
    """Such as "the {kind} report of {label} is whole", which would fit both, from the first word to the last."""
    both = "the grade cache of 2026-11-25 keeps to the timetable; the weekly report of 2026-W46 is whole"
    said = catalogue().say(f"6 alerts are open: {both} and 4 more", "zh")
    assert said == "有 6 条告警未关闭，未达标：话单维度 2026-11-25 的缓存按时刷新；周报告 2026-W46 完整；另有 4 条"


def test_every_act_of_the_audit_log_has_words():
    noted = set()
    for path in PACKAGE.rglob("*.py"):
        noted |= set(re.findall(r"""note_act\(\s*\w+,\s*"([a-z_]+\.[a-z_]+)\"""", path.read_text("utf-8")))
    assert len(noted) > 30
    assert [act for act in sorted(noted) if catalogue().act(act, "zh") == act] == []


def test_the_pieces_of_a_phrase_are_the_same_in_both_languages():
    for path in (FOLDER / "phrases").glob("*.toml"):
        for phrase in tomllib.loads(path.read_text("utf-8"))["phrase"]:
            used = set(PLACE.findall(phrase["zh"]))
            assert used <= set(PLACE.findall(phrase["en"])), phrase["en"]


def test_a_key_that_is_not_there_is_an_error():
    with pytest.raises(KeyError):
        catalogue().text("common.nothing", "zh")
