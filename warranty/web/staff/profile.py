"""Everybody's own page: how they read, and who stands in while they are away."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from flask import flash, redirect, render_template, request, session, url_for

from warranty.domain.access import Permission
from warranty.models import Absence, User
from warranty.models.people import Theme
from warranty.services import owners, people
from warranty.services.estate import Invalid
from warranty.services.moves import Because
from warranty.web import views
from warranty.web.forms import digest, is_late, key_of, uuid_of
from warranty.web.guards import call, needs
from warranty.web.i18n import LANGUAGES, N_, reader
from warranty.web.pages.profile import AwayForm, AwayRow, ProfileView
from warranty.web.staff.room import blueprint
from warranty.web.views.colleagues import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

    from warranty.services.owners import Away

Typed = tuple["Mapping[str, str]", dict[str, str]]
SYSTEM = "system"
"""What a form calls it where nothing is chosen, and the reader's own system decides."""


@cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


@blueprint.get("/profile")
@needs(Permission.READ, Permission.READ_OWN)
def profile() -> str:
    """The page."""
    return _page()


@blueprint.post("/profile")
@needs(Permission.READ, Permission.READ_OWN)
def save_profile() -> Response | tuple[str, int]:
    """Keep how somebody reads."""
    user, typed = _user(lock=True), request.form
    if is_late(typed, _seen(user)):
        said = N_("You have changed it in another window meanwhile. Look at it again, then save.")
        return _page(profile=(typed, {"name": reader().text(said)})), 409
    errors = _wrong(typed)
    if not errors:
        try:
            people.set_profile(
                call().session,
                user,
                name=typed.get("name", ""),
                language=typed.get("language") if typed.get("language") in LANGUAGES else None,
                time_zone=typed.get("time_zone", "").strip() or None,
                theme=Theme(typed["theme"]) if typed.get("theme") in list(Theme) else None,
                single_keys="single_keys" in typed,
                because=_because("changed on their own page"),
            )
        except Invalid:
            errors["name"] = reader().text(N_("This is too long, or holds signs that nobody types."))
    if errors:
        return _page(profile=(typed, errors)), 422
    session.pop("language", None)  # what is kept counts, wherever else they had switched
    if user.language:
        session["language"] = user.language
    flash(reader().text(N_("Kept.")))
    return redirect(url_for("staff.profile"), 303)


def _wrong(typed: Mapping[str, str]) -> dict[str, str]:
    zone = typed.get("time_zone", "").strip()
    if zone and zone not in _zones():
        return {"time_zone": reader().text(N_("There is no such time zone: choose one of the list."))}
    return {}


# --- away ---


@blueprint.post("/profile/absences")
@needs(Permission.HANDLE)
def add_absence() -> Response | tuple[str, int]:
    """Say when one is away, and who stands in."""
    typed, asked = request.form, call()
    begins, ends = _day(typed.get("begins_on")), _day(typed.get("ends_on"))
    stand_in = owners.colleague(asked.session, uuid_of(typed.get("stand_in")))
    errors = {}
    if begins is None:
        errors["begins_on"] = reader().text(N_("Give the first day."))
    if ends is None:
        errors["ends_on"] = reader().text(N_("Give the last day."))
    if stand_in is None:
        errors["stand_in"] = reader().text(N_("Choose who stands in."))
    if begins and ends and stand_in:
        try:
            owners.add_absence(
                asked.session,
                _user(lock=True),
                stand_in,
                begins_at=_start(begins),
                ends_at=_start(ends + timedelta(days=1)),
                because=_because("said on their own page"),
            )
        except Invalid as err:
            errors[_AWAY_FIELDS[err.field]] = reader().text(_AWAY_REFUSED[err.field])
    if errors:
        return _page(away=(typed, errors)), 422
    return redirect(url_for("staff.profile", _anchor="away"), 303)


_AWAY_FIELDS = {"stand_in": "stand_in", "begins_at": "begins_on", "ends_at": "ends_on"}
_AWAY_REFUSED = {
    "stand_in": N_("This is nobody who can stand in for you."),
    "begins_at": N_("You are away then already."),
    "ends_at": N_("This is over, or ends before it begins."),
}


@blueprint.post("/profile/absences/ending")
@needs(Permission.HANDLE)
def end_absence() -> Response:
    """Be back early, or not go at all."""
    id_ = uuid_of(request.form.get("absence"))
    if id_ is not None:
        owners.end_absence(call().session, _user(lock=True), id_, _because("back, or not gone"))
    return redirect(url_for("staff.profile", _anchor="away"), 303)


def _day(text: str | None) -> date | None:
    try:
        found = date.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return found if 2000 <= found.year < 2200 else None


def _start(day: date) -> datetime:
    """When a day begins on the reader's clock."""
    return datetime.combine(day, time(), reader().zone).astimezone(UTC)


# --- the page ---


def _user(*, lock: bool = False) -> User:
    return call().session.get_one(User, call().principal.user_id, with_for_update=lock or None, populate_existing=True)


def _because(reason: str) -> Because:
    return Because(call().principal.actor, reason, call().now)


def _values(user: User) -> dict[str, str]:
    kept = {
        "name": user.name,
        "language": user.language or SYSTEM,
        "time_zone": user.time_zone or "",
        "theme": user.theme or SYSTEM,
    }
    return kept | ({"single_keys": "on"} if user.single_keys else {})


def _seen(user: User) -> str:
    return digest(_values(user))


def _page(*, profile: Typed | None = None, away: Typed | None = None) -> str:
    user = _user()
    key = key_of(*(form[0] for form in (profile, away) if form))
    values, errors = profile or (_values(user), {})
    view = ProfileView(
        layout="layout/portal.html" if user.client_id is not None else "layout/staff.html",
        email=user.email,
        key=key,
        seen=_seen(user),
        zones=_zones(),
        values=values,
        errors=errors,
        away=_away(user, key, *(away or ({}, {}))) if call().principal.may(Permission.HANDLE) else None,
    )
    return render_template("staff/profile.html", frame=views.frame(), view=view)


def _away(user: User, key: str, values: Mapping[str, str], errors: Mapping[str, str]) -> AwayForm:
    asked = call()
    staff = [one for one in owners.colleagues(asked.session) if one.deactivated_at is None and one.id != user.id]
    return AwayForm(
        key=key,
        choices=tuple((str(one.public_id), name_of(one)) for one in staff),
        mine=tuple(map(_row, owners.absences(asked.session, user, asked.now))),
        others=tuple(map(_row, owners.stood_in_for(asked.session, user, asked.now))),
        values=values,
        errors=errors,
    )


def _row(away: Away) -> AwayRow:
    row: Absence = away.row
    return AwayRow(
        str(row.public_id), name_of(away.stand_in), row.begins_at, row.ends_at, has_begun=row.begins_at <= call().now
    )
