"""Forms of an answer on which the vendor's contract is silent: published exactly, held, or refused; never published wrong.

Guanke answers as the simulator does, and each form changes the answer on its way. A day was published before; since then
operators have corrected grades, so that the numbers of a good read are others than those published.
"""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from calling_pipeline import days
from calling_pipeline.call_stats import store
from calling_pipeline.call_stats.sync.sync import sync_days
from calling_pipeline.errors import ContractBreach, IncompleteFetch, VendorError, VendorUnavailable
from calling_pipeline.vendors.guanke.client import GuankeClient
from calling_pipeline.vendors.guanke.token import Credentials
from calling_pipeline_tests.call_stats.conftest import YESTERDAY, act, truth
from calling_pipeline_tests.support import every_nth

CALLS = "/task/cdr/all2"
TASKS = "/extension/agent/stat"
SIZE = 600
MIDNIGHT = int(days.day_bounds(YESTERDAY)[0].timestamp())
Form = Callable[[dict[str, Any]], Any]


class Rewriting(httpx.AsyncBaseTransport):
    """The network, with the answers of one endpoint changed by `form`: a document, or the bytes to send."""

    def __init__(self, endpoint: str, form: Form) -> None:
        self._network = httpx.AsyncHTTPTransport()
        self._endpoint, self._form = endpoint, form

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._network.handle_async_request(request)
        body = await answer.aread()
        if request.url.path.endswith(self._endpoint):
            changed = self._form(json.loads(body))
            body = changed if isinstance(changed, bytes) else json.dumps(changed, ensure_ascii=False).encode()
        return httpx.Response(answer.status_code, content=body, headers={"Content-Type": "application/json"})

    async def aclose(self) -> None:
        await self._network.aclose()


def rows(change: Callable[[dict[str, Any]], Any], share: int = 1) -> Form:
    """A form that changes every `share`-th record."""

    def form(answer):
        for number, row in enumerate(answer["data"]["data"]):
            if number % share == 0:
                change(row)
        return answer

    return form


def put(field: str, value: Any, share: int = 1) -> Form:
    """The field has that value, or what a function makes of its own."""
    return rows(lambda row: row.update({field: value(row.get(field)) if callable(value) else value}), share)


def first(field: str, value: Any) -> Form:
    """The field of the first record alone."""
    return put(field, value, share=10**6)


def drop(field: str, share: int = 1) -> Form:
    return rows(lambda row: row.pop(field, None), share)


def rename(field: str, name: str) -> Form:
    return rows(lambda row: row.update({name: row.pop(field, None)}))


def total(value: Any) -> Form:
    def form(answer):
        known = answer["data"]["totalCount"]
        answer["data"]["totalCount"] = value(known) if callable(value) else value
        return answer

    return form


def body(change: Callable[[dict[str, Any]], Any]) -> Form:
    def form(answer):
        change(answer)
        return answer

    return form


def without_one_row(answer):
    answer["data"]["data"] = answer["data"]["data"][1:]
    return answer


def twice(answer):
    records = answer["data"]["data"]
    answer["data"]["data"] = [*records[:-1], records[0]]
    return answer


def raw(field: str, text: str) -> Form:
    """The first record's field is `text` as it stands, which json cannot write."""

    def form(answer):
        answer["data"]["data"][0][field] = "@"
        return json.dumps(answer, ensure_ascii=False).replace('"@"', text).encode()

    return form


def nine(text: str) -> Form:
    """The word 9元 is another one."""
    return put("grade", lambda grade: grade.replace("9元", text) if isinstance(grade, str) else grade)


