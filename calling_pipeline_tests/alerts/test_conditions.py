"""A condition is one thing that can be wrong: since when, how often that was said, on which day, and what to do."""

import ast
import datetime as dt
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import calling_pipeline
from calling_pipeline import days
from calling_pipeline.alerts import conditions, deliver, store, views
from calling_pipeline.alerts.channels import parse_channels
from calling_pipeline.alerts.records import Condition
from calling_pipeline.alerts.texts import KINDS, address, days_named, what_to_do
from calling_pipeline.errors import NotFound
from calling_pipeline.settings import Settings
from calling_pipeline.texts.catalogue import catalogue
from calling_pipeline_tests.alerts.test_alerts import Receiver
from calling_pipeline_tests.support import run_together

NOON = dt.datetime(2026, 11, 23, 12, tzinfo=days.SHANGHAI)
DAY = dt.date(2026, 11, 20)


def condition(day=DAY, *, failing=True, event=1, title="calls: rates are in range", **how):
    name = f"check:calls:rates:{day}" if day else "check:calls:rates"
    return Condition(name, failing, "warning", title, f"{day} 3 rows", "dagster", event, subject="calls", day=day, **how)


def observe(engine, *wanted):
    with engine.begin() as connection:
        return conditions.observe_all(connection, wanted)


def known(engine, **how):
    with engine.connect() as connection:
        return store.conditions(connection, since=NOON - dt.timedelta(days=2), **how)


def titles(engine):
    with engine.connect() as connection:
        return [one.title for one in reversed(store.stored_alerts(connection, since=NOON - dt.timedelta(days=9)))]


def test_it_says_since_when_it_is_open_and_when_it_closed(engine):
    with days.frozen(NOON):
        observe(engine, condition())
    with days.frozen(NOON + dt.timedelta(hours=1)):
        observe(engine, condition(event=2))
        [one] = known(engine)
        assert (one.state, one.opened_at, one.closed_at, one.times_announced) == ("open", NOON, None, 1)
        assert (one.judged_at, one.day, one.kind, one.subject) == (NOON + dt.timedelta(hours=1), DAY, "check", "calls")
    with days.frozen(NOON + dt.timedelta(hours=2)):
        observe(engine, condition(failing=False, event=3))
        [one] = known(engine)
        assert (one.state, one.opened_at, one.closed_at) == ("closed", NOON, NOON + dt.timedelta(hours=2))
    with days.frozen(NOON + dt.timedelta(hours=3)):
        observe(engine, condition(event=4))
        [one] = known(engine)
        assert (one.state, one.opened_at, one.times_announced) == ("open", NOON + dt.timedelta(hours=3), 1)


def test_what_never_failed_is_not_listed(engine):
    observe(engine, condition(failing=False))
    assert known(engine) == []


def test_several_days_of_one_thing_are_one_alert_and_each_day_is_counted_for_itself(engine):
    range_of_days = [DAY + dt.timedelta(days=n) for n in range(3)]
    observe(engine, *(condition(day) for day in range_of_days))
    assert titles(engine) == ["Failing: calls: rates are in range, 2026-11-20 to 2026-11-22"]
    found = known(engine)
    assert [one.times_announced for one in found] == [1, 1, 1]
    with engine.connect() as connection:
        assert [len(store.alerts_about(connection, one.id)) for one in found] == [1, 1, 1]


def test_a_day_that_stands_in_the_title_is_not_said_twice(engine):
    observe(engine, condition(title=f"the cache of {DAY} is fresh"))
    assert titles(engine) == [f"Failing: the cache of {DAY} is fresh"]


def test_another_signature_is_alerted_at_once(engine):
    with days.frozen(NOON):
        changes = [observe(engine, condition(event=n, signature=said))[0] for n, said in enumerate("aab", start=1)]
    assert changes == ["failing", "quiet", "failing"]


def test_a_reminder_comes_once_per_day_from_whichever_process_asks_first(engine):
    with days.frozen(NOON):
        observe(engine, condition(), condition(DAY + dt.timedelta(days=1)), condition(dt.date(2026, 10, 1)))

    def ask():
        with engine.begin() as connection:
            conditions.remind(connection)

    with days.frozen(NOON + dt.timedelta(hours=23)):
        ask()
    assert len(titles(engine)) == 1
    with days.frozen(NOON + dt.timedelta(hours=25)):
        run_together(*[ask] * 4)
    with days.frozen(NOON + dt.timedelta(hours=26)):
        ask()
    said = titles(engine)[1:]
    assert all(title.startswith("Still failing: calls: rates are in range, 2026-11-2") for title in said)
    assert 1 <= len(said) <= 2  # two processes may have claimed a day each
    assert sorted(one.times_announced for one in known(engine)) == [1, 2, 2]  # a day of long ago is not repeated


def test_only_an_open_condition_can_be_resolved(engine):
    with engine.begin() as connection:
        assert conditions.resolve(connection, "check:calls:rates", "it is well") == "quiet"
    observe(engine, condition(None, event=10**15))
    with engine.begin() as connection:
        assert conditions.resolve(connection, "check:calls:rates", "it is well") == "recovered"
        assert conditions.resolve(connection, "check:calls:rates", "it is well") == "quiet"
    assert titles(engine) == ["Failing: calls: rates are in range", "Recovered: calls: rates are in range"]


