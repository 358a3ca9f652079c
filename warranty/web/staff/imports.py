"""Imports: a file is dropped, its columns are said, its rows are checked, it goes in, and it can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import make_response, redirect, render_template, request, url_for

from warranty.domain.access import Permission
from warranty.models import ImportRun
from warranty.models.imports import ImportStatus
from warranty.services import imports, queries
from warranty.services.importing.columns import COLUMNS, NEEDED, Kind, Unusable, Wanted
from warranty.web import views, words
from warranty.web.api.imports import BIGGEST, rejected
from warranty.web.errors import Problem
from warranty.web.forms import key_of, read, uuid_of
from warranty.web.guards import call, needs
from warranty.web.i18n import N_, reader
from warranty.web.pages.imports import FileForm
from warranty.web.schemas.imports import UndoBody
from warranty.web.staff.room import blueprint
from warranty.web.views import imports as filled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from werkzeug.wrappers import Response

    from warranty.web.pages.imports import ImportView

KINDS = (Kind.ASSETS, Kind.CONTRACTS, Kind.PRODUCTS, Kind.CLIENTS, Kind.SITES)
READS = needs(Permission.READ, of=ImportRun, wide=True)
WRITES = needs(Permission.REGISTER, of=ImportRun, wide=True)
_OVER = N_("This import has gone on meanwhile: look at it again.")


@blueprint.get("/imports")
@needs(Permission.READ, wide=True)
def import_list() -> str:
    """The imports, newest first, and where a file is dropped."""
    return _list_page({"kind": Kind.ASSETS.value}, {})


@blueprint.post("/imports")
@needs(Permission.REGISTER, wide=True, largest=BIGGEST)
def import_file() -> Response | tuple[str, int]:
    """Take a file; nothing is read of it yet."""
    typed, said, asked = request.form, reader().text, call()
    file, errors, client = request.files.get("file"), {}, None
    if file is None or not file.filename:
        errors["file"] = said(N_("Choose a file, or drop one here."))
    if typed.get("kind") not in KINDS:
        errors["kind"] = said(N_("Say what the rows are."))
    if typed.get("client"):
        client = next((one for one in queries.clients(asked.session) if str(one.public_id) == typed["client"]), None)
        if client is None:
            errors["client"] = said(N_("There is no such client."))
    if errors or file is None:
        return _list_page(typed, errors), 422
    made = imports.draft(
        asked.session,
        file.stream,
        kind=Kind(typed["kind"]),
        file_name=file.filename or "",
        client=client,
        actor=asked.principal.actor,
        now=asked.now,
    )
    return _to(made)


def _list_page(values: Mapping[str, str], errors: dict[str, str]) -> str:
    asked, before = call(), uuid_of(request.args.get("before"))
    found, older = imports.newest(asked.session, before=before)
    form = None
    if asked.principal.may(Permission.REGISTER):
        clients = tuple((str(one.public_id), one.name) for one in queries.clients(asked.session))
        kinds = tuple((kind.value, words.word(kind)) for kind in KINDS)
        form = FileForm(
            url_for("staff.import_file"), key_of(values), kinds, clients, BIGGEST // 2**20, values=values, errors=errors
        )
    next_url = url_for("staff.import_list", before=older) if older else None
    view = filled.import_list(found, form, next_url, url_for("staff.import_list") if before else None)
    return render_template("staff/import_list.html", frame=views.frame(), view=view)


@blueprint.get("/imports/<uuid:id>")
@READS
def import_detail(made: ImportRun) -> str:
    """One import."""
    return _page(_view(made))


@blueprint.get("/imports/<uuid:id>/live")
@READS
def import_live(made: ImportRun) -> Response:
    """How far it is; 304 where that has not changed."""
    mark = filled.tag(made, imports.stands(made, call().now))
    if mark in request.if_none_match:
        return make_response("", 304)
    answer = make_response(render_template("staff/_import_live.html", view=_view(made)))
    answer.set_etag(mark)
    return answer


@blueprint.get("/imports/<uuid:id>/rejected")
@READS
def import_rejected(made: ImportRun) -> Response:
    """The refused rows, to be mended and sent again."""
    return rejected(made)


@blueprint.post("/imports/<uuid:id>/columns")
@WRITES
def import_columns(made: ImportRun) -> Response | tuple[str, int]:
    """Say what the columns are, and have the rows checked."""
    if made.status is not ImportStatus.DRAFT:
        raise Problem("illegal_move", advice=_OVER)
    kind, said = Kind(made.kind), reader().text
    chosen = {name: request.form.get(name, "") for name in COLUMNS[kind]}
    try:
        known = {column.key for column in imports.look_at(call().session, made).columns}
    except Unusable:
        return _page(_view(made)), 422
    errors: dict[str, str] = {}
    for name, key in chosen.items():
        if not key and name in NEEDED[kind]:
            errors[name] = said(N_("Say which column this is: without it no row can be taken."))
        elif key and key not in known:
            errors[name] = said(N_("The file has no such column."))
        elif key and list(chosen.values()).count(key) > 1:
            errors[name] = said(N_("This column is chosen twice."))
    if errors:
        return _page(_view(made, typed=(request.form, errors))), 422
    meaning = {key: name for name, key in chosen.items() if key}
    wanted = Wanted("auto", tuple((key, meaning.get(key, "")) for key in sorted(known)))
    return _done(made, lambda: imports.check(call().session, made, wanted, now=call().now))


@blueprint.post("/imports/<uuid:id>/go")
@WRITES
def import_go(made: ImportRun) -> Response:
    """Let a file in that was checked."""
    asked = call()
    return _done(made, lambda: imports.go_in(asked.session, made, actor=asked.principal.actor, now=asked.now))


@blueprint.post("/imports/<uuid:id>/cancel")
@WRITES
def import_cancel(made: ImportRun) -> Response:
    """Stop it after the batch at hand, or drop the file."""
    return _done(made, lambda: imports.cancel(call().session, made, now=call().now))


@blueprint.post("/imports/<uuid:id>/undo")
@WRITES
def import_undo(made: ImportRun) -> Response | tuple[str, int]:
    """Undo it, with a reason."""
    asked, typed = call(), request.form
    body, errors = read(UndoBody(), typed, {"reason": "undo_reason"})
    if errors:
        return _page(_view(made, reason=(typed, errors, ()))), 422
    try:
        imports.undo(asked.session, made, actor=asked.principal.actor, reason=body["reason"], now=asked.now)
    except imports.NotPossible as err:
        raise Problem("illegal_move", str(err), advice=_OVER) from err
    except imports.InTheWay as err:
        return _page(_view(made, reason=(typed, {}, tuple(err.obstacles)))), 409
    return _to(made)


def _to(made: ImportRun) -> Response:
    return redirect(url_for("staff.import_detail", id=made.public_id), 303)


def _done(made: ImportRun, act: Callable[[], None]) -> Response:
    try:
        act()
    except imports.NotPossible as err:
        raise Problem("illegal_move", str(err), advice=_OVER) from err
    return _to(made)


def _view(made: ImportRun, **forms: Any) -> ImportView:
    [one], _ = imports.newest(call().session, only=made)
    batch, _, place = request.args.get("problems", "").partition(".")
    is_place = len(batch + place) < 15 and batch.isdecimal() and place.isdecimal()
    return filled.import_page(one, start=(int(batch), int(place)) if is_place else (0, 0), **forms)


def _page(view: ImportView) -> str:
    return render_template("staff/import_detail.html", frame=views.frame(), view=view)
