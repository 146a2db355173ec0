"""An answer that the database does not store costs no other call its outcome."""

import dataclasses
from typing import Any, Self

import pytest

from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.call_batches.pushing.writer import NOT_STORABLE
from calling_pipeline.vendors.dial_gateway import DialGateway, Push, PushAnswer
from calling_pipeline_tests.call_batches.desk import phone


class OddGateway:
    """The real client; its answers about some numbers hold what cannot be stored."""

    def __init__(self, inner: DialGateway, odd: dict[str, dict[str, Any]]) -> None:
        self._inner = inner
        self._odd = odd

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *what: Any) -> None:
        await self._inner.__aexit__(*what)

    async def push(self, push: Push) -> PushAnswer:
        return dataclasses.replace(await self._inner.push(push), **self._odd.get(push.phone, {}))


def pushed_with(desk, odd):
    desk.work_orders([phone(n) for n in range(60)])
    desk.task()
    made = desk.dependencies()

    def gateway(*, concurrency: int | None = None) -> Any:
        return OddGateway(made.gateway(concurrency=concurrency), odd)

    return runs.push(dataclasses.replace(made, gateway=gateway), desk.plan().id)


@pytest.mark.parametrize(
    "odd", [{"message": "\x00"}, {"message": "\ud800"}, {"resp_code": "0\x00"}, {"http_status": 99_999}], ids=str
)
def test_of_sixty_calls_one_answer_is_not_storable_and_every_outcome_is_kept(desk, odd):
    batch = pushed_with(desk, {phone(7): odd})
    assert batch.state == "completed"
    assert desk.outcome(batch).states == {"pushed": 60}
    assert desk.one("SELECT count(*) FROM call_history") == 60
    assert desk.rows("SELECT phone FROM call_log WHERE message = :note", note=NOT_STORABLE) == [(phone(7),)]
    texts = [row.text for row in desk.rows("SELECT text FROM alerts WHERE kind = 'batch_answers' ORDER BY id")]
    assert "holds what cannot be stored" in texts[0]
    assert phone(7) not in "".join(texts)
    assert desk.one("SELECT count(*) FROM alert_conditions WHERE failing") == 0, "closed with the end of the batch"
    desk.judge()


def test_a_refusal_that_is_not_storable_stays_a_refusal(desk, simulator):
    simulator.plant("refuse", path="/gateway", times=1)
    batch = pushed_with(desk, {phone(n): {"message": "\x00"} for n in range(60)})
    assert desk.outcome(batch).states == {"pushed": 59, "refused": 1}
    desk.judge()


def test_a_call_whose_outcome_cannot_be_stored_at_all_is_unknown_in_the_end(desk):
    """The database refuses every outcome of one number, whatever its words."""
    with desk.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION refuse_seven() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF NEW.phone = '{phone(7)}' AND NEW.outcome = 'pushed' THEN RAISE 'no' USING ERRCODE = '22000'; END IF;"
            " RETURN NEW; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER seven BEFORE INSERT ON call_log FOR EACH ROW EXECUTE FUNCTION refuse_seven()"
        )
    batch = pushed_with(desk, {})
    assert batch.state == "completed"
    assert desk.outcome(batch).states == {"pushed": 59, "unknown": 1}
    desk.judge()
