"""Units: what is registered of one, in what state it was handed over, and what may become of it by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select, update

from warranty import db
from warranty.domain import handover
from warranty.domain.handover import HandoverResult, Signature
from warranty.domain.lifecycles import ASSET_MOVES
from warranty.domain.terms import AssetState, Component, CoverageState, Ownership
from warranty.models import (
    AdHocJob,
    Asset,
    Baseline,
    Client,
    Coverage,
    Disposal,
    ExternalRef,
    Fault,
    File,
    HandoverStep,
    Person,
    Product,
    Rma,
    SanitizedMedium,
    Site,
    Snapshot,
)
from warranty.models.files import FiledUnder
from warranty.services import gates, moves
from warranty.services.estate.checks import (
    InUse,
    Invalid,
    checked_number,
    checked_serial,
    checked_text,
    serial_key,
)
from warranty.services.estate.rows import change, hold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy.orm import Session

    from warranty.services.moves import Because


@dataclass(frozen=True, slots=True)
class Signed:
    """By whom and how a hand-over was signed.

    ``by`` is a pseudonym, of ``person`` where it is a contact of the client. ``strokes`` of a drawn signature: see
    ``domain.handover.is_drawn``; ``file`` of one that was scanned. ``specification`` and ``configuration`` are what was
    known of the unit then.
    """

    by: str
    how: Signature = Signature.RECORDED
    person: Person | None = None
    role: str = ""
    strokes: str | None = None
    file: File | None = None
    specification: Snapshot | None = None
    configuration: Snapshot | None = None


def add_asset(
    session: Session,
    client: Client,
    *,
    serial_number: str,
    product: Product | None = None,
    site: Site | None = None,
    name: str = "",
    asset_tag: str = "",
    ownership: Ownership = Ownership.CLIENT,
    state: AssetState = AssetState.ONBOARDING,
    purchased_on: date | None = None,
    because: Because,
) -> Asset:
    """A new unit. ``state`` ``in_service`` records a baseline ``healthy`` with the reason of ``because``.

    A second unit of one serial is taken: vendors number alike, and two papers may both be right. Reports on the serial
    alone then go to a person (``serial_ambiguous``).

    Raises:
        Invalid: no serial number, another client's site, or a state that no unit begins in.
    """
    if site is not None and site.client_id != client.id:
        raise Invalid("site", f"The site {site.name} is not one of {client.name}.")
    values = asset_values(
        client_id=client.id,
        serial_number=serial_number,
        product_id=None if product is None else product.id,
        site_id=None if site is None else site.id,
        name=name,
        asset_tag=asset_tag,
        ownership=ownership,
        state=state,
        purchased_on=purchased_on,
    )
    [asset_id] = register_assets(session, [values], because=because)
    return session.get_one(Asset, asset_id)


def asset_values(
    *,
    client_id: int,
    serial_number: str,
    product_id: int | None,
    site_id: int | None,
    name: str,
    asset_tag: str,
    ownership: Ownership,
    state: AssetState,
    purchased_on: date | None,
) -> dict[str, Any]:
    """The columns of a new unit, checked.

    Raises:
        Invalid: no serial number, or a state that no unit begins in.
    """
    serial, key = checked_serial(serial_number)
    if state not in FIRST_STATES:
        raise Invalid("state", f"A unit is registered as {' or '.join(FIRST_STATES)}, not as {state}.")
    return {
        "client_id": client_id,
        "product_id": product_id,
        "site_id": site_id,
        "serial_number": serial,
        "serial_key": key,
        "name": checked_text("name", name, 200),
        "asset_tag": checked_number("asset_tag", asset_tag, 64),
        "ownership": ownership,
        "state": state,
        "purchased_on": purchased_on,
    }


# The states that a unit may be registered in, each with the way to it that the register shows.
FIRST_STATES = {
    AssetState.ONBOARDING: (AssetState.ONBOARDING,),
    AssetState.IN_SERVICE: (AssetState.ONBOARDING, AssetState.IN_SERVICE),
}


def register_assets(session: Session, values: Sequence[Mapping[str, Any]], *, because: Because) -> list[int]:
    """Add the units of ``asset_values``; those in service with the baseline that the hand-over gate asks for.

    Written into the tables and not through objects, which took three times as long for the thousands of an import.

    Returns:
        The keys of the new rows, in order.
    """
    hold(session, {unit["client_id"] for unit in values})
    ids = db.next_ids(session, Asset, len(values))
    units = [(asset_id, unit["client_id"], unit["state"]) for asset_id, unit in zip(ids, values, strict=True)]
    common = {"created_at": because.at, "handover_exceptions": []}
    db.write(session, Asset, *({"id": asset_id, **unit, **common} for asset_id, unit in zip(ids, values, strict=True)))
    baseline = {
        "result": HandoverResult.HEALTHY.value,
        "exceptions": [],
        "signed_by": because.actor,
        "reason": because.reason,
        "signed_at": because.at,
    }
    in_service = [unit for unit in units if unit[2] is AssetState.IN_SERVICE]
    db.write(
        session, Baseline, *({"asset_id": key, "client_id": client_id, **baseline} for key, client_id, _ in in_service)
    )
    moves.born_many(session, Asset, ((key, client_id, FIRST_STATES[state]) for key, client_id, state in units), because)
    return ids


def find_assets(session: Session, serial_number: str, *, client: Client | None = None) -> list[Asset]:
    """The units that answer to a serial, the oldest first."""
    query = select(Asset).where(Asset.serial_key == serial_key(serial_number)).order_by(Asset.id)
    return list(session.scalars(query if client is None else query.where(Asset.client_id == client.id)))


def find_twin(session: Session, client: Client, serial_number: str, product: Product | None) -> Asset | None:
    """The unit that has the same identity: its client, its serial, and its manufacturer as far as both are known.

    Raises:
        Invalid: several have.
    """
    is_other: ColumnElement[bool] = false()
    if product is not None:
        its_product = Product.id == Asset.product_id
        is_other = exists().where(its_product, Product.manufacturer_key != product.manufacturer_key)
    query = select(Asset).where(Asset.client_id == client.id, Asset.serial_key == serial_key(serial_number), ~is_other)
    found = session.scalars(query.order_by(Asset.id).limit(2)).all()
    if len(found) > 1:
        raise Invalid("serial_number", f"{client.name} has several units {serial_number}: name the one that is meant.")
    return found[0] if found else None


def put_baseline(
    session: Session,
    asset: Asset,
    *,
    result: HandoverResult,
    exceptions: Sequence[Component] = (),
    signed: Signed,
    because: Because,
) -> Baseline:
    """Record in what state a unit was handed over; a unit in ``onboarding`` goes into service, or is rejected.

    A later baseline supersedes: its exceptions are the ones that count, and it has a reason. The checks of the hand-over
    stand under it from now on, and with a new one they are begun anew.

    Raises:
        Invalid: exceptions that do not fit the result, a signature that is none, or no reason to supersede.
        IllegalMove: a unit that is past its hand-over is refused, a rejected one is accepted, or a check is open that
            nobody accepts a unit without.
    """
    if len(set(exceptions)) != len(exceptions):
        raise Invalid("exceptions", "A component stands in the exceptions twice.")
    if result is HandoverResult.HEALTHY and exceptions:
        raise Invalid("exceptions", f"A unit with exceptions is {HandoverResult.HEALTHY_WITH_EXCEPTIONS}.")
    if result is HandoverResult.HEALTHY_WITH_EXCEPTIONS and not exceptions:
        raise Invalid("exceptions", "Name the components that were not healthy.")
    _check_signature(asset, signed)
    steps = session.scalars(_UNSIGNED.where(HandoverStep.asset_id == asset.id)).all()
    if result in handover.ACCEPTED and (unchecked := open_checks(session, asset.id)):
        said = f"nobody accepts it before these checks are done: {', '.join(one.step for one in unchecked)}"
        raise moves.IllegalMove(f"asset {asset.public_id}: {said}; allowed now: {HandoverResult.NOT_ACCEPTED}.")
    words = [component.value for component in exceptions]
    signed_by = checked_text("signed_by", signed.by, 64, needed=True)
    role = checked_text("signer_role", signed.role, 120)
    baseline = Baseline(
        client_id=asset.client_id,
        asset_id=asset.id,
        result=result.value,
        exceptions=words,
        signed_by=signed_by,
        signer_id=None if signed.person is None else signed.person.id,
        signer_role=role,
        signature=signed.how,
        strokes=signed.strokes,
        file_id=None if signed.file is None else signed.file.id,
        specification_id=None if signed.specification is None else signed.specification.id,
        configuration_id=None if signed.configuration is None else signed.configuration.id,
        reason=because.reason,
        signed_at=because.at,
        digest=handover.digest(
            {
                "asset": str(asset.public_id),
                "serial_number": asset.serial_number,
                "result": result.value,
                "exceptions": words,
                "signed_by": signed_by,
                "signer_role": role,
                "signature": signed.how.value,
                "strokes": signed.strokes,
                "file": None if signed.file is None else signed.file.digest,
                "specification": None if signed.specification is None else signed.specification.digest,
                "configuration": None if signed.configuration is None else signed.configuration.digest,
                "signed_at": because.at.isoformat(),
                "reason": because.reason,
                "checks": [[one.step.value, one.outcome, one.evidence, one.done_by, one.done_at] for one in steps],
            }
        ),
    )
    session.add(baseline)
    asset.handover_exceptions = words
    session.flush()
    for one in steps:
        one.baseline_id = baseline.id
    refused = result is HandoverResult.NOT_ACCEPTED
    goal = AssetState.REJECTED_AT_HANDOVER if refused else AssetState.IN_SERVICE
    if asset.state is not goal and (refused or asset.state in AT_THE_GATE):
        moves.move(session, asset, goal, because)
    detail = {"result": baseline.result, "exceptions": words, "signed_by": signed_by, "digest": baseline.digest}
    moves.note(session, asset, "baseline", because, detail=detail)
    return baseline


AT_THE_GATE = frozenset({AssetState.ONBOARDING, AssetState.REJECTED_AT_HANDOVER})
"""Whoever is here goes into service by the hand-over, which is signed."""
_UNSIGNED: Final = select(HandoverStep).where(HandoverStep.baseline_id.is_(None)).order_by(HandoverStep.place)


def open_checks(session: Session, asset_id: int) -> Sequence[HandoverStep]:
    """The checks of a hand-over under way that nobody accepts the unit without, and that are still to be done."""
    is_open = (HandoverStep.asset_id == asset_id, HandoverStep.is_mandatory, HandoverStep.outcome.is_(None))
    return session.scalars(_UNSIGNED.where(*is_open)).all()


def _check_signature(asset: Asset, signed: Signed) -> None:
    if signed.how is Signature.DRAWN and not handover.is_drawn(signed.strokes or ""):
        raise Invalid("strokes", "Draw the signature: a dot or a single line is none.")
    if signed.how is Signature.FILE and signed.file is None:
        raise Invalid("signature_file", "Name the file with the signature.")
    if signed.file is not None and (signed.file.record, signed.file.record_id) != (FiledUnder.ASSET, asset.id):
        raise Invalid("signature_file", "The file with the signature is not one of this unit.")
    if signed.strokes is not None and signed.how is not Signature.DRAWN:
        raise Invalid("strokes", f"Only a signature that is {Signature.DRAWN} has strokes.")


def change_asset(session: Session, asset: Asset, *, because: Because, **new: Any) -> None:
    """Change columns of a unit, all but ``state``; the caller has checked them. The register keeps what was."""
    change(session, asset, new, because=because)


def correct_asset(
    session: Session,
    asset: Asset,
    *,
    client: Client | None = None,
    state: AssetState | None = None,
    because: Because,
    **facts: Any,
) -> None:
    """Change what is registered of a unit, whose row is locked by the caller; ``facts`` as for ``add_asset``.

    A mistyped serial number can be mended; hardware that took the place of other hardware is a new unit. What a vendor
    said of the wrong unit does not hold for the right one: the look-ups begin anew.

    Raises:
        Invalid: as ``add_asset``, or a state that no hand brings about.
        InUse: cases rest on what is to change.
        IllegalMove: the life cycle has no such move.
    """
    new = _checked_facts(facts)
    if client is not None and client.id != asset.client_id:
        _leave_client(session, asset, client, because)
        new = {"site_id": None, **new}
    for field in ("site", "product"):
        if field in facts:
            new[f"{field}_id"] = None if facts[field] is None else facts[field].id
    site: Site | None = facts.get("site")
    if site is not None and site.client_id != asset.client_id:
        raise Invalid("site", f"The site {site.name} is not one of the unit's client.")
    if _is_another(session, asset, new):
        if has_open_case(session, asset):
            field = "serial_number" if "serial_key" in new else "product"
            raise InUse(field, "A case of this unit is open under what it is now: close the case first.")
        new |= _forget_look_up(session, asset, because)
    change(session, asset, new, because=because)
    if state is not None and state is not asset.state:
        _move_by_hand(session, asset, state, because)


def _checked_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    new = {name: facts[name] for name in ("ownership", "purchased_on") if name in facts}
    if "serial_number" in facts:
        new["serial_number"], new["serial_key"] = checked_serial(facts["serial_number"])
    if "name" in facts:
        new["name"] = checked_text("name", facts["name"], 200)
    if "asset_tag" in facts:
        new["asset_tag"] = checked_number("asset_tag", facts["asset_tag"], 64)
    return new


def _leave_client(session: Session, asset: Asset, client: Client, because: Because) -> None:
    """Pass a unit to the client that it belongs to; one with a history keeps its client, and is registered there anew."""
    history = (exists().where(table.asset_id == asset.id) for table in (*_CASES, Coverage))
    has_files = exists().where(File.record == FiledUnder.ASSET, File.record_id == asset.id)
    if session.scalar(select(or_(has_files, *history))):
        said = (
            "Cases, coverages or files of its present client hang on this unit: retire it there, and add it here anew."
        )
        raise InUse("client", said)
    moves.note(session, asset, "leave", because, detail={"for": str(client.public_id)})
    for table, is_of_asset in (
        *((table, table.asset_id == asset.id) for table in (Baseline, HandoverStep, SanitizedMedium, Disposal)),
        (ExternalRef, and_(ExternalRef.record == Asset.__tablename__, ExternalRef.record_id == asset.id)),
    ):
        query = update(table).where(is_of_asset).values(client_id=client.id)
        session.execute(query, execution_options={"synchronize_session": False})
    change(session, asset, {"client_id": client.id}, because=because)


_CASES = (Fault, Rma, AdHocJob)


def has_open_case(session: Session, asset: Asset) -> bool:
    """Whether a fault, a claim or a job of the unit still holds it."""
    is_open = (exists().where(table.asset_id == asset.id, table.case_closed_at.is_(None)) for table in _CASES)
    return bool(session.scalar(select(or_(*is_open))))


def _is_another(session: Session, asset: Asset, new: Mapping[str, Any]) -> bool:
    """Whether a vendor would take the unit for another one: its serial or its manufacturer changes."""
    if new.get("serial_key", asset.serial_key) != asset.serial_key:
        return True
    if "product_id" not in new or None in {new["product_id"], asset.product_id}:
        return False
    makers = select(func.count(Product.manufacturer_key.distinct()))
    return session.scalar(makers.where(Product.id.in_([new["product_id"], asset.product_id]))) == 2


def _forget_look_up(session: Session, asset: Asset, because: Because) -> dict[str, Any]:
    """Set aside what a vendor said of the unit; the next look-up says what is true."""
    looked_up = (Coverage.asset_id == asset.id, Coverage.vendor_line.is_not(None))
    for coverage in session.scalars(select(Coverage).where(*looked_up, Coverage.state != CoverageState.SUPERSEDED)):
        change(session, coverage, {"state": CoverageState.SUPERSEDED}, because=because)
    return {"lookup_says": None, "lookup_at": None, "lookup_error": None, "absence_attested": False}


_BY_HAND = (
    AssetState.IN_SERVICE,
    AssetState.IN_STOCK,
    AssetState.DECOMMISSIONED,
    AssetState.DISPOSED,
    AssetState.LOST,
    AssetState.STOLEN,
)

DESPITE_A_CASE = frozenset({AssetState.LOST, AssetState.STOLEN})
"""What may become of a unit while a case of it is open."""

_ON_THE_PAGE = (AssetState.IN_SERVICE, AssetState.IN_STOCK, AssetState.LOST, AssetState.STOLEN)


def moves_by_hand(state: AssetState) -> tuple[AssetState, ...]:
    """Where a person may move a unit from here with a reason alone; hand-over and retirement ask for more."""
    legal = ASSET_MOVES[state]
    return tuple(
        goal for goal in _ON_THE_PAGE if goal in legal and not (goal is AssetState.IN_SERVICE and state in AT_THE_GATE)
    )


def _move_by_hand(session: Session, asset: Asset, state: AssetState, because: Because) -> None:
    """A unit goes into service by its hand-over, retires, gets lost, or is found again; its cases do the rest."""
    if state not in _BY_HAND:
        raise Invalid("state", f"A unit becomes {state} by its case; by hand it goes to {', '.join(_BY_HAND)}.")
    if state not in DESPITE_A_CASE and has_open_case(session, asset):
        raise InUse("state", "A case of this unit is open, and moves it: close the case first.")
    is_spare = asset.state is AssetState.IN_STOCK and not gates.is_accepted(session, asset)
    if state is AssetState.IN_SERVICE and (asset.state in AT_THE_GATE or is_spare):
        put_baseline(session, asset, result=HandoverResult.HEALTHY, signed=Signed(because.actor), because=because)
    if asset.state is not state:
        moves.move(session, asset, state, because)
    if state is AssetState.DECOMMISSIONED:
        _leave_cover_over(session, asset, because)


def _leave_cover_over(session: Session, asset: Asset, because: Because) -> None:
    """Mark what was bought for a unit that is retired: a person says whether it ends. What a vendor lists ends by itself."""
    query = select(Coverage).where(
        Coverage.asset_id == asset.id,
        Coverage.state == CoverageState.ACTIVE,
        Coverage.vendor_line.is_(None),
        or_(Coverage.ends_on.is_(None), Coverage.ends_on >= because.at.date()),
    )
    for coverage in session.scalars(query):
        change(session, coverage, {"left_over_since": because.at}, because=because)
