"""What a vendor says of units becomes coverages: one for each line, twins apart, the raw answer kept beside.

A line whose terms changed supersedes the old one; it is never edited, since verdicts rest on it. Answers come by the
hundred, so they are kept in a handful of statements, however many there are. Source: domain.md, section 2 ("Evidence").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, select, update

from vendors.contract import Listed, NotListedWhy
from warranty import db
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
    UnitSays,
)
from warranty.models import Asset, Coverage, UnitAnswer, VendorAccount
from warranty.services import moves
from warranty.services.moves import Because
from warranty.services.records import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from vendors.contract import Entitlement, NotListed
    from warranty.services.records import Document

_NOT_LISTED = {
    NotListedWhy.UNKNOWN: (UnitSays.UNKNOWN, CoverageSays.UNKNOWN),
    NotListedWhy.NOT_OWNER: (UnitSays.NOT_OWNER, CoverageSays.NOT_OWNER),
}

_TERMS = (
    "kind",
    "fulfilment",
    "starts_on",
    "ends_on",
    "time_zone",
    "covers",
    "service_level",
    "delivery",
    "excluded_causes",
    "excluded_components",
    "contract_number",
    "name",
)
"""What makes a line another promise where it differs."""

_CLAIMS = ("claims_consumed", "claims_reserved")
_QUIETLY: dict[str, Any] = {"synchronize_session": False}


def keep(
    session: Session, answers: Mapping[int, Listed | NotListed], *, account: VendorAccount, now: datetime
) -> dict[int, str]:
    """Keep the answers about some units, by the units' keys; the units are locked.

    Returns:
        The units that no answer was had about, and why: their failure is kept too.
    """
    owners = _hold(session, answers)
    old = _looked_up(session, owners)
    page = _Page(now)
    for asset_id, client_id in owners.items():
        answer, known = answers[asset_id], old.get(asset_id, {})
        if isinstance(answer, Listed):
            try:
                lines = [_line(line) for line in answer.entitlements]
                page.take_lines(asset_id, client_id, lines, known)
            except ValueError as err:  # not what an adapter promises: it proves nothing
                page.failed[asset_id] = f"The answer cannot be kept: {err}."
        elif answer.why is NotListedWhy.NOT_PROCESSED:
            page.failed[asset_id] = answer.detail or f"{account.name} gave no answer about this unit."
        else:
            unit_says, says = _NOT_LISTED[answer.why]
            page.units.setdefault(unit_says, []).append(asset_id)
            page.lines.setdefault(says, []).extend(row.id for row in known.values())
    _write(session, page, Because(f"vendor:{account.id}", f"{account.name} said so.", now))
    _keep_raw(session, {id_: (client_id, answers[id_].raw) for id_, client_id in owners.items()}, account, now)
    keep_failures(session, page.failed, now=now)
    return page.failed


def keep_failures(session: Session, failed: Mapping[int, str], *, now: datetime) -> None:
    """A look-up that failed says so on the unit and on its looked-up coverages; what they said before stays."""
    if not failed:
        return
    rows = [{"of": asset_id, "error": error} for asset_id, error in failed.items()]
    connection = session.connection()
    said: dict[str, Any] = {"lookup_error": bindparam("error")}
    units = update(Asset).where(Asset.id == bindparam("of"))
    lines = update(Coverage).where(Coverage.asset_id == bindparam("of"), *_IS_LOOKED_UP)
    connection.execute(units.values(**said, lookup_at=now), rows)
    connection.execute(lines.values(**said), rows)


# --- one answer ---


@dataclass(slots=True)
class _Page:
    """What some answers come to: what to write, by what is written alike."""

    now: datetime
    units: dict[UnitSays, list[int]] = field(default_factory=dict)
    lines: dict[CoverageSays, list[int]] = field(default_factory=dict)
    superseded: dict[int, int] = field(default_factory=dict)
    new: list[dict[str, Any]] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)

    def take_lines(
        self, asset_id: int, client_id: int, lines: Sequence[dict[str, Any]], known: Mapping[str, Row[Any]]
    ) -> None:
        """Compare the lines that a vendor lists for a unit with those it listed before."""
        named = {line["vendor_line"]: line for line in lines}
        if len(named) < len(lines):
            raise ValueError("two lines have one name")
        self.units.setdefault(UnitSays.LISTED, []).append(asset_id)
        for name, line in named.items():
            old, says = known.get(name), self._says(line)
            if old is not None and all(getattr(old, term) == line[term] for term in _TERMS):
                self.lines.setdefault(says, []).append(old.id)
                continue
            if old is not None:
                self.superseded[old.id] = client_id
            claims = {column: 0 if old is None else getattr(old, column) for column in _CLAIMS}
            self.new.append(
                line
                | claims
                | {"asset_id": asset_id, "client_id": client_id, "vendor_says": says, "checked_at": self.now}
            )
        gone = [row.id for name, row in known.items() if name not in named]
        self.lines.setdefault(CoverageSays.NOT_COVERED, []).extend(gone)

    def _says(self, line: Mapping[str, Any]) -> CoverageSays:
        today = self.now.astimezone(ZoneInfo(line["time_zone"])).date()
        inside = line["starts_on"] <= today and (line["ends_on"] is None or today <= line["ends_on"])
        return CoverageSays.COVERED if inside else CoverageSays.NOT_COVERED


def _line(line: Entitlement) -> dict[str, Any]:
    """The columns of a line.

    Raises:
        ValueError: a word that the product does not have, days the wrong way round, or an unknown zone.
    """
    try:
        ZoneInfo(line.time_zone)
    except (KeyError, OSError) as err:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(f"there is no time zone {line.time_zone!r}") from err
    if line.ends_on is not None and line.ends_on < line.starts_on:
        raise ValueError("a line ends before it starts")
    if not line.covers or not line.vendor_line:
        raise ValueError("a line covers nothing, or has no name")
    return {
        "scope": ScopeKind.ASSET,
        "vendor_line": line.vendor_line,
        "contract_number": line.contract_number or line.vendor_line,
        "name": line.name,
        "kind": CoverageKind(line.kind),
        "fulfilment": Fulfilment(line.fulfilment),
        "starts_on": line.starts_on,
        "ends_on": line.ends_on,
        "time_zone": line.time_zone,
        "state": CoverageState.ACTIVE,
        "covers": [Share(word).value for word in line.covers],
        "excluded_causes": [Cause(word).value for word in line.excluded_causes],
        "excluded_components": [Component(word).value for word in line.excluded_components],
        "service_level": ServiceLevel(line.service_level),
        "delivery": Delivery(line.delivery),
        "evidence_source": EvidenceSource.VENDOR_LOOKUP,
    }


# --- many rows ---

_IS_LOOKED_UP = (Coverage.vendor_line.is_not(None), Coverage.state != CoverageState.SUPERSEDED)


def _hold(session: Session, wanted: Collection[int]) -> dict[int, int]:
    """The units that still are, locked in one order, and whose they are."""
    query = select(Asset.id, Asset.client_id).where(Asset.id.in_(wanted)).order_by(Asset.id)
    return {row.id: row.client_id for row in session.execute(query.with_for_update())}


def _looked_up(session: Session, units: Collection[int]) -> dict[int, dict[str, Row[Any]]]:
    """What the vendors listed so far, by unit and by their names of the lines."""
    columns = [getattr(Coverage, name) for name in ("id", "asset_id", "vendor_line", *_TERMS, *_CLAIMS)]
    found: dict[int, dict[str, Row[Any]]] = {}
    for row in session.execute(select(*columns).where(Coverage.asset_id.in_(units), *_IS_LOOKED_UP)):
        found.setdefault(row.asset_id, {})[row.vendor_line] = row
    return found


def _write(session: Session, page: _Page, because: Because) -> None:
    told = {"checked_at": page.now, "lookup_error": None}
    for says, ids in page.units.items():
        known = {"lookup_says": says, "lookup_at": page.now, "lookup_error": None}
        session.execute(update(Asset).where(Asset.id.in_(ids)).values(**known), execution_options=_QUIETLY)
    for word, ids in page.lines.items():
        if ids:
            kept = update(Coverage).where(Coverage.id.in_(ids)).values(vendor_says=word, **told)
            session.execute(kept, execution_options=_QUIETLY)
    if page.superseded:
        over = update(Coverage).where(Coverage.id.in_(page.superseded)).values(state=CoverageState.SUPERSEDED)
        session.execute(over, execution_options=_QUIETLY)
        moves.note_many(session, Coverage, page.superseded.items(), "supersede", because)
    if page.new:
        keys = db.next_ids(session, Coverage, len(page.new))
        db.write(session, Coverage, *(row | {"id": key} for row, key in zip(page.new, keys, strict=True)))
        made = [(key, row["client_id"]) for row, key in zip(page.new, keys, strict=True)]
        moves.note_many(session, Coverage, made, "add", because)


def _keep_raw(session: Session, answers: Mapping[int, tuple[int, str]], account: VendorAccount, now: datetime) -> None:
    """Keep what was answered where it is not what was answered before."""
    newest = select(func.max(UnitAnswer.id)).where(UnitAnswer.asset_id.in_(answers)).group_by(UnitAnswer.asset_id)
    before = dict(_pairs(session.execute(select(UnitAnswer.asset_id, UnitAnswer.raw).where(UnitAnswer.id.in_(newest)))))
    rows = [
        {"client_id": client_id, "asset_id": asset_id, "account_id": account.id, "answered_at": now, "raw": raw}
        for asset_id, (client_id, raw) in answers.items()
        if raw and before.get(asset_id) != raw
    ]
    db.write(session, UnitAnswer, *rows)


def _pairs(rows: Iterable[Row[Any]]) -> Iterable[tuple[int, str]]:
    return ((row.asset_id, row.raw) for row in rows)


# --- what was answered ---


def _answers(_session: Session, rows: Sequence[Row[Any]], _now: datetime) -> list[Document]:
    return [
        {
            "id": row.UnitAnswer.public_id,
            "account": row.account,
            "answered_at": row.UnitAnswer.answered_at,
            "raw": row.UnitAnswer.raw,
        }
        for row in rows
    ]


ANSWERS = Kind(
    UnitAnswer,
    lambda: select(UnitAnswer, VendorAccount.public_id.label("account")).outerjoin(
        VendorAccount, VendorAccount.id == UnitAnswer.account_id
    ),
    _answers,
)
"""The raw answers about units."""
