"""Which case documents are well formed, and that a case writes itself down so that it reads back to itself."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.domain.plain_case import (
    DECISION_CASES,
    case_from,
    coverage,
    document,
    flaws_of,
    looked_up,
    other_case,
    reading,
)
from warranty.domain.case import Case
from warranty.domain.case_document import MAX_COUNT, read_case
from warranty.domain.terms import ScopeKind

REMOVE = object()


def full(**changes):
    """A document in which every field and every list holds something."""
    return document(
        coverage("k1", evidence=looked_up(), sites=["s1"], claims_limit=3),
        coverage("k2"),
        cases=[other_case("f0"), other_case("f2")],
        **({"fault": {"reading": reading(1)}} | changes),
    )


def changed(pointer: str, value: Any) -> dict[str, Any]:
    """The full document with another value at a pointer, or with nothing there."""
    given = full()
    *way, last = pointer.split("/")[1:]
    place: Any = given
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    if value is REMOVE:
        del place[last]
    elif isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return given


def pointers(given: Any) -> list[str]:
    return [flaw.pointer for flaw in flaws_of(given)]


def fields_of(given: Any, at: str = "") -> list[str]:
    """The pointer of every field, at any depth."""
    found = []
    items = given.items() if isinstance(given, dict) else enumerate(given) if isinstance(given, list) else ()
    for name, value in items:
        if isinstance(given, dict):
            found.append(f"{at}/{name}")
        found += fields_of(value, f"{at}/{name}")
    return found


FIELDS = fields_of(full())
SCOPE = "/coverages/0/scope"
NULL_IS_ALLOWED = {
    "/asset",
    "/asset/product",
    "/asset/site",
    "/asset/replaced_by",
    "/asset/lookup/error",
    "/fault/occurred_at",
    "/fault/reading",
    *(f"/coverages/{n}/{name}" for n in (0, 1) for name in ("ends_on", "sites", "claims_limit", "evidence/error")),
    *(f"/coverages/1/evidence/{name}" for name in ("vendor_says", "checked_at")),  # of a contract file
    *(f"/cases/{n}/closed_at" for n in (0, 1)),
}


# ── Every field ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pointer", [one for one in FIELDS if "/scope/" not in one])
def test_every_field_is_required_and_named_where_it_is_missing(pointer):
    assert pointers(changed(pointer, REMOVE)) == [pointer]
    assert flaws_of(changed(pointer, REMOVE))[0].message == "is missing"


@pytest.mark.parametrize("at", ["", *sorted({one.rpartition("/")[0] for one in FIELDS} - {""})])
def test_an_unknown_field_is_named_by_its_own_pointer(at):
    assert pointers(changed(f"{at}/colour", 1)) == [f"{at}/colour"]


def test_a_pointer_escapes_what_its_own_signs_are():
    given = full() | {"a/b~c": 1}
    assert pointers(given) == ["/a~1b~0c"]


@pytest.mark.parametrize("pointer", FIELDS)
def test_null_is_allowed_exactly_where_the_page_says(pointer):
    given = changed(pointer, None)
    if pointer in NULL_IS_ALLOWED:
        assert case_from(given)
    else:
        assert pointer in pointers(given) or pointers(given) == [f"{pointer.rpartition('/')[0]}/vendor_says"]


@pytest.mark.parametrize("pointer", FIELDS)
@pytest.mark.parametrize("value", [[[]], {"a": {}}, -1, 1.5, "", " ", True, "\x00"])
def test_a_value_of_another_type_is_refused_by_its_pointer_or_is_well_formed(pointer, value):
    found = read_case(json.dumps(changed(pointer, value)))
    if not isinstance(found, Case):
        assert all(flaw.pointer.startswith(pointer) or "lookup" in pointer or "evidence" in pointer for flaw in found)


# ── Words, days, times, numbers ──────────────────────────────────────────────────────────────────────────────────────

MALFORMED = [
    ("/now", "2026-03-02T09:00:00"),  # no offset
    ("/now", "2026-03-02"),
    ("/now", "2026-02-30T09:00:00Z"),
    ("/now", "2026-03-02 09:00:00Z"),
    ("/now", "2026-03-02T24:00:00Z"),
    ("/now", "2026-03-02T09:00Z"),
    ("/now", "20260302T090000Z"),
    ("/now", "2026-03-02T09:00:00+0100"),
    ("/now", "2026-03-02T09:00:00+24:00"),
    ("/now", "2026-03-02T09:00:00,5Z"),
    ("/now", "2026-W10-1T09:00:00Z"),
    ("/now", "٢026-03-02T09:00:00Z"),
    ("/now", 1772442000),
    ("/now", "2026-03-02T09:00:00Z\n"),
    ("/matches", -1),
    ("/matches", 1.0),
    ("/matches", True),
    ("/matches", "1"),
    ("/asset", []),
    ("/asset", "a1"),
    ("/asset/id", 7),
    ("/asset/state", "broken"),
    ("/asset/state", "In_Service"),
    ("/asset/ownership", "vendor"),
    ("/asset/ownership", ["client"]),
    ("/asset/handover_exceptions", "fan"),
    ("/asset/handover_exceptions", {"fan": 1}),
    ("/asset/lookup/source", "contract_file"),
    ("/asset/lookup/vendor_says", "covered"),
    ("/asset/lookup/absence_attested", 1),
    ("/asset/lookup/checked_at", "yesterday"),
    ("/fault/component", "disc"),
    ("/fault/component_ref", 3),
    ("/fault/cause", ""),
    ("/fault/occurred_at", "2026-03-02"),
    ("/fault/reading/direction", "between"),
    ("/fault/reading/value", "1"),
    ("/fault/reading/value", True),
    ("/fault/reading/tolerance", -0.1),
    ("/coverages", {}),
    ("/coverages/0", None),
    ("/coverages/0/kind", "warranty"),
    ("/coverages/0/fulfilment", "rma"),
    ("/coverages/0/starts_on", "2026-3-2"),
    ("/coverages/0/starts_on", "2026-02-29"),
    ("/coverages/0/starts_on", "20260302"),
    ("/coverages/0/starts_on", "2026-W10-1"),
    ("/coverages/0/starts_on", "2026-03-02T00:00:00Z"),
    ("/coverages/0/ends_on", "2023-12-31"),  # before the start
    ("/coverages/0/ends_on", "never"),
    ("/coverages/0/time_zone", "Europe/Atlantis"),
    ("/coverages/0/time_zone", "Europe"),
    ("/coverages/0/time_zone", ""),
    ("/coverages/0/time_zone", "../../etc/passwd"),
    ("/coverages/0/time_zone", "/etc/localtime"),
    ("/coverages/0/time_zone", "localtime"),
    ("/coverages/0/time_zone", "posixrules"),
    ("/coverages/0/time_zone", "right/Europe/Amsterdam"),
    ("/coverages/0/time_zone", "a\x00b"),
    ("/coverages/0/time_zone", "\ud800"),
    ("/coverages/0/time_zone", "x" * 5000),
    ("/coverages/0/time_zone", 1),
    ("/coverages/0/state", "expired"),
    ("/coverages/0/covers", []),
    ("/coverages/0/covers", None),
    ("/coverages/0/covers", "parts"),
    ("/coverages/0/service_level", "gold"),
    ("/coverages/0/delivery", "mail"),
    ("/coverages/0/sites", "s1"),
    ("/coverages/0/grace_is_covered", "no"),
    *(
        (f"/coverages/0/{name}", value)
        for name in ("grace_days", "waiting_days", "claims_after_end_days", "claims_limit", "claims_used")
        for value in (-1, MAX_COUNT + 1, 1.0, 0.5, True, "1", 10**30)
    ),
    *(
        (f"/policy/{name}", value)
        for name in ("evidence_freshness_days", "repeat_window_days", "lookup_patience_minutes")
        for value in (-1, MAX_COUNT + 1, 1.5, None)
    ),
    ("/coverages/0/evidence/source", "phone"),
    ("/coverages/0/evidence/vendor_says", "listed"),
    ("/cases/0/kind", "asset"),
    ("/cases/0/component", "disc"),
    ("/cases/0/closed_at", False),
    ("/policy/precedence", None),
    ("/policy/precedence", "insurance"),
]


@pytest.mark.parametrize(("pointer", "value"), MALFORMED)
def test_a_malformed_value_is_named_by_its_pointer(pointer, value):
    assert pointers(changed(pointer, value)) == [pointer]


@pytest.mark.parametrize(
    ("pointer", "value", "flaw"),
    [
        ("/asset/handover_exceptions", ["fan", "wing"], "/asset/handover_exceptions/1"),
        ("/coverages/0/covers", ["parts", "travel"], "/coverages/0/covers/1"),
        ("/coverages/0/covers", ["parts", "labour", "parts"], "/coverages/0/covers/2"),
        ("/coverages/0/excluded_causes", ["wear", "unknown"], "/coverages/0/excluded_causes/1"),
        ("/coverages/0/excluded_components", [None], "/coverages/0/excluded_components/0"),
        ("/coverages/0/sites", ["s1", 2], "/coverages/0/sites/1"),
        ("/coverages/1/id", "k1", "/coverages/1/id"),
        ("/cases/1/id", "f0", "/cases/1/id"),
        ("/policy/precedence", ["insurance", "insurance"], "/policy/precedence/1"),
        ("/policy/precedence", ["insurance", "charity"], "/policy/precedence/1"),
        (SCOPE, {}, SCOPE),
        (SCOPE, {"asset": "a1", "site": "s1"}, SCOPE),
        (SCOPE, "a1", SCOPE),
        (SCOPE, {"asset": None}, f"{SCOPE}/asset"),
        # An answer has its time, and a time without an error has its answer.
        ("/coverages/0/evidence", looked_up("covered", None), "/coverages/0/evidence/checked_at"),
        ("/coverages/0/evidence", looked_up("covered", None, "timed out"), "/coverages/0/evidence/checked_at"),
        ("/coverages/0/evidence", looked_up(None), "/coverages/0/evidence/vendor_says"),
        ("/asset/lookup/checked_at", None, "/asset/lookup/checked_at"),
        ("/asset/lookup/vendor_says", None, "/asset/lookup/vendor_says"),
    ],
)
def test_a_malformed_part_is_named_by_its_own_pointer(pointer, value, flaw):
    assert pointers(changed(pointer, value)) == [flaw]


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/matches", 10**9),
        ("/asset/id", ""),
        ("/asset/id", "\ud800 and \u2028"),
        ("/coverages", []),
        ("/cases", []),
        ("/coverages/0/ends_on", "2024-01-01"),  # the day of the start
        ("/coverages/0/time_zone", "UTC"),
        ("/coverages/0/time_zone", "America/Argentina/Buenos_Aires"),
        ("/coverages/0/sites", []),
        ("/coverages/0/grace_days", MAX_COUNT),
        ("/coverages/0/claims_limit", 0),
        ("/policy/precedence", []),
        ("/coverages/0/evidence", looked_up(None, None)),
        ("/coverages/0/evidence", looked_up(None, error="timed out")),
        ("/coverages/0/evidence", looked_up("covered", None) | {"source": "contract_file"}),
        ("/coverages/0/evidence", looked_up(None) | {"source": "none"}),
        ("/coverages/0/excluded_causes", ["wear", "wear"]),  # only covers and precedence must not repeat
        ("/fault/reading/tolerance", 0),
    ],
)
def test_an_unusual_value_is_well_formed(pointer, value):
    assert case_from(changed(pointer, value))


def test_every_flaw_of_a_document_is_named_at_once():
    given = full()
    given["now"] = "soon"
    given["coverages"][1]["covers"] = []
    given["cases"][0]["extra"] = 1
    del given["policy"]
    assert pointers(given) == ["/now", "/coverages/1/covers", "/cases/0/extra", "/policy"]


# ── Text to values ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nonsense",
        "{} {}",
        "{'a': 1}",
        b"\xff\xfe{}",
        b'{"now": "\xe9"}',
        "[" * 100_000,
        '{"matches": NaN}',
        '{"matches": -Infinity}',
    ],
)
def test_text_that_is_not_json_is_named_by_the_empty_pointer(text):
    assert pointers(text) == [""]


@pytest.mark.parametrize("text", ["null", "[]", '"case"', "1", "true"])
def test_a_document_must_be_an_object(text):
    assert [(flaw.pointer, flaw.message) for flaw in flaws_of(text)] == [("", "must be an object")]


def test_a_name_that_stands_twice_is_a_flaw():
    text = json.dumps(full()).replace('"matches": 1', '"matches": 1, "matches": 2')
    assert [(flaw.pointer, flaw.message) for flaw in flaws_of(text)] == [("/matches", "stands here twice")]


def test_bytes_may_begin_with_a_byte_order_mark():
    assert read_case(b"\xef\xbb\xbf" + json.dumps(full()).encode()) == case_from(full())


@pytest.mark.parametrize("digits", ["9" * 5000, "1E99999999999999999999", "-" + "9" * 5000])
def test_an_odd_number_is_refused_where_it_stands(digits):
    text = json.dumps(full()).replace('"matches": 1', f'"matches": {digits}')
    assert pointers(text) == ["/matches"]


def test_a_number_too_large_for_any_decimal_is_not_finite():
    text = json.dumps(full()).replace('"value": 1', '"value": 1E99999999999999999999')
    assert [(f.pointer, f.message) for f in flaws_of(text)] == [("/fault/reading/value", "must be a finite number")]


def test_instants_days_and_numbers_are_read_exactly():
    text = json.dumps(full(now="2026-03-02t09:00:00.1234567z")).replace('"value": 1', '"value": 0.10000000000000000001')
    case = case_from(text)
    assert case.now == datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
    assert case_from(full(now="2026-03-02T09:00:00-05:30")).now == datetime(
        2026, 3, 2, 9, tzinfo=timezone(-timedelta(hours=5, minutes=30))
    )
    assert case.coverages[0].starts_on == date(2024, 1, 1)
    assert case.coverages[0].time_zone == ZoneInfo("Europe/Amsterdam")
    assert case.coverages[0].scope.kind == ScopeKind.ASSET
    assert case.fault.reading is not None
    assert case.fault.reading.value == Decimal("0.10000000000000000001")


# ── A case writes itself down ────────────────────────────────────────────────────────────────────────────────────────


def test_a_case_writes_the_fields_in_the_published_order():
    text = case_from(full()).to_json()
    assert fields_of(json.loads(text)) == FIELDS
    assert "\n" not in text
    assert text.isascii()


@pytest.mark.parametrize("path", DECISION_CASES, ids=lambda path: path.stem)
def test_a_worked_case_reads_back_to_itself(path):
    case = case_from(json.loads(path.read_text())["case"])
    again = case_from(case.to_json())
    assert again == case
    assert again.to_json() == case.to_json()


@pytest.mark.parametrize("number", ["0.10", "1E+5", "-0.0", "1e-999999", "123456789012345678901234567890", "0"])
def test_the_numbers_of_a_reading_are_kept_as_written(number):
    case = case_from(json.dumps(full()).replace('"value": 1', f'"value": {number}'))
    again = case_from(case.to_json())
    assert again.fault.reading is not None
    assert again.fault.reading.value.as_tuple() == Decimal(number).as_tuple()
    assert again.to_json() == case.to_json()
