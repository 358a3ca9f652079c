"""What the settings pages read: what is set, what a change of it would touch, and its history. Nothing is written here.

A list is cut by a unique name, or newest first; at most two statements. A dry run is bounded and says of how many it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from vendors.contract import Duty
from warranty.domain.case import Case
from warranty.domain.case_document import read_case
from warranty.domain.coverage import Verdict, decide
from warranty.domain.lifecycles import FAULT_OVER, RMA_OVER
from warranty.models import (
    AccountMaker,
    AdHocJob,
    ApiToken,
    Asset,
    AuditRow,
    BusinessCalendar,
    Client,
    Fault,
    HumanTask,
    Product,
    Rma,
    StoredVerdict,
    User,
    VendorAccount,
    VendorCall,
)
from warranty.models.work import TaskKind
from warranty.services import accounts, casefile, deliveries, jobs, moves
from warranty.services.accounts import BREAKER_FAILURES
from warranty.services.estate import manufacturer_key
from warranty.services.queries import IN_USE, Event, is_actor
from warranty.services.verdicts import ENGINE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

PAGE = 50
MOST_REPLAYED = 100
"""Of how many open cases a dry run decides: as many as a person waits for."""

MOST_SHOWN = 10
MOST_CALLS = 200
MOST_HISTORY = 50


class AccountState(StrEnum):
    """How an account stands, the worst first."""

    OFF = "off"  # a person switched it off
    HELD = "held"  # a restore holds it: it opens nothing
    RESTING = "resting"  # the breaker is open
    WAITING = "waiting"  # the vendor said when to come back
    BROKEN = "broken"  # its last check failed
    WORKS = "works"  # its last check was answered
    UNTRIED = "untried"


def state_of(account: VendorAccount, now: datetime) -> AccountState:
    """How an account stands."""
    if account.switched_off_at is not None:
        return AccountState.OFF
    if account.opens_held_since is not None:
        return AccountState.HELD
    if account.closed_until is not None and account.closed_until > now:
        return AccountState.RESTING if account.failures >= BREAKER_FAILURES else AccountState.WAITING
    if account.check_answered_at is None:
        return AccountState.UNTRIED
    return AccountState.BROKEN if account.check_trouble else AccountState.WORKS


# --- lists ---


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account, whose products it serves, and whose units alone (null: everybody's)."""

    account: VendorAccount
    makers: tuple[str, ...]
    client_name: str | None


def account_list(session: Session, *, after: UUID | None) -> tuple[list[AccountRow], UUID | None]:
    """Accounts by name, and the id after which the next page begins; two statements."""
    query = select(VendorAccount, Client.name).outerjoin(Client, Client.id == VendorAccount.client_id)
    rows, older = _page(session, query, VendorAccount, VendorAccount.name, after=after)
    makers = makers_of(session, [account.id for account, _ in rows])
    return [AccountRow(account, makers[account.id], name) for account, name in rows], older


