"""An adapter with errors of its own: after the vendor took the claim, in the middle of what it reads, over what is sent to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vendors.adapters.servicenow import ServiceNow
from vendors.contract import VendorShipment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vendors.contract import RmaRequest, VendorCase

NO_DIRECTION: Any = "sideways"


class Clumsy(ServiceNow):
    """ServiceNow that stumbles over every answer to an open, and makes nonsense of the first case it reads."""

    name = "clumsy"
    form = replace(ServiceNow.form, vendor="clumsy", title="Clumsy")

    def open_case(self, request: RmaRequest) -> VendorCase:
        """Send it, and stumble."""
        number = super().open_case(request).vendor_case_number
        raise KeyError(number)

    def read_cases(self, vendor_case_numbers: Sequence[str]) -> Iterator[VendorCase]:
        """Read them, the first of them wrongly."""
        for case in super().read_cases(vendor_case_numbers):
            is_first = case.vendor_case_number == min(vendor_case_numbers)
            yield replace(case, shipments=(VendorShipment(NO_DIRECTION),)) if is_first else case

    def parse_webhook(self, body: bytes) -> Sequence[VendorCase]:
        """Stumble over every push."""
        raise KeyError(body)
