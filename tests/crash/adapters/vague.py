"""A vendor of class C that at least lists what it has made since a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from vendors.adapters.servicenow import ServiceNow
from vendors.contract import Promise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vendors.contract import Capabilities, RmaRequest, VendorCase

CLOCKS_DIFFER = timedelta(minutes=1)


class Vague(ServiceNow):
    """ServiceNow that does not say whose a case is."""

    name = "vague"
    form = replace(ServiceNow.form, vendor="vague", title="Vague", promise=Promise.C)

    @property
    def capabilities(self) -> Capabilities:
        """As ServiceNow, but of class C."""
        return replace(super().capabilities, promise=Promise.C, proposes=True)

    def candidates(self, request: RmaRequest) -> Sequence[VendorCase]:
        """List what was made since the claim was sent."""
        assert request.first_sent_at is not None
        made = self.list_cases(request.first_sent_at - CLOCKS_DIFFER)
        return [replace(case, client_reference=None, is_proposal=True) for case in made]
