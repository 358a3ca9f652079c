"""From rows to the case that ``decide`` reads: the only place that gathers one. Three statements, whatever the unit owns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, bindparam, func, literal, or_, select, union_all

from vendors.contract import Duty, Unit
from warranty.domain import case as casework
from warranty.domain.terms import CaseKind, Cause, Component, CoverageKind, LookupSource, ScopeKind, Share
from warranty.models import (
    AccountMaker,
    AdHocJob,
    Asset,
    Client,
    Coverage,
    Fault,
    Person,
    Product,
    Rma,
    Site,
    VendorAccount,
)
from warranty.services import accounts
from warranty.services.estate import serial_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy.orm import Session

HOME_ZONE = "UTC"  # of a unit without a site


@dataclass(slots=True)
class UnitFile:
    """A unit with everything around it that a decision or a claim needs."""

    asset: Asset
    client: Client
    site: Site | None
    product: Product | None
    site_contact: Person | None  # who is named first at the site
    accounts: list[VendorAccount] = field(default_factory=list)

    def account_for(self, duty: Duty) -> VendorAccount | None:
        """The account that does a duty for this unit."""
        return accounts.choose(self.accounts, duty, self.asset.client_id)

    @property
    def time_zone(self) -> str:
        """The zone in which the unit's days are counted."""
        return self.site.time_zone if self.site else HOME_ZONE


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A gathered case, and the rows behind its ids."""

    case: casework.Case
    coverages: dict[str, Coverage]
    named_accounts: dict[str, VendorAccount]
    fault_of_case: dict[str, int]


# Every report asks the next three, so each is put together once; what differs is bound.

_WHICH: dict[str, ColumnElement[bool]] = {
    "serial": Asset.serial_key == bindparam("wanted"),
    "label": or_(Asset.serial_key == bindparam("wanted"), Asset.asset_tag.in_(bindparam("tags", expanding=True))),
    "keys": Asset.id.in_(bindparam("wanted", expanding=True)),
    "id": Asset.public_id == bindparam("wanted"),
}


@cache
def _units(which: str, *, narrowed: bool, lock: bool) -> Select[*tuple[Any, ...]]:
    """Units by serial, label, keys or public id, narrowed to a client or not."""
    first_contact = select(func.min(Person.id)).where(Person.site_id == Site.id).correlate(Site).scalar_subquery()
    query = (
        select(Asset, Client, Site, Product, VendorAccount, Person)
        .join(Client, Client.id == Asset.client_id)
        .outerjoin(Site, Site.id == Asset.site_id)
        .outerjoin(Person, Person.id == first_contact)
        .outerjoin(Product, Product.id == Asset.product_id)
        .outerjoin(AccountMaker, AccountMaker.manufacturer_key == Product.manufacturer_key)
        .outerjoin(
            VendorAccount,
            and_(
                VendorAccount.id == AccountMaker.account_id,
                or_(VendorAccount.client_id.is_(None), VendorAccount.client_id == Asset.client_id),
            ),
        )
        .where(_WHICH[which])
        .order_by(Asset.id)
    )
    if narrowed:
        query = query.where(Client.public_id == bindparam("client"))
    if lock:
        query = query.with_for_update(of=Asset).execution_options(populate_existing=True)
    return query


def find_units(
    session: Session,
    *,
    serial_number: str | None = None,
    label: str | None = None,
    asset_id: UUID | int | Collection[int] | None = None,
    client: UUID | None = None,
    lock: bool = False,
) -> list[UnitFile]:
    """The units that answer to a serial, an id or some keys, among those that the session's scope may see; one statement.

    ``label`` is what a person reads off a unit: its serial or its asset tag.
    ``lock`` holds the asset rows until the end of the transaction, so that two reports of one unit pass the gates in turn.
    """
    written: dict[str, Any] = {"wanted": asset_id, "client": client}
    if isinstance(asset_id, UUID):
        which = "id"
    elif asset_id is not None:
        which = "keys"
        written["wanted"] = [asset_id] if isinstance(asset_id, int) else list(asset_id)
    else:
        which, read = ("serial", serial_number or "") if label is None else ("label", label.strip())
        written |= {"wanted": serial_key(read), "tags": sorted({read, read.upper(), read.lower()})}
    query = _units(which, narrowed=client is not None, lock=lock)
    units: dict[int, UnitFile] = {}
    for asset, owner, site, product, account, contact in session.execute(query, written):
        unit = units.setdefault(asset.id, UnitFile(asset, owner, site, product, contact))
        if account is not None:
            unit.accounts.append(account)
    return list(units.values())


def contact_of(session: Session, unit: UnitFile, fault: Fault) -> Person | None:
    """Who is called about a fault: whom the report names, else who is named first at the site."""
    return session.get_one(Person, fault.contact_id) if fault.contact_id else unit.site_contact


def vendor_units(session: Session, asset_ids: Collection[int]) -> dict[Unit, list[int]]:
    """Units as a vendor must know them, by their keys; one unit of two clients is two of ours. One statement."""
    query = (
        select(Asset.id, Asset.serial_number, Product.part_number, Site.address, Site.time_zone)
        .outerjoin(Site, Site.id == Asset.site_id)
        .outerjoin(Product, Product.id == Asset.product_id)
        .where(Asset.id.in_(asset_ids))
        .order_by(Asset.id)
    )
    found: dict[Unit, list[int]] = {}
    for row in session.execute(query):
        unit = Unit(
            serial_number=row.serial_number,
            product_number=row.part_number or "",
            country=(row.address or {}).get("country", ""),
            time_zone=row.time_zone or "",
        )
        found.setdefault(unit, []).append(row.id)
    return found


def successor(session: Session, unit: UnitFile, *, lock: bool = False) -> UnitFile:
    """The unit that stands in the place of one that was replaced: a report goes to the new unit before anything is asked."""
    seen = {unit.asset.id}
    while unit.asset.replaced_by_id is not None and unit.asset.replaced_by_id not in seen:
        seen.add(unit.asset.replaced_by_id)
        unit = find_units(session, asset_id=unit.asset.replaced_by_id, lock=lock)[0]
    return unit


def gather(
    session: Session,
    *,
    unit: UnitFile | None,
    matches: int,
    client: Client,
    fault: casework.Fault,
    now: datetime,
    own_fault_id: int | None = None,
) -> CaseFile:
    """Collect the case of one fault; two statements, none where the unit is not identified."""
    policy = read_policy(client.policy)
    if unit is None:
        case = casework.Case(now=now, asset=None, matches=matches, fault=fault, coverages=(), cases=(), policy=policy)
        return CaseFile(case, {}, {}, {})
    rows = _candidates(session, unit.asset)
    since = fault.reported_at - timedelta(days=policy.repeat_window_days)
    others = _other_cases(session, unit.asset.id, since, own_fault_id)
    can_ask = unit.account_for(Duty.LOOKUP) is not None
    case = of_unit(unit, [coverage for coverage, _ in rows], fault, now=now, can_ask=can_ask)
    case = replace(case, cases=tuple(other for other, _ in others))
    return CaseFile(
        case=case,
        coverages={str(coverage.public_id): coverage for coverage, _ in rows},
        named_accounts={str(coverage.public_id): account for coverage, account in rows if account is not None},
        fault_of_case={other.id: fault_id for other, fault_id in others},
    )


def of_unit(
    unit: UnitFile, rows: Iterable[Coverage], fault: casework.Fault, *, now: datetime, can_ask: bool
) -> casework.Case:
    """The case of a unit that is known, with these coverages and no other case; ``can_ask``: an account looks it up."""
    return casework.Case(
        now=now,
        asset=_asset(unit, now, can_ask=can_ask),
        matches=1,
        fault=fault,
        coverages=tuple(_coverage(row, unit) for row in rows),
        cases=(),
        policy=read_policy(unit.client.policy),
    )


def read_policy(document: dict[str, Any]) -> casework.Policy:
    """A client's stored policy as the decision reads it."""
    return casework.Policy(
        precedence=tuple(CoverageKind(kind) for kind in document["precedence"]),
        evidence_freshness_days=document["evidence_freshness_days"],
        repeat_window_days=document["repeat_window_days"],
        lookup_patience_minutes=document["lookup_patience_minutes"],
    )


