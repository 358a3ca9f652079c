"""What pages read: the only place that loads cases, jobs and tasks for people.

Everything is read in the session's scope: what a client may not see does not exist here, and a foreign id is not
found. A list is cut by key, newest first. The number of statements does not depend on the number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import String, and_, cast, func, literal, or_, select
from sqlalchemy.orm import aliased

from warranty.domain.coverage import Verdict
from warranty.domain.lifecycles import FAULT_OVER, JobState, ShipmentDirection, ShipmentState, SwapState
from warranty.domain.terms import AssetState, Party
from warranty.models import (
    Absence,
    AdHocJob,
    Asset,
    AuditRow,
    CaseNote,
    Client,
    Coverage,
    Fault,
    File,
    HumanTask,
    JobLine,
    Mail,
    Outbox,
    Person,
    Product,
    Rma,
    Shipment,
    Site,
    StoredVerdict,
    Swap,
    User,
    VendorAccount,
    VendorCall,
)
from warranty.models.work import OrderStatus, TaskKind
from warranty.services import jobs, notes, owners, standings
from warranty.services.estate import serial_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from warranty.domain.headline import Standing
    from warranty.services.owners import Away

PAGE = 50
MOST_CALLS = 50
MOST_EVENTS = 500
MOST_NOTES = 200
MOST_FILES = 50
MOST_MAILS = 100
RECENTLY = timedelta(days=90)
NO_COST = frozenset({JobState.CANCELLED, JobState.DECLINED, JobState.WAIVED, JobState.CREDITED})
"""A job that ended so costs the client nothing."""

IN_USE = frozenset({AssetState.IN_SERVICE, AssetState.IN_STOCK, AssetState.FAULTY})


class Shows(StrEnum):
    """Which cases a list shows."""

    OPEN = "open"
    MINE = "mine"  # open, and the caller's own or those of whom they stand in for
    CLOSED = "closed"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Place:
    """A unit with what stands around it; every part but the client may be missing."""

    client: Client
    asset: Asset | None
    product: Product | None
    site: Site | None


@dataclass(frozen=True, slots=True)
class Brief:
    """A case as a list shows it. ``client_minor``: what the client is to pay, null while something has no price."""

    fault: Fault
    place: Place
    standing: Standing
    verdict: Verdict | None
    vendor: str | None
    expected_on: date | None
    return_by: date | None
    has_job: bool
    client_minor: int | None
    currency: str
    owner: User | None


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the register, and whoever is behind its actor, where that is a user."""

    row: AuditRow
    user: User | None


@dataclass(frozen=True, slots=True)
class Noted:
    """A note on a case, and whoever wrote it, where that is a user. ``can_go_again``: of one that the vendor did not take."""

    row: CaseNote
    user: User | None
    can_go_again: bool


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a case, and whoever added it, where that is a user."""

    file: File
    user: User | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail about a case, and who gets it; null where nobody does any more."""

    mail: Mail
    to: User | Person | None


@dataclass(frozen=True, slots=True)
class Decided:
    """A stored verdict, and the person who took it, where one did."""

    row: StoredVerdict
    verdict: Verdict
    by: User | None


@dataclass(frozen=True, slots=True)
class Claim:
    """An Rma with its account and its parcels."""

    rma: Rma
    account: VendorAccount | None
    parcels: tuple[Shipment, ...]


