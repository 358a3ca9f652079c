"""What needs a person: every kind has its rule, the most urgent stands first, and the sums are those of the rows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from tests import factories
from warranty import db
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import JobState
from warranty.models import AdHocJob, Fault, HumanTask, Rma, VendorAccount
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import board, charts, reviews, work
from warranty.services.board import Clock, Filters, OtherKind, Whose
from warranty.services.moves import Because

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime


def clock(session: Session, user_id: int | None = None) -> Clock:
    """A reader in UTC at this moment."""
    now = db.now(session)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Clock(now, midnight + timedelta(days=1), midnight + timedelta(days=8), user_id)


def ask(session: Session, fault: Fault, kind: TaskKind, since: datetime) -> HumanTask:
    """Put a case before a person at some time."""
    task = reviews.ask(session, fault, kind, "why", Because("system:test", "why", since))
    session.flush()
    return task


def fault_of(session: Session, runtime: Runtime, ref: str) -> Fault:
    """A fault of a unit whose product costs 500.00 EUR."""
    client = factories.make_client(session)
    product = factories.make_product(session, list_price_minor=50_000)
    asset = factories.make_asset(session, client, product=product)
    factories.make_coverage(session, asset)
    return factories.make_fault(
        session, runtime, OPERATOR, now=db.now(session), asset_id=asset.public_id, component_ref=ref
    ).fault


def nothing_waits(session: Session, at: Clock) -> None:
    """Settle all that the reports have left to people."""
    session.execute(update(HumanTask).values(resolved_at=at.now))
    session.execute(update(AdHocJob).values(state=JobState.APPROVED))


def test_every_kind_of_task_has_a_rule_that_says_who_does_what_until_when() -> None:
    assert set(TaskKind) <= set(board.RULES)
    for kind, rule in board.RULES.items():
        assert rule.sentence, kind
        assert rule.action, kind
        assert 0 <= rule.urgent_hours <= rule.hours, kind


def test_what_is_late_stands_first_and_each_row_is_counted_where_it_stands(runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        at = clock(session)
        fault, other = fault_of(session, runtime, "a"), fault_of(session, runtime, "b")
        nothing_waits(session, at)
        note = ask(session, other, TaskKind.VENDOR_NOTE, at.now)
        silent = ask(session, fault, TaskKind.SILENT, at.now - timedelta(days=2))
        grave = ask(session, fault, TaskKind.DENIED, at.now - timedelta(hours=9))
        fault.severity = 1
        session.flush()

        found = board.items(session, Filters(), at)
        tallies = board.tallies(session, Filters(), at)

        assert [item.key for item in found] == [silent.public_id, grave.public_id, note.public_id]
        assert [item.due_at for item in found] == [
            silent.created_at + timedelta(hours=2),
            grave.created_at + timedelta(hours=8),
            note.created_at + timedelta(hours=24),
        ]
        assert [item.minor for item in found] == [50_000, 50_000, None]
        assert sum(one.count for one in tallies) == board.open_now(session, at.now) == len(found)
        late = [one for one in tallies if one.group == 0]
        assert {one.kind: (one.count, one.minor, one.currency) for one in late} == {
            TaskKind.SILENT: (1, 50_000, "EUR"),
            TaskKind.DENIED: (1, 50_000, "EUR"),
        }
        rest = board.items(session, Filters(), at, after=found[0].place)
        assert [item.key for item in rest] == [item.key for item in found[1:]]
        assert board.items(session, Filters(), at, until=at.now - timedelta(days=1)) == found[:1]


def test_the_board_is_filtered_by_kind_client_vendor_and_who_looks_after_a_case(runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        user = factories.make_user(session)
        at = clock(session, user.id)
        fault, other = fault_of(session, runtime, "a"), fault_of(session, runtime, "b")
        nothing_waits(session, at)
        mine, nobodys = (ask(session, one, TaskKind.ATTENTION, at.now) for one in (fault, other))
        fault.owner_id = user.id
        account = factories.make_account(session, runtime)
        rma = session.scalars(select(Rma).where(Rma.fault_id == other.id)).one()
        rma.account_id, nobodys.rma_id = account.id, rma.id
        session.flush()
        client = board.items(session, Filters(), at)[0].client
        assert client is not None

        def keys(**filters: object) -> set[object]:
            return {item.key for item in board.items(session, Filters(**filters), at)}  # type: ignore[arg-type]  # they are named as there

        assert keys(owner=Whose.ME) == keys(owner=user.public_id) == {mine.public_id}
        assert keys(owner=Whose.NOBODY) == keys(vendor=account.public_id) == {nobodys.public_id}
        assert len(keys(client=client.public_id)) == 1
        assert keys(kind=TaskKind.ATTENTION) == keys() == {mine.public_id, nobodys.public_id}
        assert keys(kind=TaskKind.SILENT) == set()
        names = board.choices(session, at.now)
        assert (account.public_id, account.name) in names.vendors
        assert user.public_id in {key for key, _ in names.owners}


def test_look_ups_that_fail_are_one_row_an_account_until_they_go_on(runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        at = clock(session)
        account: VendorAccount = factories.make_account(session, runtime)
        for _ in range(3):
            order = work.add(session, OrderKind.LOOK_UP, now=at.now, account_id=account.id)
            order.status = OrderStatus.PARKED
        session.flush()

        [row] = board.items(session, Filters(kind=OtherKind.LOOK_UP), at)
        assert (row.key, row.units, row.account) == (account.public_id, 3, account)

        work.rearm(session, account.id)
        assert board.items(session, Filters(kind=OtherKind.LOOK_UP), at) == []


def test_the_figures_count_what_is_open_what_came_in_and_what_vendors_took(runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        now = db.now(session)
        fault = fault_of(session, runtime, "a")
        rma = session.scalars(select(Rma).where(Rma.fault_id == fault.id)).one()
        rma.created_at = now - timedelta(days=4)
        ask(session, fault, TaskKind.SILENT, now)
        session.flush()

        found = charts.read(session, now=now, weeks=[now - timedelta(days=7), now - timedelta(days=1)], quarter=now)

        assert found.ages == ((0, 0), (1, 1), (0, 0), (0, 0), (0, 0))
        assert found.open_rmas == 1
        assert [dict(week) for week in found.weeks] == [{}, {"rma": 1}]
        assert found.avoided == found.billed == found.answers == ()
