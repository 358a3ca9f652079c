"""Contracts, and the promises in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, or_, select

from vendors.contract import Duty
from warranty.domain.terms import (
    Cause,
    Component,
    CoverageKind,
    CoverageSays,
    CoverageState,
    Delivery,
    EvidenceSource,
    Fulfilment,
    ScopeKind,
    ServiceLevel,
    Share,
)
from warranty.models import Asset, Client, Contract, Coverage, Product, Site, VendorAccount
from warranty.services import moves
from warranty.services.estate.checks import (
    MOST_MINOR,
    InUse,
    Invalid,
    checked_currency,
    checked_text,
    checked_whole,
    checked_zone,
)
from warranty.services.estate.rows import add_once, change, change_once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from warranty.services.moves import Because


def add_contract(session: Session, client: Client, *, number: str, name: str = "", because: Because) -> Contract:
    """A new paper; what it promises are its coverages.

    Raises:
        Invalid: no number, or one that the client has already.
    """
    contract = Contract(
        client_id=client.id,
        number=checked_text("number", number, 120, needed=True),
        name=checked_text("name", name, 200),
    )
    add_once(session, contract, "number", _number_taken(contract.number))
    moves.note(session, contract, "add", because)
    return contract


def correct_contract(
    session: Session,
    contract: Contract,
    *,
    client: Client | None = None,
    number: str | None = None,
    name: str | None = None,
    because: Because,
) -> None:
    """Change what a contract is called.

    Raises:
        Invalid: as ``add_contract``.
        InUse: another client than its own.
    """
    if client is not None and client.id != contract.client_id:
        raise InUse("client", "A contract stays with its client: add it there anew.")
    new = {}
    if number is not None:
        new["number"] = checked_text("number", number, 120, needed=True)
    if name is not None:
        new["name"] = checked_text("name", name, 200)
    change_once(session, contract, new, "number", _number_taken(new.get("number", "")), because=because)


def find_contract(session: Session, client: Client, number: str) -> Contract | None:
    """A client's contract of this number, as it is written."""
    query = select(Contract).where(Contract.client_id == client.id, Contract.number == " ".join(number.split()))
    return session.scalars(query).one_or_none()


def _number_taken(number: str) -> str:
    return f"The client has a contract {number} already."


def add_coverage(
    session: Session,
    scope: Asset | Product | Site | Client,
    *,
    contract_number: str,
    kind: CoverageKind,
    fulfilment: Fulfilment,
    starts_on: date,
    time_zone: str,
    ends_on: date | None = None,
    client: Client | None = None,
    contract: Contract | None = None,
    account: VendorAccount | None = None,
    name: str = "",
    state: CoverageState = CoverageState.ACTIVE,
    covers: Sequence[Share] = (Share.PARTS,),
    excluded_causes: Sequence[Cause] = (),
    excluded_components: Sequence[Component] = (),
    sites: Sequence[Site] | None = None,
    service_level: ServiceLevel = ServiceLevel.UNKNOWN,
    delivery: Delivery = Delivery.UNKNOWN,
    grace_days: int = 0,
    grace_is_covered: bool = False,
    waiting_days: int = 0,
    claims_after_end_days: int = 0,
    claims_limit: int | None = None,
    claims_used: int = 0,
    price_minor: int | None = None,
    currency: str = "EUR",
    evidence_source: EvidenceSource = EvidenceSource.NONE,
    vendor_says: CoverageSays | None = None,
    checked_at: datetime | None = None,
    lookup_error: str | None = None,
    because: Because,
) -> Coverage:
    """A new promise for a unit, a product, a site, or all units of a client. Days are inclusive, in ``time_zone``.

    ``client`` is needed for a product, and agrees with any other scope. ``sites`` None is everywhere, empty is nowhere.
    ``price_minor`` is for the whole term.

    Raises:
        Invalid: one of the faults that make a case document malformed. Source: interface.md, section 5.
    """
    owner_id = _owner(scope, client)
    _check_owner(owner_id, contract=contract, account=account, sites=sites or ())
    coverage = new_coverage(
        client_id=owner_id,
        scope=_SCOPES[type(scope)],
        target_id=scope.id,
        contract_id=None if contract is None else contract.id,
        account_id=None if account is None else account.id,
        contract_number=contract_number,
        name=name,
        kind=kind,
        fulfilment=fulfilment,
        starts_on=starts_on,
        ends_on=ends_on,
        time_zone=time_zone,
        state=state,
        covers=covers,
        excluded_causes=excluded_causes,
        excluded_components=excluded_components,
        sites=None if sites is None else [str(site.public_id) for site in sites],
        service_level=service_level,
        delivery=delivery,
        grace_days=grace_days,
        grace_is_covered=grace_is_covered,
        waiting_days=waiting_days,
        claims_after_end_days=claims_after_end_days,
        claims_limit=claims_limit,
        claims_used=claims_used,
        price_minor=price_minor,
        currency=currency,
        evidence_source=evidence_source,
        vendor_says=vendor_says,
        checked_at=checked_at,
        lookup_error=lookup_error,
    )
    register_coverages(session, [coverage], because=because)
    return coverage


