"""The end of a unit: what becomes of the data on its media, who takes it for recycling, and what was bought for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from warranty.domain import handover
from warranty.domain.handover import MediumFacts, Sanitization
from warranty.domain.terms import AssetState, CoverageState
from warranty.models import Asset, Coverage, Disposal, File, SanitizedMedium
from warranty.models.files import FiledUnder
from warranty.services import estate, gates, moves
from warranty.services.estate import Invalid
from warranty.services.estate.checks import checked_text, serial_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy.orm import Session

    from warranty.services.moves import Because
    from warranty.services.records import Document


@dataclass(frozen=True, slots=True)
class Medium:
    """What is said of one medium: see ``domain.handover.MediumFacts``; ``file`` is its certificate."""

    method: Sanitization
    done_by: str
    done_on: date
    serial_number: str = ""
    tool: str = ""
    certificate: str = ""
    file: File | None = None


def decommission(session: Session, asset: Asset, *, ends: Sequence[Coverage] = (), because: Because) -> None:
    """Take a unit out of use, whose row is locked by the caller; of what was bought for it, ``ends`` end with this day.

    The rest is marked, and waits on the board until a person has said whether it ends.

    Raises:
        IllegalMove, InUse: as ``estate.correct_asset``.
    """
    estate.correct_asset(session, asset, state=AssetState.DECOMMISSIONED, because=because)
    for coverage in ends:
        settle(session, coverage, ends=True, because=because)


def settle(session: Session, coverage: Coverage, *, ends: bool, because: Because) -> None:
    """Say whether what was bought for a retired unit ends with this day, or runs on for a reason."""
    new: dict[str, Any] = {"left_over_since": None}
    if ends:
        day = because.at.astimezone(ZoneInfo(coverage.time_zone)).date()
        new |= {"state": CoverageState.CANCELLED} if coverage.starts_on > day else {"ends_on": day}
    estate.change_coverage(session, coverage, because=because, **new)


def left_over(session: Session, asset: Asset) -> list[Coverage]:
    """What was bought for a unit alone and still runs; of a retired unit, what a person has not settled yet."""
    query = select(Coverage).where(
        Coverage.asset_id == asset.id, Coverage.state == CoverageState.ACTIVE, Coverage.vendor_line.is_(None)
    )
    if asset.state in ENDED:
        query = query.where(Coverage.left_over_since.is_not(None))
    return list(session.scalars(query.order_by(Coverage.id)))


ENDED = (AssetState.DECOMMISSIONED, AssetState.DISPOSED)


def add_medium(session: Session, asset: Asset, given: Medium, *, because: Because) -> SanitizedMedium:
    """Keep what became of one medium of a unit, whose row is locked by the caller.

    Raises:
        Invalid: the evidence is incomplete, contradicts what is kept, or is of a day to come.
        IllegalMove: the unit is in use, or gone.
    """
    if asset.state not in SANITIZED_IN:
        said = f"media of a unit that is {asset.state} are not erased for its end"
        raise moves.IllegalMove(f"asset {asset.public_id}: {said}; allowed in: {', '.join(SANITIZED_IN)}.")
    serial = checked_text("serial_number", given.serial_number, 64)
    tool = checked_text("tool", given.tool, 120)
    done_by = checked_text("done_by", given.done_by, 200)
    certificate = checked_text("certificate", given.certificate, 120)
    has_file = given.file is not None
    wrong = handover.wrong_with(MediumFacts(given.method, serial, tool, done_by, certificate, has_file))
    if wrong is not None:
        raise Invalid(*wrong)
    _check_day("done_on", given.done_on, because)
    _check_file(asset, given.file)
    there = media(session, asset)
    if any(one.serial_key == serial_key(serial) for one in there):
        raise Invalid("serial_number", "This medium stands here already.")
    if there and Sanitization.NO_MEDIA in {given.method, there[0].method}:
        raise Invalid("method", "A unit without media has none, and one with media has some: both cannot be.")
    row = SanitizedMedium(
        client_id=asset.client_id,
        asset_id=asset.id,
        method=given.method,
        serial_number=serial,
        serial_key=serial_key(serial),
        tool=tool,
        done_by=done_by,
        done_on=given.done_on,
        certificate=certificate,
        file_id=None if given.file is None else given.file.id,
        recorded_by=because.actor,
        recorded_at=because.at,
    )
    session.add(row)
    session.flush()
    detail = {"method": given.method.value, "serial_number": serial, "tool": tool, "done_on": str(given.done_on)}
    moves.note(session, asset, "medium", because, detail=detail)
    return row


SANITIZED_IN = (
    AssetState.DECOMMISSIONED,
    AssetState.REPLACED,
    AssetState.RETAINED_MEDIA,
    AssetState.RETURNED_TO_VENDOR,
)


def dispose(
    session: Session,
    asset: Asset,
    *,
    recycler: str,
    document: str,
    disposed_on: date,
    file: File | None = None,
    because: Because,
) -> Disposal:
    """Keep who took a decommissioned unit for recycling, whose row is locked by the caller; it is gone from then on.

    Raises:
        Invalid: who, which document, or a day that has been is missing.
        IllegalMove: the unit is not decommissioned, or what became of its media is not known.
    """
    row = Disposal(
        client_id=asset.client_id,
        asset_id=asset.id,
        recycler=checked_text("recycler", recycler, 200, needed=True),
        document=checked_text("document", document, 120, needed=True),
        disposed_on=disposed_on,
        file_id=None if file is None else file.id,
        recorded_by=because.actor,
        recorded_at=because.at,
    )
    _check_day("disposed_on", disposed_on, because)
    _check_file(asset, file)
    with session.begin_nested():
        session.add(row)
        session.flush()
        moves.move(session, asset, AssetState.DISPOSED, because)
    return row


def _check_day(field: str, day: date, because: Because) -> None:
    if day > because.at.date() + timedelta(days=1):  # somewhere it is tomorrow already
        raise Invalid(field, "Give a day that has been.")


def _check_file(asset: Asset, file: File | None) -> None:
    if file is not None and (file.record, file.record_id) != (FiledUnder.ASSET, asset.id):
        raise Invalid("file", "The file is not one of this unit.")


def media(session: Session, asset: Asset) -> list[SanitizedMedium]:
    """What is kept of the media of a unit, as it was written down."""
    query = select(SanitizedMedium).where(SanitizedMedium.asset_id == asset.id)
    return list(session.scalars(query.order_by(SanitizedMedium.id)))


def disposal(session: Session, asset: Asset) -> Disposal | None:
    """Who took the unit for recycling; null where nobody has."""
    return session.scalars(select(Disposal).where(Disposal.asset_id == asset.id)).one_or_none()


def document(session: Session, asset: Asset) -> Document:
    """What is kept of the end of a unit, what is missing before it may be disposed of, and what was bought for it."""
    gone = disposal(session, asset)
    kept = media(session, asset)
    named = select(File.id, File.public_id).where(File.id.in_(_files(kept, gone)))
    files = {key: public_id for key, public_id in session.execute(named)}  # noqa: C416 - a row is no pair for mypy
    return {
        "asset_id": asset.public_id,
        "state": asset.state,
        "missing": list(gates.missing(session, asset)),
        "media": [
            {
                "id": one.public_id,
                "method": one.method,
                "serial_number": one.serial_number,
                "tool": one.tool,
                "done_by": one.done_by,
                "done_on": one.done_on,
                "certificate": one.certificate,
                "file": files.get(one.file_id or 0),
                "recorded_by": one.recorded_by,
                "recorded_at": one.recorded_at,
            }
            for one in kept
        ],
        "disposal": None
        if gone is None
        else {
            "recycler": gone.recycler,
            "document": gone.document,
            "disposed_on": gone.disposed_on,
            "file": files.get(gone.file_id or 0),
            "recorded_by": gone.recorded_by,
            "recorded_at": gone.recorded_at,
        },
        "left_over": [one.public_id for one in left_over(session, asset)],
    }


def _files(kept: Sequence[SanitizedMedium], gone: Disposal | None) -> list[int]:
    rows = (*kept, *(() if gone is None else (gone,)))
    return [one.file_id for one in rows if one.file_id is not None]
