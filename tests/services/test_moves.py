"""The one writer of states: by the table, against the state that was read, and never without a row that says why."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tests.desk import Desk
from warranty import db
from warranty.domain.lifecycles import FaultState, JobState, RmaState, SwapKind, SwapSource, SwapState
from warranty.domain.terms import Component, Route
from warranty.models import AdHocJob, AuditRow, Fault, Rma, Swap
from warranty.services import moves, references
from warranty.services.moves import Because, IllegalMove, Raced

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BECAUSE = Because("user:1", "as the vendor said", NOW, vendor_status="20")


@pytest.fixture
def desk(shared_runtime: Runtime) -> Desk:
    desk = Desk(shared_runtime)
    desk.report()
    return desk


def rma_of(session: Session, desk: Desk) -> Rma:
    return session.get_one(Rma, desk.rma().id)


def test_a_move_changes_the_state_and_leaves_a_row(desk: Desk) -> None:
    with desk.session() as session:
        rma = rma_of(session, desk)
        moves.move(session, rma, RmaState.UNDER_REVIEW, BECAUSE)
        assert rma.state is RmaState.UNDER_REVIEW

    assert desk.rma().state is RmaState.UNDER_REVIEW
    with desk.session() as session:
        row = session.scalars(
            select(AuditRow)
            .where(AuditRow.record == "rma", AuditRow.record_id == desk.rma().id)
            .order_by(AuditRow.id.desc())
        ).first()
    assert row is not None
    assert (row.old_state, row.new_state, row.actor, row.reason, row.at, row.vendor_status, row.fault_id) == (
        "submitted",
        "under_review",
        "user:1",
        "as the vendor said",
        NOW,
        "20",
        desk.fault().id,
    )


def test_a_move_that_the_table_has_not_is_refused_and_leaves_nothing(desk: Desk) -> None:
    with desk.session() as session:
        rma = rma_of(session, desk)
        with pytest.raises(IllegalMove, match="submitted to closed is no move"):
            moves.move(session, rma, RmaState.CLOSED, BECAUSE)
        assert rma.state is RmaState.SUBMITTED

    assert [new for _, new, _ in desk.moves("rma")] == ["draft", "submitted"]


def test_a_walk_with_one_wrong_step_takes_none(desk: Desk) -> None:
    with desk.session() as session:
        rma = rma_of(session, desk)
        with pytest.raises(IllegalMove):
            moves.walk(session, rma, [RmaState.UNDER_REVIEW, RmaState.EXPIRED], BECAUSE)

    assert desk.rma().state is RmaState.SUBMITTED


def test_a_walk_says_which_of_its_steps_are_implied(desk: Desk) -> None:
    with desk.session() as session:
        path = [RmaState.UNDER_REVIEW, RmaState.INFO_REQUIRED]
        moves.walk(session, rma_of(session, desk), path, BECAUSE, implied=1)

    assert desk.moves("rma")[2:] == [
        ("submitted", "under_review", "implied"),
        ("under_review", "info_required", "as the vendor said"),
    ]


def test_of_two_who_read_the_same_state_one_moves_it(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime)
    desk.report()
    read = threading.Barrier(2)
    ends: list[str] = []

    def move(to: RmaState) -> None:
        with shared_runtime.database.read(db.EVERYBODY) as session:
            rma = rma_of(session, desk)
        read.wait()
        try:
            with shared_runtime.database.begin(db.EVERYBODY) as session:
                moves.move(session, session.merge(rma, load=False), to, BECAUSE)
        except Raced:
            ends.append("raced")
        else:
            ends.append("moved")

    threads = [threading.Thread(target=move, args=(to,)) for to in (RmaState.UNDER_REVIEW, RmaState.MANUAL_HANDLING)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(ends) == ["moved", "raced"]
    assert len(desk.moves("rma")) == 3


def test_what_is_rolled_back_leaves_no_row(desk: Desk) -> None:
    def move_and_fail() -> None:
        with desk.session() as session:
            moves.move(session, rma_of(session, desk), RmaState.UNDER_REVIEW, BECAUSE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        move_and_fail()

    assert desk.rma().state is RmaState.SUBMITTED
    assert len(desk.moves("rma")) == 2


def test_a_note_moves_nothing(desk: Desk) -> None:
    with desk.session() as session:
        moves.note(session, rma_of(session, desk), "vendor_word", BECAUSE, detail={"word": "25"})

    with desk.session() as session:
        row = session.scalars(
            select(AuditRow).where(AuditRow.action == "vendor_word", AuditRow.record_id == desk.rma().id)
        ).one()
    assert (row.old_state, row.new_state, row.detail) == (None, None, {"word": "25"})


def test_an_rma_that_ends_lets_go_of_its_component(desk: Desk) -> None:
    with desk.session() as session:
        moves.move(session, rma_of(session, desk), RmaState.CANCELLED, BECAUSE)

    rma = desk.rma()
    assert (rma.is_open, rma.case_closed_at) == (False, NOW)


@pytest.mark.parametrize("state", [RmaState.DENIED, RmaState.OUTCOME_UNKNOWN, RmaState.MANUAL_HANDLING])
def test_an_rma_that_somebody_still_looks_at_holds_its_component(desk: Desk, state: RmaState) -> None:
    with desk.session() as session:
        moves.move(session, rma_of(session, desk), state, BECAUSE)

    assert (desk.rma().is_open, desk.rma().case_closed_at) == (True, None)


def test_a_verified_swap_lets_go_of_the_component_though_return_and_invoice_run_on(desk: Desk) -> None:
    with desk.session() as session:
        rma = rma_of(session, desk)
        rma.rma_number = "RMA1"
        moves.move(session, rma, RmaState.AUTHORIZED, BECAUSE)
        swap = Swap(
            client_id=rma.client_id,
            rma_id=rma.id,
            kind=SwapKind.PART,
            source=SwapSource.VENDOR,
            state=SwapState.PLANNED,
        )
        session.add(swap)
        session.flush()
        moves.walk(session, swap, [SwapState.RECEIVED, SwapState.INSTALLED, SwapState.VERIFIED], BECAUSE)
        assert (rma.is_open, rma.case_closed_at) == (False, NOW)

    assert (desk.rma().state, desk.rma().is_open) == (RmaState.AUTHORIZED, False)
    assert desk.fault().case_closed_at == NOW
    again = desk.report()
    assert again.verdict.route is Route.RMA


def test_a_job_that_is_over_lets_go_of_its_component(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, covered=False)
    desk.report()
    with desk.session() as session:
        job = session.get_one(AdHocJob, desk.jobs()[0].id)
        path = [JobState.AWAITING_APPROVAL, JobState.DECLINED]
        moves.walk(session, job, path, BECAUSE)
        moves.move(session, session.get_one(Fault, desk.fault().id), FaultState.CLOSED, BECAUSE)

    assert desk.jobs()[0].case_closed_at == NOW
    assert desk.report().verdict.route is Route.AD_HOC


def test_a_fault_that_is_opened_again_holds_its_component_again(desk: Desk) -> None:
    with desk.session() as session:
        fault = session.get_one(Fault, desk.fault().id)
        moves.move(session, fault, FaultState.CLOSED, BECAUSE)
        assert fault.case_closed_at == NOW
        moves.move(session, fault, FaultState.REOPENED, BECAUSE)

    assert desk.fault().case_closed_at is None


def test_the_database_itself_refuses_a_second_open_rma_of_a_component(desk: Desk) -> None:
    rma = desk.rma()
    second: dict[str, Any] = {
        column.name: getattr(rma, column.name)
        for column in Rma.__table__.columns
        if column.name not in {"id", "public_id", "client_reference"}
    }

    def add(**different: Any) -> None:
        with desk.session() as session:
            session.add(Rma(client_reference=references.make("WR"), **second | different))

    with pytest.raises(IntegrityError):
        add()
    add(component_ref="bay 9")
    add(component=Component.PSU)
    add(is_open=False)
