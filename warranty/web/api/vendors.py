"""Vendor accounts for programs: added, changed, switched off, checked. A secret is never shown."""

from __future__ import annotations

from typing import Any

from warranty.domain.access import Permission
from warranty.models import Client, VendorAccount
from warranty.services import accounts, records, rmas
from warranty.web.api.base import Endpoints, by_caller, document, listed
from warranty.web.guards import call, find, needs, runtime
from warranty.web.schemas.accounts import (
    ACCOUNT_CHANGE,
    AccountBody,
    AccountDocument,
    BecauseBody,
    ListedAccountDocument,
)
from warranty.web.schemas.fields import Strict
from warranty.web.schemas.lists import ListQuery, page_of

endpoints = Endpoints("vendors", "The accounts that we hold at vendors.")


def _account(account: VendorAccount) -> dict[str, Any]:
    call().session.flush()
    return document(records.accounts(runtime().box), account)


@endpoints.get(
    "/vendor-accounts", needs(Permission.READ, wide=True), query=ListQuery(), answer=page_of(ListedAccountDocument)
)
def list_accounts(query: dict[str, Any]) -> dict[str, Any]:
    """Vendor accounts, the newest first, and how their vendors are heard."""
    return listed(records.accounts(runtime().box, tracking=True), query)


@endpoints.post(
    "/vendor-accounts", needs(Permission.REGISTER, wide=True), body=AccountBody(), answer=AccountDocument(), status=201
)
def add_account(body: dict[str, Any]) -> dict[str, Any]:
    """Add an account; what is missing for its duties, or unknown, is named. Claims that waited for one are sent."""
    client = body.pop("client")
    owner = None if client is None else find(Client, client, field="client")
    because = by_caller("by the API")
    account = accounts.add(call().session, runtime(), client=owner, because=because, **body)
    rmas.go_on(call().session, account, because)
    return _account(account)


@endpoints.get(
    "/vendor-accounts/<uuid:id>", needs(Permission.READ, of=VendorAccount, wide=True), answer=AccountDocument()
)
def show_account(account: VendorAccount) -> dict[str, Any]:
    """One account, with the names of its secrets and what became of its last check."""
    return _account(account)


@endpoints.patch(
    "/vendor-accounts/<uuid:id>",
    needs(Permission.REGISTER, of=VendorAccount, wide=True),
    body=ACCOUNT_CHANGE,
    answer=AccountDocument(),
    shows=_account,
)
def change_account(account: VendorAccount, body: dict[str, Any]) -> None:
    """Change an account: a new secret replaces the old one, null takes it out. What was parked for the account goes on."""
    accounts.change(call().session, runtime(), account, because=by_caller("by the API"), **body)
    rmas.go_on(call().session, account, by_caller(f"{account.name} was changed."))


@endpoints.post(
    "/vendor-accounts/<uuid:id>/switch-off",
    needs(Permission.REGISTER, of=VendorAccount, wide=True),
    body=BecauseBody(),
    answer=AccountDocument(),
)
def switch_off(account: VendorAccount, body: dict[str, Any]) -> dict[str, Any]:
    """Let an account make no call any more; claims that it had to send wait for a person."""
    accounts.switch_off(call().session, account, because=by_caller(body["reason"]))
    return _account(account)


@endpoints.post(
    "/vendor-accounts/<uuid:id>/switch-on",
    needs(Permission.REGISTER, of=VendorAccount, wide=True),
    body=BecauseBody(),
    answer=AccountDocument(),
)
def switch_on(account: VendorAccount, body: dict[str, Any]) -> dict[str, Any]:
    """Let it call again; what was parked for it goes on."""
    accounts.switch_on(call().session, account, because=by_caller(body["reason"]))
    rmas.go_on(call().session, account, by_caller(body["reason"]))
    return _account(account)


@endpoints.post(
    "/vendor-accounts/<uuid:id>/release",
    needs(Permission.REGISTER, of=VendorAccount, wide=True),
    body=BecauseBody(),
    answer=AccountDocument(),
)
def release(account: VendorAccount, body: dict[str, Any]) -> dict[str, Any]:
    """Let an account open cases again that a restore holds: whoever calls has looked at the vendor what it was told since."""
    accounts.release(call().session, account, because=by_caller(body["reason"]))
    return _account(account)


@endpoints.post(
    "/vendor-accounts/<uuid:id>/test",
    needs(Permission.REGISTER, of=VendorAccount, wide=True),
    body=Strict(),
    answer=AccountDocument(),
    status=202,
)
def check_account(account: VendorAccount, _body: dict[str, Any]) -> dict[str, Any]:
    """Have a worker make the vendor's cheapest read. Answers at once: ``check`` of the account says later what came of it."""
    accounts.order_check(call().session, account, now=call().now)
    return _account(account)
