"""Documents by typst: each is set in a process of its own, within a time, from data alone."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from calling_pipeline.errors import Busy
from calling_pipeline.masking import mask_digits
from calling_pipeline.reports.files.fonts import Font

LONGEST_S = 30.0
"""A document that takes longer is stopped; a daily report takes less than one second."""
AT_ONCE = 2
"""Documents set at a time by one process; others wait their turn for as long as one may take."""
_turns = threading.BoundedSemaphore(AT_ONCE)


def typeset(
    template: str,
    data: Mapping[str, Any],
    font: Font,
    *,
    format: Literal["pdf", "png"],
    timestamp: int | None = None,
    longest_s: float | None = None,
) -> bytes:
    """The document of `template` over `data`; a PDF is tagged (PDF/UA-1) and carries `timestamp`, seconds since 1970.

    Raises `Busy` when it took longer than `longest_s` seconds (without it `LONGEST_S`) or found no turn, `RuntimeError` when
    it cannot be set.
    """
    order = {
        "template": _template(template),
        "data": {**_shown(data, font), "font": font.family},
        "format": format,
        **({"standards": ["ua-1"], "timestamp": timestamp} if format == "pdf" else {"ppi": 144}),
    }
    limit_s = LONGEST_S if longest_s is None else longest_s
    if not _turns.acquire(timeout=limit_s):
        raise Busy(f"{AT_ONCE} documents are being made already; ask again in a moment")
    try:
        with tempfile.TemporaryDirectory(prefix="calling-fonts-") as folder:
            (Path(folder) / f"font{font.path.suffix}").symlink_to(font.path)
            return _run({**order, "fonts": folder}, limit_s)
    finally:
        _turns.release()


def _run(order: Mapping[str, Any], longest_s: float) -> bytes:
    program = str(Path(__file__).with_name("typesetter.py"))
    try:
        done = subprocess.run(
            [sys.executable, "-I", program],
            input=json.dumps(order).encode(),
            capture_output=True,
            timeout=longest_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Busy(f"the document was not ready within {longest_s:g} s and was stopped; ask for a shorter period") from error
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or [f"it ended with {done.returncode}"]
        raise RuntimeError(f"the document could not be set: {mask_digits(lines[-1][:300])}")
    return done.stdout


@cache
def _template(name: str) -> str:
    return files(__package__).joinpath(f"{name}.typ").read_text("utf-8")


def _shown(value: Any, font: Font) -> Any:
    """The data with every text as the font can show it."""
    if isinstance(value, str):
        return font.shown(value)
    if isinstance(value, Mapping):
        return {key: _shown(one, font) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(one, font) for one in value]
    return value
