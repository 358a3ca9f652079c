"""Vendor accounts for programs: what is sent of one, and what is shown; a secret goes in and never comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import fields, validate

from vendors.contract import Duty
from warranty.web.schemas.fields import Record, Strict, changes_of, line, text, word

_LONGEST_VALUE = 20_000  # a certificate with its chain


def _values(*, can_remove: bool = False) -> fields.Dict:
    value = text(_LONGEST_VALUE, allow_none=can_remove)
    return fields.Dict(keys=line(64), values=value, load_default=dict)


class AccountBody(Strict):
    """A new vendor account. Which secrets and options a vendor needs depends on the duties; what is missing is named."""

    example: ClassVar[Mapping[str, Any]] = {
        "vendor": "manual",
        "name": "Maker's portal",
        "base_url": None,
        "manufacturers": ["Maker"],
        "duties": ["open", "track"],
        "secrets": {"webhook_secret": "not this one"},
        "options": {"portal_url": "https://maker.example/rma"},
    }

    vendor = line(64, needed=True)
    name = line(120, needed=True)
    client = fields.UUID(
        load_default=None, allow_none=True, metadata={"description": "Serves this client's units only."}
    )
    base_url = line(500, load_default=None, allow_none=True)
    manufacturers = fields.List(line(120, needed=True), load_default=list, validate=validate.Length(max=100))
    duties = fields.List(word(Duty), load_default=list, validate=validate.Length(max=len(Duty)))
    secrets = _values()
    options = _values()


ACCOUNT_CHANGE = changes_of(
    AccountBody,
    but=("vendor", "client"),
    secrets=_values(can_remove=True),
    options=_values(can_remove=True),
)
"""Secrets and options are merged into those there are; one that is null is taken out."""


class CheckDocument(Strict):
    """The last check: when it was asked for, when it was answered (null: not yet), and what was wrong (null: nothing)."""

    asked_at = fields.AwareDateTime(allow_none=True)
    answered_at = fields.AwareDateTime(allow_none=True)
    trouble = fields.String(allow_none=True)


class AccountDocument(Record):
    """A vendor account. ``secrets_set`` names the secrets that there are.

    ``opens_held_since``: a restore went back to this instant, at ``held_at``; what the vendor was told since is not known here,
    so nothing is opened before its cases were compared, or somebody who has looked there releases the account.
    """

    example: ClassVar[Mapping[str, Any]] = {**AccountBody.example, "secrets_set": ["webhook_secret"]}

    id = fields.UUID()
    vendor = fields.String()
    name = fields.String()
    client = fields.UUID(allow_none=True)
    base_url = fields.String(allow_none=True)
    manufacturers = fields.List(fields.String())
    duties = fields.List(word(Duty))
    options = fields.Dict(keys=fields.String(), values=fields.String())
    secrets_set = fields.List(fields.String())
    check = fields.Nested(CheckDocument)
    created_at = fields.AwareDateTime()
    switched_off_at = fields.AwareDateTime(allow_none=True)
    opens_held_since = fields.AwareDateTime(allow_none=True)
    held_at = fields.AwareDateTime(allow_none=True)


class HeardDocument(Strict):
    """How a vendor is heard: when it last said anything new (null: not yet, or nobody listens), and what was not taken in.

    ``unapplied`` counts its messages that are not applied, ``pushes_refused`` those that did not prove that it sent them.
    """

    heard_at = fields.AwareDateTime(allow_none=True)
    unapplied = fields.Integer()
    pushes_refused = fields.Integer()
    push_refused_at = fields.AwareDateTime(allow_none=True)


class ListedAccountDocument(AccountDocument):
    """A vendor account in a list, with how its vendor is heard: that changes without anybody's doing, and is no part of it."""

    tracking = fields.Nested(HeardDocument)


class BecauseBody(Strict):
    """Why: it stands in the register."""

    reason = text(2000, needed=True)
