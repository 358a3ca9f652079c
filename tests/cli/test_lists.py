"""Lists and documents: the same as REST gives, of any length, page by page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from tests import factories
from tests.cli.conftest import Shell, table
from tests.web.conftest import make_world
from warranty import db
from warranty.cli import desk
from warranty.domain.terms import Role

if TYPE_CHECKING:
    from flask import Flask

    from tests.web.conftest import World
    from warranty.runtime import Runtime

SAME = {
    "asset": "assets",
    "case": "faults",
    "client": "clients",
    "contact": "contacts",
    "contract": "contracts",
    "coverage": "coverages",
    "job": "jobs",
    "product": "products",
    "review": "review-items",
    "rma": "rmas",
    "site": "sites",
    "token": "tokens",
    "user": "users",
    "vendor": "vendor-accounts",
}


@pytest.fixture(scope="module")
def apps() -> dict[str, Flask]:
    """One application for each database."""
    return {}


@pytest.fixture
def world(runtime: Runtime, apps: dict[str, Flask]) -> World:
    """An estate with a case of every route."""
    made = make_world(runtime, apps)
    made.report(serial_number=made.ours.covered_serial)
    made.report(serial_number=made.ours.bare_serial)
    made.report(serial_number="NOBODY-HAS-IT", client=str(made.ours.id))
    with runtime.database.begin(db.EVERYBODY) as session:
        factories.make_site(session, factories.make_client(session), contacts=[])
    return made


def test_programs_get_from_the_command_what_they_get_from_rest(world: World, warranty: Shell) -> None:
    for name, path in SAME.items():
        answer: Any = world.get(f"/{path}?limit=200", Role.ADMIN).json
        items = answer["items"]
        listed = warranty.gives(name, "list")
        for item in (*items, *listed):
            item.pop("last_used_at", None)  # this very call
        assert listed == items, name
        if name not in {"asset", "case", "rma"}:  # which show more
            for item in listed[:1]:
                shown = warranty.gives(name, "show", item["id"])
                shown.pop("last_used_at", None)
                item.pop("tracking", None)  # of accounts in a list: how their vendors are heard
                assert shown == item, name


def test_a_claim_is_shown_as_rest_shows_it(world: World, warranty: Shell) -> None:
    [claim] = warranty.gives("rma", "list")

    assert warranty.gives("rma", "show", claim["client_reference"]) == world.get(f"/rmas/{claim['id']}").json


@pytest.fixture
def many(runtime: Runtime) -> list[str]:
    """More clients than two pages hold, the newest first."""
    count = 2 * desk.PAGE + 1
    with runtime.database.begin(db.EVERYBODY) as session:
        return [factories.make_client(session, f"Client {number:04}").name for number in range(count)][::-1]


def test_a_list_of_several_pages_is_whole_for_programs_and_for_people(many: list[str], warranty: Shell) -> None:
    assert [row["name"] for row in warranty.gives("client", "list")] == many
    assert [row["name"] for row in table(warranty.says("client", "list"))] == many
    assert [row["name"] for row in warranty.gives("client", "list", "--limit", desk.PAGE + 1)] == many[: desk.PAGE + 1]


def test_every_page_is_read_in_a_transaction_of_its_own(many: list[str], warranty: Shell) -> None:
    begun = []

    def note(session: Session, *_: Any) -> None:
        begun.append(session)

    event.listen(Session, "after_begin", note)
    try:
        assert len(json.loads(warranty.says("client", "list", "--json"))) == len(many)
    finally:
        event.remove(Session, "after_begin", note)
    assert len(begun) == 3


def test_an_empty_list_is_one(warranty: Shell) -> None:
    assert warranty.gives("client", "list") == []
    assert warranty.says("client", "list") == "none\n"
