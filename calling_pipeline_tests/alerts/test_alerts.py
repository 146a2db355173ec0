"""Each alert arrives once: also when it is recorded twice, retried, or cut off because its process ends."""

import datetime as dt
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import sqlalchemy as sa

from calling_pipeline import days
from calling_pipeline.alerts import conditions, deliver, store
from calling_pipeline.alerts.channels import parse_channels
from calling_pipeline.alerts.records import Alert, Condition
from calling_pipeline.errors import ConfigurationError
from calling_pipeline_tests.support import LIMIT_S, join_all, run_together, start_process

DELIVER = """
import sys
from calling_pipeline.alerts import channels, deliver
from calling_pipeline.database.engine import business_url, make_engine
deliver.deliver_due(make_engine(business_url(sys.argv[1])), channels.parse_channels(sys.argv[2]))
"""
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=days.SHANGHAI)


class Receiver:
    """A local web hook that keeps what it gets; it refuses while `refusing`, and answers once `release` is set.

    Its URL makes Apprise wait as long as a test does, where it gives up after 4 s otherwise.
    """

    def __init__(self):
        self.messages = []
        self.refusing = False
        self.got_one = threading.Event()
        self.release = threading.Event()
        self.release.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if not outer.refusing:
                    outer.messages.append((body["title"], body["message"]))
                outer.got_one.set()
                outer.release.wait(LIMIT_S)
                self.send_response(500 if outer.refusing else 200)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.server.server_port}/?cto={LIMIT_S}&rto={LIMIT_S}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def titles(self):
        return [title for title, _ in self.messages]

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        join_all(self.thread)


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def second_receiver():
    made = Receiver()
    yield made
    made.close()


def alert(key="k", title="Sync failed", severity="error"):
    return Alert(key, severity, title, "task stats of 2026-11-23", "call_stats")


def record(engine, *alerts):
    with engine.begin() as connection:
        return [store.record(connection, one) for one in alerts]


def judge(engine, event, failing, severity="warning", name="check:rates"):
    with engine.begin() as connection:
        return conditions.observe(
            connection, Condition(name, failing, severity, "Rates in range", "3 rows", "call_stats", event)
        )


def test_an_incident_recorded_again_is_kept_and_sent_once(engine, receiver):
    channels = parse_channels(receiver.url)
    assert record(engine, alert(), alert()) == [True, False]
    deliver.deliver_due(engine, channels)
    record(engine, alert())
    deliver.deliver_due(engine, channels)
    assert receiver.titles() == ["Sync failed"]


def test_two_processes_delivering_at_once_send_each_alert_once(engine, receiver):
    record(engine, *(alert(f"k{n}", f"Alert {n}") for n in range(8)))
    channels = parse_channels(receiver.url)
    run_together(*[lambda: deliver.deliver_due(engine, channels)] * 4)
    assert sorted(receiver.titles()) == [f"Alert {n}" for n in range(8)]


def test_a_refused_message_is_sent_later_and_only_to_the_channel_that_refused_it(engine, receiver, second_receiver):
    channels = parse_channels(f"{receiver.url}, {second_receiver.url}")
    receiver.refusing = True
    with days.frozen(NOON):
        record(engine, alert())
        assert deliver.deliver_due(engine, channels) == deliver.Round(arrived=1, postponed=1)
        receiver.refusing = False
        assert deliver.deliver_due(engine, channels) == deliver.Round()
    with days.frozen(NOON + dt.timedelta(minutes=5)):
        assert deliver.deliver_due(engine, channels) == deliver.Round(arrived=1)
    assert (receiver.titles(), second_receiver.titles()) == (["Sync failed"], ["Sync failed"])


def test_a_message_that_is_always_refused_is_given_up_after_twelve_attempts_and_shown_as_failed(engine, receiver):
    receiver.refusing = True
    record(engine, alert())
    now = days.now()
    for hour in range(14):
        with days.frozen(now + dt.timedelta(hours=2 * hour)):
            deliver.deliver_due(engine, parse_channels(receiver.url))
    with engine.connect() as connection:
        [kept] = store.stored_alerts(connection, since=now - dt.timedelta(days=1))
    assert (kept.failed, kept.waiting, kept.delivered) == (1, 0, 0)


