"""Labels for units: named ones, or all of a client or of one of its sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, redirect, render_template, request, url_for

from warranty.domain.access import Permission
from warranty.models import Asset, Client, Site
from warranty.services import labels, queries
from warranty.services.labels import SHEETS, Label
from warranty.web import views
from warranty.web.errors import Problem
from warranty.web.forms import uuid_of
from warranty.web.guards import call, find, needs, runtime
from warranty.web.i18n import N_, reader
from warranty.web.pages.labels import LabelsView
from warranty.web.staff.room import blueprint

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from werkzeug.wrappers import Response as Answer


NAMING = ("asset", "site", "client")
"""The fields that name units."""


@blueprint.get("/labels")
@needs(Permission.READ)
def labels_new() -> str:
    """Which sheet, and where on it to begin."""
    return _page({})


@blueprint.get("/labels/sheet")
@needs(Permission.READ)
def labels_sheet() -> Answer | tuple[str, int]:
    """The sheets, as a PDF to print at full size."""
    rows, _ = _wanted(call().session)
    if not any(request.args.get(name) for name in NAMING):
        return redirect(url_for("staff.labels_new"), 303)
    typed, errors = request.args, {}
    sheet, used = SHEETS.get(typed.get("sheet", "")), typed.get("used", "").strip() or "0"
    if sheet is None:
        errors["sheet"] = reader().text(N_("Choose the sheet that is in the printer."))
    if not (used.isascii() and used.isdigit()) or (sheet and int(used[:4]) >= sheet.places):
        errors["used"] = reader().text(N_("Enter how many labels are gone from the first sheet, 0 for a full one."))
    if errors or sheet is None or not 0 < len(rows) <= labels.MOST:
        return _page(errors), 422
    made = labels.make(
        [_label(*row) for row in rows],
        sheet,
        used=int(used),
        title=reader().text(N_("Labels")),
        language=reader().language,
    )
    return Response(made, mimetype="application/pdf", headers={"Content-Disposition": 'inline; filename="labels.pdf"'})


def _label(unit: Asset, model: str, owner: str) -> Label:
    url = runtime().settings.base_url + url_for("staff.asset_detail", id=unit.public_id)
    name = " ".join(filter(None, (unit.name, model)))
    return Label(unit.serial_number, unit.asset_tag or "", name, owner, url)


def _wanted(session: Session) -> tuple[list[tuple[Asset, str, str]], str]:
    """The units that the address names, and whose they are in words."""
    named = [uuid_of(one) for one in request.args.getlist("asset")]
    if len(named) > labels.MOST or None in named:
        raise Problem("not_found")
    units = [find(Asset, one) for one in dict.fromkeys(named) if one is not None]
    site_id, client_id = uuid_of(request.args.get("site")), uuid_of(request.args.get("client"))
    site = find(Site, site_id) if site_id else None
    client = find(Client, client_id) if client_id else None
    rows = labels.wanted(session, units=units, client=client, site=site)
    return rows, site.name if site else client.name if client else ""


def _page(errors: dict[str, str]) -> str:
    session = call().session
    rows, whose = _wanted(session)
    keeps = tuple((name, value) for name in NAMING for value in request.args.getlist(name) if value)
    view = LabelsView(
        url=url_for("staff.labels_sheet"),
        count=len(rows),
        most=labels.MOST,
        whose=whose,
        keeps=keeps,
        sheets=tuple(
            (one.name, f"{one.name}: {one.columns} \u00d7 {one.rows}, {one.width_mm:.0f} \u00d7 {one.height_mm:.0f} mm")
            for one in SHEETS.values()
        ),
        clients=() if keeps else tuple((str(one.public_id), one.name) for one in queries.clients(session)),
        values=request.args,
        errors=errors,
    )
    return render_template("staff/labels.html", frame=views.frame(), view=view)