def test_two_processes_that_judge_the_same_days_in_another_order_do_not_wait_for_each_other(engine):
    wanted = [condition(DAY + dt.timedelta(days=n)) for n in range(20)]
    run_together(*[lambda n=n: observe(engine, *(wanted if n % 2 else reversed(wanted))) for n in range(4)])
    assert len(known(engine)) == 20
    assert sum(one.times_announced for one in known(engine)) == 20


def test_a_sent_alert_is_in_the_language_of_the_settings(engine):
    receiver = Receiver()
    observe(engine, condition())
    places = deliver.Places("https://centre.test", "https://centre.test/dagster")
    say = partial(catalogue().say, language="zh")
    deliver.deliver_due(engine, parse_channels(receiver.url), places=places, say=say)
    receiver.close()
    [(title, text)] = receiver.messages
    assert title.startswith("未达标：")
    assert f"处理办法： {say(what_to_do('check'))}" in text
    assert say(what_to_do("check")) != what_to_do("check")
    assert "处理手册：" in text


def test_a_sent_alert_says_what_to_do_and_where_to_look(engine):
    receiver = Receiver()
    observe(engine, condition(link="/assets/calls?view=checks"))
    observe(engine, condition(failing=False, event=2))
    places = deliver.Places("https://centre.test", "https://centre.test/dagster")
    deliver.deliver_due(engine, parse_channels(receiver.url), places=places)
    receiver.close()
    (_, failing), (_, well) = receiver.messages
    [one] = known(engine)
    assert failing == (
        f"2026-11-20 3 rows\nWhat to do: {what_to_do('check')}\nhttps://centre.test/alerts/{one.id}"
        "\nhttps://centre.test/dagster/assets/calls?view=checks\nRunbook: https://centre.test/runbooks/check"
    )
    assert "What to do" not in well
    assert "/runbooks/" not in well


def test_the_address_of_the_ui_follows_the_public_address_or_is_given(tmp_path):
    base = Settings(home=tmp_path, ui_port=3010)
    assert base.ui_address == "http://127.0.0.1:3010"
    public = Settings(home=tmp_path, public_url="https://centre.test/")
    assert public.ui_address == "https://centre.test/dagster"
    assert (
        Settings(home=tmp_path, public_url="https://centre.test", ui_url="https://ui.test").ui_address == "https://ui.test"
    )
    assert address("http://ui", "batch_stopped", "") == "http://ui/assets/call_batches"


def test_one_in_full_has_its_text_what_to_do_its_link_and_its_alerts(engine):
    observe(engine, condition())
    [one] = known(engine)
    with engine.connect() as connection:
        found = views.document(connection, one.id, ui_url="http://ui", console_url="http://console")
        with pytest.raises(NotFound, match="no alert condition 12345"):
            views.document(connection, 12345, ui_url="http://ui", console_url="")
    assert (found["what_to_do"], found["link"]) == (what_to_do("check"), "http://ui/assets")
    assert (found["page"], found["mended_at"]) == (f"http://console/alerts/{one.id}", "")
    assert found["runbook"] == "http://console/runbooks/check"
    assert [alert.title for alert in found["alerts"]] == ["Failing: calls: rates are in range, 2026-11-20"]


def test_days_are_named_in_few_words():
    every = [DAY + dt.timedelta(days=2 * n) for n in range(7)]
    assert days_named([DAY]) == "2026-11-20"
    assert days_named([DAY + dt.timedelta(days=1), DAY]) == "2026-11-20 to 2026-11-21"
    assert days_named(every).endswith(", 2026-11-28 and 2 more days")


def _kinds_in_code():
    """What the `name` of every `Condition(…)` in the package begins with, where it is written out."""
    for file in Path(calling_pipeline.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Condition"):
                continue
            for keyword in node.keywords:
                if keyword.arg == "name" and isinstance(keyword.value, ast.JoinedStr):
                    first = keyword.value.values[0]
                    if isinstance(first, ast.Constant) and ":" in str(first.value):
                        yield str(first.value).partition(":")[0]


def test_every_kind_has_one_line_that_says_what_to_do():
    for name, kind in KINDS.items():
        assert kind.advice.endswith("."), name
        assert "\n" not in kind.advice, name
        assert kind.page.startswith("/"), name
    raised = set(_kinds_in_code())
    assert {"tick", "stale", "batch_stopped"} <= raised
    assert raised <= KINDS.keys()


def test_conditions_are_found_by_kind(engine):
    observe(engine, condition(), replace(condition(), name="stale:grade:2026-11-20"))
    with engine.connect() as connection:
        assert [one.name for one in store.open_conditions(connection, "stale")] == ["stale:grade:2026-11-20"]
        assert store.count_conditions(connection, since=NOON) == 2
        assert store.count_conditions(connection, since=NOON, kind="stale") == 1


def test_what_is_judged_bad_again_is_alerted_again_after_a_day_and_not_before(engine):
    for hours, event, change in ((0, 1, "failing"), (23, 2, "quiet"), (25, 3, "failing"), (26, 4, "quiet")):
        with days.frozen(NOON + dt.timedelta(hours=hours)):
            assert observe(engine, condition(event=event)) == [change]
    assert len(titles(engine)) == 2
