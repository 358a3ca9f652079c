"""The staff's pages: what they cost, that lists have no gap, that forms lose nothing and open nothing twice."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from markupsafe import escape
from sqlalchemy import select

from tests import factories
from tests.web.conftest import World, now, watching
from tests.web.visitor import Visitor, visit, words
from vendors.contract import VendorCase, VendorStatus
from warranty import db
from warranty.domain.access import OPERATOR
from warranty.domain.terms import Role
from warranty.models import AuditRow, Client, HumanTask, Sighting
from warranty.services import queries, strays

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

REPORT = {"component": "disk", "cause": "hardware_failure", "symptom": "Predictive failure"}


def manager(world: World, **headers: str) -> Visitor:
    """A service manager, who may do everything that a page offers."""
    return visit(world.app, world.users[Role.SERVICE_MANAGER], **headers)


def report_form(world: World, **headers: str) -> Visitor:
    """A technician before an empty report form."""
    visitor = visit(world.app, world.users[Role.TECHNICIAN], **headers)
    assert visitor.get("/faults/new").status_code == 200
    return visitor


def one_of_each(world: World, ref: str) -> dict[str, str]:
    """A claim, a job and a review, on a component of their own; the paths of their pages."""
    claim = world.report(serial_number=world.ours.covered_serial, component_ref=ref)
    job = world.report(serial_number=world.ours.bare_serial, component_ref=ref)
    review = world.report(serial_number=f"unknown {ref}", client=str(world.ours.id))
    return {
        "claim": f"/cases/{claim['id']}",
        "job": f"/cases/{job['id']}",
        "job page": f"/jobs/{job['job_id']}",
        "review": f"/cases/{review['id']}",
    }


def report_many(world: World, count: int) -> None:
    """As many open cases of one client, quickly."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        for number in range(count):
            given = {"serial_number": world.ours.covered_serial, "component_ref": f"bay {number}"}
            factories.make_fault(session, world.runtime, OPERATOR, now=now(), **given)


def statements(world: World, ask: Any) -> int:
    """How many statements the database gets for a page that is answered."""
    with watching(world) as seen:
        answer: TestResponse = ask()
    assert answer.status_code == 200
    return len(seen["statements"])


def cases_in(page: str) -> list[str]:
    """The cases that a list shows, in its order."""
    return re.findall(r'<h3><a href="(/(?:portal/)?cases/[0-9a-f-]+)"', page)


# --- what a page costs ---

MOST = {"/": 6, "/cases": 6, "/cases?q=canary": 6, "/cases?shows=closed": 6, "/faults/new": 3, "/faults/preview": 7}
MOST_OF_A_CASE = 16


def test_a_page_costs_the_same_few_statements_whatever_there_is(world: World) -> None:
    visitor = manager(world)
    typed = REPORT | {"serial_number": world.ours.covered_serial, "component": "psu"}

    def costs() -> dict[str, int]:
        visitor.get("/faults/new")
        asked = {path: statements(world, lambda path=path: visitor.get(path)) for path in MOST if "preview" not in path}
        visitor.get("/faults/new")
        return asked | {"/faults/preview": statements(world, lambda: visitor.send("/faults/preview", **typed))}

    one_of_each(world, "bay 0")
    few = costs()
    for number in range(1, 4):
        one_of_each(world, f"bay {number}")

    assert costs() == few
    assert {path: count for path, count in few.items() if count > MOST[path]} == {}


def test_a_case_costs_the_same_few_statements_whatever_happened_to_it(world: World) -> None:
    paths = one_of_each(world, "bay 0")
    visitor = manager(world)
    few = {path: statements(world, lambda path=path: visitor.get(path)) for path in paths.values()}

    visitor.get(paths["claim"])
    for to in ("manual_handling", "under_review", "info_required", "under_review"):
        visitor.get(paths["claim"])
        answer = visitor.send(f"{paths['claim']}/claim", to=to, claim_reason="by telephone", vendor_case_number="77")
        assert answer.status_code == 303, words(answer.text)

    assert statements(world, lambda: visitor.get(paths["claim"])) == few[paths["claim"]]
    assert max(few.values()) <= MOST_OF_A_CASE


# --- claiming by hand ---


