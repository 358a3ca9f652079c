"""Whoever is erased is named nowhere any more, and what they did stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select, update

from tests import factories
from tests.web.conftest import fault_body
from warranty import db
from warranty.domain.access import OPERATOR, TokenScope
from warranty.domain.terms import Role
from warranty.models import AuditRow, Base, Fault, IdempotencyKey, Mail, Person, User, VendorDelivery
from warranty.models.mail import Told
from warranty.models.work import OrderKind
from warranty.services import erasure, people, work

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tests.web.conftest import World

CANARY = "Quetzalcoatl"
BECAUSE = {"reason": "they asked for it"}


def write(world: World, method: str, path: str, body: dict[str, Any]) -> Any:
    answer = world.call(method, path, world.tokens[Role.ADMIN], json=body)
    assert answer.status_code in {200, 201}, answer.json
    return answer.json


def whole_database(world: World) -> str:
    """Everything that is stored, but for the password hashes, as one text."""
    with world.runtime.database.read(db.EVERYBODY) as session:
        return "\n".join(str(row) for table in Base.metadata.sorted_tables for row in session.execute(select(table)))


def written_mail(session: Session, fault: Fault, **to: Any) -> None:
    order = work.add(session, OrderKind.SEND_MAIL, now=db.now(session))
    session.flush()
    text = f"Hello {CANARY} & sons,"
    session.add(
        Mail(
            subject=text,
            text=text,
            html=f"Hello {CANARY} &amp; sons,",
            client_id=fault.client_id,
            fault_id=fault.id,
            tells=Told.OPENED,
            language="en",
            message_id=f"<{order.id}@ours>",
            thread="t",
            written_at=db.now(session),
            order_id=order.id,
            **to,
        )
    )


def test_a_contact_who_is_erased_is_named_nowhere_and_the_case_stays(world: World) -> None:
    contact = {"name": f"{CANARY} & sons", "phone": f"+31 {CANARY}", "email": f"a@{CANARY}.example"}
    address = {"name": CANARY, "address_line1": f"{CANARY} 1", "city": CANARY, "postal_code": "1", "country": "NL"}
    report = fault_body(serial_number=world.ours.covered_serial, contact=contact, ship_to=address)
    fault_id = write(world, "POST", "/faults", report)["id"]
    at_site = write(world, "POST", "/contacts", {"site": str(world.ours.site), **contact})
    with world.runtime.database.begin(db.EVERYBODY) as session:
        fault = session.scalars(select(Fault).where(Fault.public_id == UUID(fault_id))).one()
        written_mail(session, fault, person_id=fault.contact_id)
        named = list(session.scalars(select(Person.public_id).where(Person.name.contains(CANARY))))
    assert CANARY in whole_database(world)

    for public_id in named:
        erased = write(world, "POST", f"/contacts/{public_id}/erase", BECAUSE)
        assert erased["name"] == f"person:{public_id}"

    assert at_site["id"] in {str(one) for one in named}
    assert CANARY not in whole_database(world)
    assert write(world, "GET", f"/faults/{fault_id}", {})["state"] == "rma_open"


def test_a_user_who_is_erased_is_named_nowhere_and_the_register_keeps_the_pseudonym(world: World) -> None:
    facts = {"email": f"{CANARY}@ours.example", "name": f"{CANARY} & sons", "role": "admin"}
    made = write(world, "POST", "/users", facts)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        user = session.scalars(select(User).where(User.public_id == UUID(made["id"]))).one()
        token = people.add_token(session, user, name=CANARY, scopes=list(TokenScope), because=factories.BECAUSE).token
        actor = people.actor_of(user)
        reported = factories.make_fault(session, world.runtime, OPERATOR, serial_number=world.ours.covered_serial)
        written_mail(session, reported.fault, user_id=user.id)
    write_as = world.call("POST", "/clients", token, json={"name": "Acme of an erased user"})
    assert write_as.status_code == 201

    write(world, "POST", f"/users/{made['id']}/erase", BECAUSE)

    assert CANARY.lower() not in whole_database(world).lower()
    assert world.call("GET", "/clients", token).status_code == 401
    with world.runtime.database.read(db.EVERYBODY) as session:
        theirs = select(AuditRow.action).where(AuditRow.actor == actor, AuditRow.record == "client")
        assert session.scalars(theirs).all() == ["add"]
    assert write(world, "POST", "/users", facts)["id"] != made["id"]  # the address is free again
    refused = world.call("POST", f"/users/{made['id']}/reactivate", world.tokens[Role.ADMIN], json=BECAUSE)
    assert (refused.status_code, "erased" in refused.text) == (422, True)


def test_nobody_erases_themselves(world: World) -> None:
    admin = world.users[Role.ADMIN]

    answer = world.call("POST", f"/users/{admin.public_id}/erase", world.tokens[Role.ADMIN], json=BECAUSE)

    assert answer.status_code == 403
    assert admin.email in whole_database(world)


def test_answers_for_repeated_requests_are_forgotten_after_a_week(world: World) -> None:
    body, key = {"name": "Acme that is asked for twice"}, {"Idempotency-Key": "k"}
    first = world.call("POST", "/clients", world.tokens[Role.ADMIN], json=body, headers=key)
    assert world.call("POST", "/clients", world.tokens[Role.ADMIN], json=body, headers=key).json == first.json
    with world.runtime.database.begin(db.EVERYBODY) as session:
        erasure.forget_old(session)
        assert session.scalars(select(IdempotencyKey.key)).all() == ["k"]
        session.execute(update(IdempotencyKey).values(created_at=db.now(session) - erasure.ANSWERS_KEPT * 1.01))

        erasure.forget_old(session)

        assert session.scalars(select(IdempotencyKey.key)).all() == []


def test_what_a_vendor_sent_is_forgotten_once_it_is_old_whatever_became_of_it(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        account = factories.make_account(session, world.runtime)
        now = db.now(session)
        old = now - erasure.MESSAGES_KEPT * 1.01
        for event_id, received_at, applied_at in (("new", now, None), ("old", old, now), ("unread", old, None)):
            facts = {"account_id": account.id, "event_id": event_id, "raw": b"{}", "received_at": received_at}
            session.add(VendorDelivery(**facts, applied_at=applied_at))
        session.flush()

        erasure.forget_old(session)

        assert session.scalars(select(VendorDelivery.event_id)).all() == ["new"]
