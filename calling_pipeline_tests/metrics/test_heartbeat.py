"""The outside watcher hears when all is well, nothing when something is wrong, and its own failure harms nothing."""

from __future__ import annotations

import datetime as dt
import socket
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from calling_pipeline import days
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.analysis.dagster_storage.store import DAEMONS
from calling_pipeline.analysis.status.gathering import status
from calling_pipeline.call_stats.sync import store as sync_store
from calling_pipeline.cli.doctor import outside
from calling_pipeline.cli.status import _watcher as said
from calling_pipeline.metrics import heartbeat
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.call_stats.conftest import proof_of
from calling_pipeline_tests.support import answering

HEARD = "the watcher heard that all is well"


class Watcher(ThreadingHTTPServer):
    """A watcher on this machine: what it was asked, and how it answers."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Ask)
        self.heard: list[str] = []
        self.answer = 200

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Ask(BaseHTTPRequestHandler):
    server: Watcher

    def do_GET(self):
        self.server.heard.append(self.path)
        self.send_response(self.server.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def watcher():
    server = Watcher()
    with answering(server):
        yield server


@pytest.fixture
def runtime(app_settings, dagster_database_url, watcher):
    """Daemons that live, and no day that any sync should have read."""
    address = dagster_database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        for daemon in DAEMONS:
            beat = "INSERT INTO daemon_heartbeats (daemon_type, daemon_id, timestamp, body)"
            connection.execute(f"{beat} VALUES (%s, 'x', now() AT TIME ZONE 'UTC', '')", [daemon])
    update = {
        "dagster_database_url": SecretStr(address),
        "partition_start": days.today() + dt.timedelta(days=400),
        "heartbeat_url": SecretStr(f"{watcher.origin}/ping/secret"),
        "private_origins": [watcher.origin],
    }
    made = Runtime(app_settings.model_copy(update=update))
    yield made
    made.close()


def test_it_is_sent_while_all_is_well_and_status_says_when_it_was_heard(runtime, watcher):
    assert said(status(runtime).watcher) == "outside watcher: has not heard yet"
    assert heartbeat.send(runtime) == HEARD
    assert watcher.heard == ["/ping/secret"]
    assert "last heard at" in said(status(runtime).watcher)


def test_it_is_not_sent_when_something_is_wrong(runtime, watcher, engine, dagster_database_url):
    address = dagster_database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            "UPDATE daemon_heartbeats SET timestamp = timestamp - interval '1 hour' WHERE daemon_type = 'SENSOR'"
        )
        assert "SENSOR" in heartbeat.send(runtime)
        connection.execute("UPDATE daemon_heartbeats SET timestamp = now() AT TIME ZONE 'UTC'")
    condition = Condition("run:x", True, "error", "x runs", "it does not", "dagster", conditions.moment())
    with runtime.transaction() as connection:
        conditions.observe(connection, condition)
    assert "x runs" in heartbeat.send(runtime)
    with runtime.transaction() as connection:
        conditions.resolve(connection, "run:x", "")
    late = Runtime(runtime.settings.model_copy(update={"partition_start": days.today() - dt.timedelta(days=400)}))
    assert "syncs are late" in heartbeat.send(late)
    late.close()
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE measure_marks RENAME TO away"))
    assert "cannot be read and written" in heartbeat.send(runtime)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE away RENAME TO measure_marks"))
    assert watcher.heard == []
    assert heartbeat.send(runtime) == HEARD


def test_it_is_sent_after_the_first_read_of_an_installation_that_came_after_the_timetables_ticks(runtime, watcher):
    update = {"partition_start": days.today() - dt.timedelta(days=400)}
    new = Runtime(runtime.settings.model_copy(update=update))
    with new.transaction() as connection:
        sync_store.add_proof(connection, replace(proof_of("task", days.today()), finished_at=days.now()))
    assert heartbeat.send(new) == HEARD
    new.close()


def test_a_watcher_that_fails_harms_nothing_and_is_asked_again(runtime, watcher):
    watcher.answer = 503
    assert heartbeat.send(runtime) == "the watcher answered HTTP 503"
    watcher.answer = 302
    assert heartbeat.send(runtime) == "the watcher answered HTTP 302"
    watcher.answer = 200
    assert heartbeat.send(runtime) == HEARD


def test_an_address_in_a_private_network_is_not_connected_to(runtime, watcher, monkeypatch):
    connected: list[object] = []
    connect = socket.socket.connect

    def noted(self, address):
        connected.append(address)
        return connect(self, address)

    closed = Runtime(runtime.settings.model_copy(update={"private_origins": []}))
    with closed.transaction():
        monkeypatch.setattr(socket.socket, "connect", noted)
        assert "private network" in heartbeat.send(closed)
    closed.close()
    assert watcher.heard == []
    assert watcher.server_address not in connected
    (finding,) = outside.watcher(closed.settings)
    assert (finding.level, "private network" in finding.what) == ("wrong", True)
    assert "secret" not in finding.what + finding.do
    (finding,) = outside.watcher(runtime.settings)
    assert finding.level == "ok"
