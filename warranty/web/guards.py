"""Who asks, and may they: the only place that opens a request's transaction, signs people in, and refuses.

Deny by default: every endpoint says ``@needs(...)`` or ``@public("why")``, and an app with one that says neither is
not built. A guarded view runs inside one transaction, narrowed to what its caller may see; where it raises, nothing is
kept. Under ``/api`` a bearer token says who asks, elsewhere the session's cookie; so a page's cookie opens no API, and
no API call needs a form's token against forgery. Source: reliability.md, sections 6 and 7.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from flask import Flask, Response, current_app, g, make_response, redirect, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from werkzeug.exceptions import BadRequest

from warranty import db
from warranty.models import IdempotencyKey, PublicRow, User
from warranty.services import moves, people
from warranty.web import trace
from warranty.web.errors import Problem, is_api, is_conflict
from warranty.web.i18n import N_

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedReader

    from sqlalchemy.orm import Session

    from warranty.domain.access import Permission, Principal
    from warranty.runtime import Runtime

    View = Callable[..., Any]

V = TypeVar("V", bound="View")
Row = TypeVar("Row", bound=PublicRow)

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SESSION_LIFE = timedelta(hours=12)
LONGEST_KEY = 255
_SENT = N_("This form was sent already, with other words. Look at what it opened, or begin a new form.")
_LARGE_FILE = N_(
    "The file is larger than a page takes, and nothing of it was read. Split it into several, or have it imported where the"
    " product runs: warranty import."
)
_FOREIGN = N_("This form was sent from another site, so nothing was done. Open the page here and send it again.")

csrf = CSRFProtect()
manager = LoginManager()


@dataclass(frozen=True, slots=True)
class Access:
    """What an endpoint declared. ``permissions``: any one of them is enough; none at all is public, for ``reason``.

    ``of`` is the table of the object that the path names, ``writes`` whether the view changes anything (null: as its
    method says), ``key`` whether a program must send an Idempotency-Key, ``wide`` whether it is about what belongs to no one
    client, and so refused to whoever sees one client only, ``once`` the field of its answer that is shown once and kept
    nowhere: a repeated request is answered without it, ``largest`` how many bytes a body may have that is a file and not
    JSON, or that is a form with files, ``takes_key`` whether the key that a form brings is for this endpoint: not for a step
    on the way to sending it.
    """

    permissions: tuple[Permission, ...] = ()
    of: type[PublicRow] | None = None
    writes: bool | None = None
    key: bool = False
    wide: bool = False
    once: str = ""
    largest: int = 0
    takes_key: bool = True
    reason: str = ""


@dataclass(slots=True)
class Call:
    """The present request, once it is known who asks: its transaction, its caller, and when it came."""

    runtime: Runtime
    session: Session
    principal: Principal
    now: datetime


class Undeclared(Exception):
    """An endpoint says neither what it needs nor that it is public."""


def needs(
    *permissions: Permission,
    of: type[PublicRow] | None = None,
    writes: bool | None = None,
    key: bool = False,
    wide: bool = False,
    once: str = "",
    largest: int = 0,
    takes_key: bool = True,
) -> Callable[[V], V]:
    """Let in whoever has one of the permissions.

    With ``of`` the path's ``<uuid:id>`` names a row of that table: the view gets the row as its first argument. A row
    that the caller may not see is 404, whatever the caller's role; a row it may see without the permission is 403.
    """
    access = Access(permissions, of, writes, key, wide, once, largest, takes_key)

    def guard(view: V) -> V:
        @wraps(view)
        def guarded(**args: Any) -> Any:
            response = _run(view, access, args)
            _note_use()
            return response

        guarded.access = access  # type: ignore[attr-defined]  # a function carries any attribute
        return cast("V", guarded)

    return guard


def public(reason: str) -> Callable[[V], V]:
    """Let in everybody, for a reason."""

    def declare(view: V) -> V:
        view.access = Access(reason=reason)  # type: ignore[attr-defined]  # as above
        return view

    return declare


def access_of(app: Flask, endpoint: str) -> Access:
    """What an endpoint declared.

    Raises:
        Undeclared: nothing.
    """
    declared: Access | None = getattr(app.view_functions[endpoint], "access", None)
    if declared is None or not (declared.permissions or declared.reason):
        raise Undeclared(f"{endpoint} declares neither @needs(...) nor @public(...).")
    return declared


def may_be_opened(endpoint: str) -> bool:
    """Whether the caller may see a page of this application; a page offers only such."""
    access = access_of(current_app, endpoint)
    return not access.permissions or (_may(access) and not (access.wide and call().principal.client_id is not None))


def call() -> Call:
    """The present guarded request."""
    found: Call = g.call
    return found


def runtime() -> Runtime:
    """The process's settings, database and keys."""
    found: Runtime = current_app.extensions["runtime"]
    return found


