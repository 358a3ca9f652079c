"""A vendor of class A: it knows a key for a while, and takes a second request of the same key for the first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vendors.adapters.servicenow import ServiceNow
from vendors.contract import Promise

if TYPE_CHECKING:
    from vendors.contract import Capabilities

KEY_LIFETIME_S = 3600.0


class Keyed(ServiceNow):
    """ServiceNow behind a gateway that keeps keys for an hour."""

    name = "keyed"
    form = replace(ServiceNow.form, vendor="keyed", title="Keyed", promise=Promise.A)

    @property
    def capabilities(self) -> Capabilities:
        """As ServiceNow, but of class A."""
        return replace(super().capabilities, promise=Promise.A, key_lifetime_s=KEY_LIFETIME_S)
