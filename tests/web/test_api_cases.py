"""Parcels, the work at the rack, jobs and verdicts of one's own over REST: what people may move, and what follows."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests import factories
from tests.web.conftest import World, cover_labour
from warranty import db
from warranty.domain.access import TokenScope
from warranty.domain.lifecycles import (
    JOB_MOVES,
    SHIPMENT_TO_US_MOVES,
    SWAP_MOVES,
    JobState,
    RmaState,
    ShipmentState,
    SwapState,
)
from warranty.domain.terms import CoverageKind, Fulfilment, Role, Share
from warranty.models import Outbox, Rma, StoredVerdict, User
from warranty.models.work import OrderKind
from warranty.services import moves, people

WHY = {"reason": "seen by us"}


def move(world: World, kind: str, record: Any, to: str, role: Role = Role.TECHNICIAN, **facts: Any) -> Any:
    return world.post(f"/{kind}/{record['id']}/transitions", {"to": to, **WHY, **facts}, role)


def moved(world: World, kind: str, record: Any, *path: str, role: Role = Role.TECHNICIAN) -> Any:
    for to in path:
        answer = move(world, kind, record, to, role)
        assert answer.status_code == 200, answer.json
        assert answer.json["state"] == to
    return world.get(f"/{kind}/{record['id']}").json


def refused(answer: Any) -> str:
    assert (answer.status_code, answer.json["type"]) == (409, "illegal_move"), answer.json
    said: str = answer.json["detail"]
    return said


def authorized(world: World, *, labour_is_paid: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """A claim that the vendor has approved, and its fault."""
    if labour_is_paid:
        cover_labour(world, world.ours.covered)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        factories.make_account(session, world.runtime, "manual", secrets={}, base_url=None, manufacturers=["By hand"])
    made = world.report(serial_number=world.ours.covered_serial)
    rma = {"id": made["rma_id"]}
    moved_rma = move(world, "rmas", rma, "authorized", vendor_case_number="C-7", rma_number="R-9")
    assert moved_rma.status_code == 200, moved_rma.json
    return moved_rma.json, made


# --- parcels ---


def test_a_parcel_is_followed_by_hand_to_the_goods_in(world: World) -> None:
    rma, _ = authorized(world)
    [expected] = rma["shipments"]

    answer = move(world, "shipments", expected, "in_transit", carrier="DHL", tracking_number="JD1", due_on="2026-12-01")

    assert answer.status_code == 200, answer.json
    assert (answer.json["carrier"], answer.json["tracking_number"]) == ("DHL", "JD1")
    arrived = moved(world, "shipments", expected, "delivered", "checked_in")
    assert (arrived["carrier"], arrived["due_on"]) == ("DHL", "2026-12-01")
    timeline = world.get(f"/rmas/{rma['id']}").json["timeline"]
    steps = [(row["new_state"], row["reason"]) for row in timeline if row["record"] == "shipment"]
    assert steps[1:] == [(state, WHY["reason"]) for state in ("in_transit", "delivered", "checked_in")]


def test_a_return_that_the_vendor_does_not_tell_of_is_added_by_hand(world: World) -> None:
    rma, _ = authorized(world)

    answer = world.post(f"/rmas/{rma['id']}/shipments", {"direction": "to_vendor", "due_on": "2026-12-24", **WHY})

    assert (answer.status_code, answer.json["state"], answer.json["rma_id"]) == (201, "due", rma["id"])
    assert [row["direction"] for row in world.get(f"/rmas/{rma['id']}").json["shipments"]] == ["to_us", "to_vendor"]
    listed = world.get("/shipments?direction=to_vendor&state=due").json["items"]
    assert [row["id"] for row in listed] == [answer.json["id"]]


def test_no_goods_move_for_a_claim_that_is_not_approved(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)

    said = refused(world.post(f"/rmas/{made['rma_id']}/shipments", {"direction": "to_us", **WHY}))

    assert "approved" in said


def test_a_parcel_takes_only_the_moves_of_its_direction(world: World) -> None:
    rma, _ = authorized(world)
    [parcel] = rma["shipments"]

    for to in ShipmentState:
        if to not in SHIPMENT_TO_US_MOVES[ShipmentState.EXPECTED]:
            refused(move(world, "shipments", parcel, to))

    assert world.get(f"/shipments/{parcel['id']}").json == parcel


# --- the work at the rack ---


def test_a_swap_whose_labour_nobody_has_to_approve_is_installed(world: World) -> None:
    rma, _ = authorized(world, labour_is_paid=True)

    swap = moved(world, "swaps", rma["swap"], "received", "installed")

    assert (swap["rma_id"], swap["job_id"], swap["kind"]) == (rma["id"], None, "part")
    assert "parity certificate" in refused(move(world, "swaps", swap, "verified"))


def test_nothing_is_installed_before_its_labour_is_approved(world: World) -> None:
    rma, made = authorized(world)
    moved(world, "swaps", rma["swap"], "received")

    assert "approval" in refused(move(world, "swaps", rma["swap"], "installed"))

    job = {"id": made["job_id"]}
    moved(world, "jobs", job, "awaiting_approval", role=Role.BILLING)
    approved = world.post(f"/jobs/{job['id']}/transitions", {"to": "approved", **WHY}, Role.ADMIN)
    assert approved.status_code == 200, approved.json
    moved(world, "swaps", rma["swap"], "installed")


def test_a_replacement_that_is_dead_on_arrival_waits_for_a_person(world: World) -> None:
    rma, _ = authorized(world)

    moved(world, "swaps", rma["swap"], "received", "dead_on_arrival")

    [item] = world.get("/review-items?kind=manual_handling").json["items"]
    assert "dead on arrival" in item["why"]
    child = next(one for one in world.get("/rmas").json["items"] if one["parent_id"] == rma["id"])
    assert (child["fault_id"], child["state"]) == (rma["fault_id"], "manual_handling")


def test_a_swap_takes_only_the_moves_of_its_life(world: World) -> None:
    rma, _ = authorized(world)

    for to in SwapState:
        if to not in SWAP_MOVES[SwapState.PLANNED]:
            refused(move(world, "swaps", rma["swap"], to))

    assert world.get(f"/swaps/{rma['swap']['id']}").json == rma["swap"]


def test_a_new_unit_is_named_and_a_wrong_one_is_refused_at_its_field(world: World) -> None:
    rma, _ = authorized(world)
    path = f"/swaps/{rma['swap']['id']}/replacement"

    named = world.call("PUT", path, world.tokens[Role.TECHNICIAN], json={"serial_number": "part 7", "kind": "unit"})
    wrong = world.call(
        "PUT", path, world.tokens[Role.TECHNICIAN], json={"serial_number": world.ours.covered_serial, "kind": "unit"}
    )

    assert (named.status_code, named.json["serial_number"], named.json["kind"]) == (200, "part 7", "unit"), named.json
    assert (wrong.status_code, list(wrong.json["errors"])) == (422, ["serial_number"])


# --- jobs ---


def job_of(world: World, serial: str | None = None) -> dict[str, Any]:
    made = world.report(serial_number=serial or world.ours.bare_serial)
    job: dict[str, Any] = world.get(f"/jobs/{made['job_id']}").json
    return job


def approver_of(world: World, limit_minor: int) -> str:
    """The token of an approver of ours with that limit."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        user = session.get_one(User, world.ours.users[Role.CLIENT_APPROVER].id)
        user.approval_limit_minor = limit_minor
    return world.ours.tokens[Role.CLIENT_APPROVER]


