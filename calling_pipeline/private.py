"""What a process leaves behind: files of its own user alone, logs and tracebacks without numbers of phones."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import stat
import sys
import traceback
from pathlib import Path
from types import TracebackType

from calling_pipeline.masking import mask_digits

OURS = "calling_pipeline"
_OTHERS = 0o077
_SERVER = "postgres"
_log = logging.getLogger(__name__)


class Traced(logging.Formatter):
    """What another formatter writes, and the trace that the line belongs to."""

    def __init__(self, plain: logging.Formatter) -> None:
        super().__init__()
        self._plain = plain

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return _with_trace(self._plain.format(record), record)


class PrivateFormatter(logging.Formatter):
    """Masks what may be a telephone number in tracebacks, and in the messages of code that is not ours."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        whole = _with_trace(super().format(record), record)
        return whole if record.name.startswith(OURS) and not (record.exc_info or record.exc_text) else mask_digits(whole)


def _with_trace(line: str, record: logging.LogRecord) -> str:
    trace = getattr(record, "trace", "")
    return f"{line} trace={trace}" if trace else line


class JsonFormatter(logging.Formatter):
    """One object a line, masked as `PrivateFormatter` masks; with `trace` and Dagster's `run` where it belongs to one."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        ours = record.name.startswith(OURS)
        message = record.getMessage()
        line = {
            "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message if ours else mask_digits(message),
            "process": record.process,
        }
        if trace := getattr(record, "trace", ""):
            line["trace"] = trace
        if run := (getattr(record, "dagster_meta", None) or {}).get("run_id"):
            line["run"] = run
        if record.exc_info:
            line["exception"] = mask_digits(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def log_in(form: str) -> None:
    """Let this process's log lines be `text` or `json`; handlers of others (Dagster's) keep theirs."""
    for handler in logging.getLogger().handlers:
        if form == "json" and isinstance(handler.formatter, PrivateFormatter):
            handler.setFormatter(JsonFormatter())


def log_to_stderr() -> None:
    """Warnings and errors go to standard error; a traceback that ends the process does so masked."""
    handler = logging.StreamHandler()
    handler.setFormatter(PrivateFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    sys.excepthook = _print_masked


def traceback_of(error: BaseException) -> str:
    """The traceback as text that may be shown."""
    return mask_digits("".join(traceback.format_exception(error)))


def _print_masked(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(traceback_of(error.with_traceback(trace)))


def keep_files_private(home: Path) -> None:
    """New files of this process and its children are its user's own; what others could read in `home` is closed, once.

    The embedded server keeps its own folder private. Started by root it runs as another user, who has to pass through
    `home`: then only what lies in it is closed.
    """
    os.umask(_OTHERS)
    within = [path for path in home.iterdir() if path.name != _SERVER] if home.is_dir() else []
    root = os.geteuid() == 0
    closed = [path for path in ([] if root or not home.is_dir() else [home]) + within if _closed(path)]
    if closed:
        _log.warning("files in %s could be read by other users of this machine; they are closed to them now", home)


def _closed(path: Path) -> bool:
    """Close `path` to others; whether that was needed. Somebody else's file is left as it is."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode) or not mode & _OTHERS:
        return False
    try:
        path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
    except PermissionError:
        return False
    return True
