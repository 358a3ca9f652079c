"""What needs a person, and what is done to many rows of it at once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from flask import make_response, redirect, render_template, request, url_for

from warranty.domain.access import Permission
from warranty.models import HumanTask, User
from warranty.services import board as waiting
from warranty.services import bulk, owners, resolutions
from warranty.services.board import Verb
from warranty.services.by_hand import NotYours
from warranty.services.estate import Invalid
from warranty.services.moves import Raced
from warranty.web import views
from warranty.web.errors import Problem
from warranty.web.forms import key_of, read, uuid_of
from warranty.web.guards import call, find, needs
from warranty.web.i18n import N_, reader
from warranty.web.pages.board import BulkAsk, BulkResult
from warranty.web.schemas.cases import ResolveBody
from warranty.web.sentences import said_again
from warranty.web.staff.room import blueprint
from warranty.web.views import board as shown
from warranty.web.views import colleagues, saved_views

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from werkzeug.datastructures import MultiDict
    from werkzeug.wrappers import Response

    from warranty.services.board import Item, Place


@blueprint.get("/")
@needs(Permission.READ, Permission.READ_OWN)
def board() -> str | Response:
    """What needs a person; a client's own start is the portal."""
    if not call().principal.may(Permission.READ):
        return redirect(url_for("portal.case_list"), 303)
    return _board_page({})


def _board_page(errors: Mapping[str, str]) -> str:
    view = shown.view(errors, with_charts=True)
    total = next(tab.count for tab in view.kinds if tab.kind is None)
    return render_template("staff/board.html", frame=views.frame(total), view=view)


@blueprint.get("/board/live")
@needs(Permission.READ, wide=True)
def board_live() -> Response:
    """The board without its figures, while somebody looks at it; 304 where nothing has changed."""
    tag = shown.etag(waiting.version(call().session))
    if tag in request.if_none_match:
        return make_response("", 304)
    response = make_response(render_template("staff/_board_live.html", view=shown.view({}, with_charts=False)))
    response.set_etag(tag)
    return response


@blueprint.post("/review-items/<uuid:id>/dealt-with")
@needs(Permission.DECIDE, of=HumanTask)
def deal_with(item: HumanTask) -> Response | tuple[str, int]:
    """Say that somebody has seen to a case at a vendor that belongs to no claim, and how."""
    asked, name = call(), views.field_of(item)
    typed = {"action": resolutions.Action.DEALT_WITH.value, "stray_reason": request.form.get(name, "")}
    body, errors = read(ResolveBody(), typed, {"action": "action", "reason": "stray_reason"})
    if errors:
        return _board_page({name: errors["stray_reason"]}), 422
    try:
        resolutions.resolve(
            asked.session, asked.runtime, asked.principal, item, body["action"], reason=body["reason"], now=asked.now
        )
    except Invalid as err:
        raise resolutions.NotWaiting("This waits for another answer.") from err
    return redirect(url_for("staff.board"), 303)


# --- the same for many rows ---

MOST_ROWS = 200
MOST_REFUSED = 50
"""So many refusals are told one by one; all are counted."""

EVERYBODY = "all"
_AGAIN = N_("Tried again")


@blueprint.post("/board/actions")
@needs(Permission.HANDLE, wide=True)
def act_on_board() -> str | tuple[str, int]:
    """Do the same to many rows, some at a time; what needs a reason or a name asks for it first."""
    typed = request.form
    verb, only = _wanted(typed)
    rows = [only] if only else typed.getlist("row")[:MOST_ROWS]
    is_all = typed.get("all") == "yes" and not only
    if not rows and not is_all:
        return _ask(typed, verb, rows, {"row": reader().text(N_("Select at least one row."))}), 422
    if verb is not Verb.AGAIN and typed.get("confirmed") != "yes":
        return _ask(typed, verb, rows, {})
    reason, to, errors = _said(typed, verb)
    if errors:
        return _ask(typed, verb, rows, errors), 422
    return _go_on(typed, bulk.Wanted(verb, reason, to), rows, is_all=is_all)


def _wanted(typed: Mapping[str, str]) -> tuple[Verb, str]:
    """What is to be done, and to which row alone."""
    word, _, only = typed["only"].partition("~") if "only" in typed else (typed.get("verb", ""), "", "")
    if word not in list(Verb):
        raise Problem("bad_request")
    return Verb(word), only


def _said(typed: Mapping[str, str], verb: Verb) -> tuple[str, User | None, dict[str, str]]:
    """The reason and the colleague that a form names, and what is wrong with them."""
    reason, to, errors = typed.get("reason", "").strip(), None, {}
    if len(reason) > 500 or (verb is Verb.DEALT_WITH and not reason):
        errors["reason"] = reader().text(N_("Say what became of it, in at most 500 characters."))
    if verb is Verb.HAND:
        named = typed.get("to", "")
        user_id = uuid_of(named)
        if user_id is not None:
            to = find(User, user_id, field="to")
        elif named != EVERYBODY:
            errors["to"] = reader().text(N_("Choose who is to look after them."))
    usual = {Verb.AGAIN: _AGAIN, Verb.HAND: N_("Handed over from the board")}
    return reason or usual.get(verb, ""), to, errors


