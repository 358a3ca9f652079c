"""A service desk under test: one client with one covered unit, its vendor's twin, and the background work that ran.

Nobody sleeps here: `let_pass` moves every stored time of the durable work into the past instead, which to the product
is the same, since all its ages and due times come from the database.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import or_, select, true, update
from sqlalchemy.orm import selectinload

import vendors.adapters
from tests import factories
from vendors.sandbox import servicenow
from warranty import db, tasks
from warranty.config import load
from warranty.domain.access import OPERATOR
from warranty.domain.terms import CoverageKind, Fulfilment, Share
from warranty.models import (
    AdHocJob,
    Asset,
    AuditRow,
    Coverage,
    Fault,
    HumanTask,
    Lease,
    Outbox,
    Rma,
    Sighting,
    StoredVerdict,
    VendorAccount,
    VendorCall,
)
from warranty.models.base import UtcDateTime
from warranty.models.work import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from sqlalchemy.orm import Session

    from vendors.sandbox import Twin
    from warranty.models import Client
    from warranty.models.work import OrderKind, TaskKind
    from warranty.runtime import Runtime
    from warranty.services.faults import Outcome

INSTANCE = {
    "state_map": json.dumps(servicenow.STATE_MAP),
    "rma_number_field": servicenow.RMA_NUMBER_FIELD,
}
"""What an account must be told of the instance that the twin plays."""

NOBODY_LISTENS = "http://127.0.0.1:9"

ODD_ADAPTERS = Path(__file__).parent / "crash" / "adapters"
"""Adapters that no product has: see their own descriptions."""


@contextmanager
def odd_adapters() -> Iterator[None]:
    """Let this process find the odd adapters beside the real ones."""
    vendors.adapters.__path__.append(str(ODD_ADAPTERS))
    try:
        yield
    finally:
        vendors.adapters.__path__.remove(str(ODD_ADAPTERS))


def by_mail(runtime: Runtime, twin: Twin) -> Runtime:
    """The same runtime with the mail servers of a twin, where it has some."""
    folder = str(runtime.settings.instance)
    given = load({"WARRANTY_MODE": "development", "WARRANTY_INSTANCE": folder, **twin.settings})
    return replace(runtime, settings=replace(runtime.settings, smtp_url=given.smtp_url, imap_url=given.imap_url))


def let_pass(runtime: Runtime, seconds: float, desk: Desk | None = None) -> None:
    """Make everything that is stored of the durable work, and still matters, this much older; or what of it concerns a desk."""
    gone = timedelta(seconds=seconds)
    orders, accounts, polled = Outbox.status != OrderStatus.DONE, true(), Rma.next_poll_at.is_not(None)
    if desk is not None:  # among rows that hundreds of tests have left
        served = {desk.account_id, desk.lookup_account_id}
        is_nobodys = Outbox.client_id.is_(None) & Outbox.account_id.is_(None)
        orders &= (Outbox.client_id == desk.client_key) | Outbox.account_id.in_(served) | is_nobodys
        accounts = VendorAccount.id.in_(served)
        polled &= Rma.client_id == desk.client_key
    with runtime.database.begin(db.EVERYBODY) as session:
        for table, still_matters in ((Outbox, orders), (VendorAccount, accounts), (Lease, true())):
            times = [column.name for column in table.__table__.columns if isinstance(column.type, UtcDateTime)]
            for row in session.scalars(select(table).where(still_matters)):
                for name in times:
                    if getattr(row, name) is not None:
                        setattr(row, name, getattr(row, name) - gone)
        for rma in session.scalars(select(Rma).where(polled)):
            rma.next_poll_at -= gone


@dataclass(slots=True)
class Desk:
    """One client's unit (`serial`), and what is asked of the records in tests. Rows come detached.

    Unless told otherwise parts and labour are `covered`. Claims go to the account of `vendor` (None: there is none) at
    the twin, or where nobody listens. With `asks` another account can ask the twin what covers the unit.
    """

    runtime: Runtime
    twin: Twin | None = None
    vendor: str | None = "servicenow"
    options: dict[str, str] = field(default_factory=dict)
    covered: bool = True
    asks: bool = False
    client_id: UUID = field(init=False)
    client_key: int = field(init=False)
    serial: str = field(init=False)
    maker: str = field(init=False)
    account_id: int = field(init=False, default=0)
    lookup_account_id: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Set it up."""
        with self.session() as session:
            client = factories.make_client(session)
            maker = self.maker = f"Maker of {client.name}"
            self.client_id, self.client_key = client.public_id, client.id
            asset = make_unit(session, client, manufacturer=maker)
            self.serial = asset.serial_number
            if self.covered:
                factories.make_coverage(session, asset)
                cover_labour(session, asset)
            base_url = self.twin.url if self.twin else NOBODY_LISTENS
            made = {"manufacturers": [maker], "base_url": base_url}
            if self.vendor in {"manual", "email"}:
                made |= {"secrets": {}, "base_url": None, "options": self.options}
            else:
                made |= {"options": INSTANCE | self.options}
            if self.vendor:
                self.account_id = factories.make_account(session, self.runtime, self.vendor, **made).id
            if self.asks:
                made = {"manufacturers": [maker], "base_url": base_url, "duties": ["lookup"]}
                made |= {"secrets": {"client_id": "us", "client_secret": "them"}}
                asking = factories.make_account(session, self.runtime, "dell", **made)
                self.lookup_account_id = asking.id

    def session(self) -> Any:
        """A transaction."""
        return self.runtime.database.begin(db.EVERYBODY)

    def report(self, **facts: Any) -> Outcome:
        """Report a fault of the unit, now."""
        with self.session() as session:
            given = {"serial_number": self.serial} | facts
            return factories.make_fault(session, self.runtime, OPERATOR, now=datetime.now(UTC), **given)

    def orders(self, kind: OrderKind | None = None) -> list[Outbox]:
        """The work orders, oldest first."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            is_ours = or_(Outbox.client_id == self.client_key, Outbox.account_id == self.account_id)
            query = select(Outbox).where(is_ours).order_by(Outbox.id)
            return list(session.scalars(query if kind is None else query.where(Outbox.kind == kind)))

    def order(self, kind: OrderKind | None = None) -> Outbox:
        """The only work order there is (of a kind)."""
        (order,) = self.orders(kind)
        return order

    def perform(self, kind: OrderKind | None = None) -> None:
        """Do the only work order there is (of a kind), as a worker would; does nothing where it is not due."""
        tasks.perform(self.runtime, self.order(kind).id)

    def let_pass(self, seconds: float) -> None:
        """Let time go by, for everything that concerns this desk."""
        let_pass(self.runtime, seconds, self)

    def rma(self) -> Rma:
        """The only Rma there is."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            return session.scalars(select(Rma).where(Rma.client_id == self.client_key)).one()

    def fault(self) -> Fault:
        """The only fault there is."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            return session.scalars(select(Fault).where(Fault.client_id == self.client_key)).one()

    def asset(self) -> Asset:
        """The unit."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            return session.scalars(select(Asset).where(Asset.serial_number == self.serial)).one()

    def asset_key(self) -> int:
        """The unit's key."""
        return self.asset().id

    def open_tasks(self) -> dict[TaskKind, str]:
        """What waits for a person, and why."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            ours = HumanTask.client_id == self.client_key
            rows = session.scalars(select(HumanTask).where(ours, HumanTask.resolved_at.is_(None)))
            return {task.kind: task.why for task in rows}

    def calls(self) -> list[VendorCall]:
        """The calls that were kept."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            return list(
                session.scalars(
                    select(VendorCall).where(VendorCall.account_id == self.account_id).order_by(VendorCall.id)
                )
            )

    def account(self) -> VendorAccount:
        """The vendor account as it stands."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            return session.get_one(VendorAccount, self.account_id)

    def sightings(self) -> list[Sighting]:
        """Every vendor case that was ever seen."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            seen = select(Sighting).where(Sighting.account_id == self.account_id).order_by(Sighting.id)
            return list(session.scalars(seen))

    def jobs(self) -> list[AdHocJob]:
        """The jobs with their lines."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            ours = select(AdHocJob).where(AdHocJob.client_id == self.client_key).order_by(AdHocJob.id)
            return list(session.scalars(ours.options(selectinload(AdHocJob.lines))))

    def coverages(self) -> list[Coverage]:
        """What covers the unit."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            ours = select(Coverage).where(Coverage.client_id == self.client_key).order_by(Coverage.id)
            return list(session.scalars(ours))

    def verdicts(self) -> list[StoredVerdict]:
        """Every verdict, oldest first."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            ours = select(StoredVerdict).where(StoredVerdict.client_id == self.client_key).order_by(StoredVerdict.id)
            return list(session.scalars(ours))

    def moves(self, record: str) -> list[tuple[str | None, str, str]]:
        """Every move of the records of a kind: from, to, and why."""
        with self.runtime.database.read(db.EVERYBODY) as session:
            rows = session.scalars(
                select(AuditRow)
                .where(
                    AuditRow.client_id == self.client_key, AuditRow.record == record, AuditRow.new_state.is_not(None)
                )
                .order_by(AuditRow.id)
            )
            return [(row.old_state, row.new_state or "", row.reason) for row in rows]

    def change_account(self, **changes: Any) -> None:
        """Change the vendor account, as a person who mends it."""
        with self.session() as session:
            session.execute(update(VendorAccount).where(VendorAccount.id == self.account_id).values(**changes))


def make_unit(session: Session, client: Client, *, manufacturer: str = "Acme", **facts: Any) -> Asset:
    """A unit of a known product at a site, which nothing covers yet."""
    site = factories.make_site(session, client)
    product = factories.make_product(session, manufacturer)
    return factories.make_asset(session, client, site=site, product=product, **facts)


def cover_labour(session: Session, asset: Asset) -> Coverage:
    """Let the MSP's own agreement pay the labour on a unit."""
    return factories.make_coverage(
        session, asset, kind=CoverageKind.MSP_AGREEMENT, fulfilment=Fulfilment.MSP_SUPPLY, covers=(Share.LABOUR,)
    )
