"""Taking a unit over: its checks, who signs for it, and the protocol of that on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import Response, flash, redirect, render_template, request, url_for
from sqlalchemy import select

from warranty.domain.access import Permission
from warranty.domain.handover import HandoverResult, Signature, StepOutcome, UnitClass
from warranty.domain.terms import Component
from warranty.models import Asset, Baseline, Client, File, Product, Site
from warranty.services import casefile, handover, protocols, records, units
from warranty.services.estate import Invalid
from warranty.services.handover import BASELINES, OPEN_TO_HANDOVER, Acceptance
from warranty.services.moves import IllegalMove, attempt
from warranty.web import views, words
from warranty.web.api.base import by_caller, held
from warranty.web.errors import Problem
from warranty.web.forms import key_of, uuid_of
from warranty.web.guards import call, needs
from warranty.web.i18n import N_, reader
from warranty.web.pages.handover import (
    CheckRow,
    HandoverListView,
    HandoverView,
    Head,
    PartForm,
    SignedRow,
    UnitRow,
)
from warranty.web.schemas.handover import BaselineBody, ClassBody
from warranty.web.staff.editing import Field, Form
from warranty.web.staff.room import blueprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.datastructures import MultiDict
    from werkzeug.wrappers import Response as Answer

    from warranty.models import HandoverStep
    from warranty.services.records import Document

MOST_SIGNED: Final = 20
LONGEST_EVIDENCE: Final = 500

_CLASS: Final = Form(
    ClassBody(),
    (
        Field(
            "unit_class",
            N_("What sort of unit is it?"),
            kind="select",
            words=UnitClass,
            named=words.word,
            wrong=N_("Choose what sort of unit it is."),
        ),
    ),
)
_SIGN: Final = Form(
    BaselineBody(),
    (
        Field(
            "result",
            N_("In what state is it handed over?"),
            kind="select",
            words=HandoverResult,
            named=words.word,
            wrong=N_("Choose in what state it is handed over."),
        ),
        Field(
            "exceptions",
            N_("What is not healthy"),
            kind="checks",
            words=Component,
            named=words.word,
            wrong=N_("Name what is not healthy where there are exceptions, and nothing where it is healthy."),
            hint=N_("A later fault of these parts goes to a person: the unit came with it."),
        ),
        Field(
            "signed_by", N_("Who signs"), most=200, is_half=True, wrong=N_("Enter the name of whoever signs."),
            hint=N_("A name that the client has no contact of becomes one."),
        ),
        Field("signer_role", N_("Role"), note=N_("optional"), most=120, is_half=True),
        Field(
            "signature_file",
            N_("Signed paper"),
            kind="select",
            note=N_("optional"),
            may_be_null=True,
            empty=N_("none"),
            hint=N_("A document of this unit, instead of a signature below."),
            wrong=N_("Choose one of the documents of this unit."),
        ),
        Field(
            "reason", N_("Reason"), kind="area", hint=N_("Needed where something was signed before: it supersedes that."),
            wrong=N_("Say why this supersedes what was signed before."),
        ),
    ),
)  # fmt: skip


@blueprint.get("/assets/<uuid:id>/handover")
@needs(Permission.READ, of=Asset)
def unit_handover(asset: Asset) -> str:
    """The hand-over of one unit."""
    return _page(asset)


@blueprint.post("/assets/<uuid:id>/handover/begin")
@needs(Permission.HANDLE, of=Asset)
def begin_handover(asset: Asset) -> Answer | tuple[str, int]:
    """Lay out the checks of a unit."""
    body, errors = _CLASS.read(request.form)
    if errors:
        return _page(asset, begin=(request.form, errors)), 422
    asset = held(asset)
    try:
        with attempt(call().session):
            handover.begin(call().session, asset, body["unit_class"], because=by_caller("begun on a page"))
    except IllegalMove:
        return _page(asset), 409
    return _back(asset)


@blueprint.post("/assets/<uuid:id>/handover/checks")
@needs(Permission.HANDLE, of=Asset)
def check_handover(asset: Asset) -> Answer | tuple[str, int]:
    """Say what became of the checks of a unit."""
    asset, typed, said = held(asset), request.form, reader().text
    rows = handover.checks(call().session, asset)
    errors: dict[str, str] = {}
    changes: list[tuple[HandoverStep, StepOutcome | None, str]] = []
    for row in rows:
        text, evidence = typed.get(f"outcome_{row.step}", ""), typed.get(f"evidence_{row.step}", "").strip()
        outcome = StepOutcome(text) if text in set(StepOutcome) else None
        if text and outcome is None:
            errors[f"outcome_{row.step}"] = said(N_("Choose what became of it."))
        if len(evidence) > LONGEST_EVIDENCE:
            errors[f"evidence_{row.step}"] = said(N_("This is too long, or holds signs that nobody types."))
        elif outcome is StepOutcome.NOT_NEEDED and not evidence:
            errors[f"evidence_{row.step}"] = said(N_("Say why this check is not needed."))
        if (outcome, evidence) != (row.outcome, row.evidence):
            changes.append((row, outcome, evidence))
    if errors:
        return _page(asset, check=(typed, errors)), 422
    because = by_caller("checked on a page")
    try:
        with attempt(call().session):
            for row, outcome, evidence in changes:
                handover.check(call().session, asset, row.step, outcome, evidence, because=because)
    except Invalid:
        return _page(asset, check=(typed, {f"evidence_{rows[0].step}": said(N_("This cannot be taken."))})), 422
    return _back(asset)


@blueprint.post("/assets/<uuid:id>/handover/sign")
@needs(Permission.REGISTER, of=Asset)
def sign_handover(asset: Asset) -> Answer | tuple[str, int]:
    """Sign for a unit."""
    asset, typed, said = held(asset), request.form, reader().text
    strokes = typed.get("strokes", "").strip()
    body, errors = _SIGN.read(typed, strokes=strokes or None)
    if errors:
        return _page(asset, sign=(typed, errors)), 422
    if typed.get("seen") != _seen(asset):
        late = {"result": said(N_("Somebody signed for this unit in the meantime: look at it, and send it again."))}
        return _page(asset, sign=(typed, late)), 409
    paper = body["signature_file"]
    how = Signature.FILE if paper else Signature.DRAWN if strokes else Signature.TYPED
    file = call().session.scalars(select(File).where(File.public_id == paper)).one_or_none() if paper else None
    given = Acceptance(
        body["result"], body["signed_by"], body["exceptions"], body["signer_role"], how, body["strokes"], file
    )
    try:
        with attempt(call().session):
            handover.sign(call().session, asset, given, because=by_caller(body["reason"].strip()))
    except Invalid as err:
        drawn = {"signed_by": said(N_("Draw the whole signature, or none and type the name."))}
        return _page(asset, sign=(typed, drawn if err.field == "strokes" else _SIGN.refused(err))), 422
    except IllegalMove:
        asset.state  # noqa: B018 - as it is after what was undone
        refused = N_(
            "This is not possible now: checks are open that it needs, or it was rejected, or is in use already."
        )
        return _page(asset, sign=(typed, {"result": said(refused)})), 409
    return _back(asset)


@blueprint.get("/baselines/<uuid:id>/protocol")
@needs(Permission.READ, of=Baseline)
def handover_protocol(baseline: Baseline) -> Response:
    """What was signed, as a PDF."""
    session = call().session
    document = records.one(session, BASELINES, baseline, now=call().now)
    asset = session.get_one(Asset, baseline.asset_id)
    [unit] = casefile.find_units(session, asset_id=asset.id)
    row = _signed(document)
    said, moment = reader().text, reader().moment
    names = {
        N_("Serial number"): asset.serial_number,
        N_("Model"): f"{unit.product.manufacturer} {unit.product.model}" if unit.product else "-",
        N_("Client"): unit.client.name,
        N_("Site"): unit.site.name if unit.site else "-",
        N_("State at the hand-over"): words.word(row.result),
        N_("What is not healthy"): ", ".join(row.exceptions) or "-",
        N_("Reason"): row.reason,
    }
    made = protocols.make(
        protocols.Protocol(
            title=said(N_("Hand-over protocol")),
            language=reader().language,
            facts=tuple((said(name), text) for name, text in names.items()),
            heads=tuple(said(name) for name in (N_("Check"), N_("Outcome"), N_("Evidence"), N_("When"))),
            checks=tuple(
                (words.word(one.step), words.word(one.outcome) if one.outcome else "-", one.evidence,
                 moment(one.done_at) if one.done_at else "")
                for one in row.checks
            ),
            signed=said(
                N_("Signed by %(name)s, %(when)s (%(how)s)"),
                name=", ".join(filter(None, (row.signer, row.role))), when=moment(row.at), how=words.word(row.signature),
            ),
            strokes=row.strokes or "",
            digest=f"SHA-256 {row.digest}" if row.digest else "",
        )
    )  # fmt: skip
    headers = {"Content-Disposition": 'inline; filename="hand-over.pdf"'}
    return Response(made, mimetype="application/pdf", headers=headers)


def _back(asset: Asset) -> Answer:
    return redirect(url_for("staff.unit_handover", id=asset.public_id), 303)


def _seen(asset: Asset) -> str:
    stands = handover.newest(call().session, asset)
    return str(stands.public_id) if stands else "none"


Sent = tuple["MultiDict[str, str]", "Mapping[str, str]"]
"""What was typed, and what is wrong with it."""


def _page(asset: Asset, *, begin: Sent | None = None, check: Sent | None = None, sign: Sent | None = None) -> str:
    session, may = call().session, call().principal.may
    rows = handover.checks(session, asset)
    page = records.page(session, BASELINES, Baseline.asset_id == asset.id, now=call().now, limit=MOST_SIGNED)
    is_open = asset.state in OPEN_TO_HANDOVER
    unit_class = rows[0].unit_class if rows else None
    usual = unit_class or handover.usual_class(session, asset)
    view = HandoverView(
        head=head(asset),
        unit_class=unit_class,
        checks=tuple(_check(handover.step_document(row)) for row in rows),
        open=sum(row.is_mandatory and row.outcome is None for row in rows),
        begin=_part(
            _CLASS, "staff.begin_handover", asset, N_("Begin the hand-over") if not rows else N_("Use these checks"),
            begin, {"unit_class": usual or ""},
        ) if is_open and may(Permission.HANDLE) else None,
        check=_checks_form(asset, rows, check) if rows and may(Permission.HANDLE) else None,
        sign=_part(
            _SIGN, "staff.sign_handover", asset, N_("Sign"), sign, {}, seen=_seen(asset),
            choices={"signature_file": papers_of(asset)},
        ) if is_open and may(Permission.REGISTER) else None,
        strokes=sign[0].get("strokes", "") if sign else "",
        signed=tuple(_signed(one) for one in page.items),
    )  # fmt: skip
    return render_template("staff/handover.html", frame=views.frame(), view=view)


def head(asset: Asset) -> Head:
    """Whose page it is."""
    [unit] = casefile.find_units(call().session, asset_id=asset.id)
    return Head(
        asset.serial_number,
        _model(unit.product),
        unit.client.name,
        asset.state,
        url_for("staff.asset_detail", id=asset.public_id),
    )


def _model(product: Product | None) -> str:
    return product.model if product else ""


def papers_of(asset: Asset) -> tuple[tuple[str, str], ...]:
    """The documents of a unit, to choose from."""
    kept = units.papers(call().session, call().principal, asset)
    return tuple((str(one.public_id), one.name) for one, _ in kept)


def _part(
    form: Form,
    endpoint: str,
    asset: Asset,
    button: str,
    sent: Sent | None,
    values: Mapping[str, str],
    *,
    seen: str = "",
    choices: Mapping[str, tuple[tuple[str, str], ...]] | None = None,
) -> PartForm:
    return part(
        form, url_for(endpoint, id=asset.public_id), button, sent, values=values, seen=seen, choices=choices or {}
    )


def part(
    form: Form,
    url: str,
    button: str,
    sent: Sent | None,
    *,
    values: Mapping[str, str],
    choices: Mapping[str, tuple[tuple[str, str], ...]],
    seen: str = "",
) -> PartForm:
    """One form of a page: as it was typed, else with these values."""
    typed: Any = sent[0] if sent else None
    shown = values if typed is None else {one.input: typed.get(one.input, "") for one in form.fields}
    several = {one.input: tuple(typed.getlist(one.input)) for one in form.fields if one.kind == "checks" and typed}
    return PartForm(
        url=url,
        key=key_of(typed or {}),
        button=reader().text(button),
        fields=form.shown(choices),
        checked=several,
        seen=seen,
        values=shown,
        errors=sent[1] if sent else {},
    )


def _checks_form(asset: Asset, rows: list[HandoverStep], sent: Sent | None) -> PartForm:
    stands = {f"outcome_{row.step}": row.outcome or "" for row in rows}
    stands |= {f"evidence_{row.step}": row.evidence for row in rows}
    return PartForm(
        url=url_for("staff.check_handover", id=asset.public_id),
        key=key_of(sent[0] if sent else {}),
        button=reader().text(N_("Save the checks")),
        fields=(),
        values=stands if sent is None else sent[0],
        errors=sent[1] if sent else {},
    )


def _check(document: Document) -> CheckRow:
    return CheckRow(
        document["step"],
        document["step"].value,
        document["is_mandatory"],
        document["outcome"],
        document["evidence"],
        document["done_by"] or "",
        document["done_at"],
    )


def _signed(document: Document) -> SignedRow:
    return SignedRow(
        result=HandoverResult(document["result"]),
        exceptions=tuple(words.word(Component(one)) for one in document["exceptions"]),
        signer=document["signer_name"] or document["signed_by"],
        role=document["signer_role"],
        signature=document["signature"],
        strokes=document["strokes"],
        at=document["signed_at"],
        reason=document["reason"],
        digest=document["digest"],
        checks=tuple(_check(one) for one in document["checks"]),
        protocol_url=url_for("staff.handover_protocol", id=document["id"]),
    )


# --- a whole place ---


@blueprint.get("/handover")
@needs(Permission.READ)
def handover_list() -> str:
    """The units of a place that wait for their hand-over, with how far each is."""
    return _list(request.args, {})


@blueprint.post("/handover")
@needs(Permission.REGISTER)
def hand_over_units() -> Answer | tuple[str, int]:
    """Sign for several units of a place, each for itself: what is wrong with one loses no other."""
    typed, said = request.form, reader().text
    body, errors = _TOGETHER.read(typed)
    ids = [id_ for id_ in map(uuid_of, typed.getlist("row")) if id_ is not None][:MOST_TOGETHER]
    if not ids:
        errors = errors | {"result": said(N_("Select the units that are signed for."))}
    if errors:
        return _list(typed, errors), 422
    session, left = call().session, []
    query = select(Asset).where(Asset.public_id.in_(ids)).order_by(Asset.id).with_for_update(key_share=True)
    found = session.scalars(query).all()
    given = Acceptance(body["result"], body["signed_by"], body["exceptions"], body["signer_role"], Signature.TYPED)
    for asset in found:
        try:
            with attempt(session):
                handover.sign(session, asset, given, because=by_caller(body["reason"].strip()))
        except (IllegalMove, Invalid):
            left.append(asset.serial_number)
    done = len(found) - len(left)
    flash(said(N_("%(count)s units are signed for."), count=reader().count(done)))
    if left:
        why = N_("Not signed for, since checks are open, or they are past it: %(which)s")
        flash(said(why, which=", ".join(left)), "error")
    return redirect(_place_url(typed.get("place", "")), 303)


MOST_TOGETHER: Final = 200
_PAGE: Final = 50
_TOGETHER: Final = Form(
    BaselineBody(exclude=("signature_file",)),
    tuple(one for one in _SIGN.fields if one.name != "signature_file"),
)


def _place_url(place: str, after: str = "") -> str:
    return url_for("staff.handover_list", place=place or None, after=after or None)


def _list(given: MultiDict[str, str], errors: Mapping[str, str]) -> str:
    session = call().session
    place, last = uuid_of(given.get("place")), uuid_of(given.get("after"))
    site = session.scalars(select(Site).where(Site.public_id == place)).one_or_none() if place else None
    query = (
        select(Client).where(Client.public_id == place)
        if site is None
        else select(Client).where(Client.id == site.client_id)
    )
    client = session.scalars(query).one_or_none() if place else None
    if place is not None and client is None:
        raise Problem("not_found")
    found = handover.waiting(session, client=client, site=site, after=last, limit=_PAGE + 1)
    rows, so_far = found[:_PAGE], handover.tally(session, client=client, site=site)
    here = str(place or "")
    sent = (given, errors) if errors else None
    view = HandoverListView(
        place=here,
        name=site.name if site else client.name if client else "",
        client=client.name if client else "",
        accepted=so_far.accepted,
        rejected=so_far.rejected,
        waiting=so_far.waiting,
        rows=tuple(
            UnitRow(
                id=str(one.asset.public_id),
                serial_number=one.asset.serial_number,
                name=one.asset.name,
                model=one.product.model if one.product else "",
                state=one.asset.state,
                unit_class=one.unit_class,
                done=one.done,
                count=one.count,
                open=one.open,
                url=url_for("staff.unit_handover", id=one.asset.public_id),
            )
            for one in rows
        ),
        chosen=frozenset(given.getlist("row")),
        sign=part(
            _TOGETHER, url_for("staff.hand_over_units"), N_("Sign for the selected units"), sent, values={}, choices={}
        )
        if rows and call().principal.may(Permission.REGISTER)
        else None,
        next_url=_place_url(here, str(rows[-1].asset.public_id)) if len(found) > _PAGE else None,
        first_url=_place_url(here) if last else None,
    )
    return render_template("staff/handover_list.html", frame=views.frame(), view=view)
