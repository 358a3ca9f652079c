"""From what the queries found to what a page shows: the only place that fills the values of ``pages``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from flask import make_response, request, url_for

from vendors.contract import Capabilities, Need
from warranty.domain.access import Permission
from warranty.domain.coverage import UNDETERMINED
from warranty.domain.headline import ClientStep, Side
from warranty.domain.lifecycles import (
    RMA_MOVES,
    FaultState,
    JobState,
    RmaState,
    ShipmentDirection,
    ShipmentState,
    SwapState,
)
from warranty.domain.terms import CLIENT_ROLES, Party, ReasonCode, Route, Share, VerdictWord
from warranty.models import User
from warranty.models.cases import NoteWay
from warranty.models.work import TaskKind
from warranty.services import files, handouts, inputs, jobs, notes, overrides, proposals, queries, rmas
from warranty.services.board import open_now
from warranty.web import pages, words
from warranty.web.forms import key_of
from warranty.web.guards import call
from warranty.web.i18n import N_, reader
from warranty.web.pages import Dot, Fill, Outcome, StepState
from warranty.web.views import colleagues
from warranty.web.views.colleagues import name_of as _name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from enum import StrEnum

    from werkzeug.datastructures import MultiDict
    from werkzeug.wrappers import Response

    from warranty.domain.coverage import Verdict
    from warranty.domain.headline import Standing
    from warranty.domain.reasons import Reason
    from warranty.models import Fault, File, HumanTask, Rma, Shipment, Sighting, VendorCall
    from warranty.services.queries import Attached, Brief, Case, Decided, Event, Job, Letter, Noted, Place
    from warranty.web.pages.colleagues import OwnerForm
    from warranty.web.pages.goods import GoodsForm
    from warranty.web.pages.overriding import OpinionForm


# --- pieces ---


def answer_live(fault: Fault, render: Callable[[], str]) -> Response:
    """What of a case changes, with the tag to ask for it again; 304 where the caller has that state of it already."""
    tag = queries.version(call().session, fault)
    if tag in request.if_none_match:
        return make_response("", 304)
    response = make_response(render())
    response.set_etag(tag)
    return response


def frame(open_tasks: int | None = None) -> pages.Frame:
    """Who is signed in; ``open_tasks`` where the page has counted them already."""
    asked = call()
    user = asked.session.get_one(User, asked.principal.user_id)
    client = queries.own_client(asked.session, asked.principal.client_id)
    if open_tasks is None:
        open_tasks = 0 if client else open_now(asked.session, asked.now)
    may_report = asked.principal.may(Permission.REPORT)
    return pages.Frame(_name(user), user.role, client.name if client else None, open_tasks, may_report)


def subject(place: Place, fault: Any) -> pages.Subject:
    """What is broken."""
    return pages.Subject(
        component=fault.component,
        component_ref=fault.component_ref,
        serial_number=place.asset.serial_number if place.asset else fault.serial_number,
        product=f"{place.product.manufacturer} {place.product.model}" if place.product else None,
        unit_name=place.asset.name if place.asset else "",
        site_name=place.site.name if place.site else None,
        client_name=place.client.name,
    )


def sign(verdict: Verdict) -> pages.Sign:
    """A verdict as its badge: a bar is filled where somebody else pays the share."""
    return pages.Sign(verdict.verdict, verdict.route, _fill(verdict.pays.parts), _fill(verdict.pays.labour))


def _fill(payer: Party | None) -> Fill:
    if payer is None:
        return Fill.UNKNOWN
    return Fill.UNPAID if payer is Party.CLIENT else Fill.PAID


def ball(standing: Standing, vendor: str | None, client_name: str, *, for_client: bool = False) -> pages.Ball | None:
    """Whose turn it is."""
    if standing.ball is None:
        return None
    names = {Side.VENDOR: vendor, Side.MSP: None, Side.CLIENT: client_name}
    reader = Side.CLIENT if for_client else Side.MSP
    return pages.Ball(standing.ball, names[standing.ball], is_reader=standing.ball is reader)


def _situation(brief: Brief) -> pages.Situation:
    return pages.Situation(
        headline=brief.standing.headline,
        component=brief.fault.component,
        vendor=brief.vendor,
        expected_on=brief.expected_on,
        return_by=brief.return_by,
        total_minor=brief.client_minor if brief.has_job else None,
        currency=brief.currency,
    )


def case_row(brief: Brief) -> pages.CaseRow:
    """One case in a list of staff."""
    return pages.CaseRow(
        reference=brief.fault.reference,
        url=url_for("staff.case_detail", id=brief.fault.public_id),
        subject=subject(brief.place, brief.fault),
        sign=sign(brief.verdict) if brief.verdict else None,
        situation=_situation(brief),
        ball=ball(brief.standing, brief.vendor, brief.place.client.name),
        reported_at=brief.fault.reported_at,
        owner=_name(brief.owner) if brief.owner else None,
    )


def field_of(item: HumanTask) -> str:
    """The name of the field for what became of a case of no claim."""
    return f"reason-{item.public_id}"


def stray(item: HumanTask, sighting: Sighting, account: str, errors: Mapping[str, str]) -> pages.Stray:
    """A case at a vendor that belongs to no claim; ``errors`` are those of a form that came back, by its field."""
    form, name = None, field_of(item)
    if call().principal.may(Permission.DECIDE):
        typed = request.form if name in errors else {}
        mine = {name: errors[name]} if name in errors else {}
        url = url_for("staff.deal_with", id=item.public_id)
        form = pages.StrayForm(url, key_of(typed), name, typed, mine)
    return pages.Stray(
        account,
        sighting.vendor_case_number,
        sighting.client_reference,
        sighting.serial_number,
        sighting.opened_at,
        form,
    )


def _task(row: HumanTask, fault: Any, place: Place) -> pages.TaskRow:
    url = url_for("staff.case_detail", id=fault.public_id)
    return pages.TaskRow(row.kind, row.why, row.created_at, url, fault.reference, subject(place, fault))


# --- the verdict ---


def verdict_view(
    verdict: Verdict, coverages: dict[str, Any], vendor: str | None, decided: tuple[Decided, ...] = ()
) -> pages.VerdictView:
    """A verdict with its winners and losers, and those that it superseded."""
    newest = decided[0] if decided else None
    checked = [row.checked_at for row in coverages.values() if row.checked_at]
    return pages.VerdictView(
        sign=sign(verdict),
        decided_at=newest.row.decided_at if newest else None,
        decided_by=_name(newest.by) if newest and newest.by else None,
        general=tuple(entry for entry in verdict.reasons if entry.share is None or entry.coverage is None),
        shares=tuple(_share(verdict, share, coverages, vendor) for share in Share) if verdict.verdict else (),
        evidence=pages.Evidence(vendor, max(checked)) if vendor and checked else None,
        replaced=tuple(
            pages.ReplacedVerdict(sign(old.verdict), old.row.decided_at, new.row.decided_at, new.row.why)
            for new, old in pairwise(decided)
        ),
    )


def _share(verdict: Verdict, share: Share, coverages: dict[str, Any], vendor: str | None) -> pages.ShareRows:
    payer = verdict.pays.parts if share is Share.PARTS else verdict.pays.labour
    awarded = verdict.awards.parts if share is Share.PARTS else verdict.awards.labour
    rows = [
        pages.ContractRow(
            name=coverages[entry.coverage].name or words.kind(coverages[entry.coverage].kind),
            number=coverages[entry.coverage].contract_number,
            outcome=_outcome(entry.code, is_awarded=entry.coverage == awarded),
            reason=entry,
        )
        for entry in verdict.reasons
        if entry.share is share and entry.coverage in coverages
    ]
    wins = {Outcome.PAYS, Outcome.WOULD_PAY}
    return pages.ShareRows(
        share=share,
        payer=payer,
        payer_name=vendor if payer is Party.VENDOR else None,
        winners=tuple(row for row in rows if row.outcome in wins),
        losers=tuple(row for row in rows if row.outcome not in wins),
    )


def _outcome(code: ReasonCode, *, is_awarded: bool) -> Outcome:
    if code is ReasonCode.CHOSEN:
        return Outcome.PAYS if is_awarded else Outcome.WOULD_PAY
    return Outcome.OPEN if code in UNDETERMINED else Outcome.NO


# --- one case ---


def case(
    found: Case,
    written: Written,
    staff: list[User],
    *,
    review: pages.ReviewForm | None,
    claim_form: pages.ClaimForm | None,
    note_form: pages.NoteForm | None,
    inputs: pages.InputsForm | None,
    proposal: pages.ProposalForm | None,
    owning: OwnerForm | None,
    opinion: OpinionForm | None,
    kept: pages.Kept | None,
    upload: pages.UploadForm | None,
    goods: GoodsForm | None,
) -> pages.CaseView:
    """The page of one case; ``staff`` is everybody who may have had it in hand."""
    fault, place, claim = found.fault, found.place, found.claim
    newest = found.verdicts[0].verdict if found.verdicts else None
    rma = claim.rma if claim else None
    return pages.CaseView(
        reference=fault.reference,
        url=url_for("staff.case_detail", id=fault.public_id),
        live_url=url_for("staff.case_live", id=fault.public_id),
        etag=f'"{found.version}"',
        subject=subject(place, fault),
        cause=fault.cause,
        symptom=fault.symptom,
        severity=fault.severity,
        occurred_at=fault.occurred_at,
        reported_at=fault.reported_at,
        reporter=_name(found.reporter) if found.reporter else fault.reporter,
        ownership=place.asset.ownership if place.asset else None,
        situation=case_situation(found),
        ball=ball(found.standing, found.vendor, place.client.name),
        tracks=tuple(_tracks(found)),
        verdict=verdict_view(newest, found.coverages, found.vendor, found.verdicts) if newest else None,
        timeline=tuple(_timeline(found, written, staff)),
        numbers=tuple(_numbers(rma, found.vendor)) if rma else (),
        tasks=tuple(_task(task, fault, place) for task in found.tasks if task.resolved_at is None),
        jobs=tuple(job_view(one, fault, place) for one in reversed(found.jobs)),
        contact_name=found.contact.name if found.contact else None,
        contact_phone=found.contact.phone if found.contact else "",
        contact_email=found.contact.email if found.contact else "",
        attention=rma.needs_attention if rma else None,
        vendor_reason=rma.vendor_reason if rma else None,
        review=review,
        claim=claim_form,
        inputs=inputs,
        proposal=proposal,
        handout=_handout(rma) if rma else None,
        notes=note_form,
        owner=colleagues.owner(found),
        owning=owning,
        override_url=override_url(fault),
        opinion=opinion,
        kept=kept,
        upload=upload,
        goods=goods,
        zone=_contract_zone(found),
    )


def _contract_zone(found: Case) -> str | None:
    """The time zone of the contract that counts, else that of the site."""
    awards = found.verdicts[0].verdict.awards if found.verdicts else None
    won = [found.coverages.get(id_) for id_ in (awards.parts, awards.labour) if id_] if awards else []
    contract = next((one for one in won if one is not None), None)
    if contract is not None:
        return contract.time_zone
    return found.place.site.time_zone if found.place.site else None


def upload_form(found: Case, errors: Mapping[str, str] | None = None) -> pages.UploadForm | None:
    """Where a file is added, where the caller may."""
    if not call().principal.may(Permission.HANDLE):
        return None
    return pages.UploadForm(url_for("staff.add_file", id=found.fault.public_id), files.BIGGEST, errors or {})


def override_url(fault: Fault) -> str | None:
    """Where the verdict is overridden, where it can be and the caller may."""
    can = call().principal.may(Permission.DECIDE) and overrides.is_possible(fault)
    return url_for("staff.override_form", id=fault.public_id) if can else None


def _handout(rma: Rma) -> pages.HandoutView | None:
    asked = call()
    found = handouts.of(asked.session, asked.runtime, rma) if asked.principal.may(Permission.HANDLE) else None
    if found is None:
        return None
    return pages.HandoutView(found.paste_block, found.portal_url, tuple(words.step(one) for one in found.steps))


def case_situation(found: Case) -> pages.Situation:
    """What the answer sentence needs."""
    to_us, to_vendor = found.parcel(ShipmentDirection.TO_US), found.parcel(ShipmentDirection.TO_VENDOR)
    newest = found.jobs[-1] if found.jobs else None
    return pages.Situation(
        headline=found.standing.headline,
        component=found.fault.component,
        vendor=found.vendor,
        expected_on=to_us.due_on if to_us else None,
        return_by=to_vendor.due_on if to_vendor else None,
        total_minor=newest.client_minor if newest else None,
        currency=newest.row.currency if newest else found.place.client.currency,
    )


_CLAIM_WAY = (RmaState.DRAFT, RmaState.SUBMITTED, RmaState.UNDER_REVIEW, RmaState.AUTHORIZED, RmaState.CLOSED)
_GOODS_WAY = (ShipmentState.EXPECTED, ShipmentState.IN_TRANSIT, ShipmentState.DELIVERED, ShipmentState.CHECKED_IN)
_RETURN_WAY = (ShipmentState.DUE, ShipmentState.IN_TRANSIT, ShipmentState.RECEIVED)
_SWAP_WAY = (SwapState.PLANNED, SwapState.RECEIVED, SwapState.INSTALLED, SwapState.VERIFIED, SwapState.DONE)
_JOB_WAY = (JobState.DRAFT, JobState.QUOTED, JobState.APPROVED, JobState.IN_PROGRESS, JobState.COMPLETED)
# A state beside the way stands where the record would go on.
_BESIDE: dict[StrEnum, int] = {
    RmaState.OUTCOME_UNKNOWN: 1,
    RmaState.SUBMIT_FAILED: 1,
    RmaState.MANUAL_HANDLING: 1,
    RmaState.INFO_REQUIRED: 2,
    RmaState.DENIED: 2,
    RmaState.EXPIRED: 3,
}


def _passed(state: StrEnum, way: tuple[StrEnum, ...]) -> int:
    return way.index(state) if state in way else _BESIDE.get(state, len(way))


def _tracks(found: Case) -> list[pages.Track]:
    tracks = []
    if found.claim:
        tracks.append(_track("claim", found.claim.rma.state, _CLAIM_WAY, found.vendor))
    for direction, record, way in (
        (ShipmentDirection.TO_US, "goods", _GOODS_WAY),
        (ShipmentDirection.TO_VENDOR, "return", _RETURN_WAY),
    ):
        parcel = found.parcel(direction)
        if parcel:
            tracks.append(_parcel(record, parcel, way, found.vendor))
    if found.swaps:
        tracks.append(_track("swap", found.swaps[-1].state, _SWAP_WAY))
    if found.jobs:
        tracks.append(_track("job", found.jobs[-1].row.state, _JOB_WAY))
    return tracks


def _track(record: str, state: StrEnum, way: tuple[StrEnum, ...], vendor: str | None = None) -> pages.Track:
    return pages.Track(record, state, _passed(state, way), len(way), vendor=vendor)


def _parcel(record: str, parcel: Shipment, way: tuple[StrEnum, ...], vendor: str | None) -> pages.Track:
    return pages.Track(
        record,
        parcel.state,
        _passed(parcel.state, way),
        len(way),
        vendor=vendor,
        carrier=parcel.carrier,
        tracking_number=parcel.tracking_number,
        due_on=parcel.due_on,
    )


# What the verdict's or another record's row tells already.
_TOLD_ELSEWHERE = frozenset({FaultState.REPORTED, FaultState.TRIAGED, FaultState.NEEDS_REVIEW, FaultState.RMA_OPEN})
_PEOPLE = frozenset({Dot.PERSON, Dot.CLIENT})


def _timeline(found: Case, written: Written, staff: list[User]) -> list[pages.TimelineRow]:
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
        file=file_link(file),
    )


def file_link(file: File) -> pages.FileLink:
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


def _numbers(rma: Any, vendor: str | None) -> list[pages.Number]:
    given = (("ours", rma.client_reference), ("vendor_case", rma.vendor_case_number), ("rma", rma.rma_number))
    return [pages.Number(kind, value, vendor) for kind, value in given if value]


def job_view(job: Job, fault: Any, place: Place) -> pages.JobView:
    """One ad hoc job."""
    row = job.row
    return pages.JobView(
        reference=row.reference,
        url=url_for("staff.job_detail", id=row.public_id),
        case_reference=fault.reference,
        case_url=url_for("staff.case_detail", id=fault.public_id),
        kind=row.kind,
        state=row.state,
        subject=subject(place, fault),
        ball=None,
        currency=row.currency,
        lines=tuple(
            pages.LineRow(
                line.what,
                line.description,
                line.quantity_hundredths,
                line.unit_price_minor,
                None if line.unit_price_minor is None else jobs.amount_minor(line),
                line.payer,
            )
            for line in job.lines
        ),
        total_minor=job.total_minor,
        client_minor=job.client_minor,
        created_at=row.created_at,
        vendor_reason=row.vendor_reason,
        info_missing=row.info_missing,
    )


# --- what a person may do on a case page ---

_ASKED = frozenset({RmaState.DRAFT, RmaState.SUBMIT_FAILED, RmaState.MANUAL_HANDLING, RmaState.OUTCOME_UNKNOWN})
_TOLD = frozenset({RmaState.UNDER_REVIEW, RmaState.INFO_REQUIRED, RmaState.AUTHORIZED, RmaState.DENIED})
_READ = frozenset({TaskKind.VENDOR_NOTE, TaskKind.NOT_TAKEN})
_NOTHING = Capabilities(duties=frozenset())


def review_form(
    found: Case, key: str, values: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> pages.ReviewForm | None:
    """What may be answered to the case's open review, where it has one and the caller may decide."""
    task = open_task(found, TaskKind.REVIEW)
    if task is None or not call().principal.may(Permission.DECIDE):
        return None
    url = url_for("staff.answer_review", id=found.fault.public_id)
    return pages.ReviewForm(url, key, str(task.public_id), found.fault.asset_id is None, values or {}, errors or {})