# --- the guarded view ---


def _run(view: View, access: Access, args: dict[str, Any]) -> Response:
    writes = request.method not in SAFE if access.writes is None else access.writes
    token = None
    if is_api():
        token = _bearer()
        if not access.largest:
            _check_body()
    key = _key(access) if writes and access.takes_key else None
    database = runtime().database
    if not writes:
        with database.read(db.NOBODY) as transaction:
            _enter(transaction, token, None)
            return _answer(view, access, args)
    try:
        with database.begin(db.NOBODY) as transaction:
            answered = _enter(transaction, token, key)
            if answered is not None and _may(access):
                return _replay(answered)
            response = _answer(view, access, args)
            if key is not None and response.status_code < 400:
                _keep(transaction, key, access, response)
            return response
    except (DBAPIError, moves.Raced) as err:
        # An equal request may have been under way: we waited for its rows, and it has answered for both of us.
        if key is None or not is_conflict(err):
            raise
        with database.read(db.NOBODY) as transaction:
            answered = _enter(transaction, token, key)
            if answered is None or not _may(access):
                raise
            return _replay(answered)


def _enter(transaction: Session, token: people.TokenId | None, key: str | None) -> people.Answered | None:
    """Find out who asks, narrow the transaction to what they may see; the answer that their key had before, if any."""
    if token is not None:
        known = people.check_token(transaction, token, key=key)
        if known is None:
            raise _no_token()
        principal, answered = known.principal, known.answered
        g.caller = known
    else:
        principal, answered = _signed_in(transaction), None
        if key is not None:
            answered = people.answered_before(transaction, principal.user_id, key)
    is_told = token is not None or g.get("told") is transaction
    db.enter(transaction, db.Scope(principal.client_id), is_told=is_told)
    trace.asks(principal)
    g.call = Call(runtime(), transaction, principal, datetime.now(UTC))
    return answered


def _may(access: Access) -> bool:
    return any(call().principal.may(permission) for permission in access.permissions)


def _answer(view: View, access: Access, args: dict[str, Any]) -> Response:
    principal = call().principal
    if access.wide and principal.client_id is not None:
        raise Problem("forbidden")
    found = [] if access.of is None else [find(access.of, args.pop("id"))]
    if not _may(access):
        raise Problem("forbidden")
    trace.about(*found)
    return make_response(view(*found, **args))


def find(table: type[Row], public_id: UUID, *, field: str | None = None) -> Row:
    """The row of a public id, among those that the caller may see.

    Args:
        table: of which table.
        public_id: the id, from a path or from a body.
        field: the field of the body that names it; without one the path did.

    Raises:
        Problem: ``not_found``; for a body ``invalid``, naming the field.
    """
    row = call().session.scalars(select(table).where(table.public_id == public_id)).one_or_none()
    if row is None and field is None:
        raise Problem("not_found")
    if row is None:
        said = f"There is no {field} of this id, or none that you may see."
        raise Problem("invalid", said, {field or "": [said]})
    return row


# --- programs: bearer tokens, and writes that may be repeated ---


