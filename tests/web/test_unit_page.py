"""What is done with one unit on its page: its state, its documents, and asking its vendor again."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from PIL import Image
from sqlalchemy import select

from tests import factories
from tests.web.conftest import World
from tests.web.visitor import Visitor, visit, words
from warranty import db
from warranty.domain.terms import AssetState, Role
from warranty.models import Asset, AuditRow, Outbox
from warranty.models.work import OrderKind
from warranty.services import moves

if TYPE_CHECKING:
    from werkzeug.test import TestResponse


def person(world: World, role: Role = Role.SERVICE_MANAGER) -> Visitor:
    """Somebody of the staff."""
    return visit(world.app, world.users[role])


def state_of(world: World) -> AssetState:
    """The state of our bare unit."""
    with world.runtime.database.read(db.EVERYBODY) as session:
        return session.scalars(select(Asset.state).where(Asset.public_id == world.ours.bare)).one()


# --- its state ---


def test_a_unit_moves_by_hand_with_a_reason_and_one_that_may_not_is_told_where_it_can_go(world: World) -> None:
    visitor, path = person(world), f"/assets/{world.ours.bare}/state"
    visitor.get(path)

    away = visitor.send(path, state="in_stock", reason="no longer needed")
    silent = visitor.send(path, state="lost", reason="")
    lost = visitor.send(path, state="lost", reason="not in the rack")
    visitor.get(path)
    late = visitor.send(path, was="in_service", state="stolen", reason="not in the rack")

    assert (away.status_code, silent.status_code, lost.status_code, late.status_code) == (409, 422, 303, 409)
    assert "It cannot become In stock by hand from here. It can become: Lost, Stolen." in words(away.text)
    assert "It has become Lost meanwhile. Nothing was done." in words(late.text)
    assert state_of(world) is AssetState.LOST
    assert "not in the rack" in words(visitor.get(f"/assets/{world.ours.bare}").text)


def test_an_open_case_moves_its_unit_and_no_hand_does(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        unit = session.scalars(select(Asset).where(Asset.public_id == world.ours.bare)).one()
        moves.move(session, unit, AssetState.FAULTY, factories.BECAUSE)
    world.report(serial_number=world.ours.bare_serial)
    visitor, path = person(world), f"/assets/{world.ours.bare}/state"
    visitor.get(path)

    refused = visitor.send(path, state="in_service", reason="it runs again")

    assert refused.status_code == 409
    assert "close the case first" in refused.text
    assert state_of(world) is AssetState.FAULTY


# --- its documents ---


def upload(visitor: Visitor, world: World, content: bytes, name: str) -> TestResponse:
    """Send a file as the form of the documents does."""
    path = f"/assets/{world.ours.bare}/documents"
    visitor.get(path)
    form = {"csrf_token": visitor.hidden("csrf_token"), "upload": (io.BytesIO(content), name)}
    return visitor.browser.post(path, data=form, content_type="multipart/form-data")


def picture() -> bytes:
    """A small photo."""
    content = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(content, "PNG")
    return content.getvalue()


def test_a_document_is_kept_with_its_unit_and_taken_away_with_a_reason(world: World) -> None:
    visitor, page = person(world), f"/assets/{world.ours.bare}/documents"

    added = upload(visitor, world, picture(), "Rechnung.png")
    again = upload(visitor, world, picture(), "Rechnung.png")
    shown = visitor.get(page).text
    [link] = re.findall(r'href="(/files/[^"]+)" download>Rechnung.png', shown)
    taken = visitor.get(link).data
    removal = f"{link}/removal"
    visitor.get(removal)
    silent = visitor.send(removal, reason="")
    gone = visitor.send(removal, reason="of another unit")

    assert (added.status_code, again.status_code, silent.status_code, gone.status_code) == (303, 303, 422, 303)
    assert taken == picture()
    assert "Rechnung.png" not in visitor.get(page).text
    assert visitor.get(link).status_code == 404
    with world.runtime.database.read(db.EVERYBODY) as session:
        row = session.scalars(select(AuditRow).where(AuditRow.action == "file_removed")).one()
        assert (row.record, row.reason) == ("asset", "of another unit")


def test_what_is_no_document_is_refused_beside_its_field(world: World) -> None:
    visitor = person(world, Role.TECHNICIAN)
    hostile = (b"MZ\x90\x00", b"<script>alert(1)</script>\x00", b"\xff\xd8\xff\xe0broken")

    answers = [upload(visitor, world, content, "harmless.png") for content in hostile]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert all("this is none of them" in answer.text for answer in answers)


def test_a_file_of_a_case_is_taken_away_too_and_leads_back_to_it(world: World) -> None:
    case = world.report(serial_number=world.ours.bare_serial)
    sent = world.call(
        "POST",
        f"/faults/{case['id']}/files?name=a.png",
        world.tokens[Role.TECHNICIAN],
        data=picture(),
        content_type="application/octet-stream",
    )
    visitor, path = person(world), f"/files/{sent.json['id']}/removal"
    visitor.get(path)

    gone = visitor.send(path, reason="shows a face")

    assert gone.location == f"/cases/{case['id']}"
    assert visitor.get(path).status_code == 404


# --- its vendor ---


def test_the_vendor_is_asked_once_however_often_one_asks(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        key = {"client_id": "us", "client_secret": "them"}
        factories.make_account(session, world.runtime, "dell", secrets=key, duties=["lookup"], manufacturers=["Looked"])
        client = factories.find_client(session, world.ours.name)
        product = factories.make_product(session, "Looked", "X1")
        unit = factories.make_asset(session, client, "ASK-ME", product=product).public_id
    visitor, path = person(world, Role.TECHNICIAN), f"/assets/{unit}"
    visitor.get(path)

    first = visitor.send(f"{path}/lookup")
    shown = visitor.get(first.location).text
    visitor.get(path)
    second = visitor.send(f"{path}/lookup")
    going = visitor.get(f"{path}/asking?run={second.location.rpartition('=')[2]}").text

    assert (first.status_code, second.status_code) == (303, 303)
    assert "Looked is being asked. You may leave this page." in words(shown)
    assert "data-poll-seconds" in going
    with world.runtime.database.read(db.EVERYBODY) as session:
        orders = session.scalars(select(Outbox).where(Outbox.kind == OrderKind.LOOK_UP)).all()
        assert len(orders) == 1


def test_no_page_offers_to_ask_a_vendor_that_nobody_can_ask(world: World) -> None:
    visitor = person(world)

    page = visitor.get(f"/assets/{world.ours.bare}").text
    visitor.send(f"/assets/{world.ours.bare}/lookup")

    assert "/lookup" not in page
    assert "No account can ask the vendor" in visitor.get(f"/assets/{world.ours.bare}").text
