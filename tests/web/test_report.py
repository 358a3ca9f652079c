"""What a report is about: a label that is typed or scanned, a unit that is registered on the way, photos of it."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from tests import factories
from tests.web.conftest import World
from tests.web.test_staff import REPORT, manager, report_form
from tests.web.visitor import Visitor, words
from warranty import db
from warranty.domain.terms import AssetState
from warranty.models import Asset, AuditRow, Client, Fault, File
from warranty.services import files
from warranty.services.estate import serial_key

if TYPE_CHECKING:
    from werkzeug.test import TestResponse


def change(world: World, serial: str, **new: object) -> None:
    """Change a unit behind the pages' back."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        unit = session.scalars(select(Asset).where(Asset.serial_key == serial_key(serial))).one()
        for name, value in new.items():
            setattr(unit, name, value)


def twin(world: World, serial: str, *, tag: str = "") -> str:
    """Another client's unit of the same serial; its public id."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        theirs = session.scalars(select(Client).where(Client.public_id == world.theirs.id)).one()
        return str(factories.make_asset(session, theirs, serial, asset_tag=tag).public_id)


def faults_of(world: World) -> list[Fault]:
    with world.runtime.database.read(db.EVERYBODY) as session:
        return list(session.scalars(select(Fault).order_by(Fault.id)))


def preview(visitor: Visitor, **typed: str) -> str:
    answer = visitor.send("/faults/preview", **typed)
    assert answer.status_code == 200
    return answer.text


# --- the label ---


def test_a_label_is_a_serial_a_tag_or_our_code_however_it_comes(world: World, subtests: pytest.Subtests) -> None:
    ours = world.ours
    change(world, ours.bare_serial, asset_tag="GRN-00417")
    visitor = report_form(world)
    labels = {
        ours.bare_serial: "serial",
        f"  {ours.bare_serial.lower()}\t": "pasted with blanks",
        f"S{ours.bare_serial}": "serial, from a maker's bar code",
        "GRN-00417": "tag",
        "grn-00417": "tag, typed small",
        f"https://warranty.example/assets/{ours.bare}": "our code",
        f"HTTPS://OLD-NAME.EXAMPLE/assets/{str(ours.bare).upper()}": "our code, of a host that was renamed",
        f"/assets/{ours.bare}?from=label": "our code, shortened",
    }
    for label, what in labels.items():
        with subtests.test(what):
            assert f"/assets/{ours.bare}" in preview(visitor, serial_number=label)
    visitor.get("/faults/new")
    answer = visitor.send("/faults/new", serial_number="grn-00417", **REPORT)
    assert answer.status_code == 303
    assert [fault.serial_number for fault in faults_of(world)] == [ours.bare_serial]


def test_a_code_of_no_unit_is_no_serial(world: World) -> None:
    visitor = report_form(world)
    code = "https://warranty.example/assets/00000000-0000-4000-8000-000000000000"

    assert "This code is of no unit that is here." in words(preview(visitor, serial_number=code))
    visitor.send("/faults/new", serial_number=code, client=str(world.ours.id), **REPORT)

    assert visitor.error("serial_number") == "This code is of no unit that is here."
    assert visitor.value("serial_number") == code
    assert faults_of(world) == []


def test_the_units_card_says_who_would_pay_today_and_what_is_open_on_it(world: World) -> None:
    visitor = report_form(world)
    said = words(preview(visitor, serial_number=world.ours.covered_serial))
    assert "Partly covered today" in said
    assert "No open case Never swapped" in said
    assert "Not covered today" not in said
    made = world.report(serial_number=world.ours.covered_serial, component="psu", component_ref="2")

    page = preview(visitor, serial_number=world.ours.covered_serial)

    assert "Open: Power supply 2" in words(page)
    assert f'href="/cases/{made["id"]}"' in page
    assert "Partly covered today" in words(page)  # an open case changes nothing of what the contracts say


def test_a_report_by_the_label_of_a_replaced_unit_goes_to_the_one_in_its_place(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        units = {unit.serial_number: unit for unit in session.scalars(select(Asset))}
        old, new = units[world.ours.bare_serial], units[world.ours.covered_serial]
        old.replaced_by_id, old.state = new.id, AssetState.REPLACED
    visitor = report_form(world)

    said = words(preview(visitor, serial_number=world.ours.bare_serial))

    assert f"{world.ours.bare_serial} was replaced by {world.ours.covered_serial}" in said


def test_two_units_of_one_label_are_asked_about_and_chosen_by_their_card(world: World) -> None:
    other = twin(world, world.ours.covered_serial)
    visitor = report_form(world)
    typed = REPORT | {"serial_number": world.ours.covered_serial}

    page = preview(visitor, **typed)
    assert "2 units have this label. Which is it?" in words(page)
    assert page.count('type="radio" name="unit"') == 3
    visitor.send("/faults/new", **typed)
    assert visitor.error("unit") == "Choose which of these units it is."
    assert visitor.value("symptom") == REPORT["symptom"]
    assert world.theirs.name in words(preview(visitor, **typed, unit=other))

    answer = visitor.send("/faults/new", **typed, unit=other)

    assert answer.status_code == 303
    with world.runtime.database.read(db.EVERYBODY) as session:
        assert (
            session.scalars(select(Client.public_id).join(Fault, Fault.client_id == Client.id)).one() == world.theirs.id
        )


def test_whoever_cannot_tell_two_units_apart_leaves_it_to_a_person(world: World) -> None:
    twin(world, "TWIN"), twin(world, "TWIN")
    visitor = report_form(world)
    typed = REPORT | {"serial_number": "TWIN", "unit": "none"}

    visitor.send("/faults/new", **typed)
    assert visitor.error("client") == "Say whose unit it is: the serial alone does not tell."
    answer = visitor.send("/faults/new", **typed, client=str(world.theirs.id))

    assert answer.status_code == 303
    assert "Needs review" in words(visitor.get(answer.location).text)


def test_a_serial_that_is_a_tag_elsewhere_is_asked_about(world: World) -> None:
    twin(world, "OTHER", tag=world.ours.covered_serial)

    assert "2 units have this label" in words(preview(report_form(world), serial_number=world.ours.covered_serial))


# --- a unit that nobody knows ---


def test_an_unknown_unit_is_registered_on_the_way_and_the_report_goes_on(world: World) -> None:
    visitor = manager(world)
    visitor.get("/faults/new")
    typed = REPORT | {"serial_number": "new-77", "component_ref": "bay 3", "client": str(world.ours.id)}
    place = {"site": str(world.ours.site), "product": "acme rours"}

    page = preview(visitor, serial_number="new-77", client=str(world.ours.id), product="rours")
    assert "data-may-register" in page
    assert f'value="{world.ours.site}"' in page
    assert 'value="Acme ROurs"' in page
    for _ in range(2):  # a double press
        answer = visitor.send("/faults/new/unit", **typed, **place)
        assert answer.status_code == 200
    assert visitor.value("component_ref") == "bay 3"
    assert visitor.value("cause") == REPORT["cause"]
    answer = visitor.send("/faults/new", **typed)

    assert answer.status_code == 303
    with world.runtime.database.read(db.EVERYBODY) as session:
        unit = session.scalars(select(Asset).where(Asset.serial_key == "NEW-77")).one()
        assert (unit.state, unit.site_id is None, unit.product_id is None) == (AssetState.ONBOARDING, False, False)
        assert session.scalars(select(Fault)).one().asset_id == unit.id
        rows = select(AuditRow).where(AuditRow.record == "asset", AuditRow.record_id == unit.id)
        assert {row.reason for row in session.scalars(rows)} >= {"registered with a report"}


def test_a_unit_that_is_registered_twice_at_once_is_one_unit(world: World) -> None:
    visitor = manager(world)
    visitor.get("/faults/new")
    form = {"serial_number": "new-77", "client": str(world.ours.id), "csrf_token": visitor.hidden("csrf_token")}
    cookie = visitor.browser.get_cookie("session")
    assert cookie is not None

    def press(_number: int) -> int:
        browser = world.app.test_client()
        browser.set_cookie("session", cookie.value)
        return browser.post("/faults/new/unit", data=form).status_code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(press, range(2))) == [200, 200]

    with world.runtime.database.read(db.EVERYBODY) as session:
        assert session.scalar(select(func.count()).select_from(Asset).where(Asset.serial_key == "NEW-77")) == 1


WRONG = [
    ({}, "client", "Say whose unit it is."),
    ({"client": "ours", "product": "unheard of"}, "product", "There is no such product."),
    ({"client": "ours", "site": "theirs"}, "site", "Choose a site of this client."),
    (
        {"client": "ours", "serial_number": "1.23E+11"},
        "serial_number",
        "This is no serial number that a unit can have.",
    ),
]


@pytest.mark.parametrize(("given", "name", "said"), WRONG)
def test_what_a_unit_cannot_be_registered_with_is_said_at_its_field(
    world: World, given: dict[str, str], name: str, said: str
) -> None:
    ids = {"client": str(world.ours.id), "site": str(world.theirs.site)}
    visitor = manager(world)
    visitor.get("/faults/new")
    typed = {"serial_number": "new-77", "symptom": "clicks"} | {
        one: ids.get(one, value) for one, value in given.items()
    }

    answer = visitor.send("/faults/new/unit", **typed)

    assert answer.status_code == 422
    assert visitor.error(name).startswith(said)
    assert visitor.value("symptom") == "clicks"


def test_a_technician_is_told_who_registers_a_unit(world: World) -> None:
    page = preview(report_form(world), serial_number="new-77")

    assert "data-may-register" not in page
    assert "a service manager registers it" in words(page)


# --- photos ---


def photo(kind: str = "JPEG", size: tuple[int, int] = (40, 30)) -> bytes:
    made = io.BytesIO()
    Image.new("1", size).save(made, kind)
    return made.getvalue()


def send(
    visitor: Visitor, photos: list[tuple[bytes, str]], headers: dict[str, str] | None = None, **typed: str
) -> TestResponse:
    form = {name: visitor.hidden(name) for name in ("csrf_token", "idempotency_key")} | typed
    data = MultiDict([*form.items(), *(("photos", FileStorage(io.BytesIO(content), name)) for content, name in photos)])
    bounds, body = encode_multipart(data)  # whole: the test client would leave a file of its own open
    kind = f'multipart/form-data; boundary="{bounds}"'
    answer = visitor.browser.post("/faults/new", data=body, content_type=kind, headers=headers)
    if answer.status_code == 422:
        visitor.page = answer.text
    return answer


def kept(world: World) -> list[tuple[str, int]]:
    with world.runtime.database.read(db.EVERYBODY) as session:
        return [(file.name, file.size) for file in session.scalars(select(File).order_by(File.id))]


def test_photos_of_a_report_are_files_of_its_case(world: World) -> None:
    visitor = report_form(world)
    two = [(photo(), "front.jpg"), (photo("PNG"), "bay.png")]

    for _ in range(2):  # a double press
        answer = send(visitor, two, serial_number=world.ours.covered_serial, **REPORT)
        assert answer.status_code == 303

    assert kept(world) == [(name, len(content)) for content, name in two]
    assert len(faults_of(world)) == 1


def test_a_photo_that_cannot_be_taken_is_said_at_its_field_and_nothing_is_logged(
    world: World, subtests: pytest.Subtests
) -> None:
    visitor = report_form(world)
    wrong = [
        ([(b"no picture", "note.jpg")], "note.jpg is no whole JPEG, PNG or WebP image."),
        ([(photo() + bytes(files.BIGGEST), "large.jpg")], "large.jpg is too large"),
        ([(photo()[:30], "half.jpg")], "half.jpg is no whole JPEG, PNG or WebP image."),
        ([(photo()[:20], "start.jpg"), (photo(), "whole.jpg")], "start.jpg is no whole JPEG, PNG or WebP image."),
        ([(photo("PNG", (10_000, 6_000)), "huge.png")], "huge.png is too large"),
        ([(photo(), f"{number}.jpg") for number in range(9)], "At most 8 photos go with a report"),
    ]
    for photos, said in wrong:
        with subtests.test(said):
            answer = send(visitor, photos, serial_number=world.ours.covered_serial, **REPORT)

            assert answer.status_code == 422
            assert visitor.error("photos").startswith(said)
            assert visitor.value("symptom") == REPORT["symptom"]
    assert faults_of(world) == []
    assert kept(world) == []


def test_a_photo_that_turns_out_broken_is_told_on_the_case_which_stands(world: World) -> None:
    whole = photo("PNG")
    broken = whole[:43] + bytes(6) + whole[49:]
    visitor = report_form(world)

    answer = send(visitor, [(broken, "bay.png")], serial_number=world.ours.covered_serial, **REPORT)

    assert answer.status_code == 303
    assert "bay.png was not kept: add it again here." in words(visitor.get(answer.location).text)
    assert len(faults_of(world)) == 1


def test_so_much_is_read_of_a_report_and_no_more_and_nothing_of_a_strangers(world: World) -> None:
    visitor = report_form(world)
    large = photo() + bytes(1_500_000)

    assert send(visitor, [(large, "x.jpg")]).status_code == 422
    visitor.browser.delete_cookie("session")
    answer = send(visitor, [(large, "x.jpg")], {"HX-Request": "true"})

    assert answer.status_code == 401


# --- the page ---


def test_only_the_report_may_ask_for_the_camera(world: World) -> None:
    visitor = manager(world)
    for path in ("/faults/new", "/cases"):
        headers = visitor.get(path).headers
        scans = path == "/faults/new"
        assert ("camera=(self)" in headers["Permissions-Policy"]) is scans
        assert ("'wasm-unsafe-eval'" in headers["Content-Security-Policy"]) is scans


def test_a_script_is_told_where_a_report_leads(world: World) -> None:
    visitor = report_form(world)
    typed = REPORT | {"serial_number": world.ours.covered_serial}

    answers = [visitor.send("/faults/new", {"HX-Request": "true"}, **typed) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert len({answer.headers["HX-Redirect"] for answer in answers}) == 1
    assert re.fullmatch(r"/cases/[0-9a-f-]{36}", answers[0].headers["HX-Redirect"])
    with world.runtime.database.read(db.EVERYBODY) as session:
        assert session.scalar(select(func.count()).select_from(Fault)) == 1


EVERYTHING = {
    "serial_number": "unknown-1",
    "component": "disk",
    "component_ref": "bay 3",
    "occurred_at": "2026-01-02T03:04",
    "symptom": 'It "clicks" & <beeps>',
    "severity": "2",
    "diagnostic_code": "2000-0151",
    "troubleshooting": "Reseated",
    "contact_name": "Mia",
    "contact_phone": "+49 40 1",
    "contact_email": "mia@ours.example",
    "ship_name": "Gate 3",
    "ship_address_line1": "Am Kai 1",
    "ship_postal_code": "20457",
    "ship_city": "Hamburg",
    "ship_country": "DE",
    "product": "Acme ROurs",
}


def test_nothing_that_was_typed_is_lost_where_one_thing_is_wrong(world: World) -> None:
    visitor = manager(world)
    visitor.get("/faults/new")
    chosen = {"client": str(world.ours.id), "site": str(world.ours.site)}

    answer = visitor.send("/faults/new", **EVERYTHING, **chosen, cause="fate")

    assert answer.status_code == 422
    assert {name: visitor.value(name) for name in EVERYTHING} == EVERYTHING
    for name, value in chosen.items():
        assert f'value="{value}" selected' in visitor.page, name


# --- a draft ---


def test_a_draft_waits_for_its_author_and_is_no_fault_until_it_is_logged(world: World) -> None:
    visitor = manager(world)
    visitor.get("/faults/new")
    before = len(faults_of(world))
    typed = {"serial_number": world.ours.covered_serial, "symptom": "hums since Monday", "contact_name": "Mia Muster"}

    kept = visitor.send("/faults/draft", **typed)
    waits = visitor.get("/faults/new").text
    other = visitor.get(f"/faults/new?serial_number={world.ours.bare_serial}").text

    assert (kept.status_code, kept.location) == (303, "/")
    assert "This is your draft" in waits
    assert "hums since Monday" in waits
    assert "Mia Muster" not in waits
    assert "hums since Monday" not in other
    assert len(faults_of(world)) == before


def test_a_draft_is_gone_once_it_is_thrown_away_or_logged(world: World) -> None:
    visitor = manager(world)
    for end in ("/faults/draft/drop", "/faults/new"):
        visitor.get("/faults/new")
        visitor.send("/faults/draft", serial_number=world.ours.covered_serial, symptom="hums")
        visitor.get("/faults/new")
        done = visitor.send(end, **({} if "drop" in end else REPORT | {"serial_number": world.ours.covered_serial}))

        assert done.status_code == 303
        assert "This is your draft" not in visitor.get("/faults/new").text


def test_nothing_is_no_draft(world: World) -> None:
    visitor = manager(world)
    visitor.get("/faults/new")

    assert visitor.send("/faults/draft", symptom=" ").status_code == 422
    assert visitor.error("serial_number") == "There is nothing to keep yet."
