"""kill -9 at every point, a PostgreSQL that restarts, a vendor that answers wrongly: the simulator's list decides."""

from __future__ import annotations

import json
import random
import resource
import sys
import threading
import time
from contextlib import suppress

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from calling_pipeline.database import embedded, migrate
from calling_pipeline.database.engine import business_url, make_engine
from calling_pipeline.database.retry import LOST
from calling_pipeline.notifications.contracts import store
from calling_pipeline.notifications.contracts.contract_ledger import parse
from calling_pipeline.notifications.contracts.runs import run
from calling_pipeline.notifications.dependencies import NotificationDependencies
from calling_pipeline_tests.notifications.killed import POINTS
from calling_pipeline_tests.notifications.world import (
    ROBOTS,
    USERS,
    csv_bytes,
    notification_runtime,
    row,
    statuses,
    write_ledger,
)
from calling_pipeline_tests.support import (
    LIMIT_S,
    NIGHTLY,
    join_all,
    restart_server,
    run_together,
    start_process,
    stop_server,
    wait_until,
)

SEEDS = range(20 if NIGHTLY else 1)
CONTRACTS = 24
OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


def go(deps, path, **options):
    return run(deps, [path], created_by="a test", wait_s=LIMIT_S, **options)


def sessions_of_others(engine):
    """How many sessions of others the database has: the server ends those of a killed process in its own time."""
    with engine.connect() as connection:
        return connection.execute(sa.text(OTHERS)).scalar_one()


def kept(engine):
    query = "SELECT id, receiver, body, state FROM contract_messages ORDER BY id"
    with engine.connect() as connection:
        return connection.execute(sa.text(query)).all()


def address(receiver):
    kind, _, name = receiver.partition(":")
    return f"robot:{ROBOTS[name]}" if kind == "robot" else f"user:{USERS[name]}"


def judged(engine, judge, path, rows):
    """Nothing twice, nothing lost, what is unknown is marked so; the file whole, `Y` only where all was delivered."""
    arrived = judge.counted()
    assert not [message for message, count in arrived.items() if count > 1]
    messages = kept(engine)
    for message in messages:
        there = arrived[address(message.receiver), message.body]
        assert {"delivered": there == 1, "unknown": True, "pending": there == 0}.get(message.state, False), message
    assert sum(arrived.values()) == sum(arrived[address(m.receiver), m.body] for m in messages)
    ledger = parse(path.read_bytes())
    assert [contract.contract_id for contract in ledger.contracts] == [line["合同ID(_id)"] for line in rows]
    assert ledger.parked == []
    with engine.connect() as connection:
        sent = store.sent(connection, [contract.contract_id for contract in ledger.contracts])
    assert all(sent[contract.contract_id].covers(contract) for contract in ledger.contracts if contract.notified)
    return [message for message in messages if message.state == "unknown"]


def settled_by_a_person(engine, judge, held):
    """Somebody looks into the groups and says what arrived."""
    arrived = judge.counted()
    for message in held:
        there = arrived[address(message.receiver), message.body]
        with engine.begin() as connection:
            store.OUTBOX.settle(connection, [message.id], as_="done" if there else "retry", by="a test", why="looked")


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_run_loses_and_repeats_nothing(app_settings, simulator, judge, engine, tmp_path, point, seed):
    dice = random.Random(f"{point}{seed}")
    rows = [row(n, award=dice.choice("01"), city=dice.choice(("北京", "上海"))) for n in range(1, CONTRACTS + 1)]
    path = write_ledger(tmp_path / "c.csv", rows, encoding=dice.choice(("utf-8", "gb18030", "utf-8-sig")))
    runtime = notification_runtime(app_settings, simulator)
    settings = {
        "database_url": app_settings.database_url.get_secret_value(),
        "secret_key": app_settings.secret_key.get_secret_value(),
        "wecom_base_url": f"{simulator.url}/wecom",
        "wecom_robots": ROBOTS,
        "wecom_users": USERS,
        "wecom_robot_rate_per_minute": 0,
        "wecom_timeout_s": LIMIT_S,
    }
    command = [sys.executable, "-m", "calling_pipeline_tests.notifications.killed"]
    times = str(dice.randint(1, CONTRACTS - 4))
    ended = start_process([*command, json.dumps(settings), str(path), point, times]).wait(LIMIT_S)
    assert ended == -9
    wait_until(lambda: not sessions_of_others(engine))  # only then its messages are known to be nobody's
    assert len(parse(path.read_bytes()).contracts) == CONTRACTS

    go(NotificationDependencies.from_runtime(runtime), path)
    held = judged(engine, judge, path, rows)
    assert len(held) <= 8
    if point.endswith("rename"):
        assert held == []
    settled_by_a_person(engine, judge, held)
    go(NotificationDependencies.from_runtime(runtime), path)
    assert judged(engine, judge, path, rows) == []
    assert all(contract.notified for contract in parse(path.read_bytes()).contracts)
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == ["c.csv", "c.csv.bak"]
    runtime.close()


