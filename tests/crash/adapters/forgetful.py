"""ServiceNow without its search: what a look-up is for shows in what goes wrong with this one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vendors.adapters.servicenow import ServiceNow

if TYPE_CHECKING:
    from vendors.contract import Capabilities, RmaRequest, VendorCase


class Forgetful(ServiceNow):
    """Never finds a case."""

    name = "forgetful"
    form = replace(ServiceNow.form, vendor="forgetful", title="Forgetful")

    @property
    def capabilities(self) -> Capabilities:
        """As ServiceNow, but it lists nothing either."""
        return replace(super().capabilities, lists_cases=False)

    def find_case(self, request: RmaRequest) -> VendorCase | None:
        """Find nothing."""
        del request
        return None
