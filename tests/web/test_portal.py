"""The client's pages: own cases in plain words, nothing internal, nothing of others, and a report that is easy."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from tests import factories
from tests.web.conftest import World, cover_labour, now, watching
from tests.web.visitor import Visitor, visit, words
from warranty import db
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import RmaState
from warranty.domain.terms import CLIENT_ROLES, Role
from warranty.models import Fault
from warranty.services import queries

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

REPORT = {"component": "disk", "cause": "hardware_failure", "symptom": "Predictive failure"}


def viewer(world: World, **headers: str) -> Visitor:
    """Somebody of the client who reads."""
    return visit(world.app, world.ours.users[Role.CLIENT_VIEWER], **headers)


def report_form(world: World, **headers: str) -> Visitor:
    """The same before an empty report form."""
    visitor = viewer(world, **headers)
    assert visitor.get("/portal/faults/new").status_code == 200
    return visitor


def one_of_each(world: World, ref: str) -> dict[str, str]:
    """A claim, a job and a review of our client; the paths of their pages."""
    made = {
        "claim": world.report(serial_number=world.ours.covered_serial, component_ref=ref),
        "job": world.report(serial_number=world.ours.bare_serial, component_ref=ref),
        "review": world.report(serial_number=f"unknown {ref}", client=str(world.ours.id)),
    }
    return {name: f"/portal/cases/{one['id']}" for name, one in made.items()}


def statements(world: World, visitor: Visitor, path: str) -> int:
    """How many statements the database gets for a page."""
    with watching(world) as seen:
        assert visitor.get(path).status_code == 200
    return len(seen["statements"])


def cases_in(page: str) -> list[str]:
    """The cases that a list shows, in its order."""
    return re.findall(r'<h3><a href="(/portal/cases/[0-9a-f-]+)"', page)


def faults(world: World) -> list[Any]:
    """The faults there are."""
    found: list[Any] = world.get("/faults").json["items"]
    return found


# --- what a page costs ---

MOST_OF_A_LIST = 9
MOST_OF_A_CASE = 14
MOST_OF_A_FORM = 4


def test_a_page_costs_the_same_few_statements_whatever_there_is(world: World) -> None:
    paths = one_of_each(world, "bay 0")
    asked = {"/portal": MOST_OF_A_LIST, "/portal/faults/new": MOST_OF_A_FORM}
    asked |= dict.fromkeys(paths.values(), MOST_OF_A_CASE)
    visitor = viewer(world)
    few = {path: statements(world, visitor, path) for path in asked}
    for number in range(1, 4):
        one_of_each(world, f"bay {number}")

    assert {path: statements(world, visitor, path) for path in asked} == few
    assert {path: count for path, count in few.items() if count > asked[path]} == {}


# --- the list ---


def test_a_client_sees_its_own_cases_and_nobody_elses(world: World) -> None:
    paths = one_of_each(world, "bay 0")
    theirs = world.report(serial_number=world.theirs.covered_serial)
    for role in sorted(CLIENT_ROLES):
        visitor = visit(world.app, world.ours.users[role])
        visitor.get("/portal")

        assert cases_in(visitor.page) == [paths["review"], paths["job"], paths["claim"]]
        assert theirs["id"] not in visitor.page
        assert visitor.get(f"/portal/cases/{theirs['id']}").status_code == 404
        assert visitor.get(f"/portal/cases/{theirs['id']}/live").status_code == 404


def test_a_long_list_is_read_page_by_page_without_a_gap_while_cases_are_added(world: World) -> None:
    def report(count: int, ref: str) -> None:
        with world.runtime.database.begin(db.EVERYBODY) as session:
            for number in range(count):
                given = {"serial_number": world.ours.covered_serial, "component_ref": f"{ref} {number}"}
                factories.make_fault(session, world.runtime, OPERATOR, now=now(), **given)

    report(queries.PAGE + 3, "bay")
    visitor = viewer(world)
    visitor.get("/portal")
    newest = cases_in(visitor.page)
    report(1, "late")
    older = re.search(r'href="(/portal\?before=[^"]+)">Older', visitor.page)
    assert older is not None
    visitor.get(older[1])
    rest = cases_in(visitor.page)

    assert (len(newest), len(rest)) == (queries.PAGE, 3)
    assert not set(newest) & set(rest)
    assert ">Older</a>" not in visitor.page


def test_a_case_of_another_client_is_no_place_to_read_on_from(world: World) -> None:
    own = one_of_each(world, "bay 0")
    theirs = world.report(serial_number=world.theirs.covered_serial)
    visitor = viewer(world)

    visitor.get(f"/portal?before={theirs['id']}")

    assert len(cases_in(visitor.page)) == len(own)


def test_a_closed_case_stands_apart_and_leaves_the_list_after_a_while(world: World) -> None:
    made = world.report(serial_number="unknown", client=str(world.ours.id))
    world.post(f"/review-items/{made['review_item_id']}/resolve", {"action": "reject", "reason": "No unit of ours"})
    visitor = viewer(world)
    visitor.get("/portal")
    is_closed = "Closed in the last 90 days" in visitor.page

    with world.runtime.database.begin(db.EVERYBODY) as session:
        session.execute(update(Fault).values(case_closed_at=now() - queries.RECENTLY * 2))
    visitor.get("/portal")

    assert is_closed
    assert "Nothing is broken, as far as we know" in visitor.page


def move(world: World, rma_id: str, *states: RmaState, **more: Any) -> None:
    """Move a claim as a person does, for a reason that is nobody else's."""
    for to in states:
        body = {"to": to.value, "reason": "secret-reason", **more}
        answer = world.post(f"/rmas/{rma_id}/transitions", body)
        assert answer.status_code == 200, answer.json


