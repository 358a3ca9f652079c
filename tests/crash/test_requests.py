"""Whoever calls us and hears nothing calls again: a kill around any commit of a request or a command loses and doubles nothing.

A program repeats its request with the same key, a person sends the same form, a vendor its message, an operator types the
command once more, and the relay looks again.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from rq.job import Job
from sqlalchemy import update

from tests import factories
from tests.crash.points import ROWS, all_of, is_approved_once, is_one_case_each, push_of_a_case
from tests.desk import let_pass
from tests.web.conftest import fault_body
from tests.web.test_webhooks import SECRETS, signed
from tests.web.visitor import visit
from warranty import db, queue, relay
from warranty.crypto import SecretBox
from warranty.domain.terms import CLIENT_ROLES, Role
from warranty.models import Asset, Client, Fault, Outbox, User, VendorAccount, VendorDelivery
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import keys, people, work
from warranty.web import create_app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.crash.harness import Harness

NEW_KEY = "N" * 43 + "="


def test_a_report_that_a_program_repeats_under_its_key_is_one_fault(harness: Harness) -> None:
    with harness.session() as session:
        token = factories.make_token(session, factories.make_user(session))
    asked: list[dict[str, Any]] = []

    def report() -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {token}",
            "Idempotency-Key": f"key-{len(asked)}",
            "Content-Type": "application/json",
        }
        body = json.dumps(fault_body(serial_number=harness.desk().serial))
        asked.append({"method": "POST", "path": "/api/v1/faults", "headers": headers, "body": body})
        return asked[-1]

    # The fault with its key and the order to send it; and, when the token has not been used of late, that it was.
    assert harness.kill_everywhere("call", report) == 2
    harness.acknowledged.clear()
    for request in (*asked, *asked):
        assert harness.run("call", **request) == 0
    harness.rest()

    is_one_case_each(harness)
    faults = {str(fault.public_id) for fault in all_of(harness, Fault)}
    assert Counter(json.loads(said)["id"] for said in harness.acknowledged) == Counter([*faults, *faults])
    assert len(faults) == len(asked)


@pytest.mark.parametrize(
    ("role", "path"), [(Role.TECHNICIAN, "/faults/new"), (Role.CLIENT_VIEWER, "/portal/faults/new")]
)
def test_a_form_that_a_person_sends_again_is_one_fault(harness: Harness, role: Role, path: str) -> None:
    app = create_app(harness.runtime)
    sent: list[dict[str, Any]] = []

    def form() -> dict[str, Any]:
        desk = harness.desk()
        with harness.session() as session:
            client = session.get_one(Client, desk.client_key)
            user = factories.make_user(session, role, client if role in CLIENT_ROLES else None)
        visitor = visit(app, user)
        visitor.get(path)
        hidden = {name: visitor.hidden(name) for name in ("csrf_token", "idempotency_key")}
        cookie = visitor.browser.get_cookie("session")
        assert cookie is not None
        headers = {
            "Cookie": f"{cookie.key}={cookie.value}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urlencode(fault_body(serial_number=desk.serial, **hidden))
        sent.append({"method": "POST", "path": path, "headers": headers, "body": body})
        return sent[-1]

    assert harness.kill_everywhere("call", form) == 1
    harness.acknowledged.clear()
    for request in (*sent, *sent):
        assert harness.run("call", **request) == 0
    harness.rest()

    is_one_case_each(harness)
    assert set(Counter(harness.acknowledged).values()) == {2}
    assert len(all_of(harness, Fault)) == len(sent)


def test_a_message_that_a_vendor_sends_again_is_applied_once(harness: Harness) -> None:
    pushed: list[dict[str, Any]] = []

    def push() -> dict[str, Any]:
        desk, body = push_of_a_case(harness)
        with harness.session() as session:
            account = session.get_one(VendorAccount, desk.account_id)
            account.secrets = harness.runtime.box.seal(SECRETS)
        path = f"/api/v1/webhooks/{account.public_id}"
        pushed.append({"method": "POST", "path": path, "headers": signed(body), "body": body.decode()})
        return pushed[-1]

    assert harness.kill_everywhere("call", push) == 1
    for request in (*pushed, *pushed):
        assert harness.run("call", **request) == 0
    harness.rest()

    is_approved_once(harness)
    assert len(all_of(harness, VendorDelivery)) == len(pushed)


def test_a_relay_that_is_killed_between_the_database_and_the_queue_leaves_no_order_out_of_it(harness: Harness) -> None:
    def due() -> dict[str, Any]:
        with harness.session() as session:
            session.execute(update(Outbox).values(status=OrderStatus.DONE))
            work.add(session, OrderKind.SWEEP_FILES, now=db.now(session))
        with queue.connect(harness.runtime.settings.redis_url) as connection:
            connection.flushdb()
        return {}

    def due_after_a_look() -> dict[str, Any]:
        hands_over_what_is_left(harness)
        return due()

    due()
    # Whether the queue was emptied, how many workers there are, and what it takes to put an order in.
    assert harness.kill_everywhere("relay", due_after_a_look, "call") > 2


def hands_over_what_is_left(harness: Harness) -> None:
    """The next look, some time later, puts all that is to be done into the queue."""
    let_pass(harness.runtime, harness.runtime.settings.relay_s)
    with queue.connect(harness.runtime.settings.redis_url) as connection:
        relay.turn(harness.runtime, connection)
        waiting = queue.work_queue(connection)
        jobs = Job.fetch_many(waiting.job_ids, connection, serializer=waiting.serializer)
    pending = {order.id for order in all_of(harness, Outbox) if order.status is OrderStatus.PENDING}
    assert {job.args[0] for job in jobs if job is not None} == pending


def test_an_import_that_is_typed_again_writes_every_row_once(harness: Harness, tmp_path: Path) -> None:
    typed: list[dict[str, Any]] = []

    def command() -> dict[str, Any]:
        with harness.session() as session:
            client = factories.make_client(session)
        rows = tmp_path / f"{client.id}.csv"
        rows.write_text(
            "serial_number,manufacturer,model\n" + "".join(f"{client.id}-{row},Acme,R1\n" for row in range(ROWS))
        )
        typed.append({"words": ["import", "assets", str(rows), "--client", client.name]})
        return typed[-1]

    # On record, its book opened, three times two rows at most, the end.
    assert harness.kill_everywhere("command", command) == 6
    harness.acknowledged.clear()
    for again in typed:
        assert harness.run("command", **again) == 0

    for said in harness.acknowledged:
        counts = json.loads(said)
        assert (counts["new"] + counts["same"], counts["changed"], counts["refused"]) == (ROWS, 0, 0)
    units = Counter(asset.serial_number for asset in all_of(harness, Asset))
    assert (len(units), set(units.values())) == (ROWS * len(typed), {1})


def test_keys_that_are_rotated_again_leave_nothing_under_the_old_one(harness: Harness) -> None:
    both = ",".join([NEW_KEY, *harness.runtime.settings.encryption_keys])
    harness.settings["WARRANTY_ENCRYPTION_KEYS"] = both

    def command() -> dict[str, Any]:
        harness.desk()
        return {"words": ["keys", "rotate"]}

    assert harness.kill_everywhere("command", command) > 2
    assert harness.run("command", **command()) == 0

    with harness.session() as session:
        standing = keys.standing(session, SecretBox([NEW_KEY]))
    assert (standing.kept, standing.old, standing.lost) == (len(harness.desks), 0, ())


def test_a_person_who_is_erased_again_is_erased_whole(harness: Harness) -> None:
    typed: list[dict[str, Any]] = []

    def command() -> dict[str, Any]:
        with harness.session() as session:
            user = factories.make_user(session)
        words = ["user", "erase", str(user.public_id), "--reason", "They left.", "--yes"]
        typed.append({"words": words})
        return typed[-1]

    assert harness.kill_everywhere("command", command) == 1
    for again in typed:
        assert harness.run("command", **again) == 0

    users = all_of(harness, User)
    assert {user.email for user in users} == {f"{user.public_id}{people.ERASED}" for user in users}
