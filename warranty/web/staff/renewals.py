"""What ends next and what it is worth: as a list, as a month, and as an address for calendar programs."""

from __future__ import annotations

import calendar
from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from flask import redirect, render_template, request, url_for

from warranty.domain.access import Permission
from warranty.models import Client, User
from warranty.services import feeds, renewals
from warranty.services.renewals import Span, Worth
from warranty.web import views
from warranty.web.api.base import by_caller
from warranty.web.forms import uuid_of
from warranty.web.guards import call, find, needs, runtime
from warranty.web.i18n import N_, reader
from warranty.web.pages import registry as pages
from warranty.web.staff.clients import ROWS, list_frame, searched
from warranty.web.staff.contracts import promise_row
from warranty.web.staff.room import blueprint

if TYPE_CHECKING:
    from uuid import UUID

    from werkzeug.wrappers import Response

USUAL = 90
SPANS: Final = (30, USUAL, 180, 365)
LAPSED = -30
"""Days back instead of ahead: what has ended lately, and nobody has renewed."""


@blueprint.get("/renewals")
@needs(Permission.READ)
def renewal_list() -> str:
    """What ends in the next days, the soonest first, and what it is worth, client by client."""
    session, today = call().session, reader().today
    _, after = searched()
    named = uuid_of(request.args.get("client"))
    client = find(Client, named) if named else None
    days, day, is_open = _days(), _day("on"), request.args.get("shows") != "all"
    first, last_day = (
        (day, day)
        if day
        else (today, today + timedelta(days))
        if days > 0
        else (today + timedelta(days), today - timedelta(1))
    )
    span = Span(first, last_day, client.public_id if client else None, is_open)
    found, last = renewals.due(session, span, after=after, limit=ROWS)
    owners = renewals.by_client(session, span)
    kept = _kept(days, day, client.public_id if client else None, is_open=is_open)
    view = pages.RenewalsView(
        days=days,
        day=day,
        rows=tuple(promise_row(one) for one in found),
        owners=tuple(
            pages.OwnerRow(name, url_for("staff.renewal_list", **{**kept, "client": id_}), worth)
            for id_, name, worth in owners
        ),
        worth=renewals.total(worth for _, _, worth in owners),
        spans=tuple(
            (
                _span_name(one),
                url_for("staff.renewal_list", **{**kept, "days": one, "on": None}),
                not day and one == days,
            )
            for one in (LAPSED, *SPANS)
        ),
        list=list_frame("staff.renewal_list", "", last, **kept),
        client=client.name if client else None,
        all_clients_url=url_for("staff.renewal_list", **{**kept, "client": None}),
        everything_url=url_for("staff.renewal_list", **{**kept, "shows": "all" if is_open else None}),
        is_open_only=is_open,
    )
    return render_template("staff/renewal_list.html", frame=views.frame(), view=view)


def _days() -> int:
    text = request.args.get("days", "")
    return int(text) if text in {str(one) for one in (LAPSED, *SPANS)} else USUAL


def _day(name: str) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(request.args.get(name, ""))
    return None


def _kept(days: int, day: date | None, client: UUID | None, *, is_open: bool) -> dict[str, Any]:
    return {
        "days": None if days == USUAL else days,
        "on": day.isoformat() if day else None,
        "client": client,
        "shows": None if is_open else "all",
    }


def _span_name(days: int) -> str:
    said = reader().text
    return said(N_("Last %(days)s days"), days=-days) if days < 0 else said(N_("Next %(days)s days"), days=days)


# --- the calendar ---

_EARLIEST, _LATEST = date(1970, 1, 1), date(9000, 12, 1)


@blueprint.get("/renewals/calendar")
@needs(Permission.READ)
def renewal_calendar() -> str:
    """A month, with what ends on each of its days."""
    month, today = _month(), reader().today
    weeks = calendar.Calendar().monthdatescalendar(month.year, month.month)
    found = renewals.by_day(call().session, Span(weeks[0][0], weeks[-1][-1]))
    view = pages.CalendarView(
        month=month,
        weeks=tuple(tuple(_cell(day, month, today, found.get(day)) for day in week) for week in weeks),
        worth=renewals.total(worth for day, worth in found.items() if day.month == month.month),
        before_url=url_for("staff.renewal_calendar", month=_named(month - timedelta(1))),
        after_url=url_for("staff.renewal_calendar", month=_named(month + timedelta(31))),
        today_url=url_for("staff.renewal_calendar"),
    )
    return render_template("staff/renewal_calendar.html", frame=views.frame(), view=view)


def _month() -> date:
    """The first day of the month that the address names, else of this one."""
    with suppress(ValueError):
        named = date.fromisoformat(request.args.get("month", "") + "-01")
        if _EARLIEST < named < _LATEST:
            return named
    return reader().today.replace(day=1)


def _named(day: date) -> str:
    return day.strftime("%Y-%m")


def _cell(day: date, month: date, today: date, worth: Worth | None) -> pages.DayCell:
    url = url_for("staff.renewal_list", on=day.isoformat()) if worth else None
    return pages.DayCell(day, url, worth or Worth(), is_today=day == today, is_here=day.month == month.month)


# --- the address for calendar programs ---


@blueprint.get("/renewals/feed")
@needs(Permission.READ)
def renewal_feed() -> str:
    """Whether the reader has an address, and since when; never which, since only its digest is kept."""
    return _feed_page(None)


def _feed_page(address: str | None) -> str:
    feed = feeds.of(call().session, _reader())
    view = pages.FeedView(made_at=feed.created_at if feed else None, address=address)
    return render_template("staff/renewal_feed.html", frame=views.frame(), view=view)


def _reader() -> User:
    return call().session.get_one(User, call().principal.user_id)


@blueprint.post("/renewals/feed")
@needs(Permission.READ)
def make_feed() -> str:
    """Make an address, which is shown this once; the one before ends."""
    secret = feeds.add(call().session, _reader(), because=by_caller("made on a page"))
    return _feed_page(runtime().settings.base_url.rstrip("/") + url_for("calendar.feed", key=secret))


@blueprint.post("/renewals/feed/end")
@needs(Permission.READ)
def end_feed() -> Response:
    """End the address at once."""
    feeds.revoke(call().session, _reader(), because=by_caller("ended on a page"))
    return redirect(url_for("staff.renewal_feed"), 303)
