"""How a setting is changed on a page: its consequences are looked at first, and nobody's change is lost under another's.

A form carries the version of what it was made of, and a mark of what was looked at. Whoever sends it without having looked
at exactly this, or after somebody else has changed the same thing, gets the page again with all that they typed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from warranty.web.api.base import by_caller
from warranty.web.forms import digest
from warranty.web.i18n import N_, reader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from warranty.services.moves import Because

LOOK = 200
OVERTAKEN = 409
WRONG = 422


@dataclass(frozen=True, slots=True)
class Change:
    """What was sent. ``status`` is what the page answers with that shows it again; null: it can be saved.

    ``body`` is what the service takes, ``seen`` the mark of it where it can be read.
    """

    typed: Mapping[str, str]
    body: dict[str, Any]
    errors: dict[str, str]
    seen: str
    status: int | None

    @property
    def because(self) -> Because:
        """Who changes it, why, and when."""
        return by_caller(self.typed["reason"].strip())


def tidy(text: str) -> str:
    """A text as it is compared: what a browser does to the ends of lines is no change."""
    return "\n".join(line.strip() for line in text.splitlines()).strip()


def take(
    typed: Mapping[str, str],
    stands: Mapping[str, str],
    read: Callable[[Mapping[str, str]], tuple[dict[str, Any], dict[str, str]]],
    *,
    saves: bool,
) -> Change:
    """What a form says, and whether it can be saved.

    Args:
        typed: what was sent.
        stands: the values of the same fields as they count now; their row is locked where the form is to be saved.
        read: makes what the service takes of them, and says what is wrong, by field.
        saves: whether it was sent to be saved, and not to be looked at.
    """
    values = {name: tidy(typed.get(name, "")) for name in stands}
    body, errors = read(values)
    seen = "" if errors else digest(dict(values))
    if not errors and values == stands:
        errors["unchanged"] = reader().text(N_("Nothing differs from what counts now."))
    if saves and not errors and not typed.get("reason", "").strip():
        errors["reason"] = reader().text(N_("Say why: it is kept with the change."))
    if typed.get("version") != digest(dict(stands)):
        return Change(typed, body, errors, seen, OVERTAKEN)
    if errors:
        return Change(typed, body, errors, seen, WRONG)
    if saves and typed.get("seen") != seen:
        errors["look"] = reader().text(N_("You changed something after you looked. This is what it does now."))
        return Change(typed, body, errors, seen, WRONG)
    return Change(typed, body, errors, seen, None if saves else LOOK)


def refused(change: Change, errors: dict[str, str]) -> Change:
    """What could be read, and the service refused all the same."""
    return replace(change, errors=errors, status=WRONG)
