"""The packing slip and the label of a return as they leave, to programs and to pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from warranty.services import returns, slips
from warranty.web import words
from warranty.web.errors import Problem
from warranty.web.guards import call
from warranty.web.i18n import N_, reader

if TYPE_CHECKING:
    from warranty.models import Shipment


def answer(parcel: Shipment) -> Response:
    """Both sheets, in the reader's language.

    Raises:
        Problem: ``illegal_move``: the vendor has given no RMA number yet.
    """
    [item] = returns.of_parcels(call().session, [parcel])
    try:
        made = slips.make(item, reader(), part=words.word(item.rma.component))
    except slips.NoNumber as err:
        advice = N_("There is no RMA number yet. Without one a vendor sends a parcel back, or loses it.")
        raise Problem("illegal_move", str(err), advice=advice) from err
    headers = {"Content-Disposition": f'inline; filename="return-{item.fault.reference}.pdf"'}
    return Response(made, mimetype="application/pdf", headers=headers)
