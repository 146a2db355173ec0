"""The files of `deploy/` as Python sees them: which commands they run, which settings they name."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml

from calling_pipeline.cli.main import main
from calling_pipeline.settings import PREFIX, Settings
from calling_pipeline_tests.deploy.containerfile import CONTAINERFILE, ROOT, stages

DEPLOY = ROOT / "deploy"
BASE, CELERY = DEPLOY / "kubernetes" / "base", DEPLOY / "kubernetes" / "components" / "celery"
STAGES = stages(CONTAINERFILE.read_text(encoding="utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
UNITS = {path.stem: path.read_text(encoding="utf-8") for path in sorted((DEPLOY / "systemd").glob("*.service"))}
UNIT_OF = {
    "migrate": "calling-migrate", "code": "calling-code-server", "daemon": "calling-daemon", "ui": "calling-ui",
    "api": "calling-api", "worker": "calling-worker",
}  # fmt: skip


def objects_in(folder: Path) -> list[dict[str, Any]]:
    """What the files of a folder make in a cluster."""
    paths = [path for path in sorted(folder.glob("*.yaml")) if path.stem != "kustomization"]
    return [found for path in paths for found in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


OBJECTS = [*objects_in(BASE), *objects_in(CELERY)]


def workload(role: str) -> dict[str, Any]:
    """The Deployment of a role, or its Job."""
    found = [one for one in OBJECTS if one["kind"] in ("Deployment", "Job") and name_of(one) == role]
    assert len(found) == 1, role
    return found[0]


def name_of(thing: dict[str, Any]) -> str:
    """The role that an object is of."""
    return str(thing["metadata"].get("labels", {}).get("app.kubernetes.io/name", thing["metadata"]["name"]))


def pod(role: str) -> dict[str, Any]:
    """The pod of a role."""
    spec: dict[str, Any] = workload(role)["spec"]["template"]["spec"]
    return spec


def container(role: str) -> dict[str, Any]:
    """Its only container."""
    [only] = pod(role)["containers"]
    return only


def unit_value(unit: str, key: str) -> list[str]:
    """Every value of a key in a unit."""
    return re.findall(rf"^{key}=(.*)$", UNITS[unit], re.MULTILINE)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Where → the words after `calling-pipeline`, for every command that a file runs."""
    for name, stage in STAGES.items():
        for text in stage.of("CMD"):
            yield f"Containerfile {name}", yaml.safe_load(text)
    for name, service in COMPOSE["services"].items():
        if name not in ("postgres", "broker"):
            yield f"compose {name}", service["command"]
            if "healthcheck" in service:
                yield f"compose {name} healthcheck", _after_the_program(service["healthcheck"]["test"][1:])
    for name in UNITS:
        [line] = unit_value(name, "ExecStart")
        yield f"unit {name}", _after_the_program(shlex.split(line))
    for role in UNIT_OF:
        yield f"kubernetes {role}", container(role)["args"]
        for kind, probe in container(role).items():
            if kind.endswith("Probe") and "exec" in probe:
                yield f"kubernetes {role} {kind}", _after_the_program(probe["exec"]["command"])


def _after_the_program(words: list[str]) -> list[str]:
    assert words[0].rsplit("/", 1)[-1] == "calling-pipeline", words
    return words[1:]


def understood(words: list[str]) -> str | None:
    """Why the command line does not take these words; None when it does. Paths are not looked at: they are elsewhere."""
    context = click.Context(main, info_name="calling-pipeline")
    command = main.get_command(context, words[0])
    if command is None:
        return f"there is no command {words[0]}"
    inner = click.Context(command, info_name=words[0], parent=context)
    try:
        given, left, _ = command.make_parser(inner).parse_args(list(words[1:]))
    except click.UsageError as error:
        return error.format_message()
    for one in command.params:
        if (
            isinstance(one, click.Argument)
            and isinstance(one.type, click.Choice)
            and given[one.name] not in one.type.choices
        ):
            return f"{given[one.name]} is none of {list(one.type.choices)}"
    return f"too many words: {left}" if left else None


def texts() -> Iterator[tuple[str, str]]:
    """Name → text of every file of `deploy/`."""
    for path in sorted(DEPLOY.rglob("*")):
        if (path.is_file() and path.parent.name != "secrets") or path.name == "make.sh":
            yield str(path.relative_to(DEPLOY)), path.read_text(encoding="utf-8")


def secret_settings() -> set[str]:
    """The settings whose value is a secret."""
    fields = Settings.model_fields.items()
    return {f"{PREFIX}{name}".upper() for name, one in fields if not one.repr or "Secret" in str(one.annotation)}
