"""Which units vendors are asked about: what somebody names, once each, and by itself what would grow stale, a little at a time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select, update

from tests import factories
from tests.desk import let_pass
from vendors.contract import Entitlement, Listed, Unit
from warranty import db
from warranty.domain.terms import AssetState
from warranty.models import Asset, Client, Outbox, VendorAccount
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import entitlements, refresh, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warranty.runtime import Runtime

NOW = datetime.now(UTC)
BECAUSE = Because("system:test", "asked", NOW)
DELL: dict[str, Any] = {
    "secrets": {"client_id": "us", "client_secret": "them"},
    "manufacturers": ["Acme"],
    "duties": ["lookup"],
}


class Estate:
    """A client with units of one maker, and an account that looks them up."""

    def __init__(self, runtime: Runtime, units: int = 0) -> None:
        self.runtime = runtime
        with self.session() as session:
            self.client = factories.make_client(session)
            self.product = factories.make_product(session)
            self.account = factories.make_account(session, runtime, "dell", **DELL)
        self.units = [self.add() for _ in range(units)]

    def session(self) -> Any:
        return self.runtime.database.begin(db.EVERYBODY)

    def add(self, *, asked_days_ago: float | None = None, error: str | None = None, **facts: Any) -> Asset:
        """A unit, and when its vendor was last asked about it."""
        with self.session() as session:
            unit = factories.make_asset(session, self.client, **{"product": self.product} | facts)
            if asked_days_ago is not None:
                unit.lookup_at = NOW - timedelta(days=asked_days_ago)
                unit.lookup_error = error
        return unit

    def cover(self, unit: Asset, *, ends_in_days: int) -> None:
        """Let the vendor list one line for a unit, which does not change when it was last asked."""
        day = NOW.date() + timedelta(days=ends_in_days)
        line = Entitlement(
            *("1", "manufacturer_warranty", "vendor_rma", "next_business_day", "on_site", ("parts",)),
            *(date(2020, 1, 1), day, "UTC", "", ""),
        )
        with self.session() as session:
            answer = Listed(Unit(unit.serial_number), (line,))
            entitlements.keep(session, {unit.id: answer}, account=self.account, now=unit.lookup_at or NOW)

    def ask(self, *units: Asset, **facts: Any) -> refresh.Asked:
        with self.session() as session:
            serials = [unit.serial_number for unit in units]
            given = {"client": None, "because": BECAUSE} | facts
            return refresh.ask_named(session, self.runtime, serials, **given)

    def ask_stale(self, stale_days: int | None = None) -> refresh.Asked:
        with self.session() as session:
            return refresh.ask_stale(session, self.runtime, client=self.client, stale_days=stale_days, because=BECAUSE)

    def orders(self) -> list[Outbox]:
        with self.session() as session:
            return list(session.scalars(select(Outbox).where(Outbox.kind == OrderKind.LOOK_UP).order_by(Outbox.id)))

    def ordered(self) -> list[int]:
        """The units that are to be asked about, in the order in which they are."""
        return [id_ for order in self.orders() for id_ in order.payload["assets"]]

    def turn(self) -> list[int]:
        """Let the rhythm come round; the units that were ordered by it."""
        before = len(self.ordered())
        for _ in range(2):  # the first turn there ever is comes after a whole rhythm
            let_pass(self.runtime, refresh.RHYTHM_S + 1)
            with self.session() as session:
                refresh.order_due(session, self.runtime)
        return self.ordered()[before:]


def ids(units: Sequence[Asset]) -> list[int]:
    return [unit.id for unit in units]


# --- what somebody wants ---


def test_units_are_ordered_in_the_vendors_batches_and_how_far_it_is_can_be_seen(runtime: Runtime) -> None:
    estate = Estate(runtime, units=130)
    asked = estate.ask(*estate.units)

    assert [len(order.payload["assets"]) for order in estate.orders()] == [100, 30]
    assert asked.by_account == {estate.account.name: 130}
    with estate.session() as session:
        how = refresh.progress(session, asked.run)
    assert (how.units, how.waiting, how.answered, how.is_over) == (130, 130, 0, False)


def test_a_unit_that_is_named_twice_or_ordered_already_is_ordered_once(runtime: Runtime) -> None:
    estate = Estate(runtime, units=3)
    first, second, third = estate.units
    estate.ask(first, first, second)

    again = estate.ask(second, third)

    assert estate.ordered() == ids(estate.units)
    assert again.already == 1
    assert again.run.units == 2
    assert set(again.run.orders.values()) == {1}


def test_who_cannot_be_asked_about_is_named_and_why(runtime: Runtime) -> None:
    estate = Estate(runtime, units=1)
    nameless = estate.add(product=None)
    with estate.session() as session:
        other = factories.make_product(session, "Nobody's")
    unserved = estate.add(product=other)
    with estate.session() as session:
        asked = refresh.ask_named(
            session,
            runtime,
            ["nowhere", *(unit.serial_number for unit in (*estate.units, nameless, unserved))],
            client=None,
            because=BECAUSE,
        )

    assert [(one.serial_number, one.why) for one in asked.left_out] == [
        ("nowhere", "No unit has this serial number."),
        (nameless.serial_number, "Its product is not known, so no vendor can be asked: say what it is."),
        (unserved.serial_number, "No vendor account looks up units of Nobody's: add one."),
    ]
    assert estate.ordered() == ids(estate.units)

    with estate.session() as session:
        session.execute(update(VendorAccount).values(switched_off_at=NOW))
    (off,) = estate.ask(estate.units[0]).left_out
    assert off.why == f"The account {estate.account.name} is switched off: switch it on to ask."


def test_a_clients_own_account_is_asked_about_its_units_and_the_general_one_about_the_others(runtime: Runtime) -> None:
    estate, other = Estate(runtime, units=1), Estate.__new__(Estate)
    with estate.session() as session:
        client = factories.make_client(session)
        own = factories.make_account(session, runtime, "dell", client=client, **DELL)
    other.runtime, other.client, other.product = runtime, client, estate.product
    theirs = other.add()

    assert set(estate.turn()) == {estate.units[0].id, theirs.id}
    assert {order.account_id: order.payload["assets"] for order in estate.orders()} == {
        estate.account.id: [estate.units[0].id],
        own.id: [theirs.id],
    }


@pytest.mark.parametrize(("stale_days", "found"), [(0, "nfos"), (7, "nfo"), (None, "nf"), (60, "nf")])
def test_all_that_are_stale_are_ordered_by_days_or_by_policy(
    runtime: Runtime, stale_days: int | None, found: str
) -> None:
    estate = Estate(runtime)
    by_letter = {
        "n": estate.add(),
        "f": estate.add(asked_days_ago=1, error="down"),
        "o": estate.add(asked_days_ago=20),
        "s": estate.add(asked_days_ago=2),
    }
    estate.add(asked_days_ago=300, state=AssetState.IN_SERVICE, product=None)
    with estate.session() as session:
        session.execute(update(Asset).where(Asset.id == estate.add().id).values(state=AssetState.DISPOSED))

    asked = estate.ask_stale(stale_days)

    assert estate.ordered() == [by_letter[letter].id for letter in found]
    assert asked.without_account == 1


def test_a_run_is_over_when_its_orders_are_and_counts_what_became_of_them(runtime: Runtime) -> None:
    estate = Estate(runtime, units=250)
    asked = estate.ask(*estate.units)
    done, parked, dead = (order.id for order in estate.orders())

    def end(order_id: int, status: OrderStatus, **payload: Any) -> refresh.Progress:
        with estate.session() as session:
            order = work.claim(session, order_id, lease_s=60)
            assert order is not None
            work.end(session, order, status, error=f"{status}!", payload=order.payload | payload)
            return refresh.progress(session, asked.run)

    assert end(done, OrderStatus.DONE, assets=[], failed=3).is_over is False
    end(parked, OrderStatus.PARKED, assets=ids(estate.units[100:110]))
    how = end(dead, OrderStatus.DEAD)

    assert how == refresh.Progress(250, 187, 53, 0, 10, ("parked!", "dead!"))
    assert how.is_over


# --- what is due by itself ---


def test_never_asked_comes_first_then_cover_that_ends_soon_then_the_stalest_then_what_failed(runtime: Runtime) -> None:
    estate = Estate(runtime)
    failed = estate.add(asked_days_ago=2, error="down")
    stale = estate.add(asked_days_ago=25)
    stalest = estate.add(asked_days_ago=29)
    soon = estate.add(asked_days_ago=8)
    estate.cover(soon, ends_in_days=20)
    sooner = estate.add(asked_days_ago=8)
    estate.cover(sooner, ends_in_days=3)
    never = estate.add()
    for fresh in (estate.add(asked_days_ago=6), estate.add(asked_days_ago=23)):
        estate.cover(fresh, ends_in_days=20 if fresh.lookup_at > NOW - timedelta(days=7) else 400)
    estate.add(asked_days_ago=0.5, error="down")

    assert estate.turn() == ids([never, sooner, soon, stalest, stale, failed])


def test_evidence_is_renewed_before_its_own_clients_policy_takes_it_no_more(runtime: Runtime) -> None:
    estate = Estate(runtime)
    with estate.session() as session:
        strict = session.get_one(Client, estate.client.id)
        strict.policy = strict.policy | {"evidence_freshness_days": 5}
        lenient = factories.make_client(session)
    due, fresh = estate.add(asked_days_ago=4.5), estate.add(asked_days_ago=3.5)
    estate.client = lenient
    estate.add(asked_days_ago=4.5)

    assert estate.turn() == [due.id]
    assert fresh.id not in estate.ordered()


def test_a_turn_is_bounded_and_an_account_has_one_series_at_a_time(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh, "PER_TURN", 4)
    estate = Estate(runtime, units=6)

    assert len(estate.turn()) == 4
    assert estate.turn() == []  # the first four still wait

    with estate.session() as session:
        session.execute(update(Outbox).values(status=OrderStatus.PARKED))
    assert estate.turn() == []  # for somebody to mend the account

    asked = estate.ordered()
    with estate.session() as session:
        session.execute(update(Outbox).values(status=OrderStatus.DONE))
        session.execute(update(Asset).where(Asset.id.in_(asked)).values(lookup_at=NOW))
    assert set(estate.turn()) == set(ids(estate.units)) - set(asked)


def test_a_turn_costs_the_same_few_statements_whatever_there_is(runtime: Runtime) -> None:
    estate, counts = Estate(runtime), []
    estate.turn()
    for number in (2, 40):
        for _ in range(number):
            estate.add(asked_days_ago=25)
        let_pass(runtime, refresh.RHYTHM_S + 1)
        seen: list[str] = []

        def count(*args: Any, seen: list[str] = seen) -> None:
            seen.append(args[2])

        event.listen(runtime.database.engine, "before_cursor_execute", count)
        with estate.session() as session:
            refresh.order_due(session, runtime)
        event.remove(runtime.database.engine, "before_cursor_execute", count)
        counts.append(len(seen))
        with estate.session() as session:
            session.execute(update(Outbox).values(status=OrderStatus.DONE))

    assert counts[0] == counts[1] <= 20
