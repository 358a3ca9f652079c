"""From what waits to what the board shows: rows with their words, groups with their sums, figures as drawings."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from flask import request, url_for

from warranty.domain.access import Permission
from warranty.domain.headline import Side
from warranty.domain.terms import Route
from warranty.services import board, charts
from warranty.services.board import Clock, Filters, OtherKind, Place, Verb, Whose
from warranty.web import pages, views
from warranty.web.forms import key_of, uuid_of
from warranty.web.guards import call
from warranty.web.i18n import N_, reader
from warranty.web.pages.board import (
    AgeBar,
    AnswerLine,
    BoardGroup,
    BoardRow,
    BoardView,
    BulkForm,
    ChartsView,
    KindTab,
    Pick,
    WeekColumn,
)
from warranty.web.sentences import said_again
from warranty.web.views import colleagues, saved_views

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from warranty.services.board import Choices, Item, Rule, Tally
    from warranty.services.charts import Charts

TICK = timedelta(minutes=5)
"""So often the board is written anew though nothing has changed: its spans of time have."""


def clock() -> Clock:
    """The reader's day and week."""
    zone, asked = reader().zone, call()
    today = asked.now.astimezone(zone).date()

    def midnight(days: int) -> datetime:
        return datetime.combine(today + timedelta(days=days), time(), zone).astimezone(UTC)

    return Clock(asked.now, midnight(1), midnight(7 - today.weekday()), asked.principal.user_id)


def filters(given: Mapping[str, str]) -> Filters:
    """What an address filters the board by; what it cannot mean is left out."""
    return Filters(
        kind=board.kind_of(given.get("kind", "")),
        client=uuid_of(given.get("client")),
        vendor=uuid_of(given.get("vendor")),
        owner=owner_of(given.get("owner", "")),
    )


def owner_of(word: str) -> UUID | Whose | None:
    """Whose work an address means."""
    return Whose(word) if word in list(Whose) else uuid_of(word)


def place(text: str) -> Place | None:
    """Where the page before ended; null where an address does not say."""
    due, _, rest = text.partition("~")
    minor, _, key = rest.partition("~")
    with suppress(ValueError):
        at = datetime.fromisoformat(due)
        if at.tzinfo is not None and abs(int(minor)) < 2**62:
            return Place(at, int(minor), UUID(key))
    return None


def place_text(of: Place) -> str:
    """A place as an address carries it."""
    return f"{of.due_at.isoformat()}~{of.minor}~{of.key}"


def etag(version: str) -> str:
    """What changes with all that the board shows to this reader; ``version`` is the board's."""
    asked = call()
    return f"{version}.{asked.principal.user_id}.{int(asked.now.timestamp() // TICK.total_seconds())}"


# --- the page ---


def view(errors: Mapping[str, str], *, with_charts: bool) -> BoardView:
    """The board as the address filters it; at most six statements with the look-up of who asks."""
    asked, at, given = call(), clock(), request.args
    which = filters(given)
    tallies = board.tallies(asked.session, which, at)
    after = place(given.get("after", ""))
    found = board.items(asked.session, which, at, after=after, limit=board.PAGE + 1)
    items = found[: board.PAGE]
    shown = [one for one in tallies if which.kind in {None, one.kind}]
    query = saved_views.tidy("board", request.query_string.decode())
    more = place_text(items[-1].place) if len(found) > board.PAGE else None
    total = sum(one.count for one in shown)
    choices = board.choices(asked.session, asked.now)
    return BoardView(
        total=total,
        late=sum(one.count for one in shown if one.group == 0),
        sums=_sums(shown),
        groups=tuple(_groups(shown, items, at, errors)),
        kinds=tuple(_kinds(tallies, which, given)),
        picks=picks(choices, which),
        kind=which.kind or "",
        is_filtered=which != Filters(),
        kept=saved_views.tabs("board"),
        live_url=_address(given, "staff.board_live"),
        etag=f'"{etag(choices.version)}"',
        bulk=_bulk(query, total),
        charts=_charts(at) if with_charts or not total else None,
        next_url=_address({**given, "after": more}) if more else None,
        first_url=_address({**given, "after": ""}) if after else None,
    )


def _address(given: Mapping[str, str], endpoint: str = "staff.board", **other: str) -> str:
    kept = {name: value for name, value in {**given, **other}.items() if value and name in (*_FILTERS, "after")}
    return url_for(endpoint, **kept)  # type: ignore[arg-type]  # they are texts


