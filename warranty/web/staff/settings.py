"""What is set: the accounts at vendors, and each client's rules and rate card."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import flash, redirect, render_template, request, url_for

import vendors
from vendors.contract import Duty, FieldKind
from warranty.crypto import CannotDecrypt
from warranty.domain.access import Permission
from warranty.domain.terms import CoverageKind
from warranty.languages import plain_sum, read_sum
from warranty.models import Client, VendorAccount
from warranty.services import accounts, estate, queries, rmas, settings
from warranty.services.estate import Invalid
from warranty.services.estate.checks import checked_currency
from warranty.web import changes, views
from warranty.web.api.base import by_caller, held
from warranty.web.forms import WRITE_ONLY, digest, key_of, uuid_of
from warranty.web.guards import call, needs, runtime
from warranty.web.i18n import N_, reader
from warranty.web.pages import settings as pages
from warranty.web.staff.room import blueprint
from warranty.web.views import settings as shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

    from vendors.contract import AdapterForm
    from warranty.web.changes import Change

Answer = tuple[str, int]
LONGEST_REASON = 2000


def _said(message: str, **params: object) -> str:
    return reader().text(message, **params)


def _saved() -> None:
    flash(_said(N_("It is changed.")))


@blueprint.get("/settings")
@needs(Permission.READ)
def settings_start() -> Response:
    """Where the settings begin."""
    return redirect(url_for("staff.account_list"), 303)


def reason_of(typed: Mapping[str, str], errors: dict[str, str], name: str = "reason") -> str:
    """Why something is done; what is wrong with it goes to the errors."""
    reason = typed.get(name, "").strip()
    if not reason:
        errors[name] = _said(N_("Say why: it is kept with the change."))
    elif len(reason) > LONGEST_REASON:
        errors[name] = _said(N_("This is too long, or holds signs that nobody types."))
    return reason


# --- vendor accounts ---


@blueprint.get("/settings/accounts")
@needs(Permission.READ, wide=True)
def account_list() -> str:
    """The accounts at vendors, by name."""
    after = request.args.get("after")
    rows, older = settings.account_list(call().session, after=uuid_of(after))
    may = call().principal.may(Permission.REGISTER)
    view = pages.SettingsList(
        area="accounts",
        places=shown.places(),
        rows=tuple(shown.account_line(row) for row in rows),
        add_url=url_for("staff.account_new") if may else None,
        next_url=url_for("staff.account_list", after=older) if older else None,
        first_url=url_for("staff.account_list") if after else None,
    )
    return render_template("staff/settings_list.html", frame=views.frame(), view=view)


@blueprint.get("/settings/accounts/<uuid:id>")
@needs(Permission.READ, of=VendorAccount, wide=True)
def account_detail(account: VendorAccount) -> str:
    """One account."""
    return _account_page(account)


@blueprint.get("/settings/accounts/<uuid:id>/live")
@needs(Permission.READ, of=VendorAccount, wide=True)
def account_live(account: VendorAccount) -> str:
    """What became of the test that was asked for."""
    return render_template(
        "staff/_settings_check.html",
        check=shown.check(account),
        live_url=url_for("staff.account_live", id=account.public_id),
    )


def _account_page(
    account: VendorAccount, change: Change | None = None, errors: dict[str, str] | None = None, their_words: str = ""
) -> str:
    session, wrong = call().session, errors or {}
    makers = settings.makers_of(session, [account.id])[account.id]
    client = session.get(Client, account.client_id) if account.client_id is not None else None
    line = shown.account_line(settings.AccountRow(account, makers, client.name if client else None))
    found, events = settings.standing(session, account), settings.history(session, account)
    form = vendors.describe(account.vendor)
    may = call().principal.may(Permission.REGISTER)
    switch = "account_switch_on" if account.switched_off_at else "account_switch_off"
    is_held = account.opens_held_since is not None
    view = pages.AccountPage(
        line=line,
        vendor_title=form.title,
        places=shown.places(),
        live_url=url_for("staff.account_live", id=account.public_id),
        check=shown.check(account),
        test_url=url_for("staff.account_test", id=account.public_id) if may and not account.switched_off_at else None,
        key=key_of(),
        base_url=account.base_url,
        options=tuple((name, str(value)) for name, value in sorted(account.options.items()) if value),
        standing=shown.standing(account, found),
        history=shown.history(events),
        secrets=_secrets_form(account, form, events, wrong) if may else None,
        change=_change_form(account, form, makers, events, change, their_words) if may else None,
        switch=shown.act_form("switch_reason", switch, account, wrong) if may else None,
        release=shown.act_form("release_reason", "account_release", account, wrong) if may and is_held else None,
    )
    return render_template("staff/settings_account.html", frame=views.frame(), view=view)


def _account_values(account: VendorAccount, makers: tuple[str, ...], form: AdapterForm) -> dict[str, str]:
    """What can be read and changed of an account, as its form holds it."""
    values = {
        "name": account.name,
        "base_url": account.base_url or "",
        "manufacturers": "\n".join(makers),
        "duties": ",".join(sorted(account.duties)),
    }
    options = {f"option_{one.name}": account.options.get(one.name, "") for one in form.fields if not one.secret}
    return {name: changes.tidy(value) for name, value in (values | options).items()}


def _typed_account() -> dict[str, str]:
    return dict(request.form) | {"duties": ",".join(sorted(request.form.getlist("duties")))}


def _fields(form: AdapterForm, set_names: frozenset[str], *, secret: bool) -> tuple[pages.VendorField, ...]:
    either = {name for group in form.either for name in group}
    return tuple(
        pages.VendorField(
            field=f"{WRITE_ONLY if secret else 'option_'}{one.name}",
            name=one.name,
            help=one.help,
            is_needed=bool(one.required_for) and one.name not in either,
            is_long=one.kind is FieldKind.JSON,
            is_set=one.name in set_names,
            default=one.default,
        )
        for one in form.fields
        if one.secret is secret
    )


def _change_form(
    account: VendorAccount,
    form: AdapterForm,
    makers: tuple[str, ...],
    events: list[queries.Event],
    change: Change | None,
    their_words: str,
) -> pages.AccountForm:
    stands = _account_values(account, makers, form)
    is_readable = change is not None and bool(change.seen)
    then = change.body if change is not None and is_readable else None
    differences: tuple[pages.Difference, ...] = ()
    if then is not None:
        was: dict[str, Any] = {**stands, "manufacturers": list(makers), "duties": sorted(account.duties)}
        plainly = {name: value for name, value in then.items() if name != "options"}
        was |= {name: account.options.get(name, "") or None for name in then["options"]}
        was["base_url"] = account.base_url
        differences = shown.differences(was, plainly | then["options"])
    return pages.AccountForm(
        form=shown.change_form(
            "account_change",
            account,
            stands,
            digest(stands),
            change,
            differences=differences,
            overtaken=shown.overtaken(change, events),
        ),
        fields=_fields(form, frozenset(), secret=False),
        duties=tuple(sorted(form.duties)),
        their_words=their_words,
        then_units=None
        if then is None
        else settings.units_served(
            call().session, account, makers=then["manufacturers"], duties=[Duty(word) for word in then["duties"]]
        ),
    )


def _read_account(
    account: VendorAccount, form: AdapterForm, values: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """What ``accounts.change`` takes of a form, and what is wrong with it."""
    errors: dict[str, str] = {}
    if not values["name"] or len(values["name"]) > 120:
        errors["name"] = _said(N_("Give the account a name of its own."))
    makers = [line for line in values["manufacturers"].split("\n") if line] or [form.title]
    if any(len(maker) > 120 for maker in makers):
        errors["manufacturers"] = _said(N_("This is too long, or holds signs that nobody types."))
    duties = [word for word in values["duties"].split(",") if word in form.duties]
    if not duties:
        errors["duties"] = _said(N_("Say what the account is for."))
    given = {one.name: values[f"option_{one.name}"] for one in form.fields if not one.secret}
    options = {
        name: value or None for name, value in given.items() if value != changes.tidy(account.options.get(name, ""))
    }
    body = {
        "name": values["name"],
        "base_url": values["base_url"] or None,
        "manufacturers": makers,
        "duties": duties,
        "options": options,
    }
    return body, errors


def _cannot(account: VendorAccount, body: Mapping[str, Any]) -> str:
    """What the adapter says against an account as it would be; empty where nothing."""
    options = {name: value for name, value in (account.options | body["options"]).items() if value is not None}
    trial = VendorAccount(
        id=account.id,
        vendor=account.vendor,
        base_url=body["base_url"],
        duties=body["duties"],
        options=options,
        secrets=account.secrets,
    )
    try:
        accounts.check(runtime(), trial)
    except Invalid as err:
        return err.message
    return ""


def _take_account(account: VendorAccount, *, saves: bool) -> tuple[Change, str]:
    """What was typed of a change, and the adapter's words against it."""
    form = vendors.describe(account.vendor)
    makers = settings.makers_of(call().session, [account.id])[account.id]
    words = []

    def read(values: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
        body, errors = _read_account(account, form, values)
        if not errors and (against := _cannot(account, body)):
            words.append(against)
            errors["options"] = _said(N_("The account cannot be used like this."))
        return body, errors

    change = changes.take(_typed_account(), _account_values(account, makers, form), read, saves=saves)
    return change, " ".join(words)


@blueprint.post("/settings/accounts/<uuid:id>/preview")
@needs(Permission.REGISTER, of=VendorAccount, wide=True, writes=False)
def account_change_preview(account: VendorAccount) -> Answer:
    """What a change would do, without making it."""
    change, words = _take_account(account, saves=False)
    return _account_page(account, change, their_words=words), change.status or changes.LOOK


@blueprint.post("/settings/accounts/<uuid:id>")
@needs(Permission.REGISTER, of=VendorAccount, wide=True)
def account_change(account: VendorAccount) -> Response | Answer:
    """Change what was looked at."""
    account = held(account)
    change, words = _take_account(account, saves=True)
    if change.status:
        return _account_page(account, change, their_words=words), change.status
    because = change.because
    try:
        accounts.change(call().session, runtime(), account, because=because, **change.body)
    except Invalid as err:
        change = changes.refused(change, {err.field: _said(N_("Another account has this name."))})
        return _account_page(account, change), changes.WRONG
    rmas.go_on(call().session, account, because)
    _saved()
    return redirect(url_for("staff.account_detail", id=account.public_id), 303)


# --- what is done about an account ---


def _secrets_form(
    account: VendorAccount, form: AdapterForm, events: list[queries.Event], errors: Mapping[str, str]
) -> pages.SecretsForm:
    try:
        set_names = frozenset(runtime().box.open(account.secrets))
        is_lost = False
    except CannotDecrypt:
        set_names, is_lost = frozenset(), True
    return pages.SecretsForm(
        form=shown.act_form("secrets_reason", "account_secrets", account, errors),
        fields=tuple(
            (one, shown.set_at(account, events, one.name) if one.is_set else None)
            for one in _fields(form, set_names, secret=True)
        ),
        is_lost=is_lost,
    )


@blueprint.post("/settings/accounts/<uuid:id>/secrets")
@needs(Permission.REGISTER, of=VendorAccount, wide=True)
def account_secrets(account: VendorAccount) -> Response | Answer:
    """Replace the secrets that were typed; the others stay."""
    account = held(account)
    errors: dict[str, str] = {}
    form = vendors.describe(account.vendor)
    given = {one.name: request.form.get(f"{WRITE_ONLY}{one.name}", "") for one in form.fields if one.secret}
    given = {name: value for name, value in given.items() if value.strip()}
    reason = reason_of(request.form, errors, "secrets_reason")
    if not given:
        errors["secrets"] = _said(N_("Type at least one secret."))
    if not errors:
        try:
            accounts.change(call().session, runtime(), account, because=by_caller(reason), secrets=given)
        except Invalid:
            errors["secrets"] = _said(N_("The account cannot be used with these secrets."))
    if errors:
        if given:
            errors["again"] = _said(N_("Type the secrets once more: they are not sent back to a page."))
        return _account_page(account, errors=errors), changes.WRONG
    rmas.go_on(call().session, account, by_caller(reason))
    _saved()
    return redirect(url_for("staff.account_detail", id=account.public_id), 303)


@blueprint.post("/settings/accounts/<uuid:id>/test")
@needs(Permission.REGISTER, of=VendorAccount, wide=True)
def account_test(account: VendorAccount) -> Response:
    """Have a worker ask the vendor something cheap; the page says what came of it as soon as it is known."""
    accounts.order_check(call().session, held(account), now=call().now)
    return redirect(url_for("staff.account_detail", id=account.public_id, _anchor="test"), 303)


def _act(account: VendorAccount, name: str, does: Any) -> Response | Answer:
    """Do one thing about an account, for the reason in a field."""
    errors: dict[str, str] = {}
    reason = reason_of(request.form, errors, name)
    if errors:
        return _account_page(account, errors=errors), changes.WRONG
    does(by_caller(reason))
    _saved()
    return redirect(url_for("staff.account_detail", id=account.public_id), 303)


@blueprint.post("/settings/accounts/<uuid:id>/switch-off")
@needs(Permission.REGISTER, of=VendorAccount, wide=True)
def account_switch_off(account: VendorAccount) -> Response | Answer:
    """Let an account make no call any more."""
    account = held(account)
    return _act(account, "switch_reason", lambda why: accounts.switch_off(call().session, account, because=why))


@blueprint.post("/settings/accounts/<uuid:id>/switch-on")
@needs(Permission.REGISTER, of=VendorAccount, wide=True)
def account_switch_on(account: VendorAccount) -> Response | Answer:
    """Let it call again; what was parked for it goes on."""
    account = held(account)

    def switch_on(why: Any) -> None:
        accounts.switch_on(call().session, account, because=why)
        rmas.go_on(call().session, account, why)

    return _act(account, "switch_reason", switch_on)


@blueprint.post("/settings/accounts/<uuid:id>/release")
@needs(Permission.REGISTER, of=VendorAccount, wide=True)
def account_release(account: VendorAccount) -> Response | Answer:
    """Let it open claims again that a restore holds."""
    account = held(account)
    return _act(account, "release_reason", lambda why: accounts.release(call().session, account, because=why))


# --- a new account ---


@blueprint.get("/settings/accounts/new")
@needs(Permission.REGISTER, wide=True)
def account_new() -> str:
    """First which vendor and whose products, then what that would serve and what the vendor asks for."""
    return _new_page(request.args, {})


def _new_page(typed: Mapping[str, str], errors: Mapping[str, str], their_words: str = "") -> str:
    titles = {name: vendors.describe(name).title for name in vendors.available()}
    form = vendors.describe(typed["vendor"]) if typed.get("vendor") in titles else None
    values = {name: value for name, value in typed.items() if not name.startswith(WRITE_ONLY)}
    units = None
    if form is not None:
        values.setdefault("duties", ",".join(sorted(form.duties)))
        makers = [line for line in changes.tidy(typed.get("manufacturers", "")).split("\n") if line] or [form.title]
        values["manufacturers"] = "\n".join(makers)
        values.setdefault("name", form.title)
        units = settings.units_served(
            call().session,
            VendorAccount(id=0, client_id=None, duties=sorted(form.duties), switched_off_at=None),
            makers=makers,
        )
    view = pages.NewAccount(
        form=pages.ChangeForm(
            url=url_for("staff.account_add"),
            preview_url=url_for("staff.account_new"),
            key=key_of(typed),
            version="",
            values=values,
            errors=errors,
        ),
        places=shown.places(),
        vendors=tuple(titles.items()),
        title=form.title if form else "",
        fields=_fields(form, frozenset(), secret=False) if form else (),
        secrets=_fields(form, frozenset(), secret=True) if form else (),
        duties=tuple(sorted(form.duties)) if form else (),
        needs_base_url=form.needs_base_url if form else False,
        units=units,
        their_words=their_words,
    )
    return render_template("staff/settings_account_new.html", frame=views.frame(), view=view)


@blueprint.post("/settings/accounts")
@needs(Permission.REGISTER, wide=True)
def account_add() -> Response | Answer:
    """Add an account; claims that waited for one are sent."""
    typed, words, owner = _typed_account(), "", None
    vendor = typed.get("vendor", "")
    if vendor not in vendors.available():
        return _new_page(typed, {"vendor": _said(N_("Choose a vendor."))}), changes.WRONG
    form = vendors.describe(vendor)
    values = {name: changes.tidy(typed.get(name, "")) for name in ("name", "base_url", "manufacturers", "duties")}
    values |= {f"option_{one.name}": changes.tidy(typed.get(f"option_{one.name}", "")) for one in form.fields}
    body, errors = _read_account(VendorAccount(options={}), form, values)
    reason = reason_of(typed, errors)
    if named := typed.get("client", "").strip():
        try:
            owner = estate.find_client(call().session, named)
        except Invalid:
            errors["client"] = _said(N_("There is no such client."))
    given = {one.name: typed.get(f"{WRITE_ONLY}{one.name}", "") for one in form.fields if one.secret}
    because = by_caller(reason)
    account = None
    if not errors:
        body["options"] = {name: value for name, value in body["options"].items() if value}
        secrets = {name: value for name, value in given.items() if value.strip()}
        try:
            account = accounts.add(
                call().session, runtime(), vendor=vendor, secrets=secrets, client=owner, because=because, **body
            )
        except Invalid as err:
            is_name = err.field == "name"
            errors[err.field] = _said(
                N_("Another account has this name.") if is_name else N_("The account cannot be used like this.")
            )
            words = "" if is_name else err.message
    if account is None:
        if any(given.values()):
            errors["again"] = _said(N_("Type the secrets once more: they are not sent back to a page."))
        return _new_page(typed, errors, words), changes.WRONG
    rmas.go_on(call().session, account, because)
    flash(_said(N_("The account is added. Test it now.")))
    return redirect(url_for("staff.account_detail", id=account.public_id), 303)


# --- clients' rules and rate cards ---


@blueprint.get("/settings/clients")
@needs(Permission.READ)
def rules_list() -> str:
    """Clients by name, with what stands out of their rules."""
    start, after = request.args.get("start", "").strip()[:200], request.args.get("after")
    found, older = settings.client_list(call().session, start=start, after=uuid_of(after))
    view = pages.SettingsList(
        area="clients",
        places=shown.places(),
        rows=tuple(shown.client_line(client) for client in found),
        start=start,
        start_url=url_for("staff.rules_list"),
        next_url=url_for("staff.rules_list", after=older, start=start or None) if older else None,
        first_url=url_for("staff.rules_list") if after or start else None,
    )
    return render_template("staff/settings_list.html", frame=views.frame(), view=view)


@blueprint.get("/settings/clients/<uuid:id>")
@needs(Permission.READ, of=Client)
def rules_detail(client: Client) -> str:
    """One client's rules and rate card."""
    return _client_page(client)


_NUMBERS = {
    "evidence_freshness_days": 36_500,
    "repeat_window_days": 36_500,
    "lookup_patience_minutes": 1_000_000,
    "denial_grace_hours": 8_760,
}
"""The most of each, as ``estate.correct_client`` takes it."""

_RANKS = tuple(f"rank_{number}" for number, _ in enumerate(CoverageKind, start=1))


def _precedence(client: Client) -> list[str]:
    """All kinds in the order in which they count: those that a policy leaves out follow in the default order."""
    given = list(client.policy["precedence"])
    return given + [kind.value for kind in CoverageKind if kind.value not in given]


def _rules_document(client: Client) -> dict[str, Any]:
    """What the rules form changes, as it stands."""
    numbers = {name: client.policy[name] for name in _NUMBERS if name in client.policy}
    return {"precedence": _precedence(client), **numbers, "denial_grace_hours": client.denial_grace_hours}


def _rules_values(client: Client) -> dict[str, str]:
    document = _rules_document(client)
    ranks = dict(zip(_RANKS, document.pop("precedence"), strict=True))
    return ranks | {name: str(value) for name, value in document.items()}


def _read_rules(values: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    errors: dict[str, str] = {}
    kinds = [values[name] for name in _RANKS]
    if sorted(kinds) != sorted(kind.value for kind in CoverageKind):
        doubled = next((name for at, name in enumerate(_RANKS) if kinds[at] in kinds[:at]), _RANKS[0])
        errors[doubled] = _said(N_("Each kind stands in one place."))
    numbers: dict[str, int] = {}
    for name, most in _NUMBERS.items():
        text = values[name]
        if text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most:
            numbers[name] = int(text)
        else:
            errors[name] = _said(N_("This is a whole number from 0 to %(most)s."), most=reader().count(most))
    return {"precedence": kinds, **numbers}, errors


def _rates_document(client: Client) -> dict[str, Any]:
    return {name: getattr(client, name) for name in ("currency", "call_out_minor", "labour_hour_minor")}


def _rates_values(client: Client) -> dict[str, str]:
    sums = {name: plain_sum(getattr(client, name), client.currency) for name in ("call_out_minor", "labour_hour_minor")}
    return {"currency": client.currency, **sums}


def _read_rates(values: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    errors: dict[str, str] = {}
    body: dict[str, Any] = {"currency": values["currency"].upper()}
    try:
        checked_currency(body["currency"])
    except Invalid:
        errors["currency"] = _said(N_("Write three letters, like EUR."))
    for name in ("call_out_minor", "labour_hour_minor"):
        body[name] = read_sum(values[name], body["currency"])
        if body[name] is None:
            errors[name] = _said(N_("This is no sum: write it like 110.00."))
    return body, errors


def _client_page(client: Client, *, rules: Change | None = None, rates: Change | None = None) -> str:
    session, may = call().session, call().principal.may
    events = settings.history(session, client)
    rules_stand, rates_stand = _rules_values(client), _rates_values(client)
    differences: tuple[pages.Difference, ...] = ()
    rules_effect = rates_effect = None
    if rules is not None and rules.seen:
        differences = shown.differences(_rules_document(client), rules.body)
        policy = {name: value for name, value in rules.body.items() if name != "denial_grace_hours"}
        grace = timedelta(hours=rules.body["denial_grace_hours"])
        found = settings.effect_of_rules(session, client, policy=policy, grace=grace, now=call().now)
        rules_effect = shown.rules_effect(found)
    if rates is not None and rates.seen:
        differences = shown.differences(_rates_document(client), rates.body)
        rates_effect = settings.effect_of_rates(session, client, **rates.body)
    view = pages.ClientPage(
        name=client.name,
        places=shown.places(),
        kinds=tuple(kind.value for kind in CoverageKind),
        rules=shown.change_form(
            "rules_change", client, rules_stand, digest(rules_stand), rules,
            differences=differences if rules else (), overtaken=shown.overtaken(rules, events),
        ),
        rates=shown.change_form(
            "rates_change", client, rates_stand, digest(rates_stand), rates,
            differences=differences if rates else (), overtaken=shown.overtaken(rates, events),
        ),
        currency=client.currency,
        then_currency=rates.body["currency"] if rates_effect and rates else client.currency,
        may_rules=may(Permission.REGISTER),
        may_rates=may(Permission.BILL),
        history=shown.history(events),
        rules_effect=rules_effect,
        rates_effect=rates_effect,
    )  # fmt: skip
    return render_template("staff/settings_client.html", frame=views.frame(), view=view)


@blueprint.post("/settings/clients/<uuid:id>/rules/preview")
@needs(Permission.REGISTER, of=Client, writes=False)
def rules_change_preview(client: Client) -> Answer:
    """Which open cases other rules would decide otherwise, without changing anything."""
    change = changes.take(request.form, _rules_values(client), _read_rules, saves=False)
    return _client_page(client, rules=change), change.status or changes.LOOK


@blueprint.post("/settings/clients/<uuid:id>/rules")
@needs(Permission.REGISTER, of=Client)
def rules_change(client: Client) -> Response | Answer:
    """Change the rules that were looked at; no verdict changes by it."""
    client = held(client)
    change = changes.take(request.form, _rules_values(client), _read_rules, saves=True)
    if change.status:
        return _client_page(client, rules=change), change.status
    policy = {name: value for name, value in change.body.items() if name != "denial_grace_hours"}
    grace = change.body["denial_grace_hours"]
    estate.correct_client(call().session, client, because=change.because, policy=policy, denial_grace_hours=grace)
    _saved()
    return redirect(url_for("staff.rules_detail", id=client.public_id), 303)


@blueprint.post("/settings/clients/<uuid:id>/rates/preview")
@needs(Permission.BILL, of=Client, writes=False)
def rates_change_preview(client: Client) -> Answer:
    """What another rate card would do, without changing anything."""
    change = changes.take(request.form, _rates_values(client), _read_rates, saves=False)
    return _client_page(client, rates=change), change.status or changes.LOOK


@blueprint.post("/settings/clients/<uuid:id>/rates")
@needs(Permission.BILL, of=Client)
def rates_change(client: Client) -> Response | Answer:
    """Change the rate card that was looked at; no job that there is changes by it."""
    client = held(client)
    change = changes.take(request.form, _rates_values(client), _read_rates, saves=True)
    if change.status:
        return _client_page(client, rates=change), change.status
    estate.correct_client(call().session, client, because=change.because, **change.body)
    _saved()
    return redirect(url_for("staff.rules_detail", id=client.public_id), 303)
