"""The page of one case: one timeline of everything, files that go in and out, and times by two clocks."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import select

from tests import factories
from tests.web.conftest import World, now
from tests.web.test_staff import manager, one_of_each, statements
from tests.web.visitor import Visitor, visit, words
from warranty import db
from warranty.domain.terms import CoverageSays, EvidenceSource, Role, UnitSays
from warranty.models import Asset, Client, Fault, UnitAnswer, VendorAccount, VendorCall
from warranty.models.mail import Told
from warranty.services import files, mail
from warranty.services.mail import Letter, Receiver


def photo() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (40, 30), "orange").save(made, "PNG")
    return made.getvalue()


def add(visitor: Visitor, case: str, content: bytes, name: str) -> int:
    """Add a file on a case's page; gives the status."""
    visitor.get(case)
    form = {"csrf_token": visitor.hidden("csrf_token"), "upload": (io.BytesIO(content), name)}
    answer = visitor.browser.post(f"{case}/files", data=form, content_type="multipart/form-data")
    visitor.page = answer.text
    answer.request.environ["wsgi.input"].close()  # a large body lies in a file
    return answer.status_code


def test_a_photo_is_added_seen_small_and_fetched_whole(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)
    seen = visitor.get(f"{case}/live").headers["ETag"]

    assert [add(visitor, case, photo(), "bay <3>.png") for _ in range(2)] == [303, 303]

    news = visitor.get(f"{case}/live", headers={"If-None-Match": seen})
    assert news.status_code == 200
    page = visitor.get(case).text
    assert words(page).count("added a file bay 3.png") == 1  # sent twice it is one file
    small = re.search(r'<img src="(/files/[^"]+/thumbnail)"', page)
    whole = re.search(r'<a href="(/files/[^"/]+)" download>bay 3.png', page)
    assert small
    assert whole
    assert visitor.browser.get(small[1]).mimetype == "image/webp"
    fetched = visitor.browser.get(whole[1])
    assert fetched.data == photo()
    assert fetched.headers["Content-Disposition"].startswith("attachment")
    assert visit(world.app, world.theirs.users[Role.CLIENT_VIEWER]).get(whole[1]).status_code in {403, 404}


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "", "Choose a file."),
        (b"\x7fELF" + bytes(80), "virus.png", "this is none of them"),
        (b"", "empty.txt", "this is none of them"),
    ],
    ids=["none", "no image", "empty"],
)
def test_what_is_no_file_that_is_taken_is_said_at_its_field(world: World, content: bytes, name: str, said: str) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)

    assert add(visitor, case, content, name) == 422
    assert said in visitor.error("upload")


def test_a_file_that_is_too_large_changes_nothing(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)

    assert add(visitor, case, bytes(files.BIGGEST + 1), "large.png") == 422
    assert "at most 20 MB" in visitor.error("upload")


def fault_of(case: str) -> str:
    return case.split("/")[2]


def test_calls_and_mails_stand_in_the_one_timeline_and_are_news(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)
    seen = visitor.get(f"{case}/live").headers["ETag"]
    with world.runtime.database.begin(db.EVERYBODY) as session:
        fault = session.scalars(select(Fault).where(Fault.public_id == UUID(fault_of(case)))).one()
        account = session.scalars(select(VendorAccount)).first()
        assert account is not None
        given = {"method": "POST", "url": "https://vendor.example/api", "request": "asked", "response": "answered"}
        for duration in (640, 12):
            keys = {"fault_id": fault.id, "account_id": account.id}
            session.add(VendorCall(**keys, at=now(), status=201, duration_ms=duration, **given))
        to = Receiver(factories.make_user(session, email="told@client.example"), "en")
        letter = Letter("Your disk is on its way", "text", "html")
        mail.write(session, world.runtime.settings, about=fault, tells=Told.TASK, to=to, letter=letter, now=now())

    assert visitor.get(f"{case}/live", headers={"If-None-Match": seen}).status_code == 200
    said = words(visitor.get(case).text)
    assert "Acme was called 2 calls POST 201 , 12 ms" in said
    assert "A mail to told@client.example is on its way" in said
    assert "Your disk is on its way" in said


def test_times_are_the_readers_and_on_hover_the_contracts(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]

    page = manager(world).get(case).text

    assert re.search(r'<time datetime="[^"]+" title="[^"]+ by the clock of the contract \(Europe/Amsterdam\)">', page)


def test_only_what_state_and_role_allow_is_offered(world: World) -> None:
    paths = one_of_each(world, "bay 0")
    offered = {}
    for role in (Role.SERVICE_MANAGER, Role.TECHNICIAN, Role.AUDITOR):
        for name in ("claim", "job", "review"):
            page = visit(world.app, world.users[role]).get(paths[name]).text
            found = re.search(r'aria-label="What you can do">(.*?)</nav>', page, re.DOTALL)
            offered[role, name] = words(found[1]) if found else ""

    assert offered[Role.SERVICE_MANAGER, "review"] == "Decide … Note Photo, file Hand over …"
    assert offered[Role.SERVICE_MANAGER, "job"] == "Note Photo, file Hand over … Override …"
    assert offered[Role.TECHNICIAN, "job"] == "Note Photo, file Hand over …"
    assert offered[Role.TECHNICIAN, "review"] == "Note Photo, file Hand over …"
    assert offered[Role.AUDITOR, "claim"] == ""


