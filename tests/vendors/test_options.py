"""The options of an account: what is missing, unknown or unreadable is said by name, in sentences."""

from __future__ import annotations

from typing import Any

import pytest

import vendors
from tests.vendors.host import CANARY
from vendors.contract import Calls, Duty, FieldKind, Quota
from vendors.errors import VendorError
from vendors.options import Options, parsed

DELL = {"client_id": CANARY, "client_secret": CANARY}


def said_of_dell(
    duties: tuple[Duty, ...] = (Duty.LOOKUP,),
    base_url: str | None = None,
    secrets: dict[str, str] = DELL,
    **options: str,
) -> list[str]:
    return vendors.check_options("dell", duties, secrets, options, base_url=base_url)


def said_of_servicenow(base_url: str | None = "https://acme.service.example", **secrets: str) -> list[str]:
    return vendors.check_options("servicenow", (), secrets, {}, base_url=base_url)


def test_only_what_the_duties_need_is_needed() -> None:
    technician = ["technician_login", "technician_password"]
    triple = ["branch", "customer", "track"]
    for duties, needed in (
        ((Duty.LOOKUP,), []),
        ((Duty.TRACK,), technician),
        ((Duty.OPEN,), technician + triple),
        ((), technician + triple),
    ):
        said = said_of_dell(duties)
        assert [one.split()[2] for one in said] == needed
        assert all("is missing: " in one for one in said)


def test_a_duty_that_the_adapter_cannot_do_is_said() -> None:
    said = vendors.check_options("servicenow", (Duty.LOOKUP,), {}, {}, base_url=None)
    assert said[0] == "servicenow cannot do lookup; it can do open, track"


def test_a_missing_secret_is_said_by_name() -> None:
    assert said_of_dell(secrets={"client_id": CANARY, "client_secret": "  "}) == [
        "the secret client_secret is missing: its secret"
    ]


def test_a_secret_given_as_an_option_is_noticed_since_it_would_be_shown() -> None:
    assert "client_secret is a secret of dell, not option: give it as one" in said_of_dell(client_secret="x")
    assert "branch is an option of dell, not secret: give it as one" in said_of_dell(secrets={**DELL, "branch": "x"})


def test_one_of_two_ways_to_sign_in_is_enough_and_half_of_one_is_not() -> None:
    assert said_of_servicenow(username="u", password="p") == []
    assert said_of_servicenow(client_id="u", client_secret="p") == []
    missing = "a secret is missing: servicenow needs username and password, or client_id and client_secret"
    assert said_of_servicenow(username="u", client_secret="p") == [missing]


@pytest.mark.parametrize(
    ("base_url", "says"),
    [
        (None, "needs a base URL"),
        ("", "needs a base URL"),
        ("acme.service.example", "cannot be read"),
        ("ftp://acme.service.example", "cannot be read"),
        ("https://", "cannot be read"),
        ("https://acme:99999", "cannot be read"),
        ("https://acme:0", "cannot be read"),
        ("https://acme.example/api", "scheme, host and port only"),
        ("https://acme.example?x=1", "scheme, host and port only"),
        ("https://u:p@acme.example", "scheme, host and port only"),
    ],
)
def test_a_base_url_is_scheme_host_and_port(base_url: str | None, says: str) -> None:
    (said,) = said_of_servicenow(base_url, username="u", password="p")
    assert says in said


def test_a_base_url_with_a_slash_at_its_end_is_fine() -> None:
    assert said_of_servicenow("https://acme.example:8443/", username="u", password="p") == []


def test_an_option_that_cannot_be_read_is_said_by_name() -> None:
    assert said_of_dell(settle_seconds="two") == ["the option settle_seconds must be a whole number, zero or more"]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (FieldKind.TEXT, " x ", " x "),
        (FieldKind.BOOLEAN, "true", True),
        (FieldKind.BOOLEAN, "false", False),
        (FieldKind.NUMBER, "0", 0),
        (FieldKind.NUMBER, "120", 120),
        (FieldKind.JSON, '{"1": "received"}', {"1": "received"}),
        (FieldKind.QUOTA, "10/second", Quota(10, 1.0)),
        (FieldKind.QUOTA, "5000/day", Quota(5000, 86_400.0)),
    ],
)
def test_the_text_of_an_option_is_read_by_its_kind(kind: FieldKind, text: str, value: Any) -> None:
    assert parsed(kind, text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (FieldKind.BOOLEAN, "True"),
        (FieldKind.BOOLEAN, "1"),
        (FieldKind.NUMBER, "-1"),
        (FieldKind.NUMBER, "1.5"),
        (FieldKind.NUMBER, "²"),
        (FieldKind.NUMBER, "9999999999"),
        (FieldKind.JSON, "[]"),
        (FieldKind.JSON, "{"),
        (FieldKind.JSON, "[" * 100_000),
        (FieldKind.QUOTA, "0/second"),
        (FieldKind.QUOTA, "10"),
        (FieldKind.QUOTA, "10/week"),
    ],
)
def test_text_that_is_none_of_its_kind_says_what_it_must_be(kind: FieldKind, text: str) -> None:
    with pytest.raises(ValueError, match=r"true or false|whole number|JSON object|number of calls"):
        parsed(kind, text)


def test_an_account_may_shorten_the_deadline_and_never_lengthen_it() -> None:
    calls = Calls(timeout_s=30.0)
    asked = {text: Options("acme", {"timeout_seconds": text}).timeout_s(calls) for text in ("5", "90", "0", "")}
    assert asked == {"5": 5.0, "90": 30.0, "0": 30.0, "": 30.0}


def test_the_text_of_an_option_is_refused_by_name_where_it_is_read() -> None:
    with pytest.raises(VendorError, match="timeout_seconds must be a whole number"):
        Options("acme", {"timeout_seconds": "soon"}).timeout_s(Calls())
