"""The cases, one case, and what a person answers there; one job."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import redirect, render_template, request, url_for

from warranty.domain.access import Permission
from warranty.domain.lifecycles import RmaState
from warranty.models import AdHocJob, CaseNote, Client, Fault, File, User
from warranty.models.work import TaskKind
from warranty.services import board, casefile, evidence, notes, owners, preparing, queries, resolutions, rmas
from warranty.services.estate import Invalid
from warranty.services.moves import Because, IllegalMove, attempt
from warranty.services.queries import Shows
from warranty.web import downloads, pages, views
from warranty.web.errors import Problem
from warranty.web.forms import digest, is_late, key_of, read, refused_choice, typed_inputs, uuid_of
from warranty.web.guards import call, find, needs
from warranty.web.i18n import N_, reader
from warranty.web.schemas.cases import NUMBERS, OwnerBody, ProposalBody, ResolveBody, TransitionBody
from warranty.web.schemas.notes import NoteBody
from warranty.web.staff import uploads
from warranty.web.staff.room import blueprint
from warranty.web.views import board as board_views
from warranty.web.views import colleagues, goods, grounds, overriding, saved_views
from warranty.web.views.timeline import Written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Response as FlaskResponse
    from werkzeug.datastructures import MultiDict
    from werkzeug.wrappers import Response


@blueprint.get("/cases")
@needs(Permission.READ)
def case_list() -> str:
    """Cases, newest first."""
    given, asked = request.args, call()
    search, before, wanted = given.get("q", "")[:100], given.get("before"), given.get("shows", "")
    shows = Shows(wanted) if wanted in list(Shows) else (Shows.ALL if search else Shows.OPEN)
    filters = replace(board_views.filters(given), kind=None)
    found, older = queries.cases(
        asked.session,
        now=asked.now,
        shows=shows,
        search=search,
        before=uuid_of(before),
        user_id=asked.principal.user_id,
        which=board.of_cases(filters, board_views.clock()),
    )
    choices = board.choices(asked.session, asked.now)
    kept = {name: value for name, value in given.items() if name in ("client", "vendor", "owner") and value}
    here = {"shows": shows.value, "q": search or None, **kept}
    view = pages.CaseListView(
        rows=tuple(views.case_row(brief) for brief in found),
        query=search,
        shows=shows.value,
        kept=saved_views.tabs("cases"),
        picks=board_views.picks(choices, filters),
        is_filtered=filters != board.Filters(),
        next_url=url_for("staff.case_list", before=older, **here) if older else None,  # type: ignore[arg-type]  # they are texts
        first_url=url_for("staff.case_list", **here) if before else None,  # type: ignore[arg-type]  # they are texts
    )
    return render_template("staff/case_list.html", frame=views.frame(choices.waiting), view=view)


@blueprint.get("/cases/<uuid:id>")
@needs(Permission.READ, of=Fault)
def case_detail(fault: Fault) -> str:
    """One case."""
    return case_page(fault)


@blueprint.get("/cases/<uuid:id>/live")
@needs(Permission.READ, of=Fault)
def case_live(fault: Fault) -> Response:
    """What of the case changes while one looks; 304 where nothing has."""
    return views.answer_live(fault, lambda: render_template("staff/_case_live.html", case=_case(fault)))


@blueprint.get("/cases/<uuid:id>/evidence")
@needs(Permission.READ, of=Fault)
def case_evidence(fault: Fault) -> str:
    """What a verdict of the case rests on: of each contract what its evidence said, and the vendor's answers."""
    session, asked = call().session, request.args.get("verdict")
    ground = evidence.of(session, fault, uuid_of(asked))
    if ground is None or (asked and uuid_of(asked) is None):
        raise Problem("not_found")
    view = grounds.page(fault, queries.place_of(session, fault), ground)
    return render_template("staff/case_evidence.html", frame=views.frame(), view=view)


Typed = tuple["Mapping[str, str]", dict[str, str]]
"""What was typed into a form, and what is wrong with it, by field."""