def makers_of(session: Session, account_ids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Whose products each of these accounts serves."""
    found: dict[int, list[str]] = {key: [] for key in account_ids}
    query = select(AccountMaker).where(AccountMaker.account_id.in_(found)).order_by(AccountMaker.id)
    for maker in session.scalars(query) if found else ():
        found[maker.account_id].append(maker.manufacturer)
    return {key: tuple(names) for key, names in found.items()}


def client_list(session: Session, *, start: str, after: UUID | None) -> tuple[list[Client], UUID | None]:
    """Clients by name, from ``start`` on; one statement."""
    query = select(Client)
    if start:
        query = query.where(Client.name >= start)
    rows, older = _page(session, query, Client, Client.name, after=after)
    return [row[0] for row in rows], older


def user_list(
    session: Session, *, is_off: bool, start: str, after: UUID | None
) -> tuple[list[tuple[User, str | None]], UUID | None]:
    """Users by their address, from ``start`` on, each with the name of their client; one statement."""
    query = select(User, Client.name).outerjoin(Client, Client.id == User.client_id)
    query = query.where(User.deactivated_at.is_not(None) if is_off else User.deactivated_at.is_(None))
    if start:
        query = query.where(User.email >= start.lower())
    rows, older = _page(session, query, User, User.email, after=after)
    return [(user, name) for user, name in rows], older


def token_list(
    session: Session, *, is_over: bool, before: UUID | None, now: datetime
) -> tuple[list[tuple[ApiToken, User, str | None]], UUID | None]:
    """Tokens, the newest first, with their user and the name of the client that they are for alone; one statement."""
    over = _is_over(now)
    query = (
        select(ApiToken, User, Client.name)
        .join(User, User.id == ApiToken.user_id)
        .outerjoin(Client, Client.id == ApiToken.client_id)
        .where(over if is_over else ~over)
        .order_by(ApiToken.id.desc())
        .limit(PAGE + 1)
    )
    if before is not None:
        query = query.where(ApiToken.id < select(ApiToken.id).where(ApiToken.public_id == before).scalar_subquery())
    rows = session.execute(query).all()
    older = rows[PAGE - 1][0].public_id if len(rows) > PAGE else None
    return [(token, user, name) for token, user, name in rows[:PAGE]], older


def tokens_of(session: Session, user: User, *, now: datetime) -> list[tuple[ApiToken, str | None]]:
    """A user's tokens that open something still, the newest first, each with the client that it is for alone."""
    query = (
        select(ApiToken, Client.name)
        .outerjoin(Client, Client.id == ApiToken.client_id)
        .where(ApiToken.user_id == user.id, ~_is_over(now))
        .order_by(ApiToken.id.desc())
        .limit(PAGE)
    )
    return [(token, name) for token, name in session.execute(query)]


def _is_over(now: datetime) -> ColumnElement[bool]:
    return ApiToken.revoked_at.is_not(None) | and_(ApiToken.expires_at.is_not(None), ApiToken.expires_at <= now)


def _page(
    session: Session, query: Any, table: Any, column: Any, *, after: UUID | None
) -> tuple[list[Any], UUID | None]:
    """One page by a unique column, and the id after which the next one begins."""
    if after is not None:
        last = aliased(table)
        query = query.where(column > select(getattr(last, column.key)).where(last.public_id == after).scalar_subquery())
    rows = session.execute(query.order_by(column).limit(PAGE + 1)).all()
    return list(rows[:PAGE]), rows[PAGE - 1][0].public_id if len(rows) > PAGE else None


def history(session: Session, row: Client | User | VendorAccount | BusinessCalendar) -> list[Event]:
    """What was changed of a setting, the newest first, with whoever did it; one statement."""
    query = (
        select(AuditRow, User)
        .outerjoin(User, is_actor(User, AuditRow.actor))
        .where(AuditRow.record == moves.name_of(type(row)), AuditRow.record_id == row.id)
        .order_by(AuditRow.id.desc())
        .limit(MOST_HISTORY)
    )
    return [Event(found, user) for found, user in session.execute(query)]


# --- what a change of a vendor account would touch ---


@dataclass(frozen=True, slots=True)
class Standing:
    """What rests on an account, and how it is heard. ``claims`` are the newest of the ``open_claims``."""

    units: int
    open_claims: int
    claims: tuple[tuple[Fault, str], ...]
    heard: Mapping[str, Any]
    last_call: VendorCall | None
    last_trouble: VendorCall | None


def standing(session: Session, account: VendorAccount) -> Standing:
    """What rests on an account, and how its vendor is heard; the last trouble is sought among the newest calls."""
    open_ones = (Rma.account_id == account.id, Rma.state.not_in(RMA_OVER))
    claims = (
        select(Fault, Rma.client_reference)
        .join(Rma, Rma.fault_id == Fault.id)
        .where(*open_ones)
        .order_by(Rma.id.desc())
        .limit(MOST_SHOWN)
    )
    calls = session.scalars(
        select(VendorCall).where(VendorCall.account_id == account.id).order_by(VendorCall.id.desc()).limit(MOST_CALLS)
    ).all()
    return Standing(
        units=units_served(session, account),
        open_claims=session.scalar(select(func.count()).select_from(Rma).where(*open_ones)) or 0,
        claims=tuple((fault, reference) for fault, reference in session.execute(claims)),
        heard=deliveries.standing(session, [account.id])[account.id],
        last_call=calls[0] if calls else None,
        last_trouble=next((call for call in calls if call.trouble), None),
    )


def units_served(
    session: Session,
    account: VendorAccount,
    *,
    makers: Iterable[str] | None = None,
    duties: Collection[Duty] | None = None,
) -> int:
    """How many units in use an account does something for: those for which no other one comes first.

    Args:
        makers: whose products it would serve; null: whose it does.
        duties: what it would be for.
    """
    if makers is None:
        own = select(AccountMaker.manufacturer_key).where(AccountMaker.account_id == account.id)
        keys = set(session.scalars(own))
    else:
        keys = {manufacturer_key(maker) for maker in makers}
    if not keys:
        return 0
    served = _Served(account, None if duties is None else sorted(duties))
    rivals: dict[str, list[VendorAccount]] = {key: [] for key in keys}
    others = (
        select(AccountMaker.manufacturer_key, VendorAccount)
        .join(VendorAccount, VendorAccount.id == AccountMaker.account_id)
        .where(AccountMaker.manufacturer_key.in_(keys), VendorAccount.id != account.id)
    )
    for key, other in session.execute(others):
        rivals[key].append(other)
    units = (
        select(Product.manufacturer_key, Asset.client_id, func.count())
        .join(Asset, Asset.product_id == Product.id)
        .where(Product.manufacturer_key.in_(keys), Asset.state.in_(IN_USE))
        .group_by(Product.manufacturer_key, Asset.client_id)
    )
    return sum(count for key, client_id, count in session.execute(units) if served.comes_first(rivals[key], client_id))


class _Served:
    """An account as it is or would be, beside others."""

    def __init__(self, account: VendorAccount, duties: list[str] | None) -> None:
        self._duties = account.duties if duties is None else duties
        self._account = VendorAccount(
            id=account.id,
            client_id=account.client_id,
            duties=self._duties,
            switched_off_at=account.switched_off_at,
        )

    def comes_first(self, others: list[VendorAccount], client_id: int) -> bool:
        """Whether it is chosen for a client's unit, for anything."""
        ours = self._account
        return any(accounts.choose([ours, *others], Duty(duty), client_id) is ours for duty in self._duties)


# --- what a change of a client's rules would touch ---


@dataclass(frozen=True, slots=True)
class Differs:
    """An open case that would be decided otherwise."""

    fault: Fault
    was: Verdict
    becomes: Verdict


@dataclass(frozen=True, slots=True)
class RulesEffect:
    """What other rules would do: of ``open_cases``, ``replayed`` were decided anew, without keeping it.

    ``asked_anew`` units have a vendor's answer that counts today and would be too old; ``fresh_again`` the other way round.
    ``told_at_once`` refusals that are held back today would be told to the client now.
    """

    open_cases: int
    replayed: int
    differing: tuple[Differs, ...]
    asked_anew: int
    fresh_again: int
    told_at_once: int


def effect_of_rules(
    session: Session, client: Client, *, policy: Mapping[str, Any], grace: timedelta, now: datetime
) -> RulesEffect:
    """What would be decided otherwise by another policy: the engine's verdicts on the newest open cases, twice.

    Both times from the case as it was kept, so that nothing but the policy differs. What a person decided stays.
    """
    is_open = (Fault.client_id == client.id, Fault.state.not_in(FAULT_OVER))
    newest = aliased(StoredVerdict)
    counts = select(func.max(newest.id)).where(newest.fault_id == Fault.id).correlate(Fault).scalar_subquery()
    kept = (
        select(Fault, StoredVerdict.case_document)
        .join(StoredVerdict, StoredVerdict.id == counts)
        .where(*is_open, StoredVerdict.decided_by == ENGINE)
        .order_by(Fault.id.desc())
        .limit(MOST_REPLAYED)
    )
    old, new = casefile.read_policy(client.policy), casefile.read_policy({**client.policy, **policy})
    replayed, differing = 0, []
    for fault, document in session.execute(kept):
        case = read_case(document)
        if not isinstance(case, Case):  # of an engine before this one
            continue
        replayed += 1
        was, becomes = (decide(replace(case, policy=one)) for one in (old, new))
        if (was.verdict, was.route, was.awards) != (becomes.verdict, becomes.route, becomes.awards):
            differing.append(Differs(fault, was, becomes))
    older, younger = sorted((old.evidence_freshness_days, new.evidence_freshness_days), reverse=True)
    between = _units_asked_between(session, client, older, younger, now)
    is_shorter = new.evidence_freshness_days < old.evidence_freshness_days
    return RulesEffect(
        open_cases=session.scalar(select(func.count()).select_from(Fault).where(*is_open)) or 0,
        replayed=replayed,
        differing=tuple(differing),
        asked_anew=between if is_shorter else 0,
        fresh_again=0 if is_shorter else between,
        told_at_once=_told_at_once(session, client, grace, now),
    )


def _units_asked_between(session: Session, client: Client, older: int, younger: int, now: datetime) -> int:
    """Units in use whose vendor answered at least ``younger`` and less than ``older`` days ago."""
    from_, to = (now - timedelta(days=count) for count in (older, younger))
    query = select(func.count()).select_from(Asset)
    which = (Asset.client_id == client.id, Asset.state.in_(IN_USE), Asset.lookup_at >= from_, Asset.lookup_at < to)
    return session.scalar(query.where(*which)) or 0 if older != younger else 0


def _told_at_once(session: Session, client: Client, grace: timedelta, now: datetime) -> int:
    """Refusals that wait for somebody to confirm them, and would have waited long enough."""
    waits = (HumanTask.client_id == client.id, HumanTask.kind == TaskKind.DENIED, HumanTask.resolved_at.is_(None))
    since = select(HumanTask.created_at).where(*waits)
    today = timedelta(hours=client.denial_grace_hours)
    return sum(now - today < at <= now - grace for at in session.scalars(since))


@dataclass(frozen=True, slots=True)
class RatesEffect:
    """What another rate card would do. The sums are call-out and labour of a swap of a whole unit, in minor units.

    ``jobs`` are not approved yet and keep their price. ``unpriced``: products of the client's units with a price in another
    currency, whose parts would have none.
    """

    jobs: int
    was_minor: int
    becomes_minor: int
    unpriced: int


def effect_of_rates(
    session: Session, client: Client, *, currency: str, call_out_minor: int, labour_hour_minor: int
) -> RatesEffect:
    """What another rate card would do; no job that there is changes by it."""
    hours = jobs.LABOUR_HUNDREDTHS_OF_UNIT
    open_jobs = select(func.count()).select_from(AdHocJob)
    open_jobs = open_jobs.where(AdHocJob.client_id == client.id, AdHocJob.state.in_(jobs.BEFORE_APPROVAL))
    foreign = (
        select(func.count(func.distinct(Product.id)))
        .join(Asset, Asset.product_id == Product.id)
        .where(Asset.client_id == client.id, Asset.state.in_(IN_USE))
        .where(Product.list_price_minor.is_not(None), Product.currency != currency)
    )
    return RatesEffect(
        jobs=session.scalar(open_jobs) or 0,
        was_minor=client.call_out_minor + client.labour_hour_minor * hours // 100,
        becomes_minor=call_out_minor + labour_hour_minor * hours // 100,
        unpriced=session.scalar(foreign) or 0 if currency != client.currency else 0,
    )


def owned_cases(session: Session, user: User) -> tuple[int, list[Fault]]:
    """How many open cases somebody looks after, and the newest of them; two statements."""
    mine = (Fault.owner_id == user.id, Fault.state.not_in(FAULT_OVER))
    count = session.scalar(select(func.count()).select_from(Fault).where(*mine)) or 0
    return count, list(session.scalars(select(Fault).where(*mine).order_by(Fault.id.desc()).limit(MOST_SHOWN)))
