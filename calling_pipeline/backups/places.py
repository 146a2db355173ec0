"""The files beside the databases that a backup holds, and where they stand here."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from calling_pipeline.backups.records import FileKind, SavedFile
from calling_pipeline.backups.snapshots import sha256_of
from calling_pipeline.errors import ConfigurationError
from calling_pipeline.settings import Settings

_HOME_FILES = ("partition_start",)
_FOLDERS: tuple[FileKind, ...] = ("recording", "export", "archive")


@dataclass(frozen=True)
class Places:
    """Where files of each kind stand."""

    home: Path
    ledgers: tuple[Path, ...]
    campaigns: Path | None
    recordings: Path
    archives: Path

    @classmethod
    def of(cls, settings: Settings) -> Places:
        """As the settings say."""
        ledgers = tuple(path.expanduser().absolute() for path in settings.contract_ledgers)
        campaigns = settings.campaigns_file.expanduser().absolute() if settings.campaigns_file else None
        recordings = settings.recordings_dir or settings.home / "recordings"
        return cls(settings.home, ledgers, campaigns, recordings, settings.archive_dir or settings.home / "archives")

    def found(self, *, with_recordings: bool) -> Iterator[tuple[FileKind, str, Path]]:
        """Kind, name and path of every file there is."""
        for path in self.ledgers:
            if path.is_file():
                yield "ledger", str(path), path
        if self.campaigns is not None and self.campaigns.is_file():
            yield "campaigns", self.campaigns.name, self.campaigns
        for name in _HOME_FILES:
            if (self.home / name).is_file():
                yield "home", name, self.home / name
        for kind in _FOLDERS:
            folder = self._folder(kind)
            if kind == "recording" and not with_recordings:
                continue
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not path.is_symlink():
                    yield kind, path.relative_to(folder).as_posix(), path

    def place(self, saved: SavedFile) -> Path:
        """Where a file of a backup belongs here. Raises `ConfigurationError` when no setting says it."""
        match saved.kind:
            case "ledger":
                return self._ledger(saved.name)
            case "campaigns":
                if self.campaigns is None:
                    raise ConfigurationError(
                        "the backup has a file of campaigns: say in CALLING_CAMPAIGNS_FILE where it belongs"
                    )
                return self.campaigns
            case "home":
                return self.home / saved.name
            case _:
                return self._folder(saved.kind) / saved.name

    def _folder(self, kind: FileKind) -> Path:
        folders: dict[FileKind, Path] = {"recording": self.recordings, "archive": self.archives}
        return folders.get(kind, self.home / "exports")

    def _ledger(self, name: str) -> Path:
        same = [path for path in self.ledgers if str(path) == name]
        called = [path for path in self.ledgers if path.name == Path(name).name]
        if same or len(called) == 1:
            return (same or called)[0]
        raise ConfigurationError(
            f"the backup has the contract ledger {name}: say in CALLING_CONTRACT_LEDGERS where it belongs"
        )


def copy_in(kind: FileKind, name: str, source: Path, folder: Path, number: int) -> SavedFile:
    """Copy one file into the backup, private to its user."""
    inside = f"files/{kind}/{number:06d}"
    target = folder / inside
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if kind == "archive":
        _copy_sqlite(source, target)
    else:
        shutil.copy2(source, target)
    target.chmod(0o600)
    return SavedFile(kind, name, inside, target.stat().st_size, sha256_of(target))


def _copy_sqlite(source: Path, target: Path) -> None:
    """A month file as it was at one moment, also while housekeeping writes into it."""
    with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(target)) as here:
        there.backup(here)


def copy_out(source: Path, target: Path) -> None:
    """Put one file of a backup in its place, whole or not at all; a ledger that stood there stays beside it as `.bak`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.restoring")
    shutil.copy2(source, draft)
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    if target.exists():
        shutil.copy2(target, target.with_name(f"{target.name}.bak"))
    draft.replace(target)
