"""A client that goes away: what it read ends, what it began goes on, and no connection of the pool stays in use."""

import datetime as dt
import socket
from urllib.parse import urlsplit

import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.call_stats.refreshes import store as refreshes
from calling_pipeline_tests.support import wait_until

TASKS = sa.text(
    "INSERT INTO task_ledger (task_id, feature, state, credits, free, charged_act, details, created_at, created_by,"
    " updated_at, updated_by, saves, last_outcome) SELECT 'task ' || n, repeat('long name ', 40), 'pending', 0,"
    " true, n, '{}', :now, '', :now, '', 1, 'created' FROM generate_series(1, 30000) AS n"
)
BUSY = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND state <> 'idle' AND backend_type = 'client backend'"
)


def go_away(console, request, *, after):
    """Send a request as `operator` and close the connection once `after` says so."""
    address = urlsplit(console.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(f"{request}\r\nHost: {address.netloc}\r\nAuthorization: Bearer operator-token\r\n".encode())
        after(connection)


def is_at_rest(console):
    """Whether no connection of the server is in use, nor a session of the database at work or amid a transaction."""
    with console.runtime.engine.connect() as connection:
        return connection.execute(BUSY).scalar_one() == 0 and console.runtime.engine.pool.checkedout() == 1


def test_an_export_whose_reader_goes_away_ends_and_gives_its_connection_back(console):
    with console.runtime.transaction() as connection:
        connection.execute(TASKS, {"now": days.now()})

    def read_a_little(connection):
        connection.sendall(b"\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")

    for _ in range(3):
        go_away(console, "GET /ledger?form=csv HTTP/1.1", after=read_a_little)
    wait_until(lambda: is_at_rest(console))


def test_a_refresh_whose_caller_goes_away_is_done_to_its_end(console, simulator):
    day = days.today() - dt.timedelta(days=1)
    body = f'{{"date": "{day}"}}'.encode()
    simulator.plant("hang", path="page=2&", times=None, seconds=60)

    def once_it_runs(connection):
        head = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        wait_until(lambda: newest(console, day).state == "running" and newest(console, day).refresh is not None)

    go_away(console, "POST /api/stats/grade-stats/refresh HTTP/1.1", after=once_it_runs)
    simulator.clear_faults()
    wait_until(lambda: newest(console, day).state == "stored")
    wait_until(lambda: is_at_rest(console))


def newest(console, day):
    with console.runtime.transaction() as connection:
        return refreshes.newest(connection, "grade", day)