_FILTERS = saved_views.PAGES["board"].filters


def _bulk(query: str, total: int) -> BulkForm | None:
    asked = call()
    if not asked.principal.may(Permission.HANDLE):
        return None
    return BulkForm(url_for("staff.act_on_board"), key_of(), query, asked.now.isoformat(), total)


def _sums(tallies: Iterable[Tally]) -> tuple[tuple[int, str], ...]:
    sums: dict[str, int] = {}
    for one in tallies:
        if one.currency and one.minor:
            sums[one.currency] = sums.get(one.currency, 0) + one.minor
    return tuple((minor, currency) for currency, minor in sorted(sums.items(), key=lambda sum_: -sum_[1]))


def _kinds(tallies: Sequence[Tally], which: Filters, given: Mapping[str, str]) -> Iterable[KindTab]:
    counts = {kind: sum(one.count for one in tallies if one.kind is kind) for kind in board.RULES}
    plain = {**given, "after": ""}
    yield KindTab(None, sum(counts.values()), _address({**plain, "kind": ""}), is_current=which.kind is None)
    for kind, count in sorted(counts.items(), key=lambda one: -one[1]):
        if count or kind is which.kind:
            yield KindTab(kind, count, _address({**plain, "kind": kind}), is_current=kind is which.kind)


def picks(choices: Choices, which: Filters) -> tuple[Pick, ...]:
    """What a list is filtered by."""
    said = reader().text
    mine = ((Whose.ME.value, said(N_("Me"))), (Whose.NOBODY.value, said(N_("Nobody"))))
    named = (
        ("client", which.client, choices.clients, ()),
        ("vendor", which.vendor, choices.vendors, ()),
        ("owner", which.owner, choices.owners, mine),
    )
    return tuple(
        Pick(name, str(chosen or ""), (*first, *((str(key), text) for key, text in rows)))
        for name, chosen, rows, first in named
    )


def _groups(
    tallies: Sequence[Tally], items: Sequence[Item], at: Clock, errors: Mapping[str, str]
) -> Iterable[BoardGroup]:
    ends = (at.now, at.tomorrow, at.next_week)
    rows: dict[int, list[BoardRow]] = {}
    for item in items:
        rows.setdefault(sum(item.due_at >= end for end in ends), []).append(row(item, errors))
    for part, shown in sorted(rows.items()):
        mine = [one for one in tallies if one.group == part]
        yield BoardGroup(part, sum(one.count for one in mine), _sums(mine), tuple(shown))


def row(item: Item, errors: Mapping[str, str] | None = None) -> BoardRow:
    """One row."""
    asked, rule = call(), board.RULES[item.kind]
    said = reader().text
    vendor = item.account.name if item.account else (item.product.manufacturer if item.product else None)
    passed = (asked.now - item.since) / (item.due_at - item.since) if item.due_at > item.since else 1.0
    key = f"{item.kind}:{item.key}"
    can, may = asked.principal.may(Permission.HANDLE), asked.principal.may(rule.needs)
    stray = None
    if item.task is not None and item.sighting is not None and item.account is not None:
        stray = views.stray(item.task, item.sighting, item.account.name, errors or {})
    return BoardRow(
        key=key,
        kind=item.kind,
        sentence=said(rule.sentence, vendor=vendor) if vendor else said(rule.plain),
        why=said_again(item.task.why) if item.task and not item.sighting else "",
        due_at=item.due_at,
        passed=round(100 * min(max(passed, 0.0), 1.0)),
        ball=_ball(item, rule, vendor, may=may),
        risk=rule.risk,
        action=said(rule.action if may else N_("Look at it")),
        url=_url(item),
        again=f"{Verb.AGAIN}~{key}"
        if item.kind is OtherKind.LOOK_UP and asked.principal.may(Permission.REGISTER)
        else None,
        is_chosen=can,
        serial_number=item.asset.serial_number if item.asset else (item.fault.serial_number if item.fault else ""),
        product=f"{item.product.manufacturer} {item.product.model}" if item.product else "",
        client_name=item.client.name if item.client else "",
        minor=item.minor,
        currency=item.currency or "EUR",
        owner=colleagues.name_of(item.owner) if item.owner else None,
        units=item.units,
        stray=stray,
    )


