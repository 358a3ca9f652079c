"""Case documents for tests: the only place that says what a plain, well-formed case looks like.

Without changes: a unit in service whose vendor lists it, a failed disk reported in the morning of 2 March 2026, no other
case, and a coverage that pays for both shares and rests on a contract file.
"""

import json
from pathlib import Path
from typing import Any

from warranty.domain.case import Case
from warranty.domain.case_document import Flaw, read_case
from warranty.domain.coverage import Verdict, decide

DECISION_CASES = sorted((Path(__file__).parent / "decision_cases").glob("*.json"))

Document = dict[str, Any]


def looked_up(
    says: str | None = "covered", at: str | None = "2026-03-01T02:00:00Z", error: str | None = None
) -> Document:
    """The evidence of a coverage that the vendor was asked about."""
    return {"source": "vendor_lookup", "vendor_says": says, "checked_at": at, "error": error}


def evidence(source: str) -> Document:
    return {"source": source, "vendor_says": None, "checked_at": None, "error": None}


def coverage(name: str = "k1", **changes: Any) -> Document:
    plain = {
        "id": name,
        "contract_number": f"C-{name}",
        "kind": "manufacturer_warranty",
        "fulfilment": "vendor_rma",
        "scope": {"asset": "a1"},
        "starts_on": "2024-01-01",
        "ends_on": "2027-01-01",
        "time_zone": "Europe/Amsterdam",
        "state": "active",
        "covers": ["parts", "labour"],
        "excluded_causes": [],
        "excluded_components": [],
        "sites": None,
        "service_level": "next_business_day",
        "delivery": "advance_exchange",
        "grace_days": 0,
        "grace_is_covered": False,
        "waiting_days": 0,
        "claims_after_end_days": 0,
        "claims_limit": None,
        "claims_used": 0,
        "evidence": evidence("contract_file"),
    }
    assert changes.keys() <= plain.keys()
    return plain | changes


def other_case(name: str = "f0", **changes: Any) -> Document:
    return {
        "id": name,
        "kind": "fault",
        "component": "disk",
        "component_ref": "",
        "reported_at": "2026-01-01T10:00:00Z",
        "closed_at": None,
    } | changes


def reading(value: float, direction: str = "at_least", target: float = 100, tolerance: float = 5) -> Document:
    return {"metric": "speed", "value": value, "target": target, "tolerance": tolerance, "direction": direction}


def document(*coverages: Document, **changes: Any) -> Document:
    """A case document. Changes to ``asset``, ``lookup``, ``fault`` and ``policy`` are merged, others replace the field."""
    lookup = {
        "source": "vendor_lookup",
        "vendor_says": "listed",
        "checked_at": "2026-03-01T02:00:00Z",
        "error": None,
        "absence_attested": False,
    } | changes.get("lookup", {})
    asset = {
        "id": "a1",
        "serial_number": "QX7T2K9",
        "product": "p1",
        "site": "s1",
        "client": "c1",
        "ownership": "client",
        "state": "in_service",
        "replaced_by": None,
        "handover_exceptions": [],
        "lookup": lookup,
    }
    fault = {
        "id": "f1",
        "component": "disk",
        "component_ref": "",
        "cause": "hardware_failure",
        "occurred_at": None,
        "reported_at": "2026-03-02T08:00:00Z",
        "reading": None,
    }
    policy = {
        "precedence": [],
        "evidence_freshness_days": 30,
        "repeat_window_days": 90,
        "lookup_patience_minutes": 15,
    }
    return {
        "now": changes.get("now", "2026-03-02T08:05:00Z"),
        "asset": None if changes.get("asset", {}) is None else asset | changes.get("asset", {}),
        "matches": changes.get("matches", 1),
        "fault": fault | changes.get("fault", {}),
        "coverages": list(coverages),
        "cases": changes.get("cases", []),
        "policy": policy | changes.get("policy", {}),
    }


def case_from(given: Document | str) -> Case:
    case = read_case(given if isinstance(given, str) else json.dumps(given))
    assert isinstance(case, Case), case
    return case


def flaws_of(given: Any) -> list[Flaw]:
    flaws = read_case(given if isinstance(given, str | bytes) else json.dumps(given))
    assert not isinstance(flaws, Case)
    return list(flaws)


def decided(*coverages: Document, **changes: Any) -> Verdict:
    return decide(case_from(document(*coverages, **changes)))


def entries(verdict: Verdict) -> list[tuple[str, str | None, str | None]]:
    """Code, share and coverage of every entry, in plain words."""
    return [(str(r.code), r.share and str(r.share), r.coverage) for r in verdict.reasons]


def codes(verdict: Verdict, share: str | None = None) -> list[str]:
    return [code for code, of, _ in entries(verdict) if of == share]
