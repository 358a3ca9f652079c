"""A vendor that sends parts: it lists them by unit, takes no whole unit, and takes a denied claim a second time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vendors.adapters.servicenow import ServiceNow
from vendors.contract import ByHand, Need, VendorPart, VendorStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vendors.contract import Capabilities, RmaRequest, Unit, VendorCase

PARTS = (
    VendorPart("PSU", "Power supply, 800 W", "0P800"),
    VendorPart("DSK1", "Disk, 960 GB", "0D960"),
    VendorPart("DSK2", "Disk, 1.9 TB", "0D190"),
    VendorPart("FAN", "Fan", "0FAN1"),
)
WORDS = {"psu": "power supply", "disk": "disk", "fan": "fan"}
PORTAL = "https://portal.stocked.example/returns"


class Stocked(ServiceNow):
    """ServiceNow in front of a store of parts. Its cheapest read stands in for the question of what it has."""

    name = "stocked"
    form = replace(ServiceNow.form, vendor="stocked", title="Stocked")

    @property
    def capabilities(self) -> Capabilities:
        """As ServiceNow, but for parts, with a diagnosis, and of units in a known country."""
        return replace(
            super().capabilities,
            requires=frozenset({Need.DIAGNOSIS, Need.COUNTRY}),
            components=frozenset({*WORDS, "memory"}),
            otherwise=ByHand(PORTAL, "Send the whole unit in."),
            max_denials=2,
            max_request_bytes=1_000_000,
            parts_list=True,
        )

    def parts_for(self, unit: Unit) -> Sequence[VendorPart]:
        """List what there is; the question goes over the wire."""
        del unit
        self.check()
        return PARTS

    def parts_of(self, component: str, parts: Sequence[VendorPart]) -> Sequence[VendorPart]:
        """Go by the description."""
        return [part for part in parts if WORDS.get(component, "?") in part.description.lower()]

    def open_case(self, request: RmaRequest) -> VendorCase:
        """Open it, or put a denied case before somebody once more."""
        if request.vendor_case_number is None:
            case = super().open_case(request)
            for file in request.files:
                self.attach(case.vendor_case_number or "", file)
            return case
        self.add_note(request.vendor_case_number, f"Once more: {', '.join(request.parts)}")
        return replace(next(iter(self.read_cases([request.vendor_case_number]))), status=VendorStatus.UNDER_REVIEW)
