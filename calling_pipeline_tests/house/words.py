"""Words that this project does not use, and what it says instead; `docs/glossary.md` gives the reasons.

`python -m calling_pipeline_tests.house.words [FOLDER …]` lists the lines that use one. `_` separates words, so that names of
functions and tests are read too; capital letters do not matter.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from calling_pipeline_tests.house.source import ROOT

_UNIT = "second|minute|hour|day|date|week|month"
_THING = (
    f"{_UNIT}|batch|receiver|channel|tenant|room|change|test|process|machine|contract|phone|number|figure|run|round|page|unit"
    "|worker|collector|group|client|tick|task|table|customer|message"
)
_NOT_A_NOUN = (
    "is|was|has|had|with|of|for|in|to|at|that|who|by|when|after|as|or|and|on|from|than|until|makes|gives|needs|means|whose"
)
_PLURALS = (
    "rows|messages|calls|pushes|sends|requests|times|records|contacts|saves|attempts|pages|runs|events|statements|acts"
)

# Pattern → what to write.
BANNED: dict[str, str] = {
    "lends?|lending|lent|lender": "allocate, give",
    "bury|buries|buried": "mark as unknown",
    "the dead(?= *(?:[.,;:)`]|$)| is| are| who| that)": "orphaned claims, ended processes",
    "told|untold": "alerted, reported, said",
    "fates?": "outcome",
    "nought": "zero, reset",
    "for ever": "permanently",
    "crowds?": "group, set",
    "in vain": "without effect",
    "he|his|him|himself": "they, the collector, the person",
    f"(?:once|twice|times|thousand|{_PLURALS}) a (?:{_UNIT})": "per",
    f"(?:one|two|three|few) (?!(?:{_NOT_A_NOUN}) )[a-z]+ a (?:{_THING})": "per",
    "json line a figure": "per figure",
    "whatever becomes of": "even if … fails",
}
# Names that others rely on: a column, and the function of version 0.1.0 that a migration replaces.
KEPT = re.compile(r"\blent_at\b|\blend_extension\b")

_SUFFIXES = {".py", ".sql", ".md", ".toml", ".j2", ".mako", ".yaml", ".txt", ".html", ".js", ".css"}
_NOT_READ = {"calling_pipeline_tests/house/words.py", "calling_pipeline_tests/house/test_words.py", "docs/glossary.md"}
_SKIPPED = {".venv", ".git", "__pycache__", ".hypothesis", "build", ".calling"}
_PATTERN = re.compile("|".join(f"(?<![a-z])(?:{pattern})(?![a-z])" for pattern in BANNED))


FROZEN = re.compile(r"/database/migrations/versions/|/schema_of_0010\.sql$")
"""What merged migrations ran and made, which never changes."""


def texts(root: Path = ROOT, folder: str = "") -> Iterator[tuple[str, str]]:
    """(name, text) of every file that people read; `Makefile` and `.env.example` included."""
    for path in sorted((root / folder).rglob("*")):
        name = path.relative_to(root).as_posix()
        is_text = path.suffix in _SUFFIXES or path.name in {"Makefile", ".env.example"}
        if FROZEN.search(name) or name.endswith(".min.js"):  # a library that is kept as it was published
            continue
        if is_text and name not in _NOT_READ and path.is_file() and not _SKIPPED & set(path.relative_to(root).parts):
            yield name, path.read_text(encoding="utf-8")


def banned_words(text: str) -> list[tuple[int, str]]:
    """(line, words) of every use of a banned word, also where a line break stands within it."""
    plain = KEPT.sub(lambda kept: "x" * len(kept.group()), text).lower().replace("_", " ")
    plain = re.sub(r"\n[#\-/* ]*", lambda gap: "\n" + " " * (len(gap.group()) - 1), plain)
    flowing = re.sub(r"\s", " ", plain)
    flowing = re.sub(r" {2,}", lambda gap: " " + "\0" * (len(gap.group()) - 1), flowing)
    kept = [(index, char) for index, char in enumerate(flowing) if char != "\0"]
    joined = "".join(char for _, char in kept)
    return [(text.count("\n", 0, kept[found.start()][0]) + 1, found.group()) for found in _PATTERN.finditer(joined)]


if __name__ == "__main__":
    for folder in sys.argv[1:] or [""]:
        for name, text in texts(folder=folder):
            for line, words in banned_words(text):
                print(f"{name}:{line}: {words}")
