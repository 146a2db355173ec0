"""Twenty secrets and two hundred numbers go every way through every room: none is found where none may be."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import dagster as dg
import httpx
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from calling_pipeline import days
from calling_pipeline.api.answers import ACCESS
from calling_pipeline.api.app import create_app
from calling_pipeline.cli.main import main
from calling_pipeline.definitions import build
from calling_pipeline.errors import Conflict
from calling_pipeline.persons import erasing
from calling_pipeline.persons.dependencies import PersonDependencies
from calling_pipeline.runtime import Runtime
from calling_pipeline.settings import TokenGrant, load
from calling_pipeline_tests.call_batches.desk import ALL_DAY, MAPPING
from calling_pipeline_tests.canary import PHONES, SECRETS, found_in, in_columns, in_files, spelled
from calling_pipeline_tests.dagster_support import instance_on
from calling_pipeline_tests.notifications.world import row, write_ledger
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S
from calling_pipeline_tests.telephony.support import callback_body, signed

ALLOWED = {
    "crm.work_orders.mobile": "the customer's own table",
    "crm.raising.mobile": "the customer's own table",
    "crm.late.mobile": "the customer's own table",
    "public.call_tasks.phone": "what is to be called",
    "public.call_tasks.raw": "what is to be called, as the customer's table has it",
    "public.contract_ledgers.content": "the customer's own file, so that it can be put back",
    "public.contract_messages.body": "what is sent to receivers, names and cities included",
    "public.call_history.phone": "who was called, so that nobody is called again",
    "public.call_log.phone": "who was called when",
    "public.gateway_refusals.phone": "whom the gateway refused, so that nobody asks for them again",
    "public.contact_attempts.phone": "what the contact policy judges",
    "public.do_not_call.phone": "who must not be called",
    "public.do_not_call_history.phone": "who must not be called, before a change",
    "public.do_not_call_history.before": "who must not be called, before a change",
}
"""The columns that hold full numbers, and why; no column holds a secret."""
V1 = "/api/v1/infinity"


class World:
    """Vendors that repeat in their answers whatever they were asked, and all that the product says meanwhile."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.requests = 0

    def hear(self, door: str, text: str) -> None:
        self.said.append((door, text))

    async def gateway(self, request: Request) -> Response:
        body = await request.json()
        phone = body["contract_root"]["svc_cont"]["properties"]["accs_nbr"]
        self.requests += 1
        answers = [("0", "ok"), ("0", f"calling {phone}"), ("7", f"refused {spelled(phone, 1)}"), ("8", spelled(phone, 7))]
        if self.requests % 7 == 0:
            return PlainTextResponse(f"cannot call {phone} with {request.headers['X-APP-KEY']}", 500)
        code, message = answers[self.requests % len(answers)]
        document = {"contractRoot": {"svcCont": {"result": {"resp_code": code, "result_msg": message}}}}
        return Response(json.dumps(document, ensure_ascii=False).encode("gb18030"), media_type="application/json")

    async def infinity(self, request: Request) -> Response:
        form = await request.form()
        everything = " ".join(str(value) for value in form.values())
        self.requests += 1
        if form["service"] == "App.Sip_Auth.Login":
            document: Any = {"ret": 200, "data": {"status": 0, "token": SECRETS[19]}}
        elif self.requests % 3 == 0:
            document = {"ret": 500, "msg": f"failed: {everything}"}
        elif self.requests % 3 == 1:
            document = {"ret": 400, "msg": f"bad: {spelled(str(form.get('destnumber', '')), 1)}"}
        else:
            document = {"ret": 200, "data": {"status": 0, "call_uuid": f"call-{self.requests}"}}
        return Response(json.dumps(document), media_type="application/json")

    async def echo(self, request: Request) -> Response:
        body = (await request.body()).decode()
        document = {"errcode": 40001, "errmsg": f"no: {request.url} {body[:300]} {SECRETS[4]}", "code": 500, "message": body}
        return Response(json.dumps(document), media_type="application/json")

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/gateway", self.gateway, methods=["POST"]),
                Route("/infinity", self.infinity, methods=["POST"]),
                Route("/{rest:path}", self.echo, methods=["GET", "POST"]),
            ]
        )


@pytest.fixture
def world():
    return World()


