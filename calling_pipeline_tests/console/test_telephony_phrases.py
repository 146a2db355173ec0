"""What telephony's functions say in English has its Chinese: each sentence as the function itself makes it."""

import httpx
import pytest

from calling_pipeline.errors import CallingError
from calling_pipeline.pasted_tables import read_table
from calling_pipeline.telephony.pool import extensions
from calling_pipeline.telephony.records import REASONS, Refusal
from calling_pipeline.telephony.tenants import numbers, settings
from calling_pipeline.telephony.tenants.accounts import SECRETS
from calling_pipeline.texts.catalogue import catalogue
from calling_pipeline.vendors.answers import Answer
from calling_pipeline.vendors.http import VendorHttp
from calling_pipeline.vendors.infinity import answers
from calling_pipeline.vendors.infinity.callbacks import decode
from calling_pipeline.vendors.url_guard import Reach


def said(act, *given):
    with pytest.raises(CallingError) as error:
        act(*given)
    return str(error.value)


def chinese(sentence):
    found = catalogue().say(sentence, "zh")
    assert any("\u4e00" <= sign <= "\u9fff" for sign in found), f"no Chinese for {sentence!r}: {found!r}"
    return found


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_of_an_allocation_is_said_in_chinese(reason):
    chinese(REASONS[reason])
    assert "offline" not in chinese(str(Refusal(reason, 4, 3, 0, 1, 0)))


@pytest.mark.parametrize(
    ("act", "given"),
    [
        (numbers.extension_number, "a b"),
        (numbers.international_number, "1"),
        (numbers.caller_numbers, ["12"]),
        (extensions._label, "\n" * 3 + "x" * 101),
        (read_table, 'number\n"' + "x" * 200_000),
        (settings.networks_of, []),
        (settings.networks_of, ["0.0.0.0/0"]),
        (settings.networks_of, ["nowhere"]),
    ],
)
def test_what_is_wrong_in_a_row_or_a_field_is_said_in_chinese(act, given):
    chinese(said(act, given))


@pytest.mark.parametrize(
    "change",
    [
        {"max_concurrent_calls": 0},
        {"calls_per_hour": -1},
        {"name": ""},
        {"strategy": "x"},
        {"api_url": "ftp://x"},
        {"contact_rules": {"colour": 1}},
        {"contact_rules": {"preset": "x"}},
        {"contact_rules": {"countries": ["germany"]}},
        {"caller_range_start": "1"},
        {"caller_range_start": "+123", "caller_range_end": "1234"},
        {"caller_range_start": "05710001", "caller_range_end": "05710000"},
    ],
)
def test_what_is_wrong_in_a_configuration_is_said_in_chinese(change):
    chinese(said(settings.columns_of, change, change))


def test_addresses_that_no_configuration_may_have_are_said_in_chinese():
    chinese(said(settings.check_address, "http://8.8.8.8/", Reach()))
    chinese(said(settings.check_address, "https://127.0.0.1/", Reach()))
    chinese(settings.NEW_ADDRESS)


@pytest.mark.parametrize("code", answers._REFUSALS)
def test_every_reason_for_which_infinity_refuses_is_said_in_chinese(code):
    sentence = str(answers._ret_failure(answers.LOGIN, code, "", safe=True))
    found = chinese(sentence)
    assert "App.Sip" not in found
    assert all(word not in found for word in ("authorised", "extension", "expired", "policy", "address"))


def test_every_way_in_which_a_connection_fails_is_said_in_chinese():
    client = VendorHttp("Infinity", "https://vendor.example", concurrency=1, timeout_s=1)
    for error in (httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.ReadTimeout("x"), httpx.ReadError("x")):
        chinese(str(client._failure(error, "/api", safe=True)))
    for status in (302, 401, 404, 500):
        chinese(str(answers._http_failure(Answer(status, httpx.Headers(), b""), answers.LOGIN, safe=True)))
    chinese(str(answers._ret_failure(answers.LOGIN, "500", "broken", safe=True)))
    chinese(str(answers._unreadable(answers.LOGIN, safe=True)))
    chinese(str(answers.breach(answers.LOGIN, "data.token is missing")))
    chinese("Infinity refused the login (status 1)")


@pytest.mark.parametrize("name", ["name", "app_id", *SECRETS])
def test_a_field_that_is_too_long_is_said_in_chinese(name):
    chinese(said(settings.columns_of, {name: "x" * 201}, {}))


@pytest.mark.parametrize(
    "body",
    [
        b"x",
        b"[]",
        b'{"call_uuid": ""}',
        b'{"call_uuid": "a", "is_connected": 2, "call_duration": 1}',
        b'{"call_uuid": "a", "is_connected": true, "call_duration": "x"}',
    ],
)
def test_what_is_wrong_with_a_callback_is_said_in_chinese(body):
    chinese(said(decode, body))
    chinese("it is not signed, and Infinity has not said yet that the line is idle")
