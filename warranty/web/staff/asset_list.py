"""The list of units: its filter, its columns, and the same as a spreadsheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, make_response, redirect, render_template, request, stream_with_context

from warranty import db
from warranty.domain.access import Permission
from warranty.services import inventory
from warranty.web import views
from warranty.web.forms import key_of
from warranty.web.guards import call, needs
from warranty.web.i18n import N_, reader
from warranty.web.pages import asset_list as pages
from warranty.web.staff.room import blueprint
from warranty.web.views import asset_list as shown

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as Answer


@blueprint.get("/assets")
@needs(Permission.READ)
def asset_list() -> str:
    """Units."""
    asked, wanted = call(), shown.filter_of(request.args)
    after = shown.cursor_of(request.args, wanted)
    where = inventory.conditions(asked.session, wanted, now=asked.now)
    rows, further = inventory.page(asked.session, wanted, where, now=asked.now, after=after)
    known = len(rows) if after is None and further is None else None
    facts = inventory.facts(asked.session, wanted, where, now=asked.now, known=known)
    view = shown.list_view(wanted, rows, facts, further, is_first=after is None)
    return render_template("staff/asset_list.html", frame=views.frame(facts.tasks), view=view)


@blueprint.get("/assets/counts")
@needs(Permission.READ)
def asset_counts() -> Response:
    """The views above the list once more, with how many units each has: asked after the list, since counting is dear."""
    view = shown.tabs_view(shown.filter_of(request.args))
    answer = make_response(render_template("staff/_asset_tabs.html", view=view))
    answer.cache_control.private, answer.cache_control.max_age = True, _FRESH_S
    return answer


_FRESH_S = 60
"""For so long a browser shows counts again without asking."""


@blueprint.get("/assets/filter")
@needs(Permission.READ)
def asset_filter() -> str:
    """What the list may be filtered by."""
    view = shown.filter_view(shown.filter_of(request.args))
    return render_template("staff/asset_filter.html", frame=views.frame(), view=view)


@blueprint.get("/assets/columns")
@needs(Permission.READ)
def asset_columns() -> str:
    """Which columns the list shows to the reader."""
    return _columns_page({})


def _columns_page(errors: dict[str, str]) -> str:
    wanted = shown.filter_of(request.args)
    here = [*shown.fields_of(wanted), *shown.order_of(wanted)]
    view = pages.ColumnsView(
        url=shown.address("staff.asset_columns", here),
        key=key_of(request.form),
        chosen=shown.chosen_columns(),
        back_url=shown.address("staff.asset_list", here),
        errors=errors,
    )
    return render_template("staff/asset_columns.html", frame=views.frame(), view=view)


@blueprint.post("/assets/columns")
@needs(Permission.READ)
def choose_asset_columns() -> Answer | tuple[str, int]:
    """Keep which columns the reader wants."""
    names = request.form.getlist("column")
    if not set(names) <= set(pages.Column):
        return _columns_page({"column": reader().text(N_("Choose columns of this list."))}), 422
    shown.choose_columns(names)
    wanted = shown.filter_of(request.args)
    return redirect(shown.address("staff.asset_list", [*shown.fields_of(wanted), *shown.order_of(wanted)]), 303)


@blueprint.get("/assets/export")
@needs(Permission.READ)
def asset_export() -> Response:
    """All units that the filter lets through, as the list shows them."""
    asked, wanted, columns = call(), shown.filter_of(request.args), shown.chosen_columns()
    is_csv = request.args.get("format") == "csv"
    scope = db.Scope(asked.principal.client_id)
    rows = map(shown.unit_row, inventory.every(asked.runtime.database, scope, wanted, now=asked.now))
    pieces = (part.encode() for part in shown.as_csv(rows, columns)) if is_csv else shown.as_xlsx(rows, columns)
    answer = Response(stream_with_context(pieces), mimetype=_CSV if is_csv else _XLSX)
    name = f"units-{reader().today.isoformat()}.{'csv' if is_csv else 'xlsx'}"
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


_CSV = "text/csv"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
