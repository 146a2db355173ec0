"""Dagster's workspace file: which code servers there are."""

from __future__ import annotations

from pathlib import Path

import yaml

from calling_pipeline.cli.listening import HOST
from calling_pipeline.errors import InvalidInput


def servers_of(workspace: Path) -> list[tuple[str, int]]:
    """Host and port of each code server that the workspace file names plainly. Raises `InvalidInput` for no such file."""
    try:
        entries = yaml.safe_load(workspace.read_text(encoding="utf-8"))["load_from"]
        servers = [entry["grpc_server"] for entry in entries if "grpc_server" in entry]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise InvalidInput(f"{workspace} is no workspace file of Dagster: it has no list `load_from`") from error
    plain = [server for server in servers if isinstance(server.get("port"), int)]
    return [(str(server.get("host", HOST)), server["port"]) for server in plain if not isinstance(server.get("host"), dict)]