def _bearer() -> people.TokenId:
    """The token of the request; what has not the form of one costs the database nothing."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    token = people.read_token(text.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise _no_token()
    return token


def _check_body() -> None:
    """A program's body is JSON, whatever it says; which, the endpoint's schema asks."""
    if not request.get_data():
        return
    if not request.is_json:
        raise Problem("unsupported_media")
    try:
        request.get_json()
    except (BadRequest, RecursionError) as err:
        raise Problem("malformed", "The body is not JSON.") from err


def _no_token() -> Problem:
    return Problem("unauthorized", headers={"WWW-Authenticate": "Bearer"})


def _key(access: Access) -> str | None:
    """The key of a write that its caller may repeat: a program's header, or the hidden field of a form."""
    key = request.headers.get("Idempotency-Key") if is_api() else request.form.get("idempotency_key")
    if not key:
        if access.key and is_api():
            raise Problem("key_required", "Send an Idempotency-Key: the same one when you repeat this request.")
        return None
    if len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise Problem("bad_request", f"An Idempotency-Key has at most {LONGEST_KEY} printable ASCII characters.")
    return key


def _note_use() -> None:
    """Keep that a token was used, now and then, in a transaction of its own: an answer stands without it."""
    caller: people.Caller | None = g.pop("caller", None)
    if caller is None or not people.is_use_news(caller, call().now):
        return
    with suppress(DBAPIError, db.DatabaseUnavailable), runtime().database.begin(db.NOBODY) as transaction:
        people.note_use(transaction, caller.token_key, now=call().now)


def _digest() -> str:
    """What a key stands for: the request, and whose rows its answer was made from."""
    said = f"{call().principal.client_id} {request.method} {request.full_path}\n".encode() + _body()
    return hashlib.sha256(said).hexdigest()


def _body() -> bytes:
    """What the request brings; of a form, what its fields say.

    The bounds between the parts of a form with files are made anew each time, and the token against forgery whenever its
    page is loaded: they say nothing.
    """
    if request.mimetype not in {"multipart/form-data", "application/x-www-form-urlencoded"}:
        return request.get_data()
    fields = sorted((name, value) for name, value in request.form.items(multi=True) if name != "csrf_token")
    said = [f"{name}={value}\n".encode() for name, value in fields]
    for name, file in sorted(request.files.items(multi=True), key=lambda part: part[0]):
        file.stream.seek(0)  # the view may have read it
        said.append(
            f"{name}={file.filename}:{hashlib.file_digest(cast('BufferedReader', file.stream), 'sha256').hexdigest()}\n".encode()
        )
        file.stream.seek(0)
    return b"".join(said)


def _keep(transaction: Session, key: str, access: Access, response: Response) -> None:
    is_away = response.status_code in {301, 302, 303, 307, 308}
    instead: str | None = g.pop("instead_of_secret", None)
    row = {
        "user_id": call().principal.user_id,
        "key": key,
        "body_digest": _digest(),
        "status": 303 if instead else response.status_code,
        "answer": instead or (str(response.location) if is_away else _kept(access, response)),
        "created_at": call().now,
    }
    transaction.flush()
    db.write(transaction, IdempotencyKey, row)


def shown_once(page: str, instead: str) -> Response:
    """Answer with a page that holds a secret, and keep none of it: whoever sends the form again is led elsewhere."""
    g.instead_of_secret = instead
    return make_response(page)


def _kept(access: Access, response: Response) -> str:
    if not access.once:
        return response.get_data(as_text=True)
    return json.dumps({name: value for name, value in response.get_json().items() if name != access.once})


def _replay(answered: people.Answered) -> Response:
    if answered.body_digest != _digest():
        raise Problem("key_reused", "The stored answer belongs to another request: take a new key.", advice=_SENT)
    if 300 <= answered.status < 400:
        return cast("Response", redirect(answered.answer, answered.status))
    return Response(answered.answer, answered.status, mimetype="application/json" if is_api() else "text/html")


# --- people: sessions ---


class SignedIn(UserMixin):  # type: ignore[misc]  # Flask-Login has no types
    """A user as the session knows them. All but ``user`` are values, which outlive a transaction that failed."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.principal = people.principal_of(user)
        self.language = user.language
        self.time_zone = user.time_zone
        self.theme = user.theme
        self.single_keys = user.single_keys
        self._identity = f"{user.public_id.hex}.{user.session_epoch.hex}"

    def get_id(self) -> str:
        """What the cookie carries: it ends with the user's epoch, so a copied cookie does not outlive sign-out."""
        return self._identity