def test_a_claim_by_hand_shows_portal_steps_and_a_text_to_copy_until_it_has_a_number(world: World) -> None:
    portal = "https://portal.vendor.example/rma?a=1&b=2"
    with world.runtime.database.begin(db.EVERYBODY) as session:
        ours = session.scalars(select(Client).where(Client.public_id == world.ours.id)).one()
        made = {"secrets": {}, "base_url": None, "options": {"portal_url": portal}}
        factories.make_account(session, world.runtime, "manual", client=ours, **made)
    claim = world.report(serial_number=world.ours.covered_serial, symptom='does "spin" & <click>')
    path = f"/cases/{claim['id']}"
    visitor = manager(world)

    answer = world.get(f"/rmas/{claim['rma_id']}").json
    visitor.get(path)

    assert answer["portal_url"] == portal
    assert answer["steps"][0] == f"Open the portal: {portal}"
    assert escape(answer["paste_block"]) in visitor.page
    assert f'data-value="{escape(answer["paste_block"])}"' in visitor.page
    assert f'href="{escape(portal)}"' in visitor.page
    assert "Fügen Sie den Text ein" in manager(world, **{"Accept-Language": "de"}).get(path).text

    visitor.send(f"{path}/claim", to="under_review", claim_reason="by telephone", vendor_case_number="77")
    answer = world.get(f"/rmas/{claim['rma_id']}").json
    assert (answer["paste_block"], answer["portal_url"], answer["steps"]) == (None, None, [])
    assert "Claim it by hand" not in visitor.get(path).text


# --- lists ---


def test_a_long_list_is_read_page_by_page_without_a_gap_while_cases_are_added(world: World) -> None:
    report_many(world, queries.PAGE + 3)
    visitor = manager(world)

    visitor.get("/cases")
    newest = cases_in(visitor.page)
    report_many(world, 1)
    older = re.search(r'href="(/cases\?before=[^"]+)"', visitor.page)
    assert older is not None
    visitor.get(older[1].replace("&amp;", "&"))
    rest = cases_in(visitor.page)

    assert (len(newest), len(rest)) == (queries.PAGE, 3)
    assert not set(newest) & set(rest)
    assert ">Older</a>" not in visitor.page
    assert ">Newest</a>" in visitor.page


def test_an_address_that_names_no_page_shows_the_newest(world: World) -> None:
    paths = one_of_each(world, "bay 0")
    visitor = manager(world)

    for question in ("before=nonsense", "before=00000000-0000-4000-8000-000000000000", "shows=everything"):
        assert visitor.get(f"/cases?{question}").status_code == 200
        assert paths["claim"] in cases_in(visitor.page), question


