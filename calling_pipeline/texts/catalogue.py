"""The texts of all pages in Chinese and English: one catalogue, kept as `texts/ROOM.toml` with a table for each text.

`catalogue.text("batches.pause", "zh")` is the entry `[pause]` of `texts/batches.toml`. What the rooms themselves say
(errors, alerts, reasons) are English sentences; `phrases/ROOM.toml` holds their Chinese, found by pattern: the one with
the most words of its own that fits. `{name}` stands for any text, `{num}` (and `{num2}`, …) for a number, `{iso}` for a day.
Of sentences joined by `; ` that no pattern knows as a whole, the longest beginning that one knows is taken, and so on;
`{names}` stands for several of them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any, get_args

from calling_pipeline.access.people.records import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)
_ACT = "audit.act_"
_PLACE = re.compile(r"\{(\w+)\}")
_TYPED: Mapping[str, str] = {"num": r"[\d.,]+", "iso": r"\d{4}-\d\d-\d\d"}


class Catalogue:
    """Texts by key, and the Chinese of English sentences."""

    def __init__(self, texts: Mapping[str, Mapping[Language, str]], phrases: Mapping[str, str]) -> None:
        self._texts = texts
        placed = [english for english in phrases if _PLACE.search(english)]
        placed.sort(key=lambda english: len(_PLACE.sub("", english)), reverse=True)
        self._phrases = [_Phrase(english, phrases[english]) for english in placed]
        self._whole = {english: phrases[english] for english in phrases.keys() - set(placed)}
        self._said = lru_cache(maxsize=5000)(self._found)

    @property
    def keys(self) -> frozenset[str]:
        """Every key there is."""
        return frozenset(self._texts)

    def text(self, key: str, language: Language, **values: Any) -> str:
        """The text with its places filled. Raises `KeyError` for a key or a place that is not there."""
        return _PLACE.sub(lambda place: str(values[place[1]]), self._texts[key][language])

    def act(self, act: str, language: Language) -> str:
        """The words for an act of the audit log; an act that has none as it is written there."""
        key = _ACT + act.replace(".", "__")
        return self._texts[key][language] if key in self._texts else act

    def acts(self, language: Language) -> list[tuple[str, str]]:
        """Every act that has words, as the log has it and in words."""
        found = [(key.removeprefix(_ACT), texts[language]) for key, texts in self._texts.items() if key.startswith(_ACT)]
        return sorted((key.replace("__", "."), words) for key, words in found)

    def say(self, sentence: str, language: Language) -> str:
        """An English sentence of a room in this language; as it is where no phrase is known for it."""
        return sentence if language == "en" else self._said(sentence)

    def _found(self, sentence: str) -> str:
        """The parts of a joined sentence, as many together as one phrase knows; what none knows stays as it is.

        Before a place other than `{names}` may swallow whole parts, each is tried without: "the {kind} report …" would else
        fit two alerts at once.
        """
        parts, said = sentence.split("; "), []
        while parts:
            tries = [(n, narrow) for narrow in (True, False) for n in range(len(parts), 0, -1) if narrow or len(parts) > 1]
            known = ((n, self._known("; ".join(parts[:n]), narrow=narrow)) for n, narrow in tries)
            count, chinese = next(((n, found) for n, found in known if found is not None), (1, parts[0]))
            said.append(chinese)
            parts = parts[count:]
        return "；".join(said)

    def _known(self, sentence: str, *, narrow: bool) -> str | None:
        if sentence in self._whole:
            return self._whole[sentence]
        for phrase in self._phrases:
            match = phrase.match(sentence)
            if match and not (narrow and any("; " in text for name, text in match.groupdict().items() if name != "names")):
                values = {name: self.say(value, "zh") for name, value in match.groupdict().items()}
                return _PLACE.sub(lambda place: values[place[1]], phrase.chinese)  # noqa: B023 - called at once
        return None


class _Phrase:
    """A sentence with places. Its pattern is compiled for the first sentence that has its longest words."""

    def __init__(self, english: str, chinese: str) -> None:
        self._english = english
        self.chinese = chinese
        self._words = max(_PLACE.split(english)[::2], key=len)

    def match(self, sentence: str) -> re.Match[str] | None:
        """How the whole sentence fits."""
        return self._pattern.fullmatch(sentence) if self._words in sentence else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _pattern(self._english)


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The catalogue of this package."""
    texts = {f"{room}.{key}": value for room, table in _tables("pages") for key, value in table.items()}
    phrases = {one["en"]: one["zh"] for _, table in _tables("phrases") for one in table.get("phrase", ())}
    return Catalogue(texts, phrases)


def _tables(folder: str) -> list[tuple[str, dict[str, Any]]]:
    found = sorted(files(__package__).joinpath(folder).iterdir(), key=lambda path: path.name)
    return [
        (path.name.removesuffix(".toml"), tomllib.loads(path.read_text("utf-8")))
        for path in found
        if path.name.endswith(".toml")
    ]


def _pattern(english: str) -> re.Pattern[str]:
    parts = _PLACE.split(english)
    text = "".join(re.escape(part) if place % 2 == 0 else _named(part) for place, part in enumerate(parts))
    return re.compile(text, re.DOTALL)


def _named(place: str) -> str:
    return f"(?P<{place}>{_TYPED.get(place.rstrip('0123456789'), '.+?')})"
