"""Return or be billed: the clock begins by itself, the vendor's own day wins, somebody is reminded, and money is accounted for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from tests import factories
from tests.desk import Desk
from vendors.contract import VendorCase, VendorStatus
from warranty.domain.access import OPERATOR
from warranty.domain.headline import Headline, Side
from warranty.domain.lifecycles import RmaState, ShipmentDirection, ShipmentState
from warranty.domain.media import MediaType
from warranty.domain.returns import Basis, Blame, CostKind, Holder
from warranty.domain.terms import Party, Role
from warranty.models import (
    Asset,
    CaseCost,
    Client,
    Fault,
    File,
    Mail,
    Person,
    Product,
    Rma,
    Shipment,
    Site,
    VendorAccount,
)
from warranty.models.files import FiledUnder
from warranty.models.mail import Told
from warranty.services import hearing, news, owed, returns, rmas, shipments, standings
from warranty.services.estate import Invalid
from warranty.services.moves import Because, IllegalMove
from warranty.services.returns import Certificate, Cost, Filters, Plan
from warranty.services.shipments import Parcel

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime

SHIPPED = datetime(2026, 6, 2, 22, 30, tzinfo=UTC)  # Wed 3 Jun, 00:30 in Berlin
RULE = {"return_days": "10", "return_starts": "shipment"}
TEN_DAYS = date(2026, 6, 13)  # 3 + 10, a Saturday: to be handed over on Fri 12


@pytest.fixture
def desk(shared_runtime: Runtime) -> Desk:
    """A claim that its vendor approved, at a site in Berlin."""
    desk = Desk(shared_runtime, vendor="manual", options=RULE)
    desk.report()
    with desk.session() as session:
        asset = session.get_one(Asset, desk.asset_key())
        site = session.get_one(Site, asset.site_id)
        site.time_zone, site.address = "Europe/Berlin", {"country": "DE", "state": "BE"}
        product = session.get_one(Product, asset.product_id)
        product.list_price_minor, product.currency = 120_000, "EUR"
        say = {"reason": "by telephone", "now": SHIPPED}
        rmas.transition(
            session, desk.runtime, OPERATOR, the_rma(session, desk), RmaState.AUTHORIZED, rma_number="R-1", **say
        )
    return desk


def the_rma(session: Session, desk: Desk) -> Rma:
    return session.get_one(Rma, desk.rma().id)


def because(reason: str = "as it was") -> Because:
    return Because("user:1", reason, SHIPPED)


def ship(session: Session, desk: Desk) -> None:
    """The replacement is on its way."""
    parcel = parcels(session, desk, ShipmentDirection.TO_US)[0]
    shipments.move(session, OPERATOR, parcel, ShipmentState.IN_TRANSIT, Parcel(), reason="mail", now=SHIPPED)


def parcels(session: Session, desk: Desk, direction: ShipmentDirection) -> list[Shipment]:
    which = select(Shipment).where(Shipment.rma_id == desk.rma().id, Shipment.direction == direction)
    return list(session.scalars(which))


def begun(session: Session, desk: Desk) -> Shipment:
    """A return whose clock runs."""
    ship(session, desk)
    returns.watch(session, desk.runtime, the_rma(session, desk), now=SHIPPED)
    [parcel] = parcels(session, desk, ShipmentDirection.TO_VENDOR)
    return parcel


def send(session: Session, parcel: Shipment, proof: Parcel) -> None:
    shipments.move(session, OPERATOR, parcel, ShipmentState.IN_TRANSIT, proof, reason="handed over", now=SHIPPED)


def item_of(session: Session, parcel: Shipment) -> returns.Item:
    session.flush()
    [item] = returns.of_parcels(session, [parcel])
    return item


def a_file(session: Session, record: Any, under: FiledUnder = FiledUnder.FAULT) -> File:
    made = File(
        client_id=record.client_id, record=under, record_id=record.id, name="paper.pdf", media_type=MediaType.PDF, size=1,
        digest=uuid4().hex, key=uuid4().hex, has_thumbnail=False, for_client=False, uploaded_by="user:1",
        uploaded_at=SHIPPED,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


# --- the clock ---


def test_the_clock_begins_with_what_the_rule_says_and_counts_where_the_unit_is(desk: Desk) -> None:
    with desk.session() as session:
        rma = the_rma(session, desk)
        returns.watch(session, desk.runtime, rma, now=SHIPPED)
        assert parcels(session, desk, ShipmentDirection.TO_VENDOR) == []  # nothing was shipped yet

        parcel = begun(session, desk)
        assert (parcel.state, parcel.due_on) == (ShipmentState.DUE, TEN_DAYS)
        item = item_of(session, parcel)
        assert item.basis is Basis.RULE
        assert item.exposure == (120_000, "EUR")
        assert item.known is not None
        assert item.known.send_by == date(2026, 6, 12)
        assert item.known.basis is not None
        assert (item.known.basis["started_on"], item.known.basis["region"]) == ("2026-06-03", "DE-BE")

        returns.watch(session, desk.runtime, rma, now=SHIPPED)
        assert len(parcels(session, desk, ShipmentDirection.TO_VENDOR)) == 1


def test_the_day_that_the_vendor_names_wins_and_both_are_kept(desk: Desk) -> None:
    with desk.session() as session:
        parcel = begun(session, desk)
        account, rma = session.get_one(VendorAccount, desk.account_id), the_rma(session, desk)
        word = VendorCase("C1", VendorStatus.RETURN_DUE, "return", return_due_on=date(2026, 6, 9), rma_number="R-1")
        hearing.hear(session, desk.runtime, rma, word, account=account, now=SHIPPED)
        item = item_of(session, parcel)
        assert item.known is not None
        assert (parcel.due_on, item.known.told_on, item.known.rule_on) == (date(2026, 6, 9), date(2026, 6, 9), TEN_DAYS)
        assert item.basis is Basis.TOLD


def test_a_day_that_a_person_enters_wins_too_and_what_was_missed_is_found_at_the_next_look(desk: Desk) -> None:
    with desk.session() as session:
        say = {"reason": "they said so", "now": SHIPPED}
        given = Parcel(due_on=date(2026, 7, 1))
        parcel = shipments.add(session, OPERATOR, the_rma(session, desk), ShipmentDirection.TO_VENDOR, given, **say)
        ship(session, desk)
    with desk.session() as session:
        assert returns.look(session, desk.runtime, now=SHIPPED, limit=10_000) > 0
        item = item_of(session, session.get_one(Shipment, parcel.id))
        assert item.known is not None
        assert (item.parcel.due_on, item.known.rule_on, item.basis) == (date(2026, 7, 1), TEN_DAYS, Basis.TOLD)
    with desk.session() as session:
        assert returns.look(session, desk.runtime, now=SHIPPED, limit=10_000) == 0


def test_a_clock_that_nobody_started_begins_at_the_next_look(desk: Desk) -> None:
    with desk.session() as session:
        ship(session, desk)
    with desk.session() as session:
        returns.look(session, desk.runtime, now=SHIPPED, limit=10_000)
        assert [one.due_on for one in parcels(session, desk, ShipmentDirection.TO_VENDOR)] == [TEN_DAYS]


# --- who has it ---


def test_who_has_the_unit_is_said_with_a_reason_and_has_the_ball(desk: Desk) -> None:
    with desk.session() as session:
        parcel = begun(session, desk)
        person = Person(client_id=parcel.client_id, name="Sam", phone="", email="sam@client.example", language="de")
        stranger = Person(client_id=factories.make_client(session).id, name="Eve", phone="", email="", language="en")
        session.add_all([person, stranger])
        session.flush()
        for wrong in (Plan(Holder.CONTACT), Plan(Holder.CONTACT, person=stranger), Plan(Holder.CLIENT, person=person)):
            with pytest.raises(Invalid):
                returns.plan(session, parcel, wrong, because())
        with pytest.raises(Invalid, match="currency"):
            returns.plan(session, parcel, Plan(charge_minor=5), because())
        given = Plan(Holder.CONTACT, person=person, charge_minor=41_200, currency="EUR", keeps_media=True)
        known = returns.plan(session, parcel, given, because("it stands in their rack"))
        assert (known.person_id, known.holder_reason) == (person.id, "it stands in their rack")
        assert item_of(session, parcel).exposure == (41_200, "EUR")
        fault = desk.fault()
        session.get_one(Fault, fault.id).state = fault.state.SERVICE_RESTORED
        session.flush()
        for now, headline in ((SHIPPED, Headline.RETURN_DUE), (SHIPPED + timedelta(12), Headline.RETURN_OVERDUE)):
            standing = standings.of_faults(session, [fault.id], now=now)[fault.id]
            assert (standing.headline, standing.ball) == (headline, Side.CLIENT)


# --- reminders ---


def test_reminders_climb_once_each_and_a_proof_of_shipment_stops_them(desk: Desk) -> None:
    settings = replace(desk.runtime.settings, smtp_url="smtp://127.0.0.1:9", mail_from="desk@msp.example")
    runtime = replace(desk.runtime, settings=settings)
    with desk.session() as session:
        manager = factories.make_user(session, Role.SERVICE_MANAGER)
        owner = factories.make_user(session, Role.TECHNICIAN)
        parcel = begun(session, desk)
        person = Person(client_id=parcel.client_id, name="Sam", phone="", email="sam@client.example", language="de")
        session.add(person)
        session.flush()
        session.get_one(Fault, desk.fault().id).owner_id = owner.id
        returns.plan(session, parcel, Plan(Holder.CONTACT, person=person), because())
        known = item_of(session, parcel).known
        assert known is not None
        key, parcel_id = known.id, parcel.id

    def told_on(day: int) -> set[tuple[str, int]]:
        now = datetime(2026, 6, day, 12, tzinfo=UTC)
        with desk.session() as session:
            before = set(session.scalars(select(Mail.id)))
            if key in returns.to_remind(session, now=now, limit=10_000):
                news.tell_return(session, runtime, key, now=now)
            session.flush()
            new = [one for one in session.scalars(select(Mail)) if one.id not in before]
            assert {one.tells for one in new} <= {Told.RETURN}
            return {("user" if one.user_id else "person", one.user_id or one.person_id or 0) for one in new}

    assert told_on(6) == set()
    assert told_on(7) == {("person", person.id)}  # five days before Fri 12
    assert told_on(7) == set()
    assert told_on(10) == {("user", owner.id)}
    assert ("user", manager.id) in told_on(12)
    assert told_on(30) == set()
    with desk.session() as session:
        [mail] = session.scalars(select(Mail).where(Mail.person_id == person.id))
        assert "bis 12. Juni 2026" in mail.text
        assert "R-1" in mail.text
        session.get_one(Shipment, parcel_id).due_on = date(
            2026, 6, 20
        )  # a later day does not make anybody hear it again
        returns.watch(session, runtime, the_rma(session, desk), now=SHIPPED)
    assert told_on(20) == set()


def test_a_return_that_was_sent_reminds_nobody(desk: Desk) -> None:
    with desk.session() as session:
        parcel = begun(session, desk)
        send(session, parcel, Parcel("DHL", "1Z9"))
        known = item_of(session, parcel).known
        assert known is not None
        assert returns.take_reminder(session, known.id, now=SHIPPED + timedelta(30)) is None
        assert known.remind_on is None


# --- how it ends ---


def test_nothing_ends_a_return_without_its_proof(desk: Desk) -> None:
    with desk.session() as session:
        parcel, rma = begun(session, desk), the_rma(session, desk)
        for to, lacks in (
            (ShipmentState.IN_TRANSIT, "proof of shipment"),
            (ShipmentState.CHARGED, "comes with the cost"),
            (ShipmentState.RETAINED, "certificate of destruction"),
        ):
            with pytest.raises(IllegalMove, match=lacks):
                shipments.move(session, OPERATOR, parcel, to, Parcel(), reason="so", now=SHIPPED)
        with pytest.raises(IllegalMove, match="proof of shipment"):
            send(session, parcel, Parcel("DHL"))
        wrong = a_file(session, rma, FiledUnder.JOB)
        with pytest.raises(Invalid, match="no file of the case"):
            send(session, parcel, Parcel(proof=wrong))
        send(session, parcel, Parcel(proof=a_file(session, rma, FiledUnder.RMA)))
        assert parcel.state is ShipmentState.IN_TRANSIT


def test_what_is_kept_has_its_certificate(desk: Desk) -> None:
    with desk.session() as session:
        parcel, rma = begun(session, desk), the_rma(session, desk)
        paper = a_file(session, session.get_one(Fault, rma.fault_id))
        made = Certificate(paper, "Shred & Co", date(2026, 6, 2), "DIN 66399 H-5")
        with pytest.raises(Invalid, match="has not come"):
            returns.retain(session, parcel, replace(made, destroyed_on=date(2026, 6, 9)), because())
        returns.retain(session, parcel, made, because())
        known = item_of(session, parcel).known
        assert parcel.state is ShipmentState.RETAINED
        assert known is not None
        assert (known.certificate_id, known.destroyed_by, known.method) == (paper.id, "Shred & Co", "DIN 66399 H-5")


def test_what_does_not_come_back_is_a_cost_that_the_case_owes_until_it_is_settled(desk: Desk) -> None:
    with desk.session() as session:
        parcel = begun(session, desk)
        cost = Cost(CostKind.NON_RETURN, 41_200, "EUR", Party.CLIENT, Blame.CLIENT)
        with pytest.raises(Invalid):
            returns.charge(session, parcel, replace(cost, amount_minor=0), because())
        with pytest.raises(Invalid):
            returns.charge(session, parcel, replace(cost, payer=Party.VENDOR), because())
        with pytest.raises(IllegalMove, match="comes when it is"):
            returns.charge(session, parcel, replace(cost, kind=CostKind.RESTOCKING), because())
        made = returns.charge(session, parcel, cost, because("They lost it."))
        assert parcel.state is ShipmentState.CHARGED
        fault = session.get_one(Fault, desk.fault().id)
        [debt] = [one for one in owed.owed(session, fault) if one.code == "cost_open"]
        assert debt.text == "A cost of 412.00 EUR is not settled."
        returns.settle(session, made, because("paid with invoice 7"))
        with pytest.raises(IllegalMove):
            returns.settle(session, made, because())
        assert [one.code for one in owed.owed(session, fault) if one.code == "cost_open"] == []
        assert [one.settlement for one in session.scalars(select(CaseCost).where(CaseCost.fault_id == fault.id))] == [
            "paid with invoice 7"
        ]


# --- the list ---


def test_returns_are_listed_by_their_day_and_their_money_is_summed(desk: Desk) -> None:
    with desk.session() as session:
        parcel = begun(session, desk)
        client = session.get_one(Client, parcel.client_id)
        parcel.holder = Holder.CLIENT
        session.flush()
        mine = Filters(client=client.public_id)
        listed, last = returns.due(session, mine, limit=1)
        assert ([one.parcel.id for one in listed], last) == ([parcel.id], None)
        [(_, name, sums)] = returns.exposure(session, mine)
        assert (name, sums.count, sums.unpriced, sums.sums) == (client.name, 1, 0, {"EUR": 120_000})
        for filters, shown in (
            (replace(mine, until=TEN_DAYS), 1),
            (replace(mine, until=TEN_DAYS - timedelta(1)), 0),
            (replace(mine, overdue_on=TEN_DAYS), 0),
            (replace(mine, overdue_on=TEN_DAYS + timedelta(1)), 1),
            (replace(mine, holder=Holder.CLIENT), 1),
            (replace(mine, holder=Holder.MSP), 0),
            (replace(mine, is_undated=True), 0),
        ):
            assert len(returns.due(session, filters, limit=5)[0]) == shown
