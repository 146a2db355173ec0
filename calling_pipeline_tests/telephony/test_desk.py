"""The call button of a desk and its rounds: once for each turn, in the order of the list, over real processes' gaps."""

import asyncio
import datetime as dt
import threading

import pytest
from sqlalchemy.exc import IntegrityError

from calling_pipeline import days
from calling_pipeline.errors import Conflict, InvalidInput, NotFound
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline.telephony.desk import calling, states, store
from calling_pipeline.telephony.desk.cases import cases, importing
from calling_pipeline.telephony.desk.cases.records import NewCase
from calling_pipeline.telephony.desk.records import Seat
from calling_pipeline.telephony.desk.views import view
from calling_pipeline_tests.support import LIMIT_S, run_together

SEAT = Seat(1, 1)


@pytest.fixture
def act(office):
    """Run one act of the desk in an event loop of its own, as a server does."""

    def run(what, *arguments, **named):
        async def within():
            async with TelephonyDependencies.from_runtime(office.runtime) as deps:
                return await what(deps, *arguments, **named)

        return asyncio.run(within())

    return run


def add(office, phone="13800000001", name="Wang", collector=1):
    with office.runtime.transaction() as connection:
        new = NewCase(collector, phone, name)
        return cases.add(connection, office.runtime.secrets, office.runtime.phone_keys, 1, new, who="test")


def desk(office, seat=SEAT):
    with office.runtime.transaction() as connection:
        return view(connection, seat)


def order(office, what, **more):
    with office.runtime.transaction() as connection:
        turn = store.desk_of(connection, SEAT).turn
        return calling.order(connection, SEAT, turn, what, who="li", **more)


def end_call(office, call, state="not_connected"):
    """The line is idle and a callback said so."""
    with office.runtime.transaction() as connection:
        connection.exec_driver_sql(
            f"UPDATE communication_records SET state = '{state}', settled_at = now(), settled_by = 'callback',"
            f" closed_at = now(), duration_s = 0 WHERE id = {call.record_id}"
        )
        connection.exec_driver_sql("UPDATE extension_pool SET state = 'available', holder = NULL, lease_until = NULL")


def conclude(office, call, result="no_answer", done=None, next_call_at=None):
    with office.runtime.transaction() as connection:
        return calling.conclude(
            connection, SEAT, call.id, result=result, remark="", done=done, next_call_at=next_call_at, who="li"
        )


def test_a_press_calls_the_case_and_keeps_what_became_of_it(office, act, infinity):
    case = add(office)
    pressed = act(calling.call_case, SEAT, 0, case.id, who="li")
    assert pressed.outcome == "ringing"
    assert pressed.state == "ringing"
    (made,) = infinity.get("/infinity/_sim/calls")
    assert made["destnumber"] == "13800000001"
    assert desk(office).state.line == "ringing"
    assert not desk(office).state.over


def test_two_sessions_that_press_at_once_make_exactly_one_call(office, infinity):
    case = add(office)
    infinity.behave(ring_s=[60, 60], talk_s=[60, 60])
    ready, refused = threading.Barrier(8), []

    def press():
        async def within():
            async with TelephonyDependencies.from_runtime(office.runtime) as deps:
                ready.wait(LIMIT_S)
                await calling.call_case(deps, SEAT, 0, case.id, who="li")

        try:
            asyncio.run(within())
        except Conflict as error:
            refused.append(str(error))

    run_together(*[press] * 8)
    assert len(infinity.get("/infinity/_sim/calls")) == 1
    assert len(refused) == 7
    assert office.rows("SELECT count(*) FROM desk_calls") == [(1,)]


def test_a_page_of_an_earlier_turn_calls_nobody_even_after_the_call_has_ended(office, act, infinity):
    case = add(office)
    pressed = act(calling.call_case, SEAT, 0, case.id, who="li")
    end_call(office, pressed)
    with pytest.raises(Conflict, match="older"):
        act(calling.call_case, SEAT, 0, case.id, who="li")
    assert len(infinity.get("/infinity/_sim/calls")) == 1


def test_while_a_call_is_under_way_the_button_calls_nobody_else(office, act, infinity):
    first, second = add(office), add(office, "13800000002")
    infinity.behave(ring_s=[60, 60], talk_s=[60, 60])
    act(calling.call_case, SEAT, 0, first.id, who="li")
    with pytest.raises(Conflict, match="under way"):
        act(calling.call_case, SEAT, 1, second.id, who="li")
    assert len(infinity.get("/infinity/_sim/calls")) == 1


def test_a_refusal_keeps_its_rule_and_when_it_may_be_tried_again(office, act):
    office.change(contact_rules={"preset": "list_only", "minimum_gap_s": 600})
    case = add(office)
    end_call(office, act(calling.call_case, SEAT, 0, case.id, who="li"))
    pressed = act(calling.call_case, SEAT, 1, case.id, who="li")
    assert pressed.outcome == "refused"
    assert pressed.rule.startswith("contact_policy:")
    assert pressed.not_before > days.now()
    with office.runtime.transaction() as connection:
        assert cases.find(connection, case.id).next_call_at == pressed.not_before
    assert desk(office).state.over


