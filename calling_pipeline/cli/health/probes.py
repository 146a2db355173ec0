"""Asks a role of this machine whether it lives, or is ready to work. A probe runs often: each imports only what it uses.

Live: the process is there and answers, so a restart would help it no further. Ready: it can do its work now. What is down
elsewhere, PostgreSQL above all, makes a role unready and never dead.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from calling_pipeline.cli.health.records import ANSWER_S, HOST, Health, Question

if TYPE_CHECKING:
    from calling_pipeline.settings import Settings


def look(role: str, question: Question, port: int | None = None) -> Health:
    """Ask the role of this machine; `port` is where it listens, when that is not as the settings say."""
    well, said = _ROLES[role](question, port)
    return Health(role, question, well, said)


def _api(question: Question, port: int | None) -> tuple[bool, str]:
    return _over_http(port or _settings().api_port, question)


def _ui(question: Question, port: int | None) -> tuple[bool, str]:
    return _over_http(port or _settings().ui_port, question)


def _over_http(port: int, question: Question) -> tuple[bool, str]:
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/livez" if question == "live" else "/readyz")
        answer = connection.getresponse()
        body = answer.read(2000)
    except (OSError, http.client.HTTPException) as error:
        return False, f"nothing answers at {HOST}:{port} ({type(error).__name__})"
    finally:
        connection.close()
    if answer.status == http.client.OK:
        return True, f"{HOST}:{port} answers"
    return False, f"{HOST}:{port} answers {answer.status}: {_sentence(body)}"


def _sentence(body: bytes) -> str:
    try:
        said = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return "no reason is given"
    return str(said)


def _code_server(question: Question, port: int | None) -> tuple[bool, str]:
    from calling_pipeline.cli.health.code_server import code_server  # noqa: PLC0415 - 140 ms of every other probe

    return code_server(f"{HOST}:{port or _settings().code_server_port}")


def _portless(role: str, question: Question) -> tuple[bool, str]:
    from calling_pipeline.cli.health.portless import LOOKS  # noqa: PLC0415 - 400 ms of every other probe

    return LOOKS[role](question)


def _settings() -> Settings:
    from calling_pipeline.settings import load  # noqa: PLC0415 - 200 ms of every probe that names its port

    return load()


_ROLES: Mapping[str, Callable[[Question, int | None], tuple[bool, str]]] = {
    "api": _api,
    "code-server": _code_server,
    "daemon": lambda question, port: _portless("daemon", question),
    "ui": _ui,
    "worker": lambda question, port: _portless("worker", question),
}
ROLES = tuple(_ROLES)
