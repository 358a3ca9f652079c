"""Who signs in, and which programs call: users and tokens. A password or a token that was made is shown once."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, request, url_for

from warranty.domain.access import Permission, TokenScope
from warranty.domain.terms import CLIENT_ROLES, Role
from warranty.languages import plain_sum, read_sum
from warranty.models import ApiToken, Client, User
from warranty.services import estate, people, settings
from warranty.services.estate import Invalid
from warranty.web import changes, views
from warranty.web.api.base import by_caller, held
from warranty.web.forms import digest, key_of, uuid_of
from warranty.web.guards import call, needs, shown_once
from warranty.web.i18n import LANGUAGES, N_, reader
from warranty.web.pages import settings as pages
from warranty.web.staff.room import blueprint
from warranty.web.staff.settings import Answer, reason_of
from warranty.web.views import settings as shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

    from warranty.web.changes import Change


def _said(message: str, **params: object) -> str:
    return reader().text(message, **params)


def _client_named(name: str, errors: dict[str, str]) -> Client | None:
    if not name:
        return None
    try:
        return estate.find_client(call().session, name)
    except Invalid:
        errors["client"] = _said(N_("There is no such client."))
        return None


# --- users ---


@blueprint.get("/settings/users")
@needs(Permission.ADMINISTER, wide=True)
def user_list() -> str:
    """Users by address."""
    start, after = request.args.get("start", "").strip()[:254], request.args.get("after")
    is_off = request.args.get("shows") == "off"
    view = "off" if is_off else None
    rows, older = settings.user_list(call().session, is_off=is_off, start=start, after=uuid_of(after))
    page = pages.SettingsList(
        area="users",
        places=shown.places(),
        rows=tuple(shown.user_line(user, name) for user, name in rows),
        add_url=url_for("staff.user_new"),
        shows="off" if is_off else "on",
        views=(("on", url_for("staff.user_list")), ("off", url_for("staff.user_list", shows="off"))),
        start=start,
        start_url=url_for("staff.user_list"),
        next_url=url_for("staff.user_list", after=older, shows=view, start=start or None) if older else None,
        first_url=url_for("staff.user_list", shows=view) if after or start else None,
    )
    return render_template("staff/settings_list.html", frame=views.frame(), view=page)


@blueprint.get("/settings/users/<uuid:id>")
@needs(Permission.ADMINISTER, of=User, wide=True)
def user_detail(user: User) -> str:
    """One user."""
    return _user_page(user)


def _client_of(user: User) -> Client | None:
    return call().session.get(Client, user.client_id) if user.client_id is not None else None


def _user_values(user: User, client: Client | None) -> dict[str, str]:
    limit = user.approval_limit_minor
    return {
        "name": user.name,
        "language": user.language or "",
        "role": user.role.value,
        "client": client.name if client else "",
        "limit": "" if limit is None or client is None else plain_sum(limit, client.currency),
    }


def _read_user(values: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What ``people`` takes of a form, and what is wrong with it."""
    errors: dict[str, str] = {}
    role = Role(values["role"]) if values["role"] in list(Role) else None
    if role is None:
        errors["role"] = _said(N_("Choose a role."))
    if len(values["name"]) > 200:
        errors["name"] = _said(N_("This is too long, or holds signs that nobody types."))
    if values["language"] and values["language"] not in LANGUAGES:
        errors["language"] = _said(N_("There is no such language."))
    client = _client_named(values["client"], errors)
    if role in CLIENT_ROLES and not values["client"]:
        errors["client"] = _said(N_("Say whose cases this user sees."))
    if role is not None and role not in CLIENT_ROLES and values["client"]:
        errors["client"] = _said(N_("This role sees every client: leave it empty."))
    limit = None
    if role is Role.CLIENT_APPROVER and client is not None:
        limit = read_sum(values["limit"] or "0", client.currency)
        if limit is None:
            errors["limit"] = _said(N_("This is no sum: write it like 110.00."))
    elif values["limit"] and role is not Role.CLIENT_APPROVER:
        errors["limit"] = _said(N_("Only who approves has a limit: leave it empty."))
    body = {
        "name": values["name"],
        "language": values["language"] or None,
        "role": role,
        "client": client,
        "approval_limit_minor": limit,
    }
    return body, errors


