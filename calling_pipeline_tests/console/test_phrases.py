"""What rooms say in English and pages show has Chinese: sentences that are produced here, and those of the code."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest

import calling_pipeline
from calling_pipeline.alerts.records import Condition
from calling_pipeline.alerts.texts import KINDS, kind_of
from calling_pipeline.analysis.dagster_storage.records import DagsterState
from calling_pipeline.analysis.status.judging import DayNotes, day_state, judge
from calling_pipeline.analysis.status.records import DayState, OpenAlert, PoolUse
from calling_pipeline.call_stats.records import FailedRead
from calling_pipeline.texts.catalogue import Catalogue, catalogue
from calling_pipeline_tests.analysis.test_status import ALIVE, BATCH, DAY, FAILED_RUN, FAST, LATE, NOW, SILENT, WELL

PACKAGE = Path(calling_pipeline.__file__).parent
ENGLISH = re.compile(r"\b[A-Za-z]{2,} [a-z]{2,}\b")
"""Two words in a row; a name or a word of a command alone may stay."""
NAMED = replace(BATCH, task_name="外呼任务")
ALERT = OpenAlert(1, "tick:a", "error", NOW, "schedule grade_stats_today")


def in_chinese(sentence):
    """The Chinese of a sentence; asserts that nothing English is left but commands and names."""
    said = catalogue().say(sentence, "zh")
    assert not ENGLISH.search(re.sub(r"`[^`]*`", "", said)), f"{sentence!r} is shown as {said!r}"
    return said


@pytest.mark.parametrize(
    "change",
    [
        {"syncs": (LATE,)},
        {"days": (DayState(DAY, "task", "missing"), DayState(DAY, "grade", "bad", ("call_records: grades are known",)))},
        {"days": (DayState(DAY, "grade", "held", ("3 calls where 9 were published", "never read from the vendor")),)},
        {"vendor": (replace(FAST, page_s=5.0, read_s=900.0),)},
        {"alerts": (ALERT,)},
        {"alerts": (ALERT,) * 5},
        {"batches": (replace(NAMED, state="paused", unknown=2),)},
        {"batches": (replace(NAMED, state="paused", note="批次暂停"),)},
        {"messages": {"contracts": {"unknown": 2, "dead": 1}, "technicians": {"unknown": 2, "dead": 1}}},
        {"extensions": PoolUse(11, 9, 1, 0, 1)},
        {"dagster": DagsterState("its database holds no tables of Dagster yet")},
        {"dagster": DagsterState(None)},
        {"dagster": DagsterState(None, tuple(replace(one, age_s=4000.0) for one in SILENT))},
        {"dagster": DagsterState(None, ALIVE, queued=2, oldest_queued_s=900.0, schedule_runs=(FAILED_RUN,))},
    ],
)
def test_what_needs_a_person_is_said_in_chinese_with_what_to_do(change):
    found = judge(replace(WELL, **change))
    assert found.problems
    for problem in found.problems:
        in_chinese(problem.what)
        in_chinese(problem.do)


def test_why_a_day_is_not_good_is_said_in_chinese():
    failed = FailedRead(NOW, 1, "Guanke POST /calls did not answer in time")
    notes = DayNotes(True, True, ("as agreed", "5 cached rows"), failed, ("hourly_orders: hours add up to the day",))
    for reason in day_state(DAY, "grade", notes).reasons:
        in_chinese(reason)


@pytest.mark.parametrize("kind", [*KINDS, "another"])
def test_what_to_do_about_each_kind_of_alert_is_said_in_chinese(kind):
    assert in_chinese(kind_of(kind).advice) != kind_of(kind).advice


def test_an_alert_s_headline_is_said_in_chinese_with_its_days():
    for word in ("Failing", "Still failing", "Recovered"):
        for days in ("2026-11-20", "2026-11-20 to 2026-11-22", "2026-11-20, 2026-11-22, 2026-11-24 and 3 more days"):
            in_chinese(f"{word}: call_records: grades are known, {days}")


def test_every_check_of_every_asset_has_a_chinese_name():
    from calling_pipeline.definitions import defs

    keys = defs.get_repository_def().asset_graph.asset_check_keys
    assert len(keys) > 40
    for key in keys:
        title = f"{key.asset_key.to_user_string()}: {key.name.replace('_', ' ')}"
        assert in_chinese(title) != title


# What the code says of conditions and findings: each sentence with samples in its places.
SAYS = ("Condition", "Finding", "_Finding", "_none_of", "_none", "_condition", "resolve")
KEPT = ("text", "sentence", "said", "failures", "delay", "title")
FILES = [
    *PACKAGE.glob("*/**/quality.py"),
    *PACKAGE.glob("call_stats/gate.py"),
    *PACKAGE.glob("call_batches/batches/alerting.py"),
    *PACKAGE.glob("telephony/monitoring/alerting.py"),
    *PACKAGE.glob("notifications/outbox/rounds.py"),
    *PACKAGE.glob("notifications/contracts/generation.py"),
    *PACKAGE.glob("cli/machine/watching.py"),
    *PACKAGE.glob("call_stats/sync/judging.py"),
    *PACKAGE.glob("defs/call_stats/sensors.py"),
]
SAMPLES = {
    "day": "2026-11-20",
    "date": "2026-11-20",
    "track": "grade",
    "state": "unknown",
    "about": "contracts",
    "meaning": "may have been sent and are held until a person settles them",
    "finding": "7 minutes behind the timetable",
    "again": "it is started again in 7 s",
    "and": "task",
    "parts": "agents",
    "held_id": "7",
    "when": "",
    "what": "{what}",
    "outside": "7",
}
WHAT = ("orders", "is counted", "page")
"""What stands in a place that several sentences call `what`; one of them fits."""


def samples_of(node):
    """The text of a string in the code, with samples in its places; None when it is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    return "".join(str(part.value) if isinstance(part, ast.Constant) else _sample(part) for part in node.values)