def _ask(typed: MultiDict[str, str], verb: Verb, rows: Sequence[str], errors: dict[str, str]) -> str:
    query = typed.get("query", "")
    staff = owners.colleagues(call().session) if verb is Verb.HAND else ()
    carried = {name: typed.get(name, "") for name in ("all", "query", "until", "total") if typed.get(name)}
    form = BulkAsk(
        url=url_for("staff.act_on_board"),
        verb=verb,
        count=int(_number(typed, "total")) if typed.get("all") == "yes" else len(rows),
        hidden=shown.hidden(
            verb=verb, confirmed="yes", row=rows, idempotency_key=key_of(typed if errors else {}), **carried
        ),
        people=tuple((str(one.public_id), colleagues.name_of(one)) for one in staff if one.deactivated_at is None),
        back_url=shown.back(saved_views.tidy("board", query)),
        values=typed,
        errors=errors,
    )
    return render_template("staff/board_action.html", frame=views.frame(), view=form)


def _number(typed: Mapping[str, str], name: str) -> int:
    text = typed.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _go_on(typed: MultiDict[str, str], wanted: bulk.Wanted, rows: Sequence[str], *, is_all: bool) -> str:
    asked = call()
    now, rest = rows[: bulk.CHUNK], rows[bulk.CHUNK :]
    query = saved_views.tidy("board", typed.get("query", ""))
    items, after = _all_of(typed, query) if is_all else (_named(now), None)
    refused = [
        (_name(one.item), _why(one.error))
        for one in bulk.do(asked.session, asked.runtime, asked.principal, items, wanted, now=asked.now)
    ]
    if not is_all:
        found = {f"{item.kind}:{item.key}" for item in items}
        gone = [row for row in now if row not in found]
        refused += [(row.partition(":")[2][:8], _why(Raced())) for row in gone]
    tried = _number(typed, "tried") + (len(items) if is_all else len(now))
    told = [(one.partition("|")[0], one.partition("|")[2]) for one in typed.getlist("refused")]
    told = [*told, *refused][:MOST_REFUSED]
    refused_count = _number(typed, "refused_count") + len(refused)
    has_more = after is not None if is_all else bool(rest)
    total = max(_number(typed, "total") if is_all else tried + len(rest), tried)
    hidden = shown.hidden(
        verb=wanted.verb, confirmed="yes", idempotency_key=key_of(), query=query, until=typed.get("until", ""),
        all="yes" if is_all else "", row=rest, after=shown.place_text(after) if after else "", total=str(total),
        tried=str(tried), refused_count=str(refused_count), refused=[f"{name}|{why}" for name, why in told],
        reason=wanted.reason, to=typed.get("to", ""),
    )  # fmt: skip
    result = BulkResult(
        url=url_for("staff.act_on_board"),
        verb=wanted.verb,
        tried=tried,
        total=total,
        refused=tuple(told),
        refused_count=refused_count,
        hidden=hidden if has_more else None,
        back_url=shown.back(query),
    )
    return render_template("staff/board_done.html", frame=views.frame(), view=result)


def _all_of(typed: Mapping[str, str], query: str) -> tuple[list[Item], Place | None]:
    """The next rows of all that the filter had when it was asked, and where the rest begins."""
    try:
        until = datetime.fromisoformat(typed.get("until", ""))
    except ValueError as err:
        raise Problem("bad_request") from err
    if until.tzinfo is None:
        raise Problem("bad_request")
    which, after = shown.filters(saved_views.parts(query)), shown.place(typed.get("after", ""))
    found = waiting.items(call().session, which, shown.clock(), after=after, until=until, limit=bulk.CHUNK + 1)
    items = found[: bulk.CHUNK]
    return items, items[-1].place if len(found) > bulk.CHUNK else None


def _named(rows: Sequence[str]) -> list[Item]:
    keys: list[UUID] = [key for key in (uuid_of(row.partition(":")[2]) for row in rows) if key is not None]
    found = waiting.items(call().session, waiting.Filters(), shown.clock(), keys=keys, limit=len(keys))
    return [item for item in found if f"{item.kind}:{item.key}" in rows]


def _name(item: Item) -> str:
    if item.fault is not None:
        return item.fault.reference
    return item.sighting.vendor_case_number if item.sighting else (item.account.name if item.account else "")


def _why(err: Exception) -> str:
    said = reader().text
    match err:
        case bulk.NotForAll():
            return said(N_("This is not done to many at once. Open it."))
        case NotYours():
            return said(N_("This is a service manager's to do."))
        case Raced() | resolutions.NotWaiting():
            return said(N_("Somebody has done something about it already."))
        case _:
            return said_again(str(err))