@pytest.fixture
def settings(world, database_url, dagster_database_url, tmp_path, monkeypatch):
    """Settings of every process, from the environment, with a secret in each place that takes one."""
    with served(world.app()) as url:
        values = {
            "HOME": str(tmp_path / "home"),
            "DATABASE_URL": database_url.set(drivername="postgresql").render_as_string(hide_password=False),
            "DAGSTER_DATABASE_URL": dagster_database_url.set(drivername="postgresql").render_as_string(hide_password=False),
            "SECRET_KEY": SECRETS[0],
            "GATEWAY_URL": f"{url}/gateway",
            "GATEWAY_APP_KEY": SECRETS[1],
            "GATEWAY_SIGN": SECRETS[2],
            "GATEWAY_EVENT_CODE": "E1",
            "GATEWAY_TARGET_OBJ_ID": "T1",
            "WECOM_BASE_URL": f"{url}/wecom",
            "WECOM_CORP_SECRET": SECRETS[3],
            "WECOM_ROBOTS": json.dumps({"北京": SECRETS[4], "上海": SECRETS[5]}),
            "WECOM_USERS": json.dumps({"北京": "boss-bj"}),
            "METABASE_URL": f"{url}/metabase",
            "METABASE_PASSWORD": SECRETS[6],
            "GUANKE_BASE_URL": f"{url}/guanke",
            "GUANKE_SECRET": SECRETS[7],
            "ALERT_URLS": f"json://user:{SECRETS[8]}@127.0.0.1:1/{SECRETS[9]}",
            "API_TOKENS": json.dumps({SECRETS[10]: {"role": "admin"}, SECRETS[11]: {"role": "viewer", "tenant": 1}}),
            "ALLOW_PRIVATE_URLS": "true",
            "VENDOR_RETRY_DELAY_S": "0",
        }
        for name, value in values.items():
            monkeypatch.setenv(f"CALLING_{name}", value)
        made = load()
        assert isinstance(made.api_tokens, dict)
        assert TokenGrant(role="admin") in made.api_tokens.values()
        made.home.mkdir(parents=True, exist_ok=True)
        yield made


def command(world: World, *words: str) -> None:
    """One command, its output kept; with its traceback when it fails."""
    for more in (["--json"], ["--debug"]):
        answer = CliRunner().invoke(main, [*words, *more])
        world.hear("command " + " ".join(words[:3]), answer.output + (answer.stderr or "") + str(answer.exception or ""))


