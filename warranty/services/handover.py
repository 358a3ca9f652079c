"""Taking units over: the checks of each, who signed for it, and how far a whole site is.

The gate itself is ``estate.put_baseline``: whatever takes a unit into service goes through it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import aliased

from warranty.domain.handover import CHECKLISTS, HandoverResult, Signature, StepKey, StepOutcome, UnitClass
from warranty.domain.terms import AssetState
from warranty.models import Asset, Baseline, Client, File, HandoverStep, Person, Product, Site, Snapshot, SnapshotKind
from warranty.services import estate, moves, specifications
from warranty.services.estate import Contact, Invalid, Signed
from warranty.services.estate.checks import checked_text
from warranty.services.records import Kind
from warranty.services.specifications import Given

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.orm import Session

    from warranty.domain.terms import Component
    from warranty.services.moves import Because
    from warranty.services.records import Document


class NotBegun(Exception):
    """The hand-over of this unit has no such check: choose first what sort of unit it is."""


# --- checks ---


def begin(session: Session, asset: Asset, unit_class: UnitClass, *, because: Because) -> None:
    """Lay out the checks of a unit, whose row is locked by the caller. Begun as another class, what both have stays done.

    Raises:
        IllegalMove: the unit was rejected, or is past its life.
    """
    if asset.state not in OPEN_TO_HANDOVER:
        allowed = ", ".join(OPEN_TO_HANDOVER)
        raise moves.IllegalMove(f"asset {asset.public_id}: a unit that is {asset.state} is not handed over: {allowed}.")
    there = {one.step: one for one in checks(session, asset)}
    wanted = {step: (place, must) for place, (step, must) in enumerate(CHECKLISTS[unit_class])}
    for step, row in there.items():
        if step in wanted:
            row.unit_class = unit_class
            row.place, row.is_mandatory = wanted[step]
        else:
            session.delete(row)
    common = {"client_id": asset.client_id, "asset_id": asset.id, "unit_class": unit_class, "evidence": ""}
    session.add_all(
        HandoverStep(step=step, place=place, is_mandatory=must, **common)
        for step, (place, must) in wanted.items()
        if step not in there
    )
    session.flush()
    moves.note(session, asset, "handover_begun", because, detail={"unit_class": unit_class.value})


OPEN_TO_HANDOVER: Final = (AssetState.ONBOARDING, AssetState.IN_SERVICE, AssetState.IN_STOCK)
"""Of a unit in service a new baseline supersedes the one that stands."""


def checks(session: Session, asset: Asset) -> list[HandoverStep]:
    """The checks of the hand-over under way, in their order; none where none was begun."""
    query = select(HandoverStep).where(HandoverStep.asset_id == asset.id, HandoverStep.baseline_id.is_(None))
    return list(session.scalars(query.order_by(HandoverStep.place)))


def check(
    session: Session, asset: Asset, step: StepKey, outcome: StepOutcome | None, evidence: str = "", *, because: Because
) -> HandoverStep:
    """Say what became of a check, with what shows it; a null outcome opens it again. The unit's row is locked by the caller.

    Raises:
        NotBegun: the hand-over has no such check.
        Invalid: the check is not needed, and nobody says why.
    """
    row = session.scalars(
        select(HandoverStep).where(
            HandoverStep.asset_id == asset.id, HandoverStep.step == step, HandoverStep.baseline_id.is_(None)
        )
    ).one_or_none()
    if row is None:
        raise NotBegun(f"The hand-over of {asset.serial_number} has no check {step}: begin it first.")
    evidence = checked_text("evidence", evidence, 500)
    if outcome is StepOutcome.NOT_NEEDED and not evidence:
        raise Invalid("evidence", "Say why this check is not needed.")
    row.outcome, row.evidence = outcome, evidence
    row.done_by, row.done_at = (None, None) if outcome is None else (because.actor, because.at)
    session.flush()
    detail = {"step": step.value, "outcome": outcome, "evidence": evidence}
    moves.note(session, asset, "handover_check", because, detail=detail)
    return row


def usual_class(session: Session, asset: Asset) -> UnitClass | None:
    """What units of the same product were taken over as last; null where none was."""
    if asset.product_id is None:
        return None
    same = select(HandoverStep.unit_class).join(Asset, Asset.id == HandoverStep.asset_id)
    query = same.where(Asset.product_id == asset.product_id).order_by(HandoverStep.id.desc()).limit(1)
    return session.scalars(query).one_or_none()


# --- signing ---


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What somebody signs. ``signed_by`` is the id of a contact, a pseudonym, or a name: who is not known yet is written down."""

    result: HandoverResult
    signed_by: str
    exceptions: Sequence[Component] = ()
    role: str = ""
    how: Signature = Signature.RECORDED
    strokes: str | None = None
    file: File | None = None
    specification: Given | None = None
    configuration: Given | None = None


