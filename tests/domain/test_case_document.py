"""The document of a case: every field, every way to be malformed, each with its pointer; source: interface.md, 5."""

import json
import re
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.domain.documents import agreement, case_of, coverage, document, other
from warranty.domain.case import Case, _json
from warranty.domain.case_document import Flaw, read_case
from warranty.domain.terms import Direction

READING = {"metric": "rpm", "value": 8, "target": 10, "tolerance": 1, "direction": "at_least"}


def full():
    """A document with every object in it."""
    return document(coverages=[coverage(), agreement()], cases=[other()], fault={"reading": dict(READING)})


def places(value, at=""):
    """Every object and every member of a document, by pointer."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield f"{at}/{name}"
            yield from places(member, f"{at}/{name}")
    if isinstance(value, list):
        for number, member in enumerate(value):
            yield f"{at}/{number}"
            yield from places(member, f"{at}/{number}")


def holder(changed, pointer):
    """The object or list that holds what a pointer names, and its name in there."""
    *way, name = pointer.split("/")[1:]
    for step in way:
        changed = changed[int(step) if isinstance(changed, list) else step]
    return changed, int(name) if isinstance(changed, list) else name


def with_value(pointer, value):
    changed = full()
    parent, name = holder(changed, pointer)
    parent[name] = value
    return changed


def flaws(changed):
    found = read_case(changed if isinstance(changed, str | bytes) else json.dumps(changed))
    assert not isinstance(found, Case)
    assert all(flaw.message for flaw in found)
    return [flaw.pointer for flaw in found]


FIELDS = [pointer for pointer in places(full()) if not re.search(r"/\d+$", pointer) and "/scope/" not in pointer]
NULLABLE = [
    "/asset", "/asset/product", "/asset/site", "/asset/replaced_by", "/asset/lookup/error", "/fault/occurred_at",
    "/fault/reading", "/coverages/0/ends_on", "/coverages/0/sites", "/coverages/0/claims_limit",
    "/coverages/0/evidence/error", "/cases/0/closed_at", "/coverages/1/evidence/vendor_says",
    "/coverages/1/evidence/checked_at",
]  # fmt: skip


# ── well formed ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_document_is_read_and_written_back_as_it_was():
    assert json.loads(case_of(full()).to_json()) == full()
    assert read_case(case_of(full()).to_json()) == case_of(full())


def test_a_case_without_a_reading_is_written_by_the_standard_encoder_as_it_is_by_our_own():
    case = read_case(json.dumps(document()))
    assert case.to_json() == _json(case.to_document())


def test_the_canonical_document_keeps_the_published_order_of_fields():
    assert list(places(json.loads(case_of(full()).to_json()))) == list(places(full()))


@pytest.mark.parametrize("pointer", NULLABLE)
def test_null_is_allowed_where_the_contract_says_so(pointer):
    assert isinstance(read_case(json.dumps(with_value(pointer, None))), Case)


def test_without_a_unit_the_document_is_whole():
    case = case_of(document() | {"asset": None, "matches": 2})
    assert (case.asset, case.matches) == (None, 2)
    assert read_case(case.to_json()) == case


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("2026-03-02T09:00:00+01:00", "2026-03-02T09:00:00+01:00"),
        ("2026-03-02t08:00:00z", "2026-03-02T08:00:00Z"),
        ("2026-03-02T08:00:00-00:00", "2026-03-02T08:00:00Z"),
        ("2026-03-02T08:00:00.5Z", "2026-03-02T08:00:00.500000Z"),
        ("2026-03-02T08:00:00.123456789Z", "2026-03-02T08:00:00.123456Z"),
        ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00+23:59"),
        ("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59-23:59"),
    ],
)
def test_a_time_is_read_as_rfc_3339_writes_it(written, canonical):
    assert json.loads(case_of(document(now=written)).to_json())["now"] == canonical


def test_what_another_source_would_have_said_need_not_make_sense():
    unread = {"vendor_says": "covered", "checked_at": None}
    assert isinstance(
        read_case(json.dumps(document(coverages=[agreement(evidence=unread | {"source": "none", "error": None})]))),
        Case,
    )
    lookup = {"source": "not_available", "vendor_says": "listed", "checked_at": None}
    assert isinstance(read_case(json.dumps(document(lookup=lookup))), Case)


def test_lists_that_may_repeat_and_lists_that_may_be_empty():
    loose = coverage(excluded_causes=["wear", "wear"], excluded_components=["fan", "fan"], sites=["s1", "s1"])
    changed = document(coverages=[loose], asset={"handover_exceptions": ["fan", "fan"]}, policy={"precedence": []})
    assert isinstance(read_case(json.dumps(changed)), Case)


def test_a_case_and_a_coverage_may_have_one_id_and_a_case_the_faults():
    assert isinstance(read_case(json.dumps(document(coverages=[coverage("f1")], cases=[other("f1")]))), Case)


def test_a_byte_order_mark_is_ignored():
    assert read_case(b"\xef\xbb\xbf" + json.dumps(full()).encode()) == case_of(full())


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def reading_of(**written):
    """A reading whose numbers stand in the text exactly as written."""
    text = json.dumps(full())
    for name, number in written.items():
        text = text.replace(f'"{name}": {READING[name]}', f'"{name}": {number}')
    case = read_case(text)
    assert isinstance(case, Case), case
    return case


@pytest.mark.parametrize(
    "number", ["8", "-8", "0.10", "1E+400", "-0.0", "1E-400", "123456789012345678901234567890.5", "9" * 5000]
)
def test_the_numbers_of_a_reading_stay_exactly_what_was_written(number):
    case = reading_of(value=number)
    assert case.fault.reading.value == Decimal(number)
    assert f'"value": {number},' in case.to_json()
    assert read_case(case.to_json()) == case


@pytest.mark.parametrize(
    ("direction", "value", "target", "tolerance", "is_inside"),
    [
        ("at_most", "0.8", "0.7", "0.1", True),  # 0.7 + 0.1 is less than 0.8 in binary
        ("at_least", "0.2", "0.3", "0.1", True),  # 0.3 - 0.1 is less than 0.2 in binary
        ("within", "0.7", "0.5", "0.2", True),
        ("at_most", "0.80000000000000000000000000000000000001", "0.7", "0.1", False),
        ("at_least", "0.19999999999999999999999999999999999999", "0.3", "0.1", False),
        ("at_most", "1", "1", "1e-400", True),
        ("at_most", "1.0001", "1", "1e-400", False),
        ("at_least", "1", "1", "1e-400", True),
        ("at_least", "0.9999", "1", "1e-400", False),
        ("at_least", "1", "1e400", "1e400", True),
        ("at_most", "1e999999999", "1e999999999", "1e-999999999", True),
        ("at_most", "2e999999999", "1e999999999", "1e-999999999", False),
        ("within", "-5", "-4", "1", True),
        ("within", "-5.1", "-4", "1", False),
        ("within", "0", "0", "0", True),
        ("at_least", "999999999999999999999", "1e21", "1", True),
        ("at_least", "999999999999999999998", "1e21", "1", False),
    ],
)
def test_a_tolerance_is_compared_exactly_and_quickly(direction, value, target, tolerance, is_inside):
    reading = reading_of(value=value, target=target, tolerance=tolerance).fault.reading
    assert replace(reading, direction=Direction(direction)).is_inside() is is_inside


@pytest.mark.parametrize("number", ['"8"', "true", "null", "[]", "1e99999999999999999999"])
@pytest.mark.parametrize("name", ["value", "target", "tolerance"])
def test_a_number_of_a_reading_is_a_finite_number(name, number):
    text = json.dumps(full()).replace(f'"{name}": {READING[name]}', f'"{name}": {number}')
    assert flaws(text) == [f"/fault/reading/{name}"]


def test_a_tolerance_is_not_negative():
    assert flaws(with_value("/fault/reading/tolerance", -0.001)) == ["/fault/reading/tolerance"]
    assert isinstance(read_case(json.dumps(with_value("/fault/reading/tolerance", 0))), Case)


COUNTS = [
    "/coverages/0/grace_days", "/coverages/0/waiting_days", "/coverages/0/claims_after_end_days",
    "/coverages/0/claims_limit", "/coverages/0/claims_used", "/policy/evidence_freshness_days",
    "/policy/repeat_window_days", "/policy/lookup_patience_minutes",
]  # fmt: skip


@pytest.mark.parametrize("pointer", COUNTS)
def test_a_count_is_a_whole_number_from_0_to_a_million(pointer):
    for count in (0, 1, 1_000_000):
        assert isinstance(read_case(json.dumps(with_value(pointer, count))), Case)
    for wrong in (-1, 1_000_001, 1.5, 30.0, "30", True, 10**30, [], {}):
        assert flaws(with_value(pointer, wrong)) == [pointer]
    assert flaws(json.dumps(with_value(pointer, 777777)).replace("777777", "1" * 5000)) == [pointer]


@pytest.mark.parametrize("wrong", [-1, 1.5, "1", False, None])
def test_matches_is_a_whole_number_that_is_not_negative(wrong):
    assert flaws(document(matches=wrong)) == ["/matches"]


# ── malformed fields ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("pointer", FIELDS)
def test_a_missing_field_is_named_by_the_pointer_it_would_have(pointer):
    changed = full()
    parent, name = holder(changed, pointer)
    del parent[name]
    assert flaws(changed) == [pointer]


@pytest.mark.parametrize(
    "pointer",
    [
        "",
        *(at for at in FIELDS if at.endswith(("asset", "lookup", "fault", "reading", "evidence", "policy"))),
        "/coverages/0",
        "/cases/0",
        "/coverages/0/scope",
    ],
)
def test_an_unknown_field_is_named_by_its_own_pointer(pointer):
    changed = full()
    at = changed
    for step in pointer.split("/")[1:]:
        at = at[int(step) if isinstance(at, list) else step]
    at["a/b~c"] = None
    assert flaws(changed) == [f"{pointer}/a~1b~0c"]


@pytest.mark.parametrize("pointer", [at for at in FIELDS if at not in NULLABLE and "/1/" not in at])
def test_null_is_allowed_nowhere_else(pointer):
    assert flaws(with_value(pointer, None)) == [pointer]


WRONG_SORT = [7, True, "no such word", [], {}]


@pytest.mark.parametrize("pointer", [at for at in FIELDS if "/1/" not in at])
def test_a_value_of_the_wrong_sort_is_named_once_and_stops_nothing_else(pointer):
    free_text = (
        "id",
        "serial_number",
        "product",
        "site",
        "client",
        "replaced_by",
        "metric",
        "component_ref",
        "error",
        "contract_number",
    )
    for wrong in WRONG_SORT:
        if wrong == "no such word" and pointer.endswith(free_text):
            continue
        if isinstance(wrong, list) and pointer.endswith(
            (
                "handover_exceptions",
                "excluded_causes",
                "excluded_components",
                "sites",
                "precedence",
                "coverages",
                "cases",
            )
        ):
            continue
        if wrong is True and pointer.endswith(("absence_attested", "grace_is_covered")):
            continue
        if wrong == 7 and pointer.endswith(
            ("matches", "value", "target", "tolerance", "_days", "_minutes", "claims_limit", "claims_used")
        ):
            continue
        found = flaws(with_value(pointer, wrong) | {"unknown": 1})
        assert found[0] == "/unknown"
        assert len(found) > 1
        assert {at == pointer or (wrong == {} and at.startswith(f"{pointer}/")) for at in found[1:]} == {True}


@pytest.mark.parametrize(
    "wrong",
    [
        "2026-03-02", "2026-03-02T09:00:00", "2026-03-02 09:00:00Z", "2026-03-02T09:00Z", "20260302T090000Z",
        "2026-W10-1T09:00:00Z", "2026-02-30T09:00:00Z", "2026-03-02T24:00:00Z", "2026-03-02T09:00:60Z",
        "2026-03-02T09:00:00,5Z", "2026-03-02T09:00:00.Z", "2026-03-02T09:00:00+0100", "2026-03-02T09:00:00+01",
        "2026-03-02T09:00:00+24:00", "2026-03-02T09:00:00+01:60", "2026-03-02T09:00:00+01:00:30",
        "0000-01-01T00:00:00Z", "２026-03-02T09:00:00Z", "2026-03-02T09:00:00Z\n", " 2026-03-02T09:00:00Z", "", 0,
    ],
)  # fmt: skip
def test_a_time_that_rfc_3339_does_not_write_is_malformed(wrong):
    assert flaws(document(now=wrong)) == ["/now"]
    assert flaws(document(fault={"occurred_at": wrong})) == ["/fault/occurred_at"]


@pytest.mark.parametrize(
    "wrong",
    [
        "2026-3-2",
        "20260302",
        "2026-W10-1",
        "2026-02-30",
        "2025-02-29",
        "02.03.2026",
        "2026-03-02T00:00:00Z",
        "",
        7,
    ],
)
def test_a_day_is_written_in_one_way(wrong):
    assert flaws(document(coverages=[coverage(starts_on=wrong)])) == ["/coverages/0/starts_on"]


@pytest.mark.parametrize(
    "wrong",
    [
        "Europe/Atlantis",
        "europe/amsterdam",
        "Europe",
        "",
        "../etc/passwd",
        "/etc/localtime",
        "localtime",
        "posixrules",
        "right/UTC",
        "posix/UTC",
        "CET+1",
        "\ud800",
        "a\0b",
        "x" * 5000,
        1,
    ],
)
def test_a_time_zone_is_one_of_the_iana_list(wrong):
    assert flaws(document(coverages=[coverage(time_zone=wrong)])) == ["/coverages/0/time_zone"]


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT-14", "America/Argentina/Buenos_Aires", "Asia/Calcutta"])
def test_every_place_of_the_iana_list_is_a_time_zone(zone):
    assert case_of(document(coverages=[coverage(time_zone=zone)])).coverages[0].time_zone.key == zone


@pytest.mark.parametrize(
    ("pointer", "wrong", "at"),
    [
        ("/coverages/0/covers", [], "/coverages/0/covers"),
        ("/coverages/0/covers", ["parts", "parts"], "/coverages/0/covers/1"),
        ("/coverages/0/covers", ["parts", "travel"], "/coverages/0/covers/1"),
        ("/coverages/0/excluded_causes", ["wear", "unknown"], "/coverages/0/excluded_causes/1"),
        ("/coverages/0/excluded_components", ["gpu"], "/coverages/0/excluded_components/0"),
        ("/coverages/0/sites", ["s1", None], "/coverages/0/sites/1"),
        ("/coverages/0/ends_on", "2023-12-31", "/coverages/0/ends_on"),
        ("/coverages/0/scope", {}, "/coverages/0/scope"),
        ("/coverages/0/scope", {"asset": "a1", "client": "c1"}, "/coverages/0/scope"),
        ("/coverages/0/scope", {"asset": None}, "/coverages/0/scope/asset"),
        ("/coverages/0/scope", {"site": 7}, "/coverages/0/scope/site"),
        ("/coverages/0/scope", "a1", "/coverages/0/scope"),
        ("/coverages/1/id", "k1", "/coverages/1/id"),
        ("/policy/precedence", ["insurance", "insurance"], "/policy/precedence/1"),
        ("/policy/precedence", ["lease"], "/policy/precedence/0"),
        ("/asset/handover_exceptions", ["screen", 1], "/asset/handover_exceptions/1"),
        ("/asset/lookup/checked_at", None, "/asset/lookup/checked_at"),
        ("/asset/lookup/vendor_says", None, "/asset/lookup/vendor_says"),
        ("/asset/lookup/vendor_says", "covered", "/asset/lookup/vendor_says"),
        ("/asset/lookup/source", "contract_file", "/asset/lookup/source"),
        ("/coverages/0/evidence/checked_at", None, "/coverages/0/evidence/checked_at"),
        ("/coverages/0/evidence/vendor_says", None, "/coverages/0/evidence/vendor_says"),
        ("/coverages/0/evidence/vendor_says", "listed", "/coverages/0/evidence/vendor_says"),
        ("/coverages/0/state", "expired", "/coverages/0/state"),
        ("/fault/cause", "Wear", "/fault/cause"),
        ("/cases/0/kind", "swap", "/cases/0/kind"),
    ],
)  # fmt: skip
def test_what_else_is_malformed(pointer, wrong, at):
    assert flaws(with_value(pointer, wrong)) == [at]


def test_two_cases_of_one_id_are_malformed():
    assert flaws(document(cases=[other("x"), other("y"), other("x", "rma")])) == ["/cases/2/id"]


def test_one_day_of_cover_and_a_look_up_that_failed_before_it_answered_are_well_formed():
    failed = {"vendor_says": None, "checked_at": None, "error": "timeout"}
    changed = document(
        lookup=failed, coverages=[coverage(starts_on="2026-03-02", ends_on="2026-03-02", evidence=failed)]
    )
    assert isinstance(read_case(json.dumps(changed)), Case)
    late = failed | {"checked_at": "2026-03-01T00:00:00Z"}
    assert isinstance(read_case(json.dumps(document(lookup=late, coverages=[coverage(evidence=late)]))), Case)


def test_every_flaw_is_named_in_one_go():
    changed = full()
    del changed["fault"]["cause"]
    changed["asset"]["colour"] = "red"
    changed["coverages"][0] |= {"ends_on": "2020-01-01", "grace_days": -1, "shade": 1}
    changed["coverages"][1] |= {"id": "k1", "covers": []}
    changed["coverages"][1]["evidence"]["source"] = "rumour"
    assert flaws(changed) == [
        "/asset/colour", "/fault/cause", "/coverages/1/id", "/coverages/0/shade", "/coverages/0/grace_days",
        "/coverages/0/ends_on", "/coverages/1/covers", "/coverages/1/evidence/source",
    ]  # fmt: skip


# ── text that is no document ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "{", "nope", "{'now': 1}", '{"now": 1,}', '{"now": NaN}', "Infinity", "-Infinity", "{} {}", "01", '"\t"',
        "[" * 200_000, '{"a":' * 200_000, b"\xff\xfe{}", b"\xed\xa0\x80", b"\x00", "\ufeff{}",
    ],
)  # fmt: skip
def test_text_that_is_not_json_has_the_empty_pointer(text):
    assert flaws(text) == [""]


@pytest.mark.parametrize("text", ["null", "[]", '"case"', "7", "true"])
def test_json_that_is_no_object_has_the_empty_pointer_too(text):
    assert read_case(text) == (Flaw("", "must be an object"),)


def test_a_name_that_stands_twice_in_an_object_is_a_flaw_of_its_own():
    text = json.dumps(full())
    assert flaws(text.replace('"matches": 1', '"matches": 1, "matches": 2')) == ["/matches"]
    assert flaws(text.replace('"scope": {"asset": "a1"}', '"scope": {"asset": "a1", "asset": "a1"}')) == [
        "/coverages/0/scope/asset"
    ]


def test_a_document_is_not_changed_by_reading():
    changed = full()
    before = deepcopy(changed)
    case_of(changed)
    assert changed == before
