"""What happened on a case, and what is expected, as its timeline shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flask import url_for

from warranty.domain.lifecycles import (
    FaultState,
    RmaState,
    ShipmentDirection,
    ShipmentState,
)
from warranty.domain.terms import CLIENT_ROLES
from warranty.models.cases import NoteWay
from warranty.services import notes
from warranty.web import pages, words
from warranty.web.i18n import N_, reader
from warranty.web.pages import Dot
from warranty.web.views import colleagues
from warranty.web.views.colleagues import name_of as _name

if TYPE_CHECKING:
    from warranty.models import File, User, VendorCall
    from warranty.services.queries import Attached, Case, Decided, Event, Letter, Noted


# What the verdict's or another record's row tells already.
_TOLD_ELSEWHERE = frozenset({FaultState.REPORTED, FaultState.TRIAGED, FaultState.NEEDS_REVIEW, FaultState.RMA_OPEN})
_PEOPLE = frozenset({Dot.PERSON, Dot.CLIENT})


def timeline(found: Case, written: Written, staff: list[User]) -> list[pages.TimelineRow]:
    """What is expected, then what happened and was written, the newest first."""
    told = [(row.at, 0 if row.state == "reported" else 2, row) for row in _events(found, staff)]
    told += [
        (decided.row.decided_at, 1, _decision(decided, found)) for decided in found.verdicts if decided.row.verdict
    ]
    told += [(one.row.written_at, 3, _note(one, found)) for one in written.notes]
    told += [(one.file.uploaded_at, 3, _file(one)) for one in written.files]
    told += [(one.mail.written_at, 4, _mail(one)) for one in written.mails]
    told += [(one.at, 5, _called(one, found)) for one in found.calls]
    told.sort(key=lambda one: one[:2])
    return [*_expected(found), *_folded(_once([row for *_, row in reversed(told)]))]


def _folded(rows: list[pages.TimelineRow]) -> list[pages.TimelineRow]:
    """The same rows; calls between which nothing else happened are one."""
    shown: list[pages.TimelineRow] = []
    for row in rows:
        if row.calls and shown and shown[-1].calls:
            shown[-1] = replace(shown[-1], calls=(*shown[-1].calls, *row.calls))
        else:
            shown.append(row)
    return shown


def _called(one: VendorCall, found: Case) -> pages.TimelineRow:
    return pages.TimelineRow(one.at, Dot.AUTOMATIC, "call", "made", None, found.vendor, calls=(_call(one),))


def _file(one: Attached) -> pages.TimelineRow:
    file, is_clients = one.file, one.user is not None and one.user.role in CLIENT_ROLES
    return pages.TimelineRow(
        at=file.uploaded_at,
        dot=Dot.CLIENT if is_clients else Dot.PERSON,
        record="file",
        state="added",
        actor=_name(one.user) if one.user else None,
        file=_link(file),
    )


def _link(file: File) -> pages.FileLink:
    """Where a file is fetched, and its small picture seen."""
    small = url_for("staff.thumbnail", id=file.public_id) if file.has_thumbnail else None
    return pages.FileLink(file.name, file.size, url_for("staff.download", id=file.public_id), small)


def _mail(one: Letter) -> pages.TimelineRow:
    mail = one.mail
    state = "refused" if mail.refused is not None else ("sent" if mail.sent_at is not None else "waits")
    names = {"to": (one.to.name or one.to.email) if one.to else reader().text(N_("nobody any more"))}
    note = f"{mail.subject} ({mail.refused})" if mail.refused else mail.subject
    return pages.TimelineRow(mail.written_at, Dot.AUTOMATIC, "mail", state, None, note=note, names=names)


@dataclass(frozen=True, slots=True)
class Written:
    """What stands around a case: notes, files and mails."""

    notes: tuple[Noted, ...]
    files: tuple[Attached, ...]
    mails: tuple[Letter, ...]


def _once(rows: list[pages.TimelineRow]) -> list[pages.TimelineRow]:
    """The same rows; of several moves that one person made at once for one reason only the first that happened tells it."""
    told: set[tuple[object, ...]] = set()
    shown = []
    for row in reversed(rows):
        said = (row.at, row.actor, row.note)
        is_told = row.record != "note" and bool(row.note) and said in told
        shown.append(replace(row, note="") if is_told else row)
        told.add(said)
    return shown[::-1]


def _note(noted: Noted, found: Case) -> pages.TimelineRow:
    row, state = noted.row, notes.state_of(noted.row)
    is_theirs = row.way is NoteWay.FROM_VENDOR
    return pages.TimelineRow(
        at=row.written_at,
        dot=Dot.VENDOR if is_theirs else Dot.PERSON,
        record="note",
        state="file" if row.file_id is not None else row.way,
        actor=_name(noted.user) if noted.user else None,
        vendor=found.vendor,
        note=row.text,
        sending=pages.Sending(state, row.sent_at, row.refused or "") if state is not None else None,
    )


def _expected(found: Case) -> list[pages.TimelineRow]:
    rows = []
    for direction, record, state, waits in (
        (ShipmentDirection.TO_US, "to_us", "arrival", {ShipmentState.EXPECTED, ShipmentState.IN_TRANSIT}),
        (ShipmentDirection.TO_VENDOR, "to_vendor", "return", {ShipmentState.DUE}),
    ):
        parcel = found.parcel(direction)
        if parcel is not None and parcel.due_on is not None and parcel.state in waits:
            rows.append(
                pages.TimelineRow(parcel.due_on, Dot.VENDOR, record, state, None, found.vendor, is_expected=True)
            )
    return rows


def _decision(decided: Decided, found: Case) -> pages.TimelineRow:
    assert decided.row.verdict is not None
    return pages.TimelineRow(
        at=decided.row.decided_at,
        dot=Dot.PERSON if decided.by else Dot.AUTOMATIC,
        record="verdict",
        state=decided.row.verdict,
        actor=_name(decided.by) if decided.by else None,
        note="" if decided is found.verdicts[-1] else decided.row.why,
    )


def _events(found: Case, staff: list[User]) -> list[pages.TimelineRow]:
    """The rows of the register that tell something; of several moves in one instant the last one tells them all."""
    directions = {parcel.id: parcel.direction.value for claim in found.claims for parcel in claim.parcels}
    last = {
        (one.row.record, one.row.record_id, one.row.at): one.row.id for one in found.events if one.row.action == "move"
    }
    rows = []
    for event in found.events:
        row = event.row
        if row.action == "move" and last[row.record, row.record_id, row.at] != row.id:
            continue
        record = directions.get(row.record_id, "") if row.record == "shipment" else row.record
        state = row.new_state if row.action == "move" else row.action
        names: dict[str, str] = {}
        if state == "handed_over":
            state, names = colleagues.handed(row, staff)
        if (record, state) in words.HAPPENED and not _is_told_elsewhere(event):
            told = replace(_event(event, found, record, str(state)), names=names)
            rows.append(replace(told, note="") if state == "taken" else told)  # which says it all
    return rows


def _is_told_elsewhere(event: Event) -> bool:
    row = event.row
    if row.record != "fault" or row.action != "move":
        return False
    return row.new_state in _TOLD_ELSEWHERE or (
        row.new_state == FaultState.AD_HOC_OPEN and row.old_state != FaultState.RMA_OPEN
    )


def _event(event: Event, found: Case, record: str, state: str) -> pages.TimelineRow:
    row, dot = event.row, _dot(event, record)
    return pages.TimelineRow(
        at=row.at,
        dot=dot,
        record=record,
        state=state,
        actor=_name(event.user) if event.user else None,
        vendor=found.vendor,
        their_word=row.vendor_status if dot is Dot.VENDOR and row.reason != "implied" else None,
        number=_number(row.record_id, record, state, found),
        note=row.reason if dot in _PEOPLE or state == RmaState.DENIED else "",
    )


def _number(record_id: int, record: str, state: str, found: Case) -> str:
    """The number that an event gave."""
    for claim in found.claims:
        if record == "rma" and claim.rma.id == record_id:
            rma = claim.rma
            gave = {
                RmaState.SUBMITTED.value: rma.client_reference,
                RmaState.UNDER_REVIEW.value: rma.vendor_case_number,
                RmaState.AUTHORIZED.value: rma.rma_number,
            }
            return gave.get(state) or ""
        if state == ShipmentState.IN_TRANSIT:
            return next((one.tracking_number for one in claim.parcels if one.id == record_id), "")
    return ""


def _dot(event: Event, record: str) -> Dot:
    """Who made it; what we plan upon a vendor's word is ours."""
    if event.row.actor.startswith("vendor:"):
        return Dot.VENDOR if record in {"rma", "to_us", "to_vendor"} else Dot.AUTOMATIC
    if event.user is None:
        return Dot.AUTOMATIC
    return Dot.CLIENT if event.user.role in CLIENT_ROLES else Dot.PERSON


def _call(one: VendorCall) -> pages.CallRow:
    return pages.CallRow(
        one.at, one.method, one.url, one.status, one.trouble, one.duration_ms, one.request, one.response
    )
