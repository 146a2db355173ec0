"""What the scenes of the demo act with: the API as a person of the example, and the simulator, whose faults are healed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from calling_pipeline.access.tokens import tokens
from calling_pipeline.errors import ConfigurationError, Conflict
from calling_pipeline.example import hearing, keeping
from calling_pipeline.example.names import BY
from calling_pipeline.runtime import Runtime

PERSON = "example-operator"
_MARK = {"planted_by": "demo"}
"""Marks the demo's own faults: it takes no other away."""
_TIMEOUT_S = 120.0
Say = Callable[[str], None]


class Stage:
    """The running product as `example-operator` sees it. `pace` 1: as long as people need to look; 0: no pauses."""

    def __init__(self, runtime: Runtime, api: httpx.Client, simulator: httpx.Client, say: Say, pace: float) -> None:
        self.runtime, self._api, self._simulator, self.say, self._pace = runtime, api, simulator, say, pace

    @property
    def address(self) -> str:
        """Where the pages are."""
        return self.runtime.settings.address

    def look(self, sentence: str, path: str = "") -> None:
        """Say what happens, and on which page it is seen."""
        self.say(f"{sentence}{f'   → {self.address}{path}' if path else ''}")

    def patience(self, seconds: float) -> float:
        """How long to wait for what comes slowly: `seconds` where people look, a little otherwise."""
        return max(2.0, seconds * self._pace)

    def pause(self, seconds: float) -> None:
        """Let people look."""
        time.sleep(seconds * self._pace)

    def wait_until(self, condition: Callable[[], bool], *, within_s: float) -> bool:
        """Whether it came true in time."""
        deadline = time.monotonic() + within_s
        while not (done := condition()) and time.monotonic() < deadline:
            time.sleep(1.0)
        return done

    def ask(self, path: str, **parameters: Any) -> Any:
        """What the API answers. Raises `Conflict` with its sentence when it refuses."""
        return _data(self._api.get(path, params=parameters))

    def act(self, path: str, body: Mapping[str, Any]) -> Any:
        """An act by the API. Raises `Conflict` with its sentence when it refuses."""
        return _data(self._api.post(path, json=dict(body)))

    def tried(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """An act that may be refused: the whole answer, `success` says whether it was."""
        answer: dict[str, Any] = self._api.post(path, json=dict(body)).json()
        return answer

    def behave(self, **settings: Any) -> None:
        """Change how simulated calls go."""
        self._simulator.post("/infinity/_sim/settings", json=settings).raise_for_status()

    def plant(self, kind: str, path: str, *, times: int | None = 1, after: bool = False, **options: Any) -> None:
        """Plant a fault in the simulator; `heal` takes it away."""
        fault = {"kind": kind, "path": path, "times": times, "after": after, "options": {**options, **_MARK}}
        self._simulator.post("/_sim/faults", json=fault).raise_for_status()

    def heal(self, path: str = "") -> None:
        """Take the demo's faults away, those of `path` or all; those that others planted stay."""
        planted = self._simulator.get("/_sim/faults").raise_for_status().json()
        others = [
            fault
            for fault in planted
            if fault["options"].get("planted_by") != _MARK["planted_by"] or not fault["path"].startswith(path)
        ]
        if len(others) < len(planted):
            self._simulator.delete("/_sim/faults").raise_for_status()
            for fault in others:
                self._simulator.post("/_sim/faults", json=fault).raise_for_status()


@contextmanager
def stage(runtime: Runtime, say: Say, *, pace: float = 1.0) -> Iterator[Stage]:
    """The stage, on which every fault is healed and the token revoked at the end, an interrupt included.

    Raises `ConfigurationError` where a vendor is not the simulator, and `Conflict` where `up` does not run here or the
    example world is missing.
    """
    settings = runtime.settings
    keeping.require_simulator(settings)
    api = httpx.Client(base_url=f"http://127.0.0.1:{settings.api_port}", trust_env=False, timeout=_TIMEOUT_S)
    simulator = httpx.Client(base_url=settings.simulator_url, trust_env=False, timeout=_TIMEOUT_S)
    with api, simulator:
        _require_running(api, simulator)
        if keeping.state_of(settings) != "seeded" or not hearing.hear(runtime):
            raise Conflict("there is no example world here; make it with `calling-pipeline example seed`")
        with runtime.transaction() as connection:
            token, secret = tokens.issue(connection, PERSON, label="demo", by=BY, valid_days=1)
        api.headers["Authorization"] = f"Bearer {secret}"
        made = Stage(runtime, api, simulator, say, pace)
        made.heal()  # what a demo that was killed left
        try:
            yield made
        finally:
            made.heal()
            with runtime.transaction() as connection:
                tokens.revoke(connection, token.id, by=BY, reason="the demo is over")


def _require_running(api: httpx.Client, simulator: httpx.Client) -> None:
    for client, path in ((api, "/healthz"), (simulator, "/_sim/faults")):
        try:
            client.get(path).raise_for_status()
        except httpx.HTTPError as error:
            raise ConfigurationError(
                f"nothing answers at {client.base_url}: start `make up` in another terminal and wait for its addresses"
            ) from error


def _data(answer: httpx.Response) -> Any:
    document = answer.json()
    if not document.get("success"):
        raise Conflict(str(document.get("error") or f"the API answered {answer.status_code}"))
    return document["data"]