def test_nobody_calls_a_case_of_another_collector_or_one_that_is_done(office, act, infinity):
    other, own = add(office, collector=2), add(office, "13800000002")
    with pytest.raises(NotFound):
        act(calling.call_case, SEAT, 0, other.id, who="li")
    with office.runtime.transaction() as connection:
        cases.conclude(connection, own, result="paid", remark="", done=None, next_call_at=None, who="li")
    with pytest.raises(Conflict, match="done"):
        act(calling.call_case, SEAT, 0, own.id, who="li")
    assert infinity.get("/infinity/_sim/calls") == []


def test_a_typed_number_becomes_a_case_and_its_open_case_is_found_again(office, act):
    pressed = act(calling.call_number, SEAT, 0, " 138 0000 0001 ", "Wang", who="li")
    end_call(office, pressed)
    again = act(calling.call_number, SEAT, 1, "13800000001", "", who="li")
    assert again.case_id == pressed.case_id
    end_call(office, again)
    with pytest.raises(InvalidInput) as refused:
        act(calling.call_number, SEAT, 2, "1380", "", who="li")
    assert "1380" not in str(refused.value)


def test_a_round_goes_through_the_list_once_and_waits_for_the_result_of_a_conversation(office, act, infinity):
    made = [add(office, f"1380000000{number}") for number in range(1, 4)]
    order(office, "start", pause_s=0)
    first = act(calling.call_next, SEAT, desk(office).state.desk.turn, by_hand=False, who="li")
    assert first.case_id == made[0].id
    end_call(office, first, "connected")
    waiting = desk(office)
    assert waiting.state.waits_for_result
    assert not waiting.due
    with pytest.raises(Conflict, match="not due"):
        act(calling.call_next, SEAT, waiting.state.desk.turn, by_hand=False, who="li")
    conclude(office, first, "promised")
    assert desk(office).due
    for expected in made[1:]:
        following = act(calling.call_next, SEAT, desk(office).state.desk.turn, by_hand=False, who="li")
        assert following.case_id == expected.id
        end_call(office, following)
    assert desk(office).finished
    with pytest.raises(NotFound, match="nobody is left"):
        act(calling.call_next, SEAT, desk(office).state.desk.turn, by_hand=True, who="li")
    assert len(infinity.get("/infinity/_sim/calls")) == 3


def test_a_round_waits_its_pause_and_stands_still_while_it_is_paused(office, act):
    add(office)
    add(office, "13800000002")
    order(office, "start", pause_s=600)
    first = act(calling.call_next, SEAT, desk(office).state.desk.turn, by_hand=False, who="li")
    end_call(office, first)
    now = desk(office)
    assert now.state.next_at - days.now() > dt.timedelta(seconds=500)
    with pytest.raises(Conflict, match="not due"):
        act(calling.call_next, SEAT, now.state.desk.turn, by_hand=False, who="li")
    order(office, "pause")
    assert desk(office).state.next_at is None
    with pytest.raises(Conflict, match="not running"):
        act(calling.call_next, SEAT, desk(office).state.desk.turn, by_hand=False, who="li")
    order(office, "resume")
    assert desk(office).due


def test_two_windows_whose_round_is_due_call_the_next_once(office, act, infinity):
    add(office)
    add(office, "13800000002")
    order(office, "start", pause_s=0)
    turn = desk(office).state.desk.turn
    first = act(calling.call_next, SEAT, turn, by_hand=False, who="li")
    end_call(office, first)
    with pytest.raises(Conflict, match="older"):
        act(calling.call_next, SEAT, turn, by_hand=False, who="li")
    assert len(infinity.get("/infinity/_sim/calls")) == 1


def test_a_round_without_a_free_line_tries_the_same_case_again_and_another_failure_pauses_it(office, act, infinity):
    case = add(office)
    with office.runtime.transaction() as connection:
        connection.exec_driver_sql("UPDATE extension_pool SET state = 'offline'")
    order(office, "start", pause_s=0)
    refused = act(calling.call_next, SEAT, desk(office).state.desk.turn, by_hand=False, who="li")
    assert refused.rule == "none_free"
    after = desk(office)
    assert after.next_case.id == case.id
    assert after.state.next_at - refused.answered_at == dt.timedelta(seconds=states.POOL_PAUSE_S)
    with office.runtime.transaction() as connection:
        connection.exec_driver_sql("UPDATE extension_pool SET state = 'available'")
    infinity.plant("refuse", path="MakeCall", code=1013)
    failed = act(calling.call_next, SEAT, after.state.desk.turn, by_hand=True, who="li")
    assert failed.outcome == "failed"
    assert desk(office).state.desk.batch == "paused"
    assert desk(office).state.desk.said == failed.sentence