@pytest.mark.timeout(1200)
def test_did_it_and_said_it_did_not(deps, judge, simulator, engine, tmp_path):
    """5 % of the answers to messages that were delivered are spoilt; not one message is delivered twice."""
    count = 5000 if NIGHTLY else 400
    rows = [
        row(n, city=random.Random(n).choice(("北京", "上海")), award="1" if n % 4 == 0 else "0")
        for n in range(count * 4 // 5)
    ]
    path = write_ledger(tmp_path / "c.csv", rows)
    for kind, options in (
        ("status", {"status": 500}),
        ("reset", {}),
        ("garbage", {}),
        ("cut", {}),
        ("errcode", {"errcode": -1}),
    ):
        simulator.plant(kind, path="/send", times=count // 100, rate=0.02, after=True, **options)
    simulator.plant("status", path="/send", times=None, rate=0.02, status=429)
    done = go(deps, path)
    unknown = done.delivery.unknown
    while done.delivery.next_due_at is not None:  # four receivers, in order: it takes its time
        done = go(deps, path)
        unknown += done.delivery.unknown
    held = judged(engine, judge, path, rows)
    assert len(held) == unknown > count * 0.02
    assert sum(judge.counted().values()) == count
    simulator.clear_faults()
    settled_by_a_person(engine, judge, held)
    go(deps, path)
    assert set(statuses(path).values()) == {"Y"}
    assert sum(judge.counted().values()) == count


@pytest.fixture
def own_server(tmp_path_factory):
    """A PostgreSQL of this test's own, because it restarts it."""
    folder = tmp_path_factory.mktemp("restarted") / "postgres"
    server = embedded.start(folder)
    engine = make_engine(business_url(server.get_uri()))
    migrate.upgrade(engine)
    engine.dispose()
    yield server
    stop_server(server)


@pytest.mark.parametrize("seed", range(5 if NIGHTLY else 1))
def test_postgresql_restarts_during_a_delivery(app_settings, simulator, judge, own_server, tmp_path, seed):
    """Restarted again and again while messages go out: the run goes on, nothing is lost, nothing is sent twice."""
    url = SecretStr(own_server.get_uri())
    runtime = notification_runtime(app_settings, simulator, database_url=url)
    rows = [row(n, city=("北京", "上海")[n % 2]) for n in range(300)]
    path = write_ledger(tmp_path / "c.csv", rows)
    simulator.plant("slow", path="/send", times=None, seconds=0.02)

    def restart():
        for _ in range(4):
            time.sleep(0.7 + seed / 10)
            restart_server(own_server)

    thread = threading.Thread(target=restart)
    thread.start()
    try:
        while thread.is_alive():
            with suppress(*LOST):  # outside a delivery a run may end; it is started again
                go(NotificationDependencies.from_runtime(runtime), path)
    finally:
        join_all(thread)
    go(NotificationDependencies.from_runtime(runtime), path)
    held = judged(runtime.engine, judge, path, rows)
    settled_by_a_person(runtime.engine, judge, held)
    go(NotificationDependencies.from_runtime(runtime), path)
    assert judged(runtime.engine, judge, path, rows) == []
    assert sum(judge.counted().values()) == 300
    runtime.close()


def test_a_full_disk_leaves_the_ledger_whole_and_the_next_run_writes_it(deps, judge, tmp_path):
    path = write_ledger(tmp_path / "c.csv", [row(n) for n in range(1, 41)])
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        done = go(deps, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert done.failed
    assert "could not be written" in done.errors[0]
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["c.csv"]
    assert go(deps, path).written_back == 40
    assert sum(judge.counted().values()) == 40


def test_two_runs_at_once_send_every_message_once(runtime, judge, tmp_path):
    rows = [row(n, award="1", city=("北京", "上海")[n % 2]) for n in range(60)]
    path = write_ledger(tmp_path / "c.csv", rows)
    deps = NotificationDependencies.from_runtime(runtime)
    run_together(*[lambda: go(deps, path)] * 4)
    go(deps, path)
    assert judged(runtime.engine, judge, path, rows) == []
    assert sum(judge.counted().values()) == 120
    assert set(statuses(path).values()) == {"Y"}


def test_a_ledger_edited_by_hand_all_the_time_loses_no_edit(deps, judge, tmp_path):
    """Somebody saves the file again and again while a run writes it back; in the end every line is there."""
    path = tmp_path / "c.csv"
    lines = [row(n) for n in range(30)]
    write_ledger(path, lines)
    over = threading.Event()

    def edit():
        number = 100
        while not over.wait(0.01):
            content = path.read_bytes()
            new = csv_bytes([row(number)]).split(b"\r\n")[1] + b"\r\n"
            draft = path.with_name("editor.tmp")
            draft.write_bytes(content + new)
            if path.read_bytes() == content:  # an editor that looks before it saves
                draft.replace(path)
                number += 1
        edited.append(number)

    edited: list[int] = []
    thread = threading.Thread(target=edit)
    thread.start()
    try:
        for _ in range(3):
            go(deps, path)
    finally:
        over.set()
        join_all(thread)
    go(deps, path)
    assert set(statuses(path)) >= {f"id-{n}" for n in range(30)}
    assert len(parse(path.read_bytes()).parked) == 0
    assert max(judge.counted().values()) == 1