def _user_page(user: User, change: Change | None = None, errors: dict[str, str] | None = None) -> str:
    session, client, wrong = call().session, _client_of(user), errors or {}
    stands, events = _user_values(user, client), settings.history(session, user)
    tokens = settings.tokens_of(session, user, now=call().now)
    body = change.body if change is not None and change.seen else None
    owned, cases = settings.owned_cases(session, user)
    switch = "user_reactivate" if user.deactivated_at else "user_deactivate"
    is_self = call().principal.user_id == user.id
    differences: tuple[pages.Difference, ...] = ()
    if change is not None and body is not None:
        differences = shown.differences(stands, {name: change.typed.get(name, "").strip() for name in stands})
    view = pages.UserPage(
        line=shown.user_line(user, client.name if client else None),
        places=shown.places(),
        form=shown.change_form(
            "user_change", user, stands, digest(stands), change,
            differences=differences, overtaken=shown.overtaken(change, events),
        ),
        languages=tuple(LANGUAGES.items()),
        made_at=user.created_at,
        tokens=tuple(shown.token_line(token, user, name) for token, name in tokens),
        owned=owned,
        owned_cases=shown.cases(cases),
        is_self=is_self,
        is_last_admin=people.is_last_admin(session, user),
        was=user.role,
        becomes=body["role"] if body else None,
        switch=None if is_self else shown.act_form("switch_reason", switch, user, wrong),
        reset=None if user.deactivated_at else shown.act_form("reset_reason", "user_password", user, wrong),
        history=shown.history(events),
    )  # fmt: skip
    return render_template("staff/settings_user.html", frame=views.frame(), view=view)


def _take_user(user: User, *, saves: bool) -> Change:
    return changes.take(request.form, _user_values(user, _client_of(user)), _read_user, saves=saves)


@blueprint.post("/settings/users/<uuid:id>/preview")
@needs(Permission.ADMINISTER, of=User, wide=True, writes=False)
def user_change_preview(user: User) -> Answer:
    """What another role would let somebody do, without changing it."""
    change = _take_user(user, saves=False)
    return _user_page(user, change), change.status or changes.LOOK


@blueprint.post("/settings/users/<uuid:id>")
@needs(Permission.ADMINISTER, of=User, wide=True)
def user_change(user: User) -> Response | Answer:
    """Change what was looked at; what they may do changes with their next request."""
    user = held(user)
    change = _take_user(user, saves=True)
    if change.status:
        return _user_page(user, change), change.status
    try:
        people.change_user(call().session, user, because=change.because, **change.body)
    except (people.OwnRights, people.LastAdmin) as err:
        return _user_page(user, changes.refused(change, {"role": _refusal(err)})), changes.WRONG
    flash(_said(N_("It is changed.")))
    return redirect(url_for("staff.user_detail", id=user.public_id), 303)


def _refusal(err: Exception) -> str:
    if isinstance(err, people.LastAdmin):
        return _said(N_("This is the last administrator: make another one first."))
    return _said(N_("Nobody changes their own rights: ask another administrator."))


def _act(user: User, name: str, does: Any) -> Response | Answer:
    """Do one thing about a user, for the reason in a field."""
    errors: dict[str, str] = {}
    reason = reason_of(request.form, errors, name)
    if not errors:
        try:
            does(call().session, user, because=by_caller(reason))
        except (people.OwnRights, people.LastAdmin) as err:
            errors[name] = _refusal(err)
        except Invalid:
            errors[name] = _said(N_("Their name was taken out for good: add a new user."))
    if errors:
        return _user_page(user, errors=errors), changes.WRONG
    flash(_said(N_("It is changed.")))
    return redirect(url_for("staff.user_detail", id=user.public_id), 303)