def _case(
    fault: Fault,
    *,
    review: Typed | None = None,
    claim: Typed | None = None,
    note: Typed | None = None,
    given: tuple[MultiDict[str, str], dict[str, str]] | None = None,
    proposal: Typed | None = None,
    owning: Typed | None = None,
    opinion: Typed | None = None,
    kept: pages.Kept | None = None,
    upload: dict[str, str] | None = None,
    moved: Typed | None = None,
) -> pages.CaseView:
    session = call().session
    found = queries.case(session, fault, now=call().now)
    written = Written(
        queries.case_notes(session, fault), queries.case_files(session, fault), queries.case_mails(session, fault)
    )
    staff = owners.colleagues(session)
    key = key_of(*(form[0] for form in (review, claim, note, given, proposal, owning, opinion, moved) if form))
    return views.case(
        found,
        written,
        staff,
        review=views.review_form(found, key, *(review or ())),
        claim_form=views.claim_form(found, key, *(claim or ())),
        note_form=views.note_form(found, written, key, *(note or ())),
        inputs=views.inputs_form(found, key, *(given or ())),
        proposal=views.proposal_form(found, key, *(proposal or ())),
        owning=colleagues.owner_form(found, staff, key, *(owning or ())),
        opinion=overriding.opinion(found, staff, key, *(opinion or ())),
        kept=kept,
        upload=views.upload_form(found, upload),
        goods=goods.form(found, key, *(moved or ())),
    )


def case_page(fault: Fault, **forms: Any) -> str:
    """The page of one case, with the forms that came back."""
    return render_template("staff/case_detail.html", frame=views.frame(), case=_case(fault, **forms))


_CHANGED = N_("The record has changed. Look at it again, then decide.")


def too_late(fault: Fault, *texts: str | None, **forms: Any) -> tuple[str, int]:
    """Somebody was quicker: nothing is done, the case is shown as it is now, and what was typed stands above it."""
    kept = pages.Kept(reader().text(_CHANGED), tuple(filter(None, texts)))
    return case_page(fault, kept=kept, **forms), 409


# --- what a person answers on a case page ---


@blueprint.post("/cases/<uuid:id>/review")
@needs(Permission.DECIDE, of=Fault)
def answer_review(fault: Fault) -> Response | tuple[str, int]:
    """Answer the open review: decide again, say which unit is meant, attest that nothing covers it, or reject."""
    item, typed, asset = queries.open_of(call().session, fault, TaskKind.REVIEW), request.form, None
    if item is None or is_late(typed, str(item.public_id)):
        return too_late(fault, typed.get("reason"), review=(typed, {}))
    body, errors = read(ResolveBody(), typed, {"action": "action", "reason": "reason"})
    if body.get("action") == resolutions.Action.IDENTIFY:
        client = call().session.get_one(Client, fault.client_id).public_id
        units = casefile.find_units(call().session, serial_number=typed.get("serial_number", ""), client=client)
        asset = units[0].asset if len(units) == 1 else None
        if asset is None:
            errors["serial_number"] = reader().text(N_("This serial does not name one unit of this client."))
    if errors:
        return case_page(fault, review=(typed, errors)), 422
    asked, answer, reason = call(), body["action"], body["reason"]
    try:
        with attempt(asked.session):
            resolutions.resolve(
                asked.session, asked.runtime, asked.principal, item, answer, reason=reason, now=asked.now, asset=asset
            )
    except resolutions.NotWaiting:
        return too_late(fault, reason, review=(typed, {}))
    return redirect(url_for("staff.case_detail", id=fault.public_id), 303)


_CLAIM_FIELDS = {
    "to": "to",
    "reason": "claim_reason",
    "vendor_case_number": "vendor_case_number",
    "rma_number": "rma_number",
}