def sign(session: Session, asset: Asset, given: Acceptance, *, because: Because) -> Baseline:
    """Record what was signed for a unit, whose row is locked by the caller; see ``estate.put_baseline``.

    A specification or configuration that comes with it is kept first; the baseline names the newest of each.

    Raises:
        Invalid: as ``estate.put_baseline``, nobody of this id, or no reason to supersede the baseline that stands.
        IllegalMove: as ``estate.put_baseline``.
    """
    if not because.reason.strip():
        if newest(session, asset) is not None:
            raise Invalid("reason", "A baseline stands already: say why a new one supersedes it.")
        because = replace(because, reason="handed over")
    person, by = _signer(session, asset, checked_text("signed_by", given.signed_by, 200, needed=True), because)
    if given.specification is not None or given.configuration is not None:
        specifications.record_all(session, asset, given.specification, given.configuration, because)
    known = [specifications.newest(session, kind, of=asset) for kind in SnapshotKind]
    session.flush()
    read = dict(zip(SnapshotKind, known, strict=True))
    specification, configuration = read[SnapshotKind.SPECIFICATION], read[SnapshotKind.CONFIGURATION]
    if specification is not None:
        _tick(session, asset, StepKey.SPECIFICATION_RECORDED, f"SHA-256 {specification.digest}", because)
    if configuration is not None:
        _tick(session, asset, StepKey.CONFIGURATION_SAVED, f"SHA-256 {configuration.digest}", because)
    signed = Signed(by, given.how, person, given.role, given.strokes, given.file, specification, configuration)
    return estate.put_baseline(
        session, asset, result=given.result, exceptions=given.exceptions, signed=signed, because=because
    )


def _tick(session: Session, asset: Asset, step: StepKey, evidence: str, because: Because) -> None:
    """A check that the product knows the answer to is done, unless somebody has said what became of it."""
    if any(one.step is step and one.outcome is None for one in checks(session, asset)):
        check(session, asset, step, StepOutcome.DONE, evidence, because=because)


_PSEUDONYMS: Final = ("user:", "person:", "system:")


def _signer(session: Session, asset: Asset, said: str, because: Because) -> tuple[Person | None, str]:
    """Who signs: a contact of the unit's client, and their pseudonym; a name that nobody has becomes a contact of the site."""
    contacts = select(Person).where(Person.client_id == asset.client_id)
    named = said.removeprefix("person:")
    try:
        key = UUID(named)
    except ValueError:
        if said.startswith(_PSEUDONYMS):
            return None, said
    else:
        person = session.scalars(contacts.where(Person.public_id == key)).one_or_none()
        if person is None:
            raise Invalid("signed_by", "The client has no contact of this id.")
        return person, f"person:{person.public_id}"
    same = contacts.where(func.lower(Person.name) == said.lower()).order_by(Person.id)
    person = session.scalars(same.limit(1)).one_or_none()
    if person is None:
        contact = Contact(name=said)
        if asset.site_id is None:
            person = estate.new_person(asset.client_id, contact)
            session.add(person)
            session.flush()
            moves.note(session, person, "add", because)
        else:
            person = estate.add_contact(session, session.get_one(Site, asset.site_id), contact, because=because)
    return person, f"person:{person.public_id}"


def _baselines(session: Session, rows: Sequence[Row[Any]], _now: datetime) -> list[Document]:
    steps: dict[int, list[Document]] = {}
    query = select(HandoverStep).where(HandoverStep.baseline_id.in_([row.Baseline.id for row in rows]))
    for step in session.scalars(query.order_by(HandoverStep.place)):
        steps.setdefault(step.baseline_id or 0, []).append(step_document(step))
    return [_baseline(row, steps.get(row.Baseline.id, [])) for row in rows]


def _baseline(row: Row[Any], steps: list[Document]) -> Document:
    one = row.Baseline
    return {
        "id": one.public_id,
        "asset_id": row.asset,
        "state": row.state,
        "result": one.result,
        "exceptions": one.exceptions,
        "signed_by": one.signed_by,
        "signer_name": row.signer_name,
        "signer_role": one.signer_role,
        "signature": one.signature,
        "strokes": one.strokes,
        "signature_file": row.file,
        "specification": row.specification,
        "configuration": row.configuration,
        "signed_at": one.signed_at,
        "reason": one.reason,
        "digest": one.digest,
        "checks": steps,
    }