@blueprint.post("/settings/users/<uuid:id>/deactivate")
@needs(Permission.ADMINISTER, of=User, wide=True)
def user_deactivate(user: User) -> Response | Answer:
    """Switch a user off: sessions end, and password and tokens open nothing any more."""
    return _act(user, "switch_reason", people.deactivate)


@blueprint.post("/settings/users/<uuid:id>/reactivate")
@needs(Permission.ADMINISTER, of=User, wide=True)
def user_reactivate(user: User) -> Response | Answer:
    """Let a user in again, with the password and the tokens from before."""
    return _act(user, "switch_reason", people.reactivate)


@blueprint.post("/settings/users/<uuid:id>/password")
@needs(Permission.ADMINISTER, of=User, wide=True)
def user_password(user: User) -> Response | Answer:
    """Make a new password, which signs them out everywhere; it is shown once."""
    errors: dict[str, str] = {}
    reason = reason_of(request.form, errors, "reset_reason")
    if errors:
        return _user_page(user, errors=errors), changes.WRONG
    password = people.make_password()
    people.set_password(call().session, user, password, because=by_caller(reason))
    return _once("password", password, user.email, "users", url_for("staff.user_detail", id=user.public_id))


def _once(kind: str, secret: str, of: str, area: str, done_url: str) -> Response:
    view = pages.ShownOnce(kind, secret, of, shown.places(), area, done_url)
    return shown_once(render_template("staff/settings_once.html", frame=views.frame(), view=view), done_url)


@blueprint.get("/settings/users/new")
@needs(Permission.ADMINISTER, wide=True)
def user_new() -> str:
    """Somebody new."""
    return _new_user_page({}, {})


