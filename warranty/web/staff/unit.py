"""What is done with one unit: its state, its documents, and asking its vendor again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import flash, redirect, render_template, request, url_for

from vendors.contract import Duty
from warranty.domain.access import Permission
from warranty.domain.terms import AssetState
from warranty.models import Asset, Client, Fault, LookUpRun
from warranty.models.files import File
from warranty.services import casefile, estate, files, refresh, units
from warranty.services.estate import InUse
from warranty.web import views, words
from warranty.web.api.base import by_caller, held
from warranty.web.downloads import there
from warranty.web.forms import key_of, uuid_of
from warranty.web.guards import call, find, needs, runtime
from warranty.web.i18n import N_, reader
from warranty.web.pages import UploadForm
from warranty.web.pages import unit as pages
from warranty.web.schemas.contracts import TogetherBody
from warranty.web.staff import uploads
from warranty.web.staff.editing import Field, Form
from warranty.web.staff.room import blueprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

_WHY: Final = Form(
    TogetherBody(),
    (Field("reason", N_("Reason"), wrong=N_("Say why: it is kept in the history of the unit."), most=500),),
)


def _head(asset: Asset) -> pages.UnitHead:
    client = call().session.get_one(Client, asset.client_id)
    return pages.UnitHead(asset.serial_number, client.name, url_for("staff.asset_detail", id=asset.public_id))


# --- its state ---


@blueprint.get("/assets/<uuid:id>/state")
@needs(Permission.REGISTER, of=Asset)
def asset_state(asset: Asset) -> str:
    """Where a person may move the unit from here."""
    return _state_page(asset, {})


@blueprint.post("/assets/<uuid:id>/state")
@needs(Permission.REGISTER, of=Asset)
def move_asset(asset: Asset) -> Response | tuple[str, int]:
    """Move the unit, unless it has moved since the form was opened, or cannot go there."""
    asset, typed, said = held(asset), request.form, reader().text
    allowed = estate.moves_by_hand(asset.state)
    if typed.get("was", asset.state.value) != asset.state:
        late = N_("It has become %(state)s meanwhile. Nothing was done.")
        return _state_page(asset, typed, refused=said(late, state=words.word(asset.state))), 409
    body, errors = _WHY.read(typed)
    if typed.get("state") not in list(AssetState):
        errors = {"state": said(N_("Choose what becomes of it.")), **errors}
    if errors:
        return _state_page(asset, typed, errors=errors), 422
    goal = AssetState(typed["state"])
    if goal not in allowed:
        no_way = N_("It cannot become %(goal)s by hand from here. It can become: %(allowed)s.")
        names = ", ".join(map(words.word, allowed)) or said(N_("nothing"))
        return _state_page(asset, typed, refused=said(no_way, goal=words.word(goal), allowed=names)), 409
    try:
        estate.correct_asset(call().session, asset, state=goal, because=by_caller(body["reason"]))
    except InUse:
        refused = said(N_("A case of this unit is open, and moves it: close the case first."))
        return _state_page(asset, typed, refused=refused), 409
    flash(said(N_("It is changed.")))
    return redirect(url_for("staff.asset_detail", id=asset.public_id), 303)


def _state_page(
    asset: Asset, typed: Mapping[str, str], *, errors: Mapping[str, str] | None = None, refused: str = ""
) -> str:
    view = pages.StateView(
        unit=_head(asset),
        url=url_for("staff.move_asset", id=asset.public_id),
        key=key_of(typed if errors else {}),
        state=asset.state,
        allowed=tuple((goal.value, words.word(goal)) for goal in estate.moves_by_hand(asset.state)),
        has_case=estate.has_open_case(call().session, asset),
        values=typed,
        errors=errors or {},
        refused=refused,
    )
    return render_template("staff/asset_state.html", frame=views.frame(), view=view)


# --- its documents ---


@blueprint.get("/assets/<uuid:id>/documents")
@needs(Permission.READ, of=Asset)
def asset_documents(asset: Asset) -> str:
    """The files of the unit."""
    return _documents_page(asset, {})


def _documents_page(asset: Asset, errors: Mapping[str, str]) -> str:
    asked = call()
    may = asked.principal.may
    rows = units.papers(asked.session, asked.principal, asset, limit=files.MOST_OF_ONE)
    view = pages.DocumentsView(
        unit=_head(asset),
        documents=tuple(
            pages.Document(
                name=file.name,
                url=url_for("staff.download", id=file.public_id),
                size=file.size,
                at=file.uploaded_at,
                by=(user.name or user.email) if user else "",
                for_client=file.for_client,
                remove_url=url_for("staff.file_removal", id=file.public_id) if may(Permission.REGISTER) else None,
            )
            for file, user in rows
        ),
        upload=UploadForm(url_for("staff.add_document", id=asset.public_id), files.BIGGEST, errors)
        if may(Permission.HANDLE)
        else None,
    )
    return render_template("staff/asset_documents.html", frame=views.frame(), view=view)


# The service opens its own transaction, and knows what it has by its content: sent twice it is one file.
@blueprint.post("/assets/<uuid:id>/documents")
@needs(Permission.HANDLE, of=Asset, writes=False, largest=uploads.LARGEST_FORM)
def add_document(asset: Asset) -> Response | tuple[str, int]:
    """Add an invoice, a photo, a certificate or another document to a unit."""
    upload, wrong = uploads.uploaded("upload")
    if upload is None:
        return _documents_page(asset, {"upload": wrong}), 422
    page = url_for("staff.asset_documents", id=asset.public_id)
    call().session.commit()  # who asks is known: no transaction is open while the store writes
    uploads.keep(asset, upload)
    return redirect(page, 303)


@blueprint.get("/files/<uuid:id>/removal")
@needs(Permission.REGISTER, of=File)
def file_removal(file: File) -> str:
    """The form that takes a file away."""
    return _removal_page(there(file), {}, {})


@blueprint.post("/files/<uuid:id>/removal")
@needs(Permission.REGISTER, of=File)
def remove_file(file: File) -> Response | tuple[str, int]:
    """Take a file away: nobody sees it from now on."""
    file = there(held(file))
    body, errors = _WHY.read(request.form)
    if errors:
        return _removal_page(file, request.form, errors), 422
    files.remove(call().session, file, by_caller(body["reason"]))
    return redirect(_page_of(file), 303)


def _page_of(file: File) -> str:
    """Where the files of its record stand."""
    record = files.record_of(call().session, file)
    if isinstance(record, Asset):
        return url_for("staff.asset_documents", id=record.public_id)
    if isinstance(record, Fault):
        return url_for("staff.case_detail", id=record.public_id)
    return url_for("staff.board")


def _removal_page(file: File, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    view = pages.RemovalView(
        name=file.name,
        url=url_for("staff.remove_file", id=file.public_id),
        back_url=_page_of(file),
        key=key_of(typed),
        values=typed,
        errors=errors,
    )
    return render_template("staff/file_removal.html", frame=views.frame(), view=view)


# --- its vendor ---


@blueprint.post("/assets/<uuid:id>/lookup")
@needs(Permission.HANDLE, of=Asset)
def ask_vendor(asset: Asset) -> Response:
    """Have the vendor asked what covers the unit; while it is asked already, it is not asked twice."""
    asked = call()
    because = by_caller("asked on the unit's page")
    page = url_for("staff.asset_detail", id=asset.public_id)
    try:
        made = refresh.ask_unit(asked.session, runtime(), asset, because=because)
    except refresh.NobodyToAsk:
        flash(reader().text(N_("No account can ask the vendor about this unit any more.")), "error")
        return redirect(page, 303)
    asked.session.flush()
    return redirect(url_for("staff.asset_detail", id=asset.public_id, run=made.run.public_id), 303)


@blueprint.get("/assets/<uuid:id>/asking")
@needs(Permission.READ, of=Asset, wide=True)
def asset_asking(asset: Asset) -> Response | str:
    """How far the vendor has been asked: a piece of the unit's page."""
    found = asking(asset)
    if found is None:
        return redirect(url_for("staff.asset_detail", id=asset.public_id), 303)
    return render_template("staff/_asset_asking.html", asking=found)


def asking(asset: Asset) -> pages.Asking | None:
    """The order that an address names and how far it is; null where it names none."""
    asked, id_ = call(), uuid_of(request.args.get("run"))
    if id_ is None:
        return None
    run = find(LookUpRun, id_)
    [unit] = casefile.find_units(asked.session, asset_id=asset.id)
    account = unit.account_for(Duty.LOOKUP)
    how = refresh.progress(asked.session, run)
    maker = unit.product.manufacturer if unit.product else ""
    return pages.Asking(
        vendor=maker or (account.name if account else ""),
        url=url_for("staff.asset_detail", id=asset.public_id),
        live_url=url_for("staff.asset_asking", id=asset.public_id, run=run.public_id),
        is_over=how.is_over,
        is_held=bool(how.held),
        trouble=how.troubles[0] if how.troubles else "",
    )
