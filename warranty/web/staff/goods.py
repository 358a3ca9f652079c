"""What a person saw of a case's parcels and did at the rack."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flask import redirect, request, url_for

from warranty.domain.access import Permission
from warranty.domain.lifecycles import ShipmentState
from warranty.models import Fault, Shipment
from warranty.services import queries, shipments, swaps
from warranty.services.moves import IllegalMove, attempt
from warranty.web.forms import is_late, read
from warranty.web.guards import call, needs
from warranty.web.i18n import N_, reader
from warranty.web.parcels import take_parcel
from warranty.web.schemas.cases import ShipmentMoveBody, SwapMoveBody
from warranty.web.staff.cases import case_page, too_late
from warranty.web.staff.room import blueprint
from warranty.web.views import goods

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from warranty.services.queries import Case

_FIELDS = {"to": "goods_to", "reason": "goods_reason"}
_PARCEL = {
    "carrier": "goods_carrier",
    "tracking_number": "goods_tracking",
    "due_on": "goods_due_on",
    "signed_by": "goods_signed_by",
    "rest": "goods_rest",
}


@blueprint.post("/cases/<uuid:id>/goods")
@needs(Permission.HANDLE, of=Fault)
def move_goods(fault: Fault) -> Response | tuple[str, int]:
    """Say where a parcel or the swap is by now."""
    asked, typed = call(), request.form
    asked.session.refresh(fault, with_for_update=True)
    found = queries.case(asked.session, fault, now=asked.now)
    if is_late(typed, goods.seen(found)):
        return too_late(fault, typed.get("goods_reason"), moved=(typed, {}))
    which, _, to = typed.get("goods_to", "").partition(":")
    record = next((one for one in goods.records(found) if str(one.public_id) == which), None)
    is_parcel = isinstance(record, Shipment)
    schema = ShipmentMoveBody() if is_parcel else SwapMoveBody()
    body, errors = read(schema, {**typed, "goods_to": to}, _FIELDS | (_PARCEL if is_parcel else {}))
    if record is None:
        errors = {"goods_to": reader().text(N_("Say what happened."))} | errors
    if errors or record is None:
        return case_page(fault, moved=(typed, errors)), 422
    try:
        with attempt(asked.session):
            given = {"reason": body["reason"], "now": asked.now}
            if isinstance(record, Shipment):
                arrived, errors = _arrived(found, record, body["to"])
                if errors:
                    return case_page(fault, moved=(typed, errors)), 422
                given["unpacked"] = replace(body["unpacked"], arrived=arrived)
                shipments.move(asked.session, asked.principal, record, body["to"], take_parcel(body), **given)
            else:
                swaps.move(asked.session, asked.runtime, asked.principal, record, body["to"], **given)
    except IllegalMove:
        said = N_("This cannot be said yet: something else has to happen first, or the client has to approve the work.")
        return case_page(fault, moved=(typed, {"goods_to": reader().text(said)})), 409
    return redirect(url_for("staff.case_detail", id=fault.public_id), 303)


def _arrived(found: Case, parcel: Shipment, to: ShipmentState) -> tuple[dict[str, int] | None, dict[str, str]]:
    """How many of each part were right, where a parcel is booked in or was wrong; nothing where nobody counted."""
    if to not in _UNPACKED or parcel.state is not ShipmentState.DELIVERED:
        return None, {}
    counted, errors = {}, {}
    for line, piece in zip(shipments.lines_of(parcel), goods.pieces(found, parcel), strict=True):
        typed = request.form.get(piece.field, "").strip() or ("0" if to is ShipmentState.WRONG_OR_DAMAGED else "")
        if not typed:
            counted[line.part] = line.quantity
        elif typed.isdecimal() and int(typed[:6]) <= line.quantity:
            counted[line.part] = int(typed[:6])
        else:
            errors[piece.field] = reader().text(N_("Give a number from 0 to %(most)s."), most=line.quantity)
    if to is ShipmentState.WRONG_OR_DAMAGED and all(
        counted.get(one.part) == one.quantity for one in shipments.lines_of(parcel)
    ):
        counted = {}  # the numbers stand there beforehand, and say nothing where something was wrong
    return counted, errors


_UNPACKED = frozenset({ShipmentState.CHECKED_IN, ShipmentState.WRONG_OR_DAMAGED})