def test_billing_takes_a_job_from_the_quote_to_the_end_of_its_work(world: World) -> None:
    job = job_of(world)
    moved(world, "jobs", job, "awaiting_approval", role=Role.BILLING)
    assert world.post(f"/jobs/{job['id']}/transitions", {"to": "approved", **WHY}, Role.ADMIN).status_code == 200

    done = moved(
        world, "jobs", job, "scheduled", "in_progress", "on_hold", "in_progress", "completed", role=Role.BILLING
    )

    assert done["state"] == "completed"
    [swap] = world.get("/swaps").json["items"]
    assert (swap["job_id"], swap["source"], swap["state"]) == (job["id"], "purchase", "planned")


@pytest.mark.parametrize("role", [Role.TECHNICIAN, Role.SERVICE_MANAGER, Role.AUDITOR])
def test_only_billing_moves_a_job(world: World, role: Role) -> None:
    assert move(world, "jobs", job_of(world), "awaiting_approval", role).status_code == 403


def test_a_job_takes_only_the_moves_of_its_life(world: World) -> None:
    job = job_of(world)

    for to in JobState:
        if to not in JOB_MOVES[JobState.QUOTED]:
            refused(move(world, "jobs", job, to, Role.BILLING))

    assert world.get(f"/jobs/{job['id']}").json == job


