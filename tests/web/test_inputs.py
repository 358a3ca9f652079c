"""What a vendor asks for is asked of a person, by page and by program, and so is what a program found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from tests import factories
from tests.desk import odd_adapters
from tests.web.visitor import visit
from vendors.sandbox import Twin
from warranty import db, tasks
from warranty.domain.access import OPERATOR
from warranty.domain.terms import Role
from warranty.models import Asset, Outbox, Rma
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import proposals, rmas
from warranty.services.moves import Because
from warranty.services.proposals import Proposal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.conftest import World


@pytest.fixture
def twin() -> Iterator[Twin]:
    with odd_adapters(), Twin() as twin:
        yield twin


@pytest.fixture
def stocked(world: World, twin: Twin) -> World:
    """The covered unit is of a maker whose vendor sends parts."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        unit = session.scalars(select(Asset).where(Asset.public_id == world.ours.covered)).one()
        product = factories.make_product(session, "Stocked")
        unit.product_id = product.id
        factories.make_account(session, world.runtime, "stocked", manufacturers=["Stocked"], base_url=twin.url)
    return world


def work_off(world: World) -> None:
    with world.runtime.database.read(db.EVERYBODY) as session:
        waits = select(Outbox.id).where(
            Outbox.status == OrderStatus.PENDING, Outbox.kind.in_([OrderKind.PREPARE_RMA, OrderKind.SEND_RMA])
        )
        ids = session.scalars(waits).all()
    for id_ in ids:
        tasks.perform(world.runtime, id_)


def test_a_program_sees_what_is_missing_gives_it_and_the_claim_goes(stocked: World) -> None:
    question = {"serial_number": stocked.ours.covered_serial, "component": "disk", "cause": "hardware_failure"}
    preview: Any = stocked.post("/decisions/preview", question).json
    assert (preview["requires"], preview["info_missing"]) == (["country", "diagnosis", "parts"], ["diagnosis", "parts"])

    rma = f"/rmas/{stocked.report(serial_number=stocked.ours.covered_serial)['rma_id']}"
    waits: Any = stocked.get(rma).json
    assert (waits["info_missing"], waits["parts_offered"]) == (["diagnosis", "parts"], None)
    work_off(stocked)
    offered: Any = stocked.get(rma).json["parts_offered"]
    assert [one["code"] for one in offered if one["proposed"]] == ["DSK1", "DSK2"]

    wrong = stocked.call("PATCH", rma, stocked.tokens[Role.TECHNICIAN], json={"parts": ["CPU"]})
    assert (wrong.status_code, "does not list CPU" in wrong.text) == (422, True)
    given = {"parts": ["DSK1"], "troubleshooting": "Reseated it."}
    sent: Any = stocked.call("PATCH", rma, stocked.tokens[Role.TECHNICIAN], json=given).json
    assert (sent["state"], sent["parts"], sent["info_missing"]) == ("submitted", ["DSK1"], [])

    late = stocked.call("PATCH", rma, stocked.tokens[Role.TECHNICIAN], json={"parts": ["FAN"]})
    assert late.status_code == 409


def test_a_list_is_asked_for_anew_while_the_claim_is_here(stocked: World) -> None:
    rma = f"/rmas/{stocked.report(serial_number=stocked.ours.covered_serial)['rma_id']}"
    work_off(stocked)

    assert stocked.post(f"{rma}/parts-list", {}).status_code == 202

    with stocked.runtime.database.read(db.EVERYBODY) as session:
        newest = session.scalars(select(Outbox).order_by(Outbox.id.desc()).limit(1)).one()
    assert (newest.kind, newest.payload) == (OrderKind.PREPARE_RMA, {"afresh": True})


def test_a_person_chooses_the_part_and_says_what_was_tried_on_the_case_page(stocked: World) -> None:
    made = stocked.report(serial_number=stocked.ours.covered_serial)
    work_off(stocked)
    visitor = visit(stocked.app, stocked.users[Role.TECHNICIAN])
    page = visitor.get(f"/cases/{made['id']}").text
    assert page.count('type="checkbox" name="part"') == 4
    assert (
        " checked" not in page.partition('name="part"')[2].partition("</fieldset>")[0]
    )  # two fit: neither goes unread

    none = visitor.send(f"/cases/{made['id']}/inputs", lists_parts="1", part="CPU", troubleshooting="x")
    assert (none.status_code, "Choose up to four" in none.text) == (422, True)
    done = visitor.send(f"/cases/{made['id']}/inputs", lists_parts="1", part="DSK2", troubleshooting="x")

    assert done.status_code == 303
    claim: Any = stocked.get(f"/rmas/{made['rma_id']}").json
    assert (claim["state"], claim["parts"]) == ("submitted", ["DSK2"])