@dataclass(frozen=True, slots=True)
class Job:
    """An ad hoc job with its lines."""

    row: AdHocJob
    lines: tuple[JobLine, ...]

    @property
    def is_priced(self) -> bool:
        """Whether every line has a price."""
        return all(line.unit_price_minor is not None for line in self.lines)

    @property
    def total_minor(self) -> int | None:
        """What all lines cost together; null while one has no price."""
        return jobs.total_minor(list(self.lines)) if self.is_priced else None

    @property
    def client_minor(self) -> int | None:
        """What the client pays of it; null while a line has no price, nothing once the job came to nothing."""
        if self.row.state in NO_COST:
            return 0
        return jobs.total_minor(list(self.lines), Party.CLIENT) if self.is_priced else None


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that is known of one case; each list oldest first, but ``verdicts``, whose first one counts.

    ``away``: the absence of the owner, and who stands in, while it lasts. ``mailed``: how many mails there are about it, how
    many of them were sent, and how many never will be.
    """

    fault: Fault
    place: Place
    reporter: User | None
    contact: Person | None
    owner: User | None
    away: Away | None
    standing: Standing
    verdicts: tuple[Decided, ...]
    coverages: dict[str, Coverage]
    claims: tuple[Claim, ...]
    swaps: tuple[Swap, ...]
    jobs: tuple[Job, ...]
    events: tuple[Event, ...]
    tasks: tuple[HumanTask, ...]
    calls: tuple[VendorCall, ...]
    mailed: tuple[int, ...]

    @property
    def version(self) -> str:
        """What ``version`` tells of this case, without asking the database again."""
        settled = sum(task.resolved_at is not None for task in self.tasks)
        said = sum(len(task.why) for task in self.tasks) or None
        event = self.events[-1].row.id if self.events else None
        call = self.calls[0].id if self.calls else None
        return _version(event, call, len(self.tasks), settled, said, *self.mailed)

    @property
    def claim(self) -> Claim | None:
        """The claim that counts."""
        return self.claims[-1] if self.claims else None

    @property
    def vendor(self) -> str | None:
        """What people call the vendor of this case."""
        claim = self.claim
        coverage = self.coverages.get(str(claim.rma.coverage_id)) if claim else None
        return vendor_name(self.place.product, claim.account if claim else None, coverage)

    def parcel(self, direction: ShipmentDirection) -> Shipment | None:
        """The parcel that speaks for those of its direction."""
        return standings.furthest_behind(self.claim.parcels, direction) if self.claim else None


def vendor_name(product: Product | None, account: VendorAccount | None, coverage: Coverage | None) -> str | None:
    """What people call whoever is claimed from: the maker, unless the contract names an account of its own."""
    if account is not None and coverage is not None and coverage.account_id == account.id:
        return account.name
    return product.manufacturer if product else (account.name if account else None)


# --- lists ---


def cases(
    session: Session,
    *,
    now: datetime,
    shows: Shows = Shows.ALL,
    search: str = "",
    before: UUID | None = None,
    limit: int = PAGE,
    user_id: int | None = None,
    which: Sequence[ColumnElement[bool]] = (),
) -> tuple[list[Brief], UUID | None]:
    """Cases, the newest first, and the id before which the next page begins; at most four statements.

    Args:
        user_id: whose cases ``MINE`` shows.
        which: what else they must be, as ``board.of_cases`` says it.
        search: part of a serial, of a unit's or a client's name, or of any number of the case.
        before: the id that the page before gave; one that names nothing gives the first page.
    """
    query = _briefs().where(*which)
    if shows is not Shows.ALL:
        is_open = Fault.state.not_in(FAULT_OVER)
        query = query.where(~is_open if shows is Shows.CLOSED else is_open)
    if shows is Shows.MINE:
        query = query.where(owners.looked_after_by(user_id, now))
    if search.strip():
        query = query.where(_fits(search.strip()))
    return _page(session, query, now=now, before=before, limit=limit)


def client_cases(
    session: Session, *, now: datetime, before: UUID | None = None, limit: int = PAGE
) -> tuple[list[Brief], UUID | None]:
    """A client's cases: those that run, and those that closed lately; pages as ``cases`` gives them."""
    lately = or_(Fault.case_closed_at.is_(None), Fault.case_closed_at >= now - RECENTLY)
    running = or_(Fault.state.not_in(FAULT_OVER), lately)
    return _page(session, _briefs().where(running), now=now, before=before, limit=limit)


def cases_of_unit(session: Session, asset: Asset, *, now: datetime, limit: int = PAGE) -> list[Brief]:
    """The newest cases of a unit; at most nine statements."""
    return _page(session, _briefs().where(Fault.asset_id == asset.id), now=now, before=None, limit=limit)[0]


def _page(
    session: Session, query: Any, *, now: datetime, before: UUID | None, limit: int
) -> tuple[list[Brief], UUID | None]:
    last = session.scalar(select(Fault.id).where(Fault.public_id == before)) if before else None
    if last is not None:
        query = query.where(Fault.id < last)
    found = _read_briefs(session, query.order_by(Fault.id.desc()).limit(limit + 1), now)
    return found[:limit], found[limit - 1].fault.public_id if len(found) > limit else None