def test_a_denied_claim_offers_another_try_and_goodwill(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)
    for to in ("manual_handling", "denied"):
        visitor.get(case)
        assert visitor.send(f"{case}/claim", to=to, claim_reason="They say no").status_code == 303
    assert "Ask again, or goodwill …" in words(visitor.get(case).text)

    assert "Acme replaces it after all, by goodwill" in words(visitor.page)
    goodwill = {"to": "authorized", "rma_number": "RMA-1", "claim_reason": "Goodwill by their manager"}
    answer = visitor.send(f"{case}/claim", **goodwill)

    assert answer.status_code == 303
    said = words(visitor.get(case).text)
    assert "Acme has authorised the replacement." in said
    assert "Goodwill by their manager" in said


def test_a_claim_that_somebody_moved_first_is_not_moved_again_and_nothing_typed_is_lost(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    early, late = manager(world), visit(world.app, world.users[Role.TECHNICIAN])
    for visitor in (early, late):
        visitor.get(case)
    claims = re.search(rf'action="{case}/claim".*?name="seen" value="([^"]+)"', early.get(case).text, re.DOTALL)
    if claims is None:  # a claim that is just being sent takes nothing: a person takes it first
        early.send(f"{case}/claim", to="manual_handling", claim_reason="The portal is down")
        claims = re.search(rf'action="{case}/claim".*?name="seen" value="([^"]+)"', early.get(case).text, re.DOTALL)
    assert claims
    seen = claims[1]
    late.get(case)
    first = early.send(f"{case}/claim", seen=seen, to="under_review", claim_reason="By telephone")
    assert first.status_code == 303

    answer = late.send(f"{case}/claim", seen=seen, to="denied", claim_reason="They wrote <no>")

    assert answer.status_code == 409
    assert "Somebody was faster" in words(answer.text)
    assert "They wrote &lt;no&gt;" in answer.text
    assert "Acme has the claim and is looking at it." in words(answer.text)


def test_a_page_with_everything_costs_no_more_statements(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)
    visitor.get(case)
    few = statements(world, lambda: visitor.get(case))
    for number in range(3):
        add(visitor, case, photo() + bytes([number]), f"{number}.png")

    visitor.get(case)
    assert statements(world, lambda: visitor.get(case)) == few


def test_a_parcel_is_booked_in_and_the_swap_goes_on(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)
    for to, number in (("manual_handling", ""), ("authorized", "RMA-4711")):
        visitor.get(case)
        visitor.send(f"{case}/claim", to=to, rma_number=number, claim_reason="Called their hotline")

    def say(state: str, **facts: str) -> tuple[str, int]:
        page = visitor.get(case).text
        move = re.search(rf'name="goods_to" value="([0-9a-f-]+:{state})"', page)
        assert move, state
        given = {"goods_to": move[1], "goods_tracking": "1Z84", "goods_reason": "It stands at the goods-in"} | facts
        return move[1], visitor.send(f"{case}/goods", **given).status_code

    for state in ("in_transit", "delivered"):
        assert say(state, goods_due_on="2026-12-01", goods_signed_by="gate 2")[1] == 303
    assert say("checked_in", came_0_0="7")[1] == 422
    assert visitor.error("came_0_0") == "Give a number from 0 to 1."
    assert say("wrong_or_damaged", came_0_0="1")[1] == 303  # the number that stood there says nothing
    assert "must come again" in words(visitor.get(case).text)
    for state in ("in_transit", "delivered"):
        assert say(state, goods_tracking="2Z")[1] == 303
    move, status = say("checked_in", came_1_0="1", goods_tracking="2Z")
    assert status == 303

    said = words(visitor.get(case).text)
    assert "booked in the parcel" in said
    assert "1Z84" in said
    late = visitor.send(f"{case}/goods", goods_to=move, goods_reason="Again", seen="something else")
    assert late.status_code == 409
    visitor.get(case)
    assert visitor.send(f"{case}/goods", goods_reason="so").status_code == 422
    assert visitor.error("goods_to") == "Say what happened."


def test_what_a_verdict_rests_on_is_shown_as_it_was_then(world: World) -> None:
    client_id, at = world.ours.id, now() - timedelta(hours=30)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = session.scalars(select(Client).where(Client.public_id == client_id)).one()
        unit = factories.make_asset(session, client)
        unit.lookup_says, unit.lookup_at = UnitSays.LISTED, at
        taken = {"evidence_source": EvidenceSource.VENDOR_LOOKUP, "vendor_says": CoverageSays.COVERED, "checked_at": at}
        factories.make_coverage(session, unit, time_zone="Asia/Tokyo", **taken)
        for raw, hours in (("older", 2), ("held <then>", 0)):
            session.add(
                UnitAnswer(client_id=client.id, asset_id=unit.id, answered_at=at - timedelta(hours=hours), raw=raw)
            )
        serial = unit.serial_number
    case = f"/cases/{world.report(serial_number=serial)['id']}"
    with world.runtime.database.begin(db.EVERYBODY) as session:
        asset_id = session.scalars(select(Asset.id).where(Asset.serial_number == serial)).one()
        answered = {"client_id": session.get_one(Asset, asset_id).client_id, "asset_id": asset_id, "answered_at": now()}
        session.add(UnitAnswer(raw="came later", **answered))
    visitor = manager(world)

    shown = re.search(r'href="(/cases/[^"]+/evidence)"', visitor.get(case).text)
    assert shown
    page = visitor.get(shown[1]).text

    assert "The vendor said: covered." in words(page)
    assert "30 h 00 old at the decision" in words(page)
    assert "by the clock of the contract (Asia/Tokyo)" in page
    assert "held &lt;then&gt;" in page
    assert not {"older", "came later"} & set(words(page).split())
    for nowhere in (f"?verdict={UUID(int=0)}", "?verdict=none"):
        assert visitor.get(shown[1] + nowhere).status_code == 404