@pytest.mark.parametrize("by", ["page", "program"])
def test_a_person_chooses_which_files_of_the_case_go_along(stocked: World, twin: Twin, by: str) -> None:
    made = stocked.report(serial_number=stocked.ours.covered_serial)
    work_off(stocked)
    token, rma = stocked.tokens[Role.TECHNICIAN], f"/rmas/{made['rma_id']}"
    photo, log = (
        stocked.call("POST", f"/faults/{made['id']}/files?name={name}", token, data=name.encode()).json
        for name in ("led.txt", "log.txt")
    )
    before: Any = stocked.get(rma).json
    assert before["files"] == []
    assert before["files_offered"] == [
        {"id": one["id"], "name": one["name"], "size": one["size"]} for one in (log, photo)
    ]
    foreign, path = "6f0e4a0e-9d52-4f6c-8d1f-7a110b2f8a52", f"/cases/{made['id']}/inputs"
    more = {"parts": ["DSK1"], "troubleshooting": "x"}
    if by == "program":
        wrong = stocked.call("PATCH", rma, token, json={"files": [foreign]})
        done = stocked.call("PATCH", rma, token, json=more | {"files": [photo["id"]]})
        assert (wrong.status_code, "there is no file" in wrong.text, done.status_code) == (422, True, 200)
    else:
        visitor, form = (
            visit(stocked.app, stocked.users[Role.TECHNICIAN]),
            {"lists_parts": "1", "part": "DSK1", "lists_files": "1", "troubleshooting": "x"},
        )
        page = visitor.get(f"/cases/{made['id']}").text
        assert page.count('type="checkbox" name="claim_file"') == 2
        for wrong_id in (foreign, "x"):
            wrong = visitor.send(path, **form, claim_file=wrong_id)
            assert (wrong.status_code, "Choose files of this case" in wrong.text) == (422, True)
        assert visitor.send(path, **form, claim_file=photo["id"]).status_code == 303
    work_off(stocked)

    after: Any = stocked.get(rma).json
    assert (after["files"], after["files_offered"]) == ([photo["id"]], None)
    assert [entry["file"]["file_name"] for entry in twin.ledger if entry["event"] == "attached"] == ["led.txt"]


@pytest.mark.parametrize("by", ["page", "program"])
def test_what_a_program_found_is_confirmed_by_a_technician(world: World, by: str) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        rma = session.scalars(select(Rma)).one()
        now = db.now(session)
        rmas.transition(session, world.runtime, OPERATOR, rma, rmas.RmaState.MANUAL_HANDLING, reason="by hand", now=now)
        found = [Proposal(vendor_case_number="SR1", text="opened today"), Proposal(vendor_case_number="SR2")]
        proposals.propose(session, rma, found, why="Two cases.", because=Because("system:test", "x", now))
    if by == "page":
        visitor, form = (
            visit(world.app, world.users[Role.TECHNICIAN]),
            {"found_answer": "confirm", "found_reason": "I called."},
        )
        assert "opened today" in visitor.get(f"/cases/{made['id']}").text
        assert visitor.send(f"/cases/{made['id']}/proposal", **form).status_code == 422
        assert visitor.send(f"/cases/{made['id']}/proposal", **form, found_place="2").status_code == 303
    else:
        [item] = world.get("/review-items?kind=proposal").json["items"]
        assert [one["vendor_case_number"] for one in item["proposals"]] == ["SR1", "SR2"]
        path, body = f"/review-items/{item['id']}/resolve", {"action": "confirm", "reason": "I called."}
        assert world.post(path, body, Role.TECHNICIAN).status_code == 422
        assert world.post(path, body | {"proposal": 2}, Role.TECHNICIAN).status_code == 200
        assert world.post(path, body, Role.TECHNICIAN).status_code == 409

    claim: Any = world.get(f"/rmas/{made['rma_id']}").json
    assert (claim["state"], claim["vendor_case_number"]) == ("under_review", "SR2")