def _briefs() -> Any:
    """The cases with everything that a row of a list shows."""
    newest_verdict = _newest(StoredVerdict)
    newest_rma = _newest(Rma)
    newest_job = _newest(AdHocJob)
    expected = _due_on(ShipmentDirection.TO_US, ShipmentState.EXPECTED, ShipmentState.IN_TRANSIT)
    back = _due_on(ShipmentDirection.TO_VENDOR, ShipmentState.DUE)
    cost = _cost()
    return (
        select(
            Fault, Client, Asset, Product, Site, StoredVerdict.verdict_document, VendorAccount, Coverage, User,
            AdHocJob.id.label("job_id"), AdHocJob.state.label("job_state"), AdHocJob.currency,
            expected.label("expected_on"), back.label("return_by"), *cost,
        )
        .join(Client, Client.id == Fault.client_id)
        .outerjoin(Asset, Asset.id == Fault.asset_id)
        .outerjoin(Product, Product.id == Asset.product_id)
        .outerjoin(Site, Site.id == Asset.site_id)
        .outerjoin(StoredVerdict, StoredVerdict.id == newest_verdict)
        .outerjoin(Rma, Rma.id == newest_rma)
        .outerjoin(VendorAccount, VendorAccount.id == Rma.account_id)
        .outerjoin(Coverage, Coverage.id == Rma.coverage_id)
        .outerjoin(AdHocJob, AdHocJob.id == newest_job)
        .outerjoin(User, User.id == Fault.owner_id)
    )  # fmt: skip


def _newest(table: Any) -> Any:
    other = aliased(table)
    return select(func.max(other.id)).where(other.fault_id == Fault.id).correlate(Fault).scalar_subquery()


def _due_on(direction: ShipmentDirection, *states: ShipmentState) -> Any:
    which = and_(Shipment.rma_id == Rma.id, Shipment.direction == direction, Shipment.state.in_(states))
    return select(func.min(Shipment.due_on)).where(which).correlate(Rma).scalar_subquery()


def _cost() -> tuple[Any, Any]:
    """What the client's lines of the newest job cost, and how many of its lines have no price yet."""
    amount = (JobLine.unit_price_minor * JobLine.quantity_hundredths + 50) // 100  # as ``jobs.amount_minor`` rounds
    of_job = JobLine.job_id == AdHocJob.id
    mine = select(func.sum(amount)).where(of_job, JobLine.payer == Party.CLIENT).correlate(AdHocJob)
    open_ = select(func.count()).select_from(JobLine).where(of_job, JobLine.unit_price_minor.is_(None))
    return mine.scalar_subquery().label("client_minor"), open_.correlate(AdHocJob).scalar_subquery().label("unpriced")


def _read_briefs(session: Session, query: Any, now: datetime) -> list[Brief]:
    rows = session.execute(query).all()
    where = standings.of_faults(session, [row.Fault.id for row in rows], now=now)
    return [_brief(row, where[row.Fault.id]) for row in rows]


def _brief(row: Any, standing: Standing) -> Brief:
    is_free = row.job_id is None or row.job_state in NO_COST
    return Brief(
        fault=row.Fault,
        place=Place(row.Client, row.Asset, row.Product, row.Site),
        standing=standing,
        verdict=Verdict.from_json(row.verdict_document) if row.verdict_document else None,
        vendor=vendor_name(row.Product, row.VendorAccount, row.Coverage),
        expected_on=row.expected_on,
        return_by=row.return_by,
        has_job=row.job_id is not None,
        client_minor=0 if is_free else (None if row.unpriced else int(row.client_minor or 0)),
        currency=row.currency or row.Client.currency,
        owner=row.User,
    )


def _fits(search: str) -> ColumnElement[bool]:
    """What a person may type to find a case. Wildcards of the database are letters here."""
    like = "%" + search.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    names = (Asset.name, Asset.asset_tag, Client.name, Product.model, Site.name, Fault.reference, Fault.serial_number)
    has_number = select(Rma.id).where(
        Rma.fault_id == Fault.id,
        or_(*(func.lower(one).like(like, escape="\\") for one in (Rma.rma_number, Rma.vendor_case_number, Rma.client_reference))),
    )  # fmt: skip
    has_job = select(AdHocJob.id).where(
        AdHocJob.fault_id == Fault.id, func.lower(AdHocJob.reference).like(like, escape="\\")
    )
    return or_(
        Asset.serial_key == serial_key(search),
        *(func.lower(name).like(like, escape="\\") for name in names),
        has_number.correlate(Fault).exists(),
        has_job.correlate(Fault).exists(),
    )