def _load(identity: str) -> SignedIn | None:
    user_id, _, epoch = identity.partition(".")
    tells = g.get("told") is g.session_transaction
    try:
        user = people.find_session(g.session_transaction, UUID(user_id), UUID(epoch), tells=tells)
    except ValueError:
        return None
    return SignedIn(user) if user else None


def _signed_in(transaction: Session) -> Principal:
    g.session_transaction = transaction
    g.told = None if known() else transaction  # whoever is known from a transaction before is not looked up again
    if not current_user.is_authenticated:
        raise SignInFirst
    principal: Principal = current_user.principal
    return principal


class SignInFirst(Exception):
    """Nobody is signed in."""


def known() -> SignedIn | None:
    """Whoever is known to ask, without a look into the database: null on public pages and where that look failed."""
    found = g.get("_login_user")
    return found if isinstance(found, SignedIn) else None


def who_asks(transaction: Session) -> User | None:
    """Whoever is signed in, on a page that asks for nobody."""
    g.session_transaction = transaction
    return current_user.user if current_user.is_authenticated else None


def sign_in(user: User) -> None:
    """Begin a session, in a cookie that shares nothing with the one before."""
    session.clear()
    session.permanent = True
    login_user(SignedIn(user))


def sign_out() -> None:
    """End the browser's session; ``people.sign_out_everywhere`` ends its copies."""
    logout_user()
    session.clear()


def _refuse_forgeries() -> None:
    """A page changes something only at its own form's wish; a program proves itself by its token instead."""
    if request.method in SAFE:
        return
    _let_files_in()
    request.get_data()  # before any transaction: a body may come slowly, and on SQLite a writer holds up all others
    if is_api():
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in {None, "same-origin", "none"} or (origin is not None and origin not in _own_origins()):
        raise Problem("forbidden", "This form was sent from another site.", advice=_FOREIGN)
    csrf.protect()


def _own_origins() -> set[str]:
    return {request.host_url.rstrip("/"), runtime().settings.base_url}


def is_own_form() -> bool:
    """Whether the browser itself says that a page of this site sent the present form: programs and old browsers do not."""
    return request.headers.get("Sec-Fetch-Site") == "same-origin" or request.headers.get("Origin") in _own_origins()


def _let_files_in() -> None:
    """A file may be larger than any other body, but only whoever brings a token, or a session, has so much read."""
    access = access_of(current_app, request.endpoint) if request.endpoint else None
    if access is None or not access.largest:
        return
    if is_api():
        _bearer()
    elif "_user_id" not in session:
        if (request.content_length or 0) > current_app.config["MAX_CONTENT_LENGTH"]:
            raise SignInFirst
        return
    if (request.content_length or 0) > access.largest:
        raise Problem("too_large", advice=_LARGE_FILE)
    request.max_content_length = access.largest


# --- the app ---


def init_app(app: Flask, *, is_production: bool) -> None:
    """Switch the guards on."""
    app.config.update(
        SESSION_COOKIE_NAME="__Host-session" if is_production else "session",
        SESSION_COOKIE_SECURE=is_production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=SESSION_LIFE,
        WTF_CSRF_CHECK_DEFAULT=False,  # ``_refuse_forgeries`` asks, and leaves programs alone
        WTF_CSRF_TIME_LIMIT=None,  # a form may lie open as long as its session lives
    )
    csrf.init_app(app)
    manager.session_protection = None  # it ties a session to an address, which telephones change; the epoch ends it
    manager.user_loader(_load)
    manager.init_app(app, add_context_processor=False)  # a page of an error must ask no database
    app.before_request(_refuse_forgeries)
    app.teardown_request(lambda _error: request.close())  # large files of a form lie in files of their own
    app.jinja_env.tests["may_be_opened"] = may_be_opened


def check_declarations(app: Flask) -> None:
    """Refuse an app with an endpoint that declares nothing.

    Raises:
        Undeclared: names it.
    """
    for endpoint in app.view_functions:
        access_of(app, endpoint)
