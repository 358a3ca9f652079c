"""The web application over a small believable estate of two clients, and somebody of every role to ask it."""

from __future__ import annotations

import socket
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import event, select

from tests import factories
from tests.app import Restore, snapshot
from warranty import db
from warranty.domain.access import TokenScope
from warranty.domain.terms import CLIENT_ROLES, CoverageKind, Fulfilment, Role, Share
from warranty.models import ApiToken
from warranty.services import people
from warranty.web import auth, create_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from werkzeug.test import TestResponse

    from warranty.models import Client, User
    from warranty.runtime import Runtime

_keys = count(1)

NOBODYS_ID = "00000000-0000-4000-8000-000000000000"
"""An id of the right form that no row has."""


@dataclass(slots=True)
class Tenant:
    """One client with a unit under warranty, one without, and a user of each client role. Ids are public ones."""

    id: UUID
    name: str
    site: UUID
    product: UUID
    covered: UUID
    covered_serial: str
    bare: UUID
    bare_serial: str
    contract: UUID
    coverage: UUID
    canary: str
    tokens: dict[Role, str] = field(default_factory=dict)
    users: dict[Role, User] = field(default_factory=dict)


@dataclass(slots=True)
class World:
    """The application, its two clients, the MSP's people, and a program that calls."""

    app: Flask
    runtime: Runtime
    ours: Tenant
    theirs: Tenant
    tokens: dict[Role, str]
    users: dict[Role, User]

    def own_app(self) -> Flask:
        """An application that the test may change: that of `world` at first is every test's."""
        self.app = create_app(self.runtime)
        return self.app

    def call(self, method: str, path: str, token: str | None = None, **options: Any) -> TestResponse:
        """Call the API; a write gets a fresh key unless the test brings its own."""
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if method not in {"GET", "HEAD"}:
            headers.setdefault("Idempotency-Key", f"key-{next(_keys)}")
        return self.app.test_client().open(f"/api/v1{path}", method=method, headers=headers, **options)

    def get(self, path: str, role: Role = Role.TECHNICIAN) -> TestResponse:
        """Read as somebody of the MSP."""
        return self.call("GET", path, self.tokens[role])

    def post(self, path: str, body: Any, role: Role = Role.SERVICE_MANAGER, **options: Any) -> TestResponse:
        """Write as somebody of the MSP."""
        return self.call("POST", path, self.tokens[role], json=body, **options)

    def report(self, **facts: Any) -> Any:
        """Report a fault that is taken."""
        answer = self.post("/faults", fault_body(**facts))
        assert answer.status_code == 201, answer.json
        return answer.json


def fault_body(**facts: Any) -> dict[str, Any]:
    """A report of a failed disk."""
    return {"component": "disk", "cause": "hardware_failure", "symptom": "Predictive failure", **facts}


@pytest.fixture(scope="session")
def apps() -> dict[str, Flask]:
    """The application over each database, made when first asked for: that takes longer than most tests do."""
    return {}


@pytest.fixture(scope="session")
def kept_worlds() -> dict[str, tuple[World, Restore]]:
    """The world of each database, as it was made first, and what puts its rows back."""
    return {}


@pytest.fixture
def world(
    runtime: Runtime,
    apps: dict[str, Flask],
    kept_worlds: dict[str, tuple[World, Restore]],
    tmp_path_factory: pytest.TempPathFactory,
) -> World:
    """Two clients, all roles, and a vendor account that opens claims where nobody listens.

    Made once for each database and put back for each test, in a tenth of the time.
    """
    url = runtime.database.url
    if url in kept_worlds:
        kept_worlds[url][1]()
    else:
        made = make_world(runtime, apps)
        kept_worlds[url] = (made, snapshot(runtime, tmp_path_factory.mktemp("world")))
    return own_copy(kept_worlds[url][0])


def own_copy(world: World) -> World:
    """A world that the test may change; what it looks at is the same."""
    ours, theirs = (replace(one, tokens=dict(one.tokens), users=dict(one.users)) for one in (world.ours, world.theirs))
    return replace(world, ours=ours, theirs=theirs, tokens=dict(world.tokens), users=dict(world.users))


