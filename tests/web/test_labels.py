"""Labels: sheets as one buys them, for units as they are found in a register."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import factories
from tests.web.conftest import World, watching
from tests.web.visitor import Visitor, visit
from warranty import db
from warranty.domain.terms import Role
from warranty.services import labels
from warranty.services.labels import SHEETS, Label

if TYPE_CHECKING:
    from uuid import UUID


def technician(world: World) -> Visitor:
    return visit(world.app, world.users[Role.TECHNICIAN])


def a_site(world: World, count: int) -> tuple[UUID, UUID]:
    """A client's site with so many units; the public ids of client and site."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        owner = factories.make_client(session, "Stadtwerke Grünau-Ostheide Versorgungsbetriebe GmbH")
        site = factories.make_site(session, owner)
        for number in range(count):
            factories.make_asset(session, owner, site=site, serial_number=f"LBL{owner.id}{number:04}")
        return owner.public_id, site.public_id


def test_the_labels_of_a_site_come_as_a_document_to_print(world: World) -> None:
    _, site = a_site(world, 30)

    page = technician(world).get(f"/labels?site={site}")
    made = technician(world).get(f"/labels/sheet?site={site}&sheet=Avery+L7160&used=4")

    assert page.status_code == 200
    assert "30 labels." in page.text
    assert made.status_code == 200, made.text
    assert made.mimetype == "application/pdf"
    assert made.data.startswith(b"%PDF-")


@pytest.mark.parametrize(
    "asked", ["sheet=&used=0", "sheet=Avery+L7160&used=21", "sheet=Avery+L7160&used=-1", "sheet=x&used=Ω"]
)
def test_what_is_no_place_on_a_sheet_is_said_beside_its_field(world: World, asked: str) -> None:
    _, site = a_site(world, 1)

    answer = technician(world).get(f"/labels/sheet?site={site}&{asked}")

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert str(site) in answer.text


def test_a_client_with_more_units_than_a_document_takes_is_told_to_go_site_by_site(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "MOST", 3)
    owner, _ = a_site(world, 4)

    answer = technician(world).get(f"/labels?client={owner}")

    assert "make the labels of one site at a time" in answer.text
    assert "Make the PDF" not in answer.text


def test_the_page_costs_the_same_few_statements_however_many_units_there_are(world: World) -> None:
    _, site = a_site(world, 60)
    visitor = technician(world)

    with watching(world) as seen:
        assert visitor.get(f"/labels?site={site}").status_code == 200

    assert len(seen["statements"]) <= 6


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS.keys())
def test_every_sheet_lies_on_its_paper(sheet: labels.Sheet) -> None:
    width, height = {"a4": (210.0, 297.0), "us-letter": (215.9, 279.4)}[sheet.paper]

    assert sheet.left_mm + (sheet.columns - 1) * sheet.across_mm + sheet.width_mm <= width
    assert sheet.top_mm + (sheet.rows - 1) * sheet.down_mm + sheet.height_mm <= height + 0.01
    assert sheet.across_mm >= sheet.width_mm
    assert sheet.down_mm >= sheet.height_mm


def test_texts_of_the_register_are_no_markup() -> None:
    odd = Label("#panic()", "$x$ \\ *", "<b> = H", '"; #import "x"', "https://warranty.example/assets/1")

    made = labels.make([odd] * 22, SHEETS["Avery L7160"], used=0, title="Labels", language="en")

    assert made.startswith(b"%PDF-")