def source_tables(engine: sa.Engine) -> None:
    """Numbers in ten spellings; a view that cannot be read; a table whose rows a trigger of ours refuses by naming them."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA crm")
        for table in ("work_orders", "raising", "late"):
            connection.exec_driver_sql(
                f"CREATE TABLE crm.{table} (mobile text, staff text, system text, kind text, orders integer)"
            )
        rows = [{"mobile": spelled(phone, place)} for place, phone in enumerate(PHONES[:60])]
        connection.execute(sa.text("INSERT INTO crm.work_orders VALUES (:mobile, 'staff', 'CRM', 'new', 1)"), rows)
        rows = [{"mobile": phone} for phone in PHONES[60:80]]
        connection.execute(sa.text("INSERT INTO crm.raising VALUES (:mobile, 'staff', 'CRM', 'new', 1)"), rows)
        rows = [{"mobile": phone} for phone in PHONES[188:200]]
        connection.execute(sa.text("INSERT INTO crm.late VALUES (:mobile, 'staff', 'CRM', 'new', 1)"), rows)
        connection.exec_driver_sql(
            "CREATE FUNCTION refuse_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            "  IF EXISTS (SELECT FROM crm.late l WHERE l.mobile = NEW.phone) THEN RAISE EXCEPTION 'not now'; END IF;"
            "  RETURN NEW; END $$"
        )
        for table in ("contact_attempts", "call_history", "call_log"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER refuse_late BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_late()"
            )
        connection.exec_driver_sql(
            "CREATE VIEW crm.unreadable AS SELECT mobile, staff, system, kind, mobile::date::text::integer AS orders"
            " FROM crm.work_orders"
        )
        connection.exec_driver_sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            "  IF EXISTS (SELECT FROM crm.raising r WHERE r.mobile = NEW.phone) THEN"
            "    RAISE EXCEPTION USING MESSAGE = 'no ' || NEW.phone, DETAIL = NEW.phone, HINT = 'not ' || NEW.phone; END IF;"
            "  RETURN NEW; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON call_tasks FOR EACH ROW EXECUTE FUNCTION refuse()"
        )


def call_batches(world: World, client: httpx.Client) -> None:
    for name, table in (("orders", "work_orders"), ("unreadable", "unreadable"), ("raising", "raising"), ("late", "late")):
        wish = {"name": name, "cron": "0 0 * * *", **MAPPING, "source_table": table, "policy": ALL_DAY, "rate_per_s": 5000}
        ask(world, client, "POST", "/api/v1/calls/tasks", json=wish)
        ask(world, client, "GET", f"/api/v1/calls/tasks/{name}/preview")
        command(world, "calls", "preview", "--task", name)
        if name != "late":
            command(world, "calls", "run", "--task", name)
    command(world, "calls", "batches")
    for batch in (1, 2, 3):
        ask(world, client, "GET", f"/api/v1/calls/batches/{batch}")
        command(world, "calls", "batches", str(batch))
    ask(world, client, "POST", "/api/v1/calls/tasks", json={**MAPPING, "name": spelled(PHONES[80], 1), "cron": PHONES[81]})
    command(world, "calls", "run", "--task", PHONES[82])


def telephony(world: World, client: httpx.Client, engine: sa.Engine) -> None:
    config = {"tenant_id": 1, "api_url": f"{load().gateway_url.removesuffix('/gateway')}/infinity", "app_id": "app"}
    secrets = {"access_key": SECRETS[12], "callback_secret": SECRETS[13]}
    made = ask(world, client, "POST", f"{V1}/configs", json={**config, **secrets}, hide=SECRETS[13])
    number = made.json()["data"]["id"]
    one = f"{V1}/configs/{number}"
    ask(world, client, "PATCH", one, json={"access_key": SECRETS[14]})
    ask(world, client, "PATCH", one, json={"api_url": f"http://{SECRETS[15]}.example.com", "ring_timeout_s": PHONES[84]})
    rotation = {"callback_secret": SECRETS[16], "overlap_s": 60}
    ask(world, client, "POST", f"{one}/rotate-callback-secret", json=rotation, hide=SECRETS[16])
    ask(world, client, "POST", f"{one}/test-connection")
    ask(
        world,
        client,
        "POST",
        f"{V1}/extensions/import",
        json={"config_id": number, "rows": ["1001", "1002"]},
    )
    for place, phone in enumerate(PHONES[86:96]):
        body = {"tenant_id": 1, "collector_id": place + 1, "callback_number": spelled(phone, place)}
        ask(world, client, "POST", f"{V1}/collectors", json=body)
    for place, phone in enumerate(PHONES[100:140]):
        body = {"tenant_id": 1, "collector_id": place % 5 + 1, "phone": spelled(phone, place)}
        ask(world, client, "POST", f"{V1}/make-call", json=body)
        ask(world, client, "POST", f"{V1}/extensions/release-collector", json={"tenant_id": 1})
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE extension_pool SET state = 'available', quarantined_until = NULL, holder = NULL, lease_until = NULL"
            )
    for place, phone in enumerate(PHONES[140:160]):
        said = spelled(phone, place)
        report = callback_body(f"call-{place}", result=f"失败 {said}", remark=f"called {said}", custom_params={"n": said})
        wrong = [report[:-3], report.replace(b"true", b'"' + said.encode() + b'"'), report.replace(b"12", said.encode())]
        for content in (report, *wrong):
            for headers in (signed(content, secret=SECRETS[16]), {"X-Timestamp": phone, "X-Signature": spelled(phone, 2)}):
                ask(world, client, "POST", f"{V1}/callback/call-record", content=content, headers=headers)
    for path in ("/calls", "/configs", "/collectors", "/extensions", "/audit", f"/calls/{PHONES[97]}"):
        ask(world, client, "GET", V1 + path)
    for words in (["stats"], ["test-connection", "--config", str(number)], ["release", "--stale"]):
        command(world, "telephony", *words)


def notifications(world: World, folder) -> None:
    rows = [row(number, **{"激活奖励状态": spelled(phone, number)}) for number, phone in enumerate(PHONES[160:165])]
    rows += [row(number + 20, notified=spelled(phone, number)) for number, phone in enumerate(PHONES[165:170])]
    rows += [row(50), row(51, city="上海"), row(52, city=PHONES[170])]
    rows += [row(60, **{"活动期内第几个合同": PHONES[171]}), row(61, **{"转化率(conversion)": PHONES[172]})]
    ledger = str(write_ledger(folder / "contracts.csv", rows))
    for words in (["run", "--ledger", ledger], ["status"], ["technicians"], ["redrive"]):
        command(world, "notify", *words)


def other_rooms(world: World, client: httpx.Client) -> None:
    for place, phone in enumerate(PHONES[174:184]):
        command(world, "policy", "dnc", "add", spelled(phone, place), "--note", "asked for it")
        command(world, "policy", "check", spelled(phone, place))
    for phone in PHONES[184:188]:
        command(world, "policy", "dnc", "add", f"{phone}99")
        ask(world, client, "GET", f"/api/tasks/{phone}")
        ask(world, client, "GET", "/api/stats/grade-stats", params={"date": phone})
        ask(world, client, "GET", "/api/stats/held", params={"state": phone, phone: "1"})
        ask(world, client, "GET", f"/somewhere/{phone}")
        ask(world, client, "PUT", "/api/tasks/t1", json={"state": phone, "credits": phone})
    command(world, "policy", "dnc", "list")
    ask(world, client, "POST", "/api/stats/grade-stats/refresh", json={"date": days.today().isoformat()})
    command(world, "stats", "sync", "--days", "1")
    for words in (["alerts", "test"], ["alerts", "list"], ["status"], ["ledger", "list"]):
        command(world, *words)
    for path in ("/api/v1/alerts", "/api/v1/status", "/healthz"):
        ask(world, client, "GET", path)
    for token in (SECRETS[17], SECRETS[18]):
        ask(world, client, "GET", "/api/stats/held", headers={"Authorization": f"Bearer {token}"})


def dagster_run(world: World, url: sa.URL, folder) -> None:
    """The batches' own run, of the task that cannot be read and the one whose rows are refused."""
    (folder / "dagster").mkdir()
    with instance_on(url, folder / "dagster") as instance:
        runtime = Runtime.load()
        job = build(runtime).resolve_job_def("call_batches_run")
        for task in ("unreadable", "raising", "late", "orders"):
            config = {"ops": {"call_batches": {"config": {"dry_run": task == "orders", "tasks": [task]}}}}
            result = job.execute_in_process(
                partition_key=days.today().isoformat(), run_config=config, instance=instance, raise_on_error=False
            )
            for event in result.all_events:
                world.hear("event of Dagster", f"{event.message} {event.event_specific_data}")
        records = instance.get_records_for_run(result.run_id).records
        world.hear("log of Dagster", "\n".join(dg.serialize_value(record.event_log_entry) for record in records))
        runtime.close()


