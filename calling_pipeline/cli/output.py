"""How every command answers: text or one JSON document on standard output, progress and errors on standard error."""

from __future__ import annotations

import datetime as dt
import getpass
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import sqlalchemy as sa
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from calling_pipeline.access.people import store as people_store
from calling_pipeline.errors import CallingError, ConfigurationError
from calling_pipeline.masking import mask_digits
from calling_pipeline.private import traceback_of
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import Settings, load


@dataclass(frozen=True)
class Answer:
    """What a command found or did: `document` for `--json`, `lines` (text or rich renderables) for people.

    `failed` makes the command exit 1 although it has an answer to give.
    """

    document: Any
    lines: Sequence[Any] = field(default_factory=tuple)
    failed: bool = False


def acting_user() -> str:
    """Who acts, as every record of this command names them; see `Door.person`."""
    context = click.get_current_context(silent=True)
    door = context.find_object(Door) if context is not None else None
    return door.person if door is not None else _of_account(_account())


class Door:
    """The command line's way in, made once a command: settings and database are opened when first used.

    `acting_as` is the person named by `--as`.
    """

    def __init__(self, acting_as: str | None = None) -> None:
        self.progress_console = Console(stderr=True)
        self._acting_as = acting_as

    @cached_property
    def settings(self) -> Settings:
        """The settings of this process."""
        return load()

    @cached_property
    def runtime(self) -> Runtime:
        """The runtime of this process."""
        return Runtime.load()

    @cached_property
    def founding_runtime(self) -> Runtime:
        """The runtime for a command that begins an installation: it makes the database when there is none."""
        self.__dict__["runtime"] = founding = Runtime.load(may_create=True)
        return founding

    @cached_property
    def ready_runtime(self) -> Runtime:
        """The runtime, after a check that its database is migrated."""
        self.runtime.require_schema()
        return self.runtime

    @cached_property
    def person(self) -> str:
        """Who acts: the person named by `--as` or CALLING_USER, else the person with the name of this machine's account.

        An account that no active person is named after is shown as `account (command line)`. Raises `ConfigurationError`
        when the person named is nobody active.
        """
        named, account = self._acting_as or self.runtime.settings.user, _account()
        with self.runtime.transaction() as connection:
            has_people = sa.inspect(connection).has_table("people")  # a database that is still to be migrated has none
            found = people_store.by_name(connection, (named or account).strip()) if has_people else None
        if found is not None and found.active:
            return found.name
        if named is not None:
            raise ConfigurationError(f"{named} is no active person; `calling-pipeline users list` shows them")
        return _of_account(account)

    def close(self) -> None:
        """Give back what was opened."""
        if "runtime" in self.__dict__:
            self.runtime.close()

    def progress(self) -> Progress:
        """A progress bar on standard error; invisible when that is no terminal."""
        return Progress(console=self.progress_console, disable=not self.progress_console.is_terminal, transient=True)


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def _of_account(account: str) -> str:
    return f"{account} (command line)" if account else "command line"


class PipelineCommand(click.Command):
    """A command whose function returns an `Answer`. Adds `--json` and `--debug`, and maps failures to exit codes."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.params.append(click.Option(["--json", "as_json"], is_flag=True, help="Answer with one JSON document."))
        self.params.append(click.Option(["--debug"], is_flag=True, help="Show the traceback of a failure."))

    def invoke(self, ctx: click.Context) -> Any:
        as_json = ctx.params.pop("as_json")
        debug = ctx.params.pop("debug")
        try:
            answer = super().invoke(ctx)
        except (CallingError, SQLAlchemyError, OSError) as error:
            if debug:
                click.echo(traceback_of(error), err=True)
            _refuse(one_sentence(error), as_json=as_json)
            ctx.exit(1)
        if isinstance(answer, Answer):
            _print(answer, as_json=as_json)
            if answer.failed:
                ctx.exit(1)
        return None


def one_sentence(error: BaseException) -> str:
    """The failure as one line without parameters, numbers of phones or a traceback."""
    if isinstance(error, SQLAlchemyError):
        original = getattr(error, "orig", None)
        first = str(original or error).strip().splitlines()[0]
        return f"the database refused: {mask_digits(first)}"
    return mask_digits(" ".join(str(error).split())) or type(error).__name__


def table(columns: Iterable[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> Table:
    """A table for people."""
    drawn = Table(title=title, title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*("" if value is None else str(value) for value in row))
    return drawn


def table_of(columns: Sequence[str], documents: Iterable[Mapping[str, Any]]) -> Table:
    """A table of these columns of documents for people."""
    return table(columns, [[document[column] for column in columns] for document in documents])


def to_json(value: Any) -> str:
    """JSON of records, dates, decimals and containers of them; instants keep their offset."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _print(answer: Answer, *, as_json: bool) -> None:
    if as_json:
        click.echo(to_json(answer.document))
        return
    width = None if sys.stdout.isatty() else 200
    console = Console(file=sys.stdout, width=width, highlight=False, markup=False)
    for line in answer.lines:
        console.print(line, soft_wrap=isinstance(line, str))


def _refuse(sentence: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(to_json({"error": sentence}))
    click.echo(f"Error: {sentence}", err=True)
