"""`/metrics`: right numbers, stable names, a failed part alone is missing, and nobody reads it who may not."""

import asyncio
import datetime as dt
import itertools
import re
import threading
from pathlib import Path

import httpx
import psycopg
import pytest
import sqlalchemy as sa
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus_text

import calling_pipeline
from calling_pipeline import days, measures
from calling_pipeline.alerts import conditions
from calling_pipeline.alerts.records import Condition
from calling_pipeline.api.app import create_app
from calling_pipeline.call_stats.dependencies import guanke_client
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.database.sql import statement_of
from calling_pipeline.metrics import scraping, store
from calling_pipeline.metrics.exposition import text_of
from calling_pipeline.metrics.records import Part
from calling_pipeline.metrics.scraping import Scraper
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant
from calling_pipeline.vendors.http import VendorHttp
from calling_pipeline_tests.call_batches.desk import make_desk, phone
from calling_pipeline_tests.metrics.families import every_family, served_name
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S, http, join_all, wait_until
from calling_pipeline_tests.telephony.support import callback_body, set_up, signed

YESTERDAY = days.today() - dt.timedelta(days=1)
TOKENS = {
    "viewer": TokenGrant(role="viewer"),
    "of a tenant": TokenGrant(role="admin", tenant=1),
    "granted": TokenGrant(role="viewer", tenant=1, grants=("status",)),
}


@pytest.fixture
def runtime(app_settings, simulator, monkeypatch):
    monkeypatch.setattr(scraping, "STATEMENT_S", int(LIMIT_S))
    update = {
        "guanke_base_url": f"{simulator.url}/guanke",
        "allow_private_urls": True,
        "infinity_timeout_s": LIMIT_S,
        "api_tokens": TOKENS,
    }
    made = Runtime(app_settings.model_copy(update=update))
    with made.transaction():
        pass  # from here on what is noted is written
    yield made
    made.close()


@pytest.fixture
def scrape(runtime):
    """Name and labels → number, of a scrape now."""
    scraper = Scraper(runtime, clock=lambda: next(ticks))
    ticks = itertools.count(0, 100)

    def now():
        body, media_type = text_of(scraper.samples(), "")
        assert media_type.startswith("text/plain")
        return numbers_of(prometheus_text(body.decode()))

    yield now
    scraper.close()


def numbers_of(found):
    """By name and labels in the family's own order (a text has them by name)."""
    return {(one.name, *in_order(one)): one.value for family in found for one in family.samples}


def in_order(sample):
    order = next((one.labels for one in every_family() if served_name(one) == sample.name), sorted(sample.labels))
    return [sample.labels[name] for name in order]


def part_of(numbers, name):
    """What is served under one name, by its labels."""
    return {key[1] if len(key) == 2 else key[1:]: number for key, number in numbers.items() if key[0] == name and number}


