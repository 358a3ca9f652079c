"""Signing in and out: the only place that takes a password."""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Blueprint, current_app, g, make_response, redirect, render_template, request, session, url_for
from flask_limiter import Limiter, RateLimitExceeded
from flask_limiter.util import get_remote_address
from flask_wtf.csrf import CSRFError
from marshmallow import Schema, ValidationError, fields

from warranty import db
from warranty.domain.access import Permission
from warranty.domain.terms import CLIENT_ROLES
from warranty.models import User
from warranty.services import people
from warranty.web import errors, forms, guards, i18n
from warranty.web.errors import Problem
from warranty.web.guards import SAFE, SignInFirst, call, needs, public, runtime
from warranty.web.i18n import N_
from warranty.web.pages import KeptFormView, SignInView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask
    from werkzeug.wrappers import Response

blueprint = Blueprint("auth", __name__)

# A wrong password costs a try, of whoever sends it to this account, of the account, and of the sender; each waits longer
# the more often it happens. Nobody is locked out: from another address an account can be tried long after a stranger's
# guesses have used up his own tries, and every wait ends.
OF_SENDER_AND_ACCOUNT = "5 per minute; 20 per hour"
OF_ACCOUNT = "100 per hour"
OF_SENDER = "30 per minute; 200 per hour"
limiter = Limiter(get_remote_address, headers_enabled=True, in_memory_fallback_enabled=True)


def init_app(app: Flask) -> None:
    """Keep the counts in the queue server, so that all web processes share them; while it is away each counts its own."""
    app.config.update(RATELIMIT_STORAGE_URI=_queue_address(app))
    limiter.init_app(app)
    app.register_error_handler(SignInFirst, _ask_to_sign_in)
    app.register_error_handler(CSRFError, _ask_to_send_again)


def _queue_address(app: Flask) -> str:
    """The queue server's address as the limiter spells it."""
    url: str = app.extensions["runtime"].settings.redis_url
    return url.replace("unix://", "redis+unix://", 1) if url.startswith("unix://") else url


def _is_wrong(_response: Response) -> bool:
    return bool(g.get("sign_in_failed"))


def _account() -> str:
    return "account:" + request.form.get("email", "").strip().lower()[:254]


def _sender_and_account() -> str:
    return f"{get_remote_address()} {_account()}"


@blueprint.get("/login")
@public("nobody is signed in yet")
def sign_in() -> str:
    """The form."""
    return render_template("auth/sign_in.html", view=SignInView(values={"next": _own_path(request.args.get("next"))}))