def _url(item: Item) -> str | None:
    if item.kind in {OtherKind.HANDOVER, OtherKind.REJECTED}:
        return url_for("staff.handover_list", place=item.key)
    if item.kind is OtherKind.LEFT_OVER and item.asset is not None:
        return url_for("staff.unit_retirement", id=item.asset.public_id)
    if item.job is not None:
        return url_for("staff.job_detail", id=item.job.public_id)
    return url_for("staff.case_detail", id=item.fault.public_id) if item.fault is not None else None


def _ball(item: Item, rule: Rule, vendor: str | None, *, may: bool) -> pages.Ball:
    names = {Side.VENDOR: vendor, Side.MSP: None, Side.CLIENT: None}
    is_mine = item.owner is None or item.owner.id == call().principal.user_id
    return pages.Ball(rule.ball, names[rule.ball], is_reader=rule.ball is Side.MSP and is_mine and may)


# --- figures ---

WIDEST = 162
"""Of a bar."""
HIGHEST = 70.0
WEEKS = 8
LINE = 150
"""Of a line of hours."""


def _charts(at: Clock) -> ChartsView:
    monday = at.next_week - timedelta(days=7)
    weeks = [monday - timedelta(weeks=back) for back in reversed(range(WEEKS))]
    local = at.now.astimezone(reader().zone)
    quarter = (local.month - 1) // 3
    begin = datetime(local.year, 3 * quarter + 1, 1, tzinfo=local.tzinfo).astimezone(UTC)
    found = charts.read(call().session, now=at.now, weeks=weeks, quarter=begin)
    columns, top = _weeks(found, weeks)
    return ChartsView(
        open_rmas=found.open_rmas,
        ages=_ages(found),
        weeks=columns,
        top=top,
        answers=_answers(found),
        swaps=sum(count for _, count, _ in found.avoided),
        avoided=tuple((minor, currency) for currency, _, minor in found.avoided),
        jobs=sum(count for _, count, _ in found.billed),
        billed=tuple((minor, currency) for currency, _, minor in found.billed),
        quarter=quarter + 1,
    )


def _ages(found: Charts) -> tuple[AgeBar, ...]:
    most = max((count for count, _ in found.ages), default=0)
    if not most:
        return ()
    return tuple(
        AgeBar(at, count, silent, round(WIDEST * (count - silent) / most), round(WIDEST * silent / most))
        for at, (count, silent) in enumerate(found.ages)
    )


_ROUTES = (Route.RMA, Route.AD_HOC, Route.REVIEW)


def _weeks(found: Charts, weeks: Sequence[datetime]) -> tuple[tuple[WeekColumn, ...], int]:
    counts = [{route: week.get(route, 0) for route in _ROUTES} for week in found.weeks]
    most = max(sum(week.values()) for week in counts)
    if not most:
        return (), 0
    top = -(-most // 10) * 10 if most > 10 else -(-most // 2) * 2
    columns = []
    for begin, week in zip(weeks, counts, strict=True):
        bars, bottom = [], 90.0
        for route in _ROUTES:
            height = HIGHEST * week[route] / top
            if height:
                bottom -= height
                bars.append((route.value, round(bottom, 1), round(max(height - 1, 0.5), 1)))
        number = (begin + timedelta(days=3)).astimezone(reader().zone).isocalendar().week
        columns.append(
            WeekColumn(
                number, week[Route.RMA], week[Route.AD_HOC], week[Route.REVIEW], tuple(bars), is_now=begin == weeks[-1]
            )
        )
    return tuple(columns), top


MOST_VENDORS = 6


def _answers(found: Charts) -> tuple[AnswerLine, ...]:
    lines = found.answers[:MOST_VENDORS]
    longest = max((slow for _, _, slow, _ in lines), default=0) or 1
    return tuple(
        AnswerLine(
            name, _hours(median), _hours(slow), count, round(LINE * median / longest), round(LINE * slow / longest)
        )
        for name, median, slow, count in lines
    )


def _hours(seconds: int) -> int:
    return max(1, round(seconds / 3600))


def hidden(**given: str | Iterable[str]) -> tuple[tuple[str, str], ...]:
    """What a form sends back as it is, by name; of a name with several values one each."""
    pairs: list[tuple[str, str]] = []
    for name, values in given.items():
        pairs += [(name, one) for one in ([values] if isinstance(values, str) else values)]
    return tuple(pairs)


def back(query: str) -> str:
    """The board as it was filtered."""
    return saved_views.address("board", query) if query else url_for("staff.board")
