"""Specifications and configurations of units as evidence: the only place that keeps what was read of one.

What comes is read into a normal form before anything is kept; the file itself is not, and no secret of a configuration is.
What was read again and says the same as last time is the snapshot that there is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from warranty.domain import specification
from warranty.domain.lifecycles import SwapKind, SwapState
from warranty.domain.specification import Configuration, Specification, Unreadable
from warranty.models import Asset, Snapshot, SnapshotKind, Swap
from warranty.services import moves
from warranty.services.estate import Invalid
from warranty.services.records import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from warranty.services.moves import Because
    from warranty.services.records import Document

Given = bytes | str | dict[str, Any] | list[Any]
"""An inventory or configuration as it was handed in: a file, a text, or a document that was parsed already."""

SPECIFICATION, CONFIGURATION = SnapshotKind.SPECIFICATION, SnapshotKind.CONFIGURATION


def record(
    session: Session, asset: Asset, given: Given, because: Because, *, kind: SnapshotKind = SPECIFICATION
) -> Snapshot:
    """Keep what was read of a unit; the one that there is where it says the same.

    While a swap of the unit is installed and not verified, this is what the swap brought.

    Raises:
        Invalid: it cannot be read; the field is the kind.
    """
    session.flush()
    session.refresh(asset, with_for_update=True)  # two that say the same at the same time are one
    return _keep(session, _read(given, kind), because, asset=asset, swap=_under_way(session, asset))


def record_all(
    session: Session, asset: Asset, specification_: Given | None, configuration: Given | None, because: Because
) -> list[Snapshot]:
    """Keep what was read of a unit, of either kind; null where it was not.

    Raises:
        Invalid: neither was given, or one cannot be read.
    """
    return [record(session, asset, given, because, kind=kind) for kind, given in _both(specification_, configuration)]


def _both(specification_: Given | None, configuration: Given | None) -> list[tuple[SnapshotKind, Given]]:
    both = [(SPECIFICATION, specification_), (CONFIGURATION, configuration)]
    found = [(kind, given) for kind, given in both if given is not None]
    if not found:
        raise Invalid(SPECIFICATION, "Send a specification, a configuration, or both.")
    return found


def record_coming(
    session: Session, swap: Swap, specification_: Given | None, configuration: Given | None, because: Because
) -> None:
    """Keep what was read of the unit or part that a swap brings, also before the unit is in the registry.

    Raises:
        Invalid: one of both cannot be read.
    """
    session.flush()  # what was just scanned stays
    session.refresh(swap, with_for_update=True)
    key = swap.new_asset_id if swap.kind is SwapKind.UNIT else swap.old_asset_id
    asset = None if key is None else session.get_one(Asset, key)
    for kind, given in _both(specification_, configuration):
        _keep(session, _read(given, kind), because, asset=asset, swap=swap)


def settle(session: Session, swap: Swap) -> None:
    """Give the unit that took a place what was read of it while it was not in the registry yet."""
    key = swap.new_asset_id if swap.kind is SwapKind.UNIT else swap.old_asset_id
    waiting = select(Snapshot).where(Snapshot.swap_id == swap.id, Snapshot.asset_id.is_(None))
    for snapshot in session.scalars(waiting):
        snapshot.asset_id = key


def newest(session: Session, kind: SnapshotKind, *, of: Asset, besides: Swap | None = None) -> Snapshot | None:
    """The newest snapshot of a unit, null where there is none. ``besides`` leaves out what that swap brought."""
    query = select(Snapshot).where(Snapshot.asset_id == of.id, Snapshot.kind == kind)
    if besides is not None:
        query = query.where(Snapshot.swap_id.is_(None) | (Snapshot.swap_id != besides.id))
    return session.scalars(query.order_by(Snapshot.id.desc()).limit(1)).one_or_none()


def brought(session: Session, kind: SnapshotKind, swap: Swap) -> Snapshot | None:
    """The newest snapshot of what a swap brought, null where there is none."""
    query = select(Snapshot).where(Snapshot.swap_id == swap.id, Snapshot.kind == kind)
    return session.scalars(query.order_by(Snapshot.id.desc()).limit(1)).one_or_none()


def _under_way(session: Session, asset: Asset) -> Swap | None:
    """The swap that brought the unit, or a part of it, and is not proven yet."""
    part = (Swap.kind != SwapKind.UNIT) & (Swap.old_asset_id == asset.id)
    query = select(Swap).where(Swap.state == SwapState.INSTALLED, (Swap.new_asset_id == asset.id) | part)
    return session.scalars(query.order_by(Swap.id.desc()).limit(1)).one_or_none()


def _read(given: Given, kind: SnapshotKind) -> Specification | Configuration:
    content = given.encode(errors="replace") if isinstance(given, str) else given
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()  # so that one limit holds for all that comes
    try:
        return specification.read(content) if kind is SPECIFICATION else specification.read_configuration(content)
    except Unreadable as problem:
        raise Invalid(kind, str(problem)) from problem


def _keep(
    session: Session, read: Specification | Configuration, because: Because, *, asset: Asset | None, swap: Swap | None
) -> Snapshot:
    kind = SPECIFICATION if isinstance(read, Specification) else CONFIGURATION
    before = brought(session, kind, swap) if swap is not None else None
    if swap is None and asset is not None:
        before = newest(session, kind, of=asset)
    if before is not None and before.digest == read.digest:
        return before
    whose = asset if asset is not None else swap
    assert whose is not None
    snapshot = Snapshot(
        client_id=whose.client_id,
        asset_id=None if asset is None else asset.id,
        swap_id=None if swap is None else swap.id,
        kind=kind,
        source=read.source,
        digest=read.digest,
        properties=dict(read.properties) if isinstance(read, Specification) else {},
        redacted=read.text if isinstance(read, Configuration) else "",
        taken_by=because.actor,
        taken_at=because.at,
    )
    session.add(snapshot)
    session.flush()
    moves.note(session, snapshot, "add", because, detail={"kind": kind, "source": read.source, "digest": read.digest})
    return snapshot


def _documents(_session: Session, rows: Sequence[Row[Any]], _now: datetime) -> list[Document]:
    return [_document(row.Snapshot, row.asset, row.swap) for row in rows]


def _document(snapshot: Snapshot, asset: UUID | None, swap: UUID | None) -> Document:
    return {
        "id": snapshot.public_id,
        "asset": asset,
        "swap": swap,
        "kind": snapshot.kind,
        "source": snapshot.source,
        "digest": snapshot.digest,
        "properties": snapshot.properties,
        "configuration": snapshot.redacted,
        "taken_by": snapshot.taken_by,
        "taken_at": snapshot.taken_at,
    }


SNAPSHOTS: Final = Kind(
    Snapshot,
    lambda: (
        select(Snapshot, Asset.public_id.label("asset"), Swap.public_id.label("swap"))
        .outerjoin(Asset, Asset.id == Snapshot.asset_id)
        .outerjoin(Swap, Swap.id == Snapshot.swap_id)
    ),
    _documents,
)
"""How snapshots are listed for programs."""