def _check_owner(
    owner_id: int, *, contract: Contract | None, account: VendorAccount | None, sites: Sequence[Site]
) -> None:
    for field, other in (("contract", contract), ("account", account), *(("sites", site) for site in sites)):
        if other is not None and other.client_id not in {owner_id, None}:
            raise Invalid(field, f"{field} names something of another client.")
    if account is not None and Duty.OPEN not in account.duties:
        raise Invalid("account", f"{account.name} opens no cases: name the account that does.")


_SCOPES: dict[type, ScopeKind] = {
    Asset: ScopeKind.ASSET,
    Product: ScopeKind.PRODUCT,
    Site: ScopeKind.SITE,
    Client: ScopeKind.CLIENT,
}


def _owner(scope: Asset | Product | Site | Client, client: Client | None) -> int:
    if isinstance(scope, Product):
        if client is None:
            raise Invalid("client", "A coverage of a product names its client: products belong to nobody.")
        return client.id
    owner_id = scope.id if isinstance(scope, Client) else scope.client_id
    if client is not None and client.id != owner_id:
        raise Invalid("client", f"The scope does not belong to {client.name}.")
    return owner_id


def new_coverage(
    *,
    client_id: int,
    scope: ScopeKind,
    target_id: int,
    contract_number: str,
    covers: Sequence[Share],
    excluded_causes: Sequence[Cause],
    excluded_components: Sequence[Component],
    claims_used: int,
    name: str = "",
    **facts: Any,
) -> Coverage:
    """A checked coverage that no session knows yet; ``facts`` are the other columns of ``Coverage``, by name.

    Raises:
        Invalid: as ``add_coverage``.
    """
    coverage = Coverage(
        client_id=client_id,
        scope=scope,
        contract_number=checked_text("contract_number", contract_number, 120, needed=True),
        name=checked_text("name", name, 200),
        covers=[share.value for share in covers],
        excluded_causes=[cause.value for cause in excluded_causes],
        excluded_components=[component.value for component in excluded_components],
        claims_consumed=claims_used,
        claims_reserved=0,
        **facts,
    )
    if scope is not ScopeKind.CLIENT:
        setattr(coverage, f"{scope}_id", target_id)
    check_coverage(coverage)
    return coverage


def register_coverages(session: Session, coverages: Sequence[Coverage], *, because: Because) -> None:
    """Add coverages that ``new_coverage`` made."""
    session.add_all(coverages)
    session.flush()
    for coverage in coverages:
        moves.note(session, coverage, "add", because)


def change_coverage(session: Session, coverage: Coverage, *, because: Because, **new: Any) -> None:
    """Change facts of a coverage. The register keeps what was, and no verdict changes by it.

    Raises:
        Invalid: as ``add_coverage``.
    """
    check_change(coverage, new)
    change(session, coverage, new, because=because)


