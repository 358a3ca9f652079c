"""Pushes: who sent them. The example is that of the Standard Webhooks specification."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from vendors.errors import Trouble, VendorError
from vendors.signatures import verify_signature

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
BODY = b'{"result": {"number": "INC1", "name": "\xc3\x9cnal"}}'

EXAMPLE = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def headers(key: bytes = KEY, body: bytes = BODY, message_id: str = "m-1", age_s: float = 0) -> dict[str, str]:
    """Sign by hand, as the specification says."""
    at = str(int((datetime.now(UTC) - timedelta(seconds=age_s)).timestamp()))
    mac = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def refused(secret: str, sent: dict[str, str], body: bytes) -> bool:
    with pytest.raises(VendorError) as caught:
        verify_signature("acme", secret, sent, body)
    return caught.value.trouble is Trouble.UNAUTHORISED


@time_machine.travel(datetime.fromtimestamp(1614265330, UTC), tick=False)
def test_the_example_of_the_specification_holds() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert verify_signature("acme", secret, EXAMPLE, b'{"test": 2432232314}') == EXAMPLE["webhook-id"]


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        (SECRET, KEY),
        (SECRET.removeprefix("whsec_"), KEY),
        ("any text at all", b"any text at all"),
        ("secret123456", b"secret123456"),
        ("secret123456", base64.b64decode("secret123456")),
    ],
)
def test_a_secret_is_read_as_the_scheme_says_or_as_the_text_it_is(secret: str, key: bytes) -> None:
    sent = {name.title(): value for name, value in headers(key).items()}
    assert verify_signature("acme", secret, sent, BODY) == "m-1"


def test_a_scheme_secret_is_never_read_as_plain_text() -> None:
    assert refused(SECRET, headers(SECRET.encode()), BODY)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64!"])
def test_without_a_usable_secret_everything_is_refused(secret: str) -> None:
    assert refused(secret, headers(b""), BODY)


def test_one_of_several_signatures_is_enough_while_a_secret_is_changed() -> None:
    sent = headers()
    sent["webhook-signature"] = f"v1,{base64.b64encode(b'x' * 32).decode()} v2,else {sent['webhook-signature']}"
    assert verify_signature("acme", SECRET, sent, BODY) == "m-1"


@pytest.mark.parametrize("age_s", [310, -310])
def test_a_push_that_is_too_old_or_of_the_future_is_refused(age_s: float) -> None:
    assert refused(SECRET, headers(age_s=age_s), BODY)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": "m-2"},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "nan"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,%%%"},
        {"webhook-signature": "v1,ü"},
        {"webhook-signature": "v1a,AAAA"},
        {"webhook-signature": ""},
    ],
)
def test_a_push_whose_headers_were_touched_is_refused(changes: dict[str, str]) -> None:
    assert refused(SECRET, {**headers(), **changes}, BODY)


@pytest.mark.parametrize("body", [b"", BODY + b" ", b"\xff\xfe"])
def test_a_push_whose_body_was_touched_is_refused(body: bytes) -> None:
    assert refused(SECRET, headers(), body)


@given(st.binary(max_size=60), st.dictionaries(st.sampled_from(list(EXAMPLE)), st.text(max_size=40)))
def test_what_nobody_signed_is_refused_whatever_it_is(body: bytes, sent: dict[str, str]) -> None:
    assert refused(SECRET, sent, body)