EXACT: dict[str, Form] = {
    "ids as text": put("id", str),
    "ids as whole floats": put("id", float),
    "callTime as text": put("callTime", str),
    "callTime in milliseconds": put("callTime", lambda moment: moment if moment > 10**12 else moment * 1000),
    "callTime as whole floats": put("callTime", float),
    "callState as text": put("callState", str),
    "callState as whole floats": put("callState", float),
    "durations as text": put("duration", str),
    "durations null": put("duration", None),
    "durations left out": drop("duration"),
    "grades that are numbers": put("grade", lambda grade: int(grade) if str(grade).isdecimal() else grade),
    "grades in full-width forms": put(
        "grade", lambda grade: grade.translate(str.maketrans("019", "０１９")) if isinstance(grade, str) else grade
    ),
    "blank grades that are spaces": put("grade", lambda grade: grade or "  "),
    "task ids as text": put("taskId", str),
    "task names null": put("TaskName", None),
    "phones null": put("phone", None),
    "phones left out": drop("realPhone"),
    "a new field": put("aiScore", 87),
    "a new field with an object": put("detail", {"score": [1, None, {"a": "b"}]}),
    "texts that COPY would misread": put("province", "a\tb\\N\nc\\."),
    "a null character in a text": put("city", "杭\0州"),
    "very long texts": put("hangupReason", "长" * 20_000, share=50),
    "hangup reasons left out": drop("hangupReason"),
    "the total as text": total(str),
    "the total as a whole float": total(float),
    "more beside the data": body(lambda answer: answer["data"].update(pages=1, more={"x": 1})),
    "no message": body(lambda answer: answer.pop("message")),
    "a code as text": body(lambda answer: answer.update(code="200")),
    "another order of the records": body(lambda answer: answer["data"]["data"].reverse()),
    "agents null": put("userId", None),
    "agents as numbers": put("userId", lambda agent: int(agent[5:]) if agent else agent),
}
"""Published with exactly the numbers of the vendor."""

HELD: dict[str, tuple[Form, str]] = {
    "grades with Chinese digits": (nine("九元"), "unknown_grades"),
    "grades in another language": (nine("nine yuan"), "unknown_grades"),
    "grades null for all": (put("grade", None), "orders_lost"),
    "grades blank for all": (put("grade", ""), "orders_lost"),
    "grades without their orders": (nine("A级"), "unknown_grades"),
    "grades left out for half of the records": (drop("grade", share=2), "missing_fields"),
    "agents left out": (drop("userId"), "missing_fields"),
    "states left out": (drop("callState"), "missing_fields"),
    "agents renamed": (rename("userId", "agentId"), "missing_fields"),
    "many calls of the day before": (put("callTime", MIDNIGHT - 40_000, share=5), "outside_day"),
    "many calls of the day after": (put("callTime", MIDNIGHT + 86_400 + 50, share=5), "outside_day"),
    "a complete answer without a call": (
        body(lambda answer: answer["data"].update(data=[], totalCount=0)),
        "calls_lost",
    ),
}
"""Kept aside for this reason."""

