"""``warranty calendar``: what hours and holidays come to, before an agreement is written on them. No database is touched."""

from __future__ import annotations

from datetime import datetime, time
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from warranty.cli.shared import CliProblem, answer
from warranty.domain import calendars
from warranty.domain.calendars import Malformed, NoHours, read_amount
from warranty.services.calendars import calendar_of
from warranty.services.estate import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from warranty.domain.calendars import Calendar


class _Instant(click.ParamType[datetime]):
    """An instant with its offset, RFC 3339."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            self.fail(f"{value!r} is no instant: write it as 2026-03-02T09:00+01:00.", param, ctx)
        return found


T = TypeVar("T")
INSTANT = _Instant()
PAUSES = click.option(
    "--pause", "pauses", type=(INSTANT, INSTANT), multiple=True, metavar="FROM TO", help="Time that does not count."
)


def on_calendar(command: Callable[..., None]) -> Callable[..., None]:
    """Ask for a calendar; the command gets it as ``kept``."""

    @click.option(
        "--hours", required=True, help="Weekly hours: 'mon-fri 08:00-12:00,13:00-17:00; sat 22:00-06:00', or 24x7."
    )
    @click.option("--zone", required=True, help="Their time zone, such as Europe/Berlin.")
    @click.option("--holidays", "region", default="", help="Whose public holidays are closed: DE, DE-BY, GB-ENG.")
    @wraps(command)
    def asked(*, hours: str, zone: str, region: str, **given: Any) -> None:
        command(kept=_asked(lambda: calendar_of(hours, time_zone=zone, region=region)), **given)

    return asked


@click.group("calendar")
def calendar() -> None:
    """Work out deadlines and working time on a business calendar."""


@calendar.command()
@click.argument("start", type=INSTANT)
@click.argument("amount")
@PAUSES
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_calendar
def deadline(
    *, kept: Calendar, start: datetime, amount: str, pauses: tuple[calendars.Pause, ...], as_json: bool
) -> None:
    """Say when AMOUNT (4h, 90m, 1h30m) of working time has passed since START."""
    end = _asked(lambda: calendars.add(kept, start, read_amount(amount), pauses=pauses))
    answer({"deadline": end.astimezone(kept.zone).isoformat()}, as_json=as_json)


@calendar.command()
@click.argument("start", type=INSTANT)
@click.argument("end", type=INSTANT)
@PAUSES
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_calendar
def between(
    *, kept: Calendar, start: datetime, end: datetime, pauses: tuple[calendars.Pause, ...], as_json: bool
) -> None:
    """Say how much working time lies between START and END."""
    found = _asked(lambda: calendars.between(kept, start, end, pauses=pauses))
    hours, minutes = divmod(int(found.total_seconds()) // 60, 60)
    answer({"working_time": f"{hours}h{minutes:02}m", "seconds": found.total_seconds()}, as_json=as_json)


@calendar.command("next-opening")
@click.argument("at", type=INSTANT)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_calendar
def next_opening(*, kept: Calendar, at: datetime, as_json: bool) -> None:
    """Say from when on, not before AT, work is done."""
    found = _asked(lambda: calendars.next_opening(kept, at))
    answer({"opens": found.astimezone(kept.zone).isoformat()}, as_json=as_json)


@calendar.command("business-day")
@click.argument("at", type=INSTANT)
@click.argument("count", type=click.IntRange(min=0))
@click.option(
    "--cut-off", type=click.DateTime(["%H:%M"]), help="From this time of day on, a day does not count: 15:00."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@on_calendar
def business_day(*, kept: Calendar, at: datetime, count: int, cut_off: datetime | None, as_json: bool) -> None:
    """Name the COUNT-th business day after AT (1 is the next business day), and when it ends."""
    from_then: time | None = cut_off.time() if cut_off else None
    day = _asked(lambda: calendars.business_day(kept, at, count, cut_off=from_then))
    ends = calendars.closing(kept, day).astimezone(kept.zone)
    answer({"day": day.isoformat(), "ends": ends.isoformat()}, as_json=as_json)


def _asked(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except (Malformed, NoHours, Invalid) as err:
        raise CliProblem(str(err)) from err
