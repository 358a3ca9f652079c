"""The tabs of lists that people have filtered and kept: the only place that says which lists there are, and what filters each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from flask import request, url_for

from warranty.services import saved_views
from warranty.web.guards import call
from warranty.web.pages.saved_views import ViewTab, ViewTabs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warranty.models import SavedView


@dataclass(frozen=True, slots=True)
class ListPage:
    """A list whose views are kept: its endpoint, and what of its address filters or sorts it, but not where a reader stands."""

    endpoint: str
    filters: tuple[str, ...]


PAGES = {
    "board": ListPage("staff.board", ("kind", "client", "vendor", "owner")),
    "cases": ListPage("staff.case_list", ("q", "shows", "client", "vendor", "owner")),
    "assets": ListPage(
        "staff.asset_list",
        ("client", "site", "product", "maker", "state", "ownership", "cover", "days", "q", "sort"),
    ),
}
"""The lists by the name under which their views are kept. A new list adds itself here."""


def tidy(page: str, query: str) -> str:
    """What of an address filters a list, always in one order and form: so that two of the same meaning are alike."""
    return _tidy(page, parse_qsl(query, max_num_fields=100))


def parts(query: str) -> dict[str, str]:
    """The filters of a tidy address, by name."""
    return dict(parse_qsl(query))


def address(page: str, query: str) -> str:
    """Where a list stands filtered so."""
    path = url_for(PAGES[page].endpoint)
    return f"{path}?{query}" if query else path


def tabs(page: str) -> ViewTabs:
    """The kept views of a list beside the address that is asked for; one statement."""
    here = _tidy(page, request.args.items(multi=True))
    shown = found(page, here)
    save_url = url_for("staff.saved_view_new", page=page, query=here) if here or shown else None
    return ViewTabs(shown, save_url, is_new=bool(here) and not any(tab.is_current for tab in shown))


def found(page: str, here: str) -> tuple[ViewTab, ...]:
    """The kept views that the reader may choose from; ``here`` is how the list is filtered now."""
    asked = call()
    user_id = asked.principal.user_id
    assert user_id is not None  # pages are for people, who have one
    return tuple(_tab(view, here) for view in saved_views.of_page(asked.session, page, user_id))


def _tab(view: SavedView, here: str) -> ViewTab:
    may_remove = saved_views.may_remove(call().principal, view)
    return ViewTab(
        name=view.name,
        url=address(view.page, tidy(view.page, view.query)),
        is_current=view.query == here,
        is_shared=view.is_shared,
        removal_url=url_for("staff.remove_saved_view", id=view.public_id) if may_remove else None,
    )


def _tidy(page: str, given: Iterable[tuple[str, str]]) -> str:
    known = PAGES[page].filters
    kept = {(name, value.strip()) for name, value in given if name in known and value.strip()}
    return urlencode(sorted(kept, key=lambda one: (known.index(one[0]), one[1])))
