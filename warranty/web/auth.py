"""Signing in and out: the only place that takes a password."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, render_template, request, session, url_for
from flask_limiter import Limiter, RateLimitExceeded
from flask_limiter.util import get_remote_address

from warranty import db
from warranty.domain.access import Permission
from warranty.domain.terms import CLIENT_ROLES
from warranty.models import User
from warranty.services import people
from warranty.web import guards, i18n
from warranty.web.guards import call, needs, public, runtime
from warranty.web.i18n import N_
from warranty.web.pages import SignInView

if TYPE_CHECKING:
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
    return render_template("auth/sign_in.html", view=SignInView({"next": _own_path(request.args.get("next"))}))


@blueprint.post("/login")
@public("nobody is signed in yet")
@limiter.limit(OF_SENDER, deduct_when=_is_wrong)
@limiter.limit(OF_ACCOUNT, key_func=_account, deduct_when=_is_wrong)
@limiter.limit(OF_SENDER_AND_ACCOUNT, key_func=_sender_and_account, deduct_when=_is_wrong)
def take_password() -> Response | tuple[str, int]:
    """Check the password; an unknown address costs the same work and gets the same answer as a wrong password."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    values, said = _typed(), i18n.reader().text
    errors = {}
    if not email.strip():
        errors["email"] = said(N_("Enter your e-mail address."))
    if not password:
        errors["password"] = said(N_("Enter your password."))
    user = None
    if not errors:
        user = _known(email, password)
        if user is None:
            g.sign_in_failed = True
            errors["email"] = said(N_("This e-mail address and password do not belong together."))
    if user is None:
        return render_template("auth/sign_in.html", view=SignInView(values, errors)), 422
    language = session.get("language")
    guards.sign_in(user)
    if language:
        session["language"] = language
    if request.form.get("zone"):
        session["zone"] = request.form["zone"][:64]
    return redirect(values["next"] or url_for(start_of(user)), 303)


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
    return render_template("auth/sign_in.html", view=SignInView(_typed(), {"email": said})), 429


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
