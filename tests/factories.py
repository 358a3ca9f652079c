"""Rows for tests, each by one small function: the only place that says what an unremarkable one looks like.

They go through the services that the product uses, so that what a test starts from can also come about. A function
takes the session and what the test is about; everything else is unremarkable.
"""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from warranty import crypto
from warranty.domain.access import TokenScope
from warranty.domain.terms import (
    AssetState,
    Cause,
    Component,
    CoverageKind,
    Delivery,
    EvidenceSource,
    Fulfilment,
    Role,
    ServiceLevel,
    Share,
    UnitSays,
)
from warranty.models import User
from warranty.services import accounts, estate, faults, people
from warranty.services.faults import FaultFacts
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from warranty.domain.access import Principal
    from warranty.models import Asset, Client, Contract, Coverage, Product, Site, VendorAccount
    from warranty.runtime import Runtime
    from warranty.services.faults import Outcome

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BECAUSE = Because("system:test", "imported", NOW)
PASSWORD = "correct horse battery staple"
ADDRESS = {"address_line1": "Kade 1", "city": "Amsterdam", "postal_code": "1011 AA", "country": "NL"}

_numbers = itertools.count(1)


def today() -> date:
    """The day that pages show. Not kept: a suite runs across midnight."""
    return datetime.now(UTC).date()


def make_client(session: Session, name: str | None = None) -> Client:
    """A client with the default policy and rate card."""
    return estate.add_client(session, name=name or f"Client {next(_numbers)}", because=BECAUSE)


def make_site(session: Session, client: Client, name: str | None = None, **facts: Any) -> Site:
    """A site in Amsterdam with an address and one contact; ``facts`` as for ``estate.add_site``."""
    given: dict[str, Any] = {
        "time_zone": "Europe/Amsterdam",
        "address": ADDRESS,
        "contacts": [estate.Contact("Mia de Vries", "+31 20 555 0101", "mia@client.example")],
    }
    return estate.add_site(session, client, name=name or f"Site {next(_numbers)}", because=BECAUSE, **given | facts)


def make_product(session: Session, manufacturer: str = "Acme", model: str | None = None, **facts: Any) -> Product:
    """A product with a list price of 420.00 EUR; ``facts`` as for ``estate.add_product``."""
    given: dict[str, Any] = {"part_number": "AC-1", "list_price_minor": 42_000}
    return estate.add_product(
        session, manufacturer=manufacturer, model=model or f"Model {next(_numbers)}", because=BECAUSE, **given | facts
    )


def make_asset(session: Session, client: Client, serial_number: str | None = None, **facts: Any) -> Asset:
    """A unit in service, of which nobody else has sold a warranty: see ``make_listed`` for a vendor's own word.

    ``facts`` as for ``estate.add_asset``.
    """
    given: dict[str, Any] = {"state": AssetState.IN_SERVICE}
    serial_number = serial_number or f"SN{next(_numbers):06}"
    asset = estate.add_asset(session, client, serial_number=serial_number, because=BECAUSE, **given | facts)
    asset.absence_attested = True
    session.flush()
    return asset


def make_listed(session: Session, asset: Asset, *, at: datetime, says: UnitSays = UnitSays.LISTED) -> None:
    """Have the vendor say of a unit that it knows it."""
    asset.lookup_says, asset.lookup_at = says, at
    session.flush()


def make_contract(session: Session, client: Client, number: str | None = None) -> Contract:
    """A contract."""
    return estate.add_contract(session, client, number=number or f"C-{next(_numbers)}", because=BECAUSE)


def make_coverage(session: Session, scope: Asset | Product | Site | Client, **facts: Any) -> Coverage:
    """A manufacturer's warranty on paper, for parts, from 2020 on; ``facts`` as for ``estate.add_coverage``."""
    given: dict[str, Any] = {
        "contract_number": f"W-{next(_numbers)}",
        "kind": CoverageKind.MANUFACTURER_WARRANTY,
        "fulfilment": Fulfilment.VENDOR_RMA,
        "starts_on": date(2020, 1, 1),
        "time_zone": "Europe/Amsterdam",
        "covers": (Share.PARTS,),
        "evidence_source": EvidenceSource.CONTRACT_FILE,
        "service_level": ServiceLevel.NEXT_BUSINESS_DAY,
        "delivery": Delivery.PARTS_ONLY,
    }
    return estate.add_coverage(session, scope, because=BECAUSE, **given | facts)


def make_user(
    session: Session, role: Role = Role.TECHNICIAN, client: Client | None = None, email: str | None = None
) -> User:
    """Somebody who can sign in with ``PASSWORD``.

    The only row that passes its service by: hashing costs what it must, and most tests ask nobody's password.
    """
    user = User(
        email=email or f"{role}-{next(_numbers)}@msp.example",
        role=role,
        client_id=client.id if client else None,
        password_hash=_password_hash(),
        created_at=NOW,
    )
    session.add(user)
    session.flush()
    return user


@cache
def _password_hash() -> str:
    return crypto.hash_password(PASSWORD)


def make_token(
    session: Session, user: User, scopes: Sequence[TokenScope] = (TokenScope.READ, TokenScope.WRITE), **facts: Any
) -> str:
    """An API token of a user, as a program sends it; ``facts`` as for ``people.add_token``."""
    return people.add_token(session, user, scopes, because=BECAUSE, **facts).token


def make_account(
    session: Session,
    runtime: Runtime,
    vendor: str = "servicenow",
    name: str | None = None,
    *,
    manufacturers: Sequence[str] = ("Acme",),
    base_url: str | None = "http://127.0.0.1:9",
    secrets: Mapping[str, str] | None = None,
    **facts: Any,
) -> VendorAccount:
    """A vendor account; unless told otherwise one that opens ServiceNow cases, where nobody listens."""
    return accounts.add(
        session,
        runtime,
        vendor=vendor,
        name=name or f"{vendor} {next(_numbers)}",
        secrets={"username": "us", "password": "them"} if secrets is None else secrets,
        options=facts.pop("options", {}),
        base_url=base_url,
        manufacturers=manufacturers,
        because=BECAUSE,
        **facts,
    )


def make_fault(
    session: Session, runtime: Runtime, principal: Principal, *, now: datetime | None = None, **facts: Any
) -> Outcome:
    """A report by its own service: a disk that failed; ``facts`` as for ``FaultFacts``."""
    given: dict[str, Any] = {
        "component": Component.DISK,
        "cause": Cause.HARDWARE_FAILURE,
        "symptom": "Predictive failure on bay 3",
    }
    return faults.report(session, runtime, principal, FaultFacts(**given | facts), now=now or NOW)


def find_client(session: Session, name: str) -> Client:
    """A client that an earlier transaction made."""
    return estate.find_client(session, name)