def step_document(step: HandoverStep) -> Document:
    """One check."""
    return {
        "step": step.step,
        "is_mandatory": step.is_mandatory,
        "outcome": step.outcome,
        "evidence": step.evidence,
        "done_by": step.done_by,
        "done_at": step.done_at,
    }


_specification, _configuration = aliased(Snapshot), aliased(Snapshot)

BASELINES = Kind(
    Baseline,
    lambda: (
        select(
            Baseline,
            Asset.public_id.label("asset"),
            Asset.state.label("state"),
            Person.name.label("signer_name"),
            File.public_id.label("file"),
            _specification.public_id.label("specification"),
            _configuration.public_id.label("configuration"),
        )
        .join(Asset, Asset.id == Baseline.asset_id)
        .outerjoin(Person, Person.id == Baseline.signer_id)
        .outerjoin(File, File.id == Baseline.file_id)
        .outerjoin(_specification, _specification.id == Baseline.specification_id)
        .outerjoin(_configuration, _configuration.id == Baseline.configuration_id)
    ),
    _baselines,
)


def newest(session: Session, asset: Asset) -> Baseline | None:
    """The baseline that stands; null where nothing was signed or recorded yet."""
    query = select(Baseline).where(Baseline.asset_id == asset.id).order_by(Baseline.id.desc()).limit(1)
    return session.scalars(query).one_or_none()


# --- many units ---


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the hand-over of a unit is: ``done`` of ``count`` checks, and how many that are needed are ``open``."""

    asset: Asset
    product: Product | None
    unit_class: UnitClass | None
    count: int
    done: int
    open: int


def waiting(
    session: Session,
    *,
    client: Client | None = None,
    site: Site | None = None,
    after: UUID | None = None,
    limit: int,
    ids: Sequence[UUID] = (),
) -> list[Progress]:
    """Units that wait for their hand-over or were rejected at it, as they were registered; one statement.

    Args:
        after: begin behind the unit of this id.
        ids: these alone.
    """
    is_unsigned = and_(HandoverStep.asset_id == Asset.id, HandoverStep.baseline_id.is_(None))
    count = func.count(HandoverStep.id)
    is_open = and_(HandoverStep.is_mandatory, HandoverStep.outcome.is_(None))
    query = (
        select(
            Asset,
            Product,
            func.max(HandoverStep.unit_class).label("unit_class"),
            count.label("checks"),
            func.count(HandoverStep.outcome).label("done"),
            func.coalesce(func.sum(case((is_open, 1), else_=0)), 0).label("open"),
        )
        .outerjoin(Product, Product.id == Asset.product_id)
        .outerjoin(HandoverStep, is_unsigned)
        .where(Asset.state.in_(estate.AT_THE_GATE), *_of(client, site))
        .group_by(Asset.id, Product.id)
        .order_by(Asset.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(Asset.id > select(_last.id).where(_last.public_id == after).scalar_subquery())
    if ids:
        query = query.where(Asset.public_id.in_(ids))
    return [
        Progress(
            row.Asset,
            row.Product,
            UnitClass(row.unit_class) if row.unit_class else None,
            row.checks,
            row.done,
            row.open,
        )
        for row in session.execute(query)
    ]


_last = aliased(Asset)


def _of(client: Client | None, site: Site | None) -> list[ColumnElement[bool]]:
    if site is not None:
        return [Asset.site_id == site.id]
    return [] if client is None else [Asset.client_id == client.id]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many units of a place are through, rejected and waiting; ``accepted`` are those that a signature took over."""

    accepted: int
    rejected: int
    waiting: int


def tally(session: Session, *, client: Client | None = None, site: Site | None = None) -> Tally:
    """How far a place is; one statement."""
    in_use = (AssetState.IN_SERVICE, AssetState.FAULTY, AssetState.IN_RMA, AssetState.IN_STOCK)
    query = select(
        func.count(case((Asset.state.in_(in_use), 1))),
        func.count(case((Asset.state == AssetState.REJECTED_AT_HANDOVER, 1))),
        func.count(case((Asset.state == AssetState.ONBOARDING, 1))),
    ).where(*_of(client, site))
    return Tally(*session.execute(query).one())
