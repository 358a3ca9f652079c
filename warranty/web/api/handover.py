"""Hand-over and end of units for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from warranty.domain.access import Permission
from warranty.models import Asset, Baseline, File
from warranty.services import estate, handover, retiring
from warranty.services.handover import BASELINES, Acceptance
from warranty.services.retiring import Medium
from warranty.web.api.base import Endpoints, by_caller, document, held, listed
from warranty.web.errors import Problem
from warranty.web.guards import call, find, needs
from warranty.web.schemas.handover import (
    BaselineBody,
    BaselineDocument,
    CheckBody,
    ClassBody,
    DisposalBody,
    HandoverDocument,
    MediumBody,
    RetirementDocument,
)
from warranty.web.schemas.lists import ListQuery, page_of

endpoints = Endpoints("handover", "Units that are taken over and signed for, and units that come to their end.")


# --- taking over ---


@endpoints.get("/assets/<uuid:id>/handover", needs(Permission.READ, of=Asset), answer=HandoverDocument())
def show_handover(asset: Asset) -> dict[str, Any]:
    """How far the hand-over of a unit is."""
    session = call().session
    checks = handover.checks(session, asset)
    return {
        "asset_id": asset.public_id,
        "state": asset.state,
        "unit_class": checks[0].unit_class if checks else None,
        "checks": [handover.step_document(one) for one in checks],
        "open": [one.step for one in estate.open_checks(session, asset.id)],
    }


@endpoints.post(
    "/assets/<uuid:id>/handover", needs(Permission.HANDLE, of=Asset), body=ClassBody(), answer=HandoverDocument()
)
def begin(asset: Asset, body: dict[str, Any]) -> dict[str, Any]:
    """Lay out the checks of a unit's hand-over; begun as another class, what both have stays done."""
    asset = held(asset)
    handover.begin(call().session, asset, body["unit_class"], because=by_caller(body["reason"]))
    return show_handover(asset)


@endpoints.post(
    "/assets/<uuid:id>/handover/checks", needs(Permission.HANDLE, of=Asset), body=CheckBody(), answer=HandoverDocument()
)
def check(asset: Asset, body: dict[str, Any]) -> dict[str, Any]:
    """Say what became of a check."""
    asset, because = held(asset), by_caller(body["reason"])
    handover.check(call().session, asset, body["step"], body["outcome"], body["evidence"], because=because)
    return show_handover(asset)


@endpoints.get("/assets/<uuid:id>/baseline", needs(Permission.READ, of=Asset), answer=BaselineDocument())
def show_baseline(asset: Asset) -> dict[str, Any]:
    """The baseline that stands: in what state the unit was handed over, and who signed for it."""
    row = handover.newest(call().session, asset)
    if row is None:
        raise Problem("not_found", "Nobody has signed for this unit yet.")
    return document(BASELINES, row)


@endpoints.get(
    "/assets/<uuid:id>/baselines",
    needs(Permission.READ, of=Asset),
    query=ListQuery(),
    answer=page_of(BaselineDocument),
)
def list_baselines(asset: Asset, query: dict[str, Any]) -> dict[str, Any]:
    """Every baseline of the unit, the newest first."""
    return listed(BASELINES, query, Baseline.asset_id == asset.id)


@endpoints.put(
    "/assets/<uuid:id>/baseline", needs(Permission.REGISTER, of=Asset), body=BaselineBody(), answer=BaselineDocument()
)
def sign(asset: Asset, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Sign for a unit: accepted it goes into service, else it is rejected. A newer baseline supersedes the one that stands."""
    asset = held(asset)
    because = by_caller(body.pop("reason").strip())
    given = Acceptance(
        body["result"],
        body["signed_by"],
        body["exceptions"],
        body["signer_role"],
        body["signature"],
        body["strokes"],
        _file(body["signature_file"], "signature_file"),
        body["specification"],
        body["configuration"],
    )
    made = handover.sign(call().session, asset, given, because=because)
    return document(BASELINES, made), 200


def _file(named: UUID | None, field: str) -> File | None:
    return None if named is None else find(File, named, field=field)


# --- the end ---


@endpoints.get("/assets/<uuid:id>/retirement", needs(Permission.READ, of=Asset), answer=RetirementDocument())
def show_retirement(asset: Asset) -> dict[str, Any]:
    """What is known of a unit's end, and what is missing before it may be disposed of."""
    return retiring.document(call().session, asset)


@endpoints.post(
    "/assets/<uuid:id>/media",
    needs(Permission.HANDLE, of=Asset),
    body=MediumBody(),
    answer=RetirementDocument(),
    status=201,
)
def add_medium(asset: Asset, body: dict[str, Any]) -> dict[str, Any]:
    """Keep what became of the data of one medium of a unit."""
    asset, because = held(asset), by_caller(body.pop("reason"))
    body["file"] = _file(body["file"], "file")
    retiring.add_medium(call().session, asset, Medium(**body), because=because)
    return show_retirement(asset)


@endpoints.post(
    "/assets/<uuid:id>/disposal",
    needs(Permission.REGISTER, of=Asset),
    body=DisposalBody(),
    answer=RetirementDocument(),
    status=201,
)
def dispose(asset: Asset, body: dict[str, Any]) -> dict[str, Any]:
    """Say who took a decommissioned unit for recycling; it is refused while what became of its media is not known."""
    asset, because = held(asset), by_caller(body.pop("reason"))
    body["file"] = _file(body["file"], "file")
    retiring.dispose(call().session, asset, **body, because=because)
    return show_retirement(asset)
