"""What people type into pages: the only place that reads a form, for the staff's pages and for the portal's."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from marshmallow import ValidationError

from warranty.services import faults
from warranty.services.faults import ClientRequired, OccursLater, UnknownAsset, UnknownClient
from warranty.web.guards import call
from warranty.web.i18n import N_, reader
from warranty.web.schemas.faults import FaultBody, form_errors, from_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from warranty.services.faults import FaultFacts


def uuid_of(text: str | None) -> UUID | None:
    """The id that an address or a form names; null where it names none."""
    with suppress(ValueError):
        return UUID(text or "")
    return None


def key_of(*values: Mapping[str, str]) -> str:
    """The key of a form: sent twice, it is taken once. A form that comes back keeps the key it had."""
    return next((one["idempotency_key"] for one in values if one.get("idempotency_key")), str(uuid4()))


def typed_report(form: Mapping[str, str]) -> dict[str, str]:
    """What a report form holds: a choice of the select beside the pills is a choice like any other."""
    typed = {name: value for name, value in form.items() if not name.endswith("_more")}
    more = {name.removesuffix("_more"): value for name, value in form.items() if name.endswith("_more") and value}
    return typed | more


def take_report(typed: Mapping[str, str]) -> faults.Outcome | dict[str, str]:
    """Log what a report form says, as the caller; else what is wrong with it, by field."""
    try:
        facts: FaultFacts = FaultBody().load(instant(from_form(typed)))
        return faults.report(call().session, call().runtime, call().principal, facts, now=call().now)
    except ValidationError as err:
        return _missing(form_errors(err.messages_dict))
    except (ClientRequired, UnknownAsset, UnknownClient, OccursLater) as err:
        return _said(err)


_MISSING: Final = {
    "serial_number": N_("Give the serial number."),
    "component": N_("Choose what failed."),
    "cause": N_("Choose the cause, or “Not known”."),
    "symptom": N_("Say what you see."),
}


def _missing(errors: dict[str, str]) -> dict[str, str]:
    """The sentences of the schema, in the reader's words where it is just that something was left out."""
    here = reader().text
    return {name: here(_MISSING[name]) if name in _MISSING else said for name, said in errors.items()}


def _said(err: Exception) -> dict[str, str]:
    said = reader().text
    match err:
        case ClientRequired():
            return {"client": said(N_("Say whose unit it is: the serial alone does not tell."))}
        case OccursLater():
            return {"occurred_at": said(N_("This lies in the future."))}
        case UnknownClient():
            return {"client": said(N_("There is no such client."))}
        case _:
            return {"serial_number": said(N_("There is no such unit."))}


def instant(body: dict[str, Any]) -> dict[str, Any]:
    """The form's time is the reader's wall clock."""
    typed = body.get("occurred_at")
    if typed:
        with suppress(ValueError):  # the schema says what is wrong with it
            body["occurred_at"] = datetime.fromisoformat(typed).replace(tzinfo=reader().zone).isoformat()
    return body
