"""ServiceNow without its settle time: what waiting is for shows in what goes wrong with this one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vendors.adapters.servicenow import ServiceNow

if TYPE_CHECKING:
    from vendors.contract import Capabilities


class Hasty(ServiceNow):
    """Believes the first search that finds nothing."""

    name = "hasty"
    form = replace(ServiceNow.form, vendor="hasty", title="Hasty")

    @property
    def capabilities(self) -> Capabilities:
        """As ServiceNow, but nothing ever arrives late."""
        return replace(super().capabilities, settle_s=0.0)
