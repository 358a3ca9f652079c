"""Vendors are asked at once where claims stand, by the workers; what cannot be asked is said, and the others are asked."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from tests.cli.conftest import Shell, table
from tests.desk import Desk
from vendors.sandbox import Twin
from warranty.domain.lifecycles import RmaState
from warranty.models import Outbox, Rma
from warranty.models.work import OrderKind, OrderStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warranty.runtime import Runtime


@pytest.fixture
def desk(runtime: Runtime) -> Iterator[Desk]:
    """A claim that its vendor has approved, and not told us so yet."""
    with Twin("servicenow") as twin:
        made = Desk(runtime, twin)
        made.report()
        made.perform(OrderKind.SEND_RMA)
        twin.move(twin.opened[0]["number"], state="approved")
        yield made


def change(desk: Desk, **values: object) -> None:
    with desk.session() as session:
        rma = session.get_one(Rma, desk.rma().id)
        for name, value in values.items():
            setattr(rma, name, value)


@pytest.mark.parametrize("name", ["client_reference", "vendor_case_number", "rma_number", "fault", "public_id"])
def test_a_claim_is_asked_for_by_any_of_its_names_and_heard_before_its_turn(
    warranty: Shell, desk: Desk, name: str
) -> None:
    change(desk, rma_number="RMA-OLD")
    said = desk.fault().reference if name == "fault" else getattr(desk.rma(), name)

    given = warranty.gives("track", said)
    desk.perform(OrderKind.READ_CASES)

    assert (given["asked"], given["left_out"]) == (1, [])
    assert given["rmas"][0]["client_reference"] == desk.rma().client_reference
    assert desk.rma().state is RmaState.AUTHORIZED


def test_all_are_asked_for_with_one_order_an_account_however_often_somebody_asks(warranty: Shell, desk: Desk) -> None:
    assert warranty.gives("track", "--all")["asked"] == 1
    assert warranty.says("track", "--all") == "Claims that are asked for: 1.\n"

    assert len(desk.orders(OrderKind.READ_CASES)) == 1


def test_who_waits_sees_what_the_vendor_answered(warranty: Shell, desk: Desk) -> None:
    def work_soon() -> None:
        while not desk.orders(OrderKind.READ_CASES):
            pass
        desk.perform(OrderKind.READ_CASES)

    worker = threading.Thread(target=work_soon)
    with capture_logs():  # the worker is no process of its own here, and would log into what the command says
        worker.start()
        said = warranty.says("track", desk.rma().client_reference, "--wait")
        worker.join()

    assert table(said.partition("\n")[2])[0]["state"] == "authorized"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"state": RmaState.CLOSED}, "is closed: its vendor is not asked any more"),
        ({"account_id": None}, "has no vendor account: enter by hand"),
        ({"vendor_case_number": None}, "has no case number at"),
    ],
)
def test_what_cannot_be_asked_for_is_said_with_what_to_do(
    warranty: Shell, desk: Desk, values: dict[str, object], why: str
) -> None:
    change(desk, **values)
    done = warranty("track", desk.rma().client_reference)

    assert done.exit_code == 1
    assert why in done.stderr
    assert desk.orders(OrderKind.READ_CASES) == []


def test_an_account_that_has_to_be_mended_is_named_and_nobody_waits_for_it(warranty: Shell, desk: Desk) -> None:
    warranty("track", "--all")
    with desk.session() as session:
        session.scalars(select(Outbox).where(Outbox.kind == OrderKind.READ_CASES)).one().status = OrderStatus.PARKED

    done = warranty("track", desk.rma().client_reference)
    assert done.exit_code == 1
    assert "has to be mended" in done.stderr

    everything = warranty("track", "--all", "--wait")
    assert (everything.exit_code, "has to be mended" in everything.stderr) == (1, True)


def test_nobody_is_asked_for_a_claim_that_is_not_there(warranty: Shell, desk: Desk) -> None:
    assert "There is no claim 'WR-X': `warranty rma list` shows which there are." in warranty.refuses(
        "track", desk.rma().client_reference, "WR-X"
    )
    assert desk.orders(OrderKind.READ_CASES) == []
    assert "Name claims, or say --all." in warranty.refuses("track", status=2)
    assert "Name claims, or say --all." in warranty.refuses("track", "WR-X", "--all", status=2)


def test_the_list_of_accounts_and_the_doctor_say_how_a_vendor_is_heard(warranty: Shell, desk: Desk) -> None:
    with desk.session() as session:
        account = session.merge(desk.account())
        account.pushes_refused, account.push_refused_at = 3, desk.rma().heard_at

    [row] = table(warranty.says("vendor", "list"))
    said = warranty("doctor").stdout

    assert (row["unapplied"], row["pushes_refused"]) == ("0", "3")
    assert row["heard_at"] != "-"
    assert "last said something new 0.0 hours ago" in said
    assert "3 pushes did not prove that the vendor sent them" in said
