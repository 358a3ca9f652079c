"""From who looks after a case to what its page shows of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from warranty.domain.access import Permission
from warranty.services import people
from warranty.web.guards import call
from warranty.web.pages.colleagues import Owner, OwnerForm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from warranty.models import AuditRow, User
    from warranty.services.queries import Case


EVERYBODY = "all"
"""What a form names where a case goes back to all."""


def name_of(user: User) -> str:
    """What people call somebody."""
    return user.name or user.email


def owner(found: Case) -> Owner | None:
    """Who looks after a case, and who does while they are away."""
    if found.owner is None:
        return None
    has = found.away.stand_in if found.away else found.owner
    return Owner(
        name=name_of(found.owner),
        is_reader=has.id == call().principal.user_id,
        away_until=found.away.row.ends_at if found.away else None,
        stand_in=name_of(found.away.stand_in) if found.away else None,
    )


def seen(user: User | None) -> str:
    """What a form carries of the owner that it was made for."""
    return str(user.public_id) if user else ""


def owner_form(
    found: Case,
    staff: Iterable[User],
    key: str,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> OwnerForm | None:
    """To whom the case may be handed, where the caller may."""
    asked = call().principal
    if not asked.may(Permission.HANDLE):
        return None
    active = [one for one in staff if one.deactivated_at is None and one.id != found.fault.owner_id]
    return OwnerForm(
        url=url_for("staff.hand_over", id=found.fault.public_id),
        key=key,
        seen=seen(found.owner),
        mine=next((str(one.public_id) for one in active if one.id == asked.user_id), None),
        choices=tuple((str(one.public_id), name_of(one)) for one in active if one.id != asked.user_id),
        values=values or {},
        errors=errors or {},
    )


def handed(row: AuditRow, staff: Iterable[User]) -> tuple[str, dict[str, str]]:
    """How a hand-over is told, and the names that the sentence has."""
    names = {people.actor_of(one): name_of(one) for one in staff}
    detail: Mapping[str, Any] = row.detail or {}
    if detail["is"] is None:
        return "given_back", {}
    has, meant = str(detail["is"]), str(detail["meant"])
    if has != meant:
        return "handed_to_stand_in", {"to": names.get(has, has), "meant": names.get(meant, meant)}
    return "taken" if has == row.actor else "handed_over", {"to": names.get(has, has)}