def test_a_process_killed_while_sending_loses_nothing_and_the_repeat_says_so(engine, receiver, database_url):
    record(engine, alert())
    receiver.release.clear()
    begun = days.now()
    dsn = database_url.render_as_string(hide_password=False)
    process = start_process([sys.executable, "-c", DELIVER, dsn, receiver.url])
    assert receiver.got_one.wait(LIMIT_S)
    process.kill()
    process.wait()
    receiver.release.set()
    channels = parse_channels(receiver.url)
    with days.frozen(begun):
        assert deliver.deliver_due(engine, channels) == deliver.Round()
    with days.frozen(days.now() + store.CLAIM_TIME_LIMIT + dt.timedelta(seconds=1)):
        assert deliver.deliver_due(engine, channels) == deliver.Round(arrived=1)
    assert [deliver.REPEAT_NOTE in text for _, text in receiver.messages] == [False, True]


def test_a_flood_arrives_as_few_messages_that_name_every_alert(engine, receiver):
    record(engine, *(alert(f"k{n}", f"Alert {n:03}") for n in range(60)))
    deliver.deliver_due(engine, parse_channels(receiver.url))
    assert len(receiver.messages) == deliver.SINGLE_MESSAGES + 1
    said = "\n".join(title + text for title, text in receiver.messages)
    assert all(f"Alert {n:03}" in said for n in range(60))


def test_a_channel_added_later_is_not_flooded_with_history(engine, receiver):
    with days.frozen(days.now() - dt.timedelta(days=3)):
        record(engine, alert("old"))
    record(engine, alert("new", "New"))
    deliver.deliver_due(engine, parse_channels(receiver.url))
    assert receiver.titles() == ["New"]


def test_a_condition_is_announced_when_it_turns_bad_worse_or_good_and_not_at_every_judgement(engine):
    with days.frozen(NOON):
        changes = [judge(engine, 1, False), judge(engine, 2, True), judge(engine, 3, True), judge(engine, 4, True, "error")]
        changes += [
            judge(engine, 5, True, "error"),
            judge(engine, 6, False),
            judge(engine, 7, False),
            judge(engine, 8, True),
        ]
    assert changes == ["quiet", "failing", "quiet", "failing", "quiet", "recovered", "quiet", "failing"]
    with engine.connect() as connection:
        titles = [kept.title for kept in store.stored_alerts(connection, since=NOON - dt.timedelta(days=1))]
    assert titles == [
        "Failing: Rates in range",
        "Recovered: Rates in range",
        "Failing: Rates in range",
        "Failing: Rates in range",
    ]


def test_a_condition_that_stays_bad_is_announced_again_after_a_day(engine):
    with days.frozen(NOON):
        assert judge(engine, 1, True) == "failing"
    with days.frozen(NOON + dt.timedelta(hours=23)):
        assert judge(engine, 2, True) == "quiet"
    with days.frozen(NOON + dt.timedelta(hours=25)):
        assert judge(engine, 3, True) == "failing"


def test_a_judgement_seen_twice_or_late_changes_nothing(engine):
    assert judge(engine, 5, True) == "failing"
    assert judge(engine, 5, True) == "old"
    assert judge(engine, 4, False) == "old"


def test_an_unreadable_channel_is_named_without_its_secret():
    with pytest.raises(ConfigurationError, match="entry 2") as caught:
        parse_channels("json://127.0.0.1/, nonsense://very-secret-key@@@")
    assert "very-secret-key" not in str(caught.value)


def test_old_alerts_are_pruned_with_their_deliveries(engine, receiver):
    record(engine, alert())
    deliver.deliver_due(engine, parse_channels(receiver.url))
    with engine.begin() as connection:
        assert store.prune(connection, before=days.now() + dt.timedelta(seconds=1)) == 1
        assert connection.execute(sa.text("SELECT count(*) FROM alert_deliveries")).scalar_one() == 0
