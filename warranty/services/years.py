"""What counts for a unit today, and over the years: the decision itself, asked for each day on which anything changes.

Nothing here knows another rule than ``decide``. The question is always the same, a hardware failure of some part, so that
what a contract says of causes and components does not draw gaps into the years.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from warranty.domain import case as casework
from warranty.domain.coverage import UNDETERMINED, Verdict, decide
from warranty.domain.terms import (
    AssetState,
    Cause,
    Component,
    CoverageState,
    Ownership,
    ReasonCode,
    Share,
)
from warranty.services import casefile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

    from warranty.domain.reasons import Reason
    from warranty.models import Coverage
    from warranty.services.casefile import UnitFile

MOST_CONTRACTS = 24
"""So many of a unit's contracts are drawn, those that end last."""

_NOON = time(12)
_FAR = date(9000, 1, 1)
_EVER = 100_000


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days on end, both inclusive, on which the same contract pays a share. ``ends_on`` null: for good.

    Not ``is_sure``: it may pay, and a person would have to find out.
    """

    coverage: str
    starts_on: date
    ends_on: date | None
    is_sure: bool


@dataclass(frozen=True, slots=True)
class Years:
    """What counts. ``today`` is null where the unit is out of use. ``contracts`` are those that are not superseded.

    ``stretches`` are in the order of days; between them, and after the last, nobody pays the share for sure.
    """

    today: Verdict | None
    on: date
    stretches: dict[Share, tuple[Stretch, ...]]
    contracts: tuple[Coverage, ...]

    def until(self, share: Share) -> date | None:
        """The last day on end, from today on, on which anybody pays the share; null where nobody does, or for good."""
        last = None
        for stretch in self.stretches[share]:
            if not stretch.is_sure:
                continue
            if stretch.starts_on <= (self.on if last is None else last + timedelta(days=1)):
                if stretch.ends_on is None:
                    return None
                last = stretch.ends_on if stretch.ends_on >= self.on else last
        return last


_IN_USE = frozenset(
    {
        AssetState.ONBOARDING,
        AssetState.REJECTED_AT_HANDOVER,
        AssetState.IN_SERVICE,
        AssetState.IN_STOCK,
        AssetState.FAULTY,
        AssetState.IN_RMA,
    }
)


def today(unit: UnitFile, rows: Iterable[Coverage], *, now: datetime, can_ask: bool) -> Verdict | None:
    """What counts for a unit today, as its page says it, where its coverages are read; null where it is out of use."""
    if not _is_in_use(unit):
        return None
    return decide(_plain(casefile.of_unit(unit, rows, _question(now), now=now, can_ask=can_ask)))


def _is_in_use(unit: UnitFile) -> bool:
    return unit.asset.state in _IN_USE and unit.asset.replaced_by_id is None


def _question(now: datetime) -> casework.Fault:
    return casework.Fault(
        id="",
        component=Component.OTHER,
        component_ref="",
        cause=Cause.HARDWARE_FAILURE,
        occurred_at=now,
        reported_at=now,
        reading=None,
    )


def _plain(case: casework.Case) -> casework.Case:
    """Without open cases and the unit's own state, which would answer for the contracts; they are shown beside them."""
    assert case.asset is not None  # the unit is known
    return replace(case, asset=replace(case.asset, state=AssetState.IN_SERVICE, replaced_by=None), cases=())


def of_unit(session: Session, unit: UnitFile, *, now: datetime) -> Years:
    """What counts for a unit; two statements, whatever it has."""
    zone = ZoneInfo(unit.time_zone)
    file = casefile.gather(session, unit=unit, matches=1, client=unit.client, fault=_question(now), now=now)
    case = _plain(file.case)
    assert case.asset is not None  # as above
    rows = [row for row in file.coverages.values() if row.state is not CoverageState.SUPERSEDED]
    rows.sort(key=lambda row: (row.ends_on or _FAR, row.starts_on, row.id), reverse=True)
    contracts = tuple(rows[:MOST_CONTRACTS])
    shown = {str(row.public_id) for row in contracts}
    drawn = replace(
        case,
        asset=replace(case.asset, ownership=Ownership.CLIENT),  # whose the unit is says who is asked, not who pays
        coverages=tuple(one for one in case.coverages if one.id in shown),
        policy=replace(case.policy, evidence_freshness_days=_EVER),  # the picture says beside it how old an answer is
    )
    return Years(
        today=decide(case) if _is_in_use(unit) else None,
        on=now.astimezone(zone).date(),
        stretches=_stretches(drawn, _days_of_change(contracts), zone),
        contracts=contracts,
    )


def _days_of_change(contracts: Iterable[Coverage]) -> list[date]:
    """The days from which on another contract may pay."""
    days = set()
    for row in contracts:
        days |= {row.starts_on, row.starts_on + timedelta(days=row.waiting_days)}
        if row.ends_on is not None:
            days |= {row.ends_on + timedelta(days=1), row.ends_on + timedelta(days=row.grace_days + 1)}
    return sorted(days)


def _stretches(case: casework.Case, days: Sequence[date], zone: ZoneInfo) -> dict[Share, tuple[Stretch, ...]]:
    found: dict[Share, list[Stretch]] = {share: [] for share in Share}
    for place, day in enumerate(days):
        ends_on = days[place + 1] - timedelta(days=1) if place + 1 < len(days) else None
        at = datetime.combine(day, _NOON, zone)
        verdict = decide(replace(case, fault=replace(case.fault, occurred_at=at, reported_at=at)))
        for share, stretches in found.items():
            entry = _speaks_for(verdict, share)
            if entry is not None and entry.coverage is not None:
                _lengthen(stretches, Stretch(entry.coverage, day, ends_on, entry.code is ReasonCode.CHOSEN))
    return {share: tuple(stretches) for share, stretches in found.items()}


def _speaks_for(verdict: Verdict, share: Share) -> Reason | None:
    """Who pays a share, else who may."""
    mine = [entry for entry in verdict.reasons if entry.share is share]
    wins = [entry for entry in mine if entry.code is ReasonCode.CHOSEN]
    return next(iter(wins or (entry for entry in mine if entry.code in UNDETERMINED)), None)


def _lengthen(stretches: list[Stretch], new: Stretch) -> None:
    last = stretches[-1] if stretches else None
    if (
        last
        and (last.coverage, last.is_sure) == (new.coverage, new.is_sure)
        and last.ends_on == new.starts_on - timedelta(days=1)
    ):
        stretches[-1] = replace(last, ends_on=new.ends_on)
    else:
        stretches.append(new)
