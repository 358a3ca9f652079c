"""What the search shows that does not lead to one thing at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found: what fits of it, what else names it, and whose it is."""

    url: str
    said: str
    about: str
    client: str


@dataclass(frozen=True, slots=True)
class Group:
    """Things of one kind, a word of `finding.Kind`; ``more_url`` leads to a list that shows all of them, if there is one."""

    kind: str
    rows: tuple[Found, ...]
    more_url: str | None


@dataclass(frozen=True, slots=True)
class SearchView:
    """What begins with what was typed. ``is_short``: too little was typed to look for."""

    query: str
    is_short: bool
    groups: tuple[Group, ...]
    cases_url: str
