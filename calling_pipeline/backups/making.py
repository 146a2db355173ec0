"""Makes a backup: both databases, each at one moment, and the files beside them; the folder appears whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from calling_pipeline import __version__, days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.backups import databases, places, sealing
from calling_pipeline.backups.records import DatabaseName, DumpedDatabase, Manifest
from calling_pipeline.backups.snapshots import Snapshot, snapshot
from calling_pipeline.database.revisions import current_revision
from calling_pipeline.errors import ConfigurationError, Conflict, InvalidInput
from calling_pipeline.runtime import Runtime

MANIFEST = "manifest.json"
_NO_PASSPHRASE = (
    "the secret key opens every vendor's secret in a backup: set CALLING_BACKUP_PASSPHRASE, with which it is sealed, or"
    " leave it out with --without-key and keep it elsewhere; without it nothing that is sealed can be opened again"
)
Say = Callable[[str], None]


def make_backup(
    runtime: Runtime,
    folder: Path,
    *,
    by: str,
    with_key: bool = True,
    with_recordings: bool = True,
    say: Say = lambda said: None,
) -> Manifest:
    """Write a backup into `folder`, which must not hold anything yet, while everything goes on working.

    Raises `Conflict` for a folder that is not empty, `ConfigurationError` without a passphrase or without `pg_dump`,
    `InvalidInput` when the folder cannot be written. Then nothing is left behind.
    """
    runtime.require_schema()
    passphrase = _passphrase(runtime, with_key)
    folder = folder.expanduser().absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"{folder} is not empty; name a new folder for each backup")
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    try:
        draft.mkdir(parents=True, mode=0o700)
        manifest = _written(runtime, draft, passphrase, with_recordings, say)
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    except OSError as error:
        raise InvalidInput(f"the backup cannot be written into {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    after = {"made_at": manifest.made_at.isoformat(), "rows": manifest.rows, "files": len(manifest.files)}
    with runtime.transaction() as connection:
        note_act(connection, "backup.make", f"backup:{folder.name}", by=by, after=after)
    return manifest


def _passphrase(runtime: Runtime, with_key: bool) -> str | None:
    given = runtime.settings.backup_passphrase
    if not with_key:
        return None
    if given is None:
        raise ConfigurationError(_NO_PASSPHRASE)
    return given.get_secret_value()


def _written(runtime: Runtime, draft: Path, passphrase: str | None, with_recordings: bool, say: Say) -> Manifest:
    material = runtime.settings.secret_key_bytes()
    made_at = days.now()
    with ExitStack() as stack:
        taken: dict[DatabaseName, Snapshot] = {"business": stack.enter_context(snapshot(runtime.direct_url))}
        if databases.is_there(runtime.existing_dagster_url):
            taken["dagster"] = stack.enter_context(snapshot(runtime.existing_dagster_url))
        business = taken["business"]
        revision = current_revision(business.connection)
        dumped: dict[DatabaseName, DumpedDatabase] = {}
        for name, one in taken.items():
            say(f"writing the {name} database")
            dumped[name] = one.dump(draft / f"{name}.dump")
    say("copying files")
    found = places.Places.of(runtime.settings).found(with_recordings=with_recordings)
    files = tuple(places.copy_in(kind, name, path, draft, number) for number, (kind, name, path) in enumerate(found))
    key_file = None
    if passphrase is not None:
        key_file = "secret.key.sealed"
        (draft / key_file).write_bytes(sealing.seal(material, passphrase))
        (draft / key_file).chmod(0o600)
    left_out = [what for what, there in (("secret key", key_file), ("recordings", with_recordings)) if not there]
    manifest = Manifest(
        made_at=made_at,
        program=__version__,
        server=str(business.server_version),
        revision=revision or "",
        databases=dumped,
        files=files,
        key_print=sealing.print_of(material),
        key_file=key_file,
        left_out=tuple(left_out),
    )
    _write_manifest(draft / MANIFEST, manifest)
    return manifest


def _write_manifest(file: Path, manifest: Manifest) -> None:
    document = dataclasses.asdict(manifest) | {"made_at": manifest.made_at.isoformat()}
    with file.open("w", encoding="utf-8") as opened:
        json.dump(document, opened, ensure_ascii=False, indent=1)
        opened.flush()
        os.fsync(opened.fileno())
    file.chmod(0o600)
