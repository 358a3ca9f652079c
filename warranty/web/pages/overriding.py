"""What the page of an override shows, and what a second person is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warranty.web.pages.forms import Typed

if TYPE_CHECKING:
    from warranty.domain.terms import OverrideCode, Party, Share, VerdictWord
    from warranty.web.pages import Sign, Subject


@dataclass(frozen=True, slots=True)
class Ending:
    """A claim or a job that would end, or has to end first: `record` is `rma` or `job`."""

    record: str
    number: str


@dataclass(frozen=True, slots=True)
class OutlookView:
    """What an override would do; `payers` are of each share who pays, and by what name.

    `holds`: what the old verdict ordered and does not let go. `refused`: what is not yet right about it, in words.
    """

    sign: Sign | None = None
    payers: tuple[tuple[Share, Party | None, str | None], ...] = ()
    vendor: str | None = None
    ends: tuple[Ending, ...] = ()
    needs_second: bool = False
    holds: Ending | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class OverrideView(Typed):
    """The page of an override: `coverages` are pairs of id and name. `seen` is the verdict that the form was made for."""

    url: str
    preview_url: str
    case_url: str
    case_reference: str
    subject: Subject
    present: Sign | None
    key: str
    seen: str
    coverages: tuple[tuple[str, str], ...]
    outlook: OutlookView | None = None


@dataclass(frozen=True, slots=True)
class OpinionForm(Typed):
    """What a second person agrees to or refuses; `url` is null where the reader asked for it themself."""

    url: str | None
    key: str
    seen: str
    asked_by: str
    verdict: VerdictWord
    code: OverrideCode
    reason: str