def test_a_case_is_found_by_what_a_person_has_at_hand(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    case = f"/cases/{made['id']}"
    world.report(serial_number=world.theirs.bare_serial)
    rma = world.get(f"/rmas/{made['rma_id']}").json
    visitor = manager(world)

    for typed in (world.ours.covered_serial.upper(), "ours gmbh", rma["client_reference"], "  ROurs "):
        visitor.get("/cases", query_string={"q": typed})
        assert cases_in(visitor.page) == [case], typed


def test_the_databases_wildcards_are_letters_like_others(world: World) -> None:
    world.report(serial_number=world.ours.covered_serial)
    visitor = manager(world)

    for typed in ("%", "_", "\\", "canary%Ours", "' OR 1=1 --"):
        visitor.get("/cases", query_string={"q": typed})
        assert cases_in(visitor.page) == [], typed
        assert "No case fits" in visitor.page


def test_the_board_shows_the_oldest_task_first_and_counts_them_all(world: World) -> None:
    reviews = [one_of_each(world, f"bay {number}")["review"] for number in range(2)]
    visitor = manager(world)

    visitor.get("/")

    assert cases_in(visitor.page)[:1] == reviews[:1]
    assert re.search(r"<h1>\d+ things need a person</h1>", visitor.page)


# --- the report ---


def test_an_unfinished_report_keeps_what_was_typed_and_says_what_is_missing_at_its_field(world: World) -> None:
    visitor = report_form(world)
    typed = {"serial_number": world.ours.covered_serial, "component": "disk", "component_ref": "bay 3", "cause": ""}

    answer = visitor.send("/faults/new", **typed, symptom='It "clicks" & <b>beeps</b>', contact_name="Mia")

    assert answer.status_code == 422
    assert visitor.error("cause") == "Choose the cause, or “Not known”."
    assert visitor.error("serial_number") == visitor.error("symptom") == ""
    assert visitor.value("serial_number") == world.ours.covered_serial
    assert visitor.value("component") == "disk"
    assert visitor.value("component_ref") == "bay 3"
    assert visitor.value("contact_name") == "Mia"
    assert "It &#34;clicks&#34; &amp; &lt;b&gt;beeps&lt;/b&gt;</textarea>" in visitor.page


def test_a_report_that_was_completed_opens_its_case(world: World) -> None:
    visitor = report_form(world)
    serial = {"serial_number": world.ours.covered_serial}
    visitor.send("/faults/new", **serial)

    answer = visitor.send("/faults/new", **serial, **REPORT)

    assert answer.status_code == 303
    visitor.get(answer.location)
    assert "The claim is going to Acme now." in words(visitor.page)


WRONG = {
    "symptom": ("x" * 5000, "This is too long, or holds signs that nobody types."),
    "serial_number": ("x" * 65, "This is too long, or holds signs that nobody types."),
    "component_ref": ("bay\x1b3", "This is too long, or holds signs that nobody types."),
    "component": ("engine", "Choose what failed."),
    "cause": ("fate", "Choose the cause, or “Not known”."),
    "severity": ("9", "Choose how bad it is."),
    "occurred_at": ("yesterday", "This is no day and time."),
    "contact_phone": ("1" * 65, "This is too long, or holds signs that nobody types."),
}


def test_what_a_report_cannot_take_is_said_at_its_field_in_the_readers_words(
    world: World, subtests: pytest.Subtests
) -> None:
    visitor = report_form(world)
    whole = REPORT | {"serial_number": world.ours.covered_serial, "contact_name": "Mia"}
    for name, (value, said) in WRONG.items():
        with subtests.test(name):
            answer = visitor.send("/faults/new", **whole | {name: value})

            assert answer.status_code == 422
            assert visitor.error(name) == said


def test_a_client_that_there_is_not_is_said_at_its_field_where_it_is_asked_for(world: World) -> None:
    visitor = report_form(world)

    visitor.send("/faults/new", serial_number="nobody knows", **REPORT, client="nobody")

    assert visitor.error("client") == "There is no such client."


def test_a_day_that_lies_ahead_is_said_at_its_field(world: World) -> None:
    visitor = report_form(world)

    visitor.send("/faults/new", serial_number=world.ours.covered_serial, **REPORT, occurred_at="2999-01-01T10:00")

    assert visitor.error("occurred_at") == "This lies in the future."


def test_a_serial_that_tells_no_client_asks_for_the_client(world: World) -> None:
    visitor = report_form(world)

    visitor.send("/faults/new", serial_number="nobody knows", **REPORT)

    assert visitor.error("client") == "Say whose unit it is: the serial alone does not tell."


def test_a_report_that_is_sent_twice_at_once_opens_one_fault(world: World) -> None:
    visitor = report_form(world)
    form = REPORT | {name: visitor.hidden(name) for name in ("csrf_token", "idempotency_key")}
    form["serial_number"] = world.ours.covered_serial
    cookie = visitor.browser.get_cookie("session")
    assert cookie is not None

    def click(_number: int) -> TestResponse:
        browser = world.app.test_client()
        browser.set_cookie("session", cookie.value)
        return browser.post("/faults/new", data=form)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(click, range(2)))

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len({answer.location for answer in answers}) == 1
    assert len(world.get("/faults").json["items"]) == 1


def test_a_form_that_was_sent_and_changed_afterwards_is_not_taken_for_the_first(world: World) -> None:
    visitor = report_form(world, Accept_Language="de")
    typed = REPORT | {"serial_number": world.ours.covered_serial}
    visitor.send("/faults/new", **typed)

    answer = visitor.send("/faults/new", **typed | {"symptom": "Something else"})

    assert answer.status_code == 422
    assert "Dieses Formular wurde schon gesendet, mit anderem Inhalt." in words(answer.text)
    assert len(world.get("/faults").json["items"]) == 1


