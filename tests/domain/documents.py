"""Case documents for tests: one plain case, in which the manufacturer pays for everything, and what differs from it."""

import json

from warranty.domain.case import Case
from warranty.domain.case_document import read_case
from warranty.domain.coverage import decide

NOT_AVAILABLE = {"source": "not_available", "vendor_says": None, "checked_at": None}
ATTESTED = NOT_AVAILABLE | {"absence_attested": True}
FILE = {"source": "contract_file", "vendor_says": None, "checked_at": None}
NO_EVIDENCE = {"source": "none", "vendor_says": None, "checked_at": None}


def document(*, asset=None, lookup=None, fault=None, coverages=None, cases=(), policy=None, **changes):
    """A case document; each argument changes fields of its part. The report comes at 08:55 in Amsterdam, 2 March 2026."""
    unit = {
        "id": "a1", "serial_number": "QX7T2K9", "product": "p1", "site": "s1", "client": "c1", "ownership": "client",
        "state": "in_service", "replaced_by": None, "handover_exceptions": [],
        "lookup": {
            "source": "vendor_lookup", "vendor_says": "listed", "checked_at": "2026-03-01T02:00:00Z", "error": None,
            "absence_attested": False,
        } | (lookup or {}),
    }  # fmt: skip
    return {
        "now": "2026-03-02T09:00:00+01:00",
        "asset": unit | (asset or {}),
        "matches": 1,
        "fault": {
            "id": "f1", "component": "psu", "component_ref": "", "cause": "hardware_failure", "occurred_at": None,
            "reported_at": "2026-03-02T08:55:00+01:00", "reading": None,
        } | (fault or {}),
        "coverages": [coverage()] if coverages is None else coverages,
        "cases": list(cases),
        "policy": {
            "precedence": [
                "manufacturer_warranty", "vendor_contract", "third_party_maintenance", "msp_agreement", "insurance",
            ],
            "evidence_freshness_days": 30, "repeat_window_days": 90, "lookup_patience_minutes": 15,
        } | (policy or {}),
    } | changes  # fmt: skip


def coverage(id="k1", *, evidence=None, **changes):  # noqa: A002 - the field's own name
    """A manufacturer's warranty for parts and labour, from 2024 to New Year's Day 2027, which the vendor confirmed."""
    return {
        "id": id, "contract_number": "W-1", "kind": "manufacturer_warranty", "fulfilment": "vendor_rma",
        "scope": {"asset": "a1"}, "starts_on": "2024-01-01", "ends_on": "2027-01-01", "time_zone": "Europe/Amsterdam",
        "state": "active", "covers": ["parts", "labour"], "excluded_causes": [], "excluded_components": [],
        "sites": None, "service_level": "next_business_day", "delivery": "advance_exchange", "grace_days": 0,
        "grace_is_covered": False, "waiting_days": 0, "claims_after_end_days": 0, "claims_limit": None,
        "claims_used": 0,
        "evidence": {
            "source": "vendor_lookup", "vendor_says": "covered", "checked_at": "2026-03-01T02:00:00Z", "error": None,
        } | (evidence or {}),
    } | changes  # fmt: skip


def agreement(id="k2", **changes):  # noqa: A002 - the field's own name
    """The MSP's own agreement with the client, for all its units; the signed contract is the evidence."""
    plain = {
        "contract_number": "M-1", "kind": "msp_agreement", "fulfilment": "msp_supply", "scope": {"client": "c1"},
        "evidence": FILE,
    }  # fmt: skip
    return coverage(id, **plain | changes)


def other(id="f0", kind="fault", component="psu", ref="", *, closed_at=None):  # noqa: A002 - the field's own name
    """Another case of the unit, reported a month before; open where it has no end."""
    return {
        "id": id, "kind": kind, "component": component, "component_ref": ref, "reported_at": "2026-02-01T10:00:00Z",
        "closed_at": closed_at,
    }  # fmt: skip


def case_of(changed):
    """The case of a well-formed document."""
    case = read_case(json.dumps(changed))
    assert isinstance(case, Case), case
    return case


def verdict_of(**changes):
    """The verdict on the plain case with these changes."""
    return decide(case_of(document(**changes)))


def outline(verdict):
    """Every entry of a verdict as (code, share, coverage), in its order."""
    return [(entry.code, entry.share, entry.coverage) for entry in verdict.reasons]


def codes(share, id="k1", **changes):  # noqa: A002 - the field's own name
    """The codes that one coverage has for one share."""
    verdict = verdict_of(**changes)
    return [entry.code for entry in verdict.reasons if (entry.share, entry.coverage) == (share, id)]