def _sample(place):
    named = ast.unparse(place.value).lower()
    if place.format_spec is not None and "%'" in ast.unparse(place.format_spec):
        return "7%"
    words = re.split(r"\W+|_", named)
    return next((SAMPLES[word] for word in ("outside", *words) if word in words and word in SAMPLES), "7")


def sentences_in(file):
    """Sentences given to `SAYS`, or kept under one of the names `KEPT`."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        given = []
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in SAYS:
            given = [*node.args, *(one.value for one in node.keywords if one.arg != "signature")]
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in KEPT:
            given = [node.value]
        for value in given:
            parts = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
            for text in filter(None, map(samples_of, parts)):
                if " " in text.strip():
                    yield text


def test_every_sentence_of_conditions_and_findings_has_chinese():
    found = {text for file in FILES for text in sentences_in(file)}
    assert len(found) > 90
    missing = []
    for text in sorted(found):
        counted = f"7 {text}" if re.match(r"\w+\(s\)", text) else text
        variants = [counted.replace("{what}", what) for what in WHAT]
        if all(ENGLISH.search(re.sub(r"`[^`]*`", "", catalogue().say(one, "zh"))) for one in variants):
            missing.append(text)
    assert not missing, "\n".join(missing)


def test_a_condition_of_a_run_or_a_tick_is_said_in_chinese():
    one = Condition("run:a", True, "error", "run of task_stats_cache, grade_stats_cache and 3 more assets", "", "dagster", 1)
    in_chinese(f"Failing: {one.title}")
    in_chinese("Vendor timed out. Guanke GET /tasks did not answer in time")
    in_chinese("was: its newest tick went well")


def test_the_phrase_with_the_most_words_of_its_own_wins_and_typed_places_hold_only_their_type():
    made = Catalogue(
        {}, {"{a} of {b}": "{b} 的 {a}", "{num} of {num2} calls": "{num2} 个中 {num} 个", "{x}, {iso}": "{x}（{iso}）"}
    )
    assert made.say("7 of 9 calls", "zh") == "9 个中 7 个"
    assert made.say("some of 9 calls", "zh") == "9 calls 的 some"
    assert made.say("a, 2026-11-20", "zh") == "a（2026-11-20）"
    assert made.say("a, b", "zh") == "a, b"
    assert made.say("a, 2026-11-20; b", "zh") == "a（2026-11-20）；b"


@pytest.mark.parametrize(
    "sentence",
    [
        "the certificate of mail.test:465 is not to be trusted: 5",
        "no connection with mail.test:25: [Errno 111] Connection refused",
        "no connection with mail.test:25: timed out",
        "no connection with mail.test:25: the time for this dialogue is over",
        "no connection with mail.test:25: it does not offer STARTTLS, without which nothing is sent",
        "mail.test:25 refused us: 535 5.7.8",
        "the sender: 550 5.7.1",
        "the receiver: 550 5.1.1",
        "the mail: 552 5.3.4",
        "an answer that says nothing: 700",
        "sending broke off: 5",
        "no mail server is configured; set CALLING_SMTP_URL",
        "the mail could not be composed: there is no report 7",
        "the mail was handed over whole and the connection broke off without an answer",
        "the mail was handed over whole and the connection was not answered in time",
        "3 deliveries are not held; settle unknown, dead, refused ones",
        "delivery 7 is unknown; settle it first",
        "delivery 7 is pending; it is sent by the next delivery",
        "a***@example.com has no delivery of the daily report of 2026-11-29",
        "there is no such channel; there are: none; set CALLING_ALERT_URLS",
        "there is no such channel; there are: channel:1",
        "there are 500 subscriptions already; end some, or subscribe a mailing list",
        "reports are subscribed by mail and CALLING_SMTP_URL is not set; nothing is sent until it is",
        "2 report deliveries may have arrived and are held until a person settles them: 7 (2026-11-29 to a***@b.test)."
        " See `calling-pipeline reports deliveries`; decide with `calling-pipeline reports settle`.",
        "2 report deliveries certainly did not arrive: they were refused or given up: 7 (2026-11-29 to a***@b.test) and 3"
        " more. See `calling-pipeline reports deliveries`; decide with `calling-pipeline reports settle`.",
        "call records are kept from 2026-11-21 on; 2026-11-20 begins before it, its workbook has no rows to add",
    ],
)
def test_what_became_of_a_report_s_mail_is_said_in_chinese(sentence):
    assert in_chinese(sentence) != sentence