def ask(world: World, client: httpx.Client, method: str, path: str, *, hide: str = "", **options: Any) -> httpx.Response:
    """One request, its answer kept; `hide`: the secret that is shown in it this once."""
    answer = client.request(method, path, **options)
    world.hear(f"{method} {path[:40]}", answer.text.replace(hide, "") if hide else answer.text)
    return answer


def test_no_secret_and_no_full_number_is_found_where_none_may_be(
    world, settings, engine, dagster_database_url, tmp_path, caplog, capfd
):
    for noisy in ("hypothesis", "asyncio", "httpcore", "python_multipart"):
        caplog.set_level(logging.WARNING, noisy)
    caplog.set_level(logging.INFO, ACCESS)
    caplog.set_level(logging.DEBUG)
    source_tables(engine)
    afresh = httpx.Limits(max_keepalive_connections=0)  # commands take longer than the server keeps a connection
    with served(create_app(Runtime.load())) as url, httpx.Client(base_url=url, timeout=LIMIT_S, limits=afresh) as client:
        client.headers["Authorization"] = f"Bearer {SECRETS[10]}"
        call_batches(world, client)
        telephony(world, client, engine)
        notifications(world, tmp_path)
        other_rooms(world, client)
    dagster_run(world, dagster_database_url, tmp_path)

    leaks = [f"{door}: {found}" for door, text in world.said if (found := found_in(text))]
    leaks += [f"log {record.name}: {found}" for record in caplog.records if (found := found_in(_text(record)))]
    leaks += [f"output: {found}" for text in capfd.readouterr() if (found := found_in(text))]
    leaks += [f"file {name}: {found}" for name, found in in_files(settings.home)]
    leaks += [f"file {name}: {found}" for name, found in in_files(tmp_path / "dagster")]
    numbers = dict(in_columns(engine))
    leaks += [f"column {name}: {found}" for name, found in numbers.items() if name not in ALLOWED or found & set(SECRETS)]
    other = sa.create_engine(dagster_database_url.set(drivername="postgresql+psycopg"))
    leaks += [f"Dagster's {name}: {found}" for name, found in in_columns(other)]
    other.dispose()
    assert not leaks, "\n".join(leaks)
    assert {"public.call_history.phone", "public.contact_attempts.phone"} <= set(numbers), "the search finds nothing"
    assert len(world.said) > 300

    gone = erase_everybody(numbers)
    left = {name: found & gone for name, found in in_columns(engine) if found & gone}
    theirs = {name for name, why in ALLOWED.items() if why.startswith("the customer's own")}
    assert set(left) <= theirs
    assert len(gone) > 20


def erase_everybody(numbers: Mapping[str, set[str]]) -> set[str]:
    """Everybody whose number stands in a column of ours, but those of whom a call is unknown."""
    runtime, gone = Runtime.load(), set()
    deps = PersonDependencies.from_runtime(runtime)
    for phone in set().union(*(found for name, found in numbers.items() if name.startswith("public."))) - set(SECRETS):
        try:
            with runtime.transaction() as connection:
                erasing.erase(connection, deps, phone, by="Li Wei", reason="a letter")
        except Conflict:
            continue
        gone.add(phone)
    runtime.close()
    return gone


def _text(record: logging.LogRecord) -> str:
    return logging.Formatter("%(message)s").format(record)
