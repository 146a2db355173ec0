"""Restores a backup: into new databases that take the place of the old ones in one step, or not at all.

Until then nothing that was there is changed. The restored database holds everything back that goes out: what was called or
sent since the backup is not in it (`going_on.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from calling_pipeline import days
from calling_pipeline.access.audit.noting import note_act
from calling_pipeline.backups import databases, places, sealing, store, tools
from calling_pipeline.backups.databases import Swap
from calling_pipeline.backups.going_on import hold_everything
from calling_pipeline.backups.records import DatabaseName, Manifest, Restored
from calling_pipeline.backups.snapshots import own_connection, sha256_of
from calling_pipeline.backups.verifying import read_manifest, verify
from calling_pipeline.database import migrate
from calling_pipeline.database.revisions import known_revisions, newest_revision
from calling_pipeline.errors import CallingError, ConfigurationError, Conflict
from calling_pipeline.project import kept_text
from calling_pipeline.runtime import Runtime


def restore(runtime: Runtime, folder: Path, *, by: str, reason: str = "", replace: bool = False) -> Restored:
    """Restore the backup in `folder` to where the settings point, and hold everything back that goes out.

    With `replace` the databases that are there are kept under another name, and files are overwritten. Raises `Conflict`
    when something is there already or the backup was changed, `Busy` while others use the databases, `ConfigurationError`
    for another key, a newer schema or a role that may not create databases. Then everything is as it was.
    """
    folder = folder.expanduser().absolute()
    manifest = read_manifest(folder)
    _require_known(manifest)
    verify(folder, manifest)
    key = _key(runtime, folder, manifest)
    files = _files(runtime, folder, manifest, replace=replace)
    swaps = list(_swaps(runtime, manifest, replace=replace))
    runtime.close()
    with _made(swaps) as made:
        for swap in made:
            _fill(swap, folder, manifest)
        _bring_forward(made[0].draft, manifest, by=by, reason=reason)
        for source, target in files.items():
            places.copy_out(source, target)
        if key is not None:
            kept_text(runtime.settings.home / "secret.key", lambda: key)
        kept = databases.put_in_place(made)
    return Restored(manifest, newest_revision(), tuple(kept), len(files))


def _require_known(manifest: Manifest) -> None:
    if manifest.revision not in known_revisions():
        raise ConfigurationError(
            f"the backup's schema ({manifest.revision}) is newer than this program (up to {newest_revision()});"
            f" restore it with the version that made it ({manifest.program}) or a newer one"
        )


def _key(runtime: Runtime, folder: Path, manifest: Manifest) -> str | None:
    """The key that is to be written into `home`; None when the right one is there. Raises `ConfigurationError`."""
    settings = runtime.settings
    if settings.secret_key is not None or (settings.home / "secret.key").exists():
        if sealing.print_of(settings.secret_key_bytes()) != manifest.key_print:
            where = "CALLING_SECRET_KEY" if settings.secret_key is not None else str(settings.home / "secret.key")
            raise ConfigurationError(
                f"the backup was made with another secret key than that of {where}: its secrets could not be opened. Set the"
                " right key, or take this one away and let the restore write it"
            )
        return None
    if manifest.key_file is None:
        raise ConfigurationError(
            "the backup does not hold the secret key: set CALLING_SECRET_KEY to the one it was made with"
        )
    if settings.backup_passphrase is None:
        raise ConfigurationError("set CALLING_BACKUP_PASSPHRASE to the passphrase with which the backup was made")
    sealed = (folder / manifest.key_file).read_bytes()
    return sealing.unseal(sealed, settings.backup_passphrase.get_secret_value()).decode()


def _files(runtime: Runtime, folder: Path, manifest: Manifest, *, replace: bool) -> Mapping[Path, Path]:
    """File of the backup → where it belongs, of those that are not there alike. Raises `Conflict` before one is lost."""
    here = places.Places.of(runtime.settings)
    wanted = {folder / saved.file: (here.place(saved), saved.sha256) for saved in manifest.files}
    other = {
        source: target for source, (target, digest) in wanted.items() if not target.exists() or sha256_of(target) != digest
    }
    there = [target for target in other.values() if target.exists()]
    if there and not replace:
        raise Conflict(
            f"{len(there)} files are there and differ from the backup, as {there[0]}; with --replace they are overwritten"
        )
    return other


def _swaps(runtime: Runtime, manifest: Manifest, *, replace: bool) -> Iterator[Swap]:
    targets: Mapping[DatabaseName, URL] = {"business": runtime.direct_url, "dagster": runtime.existing_dagster_url}
    for name in manifest.databases:
        swap = databases.prepared(name, targets[name], secrets.token_hex(4))
        if swap.filled and not replace:
            raise Conflict(
                f"the database {swap.target.database} is not empty; with --replace it is kept under another name and the"
                " backup takes its place"
            )
        yield swap


@contextmanager
def _made(swaps: list[Swap]) -> Iterator[list[Swap]]:
    """The drafts of all databases, gone again unless they took their place."""
    try:
        for swap in swaps:
            databases.create(swap)
        yield swaps
    finally:
        for swap in swaps:
            databases.drop_draft(swap)


def _fill(swap: Swap, folder: Path, manifest: Manifest) -> None:
    """Restore one database and compare the number of rows of each table. Raises `CallingError` when one differs."""
    dumped = manifest.databases[swap.name]
    with own_connection(swap.draft) as connection:
        program = tools.tool("pg_restore", store.server_version(connection))
    tools.run(program, swap.draft, "--no-owner", "--no-privileges", "--exit-on-error", "--jobs=2", str(folder / dumped.file))
    with own_connection(swap.draft) as connection:
        rows = store.rows_of(connection)
    wrong = sorted(table for table in {*rows, *dumped.rows} if rows.get(table) != dumped.rows.get(table))
    if wrong:
        first = wrong[0]
        raise CallingError(
            f"the {swap.name} database was not restored whole: {first} has {rows.get(first)} rows,"
            f" not {dumped.rows.get(first)}"
        )


def _bring_forward(url: URL, manifest: Manifest, *, by: str, reason: str) -> None:
    """Migrate the restored business database, and hold everything back in it."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True)
    migrate.upgrade(engine)
    with own_connection(url) as connection, connection.begin():
        hold_everything(connection, manifest.made_at, by=by)
        after = {"made_at": manifest.made_at.isoformat(), "restored_at": days.now().isoformat(), "rows": manifest.rows}
        note_act(connection, "backup.restore", "backup:business", by=by, reason=reason, after=after)
