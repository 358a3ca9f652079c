"""A vendor that takes no claim without everything it may ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vendors.adapters.servicenow import ServiceNow
from vendors.contract import Need

if TYPE_CHECKING:
    from vendors.contract import Capabilities


class Fussy(ServiceNow):
    """ServiceNow that wants a contact, an address and a diagnosis."""

    name = "fussy"
    form = replace(ServiceNow.form, vendor="fussy", title="Fussy")

    @property
    def capabilities(self) -> Capabilities:
        """As ServiceNow, but with needs."""
        return replace(super().capabilities, requires=frozenset({Need.CONTACT, Need.SHIP_TO, Need.DIAGNOSIS}))