def _new_user_page(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    form = pages.ActForm(url_for("staff.user_add"), key_of(typed), "reason", values=typed, errors=errors)
    view = pages.NewUser(form, shown.places(), tuple(LANGUAGES.items()))
    return render_template("staff/settings_user_new.html", frame=views.frame(), view=view)


@blueprint.post("/settings/users")
@needs(Permission.ADMINISTER, wide=True)
def user_add() -> Response | Answer:
    """Add a user with a password that is made and shown once."""
    names = ("email", "name", "language", "role", "client", "limit")
    values = {name: request.form.get(name, "").strip() for name in names}
    body, errors = _read_user(values)
    try:
        body["email"] = people.checked_email(values["email"])
    except Invalid:
        errors["email"] = _said(N_("This is no mail address."))
    reason, user, password = reason_of(request.form, errors), None, people.make_password()
    if not errors:
        try:
            user = people.add_user(call().session, password=password, because=by_caller(reason), **body)
        except Invalid:
            errors["email"] = _said(N_("There is a user of this address already."))
    if user is None:
        return _new_user_page(request.form, errors), changes.WRONG
    return _once("password", password, user.email, "users", url_for("staff.user_detail", id=user.public_id))


# --- tokens ---


@blueprint.get("/settings/tokens")
@needs(Permission.ADMINISTER, wide=True)
def token_list() -> str:
    """Tokens without their secrets, the newest first."""
    before, is_over = request.args.get("before"), request.args.get("shows") == "over"
    view = "over" if is_over else None
    rows, older = settings.token_list(call().session, is_over=is_over, before=uuid_of(before), now=call().now)
    page = pages.SettingsList(
        area="tokens",
        places=shown.places(),
        rows=tuple(shown.token_line(token, user, name) for token, user, name in rows),
        add_url=url_for("staff.token_new"),
        shows="over" if is_over else "on",
        views=(("on", url_for("staff.token_list")), ("over", url_for("staff.token_list", shows="over"))),
        next_url=url_for("staff.token_list", before=older, shows=view) if older else None,
        first_url=url_for("staff.token_list", shows=view) if before else None,
    )
    return render_template("staff/settings_list.html", frame=views.frame(), view=page)


@blueprint.get("/settings/tokens/<uuid:id>")
@needs(Permission.ADMINISTER, of=ApiToken, wide=True)
def token_detail(token: ApiToken) -> str:
    """One token, without its secret."""
    return _token_page(token, {})


def _token_page(token: ApiToken, errors: Mapping[str, str]) -> str:
    session = call().session
    user = session.get_one(User, token.user_id)
    client = session.get(Client, token.client_id) if token.client_id is not None else None
    line = shown.token_line(token, user, client.name if client else None)
    view = pages.TokenPage(
        line=line,
        places=shown.places(),
        user_url=url_for("staff.user_detail", id=user.public_id),
        user_role=user.role,
        revoke=None if line.is_over else shown.act_form("reason", "token_revoke", token, errors),
        history=shown.token_history(settings.history(session, user), token),
    )
    return render_template("staff/settings_token.html", frame=views.frame(), view=view)


@blueprint.post("/settings/tokens/<uuid:id>/revoke")
@needs(Permission.ADMINISTER, of=ApiToken, wide=True)
def token_revoke(token: ApiToken) -> Response | Answer:
    """End a token at once."""
    errors: dict[str, str] = {}
    token = held(token)
    reason = reason_of(request.form, errors)
    if errors:
        return _token_page(token, errors), changes.WRONG
    people.revoke_token(call().session, token, because=by_caller(reason))
    flash(_said(N_("The token opens nothing any more.")))
    return redirect(url_for("staff.token_detail", id=token.public_id), 303)


@blueprint.get("/settings/tokens/new")
@needs(Permission.ADMINISTER, wide=True)
def token_new() -> str:
    """A new token."""
    user = call().session.get_one(User, call().principal.user_id)
    return _new_token_page({"user": user.email, "scopes": TokenScope.READ.value}, {})


def _new_token_page(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    form = pages.ActForm(url_for("staff.token_add"), key_of(typed), "reason", values=typed, errors=errors)
    view = pages.NewToken(form, shown.places(), tuple(TokenScope))
    return render_template("staff/settings_token_new.html", frame=views.frame(), view=view)


@blueprint.post("/settings/tokens")
@needs(Permission.ADMINISTER, wide=True)
def token_add() -> Response | Answer:
    """Make a token; it is shown once."""
    scopes = [TokenScope(scope) for scope in request.form.getlist("scopes") if scope in list(TokenScope)]
    typed = dict(request.form) | {"scopes": ",".join(scopes)}
    errors: dict[str, str] = {}
    user = people.find_user(call().session, typed.get("user", ""))
    if user is None or user.deactivated_at is not None:
        errors["user"] = _said(N_("There is no such user, or they are switched off."))
    if not scopes:
        errors["scopes"] = _said(N_("Say what the token may do."))
    name = typed.get("name", "").strip()
    if not name or len(name) > 120:
        errors["name"] = _said(N_("Give the token a name: which program calls with it?"))
    client, expires_at = _client_named(typed.get("client", "").strip(), errors), _end_of(typed, errors)
    reason, made = reason_of(typed, errors), None
    if not errors and user is not None:
        try:
            made = people.add_token(
                call().session, user, scopes, name=name, client=client, expires_at=expires_at, because=by_caller(reason)
            )
        except Invalid as err:
            is_client = err.field == "client"
            errors["client" if is_client else "expires_on"] = _said(
                N_("This user sees another client only.") if is_client else N_("This day has passed.")
            )
    if made is None:
        return _new_token_page(typed, errors), changes.WRONG
    return _once("token", made.token, name, "tokens", url_for("staff.token_detail", id=made.id))


def _end_of(typed: Mapping[str, str], errors: dict[str, str]) -> datetime | None:
    """The end of the reader's day after which a token opens nothing; null: it has none."""
    text = typed.get("expires_on", "").strip()
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        errors["expires_on"] = _said(N_("This is no day."))
        return None
    return datetime.combine(day, time.max, reader().zone).astimezone(UTC)
