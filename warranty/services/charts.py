"""The figures beside the board: how old open RMAs are, which ways faults go, how fast vendors answer, what cover saves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import BigInteger, Integer, String, and_, case, cast, func, literal, select, type_coerce, union_all

from warranty.domain.lifecycles import JobState, RmaState
from warranty.domain.terms import Party
from warranty.models import (
    AdHocJob,
    Asset,
    AuditRow,
    Fault,
    HumanTask,
    JobLine,
    Product,
    Rma,
    StoredVerdict,
    VendorAccount,
)
from warranty.models.base import seconds_until
from warranty.models.work import TaskKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

AGES: Final = (3, 6, 11, 21)
"""Open RMAs younger than so many days are counted apart, and those that are older."""

ANSWERED: Final = (RmaState.UNDER_REVIEW, RmaState.INFO_REQUIRED, RmaState.AUTHORIZED, RmaState.DENIED)
ANSWERS_SINCE: Final = timedelta(days=90)
MOST_ANSWERS: Final = 1000
GRANTED: Final = (RmaState.AUTHORIZED, RmaState.CLOSED)
BILLED: Final = (
    JobState.APPROVED,
    JobState.SCHEDULED,
    JobState.IN_PROGRESS,
    JobState.ON_HOLD,
    JobState.CHANGE_REQUESTED,
    JobState.COMPLETED,
    JobState.READY_TO_INVOICE,
    JobState.EXPORTED,
    JobState.INVOICED,
    JobState.CLOSED,
)


@dataclass(frozen=True, slots=True)
class Charts:
    """The figures beside the board.

    ``ages``: open RMAs by age, each with how many of them a vendor is silent about. ``weeks``: faults by route, the oldest
    week first. ``answers``: of each vendor the median and the slowest twentieth, in seconds from our request to its first
    word, with how many there are. ``avoided`` and ``billed``: how many, and their sum, by currency.
    """

    ages: tuple[tuple[int, int], ...]
    weeks: tuple[Mapping[str, int], ...]
    answers: tuple[tuple[str, int, int, int], ...]
    avoided: tuple[tuple[str, int, int], ...]
    billed: tuple[tuple[str, int, int], ...]

    @property
    def open_rmas(self) -> int:
        """How many RMAs are open."""
        return sum(count for count, _ in self.ages)


def read(session: Session, *, now: datetime, weeks: Sequence[datetime], quarter: datetime) -> Charts:
    """All figures; one statement.

    Args:
        weeks: when each of the weeks begins, the oldest first.
        quarter: since when sums are added up.
    """
    parts = (_ages(now), _routes(weeks), _answers(now), _avoided(quarter), _billed(quarter))
    rows = session.execute(union_all(*parts)).all()
    found = {
        name: list(group) for name, group in groupby(sorted(rows, key=lambda row: row.chart), lambda row: row.chart)
    }
    ages = {int(row.a): (row.n, row.m) for row in found.get("age", ())}
    routes: list[dict[str, int]] = [{} for _ in weeks]
    for row in found.get("route", ()):
        routes[int(row.a)][row.b] = row.n
    answers: dict[str, dict[str, tuple[int, int]]] = {}
    for row in found.get("answer", ()):
        answers.setdefault(row.a, {})[row.b] = (row.n, row.m)
    return Charts(
        ages=tuple(ages.get(at, (0, 0)) for at in range(len(AGES) + 1)),
        weeks=tuple(routes),
        answers=tuple(
            (name, both["median"][1], both["slow"][1], both["median"][0])
            for name, both in sorted(answers.items(), key=lambda one: one[1]["median"][1])
            if len(both) == 2
        ),
        avoided=tuple((row.a, row.n, row.m) for row in found.get("avoided", ())),
        billed=tuple((row.a, row.n, row.m) for row in found.get("billed", ())),
    )


def _figure(chart: str, a: Any, b: Any, n: Any, m: Any) -> Any:
    return select(
        literal(chart, String).label("chart"),
        cast(a, String).label("a"),
        cast(b, String).label("b"),
        cast(n, Integer).label("n"),
        cast(m, BigInteger).label("m"),
    )


def _ages(now: datetime) -> Any:
    age = case(*((Rma.created_at > now - timedelta(days=days), at) for at, days in enumerate(AGES)), else_=len(AGES))
    silent = and_(
        HumanTask.fault_id == Rma.fault_id, HumanTask.kind == TaskKind.SILENT, HumanTask.resolved_at.is_(None)
    )
    aged = select(age.label("age"), HumanTask.id.label("silent")).select_from(Rma).outerjoin(HumanTask, silent)
    rows = aged.where(Rma.is_open).subquery()
    return _figure("age", rows.c.age, "", func.count(), func.count(rows.c.silent)).group_by(rows.c.age)


def _routes(weeks: Sequence[datetime]) -> Any:
    begins = list(enumerate(weeks))
    week = case(*((Fault.reported_at >= begin, at) for at, begin in reversed(begins)), else_=0)
    newest = select(func.max(StoredVerdict.id)).where(StoredVerdict.fault_id == Fault.id).correlate(Fault)
    routed = select(week.label("week"), type_coerce(StoredVerdict.route, String).label("route")).join(
        StoredVerdict, StoredVerdict.id == newest.scalar_subquery()
    )
    rows = routed.where(Fault.reported_at >= weeks[0]).subquery()
    return _figure("route", rows.c.week, rows.c.route, func.count(), 0).group_by(rows.c.week, rows.c.route)


def _answers(now: datetime) -> Any:
    """Of each account the answer in the middle, and the one that only a twentieth are slower than."""

    def moved(*states: RmaState) -> Any:
        which = and_(AuditRow.record == "rma", AuditRow.record_id == Rma.id, AuditRow.new_state.in_(states))
        return select(func.min(AuditRow.at)).where(which).correlate(Rma).scalar_subquery()

    lately = (
        select(
            Rma.account_id,
            moved(RmaState.SUBMITTED).label("asked"),
            moved(*ANSWERED).label("answered"),
        )
        .where(Rma.created_at >= now - ANSWERS_SINCE, Rma.account_id.is_not(None))
        .order_by(Rma.created_at.desc())
        .limit(MOST_ANSWERS)
        .subquery()
    )
    took = seconds_until(lately.c.asked, lately.c.answered)
    ranked = (
        select(
            VendorAccount.name,
            took.label("took"),
            func.row_number().over(order_by=took, partition_by=lately.c.account_id).label("place"),
            func.count().over(partition_by=lately.c.account_id).label("count"),
        )
        .join(VendorAccount, VendorAccount.id == lately.c.account_id)
        .where(lately.c.asked.is_not(None), lately.c.answered >= lately.c.asked)
        .subquery()
    )
    # The place of a share of so many: rounded up, in whole numbers.
    median, slow = (ranked.c.count + 1) // 2, (ranked.c.count * 19 + 19) // 20
    which = union_all(
        select(ranked.c.name, literal("median").label("at"), ranked.c.count, ranked.c.took).where(
            ranked.c.place == median
        ),
        select(ranked.c.name, literal("slow"), ranked.c.count, ranked.c.took).where(ranked.c.place == slow),
    ).subquery()
    return _figure("answer", which.c.name, which.c.at, which.c.count, which.c.took)


def _avoided(quarter: datetime) -> Any:
    which = and_(Rma.created_at >= quarter, Rma.state.in_(GRANTED), Product.list_price_minor.is_not(None))
    figure = _figure("avoided", Product.currency, "", func.count(), func.sum(Product.list_price_minor))
    joined = figure.select_from(Rma).join(Asset, Asset.id == Rma.asset_id).join(Product, Product.id == Asset.product_id)
    return joined.where(which).group_by(Product.currency)


def _billed(quarter: datetime) -> Any:
    amount = (JobLine.unit_price_minor * JobLine.quantity_hundredths + 50) // 100
    which = and_(AdHocJob.created_at >= quarter, AdHocJob.state.in_(BILLED), JobLine.payer == Party.CLIENT)
    figure = _figure("billed", AdHocJob.currency, "", func.count(AdHocJob.id.distinct()), func.sum(amount))
    return figure.join_from(AdHocJob, JobLine, JobLine.job_id == AdHocJob.id).where(which).group_by(AdHocJob.currency)
