"""The demo: every scene acts by the doors and shows what it says, and whatever ends it, the simulator is well again."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from calling_pipeline.access.tokens import store as token_store
from calling_pipeline.call_batches.dependencies import BatchDependencies
from calling_pipeline.call_batches.pushing import runs
from calling_pipeline.console.app import create_server
from calling_pipeline.errors import ConfigurationError, Conflict
from calling_pipeline.example import removing, seeding
from calling_pipeline.example.demo import scenes
from calling_pipeline.example.demo.day import play
from calling_pipeline.example.demo.stage import stage
from calling_pipeline.runtime import Runtime
from calling_pipeline_tests.example.conftest import at_the_simulator
from calling_pipeline_tests.serving import served
from calling_pipeline_tests.support import LIMIT_S, http, wait_until


@pytest.fixture
def playing(example_runtime, simulator) -> Iterator[Runtime]:
    """The runtime of a command beside a running server, with the example world."""
    seeding.seed(example_runtime)
    http.post(f"{simulator.url}/guanke/_sim/reset").raise_for_status()
    with served(create_server(example_runtime)) as url:
        port = int(url.rsplit(":", 1)[1])
        made = Runtime(example_runtime.settings.model_copy(update={"api_port": port, "gateway_rate_per_s": 500.0}))
        yield made
        made.close()
    simulator.clear_faults()
    simulator.forget_calls()


def _one(runtime: Runtime, query: str) -> object:
    with runtime.transaction() as connection:
        return connection.execute(sa.text(query)).scalar_one()


def test_calls_of_collectors_end_by_the_simulators_callbacks(playing, simulator):
    with stage(playing, print, pace=0) as on:
        scenes.collectors_call(on, 4)
        simulator.behave(ring_s=[0, 0], talk_s=[0, 0])
        scenes.a_call_is_refused(on)
    ended = "SELECT count(*) FROM communication_records WHERE closed_at IS NOT NULL AND state <> 'unknown'"
    wait_until(lambda: _one(playing, ended) == 4, limit_s=3 * LIMIT_S)


def test_a_message_becomes_a_dead_letter_the_others_are_delivered_and_none_is_held_without_the_example(playing):
    with stage(playing, print, pace=0) as on:
        scenes.messages_go_out(on)
    assert _one(playing, "SELECT count(*) FROM contract_messages WHERE state = 'dead'") == 1
    assert _one(playing, "SELECT count(*) FROM contract_messages WHERE state = 'delivered'") >= 3
    removed = removing.remove(playing, by="test")
    assert "1 messages that were held or dead letters: they are given up" in removed.gone
    assert _one(playing, "SELECT count(*) FROM contract_messages WHERE state IN ('dead', 'unknown')") == 0


def test_a_day_is_held_and_passes_when_the_vendor_is_well(playing):
    said: list[str] = []
    with stage(playing, said.append, pace=0) as on:
        scenes.a_day_is_held(on)
        scenes.the_vendor_is_away(on)
    assert "is held" in said[0]
    assert "Guanke is back: today is read again" in said[-1]
    assert _one(playing, "SELECT count(*) FROM held_days WHERE closed_at IS NULL") == 0


def test_a_batch_has_calls_of_which_nobody_knows_and_one_is_settled(playing):
    said: list[str] = []
    with stage(playing, said.append, pace=0) as on:
        number = scenes.batch_begins(on)
        with playing.transaction() as connection:
            connection.execute(sa.text("UPDATE call_batches SET rate_per_s = NULL"))  # as fast as the account may
        pushing = threading.Thread(target=runs.push, args=(BatchDependencies.from_runtime(playing, by="test"), number))
        pushing.start()
        assert scenes.the_batch_ends(on, number) == 2
        pushing.join()
    assert any("calls is unknown" in line for line in said)
    unknown = _one(playing, f"SELECT count(*) FROM call_tasks WHERE batch_id = {number} AND state = 'unknown'")
    assert unknown == 2


def test_an_interrupt_heals_what_was_planted_and_leaves_the_faults_of_others(playing, simulator):
    simulator.plant("slow", path="/metabase/", times=None)

    def say(sentence: str) -> None:
        if "is held" in sentence:
            assert len(simulator.get("/_sim/faults")) == 3
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play(playing, say, pace=0)
    assert [fault["path"] for fault in simulator.get("/_sim/faults")] == ["/metabase/"]
    with playing.transaction() as connection:
        assert all(token.revoked_at for token in token_store.listed(connection) if token.label == "demo")


def test_it_says_so_when_nothing_runs(example_runtime):
    seeding.seed(example_runtime)
    alone = Runtime(example_runtime.settings.model_copy(update={"api_port": 9}))
    with pytest.raises(ConfigurationError, match="start `make up`"):
        play(alone, print)
    alone.close()


def test_it_wants_the_example_world(playing):
    removing.remove(playing, by="test")
    with pytest.raises(Conflict, match="example seed"):
        play(playing, print)


def test_it_never_plays_against_a_real_vendor(app_settings, simulator):
    real = Runtime(at_the_simulator(app_settings, simulator, wecom_base_url="https://wecom.example.com"))
    with pytest.raises(ConfigurationError, match="simulator alone"):
        play(real, print)
    real.close()
