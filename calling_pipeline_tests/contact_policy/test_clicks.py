"""A click and a batch call are attempts of one number: caps and gaps of a policy are over both rooms."""

import datetime as dt

import pytest

from calling_pipeline.contact_policy import gate
from calling_pipeline.contact_policy.presets import policy_from
from calling_pipeline.contact_policy.records import Attempt
from calling_pipeline.days import now

PHONE = "13800000001"
TWO_HOURS = {"preset": "list_only", "minimum_gap_s": 7200}
ONE_A_DAY = {"preset": "list_only", "rolling": [[1, "24h"]]}


@pytest.mark.parametrize(("first", "second"), [("telephony", "call_batches"), ("call_batches", "telephony")])
@pytest.mark.parametrize("policy", [TWO_HOURS, ONE_A_DAY], ids=["gap", "cap"])
def test_a_click_counts_for_the_next_batch_call_and_a_batch_call_for_the_next_click(engine, first, second, policy):
    rules, at = policy_from(policy), now()
    with engine.begin() as connection:
        assert gate.check_and_record(connection, Attempt(PHONE, first, "one", at), rules).allowed
        assert not gate.check(connection, Attempt(PHONE, second, "two", at + dt.timedelta(minutes=1)), rules).allowed
        assert gate.check(connection, Attempt(PHONE, second, "two", at + dt.timedelta(hours=25)), rules).allowed
        assert connection.exec_driver_sql("SELECT count(*) FROM contact_attempts").scalar_one() == 1
        assert connection.exec_driver_sql("SELECT count(*) FROM call_history").scalar_one() == 0
