"""What the tabs of a list show, and the page on which a view of it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warranty.web.pages.forms import Form

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class ViewTab:
    """A view that somebody kept. `is_shared`: all of the staff see it; `removal_url` is null where the reader may not remove it."""

    name: str
    url: str
    is_current: bool
    is_shared: bool
    removal_url: str | None


@dataclass(frozen=True, slots=True)
class ViewTabs:
    """The kept views of a list. `save_url` leads to where views are kept and removed, null where there is none and nothing to keep.

    `is_new`: the list as it stands is filtered, and no view holds it yet.
    """

    tabs: tuple[ViewTab, ...]
    save_url: str | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class SavedViewForm(Form):
    """The page on which the list `page` is kept as `query` filters it, and the views that there are of it."""

    page: str
    query: str
    back_url: str
    tabs: tuple[ViewTab, ...]