def correct_coverage(session: Session, coverage: Coverage, *, because: Because, **facts: Any) -> None:
    """Change what is promised, whose row is locked by the caller; ``facts`` as for ``add_coverage``, but scope and client.

    Another scope is another promise: let this one be ``cancelled`` or ``superseded``, and add the new one.

    Raises:
        Invalid: as ``add_coverage``, or fewer claims than are reserved by cases that run.
    """
    contract, account, sites = (facts.get(name) for name in ("contract", "account", "sites"))
    _check_owner(coverage.client_id, contract=contract, account=account, sites=sites or ())
    new = {name: value for name, value in facts.items() if name in _AS_THEY_ARE}
    for name, limit in (("contract_number", 120), ("name", 200)):
        if name in facts:
            new[name] = checked_text(name, facts[name], limit, needed=name == "contract_number")
    for name in ("covers", "excluded_causes", "excluded_components"):
        if name in facts:
            new[name] = [word.value for word in facts[name]]
    for name in ("contract", "account"):
        if name in facts:
            new[f"{name}_id"] = None if facts[name] is None else facts[name].id
    if "sites" in facts:
        new["sites"] = None if sites is None else [str(site.public_id) for site in sites]
    if "claims_used" in facts:
        new["claims_consumed"] = facts["claims_used"] - coverage.claims_reserved
        if new["claims_consumed"] < 0:
            said = (
                f"{coverage.claims_reserved} claims are reserved by cases that run: claims_used is not less than that."
            )
            raise Invalid("claims_used", said)
    change_coverage(session, coverage, because=because, **new)


_AS_THEY_ARE = frozenset(
    {
        "kind",
        "fulfilment",
        "starts_on",
        "ends_on",
        "time_zone",
        "state",
        "service_level",
        "delivery",
        "grace_days",
        "grace_is_covered",
        "waiting_days",
        "claims_after_end_days",
        "claims_limit",
        "price_minor",
        "currency",
        "evidence_source",
        "vendor_says",
        "checked_at",
        "lookup_error",
    }
)
"""Columns that a correction may set to what it says."""


def check_change(coverage: Coverage, new: Mapping[str, Any]) -> None:
    """Ask whether a coverage would still be well formed; the row itself stays as it is.

    Raises:
        Invalid: as ``add_coverage``.
    """
    columns = [column.key for column in Coverage.__table__.columns if column.key not in {"id", "public_id"}]
    check_coverage(Coverage(**{column: getattr(coverage, column) for column in columns} | dict(new)))


def check_coverage(coverage: Coverage) -> None:
    """Ask what makes a coverage malformed.

    Raises:
        Invalid: the first fault. Source: interface.md, section 5.
    """
    checked_zone(coverage.time_zone)
    if not coverage.covers:
        raise Invalid("covers", "covers is empty: it holds parts, labour or both.")
    if len(set(coverage.covers)) != len(coverage.covers):
        raise Invalid("covers", "A share stands in covers twice.")
    if coverage.ends_on is not None and coverage.ends_on < coverage.starts_on:
        raise Invalid("ends_on", f"ends_on {coverage.ends_on} is before starts_on {coverage.starts_on}.")
    if Cause.UNKNOWN in coverage.excluded_causes:
        raise Invalid("excluded_causes", "unknown is no cause that a contract can exclude.")
    for field in ("grace_days", "waiting_days", "claims_after_end_days"):
        checked_whole(field, getattr(coverage, field))
    checked_whole("claims_used", coverage.claims_consumed)
    if coverage.claims_limit is not None:
        checked_whole("claims_limit", coverage.claims_limit)
    checked_whole("price_minor", coverage.price_minor, MOST_MINOR)
    if coverage.currency is not None:  # a new row without one takes the usual
        checked_currency(coverage.currency)
    if coverage.evidence_source is EvidenceSource.VENDOR_LOOKUP:
        _check_answer(coverage)


def _check_answer(coverage: Coverage) -> None:
    """An answer of the vendor has its time, and a time without an error has its answer."""
    if coverage.checked_at is None and coverage.vendor_says is not None:
        raise Invalid("checked_at", "vendor_says needs checked_at: when the vendor said so.")
    if coverage.checked_at is not None and coverage.lookup_error is None and coverage.vendor_says is None:
        raise Invalid("vendor_says", "checked_at without an error needs vendor_says: what the vendor said.")


def scope_matches(asset: Asset) -> ColumnElement[bool]:
    """Which coverages are written for a unit, as a condition on ``Coverage``; those of other clients never are."""
    scopes = [Coverage.scope == ScopeKind.CLIENT, Coverage.asset_id == asset.id]
    if asset.product_id is not None:
        scopes.append(Coverage.product_id == asset.product_id)
    if asset.site_id is not None:
        scopes.append(Coverage.site_id == asset.site_id)
    return and_(Coverage.client_id == asset.client_id, or_(*scopes))
