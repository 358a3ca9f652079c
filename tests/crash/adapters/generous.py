"""A vendor that simply swaps what is dead on arrival, and covers each replacement for a time of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vendors.adapters.servicenow import ServiceNow
from vendors.contract import TransferRule

if TYPE_CHECKING:
    from vendors.contract import Capabilities


class Generous(ServiceNow):
    """ServiceNow of a vendor whose rules are known."""

    name = "generous"
    form = replace(ServiceNow.form, vendor="generous", title="Generous")

    @property
    def capabilities(self) -> Capabilities:
        """As ServiceNow, with the rules of its paper."""
        return replace(
            super().capabilities,
            dead_on_arrival_days=30,
            transfer_rule=TransferRule.LONGER_OF_BOTH,
            transfer_days=90,
        )