def open_task(found: Case, kind: TaskKind) -> HumanTask | None:
    """The question of a kind that the case waits for a person to answer, if it does."""
    return next((one for one in found.tasks if one.kind is kind and one.resolved_at is None), None)


def digest(*parts: object) -> str:
    """A word that changes with any of the parts."""
    return sha256(repr(parts).encode()).hexdigest()[:16]


def seen_of_claim(rma: Rma) -> str:
    """What a form carries of the claim that it was made for."""
    return digest(rma.public_id, rma.state, rma.vendor_case_number, rma.rma_number)


def seen_of_inputs(rma: Rma, fault: Fault) -> str:
    """What a form carries of what the vendor was given until then."""
    said = (fault.contact_id, fault.ship_to_id, fault.ship_to, fault.troubleshooting, fault.diagnostic_code)
    return digest(rma.public_id, rma.state, rma.parts, rma.files, *said)


def claim_form(
    found: Case, key: str, values: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> pages.ClaimForm | None:
    """What may be recorded of the case's claim, where it has one that a person can move and the caller may."""
    claim = found.claim
    if claim is None or claim.rma.state not in _ASKED | _TOLD or not call().principal.may(Permission.HANDLE):
        return None
    rma = claim.rma
    can_send = claim.account is not None and rmas.can_be_sent(call().runtime, claim.account, rma)
    moves = [
        to
        for to in RmaState  # in the order of a claim's life
        if to in RMA_MOVES[rma.state] and to in words.CLAIM_MOVES and (to is not RmaState.SUBMITTED or can_send)
    ]
    if rma.state is RmaState.OUTCOME_UNKNOWN:
        moves = [RmaState.MANUAL_HANDLING]  # everything else is for the search at the vendor
    kept = {"vendor_case_number": rma.vendor_case_number or "", "rma_number": rma.rma_number or ""}
    return pages.ClaimForm(
        url=url_for("staff.record_claim", id=found.fault.public_id),
        key=key,
        seen=seen_of_claim(rma),
        vendor=found.vendor,
        moves=tuple(moves),
        is_asked=rma.state in _ASKED,
        can_resubmit=rma.state is RmaState.DENIED,
        values=kept if values is None else values,
        errors=errors or {},
    )


_GIVEN_HERE = (Need.CONTACT, Need.SHIP_TO, Need.DIAGNOSIS)


def inputs_form(
    found: Case, key: str, values: MultiDict[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> pages.InputsForm | None:
    """What the case's claim may still be given before it is sent, where there is anything and the caller may."""
    claim = found.claim
    if claim is None or claim.account is None or not call().principal.may(Permission.HANDLE):
        return None
    rma = claim.rma
    known = inputs.shown(call().session, call().runtime, rma)
    asks = tuple(need.value for need in _GIVEN_HERE if need in known.missing)
    has_list = known.offered is None or bool(known.offered)
    has_files = known.files is not None and bool(known.files or rma.files)
    if not asks and not has_list and not has_files:
        return None
    only = known.proposed if len(known.proposed) == 1 else ()  # of several nobody gets all who does not look
    chosen = (rma.parts or only) if values is None else values.getlist("part")
    offers = [
        pages.OfferRow(one.code, one.description, one.proposed, one.code in chosen) for one in known.offered or ()
    ]
    return pages.InputsForm(
        url=url_for("staff.give_inputs", id=found.fault.public_id),
        key=key,
        seen=seen_of_inputs(rma, found.fault),
        vendor=found.vendor,
        asks=asks,
        offers=tuple(sorted(offers, key=lambda one: not (one.is_proposed or one.is_chosen))),
        goes=rma.state is RmaState.DRAFT,
        parts_url=url_for("staff.list_parts", id=found.fault.public_id) if has_list else None,
        files=_file_offers(known, rma.files if values is None else values.getlist("claim_file")) if has_files else None,
        most_bytes=known.most_bytes,
        values=values or {},
        errors=errors or {},
    )


def _file_offers(known: inputs.Inputs, chosen: list[str]) -> tuple[pages.FileOffer, ...]:
    ids = [(str(file.public_id), file) for file in known.files or ()]
    return tuple(pages.FileOffer(id_, file.name, file.size, id_ in chosen) for id_, file in ids)


def proposal_form(
    found: Case, key: str, values: Mapping[str, str] | None = None, errors: Mapping[str, str] | None = None
) -> pages.ProposalForm | None:
    """What is proposed for the case's claim, where anything waits and the caller may answer."""
    task = open_task(found, TaskKind.PROPOSAL)
    if task is None or not call().principal.may(Permission.HANDLE):
        return None
    rows = tuple(
        pages.ProposalRow(place, " ".join(filter(None, one.numbers)), one.text)
        for place, one in proposals.waiting(task)
    )
    return pages.ProposalForm(
        url=url_for("staff.answer_proposal", id=found.fault.public_id),
        key=key,
        seen=digest(task.public_id, task.proposals),
        rows=rows,
        values=values or {},
        errors=errors or {},
    )


def note_form(
    found: Case,
    written: Written,
    key: str,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> pages.NoteForm | None:
    """What may be written on the case, and which of its files may go to the vendor, where the caller may."""
    if not call().principal.may(Permission.HANDLE):
        return None
    claim = found.claim
    to = notes.channel_of(call().runtime, claim.rma if claim else None, claim.account if claim else None)
    can = to.can if isinstance(to, notes.Channel) else _NOTHING
    sent = {one.row.file_id: notes.state_of(one.row) for one in written.notes if one.row.file_id is not None}
    is_news = any(task.kind in _READ and task.resolved_at is None for task in found.tasks)
    return pages.NoteForm(
        url=url_for("staff.write_note", id=found.fault.public_id),
        key=key,
        vendor=found.vendor,
        takes_notes=can.notes,
        seen_url=url_for("staff.see_notes", id=found.fault.public_id) if is_news else None,
        files=tuple(
            pages.FileRow(str(one.public_id), one.name, one.size, sent.get(one.id), one.size > can.max_file_bytes)
            for one in (tuple(one.file for one in written.files) if can.attachments else ())
        ),
        refused=tuple(
            pages.RefusedRow(
                one.row.text,
                one.row.refused,
                url_for("staff.send_note_again", id=one.row.public_id) if one.can_go_again else None,
            )
            for one in written.notes
            if one.row.refused is not None
        ),
        values=values or {},
        errors=errors or {},
    )


# --- the client's pages ---


def _cost(brief: Brief) -> pages.Cost:
    if brief.has_job:
        return pages.Cost(brief.client_minor, brief.currency)
    is_open = brief.verdict is None or brief.verdict.verdict in {None, VerdictWord.NEEDS_REVIEW}
    return pages.Cost(None if is_open else 0, brief.currency)


def portal_row(brief: Brief) -> pages.PortalCaseRow:
    """One case in the client's list."""
    return pages.PortalCaseRow(
        url=url_for("portal.case_detail", id=brief.fault.public_id),
        subject=subject(brief.place, brief.fault),
        step=brief.standing.step,
        ball=ball(brief.standing, brief.vendor, brief.place.client.name, for_client=True),
        cost=_cost(brief),
        expected_on=brief.expected_on,
        reported_at=brief.fault.reported_at,
        closed_at=brief.fault.case_closed_at if brief.standing.step is ClientStep.CLOSED else None,
    )


def portal_case(found: Case) -> pages.PortalCaseView:
    """One case in plain words."""
    fault, place = found.fault, found.place
    verdict = found.verdicts[0].verdict if found.verdicts else None
    is_decided = verdict is not None and verdict.verdict not in {None, VerdictWord.NEEDS_REVIEW}
    newest = found.jobs[-1] if found.jobs else None
    minor = newest.client_minor if newest else (0 if is_decided else None)
    payers = []
    if verdict is not None and is_decided:
        for share, payer in ((Share.PARTS, verdict.pays.parts), (Share.LABOUR, verdict.pays.labour)):
            if payer is not None:
                payers.append((share, payer, found.vendor if payer is Party.VENDOR else None))
    return pages.PortalCaseView(
        reference=fault.reference,
        url=url_for("portal.case_detail", id=fault.public_id),
        live_url=url_for("portal.case_live", id=fault.public_id),
        etag=f'"{found.version}"',
        subject=subject(place, fault),
        situation=case_situation(found),
        step=found.standing.step,
        steps=tuple(_steps(found)),
        ball=ball(found.standing, found.vendor, place.client.name, for_client=True),
        cost=pages.Cost(minor, newest.row.currency if newest else place.client.currency),
        payers=tuple(payers),
        reasons=tuple(_deciding(verdict)) if verdict and is_decided else (),
        owner_name=_name(found.owner) if found.owner else None,
    )


_MOST_REASONS = 3  # of a share that nobody pays: the page is no register


def _deciding(verdict: Verdict) -> list[Reason]:
    """The entries that a client has to know: of each share who won it, else why nobody did, and what stands alone."""
    shown = [entry for entry in verdict.reasons if entry.share is None]
    for share, awarded in ((Share.PARTS, verdict.awards.parts), (Share.LABOUR, verdict.awards.labour)):
        mine = [entry for entry in verdict.reasons if entry.share is share]
        won = [entry for entry in mine if entry.coverage == awarded and awarded]
        shown += won or mine[:_MOST_REASONS]
    return shown


_NOT_ON_A_CLAIM = frozenset({ClientStep.WAITING_FOR_YOUR_APPROVAL})
_NOT_ON_A_JOB = frozenset({ClientStep.ORDERED_FROM_THE_VENDOR, ClientStep.ON_ITS_WAY})
# The move by which a step begins: record and new state.
_BEGINS: dict[ClientStep, frozenset[tuple[str, str]]] = {
    ClientStep.WAITING_FOR_YOUR_APPROVAL: frozenset({("job", JobState.AWAITING_APPROVAL)}),
    ClientStep.ORDERED_FROM_THE_VENDOR: frozenset({("rma", RmaState.SUBMITTED), ("rma", RmaState.MANUAL_HANDLING)}),
    ClientStep.ON_ITS_WAY: frozenset({("shipment", ShipmentState.IN_TRANSIT)}),
    ClientStep.BEING_INSTALLED: frozenset({("swap", SwapState.RECEIVED), ("job", JobState.SCHEDULED)}),
    ClientStep.WORKING_AGAIN: frozenset({("swap", SwapState.VERIFIED), ("fault", FaultState.SERVICE_RESTORED)}),
    ClientStep.CLOSED: frozenset({("fault", FaultState.CLOSED)}),
}


def _steps(found: Case) -> list[pages.PortalStep]:
    route = found.verdicts[0].verdict.route if found.verdicts else None
    unused = {Route.RMA: _NOT_ON_A_CLAIM, Route.AD_HOC: _NOT_ON_A_JOB}.get(route, frozenset()) if route else frozenset()
    order, began = list(ClientStep), _began(found)
    here = order.index(found.standing.step)
    to_us = found.parcel(ShipmentDirection.TO_US)
    steps = []
    for place, step in enumerate(order):
        if place == here:
            state = StepState.HERE
        elif place < here:
            state = StepState.DONE if step in began else StepState.UNUSED
        else:
            state = StepState.UNUSED if step in unused and step not in began else StepState.AHEAD
        is_arrival = state is StepState.AHEAD and step is ClientStep.BEING_INSTALLED and to_us is not None
        at = began.get(step) if state in {StepState.DONE, StepState.HERE} else None
        steps.append(pages.PortalStep(step, state, at, to_us.due_on if is_arrival and to_us else None))
    return steps


def _began(found: Case) -> dict[ClientStep, datetime]:
    """When each step that the case has reached began."""
    began = {ClientStep.REPORTED: found.fault.reported_at}
    if found.verdicts:
        began[ClientStep.BEING_ASSESSED] = found.verdicts[-1].row.decided_at
    for event in found.events:
        for step, moves in _BEGINS.items():
            if (event.row.record, event.row.new_state) in moves:
                began.setdefault(step, event.row.at)
    return began
