"""The page of a swap: the unit that has come, the loaner, the contracts that go with it, and the end of the case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import redirect, render_template, request, url_for
from sqlalchemy import select

from warranty.domain.access import Permission
from warranty.domain.lifecycles import SwapState
from warranty.models import CoverageTransfer, Fault, StockLocation, StockUnit
from warranty.services import following, owed, swaps
from warranty.services.estate import Invalid
from warranty.services.moves import IllegalMove, attempt
from warranty.services.owed import Owes
from warranty.services.stock import OutOfStock
from warranty.services.swaps import NotYet, Replacement, Wrong
from warranty.web import views
from warranty.web.errors import Problem
from warranty.web.forms import is_late, key_of, read, uuid_of
from warranty.web.guards import call, needs
from warranty.web.i18n import N_, reader
from warranty.web.schemas.cases import (
    FaultMoveBody,
    LendBody,
    ReplacementBody,
    ShelveBody,
    SwapMoveBody,
    TakeBackBody,
    TransferBody,
)
from warranty.web.staff.room import blueprint
from warranty.web.views.swaps import Found, Typed, find, moves, owed_view, page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from marshmallow import Schema
    from werkzeug.wrappers import Response

_CHANGED = N_("The swap has changed meanwhile. Look at it again, and send again if you still want to.")
_NOT_NOW = N_("This cannot be said now: look at where the swap stands.")
_CHOOSE = N_("Choose one.")


@blueprint.get("/cases/<uuid:id>/swap")
@needs(Permission.READ, of=Fault)
def swap_detail(fault: Fault) -> str:
    """The newest swap of a case."""
    return _page(fault, Typed())


@blueprint.get("/cases/<uuid:id>/owed")
@needs(Permission.READ, of=Fault)
def case_owed(fault: Fault) -> str:
    """What a case still owes before it may be closed; a piece of the page for who has a swap open."""
    view = owed_view(fault)
    if "HX-Request" in request.headers:
        return render_template("staff/_owed.html", view=view)
    return render_template("staff/owed.html", frame=views.frame(), view=view)


def _page(fault: Fault, typed: Typed) -> str:
    found = find(fault)
    if found is None:
        raise Problem("not_found", advice=N_("This case has no swap: nothing is approved yet."))
    view = page(fault, found, key_of(typed.values), typed)
    return render_template("staff/swap.html", frame=views.frame(), view=view)


# Of each form: the body that programs send for the same, and the form's names of its fields.
_FORMS: dict[str, tuple[Schema, dict[str, str]]] = {
    "scan": (
        ReplacementBody(),
        {
            "serial_number": "scan_serial",
            "kind": "scan_kind",
            "source": "scan_source",
            "substitute": "scan_substitute",
            "differs": "scan_differs",
        },
    ),
    "move": (SwapMoveBody(), {"to": "move_to", "reason": "move_reason"}),
    "contract": (TransferBody(), {"way": "contract_way", "reason": "contract_reason"}),
    "lend": (LendBody(), {"unit": "lend_unit", "reason": "lend_reason"}),
    "take_back": (TakeBackBody(), {"location": "take_back_location", "reason": "take_back_reason"}),
    "shelve": (
        ShelveBody(),
        {"location": "shelve_location", "serial_number": "shelve_serial", "reason": "shelve_reason"},
    ),
    "close": (FaultMoveBody(), {"reason": "close_reason"}),
}


@blueprint.post("/cases/<uuid:id>/swap")
@needs(Permission.HANDLE, of=Fault)
def answer_swap(fault: Fault) -> Response | tuple[str, int]:
    """Say one thing of the swap: what has come, what happened, what became of a contract; or close the case."""
    asked, typed = call(), request.form
    asked.session.refresh(fault, with_for_update=True)
    act, found = typed.get("act", ""), find(fault)
    if found is None or act not in _FORMS:
        raise Problem("not_found")
    schema, names = _FORMS[act]
    first = next(iter(names.values()))
    if is_late(typed, found.seen):
        return _page(fault, Typed(act, typed, {first: reader().text(_CHANGED)})), 409
    given = {**typed, "close_to": "closed"}
    body, errors = read(schema, given, names | ({"to": "close_to"} if act == "close" else {}))
    if not errors:
        status, errors = _do(act, fault, found, typed, body)
    else:
        status = 422
    if errors:
        return _page(fault, Typed(act, typed, errors)), status
    to_case = act == "close"
    return redirect(url_for("staff.case_detail" if to_case else "staff.swap_detail", id=fault.public_id), 303)


def _do(
    act: str, fault: Fault, found: Found, typed: Mapping[str, str], body: dict[str, Any]
) -> tuple[int, dict[str, str]]:
    """Do it; else the status and what is wrong, by field."""
    names = _FORMS[act][1]
    first, say = next(iter(names.values())), reader().text
    try:
        with attempt(call().session):
            _ACTS[act](fault, found, typed, body)
    except Wrong as err:
        return 422, {names.get(err.field, first): say(err.sentence, **err.params)}
    except NotYet as err:
        return 409, {first: say(err.sentence, **err.params)}
    except Owes as err:
        return 409, {first: " ".join(say(debt.sentence, **debt.params) for debt in err.debts)}
    except Invalid as err:
        return 422, {names.get(err.field, first): say(_CHOOSE if act in _CHOOSING else _WRONG)}
    except (IllegalMove, OutOfStock):
        return 409, {first: say(_NOT_NOW)}
    return 200, {}


_CHOOSING = frozenset({"contract", "lend", "take_back"})
_WRONG = N_("This is no serial number, or it is in stock already.")


def _chosen(table: type[Any], public_id: Any, field: str) -> Any:
    row = call().session.scalars(select(table).where(table.public_id == public_id)).one_or_none()
    if row is None:
        raise Invalid(field, "There is no such one.")
    return row


def _scan(_fault: Fault, found: Found, _typed: Mapping[str, str], body: dict[str, Any]) -> None:
    asked = call()
    named = {name: body[name] for name in ("serial_number", "kind", "source", "substitute", "differs")}
    swaps.scan(asked.session, asked.principal, found.swap, Replacement(**named), now=asked.now)


def _move(_fault: Fault, found: Found, _typed: Mapping[str, str], body: dict[str, Any]) -> None:
    asked, to = call(), SwapState(body["to"])
    if to not in moves(found.swap):
        raise NotYet(_NOT_NOW)
    given = {"reason": body["reason"], "now": asked.now}
    swaps.move(asked.session, asked.runtime, asked.principal, found.swap, to, **given)


def _contract(_fault: Fault, found: Found, typed: Mapping[str, str], body: dict[str, Any]) -> None:
    asked, wanted = call(), uuid_of(typed.get("contract"))
    transfer = next((one for one, _ in found.waiting if one.public_id == wanted), None)
    if transfer is None:
        raise Invalid("contract", "No such contract waits.")
    held: CoverageTransfer = transfer
    following.decide(asked.session, asked.principal, held, body["way"], reason=body["reason"], now=asked.now)


def _lend(fault: Fault, _found: Found, _typed: Mapping[str, str], body: dict[str, Any]) -> None:
    asked, unit = call(), _chosen(StockUnit, body["unit"], "unit")
    swaps.lend(asked.session, asked.principal, fault, unit, reason=body["reason"], now=asked.now)


def _take_back(_fault: Fault, found: Found, _typed: Mapping[str, str], body: dict[str, Any]) -> None:
    asked, location = call(), _chosen(StockLocation, body["location"], "location")
    if found.loan is None:
        raise NotYet(_NOT_NOW)
    swaps.take_back(asked.session, asked.principal, found.loan, location, reason=body["reason"], now=asked.now)


def _shelve(_fault: Fault, found: Found, _typed: Mapping[str, str], body: dict[str, Any]) -> None:
    asked, location = call(), _chosen(StockLocation, body.pop("location"), "location")
    swaps.restock(asked.session, asked.principal, found.swap, location, now=asked.now, **body)


def _close(fault: Fault, _found: Found, _typed: Mapping[str, str], body: dict[str, Any]) -> None:
    asked = call()
    owed.close(asked.session, asked.principal, fault, reason=body["reason"], now=asked.now)


_ACTS: dict[str, Callable[[Fault, Found, Mapping[str, str], dict[str, Any]], None]] = {
    "scan": _scan,
    "move": _move,
    "contract": _contract,
    "lend": _lend,
    "take_back": _take_back,
    "shelve": _shelve,
    "close": _close,
}
