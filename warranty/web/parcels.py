"""What people and programs say of a parcel, as the services take it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from warranty.models import File
from warranty.services.shipments import Parcel
from warranty.web.guards import find

if TYPE_CHECKING:
    from collections.abc import MutableMapping


def take_parcel(body: MutableMapping[str, Any]) -> Parcel:
    """What is known of the parcel, taken out of what was sent; a proof that the caller may not see is not there."""
    facts = {field.name: body.pop(field.name, None) for field in dataclasses.fields(Parcel)}
    proof, lines = facts["proof"], facts["parts"]
    facts["proof"] = None if proof is None else find(File, proof, field="proof")
    facts["parts"] = None if lines is None else tuple(lines)
    return Parcel(**facts)
