"""Notes on cases by REST and on the page: who may, what is refused, and that no client reads a word of them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update
from werkzeug.serving import make_server

from tests import factories
from tests.desk import INSTANCE
from tests.web.conftest import World
from tests.web.routes import browse, is_api, rules, said
from tests.web.visitor import visit, words
from vendors.sandbox import Twin
from warranty import db, tasks
from warranty.domain.terms import CLIENT_ROLES, Role
from warranty.models import CaseNote, Fault, HumanTask, Outbox, Rma, VendorAccount
from warranty.models.work import OrderKind, TaskKind
from warranty.services import accounts
from warranty.web import guards

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "the client must not read this"


@pytest.fixture
def twin(world: World) -> Iterator[Twin]:
    """A vendor that listens, for the account of the world."""
    with Twin("servicenow") as playing:
        with world.runtime.database.begin(db.EVERYBODY) as session:
            session.execute(update(VendorAccount).values(base_url=playing.url))
        yield playing


def work(world: World, kind: OrderKind) -> None:
    """Do the newest order of a kind, as a worker would."""
    with world.runtime.database.read(db.EVERYBODY) as session:
        newest = session.scalars(select(Outbox.id).where(Outbox.kind == kind).order_by(Outbox.id.desc()).limit(1)).one()
    tasks.perform(world.runtime, newest)


def opened(world: World) -> Any:
    """A case whose claim the vendor has."""
    case = world.report(serial_number=world.ours.covered_serial)
    work(world, OrderKind.SEND_RMA)
    return case


def test_a_note_and_a_file_go_to_the_vendor_and_say_where_they_stand(world: World, twin: Twin) -> None:
    case = opened(world)
    path = f"/faults/{case['id']}/notes"
    internal = world.post(path, {"way": "internal", "text": SECRET}, Role.TECHNICIAN)
    noted = world.post(path, {"way": "to_vendor", "text": "Slot 3."}, Role.TECHNICIAN)
    work(world, OrderKind.TELL_VENDOR)
    upload = world.call(
        "POST", f"/faults/{case['id']}/files?name=led.txt", world.tokens[Role.TECHNICIAN], data=b"amber\n"
    )
    sent: Any = upload.json
    attached = world.post(path, {"way": "to_vendor", "file": sent["id"]}, Role.TECHNICIAN)
    work(world, OrderKind.TELL_VENDOR)

    assert [one.status_code for one in (internal, noted, upload, attached)] == [201] * 4
    page: Any = world.get(f"{path}?limit=2").json
    rest: Any = world.get(f"{path}?cursor={page['next_cursor']}").json
    shown = [(one["text"], one["way"], one["state"], one["file_id"]) for one in page["items"] + rest["items"]]
    assert shown == [
        ("led.txt", "to_vendor", "taken", sent["id"]),
        ("Slot 3.", "to_vendor", "taken", None),
        (SECRET, "internal", None, None),
    ]
    assert [entry["event"] for entry in twin.ledger] == ["opened", "noted", "attached"]
    rma: Any = world.get(f"/rmas/{case['rma_id']}").json
    told = [(row["action"], row["reason"]) for row in rma["timeline"] if row["record"] == "note"]
    assert told == [("internal", SECRET), ("to_vendor", "Slot 3."), ("to_vendor", "led.txt")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"way": "from_vendor", "text": "x"}, "way"),
        ({"way": "to_vendor", "text": "x"}, "way"),
        ({"way": "internal", "text": "  "}, "text"),
        ({"way": "internal"}, "text"),
        ({"way": "internal", "text": "x" * 4001}, "text"),
        ({"way": "internal", "text": "\x00"}, "text"),
        ({"way": "internal", "text": "x", "file": "no id"}, "file"),
        ({"way": "internal", "text": "x", "author": "user:1"}, "author"),
    ],
)
def test_what_is_no_note_is_refused_by_the_field(world: World, body: dict[str, Any], field: str) -> None:
    case = world.report(serial_number=world.ours.covered_serial)  # which the vendor has not yet

    answer = world.post(f"/faults/{case['id']}/notes", body)

    refused: Any = answer.json
    assert (answer.status_code, set(refused["errors"])) == (422, {field})


def test_a_note_that_was_refused_is_sent_again_and_one_that_was_not_is_not(world: World, twin: Twin) -> None:
    case = opened(world)
    twin.behave(error_before=1.0)
    note: Any = world.post(f"/faults/{case['id']}/notes", {"way": "to_vendor", "text": "Slot 3."}).json
    assert world.post(f"/notes/{note['id']}/sending", {}).status_code == 409
    with world.runtime.database.begin(db.EVERYBODY) as session:
        session.execute(update(VendorAccount).values(options={"table": "elsewhere"}))
    work(world, OrderKind.TELL_VENDOR)
    refused: Any = world.get(f"/faults/{case['id']}/notes").json
    assert (refused["items"][0]["state"], bool(refused["items"][0]["refused"])) == ("refused", True)

    again: Any = world.post(f"/notes/{note['id']}/sending", {}).json

    assert (again["state"], again["refused"]) == ("on_its_way", None)


def ask_to_read(world: World, why: str = "It wrote.") -> None:
    """What a note of the vendor puts on the board."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        fault = session.scalars(select(Fault)).one()
        told = {"client_id": fault.client_id, "fault_id": fault.id, "created_at": fault.reported_at}
        session.add(HumanTask(kind=TaskKind.VENDOR_NOTE, why=why, **told))


