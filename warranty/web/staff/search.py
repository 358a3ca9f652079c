"""The one search box."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from flask import redirect, render_template, request, url_for

from warranty.domain.access import Permission
from warranty.services import finding
from warranty.services.finding import Hit, Kind
from warranty.web import views
from warranty.web.guards import call, needs
from warranty.web.pages.search import Found, Group, SearchView
from warranty.web.staff.room import blueprint

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

_PAGES: Final = {
    Kind.ASSET: "staff.asset_detail",
    Kind.CASE: "staff.case_detail",
    Kind.JOB: "staff.job_detail",
    Kind.CONTRACT: "staff.contract_detail",
    Kind.CLIENT: "staff.client_detail",
}
_LISTS: Final = {Kind.ASSET: "staff.asset_list", Kind.CASE: "staff.case_list"}


@blueprint.get("/search")
@needs(Permission.READ)
def search() -> str | Response:
    """What begins with what was typed; where that is one thing's number or name, the thing itself."""
    typed = request.args.get("q", "").strip()[: finding.LONGEST]
    hits = finding.find(call().session, typed)
    exact = [hit for hit in hits if hit.is_exact]
    if len(exact) == 1:
        return redirect(_url(exact[0]), 303)
    view = SearchView(
        query=typed,
        is_short=len(typed) < finding.SHORTEST,
        groups=tuple(_group(kind, list(found), typed) for kind, found in groupby(hits, key=lambda hit: hit.kind)),
        cases_url=url_for("staff.case_list", q=typed, shows="all"),
    )
    return render_template("staff/search.html", frame=views.frame(), view=view)


def _url(hit: Hit) -> str:
    return url_for(_PAGES[hit.kind], id=hit.id)


def _group(kind: Kind, hits: list[Hit], typed: str) -> Group:
    rows = tuple(Found(_url(hit), hit.said, hit.about, hit.client) for hit in hits)
    is_cut = len(hits) >= finding.MOST_OF_A_KIND and kind in _LISTS
    return Group(kind, rows, url_for(_LISTS[kind], q=typed) if is_cut else None)
