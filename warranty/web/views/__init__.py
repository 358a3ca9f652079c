"""From what the queries found to what a page shows: the only place that fills the values of ``pages``."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from flask import make_response, request, url_for

from vendors.contract import Capabilities, Need
from warranty.domain.access import Permission
from warranty.domain.coverage import UNDETERMINED
from warranty.domain.headline import Side
from warranty.domain.lifecycles import (
    RMA_MOVES,
    JobState,
    RmaState,
    ShipmentDirection,
    ShipmentState,
    SwapState,
)
from warranty.domain.terms import Party, ReasonCode, Share
from warranty.models import User
from warranty.models.work import TaskKind
from warranty.services import files, handouts, inputs, jobs, notes, overrides, proposals, queries, rmas
from warranty.services.board import open_now
from warranty.services.evidence import taken_at
from warranty.web import pages, words
from warranty.web.forms import digest, key_of
from warranty.web.guards import call
from warranty.web.pages import Fill, Outcome
from warranty.web.sentences import said_again
from warranty.web.views import colleagues
from warranty.web.views.colleagues import name_of as _name
from warranty.web.views.timeline import Written, timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import StrEnum

    from werkzeug.datastructures import MultiDict
    from werkzeug.wrappers import Response

    from warranty.domain.coverage import Verdict
    from warranty.domain.headline import Standing
    from warranty.models import Fault, HumanTask, Rma, Shipment, Sighting
    from warranty.services.queries import Brief, Case, Decided, Job, Place
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
        form = pages.StrayForm(url, key_of(typed), name, values=typed, errors=mine)
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
    return pages.TaskRow(row.kind, said_again(row.why), row.created_at, url, fault.reference, subject(place, fault))


# --- the verdict ---


def verdict_view(
    verdict: Verdict,
    coverages: dict[str, Any],
    vendor: str | None,
    decided: tuple[Decided, ...] = (),
    evidence_url: str | None = None,
) -> pages.VerdictView:
    """A verdict with its winners and losers, and those that it superseded; ``evidence_url`` shows what they rest on."""
    newest = decided[0] if decided else None
    taken = taken_at(newest) if newest and evidence_url else None
    return pages.VerdictView(
        sign=sign(verdict),
        decided_at=newest.row.decided_at if newest else None,
        decided_by=_name(newest.by) if newest and newest.by else None,
        general=tuple(entry for entry in verdict.reasons if entry.share is None or entry.coverage is None),
        shares=tuple(_share(verdict, share, coverages, vendor) for share in Share) if verdict.verdict else (),
        evidence=pages.Evidence(vendor, taken, evidence_url) if evidence_url else None,
        replaced=tuple(
            pages.ReplacedVerdict(
                sign(old.verdict),
                old.row.decided_at,
                new.row.decided_at,
                new.row.why,
                f"{evidence_url}?verdict={old.row.public_id}",
            )
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
            time_zone=coverages[entry.coverage].time_zone,
            outcome=outcome(entry.code, is_awarded=entry.coverage == awarded),
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


def outcome(code: ReasonCode, *, is_awarded: bool) -> Outcome:
    """What a reason means for its contract and share."""
    if code is ReasonCode.CHOSEN:
        return Outcome.PAYS if is_awarded else Outcome.WOULD_PAY
    return Outcome.OPEN if code in UNDETERMINED else Outcome.NO


# --- one case ---


def _return_url(found: queries.Case) -> str | None:
    """Where the unit that goes back has its page."""
    parcel = found.parcel(ShipmentDirection.TO_VENDOR)
    return None if parcel is None else url_for("staff.return_detail", id=parcel.public_id)


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
    evidence_url = url_for("staff.case_evidence", id=fault.public_id)
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
        verdict=verdict_view(newest, found.coverages, found.vendor, found.verdicts, evidence_url) if newest else None,
        timeline=tuple(timeline(found, written, staff)),
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
        swap_url=url_for("staff.swap_detail", id=fault.public_id) if found.swaps else None,
        return_url=_return_url(found),
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
    return pages.ReviewForm(
        url, key, str(task.public_id), found.fault.asset_id is None, values=values or {}, errors=errors or {}
    )


def open_task(found: Case, kind: TaskKind) -> HumanTask | None:
    """The question of a kind that the case waits for a person to answer, if it does."""
    return next((one for one in found.tasks if one.kind is kind and one.resolved_at is None), None)


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
