"""What the pages of a hand-over and of a unit's end show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from warranty.web.pages.forms import Form

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from warranty.domain.handover import HandoverResult, Sanitization, Signature, StepKey, StepOutcome, UnitClass
    from warranty.domain.terms import AssetState
    from warranty.web.pages.registry import FieldView


@dataclass(frozen=True, slots=True)
class PartForm(Form):
    """One form among others of a page. ``seen`` is the version of what it was made of, ``checked`` as of ``FormView``."""

    button: str
    fields: tuple[FieldView, ...]
    checked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """Whose page it is."""

    serial_number: str
    model: str
    client: str
    state: AssetState
    url: str


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check; ``name`` is that of its fields."""

    step: StepKey
    name: str
    is_mandatory: bool
    outcome: StepOutcome | None
    evidence: str
    done_by: str
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignedRow:
    """One baseline; ``strokes`` is a drawn signature, ``protocol_url`` its paper."""

    result: HandoverResult
    exceptions: tuple[str, ...]
    signer: str
    role: str
    signature: Signature
    strokes: str | None
    at: datetime
    reason: str
    digest: str | None
    checks: tuple[CheckRow, ...]
    protocol_url: str


@dataclass(frozen=True, slots=True)
class HandoverView:
    """The hand-over of one unit; a form that the reader may not send is null."""

    head: Head
    unit_class: UnitClass | None
    checks: tuple[CheckRow, ...]
    open: int
    begin: PartForm | None
    check: PartForm | None
    sign: PartForm | None
    strokes: str
    signed: tuple[SignedRow, ...]


@dataclass(frozen=True, slots=True)
class MediumRow:
    """One medium; ``certificate`` is its number."""

    method: Sanitization
    serial_number: str
    tool: str
    done_by: str
    done_on: date
    certificate: str
    file_url: str | None


@dataclass(frozen=True, slots=True)
class DisposalRow:
    """Who took the unit."""

    recycler: str
    document: str
    disposed_on: date
    file_url: str | None


@dataclass(frozen=True, slots=True)
class CoverRow:
    """What was bought for the unit alone and still runs."""

    number: str
    name: str
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class RetirementView:
    """The end of one unit; a form that is not to be sent now, or not by the reader, is null."""

    head: Head
    is_retired: bool
    media: tuple[MediumRow, ...]
    disposal: DisposalRow | None
    covers: tuple[CoverRow, ...]
    retire: PartForm | None
    medium: PartForm | None
    dispose: PartForm | None
    settle: PartForm | None


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One unit that waits: `done` of `count` checks, `open` of those that it needs."""

    id: str
    serial_number: str
    name: str
    model: str
    state: AssetState
    unit_class: UnitClass | None
    done: int
    count: int
    open: int
    url: str


@dataclass(frozen=True, slots=True)
class HandoverListView:
    """The units of a place (null and empty: everywhere) that wait; how many of all its units are through."""

    place: str
    name: str
    client: str
    accepted: int
    rejected: int
    waiting: int
    rows: tuple[UnitRow, ...]
    chosen: frozenset[str]
    sign: PartForm | None
    next_url: str | None
    first_url: str | None
