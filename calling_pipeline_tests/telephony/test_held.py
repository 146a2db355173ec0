"""While calls are held back a click is refused with the sentence that says what to do."""

from calling_pipeline.outgoing import holding


def test_a_click_is_refused_while_calls_are_held_back(office, infinity):
    with office.runtime.transaction() as connection:
        holding.hold(connection, "shadow", "this is a shadow: calls are made by the old system", by="ann")
    outcome = office.call()
    assert (outcome.kind, outcome.rule) == ("refused", "held_back")
    assert outcome.sentence == "this is a shadow: calls are made by the old system"
    assert infinity.get("/infinity/_sim/calls") == []
    assert office.rows("SELECT count(*) FROM extension_pool WHERE state <> 'available'") == [(0,)]
    with office.runtime.transaction() as connection:
        holding.lift(connection, "shadow", by="ann")
    assert office.call().kind == "ringing"
