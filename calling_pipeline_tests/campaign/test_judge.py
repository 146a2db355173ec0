"""The judge of a campaign sees what it is there for, and the proxy cuts what it should."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from calling_pipeline.database.engine import make_engine
from calling_pipeline_tests.call_batches.desk import phone
from calling_pipeline_tests.campaign.judge import Judge
from calling_pipeline_tests.campaign.people import Clicked, People, Saved
from calling_pipeline_tests.campaign.proxy import CuttingProxy
from calling_pipeline_tests.campaign.world import World, world
from calling_pipeline_tests.support import http


@pytest.fixture(scope="module")
def quiet() -> Iterator[World]:
    with world(7, cut_rate=0.0) as made:
        yield made


def called(world: World, distinct_id: str, number: str) -> None:
    """Ask the gateway itself, as no room of the product would."""
    properties = dict.fromkeys(("event_code", "oper_time", "target_obj_type", "target_obj_id", "lan_id", "cust_name"), "x")
    properties |= {"accs_nbr": number, "contact_nbr": number}
    business = dict.fromkeys(("staff_name", "sys_name", "order_type", "order_nums"), "x")
    transport = dict.fromkeys(("req_time", "svc_code", "api_code", "transaction_id", "sign", "version"), "20261129000000000")
    content = {"distinct_id": distinct_id, "properties": {**properties, "busi_params": business}}
    body = {"contract_root": {"tcp_cont": transport, "svc_cont": content}}
    answer = http.post(f"{world.vendors.url}/gateway/", json=body, headers={"X-APP-ID": "a", "X-APP-KEY": "b"})
    assert answer.json()["contractRoot"]["svcCont"]["result"]["resp_code"] == "0", answer.text


def test_the_judge_finds_nothing_where_nothing_happened(quiet):
    judge = Judge(quiet, People(quiet))
    judge.look(settled=False)
    assert judge.violations == []


def test_the_judge_sees_what_was_done_twice_lost_or_shown_wrongly(quiet):
    called(quiet, "1" * 17, phone(1))
    called(quiet, "2" * 17, phone(1))
    message = {"msgtype": "text", "text": {"content": "hello"}}
    for _ in range(2):
        http.post(f"{quiet.vendors.url}/wecom/cgi-bin/webhook/send", params={"key": "key-bj"}, json=message)
    people = People(quiet)
    people.saved.append(Saved("never kept", 3, confirmed=True))
    people.clicked.append(Clicked("15900000000", ["424"]))
    people.wrong_numbers.append("grade 2026-11-26: shown (1,), true (2,)")
    judge = Judge(quiet, people)
    judge.look(settled=False)
    seen = " ".join(judge.violations)
    for sentence in (
        "a number was called twice",
        "a call that was made is not in the books",
        "a message arrived twice",
        "messages arrived that are not in the books",
        "a task that was confirmed is not completed and charged",
        "a wrong number was shown as complete",
    ):
        assert sentence in seen
    http.delete(f"{quiet.vendors.url}/gateway/_sim/calls")
    http.delete(f"{quiet.vendors.url}/wecom/_sim/messages")


@pytest.mark.parametrize("seed", range(4))
def test_a_cut_commit_happened_or_did_not_and_nobody_hears_which(quiet, seed):
    where = quiet.postgres.url.query["host"]
    proxy = CuttingProxy(f"{where}/.s.PGSQL.5432", seed=seed, cut_rate=1.0)
    port = proxy.start()
    url = sa.engine.URL.create("postgresql+psycopg", "postgres", host="127.0.0.1", port=port, database="campaign")
    engine = make_engine(url.set(query={"sslmode": "disable"}))
    with quiet.engine.begin() as direct:
        direct.exec_driver_sql("CREATE TABLE IF NOT EXISTS cut (seed integer)")
    with engine.connect() as connection:
        connection.execute(sa.text("INSERT INTO cut VALUES (:seed)"), {"seed": seed})
        with pytest.raises((sa.exc.DBAPIError, psycopg.Error)):
            connection.commit()
        connection.invalidate()
    engine.dispose()
    proxy.stop()
    with quiet.engine.begin() as direct:
        kept = direct.execute(sa.text("SELECT count(*) FROM cut WHERE seed = :seed"), {"seed": seed}).scalar_one()
    assert kept == proxy.counted["commits cut after"]
    assert kept + proxy.counted["commits cut before"] == 1
