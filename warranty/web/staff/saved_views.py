"""Lists as people have filtered them, kept under a name: to keep one, and to take one away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash, redirect, render_template, request, url_for

from warranty.domain.access import Permission
from warranty.models import SavedView
from warranty.services import saved_views
from warranty.services.estate import Invalid
from warranty.services.moves import Because
from warranty.web import views
from warranty.web.errors import Problem
from warranty.web.forms import key_of
from warranty.web.guards import call, needs
from warranty.web.i18n import N_, reader
from warranty.web.pages.saved_views import SavedViewForm
from warranty.web.staff.room import blueprint
from warranty.web.views import saved_views as kept

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

_REFUSED = {
    "name": N_("Give the view a name of at most 60 characters."),
    "query": N_("This list is filtered by more than a view can hold. Remove filters first."),
    "views": N_("You have 50 views of this list. Remove one first."),
}


@blueprint.get("/views/new")
@needs(Permission.READ, wide=True)
def saved_view_new() -> str:
    """Where the list that one comes from is kept, and the kept ones are taken away."""
    return _page(request.args, {})


@blueprint.post("/views")
@needs(Permission.READ, wide=True)
def keep_view() -> Response | tuple[str, int]:
    """Keep a list as it is filtered."""
    asked, typed = call(), request.form
    page, query = _list_of(typed)
    assert asked.principal.user_id is not None  # pages are for people, who have one
    try:
        view = saved_views.keep(
            asked.session,
            asked.principal.user_id,
            page,
            name=typed.get("name", ""),
            query=query,
            is_shared=typed.get("is_shared") == "yes",
            because=Because(asked.principal.actor, "kept a view", asked.now),
        )
    except Invalid as err:
        said = reader().text(_REFUSED[err.field])
        return _page(typed, {"name": said}), 422
    flash(reader().text(N_("“%(name)s” is among the views now."), name=view.name))
    return redirect(kept.address(page, query), 303)


@blueprint.post("/views/<uuid:id>/removal")
@needs(Permission.READ, of=SavedView, wide=True)
def remove_saved_view(view: SavedView) -> Response:
    """Take a view away: one's own, or as whoever decides one that all see."""
    asked = call()
    if not view.is_shared and view.user_id != asked.principal.user_id:
        raise Problem("not_found")
    because = Because(asked.principal.actor, "took a view away", asked.now)
    page = view.page
    try:
        saved_views.remove(asked.session, asked.principal, view, because)
    except saved_views.NotYours as err:
        raise Problem("forbidden") from err
    return redirect(kept.address(page, ""), 303)


def _page(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    page, query = _list_of(typed)
    form = SavedViewForm(
        url=url_for("staff.keep_view"),
        key=key_of(typed),
        page=page,
        query=query,
        back_url=kept.address(page, query),
        tabs=kept.found(page, query),
        values=typed,
        errors=errors,
    )
    return render_template("staff/saved_view_new.html", frame=views.frame(), view=form)


def _list_of(typed: Mapping[str, str]) -> tuple[str, str]:
    """Which list, and how it is filtered."""
    page = typed.get("page", "")
    if page not in kept.PAGES:
        raise Problem("not_found")
    try:
        return page, kept.tidy(page, typed.get("query", ""))
    except ValueError as err:  # more parts than anybody filters by
        raise Problem("bad_request") from err