def test_a_job_that_costs_the_client_something_waits_for_its_approval(world: World) -> None:
    job = job_of(world)

    assert "approval first" in refused(move(world, "jobs", job, "approved", Role.BILLING))
    moved(world, "jobs", job, "awaiting_approval", role=Role.BILLING)
    own = move(world, "jobs", job, "approved", Role.BILLING)
    assert (own.status_code, own.json["type"]) == (403, "forbidden")


def test_a_client_approves_within_the_limit(world: World) -> None:
    job = job_of(world)
    moved(world, "jobs", job, "awaiting_approval", role=Role.BILLING)
    path, body = f"/jobs/{job['id']}/transitions", {"to": "approved", **WHY}

    poor = world.call("POST", path, approver_of(world, job["total_minor"] - 1), json=body)
    rich = world.call("POST", path, approver_of(world, job["total_minor"]), json=body)

    assert (poor.status_code, poor.json["type"]) == (403, "forbidden")
    assert (rich.status_code, rich.json["state"]) == (200, "approved")
    assert "info_missing" not in rich.json  # in the client's words


def test_a_client_moves_nothing_but_what_waits_for_its_approval(world: World) -> None:
    job, token = job_of(world), approver_of(world, 10**9)

    for to in ("approved", "awaiting_approval", "cancelled"):
        answer = world.call("POST", f"/jobs/{job['id']}/transitions", token, json={"to": to, **WHY})
        assert answer.status_code == 403


def test_a_job_that_is_declined_closes_its_case(world: World) -> None:
    job = job_of(world)
    moved(world, "jobs", job, "awaiting_approval", role=Role.BILLING)

    answer = world.call("POST", f"/jobs/{job['id']}/transitions", approver_of(world, 0), json={"to": "declined", **WHY})

    assert answer.json["state"] == "declined"
    assert world.get(f"/faults/{job['fault_id']}").json["state"] == "closed"


def test_a_job_that_is_cancelled_has_its_fault_decided_again(world: World) -> None:
    job = job_of(world)

    moved(world, "jobs", job, "cancelled", role=Role.BILLING)

    assert world.get(f"/faults/{job['fault_id']}").json["state"] == "entitlement_check"


