"""A vendor of class C: it can neither be searched nor asked twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vendors.adapters.servicenow import ServiceNow
from vendors.contract import Promise

if TYPE_CHECKING:
    from vendors.contract import Capabilities


class Mute(ServiceNow):
    """ServiceNow whose search nobody may use."""

    name = "mute"
    form = replace(ServiceNow.form, vendor="mute", title="Mute", promise=Promise.C)

    @property
    def capabilities(self) -> Capabilities:
        """As ServiceNow, but of class C."""
        return replace(super().capabilities, promise=Promise.C, lists_cases=False)
