"""From what the settings services found to what the settings pages show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import request, url_for

from vendors.contract import Duty
from warranty.domain.access import Permission, TokenScope
from warranty.services import settings
from warranty.web import views
from warranty.web.changes import OVERTAKEN
from warranty.web.forms import key_of
from warranty.web.guards import call
from warranty.web.pages import settings as pages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from warranty.models import ApiToken, Client, Fault, User, VendorAccount
    from warranty.services.queries import Event
    from warranty.web.changes import Change

Places = tuple[tuple[str, str], ...]


def places() -> Places:
    """The kinds of settings that whoever asks may see, each with its address."""
    found = [
        ("accounts", url_for("staff.account_list")),
        ("clients", url_for("staff.rules_list")),
        ("calendars", url_for("staff.calendar_list")),
    ]
    if call().principal.may(Permission.ADMINISTER):
        found += [("users", url_for("staff.user_list")), ("tokens", url_for("staff.token_list"))]
    return tuple(found)


def act_form(name: str, endpoint: str, row: Any, errors: Mapping[str, str]) -> pages.ActForm:
    """The form for one thing to do, with the reason that was typed where it was this one that was sent."""
    is_this = request.endpoint == f"staff.{endpoint}"
    values = {one: request.form.get(one, "") for one in (name, "idempotency_key")} if is_this else {}
    url = url_for(f"staff.{endpoint}", id=row.public_id)
    return pages.ActForm(url, key_of(values), name, values=values, errors=errors if is_this else {})


def change_form(
    endpoint: str,
    row: Any,
    stands: Mapping[str, str],
    version: str,
    change: Change | None,
    *,
    differences: tuple[pages.Difference, ...] = (),
    overtaken: pages.HistoryRow | None = None,
) -> pages.ChangeForm:
    """The form that changes a setting, with what was typed where it came back."""
    typed = change.typed if change else {}
    named = {"id": row.public_id} if row is not None else {}
    return pages.ChangeForm(
        url=url_for(f"staff.{endpoint}", **named),
        preview_url=url_for(f"staff.{endpoint}_preview", **named),
        key=key_of(typed),
        version=version,
        values=dict(typed) if change else stands,
        errors=change.errors if change else {},
        seen=change.seen if change else "",
        differences=differences,
        overtaken=overtaken,
    )


def overtaken(change: Change | None, events: list[Event]) -> pages.HistoryRow | None:
    """What somebody else changed meanwhile, where a form came too late."""
    if change is None or change.status != OVERTAKEN or not events:
        return None
    return _history_row(events[0])


# --- history ---


def history(events: Iterable[Event]) -> tuple[pages.HistoryRow, ...]:
    """What was changed of a setting, the newest first."""
    return tuple(_history_row(event) for event in events)


def token_history(events: Iterable[Event], token: ApiToken) -> tuple[pages.HistoryRow, ...]:
    """What the register of its user says of one token."""
    named = str(token.public_id)
    return tuple(_history_row(event) for event in events if (event.row.detail or {}).get("token") == named)


def _history_row(event: Event) -> pages.HistoryRow:
    shown, fields = _read(event.row.detail or {})
    who = (event.user.name or event.user.email) if event.user else None
    return pages.HistoryRow(event.row.at, who, event.row.action, event.row.reason, shown, fields)


_UNSAID = frozenset({"token", "policy", "client_id"})
"""What the register keeps for itself: keys that no reader knows, and a whole whose parts are said."""


def _read(detail: Mapping[str, Any]) -> tuple[tuple[pages.Difference, ...], tuple[str, ...]]:
    """What a row of the register says of values, and which fields it only names."""
    if "changed" in detail:
        said = detail.get("is", {})
        fields = tuple(name for name in detail["changed"] if name not in said or name in _UNSAID)
        return differences(detail.get("was", {}), said), fields
    was: dict[str, Any] = {}
    becomes: dict[str, Any] = {}
    for name, value in detail.items():
        if not isinstance(value, list) or name == "scopes":
            becomes[name] = value
        elif len(value) == 2:  # as it was, and as it is
            was[name], becomes[name] = value
    for document in (was, becomes):
        document.update(document.get("policy") or {})
    return differences(was, becomes), ()


def differences(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> tuple[pages.Difference, ...]:
    """The fields of two documents that differ."""
    return tuple(
        pages.Difference(name, _text(was.get(name)), _text(value))
        for name, value in becomes.items()
        if name not in _UNSAID and was.get(name) != value
    )


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return ", ".join(str(part) for part in value) if isinstance(value, list | tuple) else str(value)


# --- vendor accounts ---


def account_line(row: settings.AccountRow) -> pages.AccountLine:
    """A vendor account in a list."""
    account, now = row.account, call().now
    state = settings.state_of(account, now)
    since = {
        settings.AccountState.OFF: account.switched_off_at,
        settings.AccountState.HELD: account.held_at,
        settings.AccountState.BROKEN: account.check_answered_at,
        settings.AccountState.WORKS: account.check_answered_at,
    }.get(state)
    return pages.AccountLine(
        name=account.name,
        url=url_for("staff.account_detail", id=account.public_id),
        vendor=account.vendor,
        makers=row.makers,
        duties=tuple(Duty(word) for word in account.duties),
        client_name=row.client_name,
        state=state,
        since=since,
    )


def check(account: VendorAccount) -> pages.Check:
    """What became of the last test of an account."""
    return pages.Check(account.check_asked_at, account.check_answered_at, account.check_trouble)


def cases(faults: Iterable[Fault]) -> tuple[pages.CaseLink, ...]:
    """Cases that a setting concerns."""
    return tuple(
        pages.CaseLink(fault.reference, url_for("staff.case_detail", id=fault.public_id), fault.serial_number)
        for fault in faults
    )


def standing(account: VendorAccount, found: settings.Standing) -> pages.AccountStanding:
    """What rests on an account, and how its vendor is heard."""
    claims = tuple(
        pages.CaseLink(fault.reference, url_for("staff.case_detail", id=fault.public_id), reference)
        for fault, reference in found.claims
    )
    trouble = found.last_trouble
    return pages.AccountStanding(
        units=found.units,
        open_claims=found.open_claims,
        claims=claims,
        heard_at=found.heard["heard_at"],
        unapplied=found.heard["unapplied"],
        pushes_refused=found.heard["pushes_refused"],
        swept_to=account.swept_to,
        held_since=account.opens_held_since,
        failures=account.failures,
        closed_until=account.closed_until if account.closed_until and account.closed_until > call().now else None,
        called_at=found.last_call.at if found.last_call else None,
        trouble_at=trouble.at if trouble else None,
        trouble=trouble.trouble if trouble else None,
    )


def set_at(account: VendorAccount, events: Iterable[Event], name: str) -> datetime:
    """When a secret was set: when it was last changed, else when the account was added."""
    changed = (event.row.at for event in events if name in (event.row.detail or {}).get("changed", ()))
    return next(changed, account.created_at)


# --- clients' rules ---


def client_line(client: Client) -> pages.ClientLine:
    """A client in a list."""
    return pages.ClientLine(
        name=client.name,
        url=url_for("staff.rules_detail", id=client.public_id),
        first_kind=client.policy["precedence"][0],
        freshness_days=client.policy["evidence_freshness_days"],
        call_out_minor=client.call_out_minor,
        labour_hour_minor=client.labour_hour_minor,
        currency=client.currency,
    )


def rules_effect(effect: settings.RulesEffect) -> pages.RulesEffectView:
    """What other rules would do."""
    rows = tuple(
        pages.DiffersRow(
            row.fault.reference,
            url_for("staff.case_detail", id=row.fault.public_id),
            row.fault.component,
            row.fault.serial_number,
            views.sign(row.was),
            views.sign(row.becomes),
        )
        for row in effect.differing[: settings.MOST_SHOWN]
    )
    return pages.RulesEffectView(
        effect.open_cases,
        effect.replayed,
        rows,
        len(effect.differing),
        effect.asked_anew,
        effect.fresh_again,
        effect.told_at_once,
    )


# --- users and tokens ---


def user_line(user: User, client_name: str | None) -> pages.UserLine:
    """A user in a list."""
    url = url_for("staff.user_detail", id=user.public_id)
    return pages.UserLine(user.name, user.email, url, user.role, client_name, user.deactivated_at)


def token_line(token: ApiToken, user: User, client_name: str | None) -> pages.TokenLine:
    """A token in a list."""
    is_expired = token.expires_at is not None and token.expires_at <= call().now
    return pages.TokenLine(
        name=token.name,
        url=url_for("staff.token_detail", id=token.public_id),
        user_name=user.name or user.email,
        client_name=client_name,
        scopes=tuple(TokenScope(scope) for scope in token.scopes),
        made_at=token.created_at,
        last_used_at=token.last_used_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
        is_over=token.revoked_at is not None or is_expired,
    )
