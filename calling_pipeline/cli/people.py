"""`calling-pipeline users`: who may act, and what proves who they are. `calling-pipeline audit`: what was done."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, get_args

import click

from calling_pipeline import days
from calling_pipeline.access.audit import store as audit_store
from calling_pipeline.access.audit import views
from calling_pipeline.access.login import login
from calling_pipeline.access.people import people, store
from calling_pipeline.access.people.records import GRANTABLE, RANKS, Language, Person
from calling_pipeline.access.tokens import store as token_store
from calling_pipeline.access.tokens import tokens
from calling_pipeline.cli.output import Answer, Door, PipelineCommand, acting_user, table
from calling_pipeline.settings import Role

_COLUMNS = ("name", "role", "tenant_id", "collector_id", "grants", "language", "active", "has_password")
_role = click.Choice(list(RANKS))
_reason = click.option("--reason", default="", help="Why; kept in the audit log.")
_language = click.Choice(get_args(Language))


@click.group()
def users() -> None:
    """People, their roles, tokens and passwords. Roles: viewer < collector < operator < admin."""


@users.command(cls=PipelineCommand)
@click.argument("name")
@click.option("--role", required=True, type=_role)
@click.option("--tenant", type=click.IntRange(1), help="Bound to this tenant; without it every tenant.")
@click.option("--collector", type=click.IntRange(1), help="Acts as this collector of the tenant only.")
@click.option("--grant", "grants", multiple=True, type=click.Choice(GRANTABLE), help="A room without tenants, open anyway.")
@click.option("--language", default="zh", show_default=True, type=_language)
@click.pass_obj
def add(
    door: Door, name: str, role: Role, tenant: int | None, collector: int | None, grants: tuple[str, ...], language: str
) -> Answer:
    """Add a person, who gets a token, a password or a login link afterwards.

    \b
    calling-pipeline users add "Li Wei" --role operator
    calling-pipeline users add "Wang Fang" --role collector --tenant 3 --collector 17
    """
    values: dict[str, Any] = {"tenant_id": tenant, "collector_id": collector, "grants": grants, "language": language}
    with door.ready_runtime.transaction() as connection:
        return _shown(people.add(connection, name, role, by=acting_user(), **values))


@users.command(name="list", cls=PipelineCommand)
@click.pass_obj
def list_people(door: Door) -> Answer:
    """Show everybody, the disabled ones too."""
    with door.ready_runtime.transaction() as connection:
        found = store.every(connection)
    return Answer(found, [table(_COLUMNS, map(_row, found))])


@users.command(cls=PipelineCommand)
@click.argument("name")
@_reason
@click.pass_obj
def disable(door: Door, name: str, reason: str) -> Answer:
    """Let a person do nothing more: sessions and login links end, tokens are refused within five seconds."""
    return _changed(door, name, {"active": False}, reason)


@users.command(cls=PipelineCommand)
@click.argument("name")
@_reason
@click.pass_obj
def enable(door: Door, name: str, reason: str) -> Answer:
    """Let a disabled person act again, with the tokens that were not revoked."""
    return _changed(door, name, {"active": True}, reason)


@users.command(cls=PipelineCommand)
@click.argument("name")
@click.argument("new_role", metavar="ROLE", type=_role)
@_reason
@click.pass_obj
def role(door: Door, name: str, new_role: str, reason: str) -> Answer:
    """Give a person another role."""
    return _changed(door, name, {"role": new_role}, reason)


@users.command(cls=PipelineCommand)
@click.argument("name")
@click.option("--tenant", type=click.IntRange(1), help="To this tenant; without it to none.")
@click.option("--collector", type=click.IntRange(1), help="To this collector of the tenant; without it to none.")
@_reason
@click.pass_obj
def bind(door: Door, name: str, tenant: int | None, collector: int | None, reason: str) -> Answer:
    """Bind a person to a tenant and a collector, or free them."""
    return _changed(door, name, {"tenant_id": tenant, "collector_id": collector}, reason)


@users.command(cls=PipelineCommand)
@click.argument("name")
@click.argument("room", type=click.Choice(GRANTABLE))
@click.option("--remove", is_flag=True, help="Close it again.")
@_reason
@click.pass_obj
def grant(door: Door, name: str, room: str, remove: bool, reason: str) -> Answer:
    """Open a room without tenants to a person who is bound to a tenant."""
    with door.ready_runtime.transaction() as connection:
        person = people.find(connection, name, lock=True)
        grants = set(person.grants) - {room} if remove else {*person.grants, room}
        changes = {"grants": sorted(grants)}
        return _shown(people.change(connection, name, changes, by=acting_user(), reason=reason))


@users.command(cls=PipelineCommand)
@click.argument("name")
@click.option("--stdin", is_flag=True, help="Read it from standard input instead of asking.")
@click.pass_obj
def password(door: Door, name: str, stdin: bool) -> Answer:
    """Set a person's password; every session of theirs ends."""
    given = (
        sys.stdin.readline().rstrip("\r\n") if stdin else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    with door.ready_runtime.transaction() as connection:
        person = people.set_password(connection, name, given, by=acting_user())
    return Answer({"name": person.name}, [f"{person.name} has a new password and is logged out everywhere"])


@users.command(name="login-link", cls=PipelineCommand)
@click.argument("name")
@click.pass_obj
def login_link(door: Door, name: str) -> Answer:
    """Make a link that logs a person in once, within ten minutes. Whoever has it is that person: give it to nobody else."""
    runtime = door.ready_runtime
    with runtime.transaction() as connection:
        link = login.make_link(connection, name, by=acting_user())
    address = f"{runtime.settings.address}/login?link={link}"
    return Answer({"name": name, "address": address}, [address])


@users.group()
def token() -> None:
    """Bearer tokens for programs and scripts."""


@token.command(name="add", cls=PipelineCommand)
@click.argument("name")
@click.option("--label", default="", help="What it is for.")
@click.option("--days", "valid_days", type=click.IntRange(1), help="Valid for so many days; without it until it is revoked.")
@click.pass_obj
def add_token(door: Door, name: str, label: str, valid_days: int | None) -> Answer:
    """Issue a token for a person and show it, this once.

    \b
    calling-pipeline users token add "Li Wei" --label "nightly report" --days 90
    """
    with door.ready_runtime.transaction() as connection:
        made, secret = tokens.issue(connection, name, label=label, by=acting_user(), valid_days=valid_days)
    return Answer({**vars(made), "token": secret}, [secret])


@token.command(name="list", cls=PipelineCommand)
@click.argument("name", required=False)
@click.pass_obj
def list_tokens(door: Door, name: str | None) -> Answer:
    """Show tokens (of one person), when they were last used and whether they are still valid; not the tokens themselves."""
    with door.ready_runtime.transaction() as connection:
        person_id = people.find(connection, name).id if name else None
        found = token_store.listed(connection, person_id=person_id)
    columns = ("id", "person", "label", "created", "by", "expires", "last used", "revoked")
    instants = [(one.created_at, one.expires_at, one.last_used_at, one.revoked_at) for one in found]
    at = [[days.wall_clock(each) if each else "" for each in row] for row in instants]
    rows = [(one.id, one.person, one.label, row[0], one.created_by, *row[1:]) for one, row in zip(found, at, strict=True)]
    return Answer(found, [table(columns, rows)])


@token.command(cls=PipelineCommand)
@click.argument("token_id", type=click.IntRange(1), metavar="ID")
@_reason
@click.pass_obj
def revoke(door: Door, token_id: int, reason: str) -> Answer:
    """Refuse a token from now on; `users token list` shows its number. Every server does so within five seconds."""
    with door.ready_runtime.transaction() as connection:
        done = tokens.revoke(connection, token_id, by=acting_user(), reason=reason)
    return Answer(done, [f"token {done.id} of {done.person} is revoked"])


@click.command(cls=PipelineCommand)
@click.option("--subject", metavar="S", help="Only acts on this, e.g. batch:17; with * at the end every one that begins so.")
@click.option("--by", "person", metavar="P", help="Only acts of this person; * as above.")
@click.option("--act", metavar="A", help="Only these acts, e.g. batch.pause or batch.*.")
@click.option("--reason", metavar="R", help="Only acts with this text within their reason; * for every act with a reason.")
@click.option("--tenant", type=click.IntRange(1), help="Only acts that belong to this tenant.")
@click.option("--from", "first", metavar="D", help="From this day on.")
@click.option("--to", "last", metavar="D", help="Up to this day, included.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000))
@click.pass_obj
def audit(
    door: Door,
    subject: str | None,
    person: str | None,
    act: str | None,
    reason: str | None,
    tenant: int | None,
    first: str | None,
    last: str | None,
    limit: int,
) -> Answer:
    """Show what people did: who, when, through which door, to what, why, before and after. The newest first.

    \b
    calling-pipeline audit --subject batch:17
    calling-pipeline audit --by "Li Wei" --act "do_not_call.*" --from 2026-11-01 --to 2026-11-30
    """
    since, until = views.span(first, last, names=("--from", "--to"))
    wanted: Mapping[str, Any] = {"subject": subject, "person": person, "act": act, "reason": reason, "tenant_id": tenant}
    with door.ready_runtime.transaction() as connection:
        found, total = audit_store.entries(connection, **wanted, since=since, until=until, limit=limit)
    rows = [
        (days.wall_clock(one.at), one.person, one.door, one.act, one.subject, one.reason, views.changes(one))
        for one in found
    ]
    lines: list[Any] = [table(("at", "person", "door", "act", "subject", "why", "what changed"), rows)]
    if total > len(found):
        lines.append(f"{len(found)} of {total}; --limit shows more")
    return Answer({"items": found, "total": total}, lines)


def _changed(door: Door, name: str, changes: Mapping[str, Any], reason: str) -> Answer:
    with door.ready_runtime.transaction() as connection:
        return _shown(people.change(connection, name, changes, by=acting_user(), reason=reason))


def _shown(person: Person) -> Answer:
    return Answer(person, [table(_COLUMNS, [_row(person)])])


def _row(person: Person) -> list[Any]:
    shown = {**vars(person), "grants": ", ".join(person.grants)}
    return [{True: "yes", False: "no"}.get(shown[name], shown[name]) for name in _COLUMNS]