_CANDIDATES = (
    select(Coverage, VendorAccount)
    .outerjoin(VendorAccount, VendorAccount.id == Coverage.account_id)
    .where(
        Coverage.client_id == bindparam("client_id"),
        or_(  # what is null fits nothing
            Coverage.scope == ScopeKind.CLIENT,
            Coverage.asset_id == bindparam("asset_id"),
            Coverage.product_id == bindparam("product_id"),
            Coverage.site_id == bindparam("site_id"),
        ),
    )
    .execution_options(populate_existing=True)
)


def _candidates(session: Session, asset: Asset) -> Sequence[tuple[Coverage, VendorAccount | None]]:
    place = {"product_id": asset.product_id, "site_id": asset.site_id}
    rows = session.execute(_CANDIDATES, {"client_id": asset.client_id, "asset_id": asset.id, **place})
    return [(coverage, account) for coverage, account in rows]


@cache
def _cases(*, but_one: bool) -> CompoundSelect[Any]:
    """Faults, Rmas and jobs of one unit that are open or were closed lately; all of them, or all but one fault's."""

    def rows(kind: CaseKind, table: Any, fault_id: Any, reported_at: Any) -> Select[Any]:
        is_recent = or_(table.case_closed_at.is_(None), table.case_closed_at >= bindparam("since"))
        query = select(
            literal(kind.value).label("kind"),
            table.public_id,
            table.component,
            table.component_ref,
            reported_at.label("reported_at"),
            table.case_closed_at,
            fault_id.label("fault_id"),
        ).where(table.asset_id == bindparam("asset_id"), is_recent)
        return query.where(fault_id != bindparam("own")) if but_one else query

    return union_all(
        rows(CaseKind.FAULT, Fault, Fault.id, Fault.reported_at),
        rows(CaseKind.RMA, Rma, Rma.fault_id, Rma.created_at),
        rows(CaseKind.JOB, AdHocJob, AdHocJob.fault_id, AdHocJob.created_at),
    )