# --- one case ---


def version(session: Session, fault: Fault) -> str:
    """A word that changes with everything that a case's page shows of the database; one statement."""
    rmas = select(Rma.id).where(Rma.fault_id == fault.id)
    events = select(func.max(AuditRow.id)).where(AuditRow.fault_id == fault.id).scalar_subquery()
    calls = select(func.max(VendorCall.id)).where(or_(VendorCall.fault_id == fault.id, VendorCall.rma_id.in_(rmas)))
    asked = select(func.count(), func.count(HumanTask.resolved_at), func.sum(func.length(HumanTask.why)))
    tasks = asked.where(HumanTask.fault_id == fault.id).subquery()
    row = session.execute(select(events, calls.scalar_subquery(), *tasks.c, *_mailed(fault))).one()
    return _version(*row)


def _version(*parts: object) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:16]


def case(session: Session, fault: Fault, *, now: datetime) -> Case:
    """Everything of a case that the caller may see; at most nine statements."""
    reporter, owner, stand_in = aliased(User), aliased(User), aliased(User)
    place: Any = session.execute(
        select(Client, Asset, Product, Site, Person, reporter, owner, Absence, stand_in, *_mailed(fault))
        .select_from(Fault)
        .join(Client, Client.id == Fault.client_id)
        .outerjoin(Asset, Asset.id == Fault.asset_id)
        .outerjoin(Product, Product.id == Asset.product_id)
        .outerjoin(Site, Site.id == Asset.site_id)
        .outerjoin(Person, Person.id == Fault.contact_id)
        .outerjoin(reporter, is_actor(reporter, Fault.reporter))
        .outerjoin(owner, owner.id == Fault.owner_id)
        .outerjoin(Absence, (Absence.user_id == Fault.owner_id) & owners.is_on(now))
        .outerjoin(stand_in, stand_in.id == Absence.stand_in_id)
        .where(Fault.id == fault.id)
    ).first()
    client, asset, product, site, contact, reported_by, looks_after, absence, stands_in, *mailed = place
    decided = verdicts(session, fault)
    claims = _claims(session, fault)
    swaps = _swaps(session, fault)
    of_fault = _jobs(session, AdHocJob.fault_id == fault.id)
    tasks = tuple(session.scalars(select(HumanTask).where(HumanTask.fault_id == fault.id).order_by(HumanTask.id)))
    return Case(
        fault=fault,
        place=Place(client, asset, product, site),
        reporter=reported_by,
        contact=contact,
        owner=looks_after,
        away=owners.Away(absence, stands_in) if absence else None,
        standing=_standing(fault, client, site, decided, claims, swaps, of_fault, tasks, now),
        verdicts=decided,
        coverages=coverages_of(session, decided, claims),
        claims=claims,
        swaps=swaps,
        jobs=of_fault,
        events=_events(session, fault),
        tasks=tasks,
        calls=_calls(session, fault),
        mailed=tuple(mailed),
    )


def _mailed(fault: Fault) -> tuple[Any, ...]:
    """How many mails there are about a case, how many of them were sent, and how many never will be."""
    counts = (func.count(Mail.id), func.count(Mail.sent_at), func.count(Mail.refused))
    return tuple(select(one).where(Mail.fault_id == fault.id).scalar_subquery() for one in counts)


def _standing(
    fault: Fault,
    client: Client,
    site: Site | None,
    decided: Sequence[Decided],
    claims: Sequence[Claim],
    swaps: Sequence[Swap],
    of_fault: Sequence[Job],
    tasks: Sequence[HumanTask],
    now: datetime,
) -> Standing:
    claim = claims[-1] if claims else None
    job = of_fault[-1].row if of_fault else None
    denied = [task for task in tasks if task.kind is TaskKind.DENIED]
    return standings.of_case(
        fault=fault.state,
        time_zone=site.time_zone if site else None,
        route=decided[0].row.route if decided else None,
        rma=claim.rma.state if claim else None,
        job=job.state if job else None,
        swap=newest_swap(swaps, claim.rma if claim else None, job),
        to_us=standings.furthest_behind(claim.parcels, ShipmentDirection.TO_US) if claim else None,
        to_vendor=standings.furthest_behind(claim.parcels, ShipmentDirection.TO_VENDOR) if claim else None,
        told=any(standings.is_told(task, client.denial_grace_hours, now) for task in denied),
        now=now,
    )


