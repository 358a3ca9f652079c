"""What a vendor says of a unit becomes coverages: a line each, the changed beside the old, failures beside the facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select

from tests import factories
from tests.desk import Desk
from vendors.contract import Entitlement, Listed, NotListed, NotListedWhy, Unit
from warranty import db
from warranty.domain.terms import CoverageKind, CoverageSays, CoverageState, EvidenceSource, UnitSays
from warranty.models import AuditRow, Client, Coverage, UnitAnswer, VendorAccount
from warranty.services import entitlements, verdicts

if TYPE_CHECKING:
    from warranty.runtime import Runtime

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LINE = Entitlement(
    vendor_line="997-1",
    kind="manufacturer_warranty",
    fulfilment="vendor_rma",
    service_level="next_business_day",
    delivery="on_site",
    covers=("parts",),
    starts_on=date(2025, 1, 1),
    ends_on=date(2027, 12, 31),
    time_zone="Europe/Amsterdam",
    starts_raw="2024-12-31T23:00:00Z",
    ends_raw="2027-12-31T22:59:59Z",
    name="ProSupport",
    excluded_causes=("liquid",),
)


@pytest.fixture
def desk(shared_runtime: Runtime) -> Desk:
    return Desk(shared_runtime, covered=False, asks=True)


def keep(desk: Desk, *lines: Entitlement, raw: str = '{"raw": 1}', now: datetime = NOW) -> None:
    say(desk, Listed(Unit(desk.serial), lines, raw=raw), now=now)


def say(desk: Desk, answer: Listed | NotListed, *, now: datetime = NOW) -> None:
    with desk.session() as session:
        account = session.get_one(VendorAccount, desk.lookup_account_id)
        entitlements.keep(session, {desk.asset_key(): answer}, account=account, now=now)


def raws(desk: Desk) -> list[tuple[datetime, str]]:
    """What was answered about the unit, as it came, oldest first."""
    with desk.session() as session:
        ours = select(UnitAnswer).where(UnitAnswer.asset_id == desk.asset_key()).order_by(UnitAnswer.id)
        return [(answer.answered_at, answer.raw) for answer in session.scalars(ours)]


def current(desk: Desk) -> list[Coverage]:
    return [coverage for coverage in desk.coverages() if coverage.state is not CoverageState.SUPERSEDED]


def test_a_line_becomes_a_coverage_with_its_evidence(desk: Desk) -> None:
    keep(desk, LINE)

    (coverage,) = desk.coverages()
    assert (coverage.kind, coverage.starts_on, coverage.ends_on) == (
        CoverageKind.MANUFACTURER_WARRANTY,
        LINE.starts_on,
        LINE.ends_on,
    )
    assert (coverage.evidence_source, coverage.vendor_says, coverage.checked_at) == (
        EvidenceSource.VENDOR_LOOKUP,
        CoverageSays.COVERED,
        NOW,
    )
    assert raws(desk) == [(NOW, '{"raw": 1}')]
    assert coverage.excluded_causes == ["liquid"]
    assert (desk.asset().lookup_says, desk.asset().lookup_at, desk.asset().lookup_error) == (
        UnitSays.LISTED,
        NOW,
        None,
    )


def test_twins_are_two_coverages_and_asking_again_makes_no_third(desk: Desk) -> None:
    twins = (LINE, replace(LINE, vendor_line="997-1#2"))
    keep(desk, *twins)
    first = {coverage.id for coverage in desk.coverages()}

    later = datetime(2026, 4, 1, tzinfo=UTC)
    keep(desk, *reversed(twins), now=later)

    assert len(first) == 2
    assert {coverage.id for coverage in desk.coverages()} == first
    assert {coverage.checked_at for coverage in desk.coverages()} == {later}


def test_a_line_whose_terms_changed_supersedes_the_old_one_and_takes_its_claims_over(desk: Desk) -> None:
    keep(desk, LINE)
    with desk.session() as session:
        session.get_one(Coverage, desk.coverages()[0].id).claims_reserved = 1  # by a fault, as its verdict says
    keep(desk, replace(LINE, ends_on=date(2029, 12, 31)))

    old, new = desk.coverages()
    assert (old.state, old.ends_on) == (CoverageState.SUPERSEDED, LINE.ends_on)
    assert (new.state, new.ends_on, new.claims_reserved) == (CoverageState.ACTIVE, date(2029, 12, 31), 1)
    assert old.vendor_says is CoverageSays.COVERED  # verdicts rest on it as it was

    with desk.session() as session:  # the swap does not happen: what holds the claim knows the old line only
        verdicts.release_claims(session, {old.id})
    assert [coverage.claims_reserved for coverage in desk.coverages()] == [0, 0]


@pytest.mark.parametrize(
    ("asked_at", "says"),
    [
        (datetime(2024, 12, 31, 22, 59, tzinfo=UTC), CoverageSays.NOT_COVERED),
        (datetime(2024, 12, 31, 23, 0, tzinfo=UTC), CoverageSays.COVERED),  # midnight in Amsterdam
        (datetime(2027, 12, 31, 22, 59, tzinfo=UTC), CoverageSays.COVERED),
        (datetime(2027, 12, 31, 23, 0, tzinfo=UTC), CoverageSays.NOT_COVERED),
    ],
)
def test_a_line_covers_on_the_days_of_its_own_zone(desk: Desk, asked_at: datetime, says: CoverageSays) -> None:
    keep(desk, LINE, now=asked_at)

    assert desk.coverages()[0].vendor_says is says


def test_a_line_without_an_end_covers_for_ever(desk: Desk) -> None:
    keep(desk, replace(LINE, ends_on=None), now=datetime(2090, 1, 1, tzinfo=UTC))

    assert desk.coverages()[0].vendor_says is CoverageSays.COVERED


def test_a_line_that_is_gone_from_a_later_answer_covers_no_more(desk: Desk) -> None:
    keep(desk, LINE, replace(LINE, vendor_line="997-2"))
    keep(desk, replace(LINE, vendor_line="997-2"))

    assert {coverage.vendor_line: coverage.vendor_says for coverage in current(desk)} == {
        "997-1": CoverageSays.NOT_COVERED,
        "997-2": CoverageSays.COVERED,
    }


@pytest.mark.parametrize(
    ("why", "unit_says", "line_says"),
    [
        (NotListedWhy.UNKNOWN, UnitSays.UNKNOWN, CoverageSays.UNKNOWN),
        (NotListedWhy.NOT_OWNER, UnitSays.NOT_OWNER, CoverageSays.NOT_OWNER),
    ],
)
def test_a_vendor_that_does_not_know_the_unit_says_so_of_every_line(
    desk: Desk, why: NotListedWhy, unit_says: UnitSays, line_says: CoverageSays
) -> None:
    keep(desk, LINE)
    say(desk, NotListed(Unit(desk.serial), why))

    assert desk.asset().lookup_says is unit_says
    assert [coverage.vendor_says for coverage in desk.coverages()] == [line_says]


def test_a_unit_without_an_answer_is_a_failed_look_up_that_keeps_what_was_known(desk: Desk) -> None:
    keep(desk, LINE)
    later = datetime(2026, 4, 1, tzinfo=UTC)
    say(desk, NotListed(Unit(desk.serial), NotListedWhy.NOT_PROCESSED, "several machines"), now=later)

    (coverage,) = desk.coverages()
    assert (coverage.vendor_says, coverage.checked_at, coverage.lookup_error) == (
        CoverageSays.COVERED,
        NOW,
        "several machines",
    )
    assert (desk.asset().lookup_says, desk.asset().lookup_error) == (UnitSays.LISTED, "several machines")

    keep(desk, LINE, now=later)
    assert (desk.coverages()[0].lookup_error, desk.asset().lookup_error) == (None, None)


def test_contracts_on_paper_are_not_touched(shared_runtime: Runtime) -> None:
    desk = Desk(shared_runtime, asks=True)
    keep(desk)
    say(desk, NotListed(Unit(desk.serial), NotListedWhy.UNKNOWN))

    assert {coverage.vendor_says for coverage in desk.coverages()} == {None}
    assert {coverage.lookup_error for coverage in desk.coverages()} == {None}


def test_what_was_answered_is_kept_as_it_came_and_the_same_answer_once(desk: Desk) -> None:
    later, latest = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    keep(desk, LINE, raw='{"ends": 2027}')
    keep(desk, LINE, raw='{"ends": 2027}', now=later)
    say(desk, NotListed(Unit(desk.serial), NotListedWhy.UNKNOWN, raw='{"invalid": true}'), now=latest)

    assert raws(desk) == [(NOW, '{"ends": 2027}'), (latest, '{"invalid": true}')]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "vendor_contract"},
        {"starts_on": date(2025, 1, 2)},
        {"ends_on": None},
        {"time_zone": "Europe/Berlin"},
        {"covers": ("labour", "parts")},
        {"service_level": "unknown"},
        {"delivery": "depot"},
        {"excluded_causes": ()},
        {"excluded_components": ("battery",)},
        {"contract_number": "C-1"},
        {"name": "ProSupport Plus"},
    ],
)
def test_whatever_of_a_line_changes_is_a_new_version_and_the_register_says_so(
    desk: Desk, change: dict[str, object]
) -> None:
    keep(desk, LINE)
    keep(desk, replace(LINE, **change))

    old, new = desk.coverages()
    assert (old.state, new.state) == (CoverageState.SUPERSEDED, CoverageState.ACTIVE)
    assert {name: getattr(old, name) for name in change} != {name: getattr(new, name) for name in change}
    with desk.session() as session:
        of_old = (AuditRow.record == "coverage", AuditRow.record_id == old.id)
        rows = session.scalars(select(AuditRow).where(*of_old).order_by(AuditRow.id))
        assert [(row.action, row.actor) for row in rows] == [
            ("add", f"vendor:{desk.lookup_account_id}"),
            ("supersede", f"vendor:{desk.lookup_account_id}"),
        ]


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "lifetime_promise"},
        {"covers": ("tea",)},
        {"covers": ()},
        {"time_zone": "Mars/Olympus"},
        {"ends_on": date(2024, 1, 1)},
        {"vendor_line": ""},
    ],
)
def test_a_line_that_is_none_is_a_failure_of_its_unit_alone(desk: Desk, broken: dict[str, object]) -> None:
    keep(desk, LINE)
    with desk.session() as session:
        site_mate = factories.make_asset(session, session.get_one(Client, desk.client_key))
        account = session.get_one(VendorAccount, desk.lookup_account_id)
        answers = {
            desk.asset_key(): Listed(Unit(desk.serial), (replace(LINE, **broken),)),
            site_mate.id: Listed(Unit(site_mate.serial_number), (LINE,)),
        }
        failed = entitlements.keep(session, answers, account=account, now=NOW)
        session.refresh(site_mate)

    assert list(failed) == [desk.asset_key()]
    assert desk.asset().lookup_error == failed[desk.asset_key()]
    assert desk.asset().lookup_says is UnitSays.LISTED
    assert (site_mate.lookup_says, site_mate.lookup_error) == (UnitSays.LISTED, None)


def test_keeping_answers_costs_the_same_few_statements_whatever_their_number(shared_runtime: Runtime) -> None:
    engine, counts = shared_runtime.database.engine, []
    for number in (3, 30):
        with shared_runtime.database.begin(db.EVERYBODY) as session:
            client = factories.make_client(session)
            units = [factories.make_asset(session, client) for _ in range(number)]
            account = factories.make_account(session, shared_runtime)
        seen: list[str] = []

        def count(*args: Any, seen: list[str] = seen) -> None:
            seen.append(args[2])

        event.listen(engine, "before_cursor_execute", count)
        for lines in ((LINE,), (replace(LINE, ends_on=None),), ()):  # new, changed, gone
            with shared_runtime.database.begin(db.EVERYBODY) as session:
                answers = {unit.id: Listed(Unit(unit.serial_number), lines, raw=f"{lines}") for unit in units}
                entitlements.keep(session, answers, account=account, now=NOW)
        event.remove(engine, "before_cursor_execute", count)
        counts.append(len(seen))

    assert counts[0] == counts[1] <= 3 * 12