def test_after_a_small_day_the_numbers_are_those_of_the_database_and_of_the_simulator(runtime, engine, simulator, scrape):
    simulator.forget_calls()
    simulator.behave(ring_s=[0.0, 0.0], talk_s=[0.0, 0.0])
    http.post(f"{simulator.url}/guanke/_sim/reset").raise_for_status()
    sync_days(engine, guanke_client(runtime), "task", [YESTERDAY], sync_type="manual", phone_key=runtime.phone_key)
    desk = make_desk(engine, runtime.settings, simulator)
    desk.work_orders([phone(1), phone(2), phone(3)])
    desk.task()
    desk.run()
    office = set_up(runtime, simulator.url + "/infinity/api", lines=2, agents_=2)
    call = office.call(1)
    assert office.call(1, phone="13800000002").kind == "refused"
    with served(create_app(runtime)) as url, httpx.Client(base_url=url, timeout=LIMIT_S) as client:
        body = callback_body(call.call_uuid or "")
        for _ in range(2):
            sent = client.post("/api/v1/infinity/callback/call-record", content=body, headers=signed(body))
            assert sent.status_code == 200
        assert client.get("/healthz").status_code == 200
    with runtime.transaction() as connection:
        condition = Condition("check:x", True, "warning", "x is right", "it is not", "call_stats", conditions.moment())
        conditions.observe(connection, condition)

    looked = ("calling_http_requests_total", "api", "/healthz", "2xx")
    wait_until(lambda: looked in scrape())  # a request is counted after its answer has gone out
    numbers = scrape()
    assert part_of(numbers, "calling_batch_calls_total") == {"pushed": len(desk.gateway_calls())} == {"pushed": 3}
    asked = part_of(numbers, "calling_vendor_requests_total")
    assert sum(number for (vendor, *_), number in asked.items() if vendor == "dialling_gateway") == 3
    assert part_of(numbers, "calling_sync_reads_total") == {("task", "stored"): 1}
    assert part_of(numbers, "calling_sync_rows_total") == part_of(numbers, "calling_sync_last_read_rows")
    assert part_of(numbers, "calling_telephony_clicks_total") == {("ringing", ""): 1, ("refused", "in_call"): 1}
    assert part_of(numbers, "calling_telephony_click_seconds_count") == {(): 2}
    assert part_of(numbers, "calling_telephony_callbacks_total") == {"applied": 1, "duplicate": 1}
    assert sum(part_of(numbers, "calling_extensions").values()) == 2
    assert part_of(numbers, "calling_alerts_open") == {("check", "warning"): 1}
    assert numbers[looked] == 1
    assert part_of(numbers, "calling_ledger_saves_total")["created"] == desk.one("SELECT count(*) FROM task_ledger")
    assert part_of(numbers, "calling_scrape_error") == {"dagster": 1}  # there is no Dagster in this test
    assert 0 <= numbers["calling_sync_age_seconds", "task"] < 3600
    before = {key: number for key, number in numbers.items() if key[0].endswith(("_total", "_count", "_bucket"))}
    office.call(2, phone="13800000003")
    after = scrape()
    assert [key for key, number in before.items() if after[key] < number] == []


def test_the_page_of_names_lists_exactly_what_is_served():
    listed = re.findall(r"^\| `(calling_\w+)` \| (\w+) \|", page(), re.MULTILINE)
    served_ = {(served_name(one), one.kind) for one in every_family()}
    assert set(listed) == served_
    assert len(listed) == len(served_)
    for family in every_family():
        assert all(f"`{label}`" in row_of(family) for label in family.labels), family.name


def page():
    return (Path(calling_pipeline.__file__).parents[1] / "docs" / "metrics.md").read_text()


def row_of(family):
    return next(line for line in page().splitlines() if line.startswith(f"| `{served_name(family)}` |"))


def test_names_end_in_their_unit_and_every_family_has_a_meaning():
    for family in every_family():
        assert re.fullmatch(r"calling_[a-z_]+", family.name), family.name
        assert len(family.about) > 10
        if family.kind == "histogram":
            assert family.name.endswith("_seconds"), family.name
        if "Time " in family.about or "Age " in family.about:
            assert "_seconds" in family.name, family.name


def test_a_part_that_cannot_be_read_says_so_and_the_others_stay(engine, scrape):
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE fetch_proofs RENAME TO away"))
    numbers = scrape()
    assert part_of(numbers, "calling_scrape_error") == {"syncs": 1, "dagster": 1}
    assert numbers["calling_telephony_calls_open",] == 0
    assert not part_of(numbers, "calling_sync_last_read_rows")
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE away RENAME TO fetch_proofs"))
    assert part_of(scrape(), "calling_scrape_error") == {"dagster": 1}