REFUSED: dict[str, tuple[Form, type[VendorError], str]] = {
    "a new callState": (first("callState", 3), ContractBreach, "row 1, field callState"),
    "a negative callState": (first("callState", -1), ContractBreach, "row 1, field callState"),
    "callTime null": (first("callTime", None), ContractBreach, "row 1, field callTime"),
    "callTime as words": (first("callTime", "2026-11-23 10:00:00"), ContractBreach, "row 1, field callTime"),
    "callTime 0": (first("callTime", 0), ContractBreach, "callTime"),
    "callTime left out": (drop("callTime"), ContractBreach, "callTime"),
    "callTime renamed": (rename("callTime", "call_time"), ContractBreach, "callTime"),
    "an id null": (first("id", None), ContractBreach, "row 1, field id"),
    "an id of letters": (first("id", "abc"), ContractBreach, "row 1, field id"),
    "an id beyond 63 bits": (first("id", 2**63), ContractBreach, "row 1, field id"),
    "a negative id": (first("id", -1), ContractBreach, "row 1, field id"),
    "an id with a fraction": (first("id", 1.5), ContractBreach, "row 1, field id"),
    "ids renamed": (rename("id", "cdrId"), ContractBreach, "id"),
    "a negative duration": (first("duration", -1), ContractBreach, "row 1, field duration"),
    "a duration beyond 31 bits": (first("duration", 2**31), ContractBreach, "row 1, field duration"),
    "a duration as a clock": (first("duration", "00:01:30"), ContractBreach, "row 1, field duration"),
    "a grade that is a list": (first("grade", ["9元"]), ContractBreach, "row 1, field grade"),
    "grades left out for all": (drop("grade"), ContractBreach, "grade"),
    "grades renamed": (rename("grade", "level"), ContractBreach, "grade"),
    "a record that is null": (
        body(lambda answer: answer["data"]["data"].__setitem__(0, None)), ContractBreach, "row 1",
    ),
    "data null": (body(lambda answer: answer.update(data=None)), ContractBreach, "field data"),
    "the list null": (body(lambda answer: answer["data"].update(data=None)), IncompleteFetch, "missing"),
    "code 0": (body(lambda answer: answer.update(code=0)), VendorUnavailable, "code 0"),
    "not a number": (raw("duration", "NaN"), VendorUnavailable, "no JSON"),
    "the total one more": (total(lambda known: known + 1), IncompleteFetch, "1 missing"),
    "the total one less": (total(lambda known: known - 1), IncompleteFetch, "1 too many"),
    "the total 0": (total(0), IncompleteFetch, "too many"),
    "the total null": (total(None), ContractBreach, "totalCount"),
    "the total negative": (total(-1), ContractBreach, "totalCount"),
    "the total left out": (body(lambda answer: answer["data"].pop("totalCount")), ContractBreach, "totalCount"),
    "a record that is never served": (without_one_row, IncompleteFetch, "1 missing"),
    "a record twice and another never": (twice, IncompleteFetch, "1 missing"),
}  # fmt: skip
"""Refused with an error that says where."""


@pytest.fixture
def read(stats_runtime, guanke, sync):
    """`read(form)` syncs a day that was published before and corrected since, from a vendor whose answers have that form;
    beside it the numbers that are published."""
    act(guanke, "size", date=YESTERDAY.isoformat(), calls=SIZE)
    act(guanke, "correct", date=YESTERDAY.isoformat(), grade="9元", order=9, rows=20)  # so many that their loss counts
    [before] = sync("grade")
    act(guanke, "correct", date=YESTERDAY.isoformat(), grade="9元", order=9, rows=5, **{"from": 20})

    def run(form):
        url = f"{guanke.url}/guanke"
        client = GuankeClient(url, Credentials(secret="s"), transport=Rewriting(CALLS, form))
        [result] = sync_days(
            stats_runtime.engine, client, "grade", [YESTERDAY], sync_type="manual", phone_key=stats_runtime.phone_key
        )
        return result

    return run, before.stats


def published(connection):
    cached = store.read_grade_day(connection, YESTERDAY)
    hours, agents = store.read_hours(connection, YESTERDAY), store.read_agents(connection, YESTERDAY)
    assert sum(row.calls for row in hours) == sum(row.calls for row in agents) == cached.total_records
    assert sum(row.orders for row in hours) == sum(row.orders for row in agents) == cached.total_success
    return cached


def test_there_are_at_least_as_many_forms_as_a_review_tried():
    assert len(EXACT) + len(HELD) + len(REFUSED) >= 38


@pytest.mark.parametrize("name", every_nth(EXACT, 2))
def test_a_form_that_says_the_same_is_published_exactly(read, guanke, connection, name):
    result = read[0](EXACT[name])
    assert result.outcome == "stored", result.reasons
    cached, true = published(connection), truth(guanke)
    assert (cached.grade_9, cached.grade_1, cached.total_records) == (true["grade_9"], true["grade_1"], SIZE)
    assert result.proof.connected == true["task_stats"]["called_number"]
    assert cached.complete
    assert {reason.severity for reason in result.reasons} <= {"warn"}