def test_a_preview_says_who_would_pay_and_opens_nothing(world: World) -> None:
    visitor = report_form(world)

    answer = visitor.send("/faults/preview", serial_number=world.ours.covered_serial, **REPORT)

    said = words(answer.text)
    assert "Partly covered" in said
    assert "A claim goes to Acme at once." in said
    assert world.get("/faults").json["items"] == []


PREVIEWS = {
    "": "Nothing to decide yet",
    "nobody knows": "No unit has this serial or tag.",
}


def test_a_preview_says_what_it_still_needs(world: World) -> None:
    visitor = report_form(world)

    for serial, said in PREVIEWS.items():
        answer = visitor.send("/faults/preview", serial_number=serial)
        assert said in words(answer.text), serial
    unfinished = visitor.send("/faults/preview", serial_number=world.ours.covered_serial)
    assert world.ours.name in words(unfinished.text)


# --- a case ---


def test_a_case_that_has_not_changed_is_not_sent_again(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)
    visitor.get(case)
    tag = re.search(r'data-etag="([^"]+)"', visitor.page)
    assert tag is not None
    known = {"If-None-Match": tag[1].replace("&#34;", '"')}

    again = visitor.get(f"{case}/live", headers=known)
    assert (again.status_code, again.data) == (304, b"")

    visitor.send(f"{case}/claim", to="manual_handling", claim_reason="The portal is down")
    changed = visitor.get(f"{case}/live", headers=known)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != known["If-None-Match"]


def test_an_unchanged_case_costs_fewer_statements_than_a_changed_one(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)
    tag = visitor.get(f"{case}/live").headers["ETag"]

    with watching(world) as seen:
        assert visitor.get(f"{case}/live", headers={"If-None-Match": tag}).status_code == 304

    assert len(seen["statements"]) <= 4


def test_a_person_answers_a_review_and_the_case_goes_on(world: World) -> None:
    made = world.report(serial_number="unknown", client=str(world.ours.id))
    case, serial = f"/cases/{made['id']}", world.ours.covered_serial
    visitor = manager(world)
    visitor.get(case)

    answer = visitor.send(f"{case}/review", action="identify", serial_number=serial, reason="The label was read again")

    assert (answer.status_code, answer.location) == (303, case)
    said = words(visitor.get(case).text)
    assert "The claim is going to Acme now." in said
    assert "said which unit is meant The label was read again" in said
    assert "Your decision" not in said


UNANSWERED: list[tuple[dict[str, str], str, str]] = [
    ({"reason": "Because"}, "action", "Choose an answer."),
    ({"action": "guess", "reason": "Because"}, "action", "Choose an answer."),
    ({"action": "reject", "reason": "  "}, "reason", "Say why: it is kept with the verdict."),
    ({"action": "reject", "reason": "x" * 2001}, "reason", "This is too long, or holds signs that nobody types."),
    (
        {"action": "identify", "reason": "Because", "serial_number": "nobody knows"},
        "serial_number",
        "This serial does not name one unit of this client.",
    ),
]


def test_an_unfinished_answer_keeps_what_was_typed_and_says_what_is_missing(
    world: World, subtests: pytest.Subtests
) -> None:
    case = one_of_each(world, "bay 0")["review"]
    visitor = manager(world)
    visitor.get(case)
    for typed, name, said in UNANSWERED:
        with subtests.test(name=name, said=said):
            answer = visitor.send(f"{case}/review", **typed)

            assert answer.status_code == 422
            assert said in visitor.page
            assert visitor.value("reason") == typed["reason"]


def test_a_unit_of_another_client_is_not_the_one_that_was_meant(world: World) -> None:
    case = one_of_each(world, "bay 0")["review"]
    visitor = manager(world)
    visitor.get(case)

    answer = visitor.send(
        f"{case}/review", action="identify", serial_number=world.theirs.bare_serial, reason="The label was read again"
    )

    assert answer.status_code == 422
    assert visitor.error("serial_number") == "This serial does not name one unit of this client."


