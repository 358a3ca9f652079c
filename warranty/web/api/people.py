"""Users and API tokens for programs: who may sign in, and which programs may call."""

from __future__ import annotations

from typing import Any

from warranty.domain.access import Permission
from warranty.models import ApiToken, Client, User
from warranty.services import erasure, people, records
from warranty.web.api.base import Endpoints, by_caller, document, listed
from warranty.web.guards import call, find, needs
from warranty.web.schemas.accounts import BecauseBody
from warranty.web.schemas.lists import page_of
from warranty.web.schemas.people import (
    USER_CHANGE,
    NewTokenDocument,
    NewUserDocument,
    TokenBody,
    TokenDocument,
    TokenQuery,
    UserBody,
    UserDocument,
    UserQuery,
)

endpoints = Endpoints("people", "Users, and the tokens that programs call with.")

_BY_API = "by the API"


def _client(body: dict[str, Any]) -> Client | None:
    named = body.pop("client", None)
    return None if named is None else find(Client, named, field="client")


# --- users ---


@endpoints.get("/users", needs(Permission.ADMINISTER, wide=True), query=UserQuery(), answer=page_of(UserDocument))
def list_users(query: dict[str, Any]) -> dict[str, Any]:
    """Users, the newest first."""
    where = [] if query["deactivated"] else [User.deactivated_at.is_(None)]
    if query["role"] is not None:
        where.append(User.role == query["role"])
    return listed(records.USERS, query, *where)


@endpoints.post(
    "/users",
    needs(Permission.ADMINISTER, wide=True, once="password"),
    body=UserBody(),
    answer=NewUserDocument(),
    status=201,
)
def add_user(body: dict[str, Any]) -> dict[str, Any]:
    """Add a user; a password that was made is answered here and never again."""
    given = body.pop("password")
    made = people.make_password() if given is None else None
    user = people.add_user(
        call().session, client=_client(body), password=given or made or "", because=by_caller(_BY_API), **body
    )
    return document(records.USERS, user) | ({} if made is None else {"password": made})


@endpoints.get("/users/<uuid:id>", needs(Permission.ADMINISTER, of=User, wide=True), answer=UserDocument())
def show_user(user: User) -> dict[str, Any]:
    """One user."""
    return _user(user)


def _user(user: User) -> dict[str, Any]:
    return document(records.USERS, user)


@endpoints.patch(
    "/users/<uuid:id>",
    needs(Permission.ADMINISTER, of=User, wide=True),
    body=USER_CHANGE,
    answer=UserDocument(),
    shows=_user,
)
def change_user(user: User, body: dict[str, Any]) -> None:
    """Change a user; nobody changes their own role, client or limit."""
    people.change_user(call().session, user, client=_client(body), because=by_caller(_BY_API), **body)


@endpoints.post(
    "/users/<uuid:id>/deactivate",
    needs(Permission.ADMINISTER, of=User, wide=True),
    body=BecauseBody(),
    answer=UserDocument(),
)
def deactivate_user(user: User, body: dict[str, Any]) -> dict[str, Any]:
    """Switch a user off: sessions end, and password and tokens open nothing any more."""
    people.deactivate(call().session, user, because=by_caller(body["reason"]))
    return _user(user)


@endpoints.post(
    "/users/<uuid:id>/reactivate",
    needs(Permission.ADMINISTER, of=User, wide=True),
    body=BecauseBody(),
    answer=UserDocument(),
)
def reactivate_user(user: User, body: dict[str, Any]) -> dict[str, Any]:
    """Let a user in again, with the password and the tokens from before."""
    people.reactivate(call().session, user, because=by_caller(body["reason"]))
    return _user(user)


@endpoints.post(
    "/users/<uuid:id>/erase",
    needs(Permission.ADMINISTER, of=User, wide=True),
    body=BecauseBody(),
    answer=UserDocument(),
)
def erase_user(user: User, body: dict[str, Any]) -> dict[str, Any]:
    """Take a user's name and mail address out, for ever; registers keep the pseudonym."""
    erasure.erase_user(call().session, user, because=by_caller(body["reason"]))
    return _user(user)


# --- tokens ---


@endpoints.get("/tokens", needs(Permission.ADMINISTER, wide=True), query=TokenQuery(), answer=page_of(TokenDocument))
def list_tokens(query: dict[str, Any]) -> dict[str, Any]:
    """Tokens without their secrets, the newest first."""
    where = [] if query["revoked"] else [ApiToken.revoked_at.is_(None)]
    if query["user"] is not None:
        where.append(User.public_id == query["user"])
    return listed(records.TOKENS, query, *where)


@endpoints.post(
    "/tokens",
    needs(Permission.ADMINISTER, wide=True, once="token"),
    body=TokenBody(),
    answer=NewTokenDocument(),
    status=201,
)
def add_token(body: dict[str, Any]) -> dict[str, Any]:
    """Make a token; it is answered here and never again."""
    user = find(User, body.pop("user"), field="user")
    made = people.add_token(call().session, user, client=_client(body), because=by_caller(_BY_API), **body)
    return document(records.TOKENS, find(ApiToken, made.id)) | {"token": made.token}


@endpoints.get("/tokens/<uuid:id>", needs(Permission.ADMINISTER, of=ApiToken, wide=True), answer=TokenDocument())
def show_token(token: ApiToken) -> dict[str, Any]:
    """One token, without its secret."""
    return document(records.TOKENS, token)


@endpoints.post(
    "/tokens/<uuid:id>/revoke",
    needs(Permission.ADMINISTER, of=ApiToken, wide=True),
    body=BecauseBody(),
    answer=TokenDocument(),
)
def revoke_token(token: ApiToken, body: dict[str, Any]) -> dict[str, Any]:
    """Revoke a token: from now on it is answered with 401."""
    people.revoke_token(call().session, token, because=by_caller(body["reason"]))
    call().session.flush()
    return document(records.TOKENS, token)
