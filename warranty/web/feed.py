"""What a calendar program reads at a user's secret address (RFC 5545): a day for each contract that ends.

Such a program cannot sign in and asks every few hours, so that the answer has a tag and changes with nothing but the data.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request, url_for
from icalendar import Calendar, Event

from warranty import db
from warranty.services import feeds, renewals
from warranty.services.renewals import Span
from warranty.web.errors import Problem
from warranty.web.guards import public, runtime
from warranty.web.i18n import N_, Reader, read_as

if TYPE_CHECKING:
    from datetime import datetime

    from warranty.models import CalendarFeed

BACK, AHEAD = timedelta(30), timedelta(400)
MOST = 2_000
ASK_AGAIN = timedelta(hours=6)

blueprint = Blueprint("calendar", __name__)


@blueprint.get("/calendar.ics")
@public("calendar programs cannot sign in: the secret of the address says whose it is")
def feed() -> Response:
    """The calendar of an address; 404 where there is none, or no longer."""
    with runtime().database.read(db.EVERYBODY) as session:
        found = feeds.find(session, request.args.get("key", ""))
        if found is None:
            raise Problem("not_found")
        here = read_as(found.user.language)
        span = Span(here.today - BACK, here.today + AHEAD)
        text = _calendar(found, renewals.events(session, span, limit=MOST), here)
    response = Response(text, mimetype="text/calendar")
    response.headers["Content-Disposition"] = 'inline; filename="warranty.ics"'
    response.cache_control.private = True
    response.cache_control.max_age = int(ASK_AGAIN.total_seconds())
    response.set_etag(hashlib.sha256(text).hexdigest()[:32])
    response.make_conditional(request)
    return response


def _calendar(found: CalendarFeed, ends: list[renewals.Event], here: Reader) -> bytes:
    made = Calendar()
    made.add("prodid", "-//Warranty//Renewals//EN")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", here.text(N_("Warranties and contracts that end")))
    made.add("refresh-interval", ASK_AGAIN, parameters={"VALUE": "DURATION"})
    for one in ends:
        made.add_component(_event(one, found.created_at, here))
    return bytes(made.to_ical())


def _event(end: renewals.Event, made_at: datetime, here: Reader) -> Event:
    # One contract number on one day is one entry for good: a program that reads it again must know it for the same.
    identity = hashlib.sha256(f"{end.client_id} {end.number} {end.day}".encode()).hexdigest()[:32]
    sums = " + ".join(here.money(minor, currency) for currency, minor in end.worth.sums.items())
    what = here.text(N_("%(number)s of %(client)s ends"), number=end.number, client=end.client)
    counted = here.catalogue.ngettext("one promise ends", "%(count)s promises end", end.worth.count)
    lines = [counted % {"count": here.count(end.worth.count)} if "%(" in counted else counted]
    if sums:
        lines.append(here.text(N_("Worth %(sum)s"), sum=sums))
    url = runtime().settings.base_url.rstrip("/") + (
        url_for("staff.contract_detail", id=end.contract)
        if end.contract
        else url_for("staff.renewal_list", on=end.day.isoformat(), client=end.client_id)
    )
    event = Event()
    event.add("uid", f"{identity}@warranty")
    event.add("dtstamp", made_at)
    event.add("dtstart", end.day)
    event.add("dtend", end.day + timedelta(1))
    event.add("summary", what)
    event.add("description", "\n".join([*lines, url]))
    event.add("url", url)
    event.add("transp", "TRANSPARENT")
    return event