def test_an_intent_whose_process_ended_is_settled_by_its_record_and_without_one_nobody_was_called(office, act):
    case = add(office)
    with office.runtime.transaction() as connection:
        store.take_turn(connection, SEAT, 0)
        call_id = store.intend(connection, SEAT, case.id, run=0, now=days.now() - states.INTENT_LASTS * 2)
        store.change(connection, SEAT, {"case_id": case.id, "call_id": call_id})
    assert desk(office).state.line == "failed"
    assert "nobody was called" in desk(office).state.call.sentence
    office.call(phone="13800000001", case_id=str(case.id))
    with office.runtime.transaction() as connection:
        call_id = store.intend(connection, SEAT, case.id, run=0, now=days.now() - states.INTENT_LASTS * 2)
        store.change(connection, SEAT, {"case_id": case.id, "call_id": call_id})
    found = desk(office)
    assert found.state.call.outcome == "ringing"
    assert found.state.call.record_id is not None


def test_a_fresh_intent_keeps_the_desk_until_it_is_answered(office, act):
    case = add(office)
    with office.runtime.transaction() as connection:
        store.take_turn(connection, SEAT, 0)
        call_id = store.intend(connection, SEAT, case.id, run=0, now=days.now())
        store.change(connection, SEAT, {"case_id": case.id, "call_id": call_id})
    assert desk(office).state.line == "starting"
    with pytest.raises(Conflict, match="under way"):
        act(calling.call_case, SEAT, 1, case.id, who="li")


def test_nobody_keeps_a_result_of_another_desk_s_call(office, act):
    case = add(office)
    pressed = act(calling.call_case, SEAT, 0, case.id, who="li")
    for seat in (Seat(1, 2), Seat(2, 1)):
        with pytest.raises(NotFound), office.runtime.transaction() as connection:
            calling.conclude(
                connection, seat, pressed.id, result="paid", remark="", done=None, next_call_at=None, who="wang"
            )
    assert office.rows("SELECT state FROM collector_cases") == [("open",)]


def test_the_database_itself_refuses_a_second_press_before_the_first_is_answered(office):
    case = add(office)
    with office.runtime.transaction() as connection:
        store.intend(connection, SEAT, case.id, run=0, now=days.now())
    with pytest.raises(IntegrityError, match=store.UNDER_WAY), office.runtime.transaction() as connection:
        store.intend(connection, SEAT, case.id, run=0, now=days.now())


def test_collectors_of_one_tenant_press_side_by_side(office):
    for collector in (1, 2):
        case = add(office, f"1380000000{collector}", collector=collector)
        with office.runtime.transaction() as connection:
            store.intend(connection, Seat(1, collector), case.id, run=0, now=days.now())
    assert office.rows("SELECT count(*) FROM desk_calls WHERE outcome IS NULL") == [(2,)]


def test_a_result_ends_the_case_or_calls_it_later(office, act):
    case = add(office)
    pressed = act(calling.call_case, SEAT, 0, case.id, who="li")
    end_call(office, pressed, "connected")
    later = days.now() + dt.timedelta(hours=2)
    after = conclude(office, pressed, "call_back", next_call_at=later)
    assert after.state == "open"
    assert after.next_call_at == later
    assert desk(office).next_case is None
    assert conclude(office, pressed, "paid").state == "done"
    with pytest.raises(InvalidInput):
        conclude(office, pressed, "paid", next_call_at=later)
    acts = office.rows("SELECT act FROM audit_log WHERE subject = %(subject)s ORDER BY id", subject=f"case:{case.id}")
    assert [row[0] for row in acts] == ["case.add", "desk.call", "case.conclude", "case.conclude"]


def test_an_import_says_what_became_of_every_row_and_keeps_no_number_readable(office):
    lines = ("1,王,13800000001,a", "1,王,138-0000-0001,b", "2,李,1380,c", "99,赵,13800000003,d", "2,周,13800000004,e")
    text = "\n".join(("催员,客户,电话,备注", *lines))
    with office.runtime.transaction() as connection:
        rows = importing.bulk_import(connection, office.runtime.secrets, office.runtime.phone_keys, 1, text, who="li")
    assert [row.result for row in rows] == ["imported", "duplicate_in_file", "invalid", "invalid", "imported"]
    stored = office.rows("SELECT * FROM collector_cases")
    assert len(stored) == 2
    assert "13800000001" not in repr(stored)
    with office.runtime.transaction() as connection:
        again = importing.bulk_import(
            connection, office.runtime.secrets, office.runtime.phone_keys, 1, "1\t王\t13800000001\t", who="li"
        )
    assert [row.result for row in again] == ["already_there"]


@pytest.mark.parametrize("text", ["", "phone,customer_name\n13800000001,x"])
def test_an_import_without_rows_or_without_its_columns_is_refused(office, text):
    with office.runtime.transaction() as connection, pytest.raises(InvalidInput):
        importing.bulk_import(connection, office.runtime.secrets, office.runtime.phone_keys, 1, text, who="li")
