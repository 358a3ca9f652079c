"""Calendars in the settings: what hours and holidays count, and what a change would do before it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import flash, redirect, render_template, request, url_for

from warranty.domain.access import Permission
from warranty.models import BusinessCalendar
from warranty.services import calendars, settings
from warranty.services.estate import Invalid
from warranty.web import changes, views
from warranty.web.api.base import held
from warranty.web.changes import Change
from warranty.web.forms import digest
from warranty.web.guards import call, needs
from warranty.web.i18n import N_, reader
from warranty.web.pages import settings as pages
from warranty.web.staff.room import blueprint
from warranty.web.views import settings as shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from werkzeug.wrappers import Response

_NEW: Final = {"name": "", "hours": "mon-fri 08:00-17:00", "time_zone": "", "region": "", "exceptions": ""}
_MOST: Final = {"name": 120, "hours": 500, "time_zone": 64, "region": 16, "exceptions": 20_000}
_MOST_DAYS: Final = 12
_WRONG: Final = {
    "name": N_("Give it a name that no other calendar has."),
    "hours": N_("Write hours like mon-fri 08:00-12:00,13:00-17:00; sat 09:00-12:00, or 24x7."),
    "time_zone": N_("Write the time zone like Europe/Berlin."),
    "region": N_("Write the region like DE, DE-BY or GB-ENG; its holidays have to be known."),
    "exceptions": N_("Write one day a line, like 2026-12-24 08:00-12:00, or 2026-12-31 closed."),
}


@blueprint.get("/settings/calendars")
@needs(Permission.READ, wide=True)
def calendar_list() -> str:
    """The calendars."""
    rows = calendars.listed(call().session)
    view = pages.SettingsList(
        area="calendars",
        places=shown.places(),
        rows=tuple(
            pages.CalendarLine(
                row.name, url_for("staff.calendar_detail", id=row.public_id), row.hours, row.time_zone, row.region
            )
            for row in rows
        ),
        add_url=url_for("staff.calendar_new") if call().principal.may(Permission.REGISTER) else None,
    )
    return render_template("staff/settings_list.html", frame=views.frame(), view=view)


@blueprint.get("/settings/calendars/new")
@needs(Permission.REGISTER, wide=True)
def calendar_new() -> str:
    """The form of a new calendar."""
    return _page(None, None)


@blueprint.post("/settings/calendars/preview")
@needs(Permission.REGISTER, wide=True, writes=False)
def calendar_add_preview() -> tuple[str, int]:
    """What a new calendar comes to, without keeping it."""
    change = _take(None, saves=False)
    return _page(None, change), change.status or changes.LOOK


@blueprint.post("/settings/calendars")
@needs(Permission.REGISTER, wide=True)
def calendar_add() -> Response | tuple[str, int]:
    """Keep the calendar that was looked at."""
    change = _take(None, saves=True)
    if change.status:
        return _page(None, change), change.status
    try:
        row = calendars.add(call().session, change.body, because=change.because)
    except Invalid as err:
        change = changes.refused(change, {err.field: reader().text(_WRONG[err.field])})
        return _page(None, change), changes.WRONG
    return redirect(url_for("staff.calendar_detail", id=row.public_id), 303)


@blueprint.get("/settings/calendars/<uuid:id>")
@needs(Permission.READ, of=BusinessCalendar, wide=True)
def calendar_detail(row: BusinessCalendar) -> str:
    """One calendar."""
    return _page(row, None)


@blueprint.post("/settings/calendars/<uuid:id>/preview")
@needs(Permission.REGISTER, of=BusinessCalendar, wide=True, writes=False)
def calendar_change_preview(row: BusinessCalendar) -> tuple[str, int]:
    """What other hours would do, without changing anything."""
    change = _take(row, saves=False)
    return _page(row, change), change.status or changes.LOOK


@blueprint.post("/settings/calendars/<uuid:id>")
@needs(Permission.REGISTER, of=BusinessCalendar, wide=True)
def calendar_change(row: BusinessCalendar) -> Response | tuple[str, int]:
    """Change what was looked at; what was counted before stays as it was counted."""
    row = held(row)
    change = _take(row, saves=True)
    if change.status:
        return _page(row, change), change.status
    try:
        calendars.change(call().session, row, change.body, because=change.because)
    except Invalid as err:
        change = changes.refused(change, {err.field: reader().text(_WRONG[err.field])})
        return _page(row, change), changes.WRONG
    flash(reader().text(N_("It is changed.")))
    return redirect(url_for("staff.calendar_detail", id=row.public_id), 303)


def _values(row: BusinessCalendar | None) -> dict[str, str]:
    if row is None:
        return _NEW
    return {name: changes.tidy(getattr(row, name)) for name in calendars.FIELDS}


def _take(row: BusinessCalendar | None, *, saves: bool) -> Change:
    return changes.take(request.form, _values(row), _read, saves=saves)


def _read(values: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    body = dict(values) | {"region": values["region"].upper()}
    errors = {name: reader().text(_WRONG[name]) for name, most in _MOST.items() if len(body[name]) > most}
    if not errors:
        try:
            calendars.read(body)
        except Invalid as err:
            errors[err.field] = reader().text(_WRONG[err.field])
    return body, errors


def _page(row: BusinessCalendar | None, change: Change | None) -> str:
    session, now = call().session, call().now
    stands = _values(row)
    events = settings.history(session, row) if row else []
    effect: pages.CalendarEffect | None = None
    differences: tuple[pages.Difference, ...] = ()
    kept = calendars.read(stands) if row else None
    if change is not None and change.seen:
        differences = shown.differences(stands if row else {}, change.body)
        effect = _effect(calendars.effect(kept, calendars.read(change.body), now=now))
    view = pages.CalendarPage(
        name=row.name if row else "",
        places=shown.places(),
        form=shown.change_form(
            "calendar_change" if row else "calendar_add",
            row,
            stands,
            digest(stands),
            change,
            differences=differences,
            overtaken=shown.overtaken(change, events),
        ),
        may=call().principal.may(Permission.REGISTER),
        closed=tuple(calendars.closed(kept, now=now)) if kept else (),
        history=shown.history(events),
        effect=effect,
    )
    return render_template("staff/settings_calendar.html", frame=views.frame(), view=view)


def _effect(found: calendars.Effect) -> pages.CalendarEffect:
    return pages.CalendarEffect(
        deadlines=tuple(
            pages.DeadlineRow(int(one.promise.total_seconds()) // 3600, _moment(one.was), _moment(one.becomes))
            for one in found.deadlines
        ),
        days=found.days[:_MOST_DAYS],
        more=max(len(found.days) - _MOST_DAYS, 0),
        was_hours=round(found.was_open.total_seconds() / 3600),
        is_hours=round(found.is_open.total_seconds() / 3600),
    )


def _moment(at: datetime | None) -> str:
    return reader().moment(at) if at else reader().text(N_("never"))
