"""What people type into pages: the only place that reads a form, for the staff's pages and for the portal's."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from flask import Flask, request
from marshmallow import Schema, ValidationError

from warranty.services import faults
from warranty.services.faults import ClientRequired, OccursLater, UnknownAsset, UnknownClient
from warranty.web import trace
from warranty.web.errors import Problem, is_api
from warranty.web.guards import call
from warranty.web.i18n import N_, reader
from warranty.web.schemas.cases import InputsBody
from warranty.web.schemas.faults import FaultBody, form_errors, from_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from werkzeug.datastructures import MultiDict

    from warranty.services.estate import Invalid
    from warranty.services.faults import FaultFacts
    from warranty.services.preparing import Given


WRITE_ONLY = "secret_"
"""What the names of fields begin with whose values never go back to a page."""


def init_app(app: Flask) -> None:
    """Let no page be asked for, and no form be sent, with the one sign that PostgreSQL cannot keep."""
    app.before_request(_refuse_nul)


def _refuse_nul() -> None:
    # Programs send JSON, whose schemas know every field; of a page's address and form each view takes its own part.
    if not is_api() and any("\0" in text for given in (request.args, request.form) for _, text in _all(given)):
        raise Problem("malformed")


def _all(given: MultiDict[str, str]) -> Iterable[tuple[str, str]]:
    return given.items(multi=True)


def uuid_of(text: str | None) -> UUID | None:
    """The id that an address or a form names; null where it names none."""
    with suppress(ValueError):
        return UUID(text or "")
    return None


def key_of(*values: Mapping[str, str]) -> str:
    """The key of a form: sent twice, it is taken once. A form that comes back keeps the key it had."""
    return next((one["idempotency_key"] for one in values if one.get("idempotency_key")), str(uuid4()))


def digest(*parts: object) -> str:
    """What stands for these values, and for no others: a form carries it of what it was made of, see ``is_late``."""
    return sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def is_late(typed: Mapping[str, str], seen: str) -> bool:
    """Whether a form was made for something else (its field `seen`) than what stands there now."""
    return typed.get("seen", seen) != seen


def typed_report(form: Mapping[str, str]) -> dict[str, str]:
    """What a report form holds: a choice of the select beside the pills is a choice like any other."""
    typed = {name: value for name, value in form.items() if not name.endswith("_more")}
    more = {name.removesuffix("_more"): value for name, value in form.items() if name.endswith("_more") and value}
    return typed | more


def take_report(typed: Mapping[str, str], wrong: Mapping[str, str] | None = None) -> faults.Outcome | dict[str, str]:
    """Log what a report form says, as the caller; else what is wrong with it, by field.

    ``wrong`` is what its page found wrong with what is not in the report itself: with that, nothing is logged.
    """
    try:
        facts: FaultFacts = FaultBody().load(instant(from_form(typed)))
        if wrong:
            return dict(wrong)
        made = faults.report(call().session, call().runtime, call().principal, facts, now=call().now)
    except ValidationError as err:
        return said_of(form_errors(err.messages_dict), typed) | dict(wrong or {})
    except (ClientRequired, UnknownAsset, UnknownClient, OccursLater) as err:
        return _said(err)
    trace.about(made.fault, made.rma)
    return made


_CHOSEN: Final = {"parts": "part", "files": "claim_file"}
"""What the form of a claim calls the lists that are chosen from."""


def typed_inputs(form: MultiDict[str, str]) -> Given | dict[str, str]:
    """What a claim is given; else what is wrong with it, by field. Parts and files count where the form listed them."""
    body = from_form(form)
    if "lists_parts" in form:
        body["parts"] = form.getlist("part")
    if "lists_files" in form:
        body["files"] = form.getlist("claim_file")
    try:
        return InputsBody().load(body)["given"]  # type: ignore[no-any-return]  # what its `post_load` makes
    except ValidationError as err:
        wrong = form_errors(err.messages_dict)
        return said_of((_CHOSEN.get(name.partition("_")[0], name) for name in wrong), form)


def refused_choice(err: Invalid) -> dict[str, str]:
    """What is wrong with what was chosen for a claim, by field."""
    return said_of([_CHOSEN.get(err.field, err.field)], {})


_MISSING: Final = {
    "undo_reason": N_("Say why it is undone: it stands in the register."),
    "serial_number": N_("Give the serial number."),
    "symptom": N_("Say what you see."),
    "contact_name": N_("Give the name of whoever can be called."),
    "ship_name": N_("Give the name of whoever takes the parcel."),
    "reason": N_("Say why: it is kept with the verdict."),
    "claim_reason": N_("Say how you know: it stands in the timeline."),
    "found_reason": N_("Say how you know: it stands in the timeline."),
    "override_reason": N_("Say why: it is kept with the verdict."),
    "opinion_reason": N_("Say why: it is kept with the verdict."),
    "goods_reason": N_("Say how you know: it stands in the timeline."),
    "plan_reason": N_("Say how you know: it stands in the timeline."),
    "cost_reason": N_("Say why: it stands in the timeline."),
    "kept_reason": N_("Say why: it stands in the timeline."),
    "kept_by": N_("Say who destroyed it."),
    "kept_method": N_("Say how it was destroyed."),
    "owner_reason": N_("Say why: whoever has it next reads it."),
    "stray_reason": N_("Say what became of the case: it stands in the register."),
}
"""What is said of a field that was left empty."""

_CHOOSE: Final = {
    "client": N_("There is no such client."),
    "component": N_("Choose what failed."),
    "cause": N_("Choose the cause, or “Not known”."),
    "severity": N_("Choose how bad it is."),
    "occurred_at": N_("This is no day and time."),
    "action": N_("Choose an answer."),
    "found_answer": N_("Choose an answer."),
    "found_place": N_("Say which of them is true."),
    "part": N_("Choose up to four of the parts that the vendor lists."),
    "claim_file": N_("Choose files of this case, and no more in all than the vendor takes."),
    "to": N_("Say what happened."),
    "verdict": N_("Choose the verdict."),
    "parts": N_("There is no such contract."),
    "labour": N_("There is no such contract."),
    "reason_code": N_("Choose what kind of reason it is."),
    "opinion": N_("Choose an answer."),
    "goods_to": N_("Say what happened."),
    "plan_who": N_("Choose who has it."),
    "plan_charge": N_("This is no amount of money."),
    "cost_kind": N_("Choose what it is for."),
    "cost_amount": N_("Enter what is to be paid, as an amount of money."),
    "cost_payer": N_("Choose who pays it."),
    "cost_blame": N_("Choose whose doing it was."),
    "kept_file": N_("Choose the certificate among the files of the case."),
    "kept_on": N_("Enter a day that has come."),
    "owner": N_("Choose who is to have it."),
    "note_way": N_("Say who is to read it."),
}
"""What is said of a field that takes no text of one's own, empty or not."""


def said_of(errors: Iterable[str], typed: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with each of these fields, in the reader's words; the schemas speak to programs."""
    said = {}
    for name in errors:
        is_empty = not typed.get(name, "").strip()
        known = _CHOOSE.get(name) or (_MISSING.get(name) if is_empty else None)
        said[name] = reader().text(known or N_("This is too long, or holds signs that nobody types."))
    return said


def read(schema: Schema, typed: Mapping[str, str], names: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What a form says, by the schema of the same body, and what is wrong with it, by the form's own field.

    Args:
        schema: what the body must be.
        typed: what the form sent.
        names: of each field of the schema that the form has, the form's name for it.
    """
    given = {name: typed.get(own, "").strip() for name, own in names.items()}
    try:
        return schema.load({name: value for name, value in given.items() if value}), {}
    except ValidationError as err:
        return given, said_of((names[name] for name in err.messages_dict), typed)


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
