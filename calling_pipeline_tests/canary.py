"""Secrets and telephone numbers that must not be found again, and the search for them."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

import sqlalchemy as sa

_RUN = re.compile(r"\d(?:[\s\-._()·/]{0,3}\d){10,}")
_CHANCE = random.Random(20261129)
PHONES = sorted({f"1{_CHANCE.choice('3579')}{_CHANCE.randrange(10**9):09d}" for _ in range(400)})[:200]
SECRETS = [f"canary{number:02d}-{_CHANCE.randrange(16**20):020x}" for number in range(20)]


def spelled(phone: str, way: int) -> str:
    """The number in one of the ways that people write numbers."""
    a, b, c = phone[:3], phone[3:7], phone[7:]
    return (
        phone, f"{a}-{b}-{c}", f"{a} {b} {c}", f"+86{phone}", f"0086 {a} {b}{c}", f"+86 {a}-{b}-{c}", f"({a}) {b}.{c}",
        "".join(chr(ord(digit) + 0xFEE0) for digit in phone), f"{a}\u00a0{b}\u00a0{c}", f"{phone}.0",
    )[way % 10]  # fmt: skip


def found_in(text: str) -> set[str]:
    """The secrets and full numbers that stand in a text, however they are written."""
    plain = unicodedata.normalize("NFKC", text)
    found = {secret for secret in SECRETS if secret in plain}
    for run in _RUN.finditer(plain):
        digits = re.sub(r"\D", "", run.group())
        found |= {phone for phone in PHONES if phone in digits}
    return found


def in_files(folder: Path, *, but: Iterable[str] = ()) -> Iterator[tuple[str, set[str]]]:
    """Each file below `folder` with what was found in it."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(name.startswith(one) for one in but):
            found = found_in(path.read_bytes().decode("utf-8", "replace"))
            if found:
                yield name, found


def in_columns(engine: sa.Engine) -> Iterator[tuple[str, set[str]]]:
    """Each column of the database, of any type, as `schema.table.column`, with what was found in it."""
    inspector = sa.inspect(engine)
    with engine.connect() as connection:
        for schema in inspector.get_schema_names():
            if schema == "information_schema" or schema.startswith("pg_"):
                continue
            for table in inspector.get_table_names(schema):
                for column in inspector.get_columns(table, schema):
                    name = column["name"]
                    values = connection.exec_driver_sql(f'SELECT "{name}"::text FROM "{schema}"."{table}"').scalars()
                    text = "\n".join(value for value in values if value)
                    if column["type"].python_type is bytes:
                        text += "\n" + "\n".join(
                            bytes.fromhex(line[2:]).decode("utf-8", "replace") for line in text.splitlines()
                        )
                    found = found_in(text)
                    if found:
                        yield f"{schema}.{table}.{name}", found
