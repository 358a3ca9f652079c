"""What the staff's report of a fault shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warranty.web.pages.forms import Typed

if TYPE_CHECKING:
    from datetime import datetime

    from warranty.domain.terms import Component
    from warranty.web.pages import Sign, Subject, VerdictView


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case that is open on the unit."""

    url: str
    component: Component
    component_ref: str


@dataclass(frozen=True, slots=True)
class UnitView:
    """A unit that the typed label means.

    `instead_of` is the serial of the replaced unit whose label was read. `covered_today` (null where several are to be chosen
    from): who would pay if the whole unit failed now. `last_swap_at` is null where nothing was ever swapped.
    """

    id: str
    subject: Subject
    asset_tag: str = ""
    instead_of: str = ""
    covered_today: Sign | None = None
    open_cases: tuple[OpenCase, ...] = ()
    last_swap_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PreviewView:
    """What would become of the report: `state` is `empty`, `unknown`, `foreign`, `ambiguous`, `incomplete` or `decided`.

    `foreign` is a code of ours that no unit here has. `choices`: the units that share the label; `choice` the id of the one that
    was chosen, or `none`. `asks_for`: what the vendor requires (`contact`, `ship_to`, `diagnosis` …) and nobody has filled in
    at the unit's site or product. `contact` and `address`: whom and where the vendor is told if the report says nothing
    else. `may_register`: whether the reader may register an unknown unit; `sites` of the chosen client and `products` that
    fit what is typed, to choose from.
    """

    state: str
    unit: UnitView | None = None
    verdict: VerdictView | None = None
    vendor: str | None = None
    needs_client: bool = False
    asks_for: tuple[str, ...] = ()
    contact: str = ""
    address: str = ""
    choices: tuple[UnitView, ...] = ()
    choice: str = ""
    may_register: bool = False
    sites: tuple[tuple[str, str], ...] = ()
    products: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportView(Typed):
    """The report form: what was typed, and what is wrong with it (messages by field, in the reader's words).

    `biggest` and `biggest_together` are the most bytes that a photo and all of them may have. `draft_at`: it goes on with
    what its author kept then.
    """

    preview: PreviewView
    key: str
    clients: tuple[tuple[str, str], ...] = ()
    most_photos: int = 8
    biggest: int = 0
    biggest_together: int = 0
    draft_at: datetime | None = None