def newest_swap(swaps: Sequence[Swap], rma: Rma | None, job: AdHocJob | None) -> SwapState | None:
    """The state of the Swap that counts: that of the claim, else that of the job."""
    for mine in (
        [swap for swap in swaps if rma is not None and swap.rma_id == rma.id],
        [swap for swap in swaps if job is not None and swap.job_id == job.id],
    ):
        if mine:
            return mine[-1].state
    return None


def is_actor(user: Any, actor: Any) -> ColumnElement[bool]:
    """Whether a pseudonym of the register is a user's."""
    is_user: ColumnElement[bool] = literal("user:") + cast(user.id, String) == actor
    return is_user


def verdicts(session: Session, fault: Fault) -> tuple[Decided, ...]:
    """A fault's verdicts, the newest first: that one counts."""
    query = select(StoredVerdict, User).outerjoin(User, is_actor(User, StoredVerdict.decided_by))
    query = query.where(StoredVerdict.fault_id == fault.id).order_by(StoredVerdict.id.desc())
    return tuple(Decided(row, Verdict.from_json(row.verdict_document), by) for row, by in session.execute(query))


def coverages_of(session: Session, decided: Sequence[Decided], claims: Sequence[Claim] = ()) -> dict[str, Coverage]:
    """The contracts that the verdicts and the claims name, by their public ids and by their keys."""
    named = {UUID(entry.coverage) for one in decided for entry in one.verdict.reasons if entry.coverage}
    keys = {claim.rma.coverage_id for claim in claims if claim.rma.coverage_id}
    if not named and not keys:
        return {}
    rows = session.scalars(select(Coverage).where(or_(Coverage.public_id.in_(named), Coverage.id.in_(keys)))).all()
    return {str(row.public_id): row for row in rows} | {str(row.id): row for row in rows}


def _claims(session: Session, fault: Fault) -> tuple[Claim, ...]:
    query = (
        select(Rma, VendorAccount, Shipment)
        .outerjoin(VendorAccount, VendorAccount.id == Rma.account_id)
        .outerjoin(Shipment, Shipment.rma_id == Rma.id)
        .where(Rma.fault_id == fault.id)
        .order_by(Rma.id, Shipment.id)
    )
    found: dict[int, tuple[Rma, VendorAccount | None, list[Shipment]]] = {}
    for rma, account, parcel in session.execute(query):
        parcels = found.setdefault(rma.id, (rma, account, []))[2]
        if parcel is not None:
            parcels.append(parcel)
    return tuple(Claim(rma, account, tuple(parcels)) for rma, account, parcels in found.values())


def _swaps(session: Session, fault: Fault) -> tuple[Swap, ...]:
    rmas = select(Rma.id).where(Rma.fault_id == fault.id)
    own_jobs = select(AdHocJob.id).where(AdHocJob.fault_id == fault.id)
    which = Swap.rma_id.in_(rmas) | Swap.job_id.in_(own_jobs)
    return tuple(session.scalars(select(Swap).where(which).order_by(Swap.id)))


def _jobs(session: Session, which: ColumnElement[bool]) -> tuple[Job, ...]:
    query = select(AdHocJob, JobLine).outerjoin(JobLine, JobLine.job_id == AdHocJob.id).where(which)
    found: dict[int, tuple[AdHocJob, list[JobLine]]] = {}
    for row, line in session.execute(query.order_by(AdHocJob.id, JobLine.position)):
        lines = found.setdefault(row.id, (row, []))[1]
        if line is not None:
            lines.append(line)
    return tuple(Job(row, tuple(lines)) for row, lines in found.values())


def _events(session: Session, fault: Fault) -> tuple[Event, ...]:
    query = select(AuditRow, User).outerjoin(User, is_actor(User, AuditRow.actor)).where(AuditRow.fault_id == fault.id)
    rows = session.execute(query.order_by(AuditRow.id.desc()).limit(MOST_EVENTS)).all()
    return tuple(Event(row, user) for row, user in reversed(rows))


def _calls(session: Session, fault: Fault) -> tuple[VendorCall, ...]:
    rmas = select(Rma.id).where(Rma.fault_id == fault.id)
    which = or_(VendorCall.fault_id == fault.id, VendorCall.rma_id.in_(rmas))
    return tuple(session.scalars(select(VendorCall).where(which).order_by(VendorCall.id.desc()).limit(MOST_CALLS)))