def test_dagsters_part_reads_its_queue_and_its_daemons(runtime, dagster_database_url, scrape):
    address = dagster_database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    object.__setattr__(runtime.settings, "dagster_database_url", sa.engine.make_url(address) and _Secret(address))
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO runs (run_id, pipeline_name, status, run_body, create_timestamp)"
            " SELECT 'r' || n, 'j', CASE WHEN n < 3 THEN 'QUEUED' ELSE 'STARTED' END, '', now() AT TIME ZONE 'UTC'"
            " FROM generate_series(1, 3) AS n"
        )
        connection.execute(
            "INSERT INTO daemon_heartbeats (daemon_type, daemon_id, timestamp, body)"
            " VALUES ('SENSOR', 'x', now() AT TIME ZONE 'UTC' - interval '90 s', '')"
        )
    numbers = scrape()
    assert part_of(numbers, "calling_scrape_error") == {}
    assert part_of(numbers, "calling_dagster_runs_open") == {"queued": 2, "started": 1}
    assert 90 <= numbers["calling_dagster_daemon_heartbeat_age_seconds", "sensor"] < 600


def test_a_centre_of_several_names_itself_on_every_number_and_counts_its_own_runs(runtime, dagster_database_url):
    address = dagster_database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO runs (run_id, pipeline_name, status, run_body) SELECT 'r' || n, 'j', 'QUEUED', ''"
            " FROM generate_series(1, 3) AS n"
        )
        connection.execute(
            "INSERT INTO run_tags (run_id, key, value) VALUES ('r1', 'calling/centre', 'north'),"
            " ('r2', 'calling/centre', 'south')"
        )
    object.__setattr__(runtime.settings, "dagster_database_url", _Secret(address))
    object.__setattr__(runtime.settings, "centre", "north")
    measures.count(measures.LEDGER_SAVES, "created")
    measures.observe(measures.CLICK_SECONDS, 0.1)
    scraper = Scraper(runtime)
    plain, _ = text_of(scraper.samples(), "", centre=scraper.centre)
    openly, _ = text_of(scraper.samples(), "application/openmetrics-text; version=1.0.0", centre=scraper.centre)
    scraper.close()
    for families in (prometheus_text(plain.decode()), open_metrics(openly.decode())):
        found = [one for family in families for one in family.samples]
        assert {one.labels.get("centre") for one in found} == {"north"}
        assert {one.labels["status"]: one.value for one in found if one.name == "calling_dagster_runs_open"}["queued"] == 1
        assert {"calling_ledger_saves_total", "calling_telephony_click_seconds_bucket"} <= {one.name for one in found}


def test_a_connection_that_is_lost_amid_a_scrape_takes_one_part_with_it(engine, runtime, monkeypatch):
    def broken_off(connection):
        with engine.begin() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid_of(connection)})
        return pid_of(connection) and []

    def pid_of(connection):
        return connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()

    def noted(connection):
        seen.append(pid_of(connection))
        return []

    seen = []
    following = Part("following", (), noted)
    monkeypatch.setattr(scraping, "parts", lambda *_: (Part("broken", (), broken_off), following, following))
    scraper = Scraper(runtime)
    failed = {one.labels[0]: one.number for one in scraper.samples() if one.family.name == "calling_scrape_error"}
    scraper.close()
    assert failed == {"broken": 1, "following": 0}
    assert len(seen) == 2
    assert len(set(seen)) == 1  # the parts of a scrape share a connection


def test_open_messages_are_counted_up_to_a_limit(engine, scrape, monkeypatch):
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO contract_messages (kind, receiver, body, cut_bytes, metadata, state, attempts, failures,"
                " due_at, history, created_at) SELECT 'send_wecom_message', 'user:r', '', 0,"
                " jsonb_build_object('contract_id', g), 'pending', 0, 0, now(), '[]', now() FROM generate_series(1, 5) AS g"
            )
        )
    assert part_of(scrape(), "calling_messages_open") == {("contracts", "pending"): 5}
    monkeypatch.setattr(store, "MOST_OPEN", 3)
    assert part_of(scrape(), "calling_messages_open") == {("contracts", "pending"): 3}


class _Secret:
    def __init__(self, text):
        self.get_secret_value = lambda: text


