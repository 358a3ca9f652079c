"""What the page of a verdict's evidence shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from warranty.domain.reasons import Reason
    from warranty.domain.terms import Share
    from warranty.web.pages import Outcome, Sign, Subject


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a contract for one share."""

    share: Share
    outcome: Outcome
    reason: Reason


@dataclass(frozen=True, slots=True)
class Said:
    """What evidence said, in words; `age` is how old it was when the verdict was taken. `answer` is its place on the page."""

    text: str
    at: datetime | None = None
    age: timedelta | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One contract: what became of it for each share, and what its evidence said."""

    name: str
    number: str
    zone: str
    results: tuple[Result, ...]
    said: Said


@dataclass(frozen=True, slots=True)
class Answer:
    """A vendor's answer as it came; `id` is its place on the page."""

    id: str
    account: str
    at: datetime
    raw: str


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """What a verdict rests on. `unit` is null where no unit was known; `attested`: a person vouched that nothing else covers it."""

    reference: str
    case_url: str
    subject: Subject
    sign: Sign
    decided_at: datetime
    decided_by: str | None
    is_newest: bool
    engine: str
    unit: Said | None
    attested: bool
    rows: tuple[EvidenceRow, ...]
    answers: tuple[Answer, ...]
