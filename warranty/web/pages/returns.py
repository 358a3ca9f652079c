"""What the pages of returns show: which units must go back, and one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warranty.web.pages.forms import Form

if TYPE_CHECKING:
    from datetime import date

    from warranty.domain.lifecycles import ShipmentState
    from warranty.domain.returns import Blame, CostKind
    from warranty.domain.terms import Party
    from warranty.services.returns import Exposure
    from warranty.web.pages.registry import ListFrame

Choice = tuple[str, str]


@dataclass(frozen=True, slots=True)
class ReturnRow:
    """A return in the list. `days`: how many are left, below zero where it is overdue; null where nobody knows the day."""

    url: str
    due_on: date | None
    days: int | None
    serial: str
    what: str
    client: str
    client_url: str
    vendor: str
    holder: str
    exposure: tuple[int, str] | None


@dataclass(frozen=True, slots=True)
class ReturnsView:
    """The list of returns. `spans` and `holders` are name, address, and whether it is the one that is shown."""

    rows: tuple[ReturnRow, ...]
    whole: Exposure
    owners: tuple[tuple[str, str, Exposure], ...]
    spans: tuple[tuple[str, str, bool], ...]
    holders: tuple[tuple[str, str, bool], ...]
    list: ListFrame
    client: str | None
    all_clients_url: str


@dataclass(frozen=True, slots=True)
class CostRow:
    """What a return cost."""

    kind: CostKind
    minor: int
    currency: str
    payer: Party
    blame: Blame
    reason: str
    is_settled: bool


@dataclass(frozen=True, slots=True)
class PlanForm(Form):
    """Who has the unit, where it goes, what is billed. `who` are pairs of value and name."""

    seen: str
    who: tuple[Choice, ...]
    currency: str


@dataclass(frozen=True, slots=True)
class CostForm(Form):
    """What the vendor bills."""

    seen: str
    kinds: tuple[Choice, ...]
    payers: tuple[Choice, ...]
    blames: tuple[Choice, ...]
    currency: str


@dataclass(frozen=True, slots=True)
class KeptForm(Form):
    """The certificate of destruction. `files` are those of the case."""

    seen: str
    files: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class ReturnView:
    """One return. `basis` says where the day comes from, in words; `slip_url` null: there is no RMA number yet."""

    case_reference: str
    case_url: str
    state: ShipmentState
    serial: str
    unit_url: str
    what: str
    client: str
    client_url: str
    vendor: str
    rma_number: str
    due_on: date | None
    days: int | None
    basis: str
    told_on: date | None
    rule_on: date | None
    send_by: date | None
    reminded: int
    exposure: tuple[int, str] | None
    is_vendors_charge: bool
    holder: str
    holder_reason: str
    sent: str
    certificate: str
    costs: tuple[CostRow, ...]
    slip_url: str | None
    plan: PlanForm | None
    cost: CostForm | None
    kept: KeptForm | None

    @property
    def has_errors(self) -> bool:
        """Whether a form came back."""
        return any(form is not None and form.errors for form in (self.plan, self.cost, self.kept))
