"""What a vendor says of a unit becomes coverages: one for each line, twins apart, the raw answer kept beside.

A line whose terms changed supersedes the old one; it is never edited, since verdicts rest on it. Source: domain.md,
section 2 ("Evidence").
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select

from vendors.contract import Listed, NotListedWhy
from warranty.domain.terms import (
    CoverageKind,
    CoverageSays,
    CoverageState,
    Delivery,
    EvidenceSource,
    Fulfilment,
    ScopeKind,
    ServiceLevel,
    UnitSays,
)
from warranty.models import Asset, Coverage

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from vendors.contract import Entitlement, NotListed
    from warranty.models import VendorAccount

_NOT_LISTED = {
    NotListedWhy.UNKNOWN: (UnitSays.UNKNOWN, CoverageSays.UNKNOWN),
    NotListedWhy.NOT_OWNER: (UnitSays.NOT_OWNER, CoverageSays.NOT_OWNER),
}


def keep(session: Session, asset_id: int, answer: Listed | NotListed, *, account: VendorAccount, now: datetime) -> None:
    """Keep one answer about one unit."""
    asset = session.get_one(Asset, asset_id)
    known = {row.vendor_line: row for row in _looked_up(session, asset_id)}
    if isinstance(answer, Listed):
        asset.lookup_says, asset.lookup_at, asset.lookup_error = UnitSays.LISTED, now, None
        for line in answer.entitlements:
            _keep_line(session, asset, known.pop(line.vendor_line, None), line, answer.raw, now)
        for gone in known.values():
            _say(gone, CoverageSays.NOT_COVERED, now)
        return
    if answer.why is NotListedWhy.NOT_PROCESSED:
        keep_failure(session, asset_id, answer.detail or f"{account.name} gave no answer about this unit.", now=now)
        return
    asset.lookup_says, says = _NOT_LISTED[answer.why]
    asset.lookup_at, asset.lookup_error = now, None
    for row in known.values():
        _say(row, says, now)


def keep_failure(session: Session, asset_id: int, error: str, *, now: datetime) -> None:
    """A look-up that failed says so on the unit and on its looked-up coverages; what they said before stays."""
    asset = session.get_one(Asset, asset_id)
    asset.lookup_error, asset.lookup_at = error, now
    for row in _looked_up(session, asset_id):
        row.lookup_error = error


def _looked_up(session: Session, asset_id: int) -> list[Coverage]:
    return list(
        session.scalars(
            select(Coverage).where(
                Coverage.asset_id == asset_id,
                Coverage.vendor_line.is_not(None),
                Coverage.state != CoverageState.SUPERSEDED,
            )
        )
    )


def _keep_line(
    session: Session, asset: Asset, old: Coverage | None, line: Entitlement, raw: str, now: datetime
) -> None:
    new = _coverage(asset, line, raw)
    if old is not None and _terms(old) == _terms(new):
        kept = old
    else:
        kept = new
        if old is not None:
            old.state = CoverageState.SUPERSEDED
            new.claims_consumed, new.claims_reserved = old.claims_consumed, old.claims_reserved
            session.flush()  # the old line gives its name free before the new one takes it
        session.add(new)
    kept.evidence_raw = raw
    today = now.astimezone(ZoneInfo(line.time_zone)).date()
    inside = line.starts_on <= today and (line.ends_on is None or today <= line.ends_on)
    _say(kept, CoverageSays.COVERED if inside else CoverageSays.NOT_COVERED, now)


def _say(row: Coverage, says: CoverageSays, now: datetime) -> None:
    row.vendor_says, row.checked_at, row.lookup_error = says, now, None


def _terms(row: Coverage) -> tuple[object, ...]:
    return (
        row.kind,
        row.fulfilment,
        row.starts_on,
        row.ends_on,
        row.time_zone,
        tuple(row.covers),
        row.service_level,
        row.delivery,
        tuple(row.excluded_causes),
        tuple(row.excluded_components),
        row.contract_number,
    )


def _coverage(asset: Asset, line: Entitlement, raw: str) -> Coverage:
    return Coverage(
        client_id=asset.client_id,
        asset_id=asset.id,
        scope=ScopeKind.ASSET,
        contract_number=line.contract_number or line.vendor_line,
        name=line.name,
        kind=CoverageKind(line.kind),
        fulfilment=Fulfilment(line.fulfilment),
        starts_on=line.starts_on,
        ends_on=line.ends_on,
        time_zone=line.time_zone,
        state=CoverageState.ACTIVE,
        covers=list(line.covers),
        excluded_causes=list(line.excluded_causes),
        excluded_components=list(line.excluded_components),
        service_level=ServiceLevel(line.service_level),
        delivery=Delivery(line.delivery),
        evidence_source=EvidenceSource.VENDOR_LOOKUP,
        evidence_raw=raw,
        vendor_line=line.vendor_line,
    )