@blueprint.post("/cases/<uuid:id>/claim")
@needs(Permission.HANDLE, of=Fault)
def record_claim(fault: Fault) -> Response | tuple[str, int]:
    """Record what the vendor said by telephone or portal, or send what was mended."""
    rma = queries.newest_claim(call().session, fault)
    if rma is None:
        raise Problem("not_found")
    typed, asked = request.form, call()
    asked.session.refresh(rma, with_for_update=True)
    if is_late(typed, views.seen_of_claim(rma)):
        return too_late(fault, typed.get("claim_reason"), claim=(typed, {}))
    body, errors = read(TransitionBody(), typed, _CLAIM_FIELDS)
    if body.get("to") == RmaState.AUTHORIZED and not (body.get("rma_number") or rma.rma_number):
        errors["rma_number"] = reader().text(N_("Enter the RMA number that the vendor gave."))
    if errors:
        return case_page(fault, claim=(typed, errors)), 422
    try:
        with attempt(asked.session):
            rmas.transition(asked.session, asked.runtime, asked.principal, rma, body.pop("to"), now=asked.now, **body)
    except IllegalMove:
        return too_late(fault, typed.get("claim_reason"), claim=(typed, {}))
    return redirect(url_for("staff.case_detail", id=fault.public_id), 303)


@blueprint.post("/cases/<uuid:id>/inputs")
@needs(Permission.HANDLE, of=Fault)
def give_inputs(fault: Fault) -> Response | tuple[str, int]:
    """Take what the vendor asks for; a draft that has everything by then goes by itself."""
    rma = queries.newest_claim(call().session, fault)
    if rma is None:
        raise Problem("not_found")
    asked, typed = call(), request.form
    asked.session.refresh(rma, with_for_update=True)
    if is_late(typed, views.seen_of_inputs(rma, fault)):
        return too_late(fault, typed.get("troubleshooting"), given=(typed, {}))
    given = typed_inputs(typed)
    errors = given if isinstance(given, dict) else {}
    if not isinstance(given, dict):
        try:
            preparing.give(asked.session, asked.runtime, asked.principal, rma, given, now=asked.now)
        except Invalid as err:
            errors = refused_choice(err)
    if errors:
        return case_page(fault, given=(typed, errors)), 422
    return redirect(url_for("staff.case_detail", id=fault.public_id), 303)


@blueprint.post("/cases/<uuid:id>/parts-list")
@needs(Permission.HANDLE, of=Fault)
def list_parts(fault: Fault) -> Response:
    """Have the vendor asked anew which parts the unit has."""
    rma = queries.newest_claim(call().session, fault)
    if rma is None:
        raise Problem("not_found")
    preparing.ask_afresh(call().session, call().runtime, rma, now=call().now)
    return redirect(url_for("staff.case_detail", id=fault.public_id), 303)


_PROPOSAL_FIELDS = {"action": "found_answer", "proposal": "found_place", "reason": "found_reason"} | {
    name: f"found_{name}" for name in NUMBERS
}


@blueprint.post("/cases/<uuid:id>/proposal")
@needs(Permission.HANDLE, of=Fault)
def answer_proposal(fault: Fault) -> Response | tuple[str, int]:
    """Say whether what a program proposes is true, with the numbers as they are."""
    asked, typed = call(), request.form
    item = queries.open_of(asked.session, fault, TaskKind.PROPOSAL)
    if item is None or is_late(typed, digest(item.public_id, item.proposals)):
        return too_late(fault, typed.get("found_reason"), proposal=(typed, {}))
    body, errors = read(ProposalBody(), typed, _PROPOSAL_FIELDS)
    if not errors:
        try:
            resolutions.resolve(
                asked.session, asked.runtime, asked.principal, item, body.pop("action"), now=asked.now, **body
            )
        except Invalid:
            errors["found_place"] = reader().text(N_("Say which of them is true."))
    if errors:
        return case_page(fault, proposal=(typed, errors)), 422
    return redirect(url_for("staff.case_detail", id=fault.public_id), 303)


_NOTE_FIELDS = {"way": "note_way", "text": "note_text", "file": "file"}
_NOTE_REFUSED = {
    "way": N_("The vendor has no case yet, or takes none of this."),
    "text": N_("Write a note."),
    "file": N_("This file cannot go to the vendor: it is too large, or no file of this case."),
}


