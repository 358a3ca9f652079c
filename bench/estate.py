"""What is measured on: many units under five contracts each, and the case of one of them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from vendors.sandbox.servicenow import RMA_NUMBER_FIELD, STATE_MAP
from warranty.domain.access import TokenScope
from warranty.domain.terms import (
    AssetState,
    CoverageKind,
    Delivery,
    EvidenceSource,
    Fulfilment,
    Role,
    ServiceLevel,
    Share,
)
from warranty.services import accounts, estate, people
from warranty.services.moves import Because

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.runtime import Runtime

SERIALS = [f"BENCH{number:05}" for number in range(1_500)]
COVERED_SERIALS = [f"CLAIM{number:03}" for number in range(20)]


def build(session: Session, runtime: Runtime, vendor_url: str, now: datetime) -> str:
    """Register all of it, by the product's own services; gives a token that may report."""
    because = Because("system:bench", "bench", now)
    owner = estate.add_client(session, name="Bench", because=because)
    site = estate.add_site(session, owner, name="Rack", time_zone="Europe/Berlin", because=because)
    product = estate.add_product(
        session, manufacturer="Bench", model="B1", part_number="B-1", list_price_minor=100, because=because
    )
    place: dict[str, Any] = {"product": product, "site": site, "state": AssetState.IN_SERVICE}
    for serial in (*SERIALS, *COVERED_SERIALS):
        unit = estate.add_asset(session, owner, serial_number=serial, because=because, **place)
        if serial in COVERED_SERIALS:
            cover(session, unit, because, CoverageKind.MANUFACTURER_WARRANTY, Fulfilment.VENDOR_RMA)
    for number in range(5):
        cover(session, owner, because, CoverageKind.MSP_AGREEMENT, Fulfilment.MSP_SUPPLY, days=100 + number)
    accounts.add(
        session,
        runtime,
        vendor="servicenow",
        name="Bench desk",
        secrets={"username": "bench", "password": "bench"},
        options={
            "state_map": json.dumps({state: word.value for state, word in STATE_MAP.items()}),
            "rma_number_field": RMA_NUMBER_FIELD,
        },
        base_url=vendor_url,
        manufacturers=["Bench"],
        because=because,
    )
    user = people.add_user(
        session, email="bench@example.com", role=Role.TECHNICIAN, password=people.make_password(), because=because
    )
    return people.add_token(session, user, [TokenScope.WRITE], because=because).token


def cover(
    session: Session, scope: Any, because: Because, kind: CoverageKind, fulfilment: Fulfilment, *, days: int = 100
) -> None:
    """Put a unit, or all of a client, under a contract."""
    estate.add_coverage(
        session,
        scope,
        contract_number=f"{kind}-{days}",
        kind=kind,
        fulfilment=fulfilment,
        covers=list(Share),
        starts_on=because.at.date() - timedelta(days=days),
        time_zone="Europe/Berlin",
        service_level=ServiceLevel.NEXT_BUSINESS_DAY,
        delivery=Delivery.ADVANCE_EXCHANGE,
        evidence_source=EvidenceSource.CONTRACT_FILE,
        because=because,
    )


_ASKED = {"source": "vendor_lookup", "checked_at": "2026-03-01T02:00:00Z", "error": None}
_WARRANTY = {
    "kind": "manufacturer_warranty", "fulfilment": "vendor_rma", "scope": {"asset": "a1"}, "starts_on": "2024-01-01",
    "ends_on": "2027-01-01", "time_zone": "Europe/Amsterdam", "state": "active", "covers": ["parts"],
    "excluded_causes": ["misuse"], "excluded_components": ["battery"], "sites": None,
    "service_level": "next_business_day", "delivery": "advance_exchange", "grace_days": 0, "grace_is_covered": False,
    "waiting_days": 0, "claims_after_end_days": 0, "claims_limit": None, "claims_used": 0,
    "evidence": {**_ASKED, "vendor_says": "covered"},
}  # fmt: skip
_NOT_COVERED = {**_ASKED, "vendor_says": "not_covered"}
_AGREEMENT = {
    **_WARRANTY, "kind": "msp_agreement", "fulfilment": "msp_supply", "scope": {"client": "c1"}, "covers": ["labour"],
    "evidence": {"source": "none", "vendor_says": None, "checked_at": None, "error": None},
}  # fmt: skip
_ROWS = (
    _WARRANTY,
    {**_WARRANTY, "ends_on": "2026-03-01", "evidence": _NOT_COVERED},
    {**_WARRANTY, "starts_on": "2026-04-01", "evidence": _NOT_COVERED},
    _AGREEMENT,
    {**_WARRANTY, "kind": "vendor_contract", "service_level": "24x7x4h"},
)
CASE: dict[str, Any] = {
    "now": "2026-03-02T09:00:00+01:00",
    "asset": {
        "id": "a1", "serial_number": "QX7T2K9", "product": "p1", "site": "s1", "client": "c1", "ownership": "client",
        "state": "in_service", "replaced_by": None, "handover_exceptions": ["fan"],
        "lookup": {**_ASKED, "vendor_says": "listed", "absence_attested": False},
    },
    "matches": 1,
    "fault": {
        "id": "f1", "component": "disk", "component_ref": "bay 3", "cause": "hardware_failure", "occurred_at": None,
        "reported_at": "2026-03-02T08:55:00+01:00", "reading": None,
    },
    "coverages": [{"id": f"k{number}", "contract_number": f"W-{number}", **row} for number, row in enumerate(_ROWS)],
    "cases": [],
    "policy": {"precedence": [], "evidence_freshness_days": 30, "repeat_window_days": 90, "lookup_patience_minutes": 15},
}  # fmt: skip
"""Five contracts: two pay for something, one is outranked, one is over, one has not begun."""