@blueprint.post("/login")
@public("nobody is signed in yet")
@limiter.limit(OF_SENDER, deduct_when=_is_wrong)
@limiter.limit(OF_ACCOUNT, key_func=_account, deduct_when=_is_wrong)
@limiter.limit(OF_SENDER_AND_ACCOUNT, key_func=_sender_and_account, deduct_when=_is_wrong)
def take_password() -> Response | tuple[str, int]:
    """Check the password; an unknown address costs the same work and gets the same answer as a wrong password."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    values, said = _typed(), i18n.reader().text
    wrong = {}
    if not email.strip():
        wrong["email"] = said(N_("Enter your e-mail address."))
    if not password:
        wrong["password"] = said(N_("Enter your password."))
    user = None
    if not wrong:
        user = _known(email, password)
        if user is None:
            g.sign_in_failed = True
            wrong["email"] = said(N_("This e-mail address and password do not belong together."))
    if user is None:
        return _form(values, wrong), 422
    language = session.get("language")
    guards.sign_in(user)
    if language:
        session["language"] = language
    if request.form.get("zone"):
        session["zone"] = request.form["zone"][:64]
    kept = _kept_before()
    if kept is not None:
        return _send_again(kept), 200
    return redirect(values["next"] or url_for(start_of(user)), 303)


def _form(values: Mapping[str, str], wrong: Mapping[str, str]) -> str:
    kept = _kept_before()
    text = KeptForm().dumps(kept) if kept else ""
    return render_template("auth/sign_in.html", view=SignInView(text, values=values, errors=wrong))


def _typed() -> dict[str, str]:
    """What the form keeps when it comes back; never the password."""
    return {"email": request.form.get("email", "")[:254], "next": _own_path(request.form.get("next"))}


@blueprint.errorhandler(RateLimitExceeded)
def ask_to_wait(_error: RateLimitExceeded) -> tuple[str, int]:
    """The form again; it says for how long no password is looked at."""
    limit = limiter.current_limit
    assert limit is not None
    seconds = limit.reset_at - 1 - time.time()  # it counts the second that has begun as a whole one
    minutes = max(1, math.ceil(seconds / 60))
    said = i18n.reader().text(N_("Too many wrong passwords. Try again in %(minutes)s min."), minutes=minutes)
    return _form(_typed(), {"email": said}), 429


# --- a form that was sent after its session had ended: nothing is done, and nothing that was typed is lost ---


class KeptForm(Schema):
    """A form on its way through sign-in: it goes out in a hidden field, and comes back with the password."""

    path = fields.String(required=True)
    fields_ = fields.List(fields.Tuple((fields.String(), fields.String())), data_key="fields", required=True)
    lost_files = fields.Boolean(load_default=False)


_OF_ONE_SESSION = {"csrf_token", "password"}


def _ask_to_sign_in(_error: SignInFirst) -> Response:
    if "HX-Request" in request.headers or (request.method not in SAFE and not guards.is_own_form()):
        return errors.answer(Problem("unauthorized"))
    if request.method in SAFE:
        return redirect(url_for("auth.sign_in", next=request.full_path.rstrip("?")), 303)
    text = KeptForm().dumps(_kept())
    return make_response(render_template("auth/sign_in.html", view=SignInView(text)), 401)


def _ask_to_send_again(error: CSRFError) -> Response:
    """A form whose session has ended; what only another site can have sent gets nothing that a click would send on."""
    if request.endpoint == "auth.take_password":
        said = i18n.reader().text(N_("This page was older than its session: enter your password again."))
        return make_response(_form(_typed(), {"password": said}), 400)
    if request.endpoint == "auth.sign_out" and "_user_id" not in session:
        return redirect(url_for("auth.sign_in"), 303)
    if not guards.is_own_form() or "HX-Request" in request.headers or not _is_guarded():
        return errors.answer(errors.of_http(error))
    if "_user_id" not in session:
        return _ask_to_sign_in(SignInFirst())
    return make_response(_send_again(_kept()), 400)


def _is_guarded() -> bool:
    return bool(request.endpoint and guards.access_of(current_app, request.endpoint).permissions)


def _kept() -> dict[str, Any]:
    given = request.form.items(multi=True)
    # A vendor's secret goes in and never comes out, not even to be sent again.
    typed = [
        (name, value) for name, value in given if name not in _OF_ONE_SESSION and not name.startswith(forms.WRITE_ONLY)
    ]
    files = any(file.filename for _, file in request.files.items(multi=True))
    return {"path": request.path, "fields_": typed, "lost_files": files}


def _kept_before() -> dict[str, Any] | None:
    """The form that came along with the password, where one did."""
    try:
        kept: dict[str, Any] = KeptForm().loads(request.form.get("kept", ""))
    except (ValidationError, json.JSONDecodeError):
        return None
    return kept if _own_path(kept["path"]) else None


def _send_again(kept: dict[str, Any]) -> str:
    view = KeptFormView(kept["path"], tuple(map(tuple, kept["fields_"])), kept["lost_files"])
    return render_template("auth/send_again.html", view=view)


def start_of(user: User) -> str:
    """The endpoint where a person's work begins."""
    return "portal.case_list" if user.role in CLIENT_ROLES else "staff.board"


def _known(email: str, password: str) -> User | None:
    with runtime().database.read(db.EVERYBODY) as transaction:
        user = people.check_password(transaction, email, password)
    if user is not None:
        with runtime().database.begin(db.EVERYBODY) as transaction:
            people.rehash(transaction, user, password)
    return user


@blueprint.post("/logout")
@needs(Permission.READ, Permission.READ_OWN)
def sign_out() -> Response:
    """End the session, and with it every copy of its cookie."""
    user = call().session.get_one(User, call().principal.user_id)
    people.sign_out_everywhere(call().session, user)
    guards.sign_out()
    return redirect(url_for("auth.sign_in"), 303)


@blueprint.post("/language")
@public("in which language one reads says nothing about anybody")
def choose_language() -> Response:
    """Read on in another language; whoever is signed in finds it again on the next device."""
    if request.form.get("language") in i18n.LANGUAGES:
        session["language"] = request.form["language"]
        with runtime().database.begin(db.EVERYBODY) as transaction:
            user = guards.who_asks(transaction)
            if user is not None:
                user.language = session["language"]
    return redirect(_own_path(request.form.get("next")) or url_for("auth.sign_in"), 303)


def _own_path(text: str | None) -> str:
    """Where to go after signing in: a path of this host, or nowhere."""
    path = text or ""
    is_plain = path.startswith("/") and not path.startswith("//") and "\\" not in path
    parts = urlsplit(path) if is_plain and path.isprintable() else None
    return path if parts and not parts.scheme and not parts.netloc else ""