# --- one case ---


def test_a_covered_case_costs_nothing_and_says_why(world: World) -> None:
    cover_labour(world, world.ours.covered)
    made = world.report(serial_number=world.ours.covered_serial)

    said = words(viewer(world).get(f"/portal/cases/{made['id']}").text)

    assert "What it costs you Nothing" in said
    assert "Parts. Acme pays." in said
    assert "Work. We pay." in said
    assert "Step 4 of 8" in said


def test_an_uncovered_case_names_what_the_client_would_pay_and_only_that(world: World) -> None:
    cover_labour(world, world.ours.bare)
    made = world.report(serial_number=world.ours.bare_serial)
    job = world.get(f"/jobs/{made['job_id']}").json
    by_payer = {line["payer"]: line["amount_minor"] for line in job["lines"]}
    assert by_payer["client"] == 42_000
    assert by_payer["msp"] > 0

    said = words(viewer(world).get(f"/portal/cases/{made['id']}").text)

    assert "What it costs you €420.00 Only if you approve it." in said
    assert set(re.findall(r"€[0-9.,]+", said)) == {"€420.00"}


INTERNAL = ("secret-reason", "secret-number", "ServiceNow", "servicenow", "WR-", "Timeline", "Calls to the vendor")


def test_a_client_reads_nothing_that_is_for_the_msp_alone(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    move(world, made["rma_id"], RmaState.MANUAL_HANDLING)
    move(world, made["rma_id"], RmaState.UNDER_REVIEW, vendor_case_number="secret-number")
    manager = world.users[Role.SERVICE_MANAGER].email
    visitor = viewer(world)

    for path in ("/portal", f"/portal/cases/{made['id']}", f"/portal/cases/{made['id']}/live"):
        page = visitor.get(path).text
        assert "Acme has our order and is looking at it." in page or path == "/portal"
        assert [word for word in (*INTERNAL, manager) if word in page] == [], path


STEPS = [
    ((), "We are ordering the replacement from Acme."),
    ((RmaState.MANUAL_HANDLING,), "We are talking to Acme about the replacement."),
    ((RmaState.UNDER_REVIEW,), "Acme has our order and is looking at it."),
    ((RmaState.INFO_REQUIRED,), "Acme has a question about our order. We are answering it."),
    ((RmaState.DENIED,), "We are talking to Acme about the replacement."),
]


def test_a_case_says_where_it_stands_in_the_clients_words(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    visitor = viewer(world)
    for states, sentence in STEPS:
        move(world, made["rma_id"], *states)

        assert sentence in words(visitor.get(f"/portal/cases/{made['id']}").text)


def test_a_case_that_a_person_reviews_gives_no_reason_away(world: World) -> None:
    said = words(viewer(world).get(one_of_each(world, "bay 0")["review"]).text)

    assert "We are looking into who pays for the replacement. Nothing is charged before you know." in said
    assert "What it costs you Not decided yet" in said
    assert "Who pays, and why" not in said


def test_a_case_that_has_not_changed_is_not_sent_again(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    visitor = viewer(world)
    case = f"/portal/cases/{made['id']}"
    visitor.get(case)
    tag = re.search(r'data-etag="([^"]+)"', visitor.page)
    assert tag is not None
    known = {"If-None-Match": tag[1].replace("&#34;", '"')}

    again = visitor.get(f"{case}/live", headers=known)
    move(world, made["rma_id"], RmaState.MANUAL_HANDLING)
    changed = visitor.get(f"{case}/live", headers=known)

    assert (again.status_code, again.data) == (304, b"")
    assert changed.status_code == 200
    assert "We are talking to Acme about the replacement." in words(changed.text)


def test_the_portal_speaks_the_language_of_the_browser(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = viewer(world, Accept_Language="de")

    assert "Störung melden" in words(visitor.get("/portal").text)
    assert "Wer am Zug ist" in words(visitor.get(case).text)


def test_the_staffs_pages_are_not_for_clients_nor_the_portal_for_staff(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    client, staff = viewer(world), visit(world.app, world.users[Role.ADMIN])

    for path in ("/cases", f"/cases/{made['id']}", f"/jobs/{made['job_id']}", "/faults/new"):
        assert client.get(path).status_code == 403, path
    for path in ("/portal", f"/portal/cases/{made['id']}", "/portal/faults/new"):
        assert staff.get(path).status_code == 403, path


# --- the report ---


def test_a_client_reports_a_fault_and_sees_where_it_stands(world: World) -> None:
    visitor = report_form(world)

    answer = visitor.send("/portal/faults/new", serial_number=world.ours.covered_serial, **REPORT)

    assert answer.status_code == 303
    assert "We are ordering the replacement from Acme." in words(visitor.get(answer.location).text)


def test_the_form_offers_own_units_only(world: World) -> None:
    visitor = report_form(world)

    offered = re.findall(r'<option value="([^"]+-[^"]+)">', visitor.page)

    assert sorted(offered) == sorted([world.ours.covered_serial, world.ours.bare_serial])


def test_an_unfinished_report_keeps_what_was_typed_and_says_what_is_missing_at_its_field(world: World) -> None:
    visitor = report_form(world, Accept_Language="de")

    answer = visitor.send("/portal/faults/new", component="disk", cause="unknown", symptom="Es klickt <laut>")

    assert answer.status_code == 422
    assert visitor.error("serial_number") == "Geben Sie die Seriennummer an."
    assert visitor.error("cause") == visitor.error("symptom") == ""
    assert (visitor.value("component"), visitor.value("cause")) == ("disk", "unknown")
    assert visitor.value("symptom") == "Es klickt <laut>"


def test_a_report_that_is_sent_twice_at_once_opens_one_fault(world: World) -> None:
    visitor = report_form(world)
    form = REPORT | {name: visitor.hidden(name) for name in ("csrf_token", "idempotency_key")}
    form["serial_number"] = world.ours.covered_serial
    cookie = visitor.browser.get_cookie("session")
    assert cookie is not None

    def click(_number: int) -> TestResponse:
        browser = world.app.test_client()
        browser.set_cookie("session", cookie.value)
        return browser.post("/portal/faults/new", data=form)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(click, range(2)))

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len({answer.location for answer in answers}) == 1
    assert len(faults(world)) == 1


def test_the_serial_of_another_client_is_a_serial_that_nobody_knows(world: World, subtests: pytest.Subtests) -> None:
    for serial in (world.theirs.covered_serial, "nobody knows"):
        with subtests.test(serial):
            visitor = report_form(world)

            answer = visitor.send("/portal/faults/new", serial_number=serial, **REPORT)

            assert answer.status_code == 303
            said = words(visitor.get(answer.location).text)
            assert "We are looking into who pays for the replacement." in said
            assert world.theirs.name not in said


def test_a_report_in_another_clients_name_is_refused(world: World) -> None:
    visitor = report_form(world)

    answer = visitor.send(
        "/portal/faults/new", serial_number=world.theirs.covered_serial, client=str(world.theirs.id), **REPORT
    )

    assert answer.status_code == 422
    assert "There is no such client." in answer.text
    assert faults(world) == []