def _other_cases(
    session: Session, asset_id: int, since: datetime, own_fault_id: int | None
) -> list[tuple[casework.OtherCase, int]]:
    query = _cases(but_one=own_fault_id is not None)
    return [
        (
            casework.OtherCase(
                id=str(row.public_id),
                kind=CaseKind(row.kind),
                component=Component(row.component),
                component_ref=row.component_ref,
                reported_at=row.reported_at,
                closed_at=row.case_closed_at,
            ),
            row.fault_id,
        )
        for row in session.execute(query, {"asset_id": asset_id, "since": since, "own": own_fault_id})
    ]


def _asset(unit: UnitFile, now: datetime, *, can_ask: bool) -> casework.Asset:
    asset = unit.asset
    return casework.Asset(
        id=str(asset.public_id),
        serial_number=asset.serial_number,
        product=str(unit.product.public_id) if unit.product else None,
        site=str(unit.site.public_id) if unit.site else None,
        client=str(unit.client.public_id),
        ownership=asset.ownership,
        state=asset.state,
        replaced_by=None if asset.replaced_by_id is None else str(asset.replaced_by_id),
        handover_exceptions=tuple(Component(word) for word in asset.handover_exceptions),
        lookup=casework.UnitLookup(
            source=LookupSource.VENDOR_LOOKUP if can_ask else LookupSource.NOT_AVAILABLE,
            vendor_says=asset.lookup_says,
            checked_at=asset.lookup_at,
            error=asset.lookup_error,
            absence_attested=asset.absence_attested or _base_term_is_over(unit, now),
        ),
    )


def _base_term_is_over(unit: UnitFile, now: datetime) -> bool:
    """Whether the maker's own warranty has ended by the calendar: purchase plus the product's term, that day inclusive."""
    bought, product = unit.asset.purchased_on, unit.product
    if bought is None or product is None or product.base_term_months is None:
        return False
    months = bought.month - 1 + product.base_term_months
    year, month = bought.year + months // 12, months % 12 + 1
    today = now.astimezone(ZoneInfo(unit.time_zone)).date()
    # Compared as (year, month, day), "31 February" is after each day of February and before each of March.
    return (today.year, today.month, today.day) > (year, month, bought.day)


def _coverage(row: Coverage, unit: UnitFile) -> casework.Coverage:
    scoped: dict[ScopeKind, str] = {
        ScopeKind.ASSET: str(unit.asset.public_id),
        ScopeKind.PRODUCT: str(unit.product.public_id) if unit.product else "",
        ScopeKind.SITE: str(unit.site.public_id) if unit.site else "",
        ScopeKind.CLIENT: str(unit.client.public_id),
    }
    return casework.Coverage(
        id=str(row.public_id),
        contract_number=row.contract_number,
        kind=row.kind,
        fulfilment=row.fulfilment,
        scope=casework.Scope(row.scope, scoped[row.scope]),
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        time_zone=ZoneInfo(row.time_zone),
        state=row.state,
        covers=tuple(Share(word) for word in row.covers),
        excluded_causes=tuple(Cause(word) for word in row.excluded_causes),
        excluded_components=tuple(Component(word) for word in row.excluded_components),
        sites=None if row.sites is None else tuple(row.sites),
        service_level=row.service_level,
        delivery=row.delivery,
        grace_days=row.grace_days,
        grace_is_covered=row.grace_is_covered,
        waiting_days=row.waiting_days,
        claims_after_end_days=row.claims_after_end_days,
        claims_limit=row.claims_limit,
        claims_used=row.claims_consumed + row.claims_reserved,
        evidence=casework.Evidence(
            source=row.evidence_source, vendor_says=row.vendor_says, checked_at=row.checked_at, error=row.lookup_error
        ),
    )
