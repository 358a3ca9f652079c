"""What the page of a swap shows, and what may be said there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warranty.web.pages.forms import Form

if TYPE_CHECKING:
    from warranty.domain.lifecycles import SwapKind, SwapSource, SwapState
    from warranty.web.pages import Subject

Choices = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit by its serial number, and its page; null where it has none yet."""

    serial_number: str
    url: str | None


@dataclass(frozen=True, slots=True)
class SwapForm(Form):
    """One thing that may be said of a swap: ``act`` says which, ``choices`` what there is to choose from."""

    act: str
    seen: str
    choices: Choices = ()


@dataclass(frozen=True, slots=True)
class SwapView:
    """The page of a swap. ``told`` is the serial that the vendor told, ``owed_url`` where it stands what the case still owes."""

    case_url: str
    owed_url: str
    case_reference: str
    subject: Subject
    kind: SwapKind
    source: SwapSource
    state: SwapState
    told: str
    old: Unit
    new: Unit | None
    substitute: str
    lent: Unit | None = None
    is_closed: bool = False
    scan: SwapForm | None = None
    move: SwapForm | None = None
    contract: SwapForm | None = None
    lend: SwapForm | None = None
    take_back: SwapForm | None = None
    shelve: SwapForm | None = None
    close: SwapForm | None = None

    @property
    def errors(self) -> bool:
        """Whether a form came back."""
        forms = (self.scan, self.move, self.contract, self.lend, self.take_back, self.shelve, self.close)
        return any(form is not None and form.errors for form in forms)


@dataclass(frozen=True, slots=True)
class OwedView:
    """What a case still owes before it may be closed, in words."""

    case_url: str
    case_reference: str
    is_closed: bool
    debts: tuple[str, ...]