def test_a_review_that_somebody_answered_first_says_so(world: World) -> None:
    case = one_of_each(world, "bay 0")["review"]
    first, second = manager(world), manager(world, Accept_Language="de")
    for visitor in (first, second):
        visitor.get(case)
    first.send(f"{case}/review", action="reject", reason="No fault of ours")

    answer = second.send(f"{case}/review", action="reject", reason="No fault of ours")

    assert answer.status_code == 409
    assert "Jemand war schneller" in words(answer.text)
    assert "No fault of ours" in words(answer.text)


def stray(world: World, number: str = "INC77", serial: str = "S-LOST") -> str:
    """The path that answers for a case at a vendor that belongs to no claim."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        account = factories.make_account(session, world.runtime)
        opened = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
        case = VendorCase(
            number, VendorStatus.RECEIVED, client_reference="WR-LOST", serial_number=serial, opened_at=opened
        )
        strays.find(session, account, [case], now=db.now(session))
        item = select(HumanTask).join(Sighting, Sighting.id == HumanTask.sighting_id)
        found = session.scalars(item.where(Sighting.account_id == account.id)).one()
        return f"/review-items/{found.public_id}/dealt-with"


def field_of(path: str) -> str:
    return f"reason-{path.split('/')[2]}"


def test_a_case_of_no_claim_is_shown_as_it_is_found_at_the_vendor_and_is_dealt_with_once(world: World) -> None:
    path = stray(world)
    first, second = manager(world), manager(world, Accept_Language="de")
    for visitor in (first, second):
        visitor.get("/")
    said = words(first.page)
    assert all(shown in said for shown in ("INC77", "WR-LOST", "S-LOST", "Opened there"))

    assert first.send(path, **{field_of(path): " "}).status_code == 422
    assert first.error(field_of(path)) == "Say what became of the case: it stands in the register."
    assert first.send(path, **{field_of(path): "It was theirs"}).status_code == 303
    late = second.send(path, **{field_of(path): "It was ours"})

    assert late.status_code == 409
    first.get("/")
    assert "INC77" not in first.page
    with world.runtime.database.read(db.EVERYBODY) as session:
        noted = session.scalars(select(AuditRow).where(AuditRow.action == "stray_case")).all()
        assert [row.reason for row in noted][-1:] == ["It was theirs"]


def test_only_who_may_decide_is_offered_to_deal_with_a_case_of_no_claim(world: World) -> None:
    path = stray(world)
    offered = {
        role: path in visit(world.app, world.users[role]).get("/").text
        for role in (Role.TECHNICIAN, Role.AUDITOR, Role.SERVICE_MANAGER)
    }

    assert offered == {Role.TECHNICIAN: False, Role.AUDITOR: False, Role.SERVICE_MANAGER: True}


def test_what_waits_for_a_decision_is_not_dealt_with_instead(world: World) -> None:
    item = world.report(serial_number="nobody knows it", client=str(world.ours.id))["review_item_id"]
    visitor = manager(world)
    visitor.get("/")

    answer = visitor.send(f"/review-items/{item}/dealt-with", **{f"reason-{item}": "It is nothing"})

    assert answer.status_code == 409
    by_program = world.call(
        "POST",
        f"/review-items/{item}/resolve",
        world.tokens[Role.SERVICE_MANAGER],
        json={"action": "dealt_with", "reason": "It is nothing"},
    )
    assert by_program.status_code == 422
    visitor.get("/")
    assert "nobody knows it" in visitor.page


def test_only_who_may_decide_is_offered_a_decision(world: World) -> None:
    case = one_of_each(world, "bay 0")["review"]
    offered = {
        role: "Your decision" in visit(world.app, world.users[role]).get(case).text
        for role in (Role.TECHNICIAN, Role.AUDITOR, Role.SERVICE_MANAGER)
    }

    assert offered == {Role.TECHNICIAN: False, Role.AUDITOR: False, Role.SERVICE_MANAGER: True}


def test_what_the_vendor_said_by_telephone_is_recorded_with_its_number(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)
    for to, number in (("manual_handling", ""), ("authorized", "RMA-4711")):
        visitor.get(case)
        visitor.send(f"{case}/claim", to=to, rma_number=number, claim_reason="Called their hotline")

    said = words(visitor.get(case).text)

    assert "Acme has authorised the replacement." in said
    assert "RMA-4711" in said
    assert "Called their hotline" in said


UNRECORDED: list[tuple[dict[str, str], str, str]] = [
    ({"claim_reason": "Called"}, "to", "Say what happened."),
    ({"to": "lost", "claim_reason": "Called"}, "to", "Say what happened."),
    ({"to": "under_review"}, "claim_reason", "Say how you know: it stands in the timeline."),
    ({"to": "authorized", "claim_reason": "Called"}, "rma_number", "Enter the RMA number that the vendor gave."),
    (
        {"to": "authorized", "claim_reason": "Called", "rma_number": "1" * 65},
        "rma_number",
        "This is too long, or holds signs that nobody types.",
    ),
]


def test_an_unfinished_record_keeps_what_was_typed_and_says_what_is_missing(
    world: World, subtests: pytest.Subtests
) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)
    visitor.get(case)
    visitor.send(f"{case}/claim", to="manual_handling", claim_reason="The portal is down")
    visitor.get(case)
    for typed, name, said in UNRECORDED:
        with subtests.test(name=name, typed=typed):
            answer = visitor.send(f"{case}/claim", **typed)

            assert answer.status_code == 422
            assert visitor.error(name) == said
            assert visitor.value("rma_number") == typed.get("rma_number", "")


def test_a_move_that_the_claim_cannot_make_changes_nothing_and_says_so(world: World) -> None:
    case = one_of_each(world, "bay 0")["claim"]
    visitor = manager(world)
    before = visitor.get(case).text
    visitor.page = before

    answer = visitor.send(f"{case}/claim", to="closed", claim_reason="Called")

    assert (answer.status_code, answer.mimetype) == (409, "text/html")
    assert "The record has changed. Look at it again, then decide." in words(answer.text)
    assert "The claim is going to Acme now." in words(visitor.get(case).text)


# --- hostile words ---


def test_what_people_type_is_shown_as_text(world: World) -> None:
    evil = "<script>alert(1)</script>"
    made = world.report(serial_number=world.ours.covered_serial, symptom=evil, component_ref=evil[:20])
    visitor = manager(world)

    for path in ("/", "/cases", f"/cases/{made['id']}", "/faults/new?symptom=" + evil, "/cases?q=" + evil):
        page = visitor.get(path).text
        assert evil not in page, path
        assert "<script>" not in page, path


def test_a_sign_that_a_database_cannot_keep_is_refused_before_it_gets_there(world: World) -> None:
    paths = one_of_each(world, "bay 0")
    visitor = manager(world)
    visitor.get(paths["review"])
    token = {"csrf_token": visitor.hidden("csrf_token")}
    answers = [
        visitor.get("/cases?q=a%00b"),
        visitor.get("/faults/new?serial_number=a%00b"),
        visitor.post("/faults/preview", token | {"serial_number": "a\0b"}),
        visitor.post("/faults/new", token | REPORT | {"serial_number": "a\0b"}),
        visitor.post(f"{paths['review']}/review", token | {"action": "reject", "reason": "a\0b"}),
        visitor.post(f"{paths['claim']}/claim", token | {"to": "manual_handling", "claim_reason": "a\0b"}),
        visitor.post("/login", token | {"email": "a\0b@msp.example", "password": "x"}),
    ]

    assert [answer.status_code for answer in answers] == [400] * len(answers)


# --- languages ---


def test_pages_speak_the_language_of_the_browser(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)

    for language, heading in (("de-AT,de;q=0.9,en;q=0.5", "Störung melden"), ("fr", "Report a fault")):
        visitor = manager(world, Accept_Language=language)
        for path in ("/", "/cases", f"/cases/{made['id']}", "/faults/new"):
            assert heading in words(visitor.get(path).text), (language, path)


def test_what_a_report_lacks_is_said_in_the_language_of_the_page(world: World) -> None:
    visitor = report_form(world, Accept_Language="de")

    visitor.send("/faults/new", serial_number=world.ours.covered_serial, component="disk", symptom="x" * 5000)

    assert visitor.error("cause") == "Wählen Sie die Ursache oder „Nicht bekannt“."
    assert visitor.error("symptom") == "Das ist zu lang oder enthält Zeichen, die niemand tippt."