def make_world(runtime: Runtime, apps: dict[str, Flask]) -> World:
    """As `world`, over any database: of a test that needs only to look, it may be one that others have looked at."""
    url = runtime.database.url
    if url not in apps:
        apps[url] = create_app(runtime)
    with runtime.database.begin(db.EVERYBODY) as session:
        factories.make_account(session, runtime)
        users = {role: factories.make_user(session, role) for role in Role if role not in CLIENT_ROLES}
        all_scopes = tuple(TokenScope)
        tokens = {role: factories.make_token(session, user, all_scopes) for role, user in users.items()}
        ours, theirs = (_make_tenant(session, name) for name in ("Ours", "Theirs"))
    return World(apps[url], runtime, ours, theirs, tokens, users)


@pytest.fixture
def own_limiter() -> Iterator[None]:
    """Let a test lead sign-in's limiter astray: a process has one for all its applications, and gets it back."""
    kept = dict(vars(auth.limiter))
    yield
    vars(auth.limiter).update(kept)


def _make_tenant(session: Any, name: str) -> Tenant:
    canary = f"canary-{name}"
    client: Client = factories.make_client(session, f"{canary} GmbH")
    site = factories.make_site(session, client, name=f"{canary} site")
    product = factories.make_product(session, model=f"R{name}")
    place = {"site": site, "product": product}
    covered = factories.make_asset(session, client, f"{canary}-covered", name=canary, **place)
    bare = factories.make_asset(session, client, f"{canary}-bare", name=canary, **place)
    contract = factories.make_contract(session, client, f"{canary}-contract")
    coverage = factories.make_coverage(session, covered, contract=contract, contract_number=f"{canary}-W")
    tenant = Tenant(
        id=client.public_id,
        name=client.name,
        site=site.public_id,
        product=product.public_id,
        covered=covered.public_id,
        covered_serial=covered.serial_number,
        bare=bare.public_id,
        bare_serial=bare.serial_number,
        contract=contract.public_id,
        coverage=coverage.public_id,
        canary=canary,
    )
    for role in sorted(CLIENT_ROLES):
        tenant.users[role] = factories.make_user(session, role, client)
        tenant.tokens[role] = factories.make_token(session, tenant.users[role])
    return tenant


def cover_labour(world: World, asset: UUID) -> None:
    """Let an agreement with the MSP pay the labour on a unit."""
    body = {
        "scope": {"asset": str(asset)},
        "contract_number": "AG-1",
        "kind": CoverageKind.MSP_AGREEMENT,
        "fulfilment": Fulfilment.MSP_SUPPLY,
        "starts_on": "2020-01-01",
        "time_zone": "Europe/Amsterdam",
        "covers": [Share.LABOUR],
        "service_level": "best_effort",
        "evidence": {"source": "contract_file"},
    }
    answer = world.post("/coverages", body)
    assert answer.status_code == 201, answer.json


def now() -> datetime:
    """The instant of a call, for bodies that name one."""
    return datetime.now(UTC)


def revoke(world: World, token: str) -> None:
    """Revoke a token as the command line does."""
    found = people.read_token(token)
    assert found is not None
    with world.runtime.database.begin(db.EVERYBODY) as session:
        kept = session.scalars(select(ApiToken).where(ApiToken.public_id == found.id)).one()
        people.revoke_token(session, kept, because=factories.BECAUSE)


@contextmanager
def watching(world: World) -> Iterator[dict[str, list[str]]]:
    """Every statement, every commit, and every socket that Python connects."""
    seen: dict[str, list[str]] = {"statements": [], "commits": [], "sockets": []}
    active = True

    def connects(name: str, args: tuple[Any, ...]) -> None:
        if active and name == "socket.connect" and isinstance(args[0], socket.socket):
            seen["sockets"].append(str(args[1]))

    def executes(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen["statements"].append(statement)

    def commits(_connection: Any) -> None:
        seen["commits"].append("commit")

    engine = world.runtime.database.engine
    sys.addaudithook(connects)  # it stays for good, so it is only switched off
    event.listen(engine, "before_cursor_execute", executes)
    event.listen(engine, "commit", commits)
    try:
        yield seen
    finally:
        active = False
        event.remove(engine, "before_cursor_execute", executes)
        event.remove(engine, "commit", commits)
