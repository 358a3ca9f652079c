"""One box for every number and name: what begins with what somebody typed. One statement, each part of it by an index."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import String, cast, func, literal, select, union_all

from warranty import db
from warranty.models import AdHocJob, Asset, Client, Contract, Fault, Product, Rma
from warranty.services.estate import serial_key

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import SQLColumnExpression
    from sqlalchemy.orm import Session

MOST_OF_A_KIND: Final = 8
SHORTEST: Final = 2
LONGEST: Final = 100


class Kind(StrEnum):
    """What was found, in the order in which it is shown."""

    ASSET = "asset"
    CASE = "case"
    JOB = "job"
    CONTRACT = "contract"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing. ``said`` is what fits of it, ``about`` what else names it; ``is_exact``: all of it was typed."""

    kind: Kind
    id: UUID
    said: str
    about: str
    client: str
    is_exact: bool


def find(session: Session, typed: str) -> list[Hit]:
    """What begins so, at most so many of each kind, those that fit exactly first; one statement."""
    text = typed.strip()[:LONGEST]
    if len(text) < SHORTEST:
        return []
    lower, upper = text.lower(), text.upper()
    parts = [
        _part(session, Kind.ASSET, Asset, Asset.serial_key, serial_key(text), Asset.serial_number),
        _part(session, Kind.ASSET, Asset, func.lower(Asset.asset_tag), lower, Asset.asset_tag),
        _part(session, Kind.ASSET, Asset, func.lower(Asset.name), lower, Asset.name),
        _part(session, Kind.CASE, Fault, Fault.reference, upper, Fault.reference),
        *(
            _part(session, Kind.CASE, Rma, func.lower(number), lower, number)
            for number in (Rma.rma_number, Rma.vendor_case_number, Rma.client_reference)
        ),
        _part(session, Kind.JOB, AdHocJob, AdHocJob.reference, upper, AdHocJob.reference),
        _part(session, Kind.CONTRACT, Contract, func.lower(Contract.number), lower, Contract.number),
        _part(session, Kind.CLIENT, Client, func.lower(Client.name), lower, Client.name),
    ]
    found: dict[tuple[Kind, Any], Hit] = {}
    for row in session.execute(union_all(*(select(part.subquery()) for part in parts))):
        hit = Hit(Kind(row.kind), row.public_id, row.said, row.about, row.client, bool(row.is_exact))
        known = found.get((hit.kind, hit.id))
        if known is None or (hit.is_exact and not known.is_exact):
            found[hit.kind, hit.id] = hit
    order = list(Kind)
    return sorted(found.values(), key=lambda hit: (order.index(hit.kind), not hit.is_exact, hit.said))


def _part(
    session: Session,
    kind: Kind,
    table: Any,
    column: SQLColumnExpression[Any],
    wanted: str,
    shown: SQLColumnExpression[Any],
) -> Any:
    """Those of one table whose column begins so. Of a claim its case is meant."""
    about, public_id = _ABOUT[kind], (Fault if kind is Kind.CASE else table).public_id
    query = select(
        literal(kind.value).label("kind"),
        public_id.label("public_id"),
        cast(shown, String).label("said"),
        about.label("about"),
        Client.name.label("client"),
        (column == wanted).label("is_exact"),
    ).select_from(table)
    if table is Rma:
        query = query.join(Fault, Fault.id == Rma.fault_id)
    if table is not Client:
        query = query.join(Client, Client.id == table.client_id)
    if kind is Kind.ASSET:
        query = query.outerjoin(Product, Product.id == Asset.product_id)
    fits = db.begins(session, column, wanted)
    return query.where(fits).order_by((column == wanted).desc(), column).limit(MOST_OF_A_KIND)


_ABOUT: Final[dict[Kind, Any]] = {
    Kind.ASSET: func.coalesce(Product.manufacturer + " " + Product.model, ""),
    Kind.CASE: Fault.reference + " · " + Fault.serial_number,
    Kind.JOB: literal(""),
    Kind.CONTRACT: Contract.name,
    Kind.CLIENT: literal(""),
}
