"""What a case owes before it closes: every debt is named, and nothing is closed that owes one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.desk import Desk
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import (
    FaultState,
    RmaState,
    ShipmentDirection,
    ShipmentState,
    SwapState,
)
from warranty.models import Fault, Rma
from warranty.services import moves, owed, rmas, shipments
from warranty.services.moves import Because, IllegalMove
from warranty.services.owed import Closing, Owes
from warranty.services.shipments import Parcel

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BECAUSE = Because("user:1", "as it was", NOW)


@pytest.fixture
def desk(shared_runtime: Runtime) -> Desk:
    desk = Desk(shared_runtime, vendor="manual")
    desk.report()
    return desk


def the(session: Session, desk: Desk) -> tuple[Fault, Rma]:
    return session.get_one(Fault, desk.fault().id), session.get_one(Rma, desk.rma().id)


def codes(session: Session, fault: Fault, closing: Closing = Closing.CASE) -> list[str]:
    return [debt.code for debt in owed.owed(session, fault, closing)]


def test_a_case_closes_when_it_works_again_and_owes_nothing(desk: Desk) -> None:
    say = {"reason": "it is so", "now": NOW}
    with desk.session() as session:
        fault, rma = the(session, desk)
        rmas.transition(session, desk.runtime, OPERATOR, rma, RmaState.AUTHORIZED, rma_number="R-1", **say)
        due = shipments.add(session, OPERATOR, rma, ShipmentDirection.TO_VENDOR, Parcel(), **say)
        assert codes(session, fault) == ["claim_runs", "swap_runs", "return_open"]
        with pytest.raises(Owes, match="has not been sent back"):
            rmas.transition(session, desk.runtime, OPERATOR, rma, RmaState.CLOSED, **say)
        with pytest.raises(IllegalMove, match="closed comes after service_restored or verified"):
            owed.close(session, OPERATOR, fault, **say)

        swap = session.scalars(owed.swaps_of(fault)).one()
        moves.walk(session, swap, [SwapState.RECEIVED, SwapState.INSTALLED, SwapState.VERIFIED], BECAUSE)
        moves.walk(session, fault, [FaultState.SERVICE_RESTORED, FaultState.VERIFIED], BECAUSE)
        with pytest.raises(Owes) as refused:
            owed.close(session, OPERATOR, fault, **say)
        assert [debt.code for debt in refused.value.debts] == ["claim_runs", "swap_runs", "return_open"]
        assert "R-1 still runs" in str(refused.value)

        shipments.move(session, OPERATOR, due, ShipmentState.IN_TRANSIT, Parcel("DHL", "1Z9"), **say)
        rmas.transition(session, desk.runtime, OPERATOR, rma, RmaState.CLOSED, **say)
        moves.move(session, swap, SwapState.DONE, BECAUSE)
        owed.close(session, OPERATOR, fault, **say)
    assert desk.fault().state is FaultState.CLOSED
