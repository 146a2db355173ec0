"""Reads telephone numbers inside the database.

SQL decides the spellings it is sure of, by the judge's own pattern of a mobile; `phones` judges every other distinct
spelling once. So a batch reads a number as every other room does: the tests compare them.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import sql

from calling_pipeline.phones import LONGEST_SPELLING, PLAIN, WIDE, common_pattern, mobile_pattern, read_phone

CHUNK = 5000

_ODD = sql.SQL(
    "CREATE TEMPORARY TABLE odd_spellings ON COMMIT DROP AS"
    " SELECT DISTINCT spelling FROM (SELECT {spelling} AS spelling FROM {table}) AS source WHERE {mobile} IS NULL"
)
"""A table of its own, because the server makes one with all its cores and feeds a cursor with one."""
_JUDGED = sql.SQL("CREATE TEMPORARY TABLE judged_phones (spelling text, kind text, phone text) ON COMMIT DROP")


def spelling_of(column: str) -> sql.Composable:
    """The column as text, for a column of any type."""
    return sql.SQL("coalesce({}::text, '')").format(sql.Identifier(column))


def mobile_in(spelling: sql.Composable) -> sql.Composed:
    """An expression: the canonical mobile when SQL is sure that `spelling` is one, else null.

    A clean number passes by one regular expression, the judge's own; separators, full-width digits, a country code, a
    leading zero and a trailing `.0` are taken off the others. Nothing is captured: that costs more than the matching.
    """
    return sql.SQL(
        "CASE WHEN {text} ~ {clean} THEN {text}"
        " WHEN length({text}) <= {longest} AND translate({text}, {wide}, {plain}) ~ {dirty}"
        " THEN right(split_part(translate({text}, {wide}, {plain}), '.', 1), 11) END"
    ).format(
        text=spelling,
        clean=sql.Literal(f"^(?:{mobile_pattern()})$"),
        wide=sql.Literal(WIDE),
        plain=sql.Literal(PLAIN),
        longest=sql.Literal(LONGEST_SPELLING),
        dirty=sql.Literal(f"^(?:{common_pattern()})$"),
    )


def judge_odd_spellings(connection: psycopg.Connection[tuple[object, ...]], table: sql.Composable, column: str) -> int:
    """Make the temporary table `judged_phones(spelling, kind, phone)` of every spelling SQL is not sure of.

    Returns how many. Memory stays flat: they are read by a server-side cursor and written back in chunks.
    """
    connection.execute(_JUDGED)
    connection.execute(_ODD.format(spelling=spelling_of(column), table=table, mobile=mobile_in(sql.SQL("spelling"))))
    count = 0
    with connection.cursor(name="odd_spellings") as odd:
        odd.itersize = CHUNK
        odd.execute("SELECT spelling FROM odd_spellings")
        for chunk in _chunks(odd):
            with connection.cursor() as writer, writer.copy("COPY judged_phones (spelling, kind, phone) FROM STDIN") as copy:
                for spelling in chunk:
                    reading = read_phone(spelling)
                    copy.write_row((spelling, reading.kind, reading.phone))
            count += len(chunk)
    connection.execute("ANALYZE judged_phones")
    return count


def _chunks(cursor: psycopg.ServerCursor[tuple[object, ...]]) -> Iterator[list[str]]:
    while rows := cursor.fetchmany(CHUNK):
        yield [str(row[0]) for row in rows]
