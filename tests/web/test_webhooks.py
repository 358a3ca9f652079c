"""A vendor's push is proven before it is read, kept before it is answered, and tells a stranger nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from tests import factories
from tests.web.conftest import NOBODYS_ID, World
from warranty import db
from warranty.models import Outbox, VendorAccount, VendorDelivery
from warranty.models.work import OrderKind
from warranty.services import accounts
from warranty.web.webhooks import AT_ONCE, Throttle

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.test import TestResponse

SECRET = b"a shared secret of some length"
SECRETS = {"username": "us", "password": "them", "webhook_secret": f"whsec_{base64.b64encode(SECRET).decode()}"}
BODY = b'{"result": {"number": "INC1", "state": "20"}}'


def signed(body: bytes = BODY, *, event: str = "msg-1", age_s: float = 0, secret: bytes = SECRET) -> dict[str, str]:
    """The headers of a push, as the Standard Webhooks scheme has them."""
    at = str(int(time.time() - age_s))
    mac = hmac.digest(secret, f"{event}.{at}.".encode() + body, hashlib.sha256)
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": event, "webhook-timestamp": at, "webhook-signature": signature}


@pytest.fixture
def account(world: World) -> UUID:
    """An account whose vendor pushes."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        return factories.make_account(session, world.runtime, secrets=SECRETS).public_id


def push(world: World, account: object, headers: dict[str, str], body: bytes = BODY, **options: Any) -> TestResponse:
    path = f"/api/v1/webhooks/{account}"
    return world.app.test_client().post(path, headers=headers, data=body, **options)


def kept(world: World) -> tuple[int, int]:
    """How many messages are kept, and how many orders there are to apply one."""
    with world.runtime.database.read(db.EVERYBODY) as session:
        messages = session.scalar(select(func.count()).select_from(VendorDelivery))
        ordered = select(func.count()).where(Outbox.kind == OrderKind.APPLY_DELIVERY)
        return messages or 0, session.scalar(ordered) or 0


def refused(world: World, account: UUID) -> int:
    with world.runtime.database.read(db.EVERYBODY) as session:
        return session.scalars(select(VendorAccount.pushes_refused).where(VendorAccount.public_id == account)).one()


def test_a_push_is_kept_as_it_came_with_an_order_to_apply_it(world: World, account: UUID) -> None:
    answer = push(world, account, signed(), content_type="application/x-www-form-urlencoded")

    assert (answer.status_code, answer.data) == (202, b"")
    assert kept(world) == (1, 1)
    with world.runtime.database.read(db.EVERYBODY) as session:
        delivery = session.scalars(select(VendorDelivery)).one()
        order = session.scalars(select(Outbox).where(Outbox.kind == OrderKind.APPLY_DELIVERY)).one()
    assert (delivery.raw, delivery.event_id, delivery.applied_at) == (BODY, "msg-1", None)
    assert order.payload == {"delivery": delivery.id}


def test_a_push_that_comes_again_is_answered_alike_and_kept_once(world: World, account: UUID) -> None:
    for event in ("msg-1", "msg-1", "x" * 3000, "x" * 3000):
        assert push(world, account, signed(event=event)).status_code == 202

    assert kept(world) == (2, 2)


UNPROVEN: dict[str, Callable[[], dict[str, str]]] = {
    "unsigned": dict,
    "forged": lambda: signed(secret=b"somebody else's"),
    "altered": lambda: signed(BODY.replace(b"20", b"21")),
    "renamed": lambda: signed() | {"webhook-id": "msg-2"},
    "replayed": lambda: signed(age_s=301),
    "from the future": lambda: signed(age_s=-305),
    "garbled": lambda: signed() | {"webhook-signature": "v1,ü"},
}


@pytest.mark.parametrize("what", UNPROVEN)
def test_what_does_not_prove_who_sent_it_is_refused_counted_and_not_kept(
    world: World, account: UUID, what: str
) -> None:
    answer = push(world, account, UNPROVEN[what]())

    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.json is not None
    assert answer.json["type"] == "unauthorized"
    assert kept(world) == (0, 0)
    assert refused(world, account) == 1


def test_who_takes_no_push_is_nobody(world: World, account: UUID) -> None:
    """Unknown, without a secret, not for tracking, of a vendor that pushes nothing, switched off: all answers are one."""
    because = factories.BECAUSE
    with world.runtime.database.begin(db.EVERYBODY) as session:
        made = [
            factories.make_account(session, world.runtime),
            factories.make_account(session, world.runtime, secrets=SECRETS, duties=["open"]),
            factories.make_account(session, world.runtime, "manual", base_url=None, secrets={}),
            factories.make_account(session, world.runtime, secrets=SECRETS),
        ]
        accounts.switch_off(session, made[-1], because=because)
        nobody = [NOBODYS_ID, "no-id", *(one.public_id for one in made)]

    said = []
    for name in nobody:
        answer = push(world, name, signed())
        assert answer.json is not None
        said.append((answer.status_code, answer.json | {"request_id": ""}, sorted(answer.headers.keys())))

    assert said == [said[0]] * len(nobody)
    assert said[0][0] == 404
    assert kept(world) == (0, 0)


def test_a_push_for_an_account_that_cannot_be_used_as_it_is_may_come_again(world: World, account: UUID) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        session.scalars(select(VendorAccount).where(VendorAccount.public_id == account)).one().base_url = None

    answer = push(world, account, signed())

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_a_push_is_limited_in_size(world: World, account: UUID) -> None:
    body = b"x" * (1024 * 1024 + 1)

    assert push(world, account, signed(body), body).status_code == 413
    assert kept(world) == (0, 0)


def test_one_address_is_limited_in_number_and_no_other_by_it(world: World, account: UUID) -> None:
    flood = [push(world, account, {}, environ_base={"REMOTE_ADDR": "198.51.100.7"}) for _ in range(3 * AT_ONCE)]
    limited = [answer for answer in flood if answer.status_code == 429]

    assert limited
    assert limited[0].headers["Retry-After"] == "1"
    assert len(flood) - len(limited) == refused(world, account) >= AT_ONCE
    assert push(world, account, signed()).status_code == 202


def test_the_throttle_forgets_who_was_not_seen_for_long() -> None:
    throttle = Throttle(at_once=1, senders=2)

    assert [throttle.wait_s(sender) > 0 for sender in "aabcda"] == [False, True, False, False, False, False]
