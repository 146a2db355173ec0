"""What the doctor finds, and how each probe is kept from holding up the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from calling_pipeline.errors import CallingError
from calling_pipeline.masking import mask_digits

Level = Literal["ok", "warn", "wrong"]
LIMIT_S = 10.0


@dataclass(frozen=True)
class Finding:
    """One sentence about one thing, and what to do when it is not well."""

    area: str
    level: Level
    what: str
    do: str = ""


@dataclass(frozen=True)
class Probe:
    """A look at one thing that takes `limit_s` at most; longer, and that is what was found."""

    area: str
    look: Callable[[], Sequence[Finding]]
    limit_s: float = LIMIT_S


def examine(probes: Sequence[Probe]) -> list[Finding]:
    """What all probes find, in their order. They look at the same time; none is waited for longer than its limit."""
    running = [_Running(probe) for probe in probes]
    return [finding for one in running for finding in one.findings()]


class _Running:
    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._found: Sequence[Finding] = ()
        self._begun = time.monotonic()
        self._thread = threading.Thread(target=self._look, name=f"doctor: {probe.area}", daemon=True)
        self._thread.start()

    def findings(self) -> Sequence[Finding]:
        self._thread.join(max(0.0, self._begun + self._probe.limit_s - time.monotonic()))
        if self._thread.is_alive():
            return [
                Finding(
                    self._probe.area,
                    "wrong",
                    f"it did not answer within {self._probe.limit_s:.0f} s",
                    "look whether the network, the disk or the server it asks hangs",
                )
            ]
        return self._found

    def _look(self) -> None:
        try:
            self._found = self._probe.look()
        except CallingError as error:
            self._found = [Finding(self._probe.area, "wrong", str(error))]
        except Exception as error:  # a probe that fails is a finding, and no reason to be silent about the others
            said = mask_digits(str(error).strip().splitlines()[0] if str(error).strip() else "")
            self._found = [Finding(self._probe.area, "wrong", f"it could not be looked at ({type(error).__name__}: {said})")]