def case_notes(session: Session, fault: Fault) -> tuple[Noted, ...]:
    """The newest notes on a case, oldest first: for the MSP's own pages, and never for a client's."""
    query = (
        select(CaseNote, User, Outbox.status)
        .outerjoin(User, is_actor(User, CaseNote.author))
        .outerjoin(Outbox, Outbox.id == CaseNote.order_id)
        .where(CaseNote.fault_id == fault.id)
    )
    rows = session.execute(query.order_by(CaseNote.id.desc()).limit(MOST_NOTES)).all()
    return tuple(Noted(row, user, status is OrderStatus.PARKED) for row, user, status in reversed(rows))


def case_files(session: Session, fault: Fault) -> tuple[Attached, ...]:
    """The newest files of a case that a vendor may be sent."""
    query = select(File, User).outerjoin(User, is_actor(User, File.uploaded_by)).where(notes.files_of(fault))
    rows = session.execute(query.order_by(File.id.desc()).limit(MOST_FILES))
    return tuple(Attached(file, user) for file, user in rows)


def case_mails(session: Session, fault: Fault) -> tuple[Letter, ...]:
    """The newest mails about a case, and who gets each."""
    query = (
        select(Mail, User, Person)
        .outerjoin(User, User.id == Mail.user_id)
        .outerjoin(Person, Person.id == Mail.person_id)
        .where(Mail.fault_id == fault.id)
    )
    rows: Any = session.execute(query.order_by(Mail.id.desc()).limit(MOST_MAILS))
    return tuple(Letter(mail, person if user is None else user) for mail, user, person in rows)


def place_of(session: Session, fault: Fault) -> Place:
    """The unit of a case with what stands around it; one statement."""
    query = select(Client, Asset, Product, Site).select_from(Fault).join(Client, Client.id == Fault.client_id)
    query = query.outerjoin(Asset, Asset.id == Fault.asset_id).outerjoin(Product, Product.id == Asset.product_id)
    query = query.outerjoin(Site, Site.id == Asset.site_id).where(Fault.id == fault.id)
    client, asset, product, site = session.execute(query).one()
    return Place(client, asset, product, site)


# --- one job ---


def job(session: Session, row: AdHocJob) -> tuple[Job, Fault, Place]:
    """A job with its lines, its fault and its unit; two statements."""
    found = session.execute(
        select(Fault, Client, Asset, Product, Site)
        .join(AdHocJob, AdHocJob.fault_id == Fault.id)
        .join(Client, Client.id == Fault.client_id)
        .outerjoin(Asset, Asset.id == AdHocJob.asset_id)
        .outerjoin(Product, Product.id == Asset.product_id)
        .outerjoin(Site, Site.id == Asset.site_id)
        .where(AdHocJob.id == row.id)
    ).one()
    fault, client, asset, product, site = found
    return _jobs(session, AdHocJob.id == row.id)[0], fault, Place(client, asset, product, site)


# --- what a form offers ---


def clients(session: Session) -> list[Client]:
    """Every client, by name."""
    return list(session.scalars(select(Client).order_by(func.lower(Client.name), Client.id)))


def open_of(session: Session, fault: Fault, kind: TaskKind) -> HumanTask | None:
    """The question of a kind that a case waits for a person to answer, if it does."""
    query = select(HumanTask).where(HumanTask.fault_id == fault.id, HumanTask.kind == kind)
    return session.scalars(query.where(HumanTask.resolved_at.is_(None))).one_or_none()


def newest_claim(session: Session, fault: Fault) -> Rma | None:
    """The claim of a case that counts, if it has one."""
    query = select(Rma).where(Rma.fault_id == fault.id).order_by(Rma.id.desc()).limit(1)
    return session.scalars(query).one_or_none()


def own_units(session: Session, *, limit: int = 200) -> list[Asset]:
    """The units that the caller may report a fault on, by name; the form takes others by their serial."""
    query = select(Asset).where(Asset.state.in_(IN_USE)).order_by(Asset.name, Asset.serial_number).limit(limit)
    return list(session.scalars(query))


def own_client(session: Session, client_id: int | None) -> Client | None:
    """The client that a caller belongs to; null for staff."""
    return session.get(Client, client_id) if client_id is not None else None
