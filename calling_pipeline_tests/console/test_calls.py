"""The pages of calls over HTTP: the list by filter, one call's story, notes, and who may listen."""

import asyncio

import pytest

from calling_pipeline.telephony.calls.recordings.fetching import fetch_due
from calling_pipeline.telephony.calls.recordings.keeping import Keeping
from calling_pipeline.telephony.dependencies import TelephonyDependencies
from calling_pipeline_tests.telephony.support import callback_body, set_up, signed


@pytest.fixture
def office(console, simulator):
    simulator.forget_calls()
    simulator.behave(ring_s=[0, 0], talk_s=[0, 0], answer_rate=1.0)
    yield set_up(console.runtime, f"{simulator.url}/infinity/api", lines=3, agents_=3)
    simulator.forget_calls()


def ended(office, client, collector=1, **more):
    """A call that its callback ended."""
    made = office.call(collector, f"1380000000{collector}")
    body = callback_body(made.call_uuid, **more)
    client.post("/api/v1/infinity/callback/call-record", content=body, headers=signed(body)).raise_for_status()
    return made.call_id


def test_the_list_is_filtered_by_its_address_and_exported_masked(office, as_role):
    viewer = as_role("viewer")
    first = ended(office, viewer)
    ended(office, viewer, 2, connected=False, result="用户忙")
    assert viewer.get("/telephony/calls").text.count('<td class="number"><a href="/telephony/calls/') == 2
    assert f'href="/telephony/calls/{first}"' in viewer.get("/telephony/calls?state=connected&sort=-duration").text
    assert f'href="/telephony/calls/{first}"' not in viewer.get("/telephony/calls?collector=2").text
    export = viewer.get("/telephony/calls?form=csv").text
    assert len(export.splitlines()) == 3
    assert "138****0001" in export
    assert viewer.get("/telephony/calls?state=nothing").status_code == 422


def test_one_call_tells_what_happened_and_texts_from_outside_stay_texts(office, as_role):
    call_id = ended(office, as_role("viewer"), result="<script>alert(1)</script>")
    page = as_role("viewer").get(f"/telephony/calls/{call_id}").text
    assert "<script>alert" not in page
    assert page.index("分配分机") < page.index("线路商受理") < page.index("收到回调")
    assert 'data-testid="note-form"' not in page
    assert as_role("viewer").get("/telephony/calls/999").status_code == 404


def test_an_operator_notes_the_quality_and_listens_and_nobody_below_does(console, office, as_role, simulator):
    operator = as_role("operator")
    name = simulator.get("/infinity/_sim/calls")
    assert name == []
    made = office.call(1)
    asked = {"service": "App.Sip_Auth.Login", "appid": "app", "accesskey": "a-good-access-key"}
    token = operator.post(f"{simulator.url}/infinity/api", data=asked).json()["data"]["token"]
    asked = {"service": "App.Sip_Cdr.GetRecodeFile", "token": token, "recordfile": f"{made.call_uuid}.wav"}
    link = operator.post(f"{simulator.url}/infinity/api", data=asked).json()["data"]["url"]
    body = callback_body(made.call_uuid, call_record_url=link)
    operator.post("/api/v1/infinity/callback/call-record", content=body, headers=signed(body)).raise_for_status()

    async def fetched():
        async with TelephonyDependencies.from_runtime(console.runtime) as deps:
            return await fetch_due(deps, Keeping.of(console.runtime.settings))

    assert asyncio.run(fetched()).kept == 1
    address = f"/telephony/calls/{made.call_id}"
    assert 'data-testid="player"' in operator.get(address).text
    part = operator.get(f"{address}/recording", headers={"Range": "bytes=0-99"})
    assert (part.status_code, part.content[:4]) == (206, b"RIFF")
    assert office.rows("SELECT count(*) FROM audit_log WHERE act = 'recording.listen'") == [(1,)]
    for role in ("viewer", "collector"):
        assert as_role(role).get(f"{address}/recording").status_code == 403
        assert 'data-testid="player"' not in as_role(role).get(address).text
    operator.post(f"{address}/notes", data={"score": 5, "remark": "good"})
    assert operator.post(f"{address}/notes", data={"score": 9}).status_code == 422
    assert "good" in operator.get(address).text
