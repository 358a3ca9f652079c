"""What was read of units, for programs of the MSP; no client sees any."""

from __future__ import annotations

from typing import Any

from warranty.domain.access import Permission
from warranty.models import Asset, Snapshot
from warranty.services import specifications
from warranty.web.api.base import Endpoints, by_caller, document, listed
from warranty.web.guards import call, needs
from warranty.web.schemas.lists import page_of
from warranty.web.schemas.specifications import SnapshotBody, SnapshotDocument, SnapshotQuery

endpoints = Endpoints("specifications", "What units are made of and how they are set up, as it was read.")


@endpoints.get(
    "/assets/<uuid:id>/snapshots",
    needs(Permission.READ, of=Asset),
    query=SnapshotQuery(),
    answer=page_of(SnapshotDocument),
)
def list_snapshots(asset: Asset, query: dict[str, Any]) -> dict[str, Any]:
    """What was read of a unit, the newest first."""
    kind = query.pop("kind")
    where = [Snapshot.asset_id == asset.id]
    if kind is not None:
        where.append(Snapshot.kind == kind)
    return listed(specifications.SNAPSHOTS, query, *where)


@endpoints.post(
    "/assets/<uuid:id>/snapshots",
    needs(Permission.HANDLE, of=Asset),
    body=SnapshotBody(),
    answer=page_of(SnapshotDocument),
)
def record_snapshots(asset: Asset, body: dict[str, Any]) -> dict[str, Any]:
    """Keep what was read of a unit, without its secrets; what says the same as last time is kept once."""
    made = specifications.record_all(
        call().session, asset, body["specification"], body["configuration"], by_caller(body["reason"])
    )
    items = [document(specifications.SNAPSHOTS, snapshot) for snapshot in made]
    return {"items": items, "next_cursor": None, "total": None}


@endpoints.get("/snapshots/<uuid:id>", needs(Permission.READ, of=Snapshot), answer=SnapshotDocument())
def show_snapshot(snapshot: Snapshot) -> dict[str, Any]:
    """What was read of a unit at one instant."""
    return document(specifications.SNAPSHOTS, snapshot)
