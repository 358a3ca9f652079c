"""What is taken out of whatever is kept: secrets and people, in every form in which they travel."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest

from tests.vendors.host import PERSONAL, REQUEST
from vendors.contract import Contact
from vendors.scrub import Scrubber, cut, people_of

SECRET = 'pä$$w0rd & "more"'

TRANSCRIPT = """POST /auth/oauth/v2/token HTTP/1.1
grant_type=client_credentials&client_id=l7-abc&client_secret=Zx81-9f&scope=x

{"access_token": "eyJhbGciOi.abc", "token_type": "Bearer", "refresh_token":"r-77", "expires_in": 3600,
 "nested": {"technician_password": "a\\"b", "api-key": "k-1", "apiKey": "k-2"}}

<api:Login>tech@msp.example</api:Login><api:Password>tech-pass</api:Password><Password>other</Password>
GET /callback?token=t-5&state=open&X-Amz-Signature=deadbeef HTTP/1.1
"""


def test_a_real_shaped_transcript_keeps_its_shape_and_loses_its_secrets() -> None:
    assert (
        Scrubber().text(TRANSCRIPT)
        == """POST /auth/oauth/v2/token HTTP/1.1
grant_type=client_credentials&client_id=l7-abc&client_secret=***&scope=x

{"access_token": "***", "token_type": "Bearer", "refresh_token":"***", "expires_in": 3600,
 "nested": {"technician_password": "***", "api-key": "***", "apiKey": "***"}}

<api:Login>tech@msp.example</api:Login><api:Password>***</api:Password><Password>***</Password>
GET /callback?token=***&state=open&X-Amz-Signature=*** HTTP/1.1
"""
    )


@pytest.mark.parametrize(
    "form",
    [SECRET, json.dumps(SECRET), json.dumps(SECRET, ensure_ascii=False), quote(SECRET, safe=""), quote_plus(SECRET),
     escape(SECRET, {'"': "&quot;"})],
)  # fmt: skip
def test_a_known_secret_is_found_in_every_form_in_which_it_travels(form: str) -> None:
    said = Scrubber({SECRET}).text(f"before {form} after")
    assert "w0rd" not in said
    assert said.startswith("before ")
    assert said.endswith(" after")


def test_a_longer_secret_is_replaced_before_a_shorter_one_that_it_contains() -> None:
    assert Scrubber({"abcd", "abcdefgh"}).text("x abcdefgh y abcd") == "x *** y ***"


def test_a_secret_is_matched_as_it_is_and_a_tiny_one_is_left_to_its_name() -> None:
    assert (
        Scrubber({"Secret9", "ab"}).text('secret9 ab Secret9 {"password": "ab"}')
        == 'secret9 ab *** {"password": "***"}'
    )


def test_a_secret_that_came_on_the_way_is_learned() -> None:
    scrubber = Scrubber()
    scrubber.learn("fresh-token")
    assert scrubber.text("Bearer fresh-token") == "Bearer ***"


def test_headers_with_credentials_lose_their_value() -> None:
    headers = {"Authorization": "Basic eA==", "Set-Cookie": "a=b", "X-API-Key": "k", "ClientID": "c", "Accept": "x/y"}
    assert Scrubber().headers(headers, {}) == (
        "Authorization: ***\nSet-Cookie: ***\nX-API-Key: ***\nClientID: ***\nAccept: x/y\n"
    )


def test_people_are_replaced_by_their_pseudonyms_in_any_case_and_order() -> None:
    people = people_of(REQUEST)
    text = json.dumps({"a": REQUEST.as_lines(), "b": "JANSEN,ELS or Jansen, Els", "c": "31612345678"})
    said = Scrubber().text(text, people)
    assert not any(value.lower() in said.lower() for value in (*PERSONAL, "31612345678", "JANSEN"))
    assert "Contact: person-7" in said
    assert "Ship to: place-9, place-9, place-9 place-9 NL" in said


def test_a_word_that_only_contains_a_personal_value_stays() -> None:
    people = people_of(replace(REQUEST, ship_to=None, contact=Contact("person-1", "Eva")))
    assert Scrubber().text("Eva evaluates; EVA.", people) == "person-1 evaluates; person-1."


def test_a_request_without_people_names_nobody() -> None:
    assert people_of(replace(REQUEST, contact=None, ship_to=None)) == {}


@pytest.mark.parametrize("encode", [str, lambda text: json.dumps({"description": text, "state": "1"})])
def test_our_own_lines_lose_their_people_when_the_vendor_repeats_them_later(encode: object) -> None:
    lines = replace(REQUEST, contact=Contact("p", 'Eva "E" Übelhör', "+31 6", "e@x.example")).as_lines()
    said = Scrubber().text(encode(lines))  # type: ignore[operator] # one of the two above
    assert not any(value in said for value in ("Eva", "belh", "+31", "x.example", "Keizersgracht", "Amsterdam"))
    assert said.count("[personal]") == 4
    assert "like-for-like replacement requested" in said


def test_a_text_that_is_short_enough_is_kept_whole() -> None:
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "abc ... (4 characters)"