@pytest.mark.parametrize("name", every_nth(HELD, 2))
def test_a_form_that_would_change_the_numbers_is_held(read, connection, name):
    form, rule = HELD[name]
    run, before = read
    result = run(form)
    assert result.outcome == "held"
    assert rule in {reason.rule for reason in result.reasons if reason.severity == "hold"}
    assert published(connection) == before


@pytest.mark.parametrize("name", every_nth(REFUSED, 2))
def test_a_form_that_cannot_be_read_is_refused_and_says_where(read, connection, name):
    form, error, place = REFUSED[name]
    run, before = read
    with pytest.raises(error) as caught:
        run(form)
    sentence = str(caught.value)
    for part in (place, str(YESTERDAY), CALLS, "the numbers of", "stand"):
        assert part in sentence
    cached = published(connection)
    assert cached == before
    assert cached.failed.error == sentence


TASKS_REFUSED = {
    "successes null": first("success_number", None),
    "a negative count": first("called_number", -1),
    "a count with a fraction": first("callout_number", 1.5),
    "a count renamed": rename("success_number", "successNumber"),
    "a task without an id": first("task_id", None),
    "one task more than there are": total(lambda known: known + 1),
}
TASKS_HELD = {
    "more successes than calls": first("success_number", 10**6),
    "more connected than dialled": first("called_number", 10**6),
    "no successes": put("success_number", 0),
    "no task": body(lambda answer: answer["data"].update(data=[], totalCount=0)),
}
TASKS_EXACT = {
    "counts as text": put("callout_number", str),
    "counts as whole floats": put("called_number", float),
    "ids as text": put("task_id", str),
    "names null": put("task_name", None),
    "a new field": put("rate", "46%"),
}


@pytest.fixture
def read_tasks(stats_runtime, guanke, sync):
    [before] = sync("task")

    def run(form):
        client = GuankeClient(f"{guanke.url}/guanke", Credentials(secret="s"), transport=Rewriting(TASKS, form))
        [result] = sync_days(stats_runtime.engine, client, "task", [YESTERDAY], sync_type="manual", phone_key=b"k")
        return result

    return run, before.stats


@pytest.mark.parametrize("name", every_nth(TASKS_EXACT, 2))
def test_a_form_of_the_task_track_that_says_the_same_is_published_exactly(read_tasks, guanke, name):
    result = read_tasks[0](TASKS_EXACT[name])
    assert result.outcome == "stored"
    expected = truth(guanke)["task_stats"]
    assert {field: float(getattr(result.stats, field)) for field in expected} == expected


@pytest.mark.parametrize("name", TASKS_HELD)
def test_a_form_of_the_task_track_that_would_change_the_numbers_is_held(read_tasks, connection, name):
    run, before = read_tasks
    assert run(TASKS_HELD[name]).outcome == "held"
    assert store.read_task_day(connection, YESTERDAY) == before


@pytest.mark.parametrize("name", every_nth(TASKS_REFUSED, 2))
def test_a_form_of_the_task_track_that_cannot_be_read_is_refused(read_tasks, connection, name):
    run, before = read_tasks
    with pytest.raises(VendorError, match=f"{YESTERDAY}.*{TASKS}.*stand"):
        run(TASKS_REFUSED[name])
    assert store.read_task_day(connection, YESTERDAY) == before


def test_an_empty_day_of_a_centre_that_did_not_call_is_published(stats_runtime, guanke):
    quiet = YESTERDAY - dt.timedelta(days=1)
    form = body(lambda answer: answer["data"].update(data=[], totalCount=0))
    client = GuankeClient(f"{guanke.url}/guanke", Credentials(secret="s"), transport=Rewriting(CALLS, form))
    [result] = sync_days(stats_runtime.engine, client, "grade", [quiet], sync_type="manual", phone_key=b"k")
    assert (result.outcome, result.stats.total_records, result.stats.complete) == ("stored", 0, True)