def test_what_the_vendor_wrote_waits_until_somebody_has_read_it(world: World) -> None:
    case = world.report(serial_number=world.ours.covered_serial)
    ask_to_read(world)

    answer = world.post(f"/faults/{case['id']}/notes/seen", {}, Role.TECHNICIAN)

    waiting: Any = world.get("/review-items?kind=vendor_note").json
    assert (answer.status_code, waiting["items"]) == (200, [])


def test_what_the_vendor_pushes_moves_the_claim_and_brings_its_notes_once(world: World, twin: Twin) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        account = session.scalars(select(VendorAccount)).one()
        pushes = {"secrets": {"webhook_secret": "a shared secret"}, "options": INSTANCE}
        accounts.change(session, world.runtime, account, because=factories.BECAUSE, **pushes)
        path = f"/api/v1/webhooks/{account.public_id}"
    case = opened(world)
    number = twin.opened[0]["number"]
    twin.move(number, state="approved", comments="It leaves today.")
    with serving(world) as url:
        for delivery in ("d-1", "d-1", "d-2"):  # the same again, and the same news anew
            assert twin.push(number, f"{url}{path}", "a shared secret", delivery=delivery) == 202
        assert twin.push(number, f"{url}{path}", "another secret") == 401
    with world.runtime.database.read(db.EVERYBODY) as session:
        orders = session.scalars(select(Outbox.id).where(Outbox.kind == OrderKind.APPLY_DELIVERY)).all()
    for order in orders:
        tasks.perform(world.runtime, order)
    brought: Any = world.get(f"/faults/{case['id']}/notes").json
    work(world, OrderKind.READ_CASES)  # a push says that there is news; the vendor is asked for the truth

    assert len(orders) == 2
    assert [(one["way"], one["text"]) for one in brought["items"]] == [("from_vendor", "It leaves today.")]
    rma: Any = world.get(f"/rmas/{case['rma_id']}").json
    assert (rma["state"], rma["rma_number"]) == ("authorized", f"RMA{number.removeprefix('INC')}")
    assert world.get(f"/faults/{case['id']}/notes").json == brought


@contextmanager
def serving(world: World) -> Iterator[str]:
    """The application over HTTP, for whoever calls from outside."""
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_person_writes_on_the_page_and_sends_a_file_from_it(world: World, twin: Twin) -> None:
    case = opened(world)
    page = f"/cases/{case['id']}"
    upload: Any = world.call(
        "POST", f"/faults{page[6:]}/files?name=led.txt", world.tokens[Role.TECHNICIAN], data=b"amber\n"
    ).json
    visitor = visit(world.app, world.users[Role.TECHNICIAN])
    visitor.get(page)

    assert visitor.send(f"{page}/notes", note_text="  ", note_way="internal").status_code == 422
    assert visitor.error("note_text")
    assert visitor.send(f"{page}/notes", note_text=SECRET).status_code == 422
    assert (visitor.error("note_way"), visitor.value("note_text")) == ("Say who is to read it.", SECRET)
    visitor.get(page)
    assert visitor.send(f"{page}/notes", note_text=SECRET, note_way="internal").status_code == 303
    visitor.get(page)
    assert visitor.send(f"{page}/notes", note_text="Slot 3.", note_way="to_vendor").status_code == 303
    visitor.get(page)
    assert "On its way" in words(visitor.page)
    work(world, OrderKind.TELL_VENDOR)
    assert visitor.send(f"{page}/notes", note_way="to_vendor", file=upload["id"]).status_code == 303
    work(world, OrderKind.TELL_VENDOR)
    visitor.get(page)
    said_there = words(visitor.page)
    assert all(text in said_there for text in (SECRET, "Slot 3.", "Taken", "led.txt"))
    assert [entry["event"] for entry in twin.ledger] == ["opened", "noted", "attached"]


def test_no_client_reads_a_word_of_any_note(world: World) -> None:
    case = world.report(serial_number=world.ours.covered_serial)
    note: Any = world.post(f"/faults/{case['id']}/notes", {"way": "internal", "text": SECRET}).json
    ask_to_read(world, SECRET)
    objects = {None: "", Fault: case["id"], Rma: case["rma_id"], CaseNote: note["id"]}
    shown = 0
    for rule, method in rules(world.app):
        of = guards.access_of(world.app, rule.endpoint).of
        if method != "GET" or of not in objects:
            continue
        path = rule.rule.replace("<uuid:id>", objects[of])
        for role in CLIENT_ROLES:
            if is_api(rule):
                answer = world.call("GET", path.removeprefix("/api/v1"), world.ours.tokens[role])
            else:
                answer = browse(world.app, world.ours.users[role])[0].get(path)
            assert SECRET not in said(answer), rule.rule
            shown += answer.status_code == 200
    assert shown >= 20
    assert SECRET in said(world.get(f"/rmas/{case['rma_id']}"))
