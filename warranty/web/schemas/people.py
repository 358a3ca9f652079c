"""Users and API tokens for programs. A password or a token that was made is answered once, and kept nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import fields, validate

from warranty.domain.access import TokenScope
from warranty.domain.terms import Role
from warranty.web.i18n import LANGUAGES
from warranty.web.schemas.examples import LEFT_OUT
from warranty.web.schemas.fields import Record, Strict, changes_of, line, moment, word
from warranty.web.schemas.lists import ListQuery

_MOST_MINOR = 10**15


class UserQuery(ListQuery):
    """Which users; those who are switched off are left out unless asked for."""

    role = word(Role, load_default=None)
    client = fields.UUID(load_default=None)
    deactivated = fields.Boolean(load_default=False)


def _limit() -> fields.Integer:
    said = "Minor units of the client's currency; an approver's, and nobody else's."
    options: dict[str, Any] = {"validate": validate.Range(0, _MOST_MINOR), "metadata": {"description": said}}
    return fields.Integer(strict=True, load_default=None, allow_none=True, **options)


class UserBody(Strict):
    """A new user. The two client roles need their client; without a password one is made and answered once."""

    example: ClassVar[Mapping[str, Any]] = {
        "email": "ada@msp.example",
        "name": "Ada Lovelace",
        "role": "technician",
        "client": None,
        "approval_limit_minor": None,
        "password": LEFT_OUT,
        "language": "en",
    }

    email = line(254, needed=True)
    name = line(200)
    role = word(Role, required=True)
    client = fields.UUID(load_default=None, allow_none=True)
    language = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(list(LANGUAGES)))
    approval_limit_minor = _limit()
    password = line(1024, load_default=None, metadata={"format": "password"})


USER_CHANGE = changes_of(
    UserBody,
    but=("email", "password"),
    client=fields.UUID(),
    language=fields.String(validate=validate.OneOf(list(LANGUAGES))),
    approval_limit_minor=fields.Integer(strict=True, validate=validate.Range(0, _MOST_MINOR)),
)


class UserDocument(Record):
    """Somebody who signs in."""

    example: ClassVar[Mapping[str, Any]] = {**UserBody.example, "deactivated_at": None}

    id = fields.UUID()
    email = fields.String()
    name = fields.String()
    role = word(Role)
    client = fields.UUID(allow_none=True)
    language = fields.String(allow_none=True)
    approval_limit_minor = fields.Integer(allow_none=True)
    created_at = fields.AwareDateTime()
    deactivated_at = fields.AwareDateTime(allow_none=True)


class NewUserDocument(UserDocument):
    """A user that was just added; ``password`` where it was made."""

    example: ClassVar[Mapping[str, Any]] = {**UserDocument.example, "password": "made-and-shown-once-1"}

    password = fields.String()


class TokenQuery(ListQuery):
    """Which tokens; those that are revoked are left out unless asked for."""

    user = fields.UUID(load_default=None)
    revoked = fields.Boolean(load_default=False)


class TokenBody(Strict):
    """A new token. It never exceeds its user's role; with ``client`` it sees that client's records only."""

    example: ClassVar[Mapping[str, Any]] = {
        "name": "RMM",
        "scopes": ["read", "write"],
        "expires_at": "2027-03-02T00:00:00+00:00",
        "client": None,
    }

    user = fields.UUID(required=True)
    name = line(120)
    scopes = fields.List(word(TokenScope), required=True, validate=validate.Length(1, len(TokenScope)))
    client = fields.UUID(load_default=None, allow_none=True)
    expires_at = moment(load_default=None, allow_none=True)


class TokenDocument(Record):
    """A token without its secret. ``last_used_at`` is right to some minutes."""

    example: ClassVar[Mapping[str, Any]] = {
        **TokenBody.example,
        "revoked_at": None,
        "last_used_at": "2026-03-02T08:55:00+00:00",
    }

    id = fields.UUID()
    user = fields.UUID()
    name = fields.String()
    scopes = fields.List(word(TokenScope))
    client = fields.UUID(allow_none=True)
    created_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime(allow_none=True)
    last_used_at = fields.AwareDateTime(allow_none=True)
    revoked_at = fields.AwareDateTime(allow_none=True)


class NewTokenDocument(TokenDocument):
    """A token that was just made, as a program sends it."""

    example: ClassVar[Mapping[str, Any]] = {
        **TokenDocument.example,
        "token": "wt_0f8f…_shown-once",
        "last_used_at": None,
    }

    token = fields.String()
