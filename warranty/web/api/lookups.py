"""Look-ups for programs: ordered at once and made by the workers, and what vendors have answered so far."""

from __future__ import annotations

from typing import Any

from warranty.domain.access import Permission
from warranty.models import Asset, Client, LookUpRun, UnitAnswer
from warranty.services import entitlements, refresh
from warranty.web.api.base import Endpoints, by_caller, listed
from warranty.web.guards import call, find, needs, runtime
from warranty.web.schemas.lists import page_of
from warranty.web.schemas.lookups import AnswerDocument, AnswerQuery, AskedDocument, LookUpBody, LookUpDocument

endpoints = Endpoints("lookups", "What vendors are asked about units, and what they answer.")


@endpoints.post("/lookups", needs(Permission.HANDLE, wide=True), body=LookUpBody(), answer=AskedDocument(), status=202)
def ask(body: dict[str, Any]) -> dict[str, Any]:
    """Have vendors asked what covers units. Answers at once; ``GET /lookups/{id}`` says how far it is."""
    client = None if body["client"] is None else find(Client, body["client"], field="client")
    session = call().session
    by: dict[str, Any] = {"client": client, "because": by_caller("by the API")}
    if body["all"]:
        asked = refresh.ask_stale(session, runtime(), stale_days=body["stale_days"], **by)
    else:
        asked = refresh.ask_named(session, runtime(), body["serial_numbers"], **by)
    session.flush()
    return {
        **refresh.document(asked.run, refresh.progress(session, asked.run)),
        "already_ordered": asked.already,
        "without_account": asked.without_account,
        "left_out": [{"serial_number": one.serial_number, "why": one.why} for one in asked.left_out],
    }


@endpoints.get("/lookups/<uuid:id>", needs(Permission.READ, of=LookUpRun, wide=True), answer=LookUpDocument())
def show(run: LookUpRun) -> dict[str, Any]:
    """How far it is."""
    return refresh.document(run, refresh.progress(call().session, run))


@endpoints.get(
    "/assets/<uuid:id>/vendor-answers",
    needs(Permission.READ, of=Asset),
    query=AnswerQuery(),
    answer=page_of(AnswerDocument),
)
def answers(asset: Asset, query: dict[str, Any]) -> dict[str, Any]:
    """What vendors answered about a unit, the newest first.

    The evidence under a verdict is the one that held at the ``checked_at`` of its case.
    """
    return listed(entitlements.ANSWERS, query, UnitAnswer.asset_id == asset.id)