def test_who_asks_at_the_same_time_shares_one_scrape(runtime, monkeypatch):
    reads, gate = [], threading.Event()

    def slow(connection):
        reads.append(connection)
        gate.wait(LIMIT_S)
        return []

    part = Part("slow", (), slow)
    monkeypatch.setattr(scraping, "parts", lambda first_day, centre: (part,))
    scraper = Scraper(runtime, clock=lambda: 0.0)  # however late a thread comes, it comes at the same time
    threads = [threading.Thread(target=scraper.samples) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.set()
    join_all(*threads)
    scraper.close()
    assert len(reads) == 1


def test_it_is_served_to_viewers_of_the_status_and_to_own_networks_and_to_nobody_else(app_settings):
    def status(client, token=None, **headers):
        shown = {"Authorization": f"Bearer {token}"} if token else {}
        return client.get("/metrics", headers={**shown, **headers}).status_code

    app = create_app(Runtime(app_settings.model_copy(update={"api_tokens": TOKENS})))

    def open_to(*networks):
        app.state.runtime.settings = app_settings.model_copy(update={"metrics_open": list(networks)})

    with served(app) as url, httpx.Client(base_url=url, timeout=LIMIT_S) as client:
        assert [status(client), status(client, "wrong"), status(client, "of a tenant")] == [401, 401, 403]
        assert [status(client, "viewer"), status(client, "granted")] == [200, 200]
        shown = {"Authorization": "Bearer viewer"}
        asked = client.get("/metrics", headers={**shown, "Accept": "application/openmetrics-text; version=1.0.0"})
        assert asked.headers["content-type"].startswith("application/openmetrics-text")
        assert numbers_of(open_metrics(asked.text))["calling_scrape_error", "batches"] == 0
        open_to("127.0.0.0/8")
        assert status(client) == 200
        assert status(client, **{"X-Forwarded-For": "203.0.113.9"}) == 401  # somebody else's, through a proxy here
        open_to("10.0.0.0/8")
        assert status(client) == 401


BIG = (
    "call_tasks", "call_log", "call_batches", "communication_records", "call_callbacks", "kept_callbacks",
    "alert_conditions", "alert_deliveries", "report_deliveries", "fetch_proofs", "runs",
)  # fmt: skip


@pytest.mark.parametrize(
    "name", ["batches", "lines", "alerts", "alert_deliveries", "mails", "syncs", "counters", "dagster_runs"]
)
def test_no_statement_of_a_scrape_reads_a_big_table_from_end_to_end(name, engine, dagster_database_url):
    url = dagster_database_url if name == "dagster_runs" else engine.url
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    statement = re.sub(r"(?<![:\w]):(\w+)", "%(\\1)s", statement_of(f"metrics/{name}"))
    with psycopg.connect(plain) as connection:
        connection.execute("SET enable_seqscan = off")
        values = {"now": days.now(), "most": 10, "centre": "north", "tag": "calling/centre"}
        plan = [row[0] for row in connection.execute(f"EXPLAIN {statement}", values)]
    wide = [line for line in plan if "Seq Scan on" in line and line.split("Seq Scan on ")[1].split()[0] in BIG]
    assert wide == [], "\n".join(plan)


def test_no_label_and_no_meaning_holds_a_number_or_a_name(runtime, simulator):
    office = set_up(runtime, simulator.url + "/infinity/api", lines=1, agents_=1)
    office.call(1, phone="13812345678")
    measures.write()
    scraper = Scraper(runtime)
    body, _ = text_of(scraper.samples(), "")
    scraper.close()
    assert re.findall(r'="[^"]*\d{6,}[^"]*"', body.decode()) == []
    assert "13812345678" not in body.decode()


def test_numbers_in_a_path_and_its_query_are_no_label(runtime, simulator, scrape):
    async def ask():
        async with VendorHttp("metabase", simulator.url) as client:
            for number in range(8, 11):
                await client.request("GET", f"/api/card/{number}/query?token=secret{number}", safe=True)

    asyncio.run(ask())
    assert part_of(scrape(), "calling_vendor_requests_total") == {("metabase", "/api/card/…/query", "4xx"): 3}
