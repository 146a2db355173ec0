"""The night's log: each line with its time, each command with what it took and said."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from calling_pipeline import days


class Journal:
    """Lines go to the screen and into `night.log`, figures into `night.json`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "night.log"
        self._figures = folder / "night.json"
        self._began = time.monotonic()
        self.figures: dict[str, Any] = {}

    def say(self, text: str) -> None:
        """Note what was seen."""
        at = f"{days.now().astimezone(days.SHANGHAI):%H:%M:%S} {time.monotonic() - self._began:7.1f} s"
        lines = "".join(f"{at}  {line}\n" for line in text.rstrip().splitlines())
        print(lines, end="", flush=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(lines)

    def figure(self, name: str, value: Any) -> None:
        """Note a figure under a name."""
        self.figures[name] = value
        self._figures.write_text(json.dumps(self.figures, ensure_ascii=False, indent=1), encoding="utf-8")
        self.say(f"= {name}: {value}")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step with what it takes."""
        self.say(f"## {name}")
        begin = time.monotonic()
        yield
        self.figure(f"{name}, s", round(time.monotonic() - begin, 1))

    def need(self, condition: object, what: str) -> None:
        """Something that must hold; the night ends where it does not."""
        self.say(f"{'holds' if condition else 'DOES NOT HOLD'}: {what}")
        assert condition, what