@blueprint.post("/cases/<uuid:id>/notes")
@needs(Permission.HANDLE, of=Fault)
def write_note(fault: Fault) -> Response | tuple[str, int]:
    """Keep a note, or send a note or a file to the vendor."""
    typed, asked = request.form, call()
    body, errors = read(NoteBody(), typed, _NOTE_FIELDS)
    file = None if errors or body["file"] is None else find(File, body["file"], field="file")
    if not errors:
        try:
            because = _because("wrote a note")
            notes.write(asked.session, asked.runtime, fault, body["way"], because, text=body["text"], file=file)
        except Invalid as err:
            errors[_NOTE_FIELDS[err.field]] = reader().text(_NOTE_REFUSED[err.field])
    if errors:
        return case_page(fault, note=(typed, errors)), 422
    return redirect(url_for("staff.case_detail", id=fault.public_id), 303)


@blueprint.post("/cases/<uuid:id>/notes/seen")
@needs(Permission.HANDLE, of=Fault)
def see_notes(fault: Fault) -> Response:
    """What the vendor wrote was read, and what it did not take is known."""
    notes.seen(call().session, fault, _because("read"))
    return redirect(url_for("staff.case_detail", id=fault.public_id), 303)


@blueprint.post("/notes/<uuid:id>/sending")
@needs(Permission.HANDLE, of=CaseNote)
def send_note_again(note: CaseNote) -> Response:
    """Send a note that the vendor refused again."""
    notes.send_again(call().session, note, _because("sent again"))
    fault = call().session.get_one(Fault, note.fault_id)
    return redirect(url_for("staff.case_detail", id=fault.public_id), 303)


@blueprint.post("/cases/<uuid:id>/owner")
@needs(Permission.HANDLE, of=Fault)
def hand_over(fault: Fault) -> Response | tuple[str, int]:
    """Hand a case to a colleague, or give it back to all."""
    session, typed = call().session, request.form
    session.refresh(fault, with_for_update=True)
    is_back = typed.get("owner") == colleagues.EVERYBODY
    names = {"reason": "owner_reason"} | ({} if is_back else {"owner": "owner"})
    body, errors = read(OwnerBody(partial=("owner",) if is_back else ()), typed, names)
    has = session.get(User, fault.owner_id) if fault.owner_id else None
    if is_late(typed, colleagues.seen(has)):
        said = N_(
            "Somebody else has handed it over meanwhile. Look who has it now, and send again if you still want to."
        )
        return case_page(fault, owning=(typed, {"owner": reader().text(said)})), 409
    if not errors:
        try:
            to = None if is_back else find(User, body["owner"], field="owner")
            owners.hand_over(session, fault, to, _because(body["reason"]))
        except Invalid:
            errors["owner"] = reader().text(N_("Choose who is to have it."))
    if errors:
        return case_page(fault, owning=(typed, errors)), 422
    return redirect(url_for("staff.case_detail", id=fault.public_id), 303)


def _because(reason: str) -> Because:
    return Because(call().principal.actor, reason, call().now)


# --- files ---


@blueprint.post("/cases/<uuid:id>/files")
@needs(Permission.HANDLE, of=Fault, writes=False, largest=uploads.LARGEST_FORM)
def add_file(fault: Fault) -> Response | tuple[str, int]:
    """Add a photo or a document to a case."""
    upload, wrong = uploads.uploaded("upload")
    if upload is None:
        return case_page(fault, upload={"upload": wrong}), 422
    case = url_for("staff.case_detail", id=fault.public_id)
    call().session.commit()  # who asks is known: no transaction is open while the store writes
    uploads.keep(fault, upload)
    return redirect(case, 303)


@blueprint.get("/files/<uuid:id>")
@needs(Permission.READ, of=File)
def download(file: File) -> FlaskResponse:
    """The content of a file."""
    return downloads.download(file)


@blueprint.get("/files/<uuid:id>/thumbnail")
@needs(Permission.READ, of=File)
def thumbnail(file: File) -> FlaskResponse:
    """A small picture of an image."""
    return downloads.thumbnail(file)


@blueprint.get("/jobs/<uuid:id>")
@needs(Permission.READ, of=AdHocJob)
def job_detail(job: AdHocJob) -> str:
    """One ad hoc job."""
    found, fault, place = queries.job(call().session, job)
    return render_template("staff/job_detail.html", frame=views.frame(), job=views.job_view(found, fault, place))