def test_a_job_without_a_price_cannot_be_quoted(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        serial = factories.make_asset(session, factories.find_client(session, world.ours.name)).serial_number

    assert "price on every line" in refused(move(world, "jobs", job_of(world, serial), "quoted", Role.BILLING))


def test_a_move_of_what_another_has_moved_meanwhile_is_refused(world: World) -> None:
    job = job_of(world)
    read = world.get(f"/jobs/{job['id']}")
    moved(world, "jobs", job, "awaiting_approval", role=Role.BILLING)

    headers = {"If-Match": read.headers["ETag"]}
    answer = world.post(f"/jobs/{job['id']}/transitions", {"to": "cancelled", **WHY}, Role.BILLING, headers=headers)

    assert answer.status_code == 412


# --- claims ---


def denied(world: World) -> tuple[dict[str, Any], dict[str, Any]]:
    """A claim that the vendor refused, and its fault as it then stands."""
    made = world.report(serial_number=world.ours.covered_serial)
    rma = moved(world, "rmas", {"id": made["rma_id"]}, "manual_handling", "denied")
    return rma, world.get(f"/faults/{made['id']}").json


def test_goodwill_makes_a_denied_claim_a_claim_again(world: World) -> None:
    rma, fault = denied(world)
    assert (fault["state"], fault["route"], fault["verdict"]) == ("ad_hoc_open", "ad_hoc", "not_covered")

    answer = move(world, "rmas", rma, "authorized", rma_number="R-1")

    assert answer.status_code == 200, answer.json
    again = world.get(f"/faults/{fault['id']}").json
    assert (again["state"], again["route"], again["verdict"]) == ("rma_open", "rma", "partly_covered")
    assert world.get(f"/jobs/{fault['job_id']}").json["state"] == "cancelled"
    labour = world.get(f"/jobs/{again['job_id']}").json
    assert (labour["kind"], labour["state"]) == ("swap_labour", "quoted")
    assert world.get("/review-items").json["items"] == []


def test_goodwill_waits_until_the_job_that_took_over_is_cancelled(world: World) -> None:
    rma, fault = denied(world)
    job = {"id": fault["job_id"]}
    moved(world, "jobs", job, "awaiting_approval", role=Role.BILLING)
    world.post(f"/jobs/{job['id']}/transitions", {"to": "approved", **WHY}, Role.ADMIN)

    assert "cancel or credit it first" in refused(move(world, "rmas", rma, "authorized", rma_number="R-1"))


def test_a_denied_claim_closes_with_the_job_that_took_over(world: World) -> None:
    rma, fault = denied(world)
    job = {"id": fault["job_id"]}
    assert "when job" in refused(move(world, "rmas", rma, "closed"))
    moved(world, "jobs", job, "awaiting_approval", role=Role.BILLING)

    moved(world, "jobs", job, "declined", role=Role.BILLING)

    assert world.get(f"/rmas/{rma['id']}").json["state"] == "closed"
    assert world.get(f"/faults/{fault['id']}").json["state"] == "closed"


def test_what_became_of_a_claim_that_may_have_arrived_is_entered_by_hand_only(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    with world.runtime.database.begin(db.EVERYBODY) as session:
        row = session.scalars(select(Rma)).one()
        moves.move(session, row, RmaState.OUTCOME_UNKNOWN, factories.BECAUSE)
    rma = {"id": made["rma_id"]}

    for to in ("under_review", "authorized", "denied"):
        assert "by hand" in refused(move(world, "rmas", rma, to, rma_number="R-1"))
    moved(world, "rmas", rma, "manual_handling", "under_review")


def test_a_claim_that_is_cancelled_takes_the_labour_that_nobody_approved_with_it(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)

    moved(world, "rmas", {"id": made["rma_id"]}, "cancelled")

    assert world.get(f"/jobs/{made['job_id']}").json["state"] == "cancelled"


def test_a_vendor_is_asked_at_once_where_a_claim_stands_where_there_is_one_to_ask(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    path = f"/rmas/{made['rma_id']}/track"

    early = world.post(path, {}, Role.TECHNICIAN)
    move(world, "rmas", {"id": made["rma_id"]}, "authorized", vendor_case_number="C-7", rma_number="R-9")
    asked = [world.post(path, {}, Role.TECHNICIAN) for _ in range(2)]

    assert (early.status_code, early.json["type"]) == (409, "cannot_ask")
    assert "no case number" in early.json["detail"]
    assert [answer.status_code for answer in asked] == [202, 202]
    with world.runtime.database.read(db.EVERYBODY) as session:
        ordered = session.scalars(select(Outbox).where(Outbox.kind == OrderKind.READ_CASES)).all()
    assert len(ordered) == 1


# --- lists ---


def test_faults_are_found_by_unit_text_and_day(world: World) -> None:
    covered = world.report(serial_number=world.ours.covered_serial, symptom="Amber 100% light")
    bare = world.report(serial_number=world.ours.bare_serial)

    def found(query: str) -> list[str]:
        return [row["id"] for row in world.get(f"/faults?{query}").json["items"]]

    assert found(f"asset={world.ours.covered}") == [covered["id"]]
    assert found("q=amber 100%25") == [covered["id"]]
    assert found(f"q={world.ours.bare_serial}") == [bare["id"]]
    assert found("since=2020-01-01T00:00:00Z") == [bare["id"], covered["id"]]
    assert found("since=2100-01-01T00:00:00Z") == []


def test_a_review_item_that_was_answered_meanwhile_is_not_answered_again(world: World) -> None:
    made = world.report(serial_number="TYPO", client=str(world.ours.id))
    path = f"/review-items/{made['review_item_id']}"
    headers = {"If-Match": world.get(path).headers["ETag"]}
    body = {"action": "identify", "asset_id": str(world.ours.bare), **WHY}
    assert world.post(f"{path}/resolve", body, headers=headers).status_code == 200

    again = world.post(f"{path}/resolve", {"action": "reject", **WHY}, headers=headers)

    assert again.status_code == 412
    assert world.get(path).json["resolved_at"] is not None


# --- a verdict of one's own ---


def decision(verdict: str, parts: Any = None, labour: Any = None) -> dict[str, Any]:
    wanted = {"verdict": verdict, "parts": parts and str(parts), "labour": labour and str(labour)}
    return {"override": wanted, "reason_code": "contract_reading", "reason": "Clause 7."}


def decide(world: World, fault: Any, body: dict[str, Any], role: Role = Role.SERVICE_MANAGER) -> Any:
    return world.post(f"/faults/{fault['id']}/decision", body, role)


def ended_agreement(world: World) -> str:
    """A coverage by which the MSP supplies parts and labour of the bare unit, had it not ended."""
    body = {
        "scope": {"asset": str(world.ours.bare)},
        "contract_number": "AG-1",
        "kind": CoverageKind.MSP_AGREEMENT,
        "fulfilment": Fulfilment.MSP_SUPPLY,
        "starts_on": "2020-01-01",
        "ends_on": "2021-01-01",
        "time_zone": "Europe/Amsterdam",
        "covers": [Share.PARTS, Share.LABOUR],
        "service_level": "best_effort",
        "evidence": {"source": "contract_file"},
    }
    answer = world.post("/coverages", body)
    assert answer.status_code == 201, answer.json
    made: str = answer.json["id"]
    return made


def another_manager(world: World) -> str:
    """The token of a second service manager."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        return factories.make_token(session, factories.make_user(session, Role.SERVICE_MANAGER), tuple(TokenScope))


def test_an_override_makes_the_client_pay_once_they_have_approved(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        asset = factories.make_asset(session, factories.find_client(session, world.ours.name))
        asset.absence_attested = False
        serial = asset.serial_number
    made = world.report(serial_number=serial)
    assert made["verdict"] == "needs_review"

    answer = decide(world, made, decision("not_covered"))

    assert answer.status_code == 200, answer.json
    shown = answer.json
    assert (shown["verdict"], shown["route"], shown["state"]) == ("not_covered", "ad_hoc", "ad_hoc_open")
    assert shown["pays"] == {"parts": "client", "labour": "client"}
    assert world.get("/review-items").json["items"] == []
    assert world.get(f"/jobs/{shown['job_id']}").json["state"] == "draft"  # a part without a price: quoted first


def test_an_override_that_makes_a_job_for_the_client_waits_for_them(world: World) -> None:
    made = world.report(serial_number="TYPO", client=str(world.ours.id))
    assert decide(world, made, decision("not_covered")).json["errors"].keys() == {"override"}  # no unit yet
    answer = decide(world, world.report(serial_number=world.ours.bare_serial), decision("not_covered"))

    assert answer.status_code == 200, answer.json
    assert world.get(f"/jobs/{answer.json['job_id']}").json["state"] == "awaiting_approval"


def test_an_override_ends_what_the_verdict_before_it_ordered(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        product = factories.make_product(session, "Handmade")
        asset = factories.make_asset(session, factories.find_client(session, world.ours.name), product=product)
        factories.make_coverage(session, asset)
        serial = asset.serial_number
    made = world.report(serial_number=serial)

    answer = decide(world, made, decision("not_covered"))

    assert answer.status_code == 200, answer.json
    assert world.get(f"/rmas/{made['rma_id']}").json["state"] == "cancelled"
    assert world.get(f"/jobs/{made['job_id']}").json["state"] == "cancelled"
    assert answer.json["job_id"] not in {None, made["job_id"]}


def test_a_claim_that_the_vendor_may_hold_is_not_taken_back_by_an_override(world: World) -> None:
    made = world.report(serial_number=world.ours.covered_serial)
    before = world.get(f"/faults/{made['id']}").json

    assert "cancel that first" in refused(decide(world, made, decision("not_covered")))

    assert world.get(f"/faults/{made['id']}").json == before


def test_what_the_msp_is_to_pay_waits_for_a_second_person(world: World) -> None:
    coverage, made = ended_agreement(world), world.report(serial_number=world.ours.bare_serial)
    asked = decide(world, made, decision("covered", coverage, coverage))
    assert asked.status_code == 200, asked.json
    assert (asked.json["verdict"], asked.json["job_id"]) == ("not_covered", made["job_id"])
    path = f"/review-items/{asked.json['review_item_id']}/resolve"
    assert world.get(path.removesuffix("/resolve")).json["kind"] == "override"

    own = world.post(path, {"action": "override", **WHY})
    agreed = world.call("POST", path, another_manager(world), json={"action": "override", **WHY})

    assert (own.status_code, own.json["type"]) == (403, "forbidden")
    assert agreed.status_code == 200, agreed.json
    assert (agreed.json["verdict"], agreed.json["route"]) == ("covered", "ad_hoc")
    assert agreed.json["pays"] == {"parts": "msp", "labour": "msp"}
    job = world.get(f"/jobs/{agreed.json['job_id']}").json
    assert (job["kind"], job["state"], job["totals_minor"].keys()) == ("agreement_swap", "quoted", {"msp"})
    assert world.get("/review-items?kind=override").json["items"] == []


def test_a_second_person_may_refuse(world: World) -> None:
    coverage, made = ended_agreement(world), world.report(serial_number=world.ours.bare_serial)
    asked = decide(world, made, decision("covered", coverage, coverage)).json

    answer = world.post(f"/review-items/{asked['review_item_id']}/resolve", {"action": "reject", **WHY}, Role.ADMIN)

    assert answer.status_code == 200, answer.json
    assert (answer.json["verdict"], answer.json["state"]) == ("not_covered", "ad_hoc_open")


def test_a_review_is_answered_with_a_verdict_of_ones_own(world: World) -> None:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        product = factories.make_product(session)
        asset = factories.make_asset(session, factories.find_client(session, world.ours.name), product=product)
        asset.absence_attested = False
        serial = asset.serial_number
    made = world.report(serial_number=serial)
    path = f"/review-items/{made['review_item_id']}/resolve"
    assert world.post(path, {"action": "override", **WHY}).json["errors"].keys() == {"override"}

    answer = world.post(path, {"action": "override", **decision("not_covered")})

    assert (answer.status_code, answer.json["state"]) == (200, "ad_hoc_open")
    assert world.get(f"/jobs/{answer.json['job_id']}").json["state"] == "awaiting_approval"


@pytest.mark.parametrize(
    ("verdict", "parts", "labour"),
    [
        ("covered", "ours", None),
        ("partly_covered", None, "ours"),
        ("not_covered", "ours", None),
        ("covered", "theirs", "ours"),
    ],
)
def test_a_verdict_names_what_it_says_and_coverages_of_the_unit(
    world: World, verdict: str, parts: Any, labour: Any
) -> None:
    coverages = {"ours": ended_agreement(world), "theirs": world.theirs.coverage, None: None}
    made = world.report(serial_number=world.ours.bare_serial)

    answer = decide(world, made, decision(verdict, coverages[parts], coverages[labour]))

    assert answer.status_code == 422
    assert next(iter(answer.json["errors"])).startswith("override")


def test_needs_review_is_no_verdict_of_a_person(world: World) -> None:
    made = world.report(serial_number=world.ours.bare_serial)

    assert decide(world, made, decision("needs_review")).status_code == 422


@pytest.mark.parametrize("role", [Role.TECHNICIAN, Role.BILLING, Role.AUDITOR])
def test_only_who_decides_overrides(world: World, role: Role) -> None:
    assert (
        decide(world, world.report(serial_number=world.ours.bare_serial), decision("not_covered"), role).status_code
        == 403
    )


def test_an_override_is_kept_with_its_reason_and_by_whom(world: World) -> None:
    made = world.report(serial_number=world.ours.bare_serial)

    decide(world, made, decision("not_covered"))

    with world.runtime.database.read(db.EVERYBODY) as session:
        stored = session.scalars(select(StoredVerdict).order_by(StoredVerdict.id)).all()
    assert [row.why for row in stored] == ["first decision", "contract_reading: Clause 7."]
    assert stored[-1].decided_by == people.actor_of(world.users[Role.SERVICE_MANAGER])
