"""One record of every kind that belongs to a client, and every text of it a canary: a word that nobody else may ever read."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import UUID

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import select

from tests import factories
from warranty import db
from warranty.domain.handover import Sanitization, StepKey, UnitClass
from warranty.domain.terms import Role
from warranty.models import (
    AdHocJob,
    ApiToken,
    Asset,
    Baseline,
    BusinessCalendar,
    CaseCost,
    CaseNote,
    Client,
    Contract,
    Coverage,
    CoverageTransfer,
    Fault,
    File,
    HandoverStep,
    HumanTask,
    ImportRun,
    Loan,
    LookUpRun,
    Person,
    Product,
    PublicRow,
    Rma,
    SanitizedMedium,
    SavedView,
    Shipment,
    Site,
    Snapshot,
    StockLocation,
    StockUnit,
    Swap,
    User,
    VendorAccount,
)
from warranty.services import calendars, people, saved_views
from warranty.services.moves import Because

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tests.web.conftest import Tenant, World

LABOUR_HOUR_MINOR = 87_654_321
"""A price that nothing else has: a canary that is a number."""

Owned = dict[type[PublicRow], UUID]
"""A public id by table."""


def own_everything(world: World, tenant: Tenant, *, labour_hour_minor: int = LABOUR_HOUR_MINOR) -> Owned:
    """Let a client have one record of each kind, each told in canaries; their ids."""
    canary = tenant.canary
    _write(world, "PATCH", f"/clients/{tenant.id}", {"labour_hour_minor": labour_hour_minor, **_named(canary)})
    _write(world, "PATCH", f"/contracts/{tenant.contract}", {"name": canary, **_named(canary)})
    _write(world, "PATCH", f"/coverages/{tenant.coverage}", {"name": canary, "sites": [str(tenant.site)]})
    _write(world, "PATCH", f"/assets/{tenant.covered}", {"asset_tag": canary, **_named(canary)})
    address = {"address_line1": f"{canary} street", "city": canary, "postal_code": canary}
    _write(world, "PATCH", f"/sites/{tenant.site}", {"address": address, "access_hours": canary, **_named(canary)})
    contact = _write(
        world, "POST", "/contacts", {"site": str(tenant.site), "email": f"mia@{canary}.example", **_person(canary)}
    )
    covered = _write(world, "POST", "/faults", _report(canary, serial_number=tenant.covered_serial))
    unknown = _write(
        world, "POST", "/faults", _report(f"{canary}-2", serial_number=f"{canary}-unknown", client=str(tenant.id))
    )
    approved = _approve(world, covered["rma_id"], canary)
    parcel = f"/shipments/{approved['shipments'][0]['id']}/transitions"
    _write(world, "POST", parcel, {"to": "in_transit", "reason": canary, "carrier": canary, "tracking_number": canary})
    back, lost = (_return(world, covered["rma_id"], canary) for _ in range(2))
    _write(world, "PATCH", f"/returns/{back}", {"return_address": canary, "reason": canary})
    bill = {"kind": "non_return", "amount_minor": 41_200, "currency": "EUR", "payer": "client", "blame": "client"}
    cost = _write(world, "POST", f"/returns/{lost}/costs", bill | {"reason": canary})
    places = [f"/faults/{covered['id']}", f"/rmas/{covered['rma_id']}", f"/jobs/{covered['job_id']}"]
    places += [f"/assets/{tenant.covered}", f"/coverages/{tenant.coverage}", f"/contracts/{tenant.contract}"]
    read = _write(world, "POST", f"/assets/{tenant.covered}/snapshots", _inventory(canary))
    files = [_file(world, place, canary) for place in places]
    note = _write(world, "POST", f"/faults/{covered['id']}/notes", {"way": "internal", "text": canary})
    return {
        Client: tenant.id,
        Site: tenant.site,
        Asset: tenant.covered,
        Contract: tenant.contract,
        Coverage: tenant.coverage,
        Product: tenant.product,
        Fault: UUID(covered["id"]),
        Rma: UUID(covered["rma_id"]),
        Shipment: UUID(back),
        CaseCost: UUID(cost["id"]),
        Swap: UUID(approved["swap"]["id"]),
        AdHocJob: UUID(covered["job_id"]),
        HumanTask: UUID(unknown["review_item_id"]),
        Person: UUID(contact["id"]),
        File: files[0],
        CaseNote: UUID(note["id"]),
        Snapshot: UUID(read["items"][0]["id"]),
        VendorAccount: _account(world, tenant),
        **_followed(world, tenant, UUID(covered["id"]), UUID(approved["swap"]["id"])),
    }


def _inventory(canary: str) -> dict[str, str | dict[str, str]]:
    return {"specification": {"model": canary}, "configuration": f"hostname {canary}", "reason": canary}


def _followed(world: World, tenant: Tenant, fault: UUID, swap: UUID) -> Owned:
    """A unit that was lent for a case, and a contract that waits for somebody to move it with its swap."""

    def key(session: Session, table: Any, public_id: UUID) -> int:
        return session.scalars(select(table.id).where(table.public_id == public_id)).one()

    with world.runtime.database.begin(db.EVERYBODY) as session:
        client, unit = key(session, Client, tenant.id), key(session, Asset, tenant.covered)
        loan = Loan(
            client_id=client,
            fault_id=key(session, Fault, fault),
            asset_id=unit,
            for_asset_id=unit,
            lent_at=factories.NOW,
            back_at=factories.NOW,
        )
        transfer = CoverageTransfer(
            client_id=client,
            swap_id=key(session, Swap, swap),
            asset_id=unit,
            coverage_id=key(session, Coverage, tenant.coverage),
        )
        life = _of_its_life(client, unit, tenant.canary)
        session.add_all([loan, transfer, *life])
        session.flush()
        return {Loan: loan.public_id, CoverageTransfer: transfer.public_id, Baseline: life[0].public_id}


def _return(world: World, rma_id: str, canary: str) -> str:
    """A unit that goes back, which waits to be sent."""
    body = {"direction": "to_vendor", "reason": canary, "carrier": canary, "tracking_number": canary}
    made: str = _write(world, "POST", f"/rmas/{rma_id}/shipments", body)["id"]
    return made


def _of_its_life(client: int, unit: int, canary: str) -> list[PublicRow]:
    """What was checked and signed when a unit was taken over, and what became of one of its media."""
    of_unit: dict[str, Any] = {"client_id": client, "asset_id": unit}
    check = {"unit_class": UnitClass.SERVER, "step": StepKey.SERIAL_SEEN, "place": 0, "is_mandatory": False}
    medium = {"method": Sanitization.PURGE, "serial_number": "S1", "serial_key": "S1", "done_on": factories.NOW.date()}
    signed = {"result": "healthy", "exceptions": [], "signed_by": "user:1", "signed_at": factories.NOW}
    return [
        Baseline(**of_unit, **signed, reason=canary),
        HandoverStep(**of_unit, **check, evidence=canary),
        SanitizedMedium(
            **of_unit, **medium, tool=canary, done_by=canary, certificate="", recorded_by="", recorded_at=factories.NOW
        ),
    ]


def own_nothing(world: World, product: UUID) -> Owned:
    """One record of each kind that belongs to no client, so that it is there for everybody who may see such records."""
    location = _write(world, "POST", "/stock-locations", {"name": f"Store of {product}"})["id"]
    received = {"product": str(product), "location": location, "quantity": 1, "reason": "delivered"}
    [unit] = _write(world, "POST", "/stock", received)["items"]
    user = world.users[Role.AUDITOR]
    token = _write(world, "POST", "/tokens", {"user": str(user.public_id), "scopes": ["read"]})
    form = {"kind": "clients", "dry_run": "true", "file": (BytesIO(b"name\nAcme\n"), "clients.csv")}
    started: Any = world.call("POST", "/imports", world.tokens[Role.ADMIN], data=form).json
    asked = _write(world, "POST", "/lookups", {"serial_numbers": ["nobody's"]})
    return {
        ApiToken: UUID(token["id"]),
        BusinessCalendar: _calendar(world),
        ImportRun: UUID(started["id"]),
        LookUpRun: UUID(asked["id"]),
        SavedView: _view(world, user),
        StockLocation: UUID(location),
        StockUnit: UUID(unit["id"]),
        User: user.public_id,
    }


def _calendar(world: World) -> UUID:
    facts = {
        "name": "Days",
        "hours": "mon-fri 08:00-17:00",
        "time_zone": "Europe/Berlin",
        "region": "DE",
        "exceptions": "",
    }
    with world.runtime.database.begin(db.EVERYBODY) as session:
        return calendars.add(session, facts, because=factories.BECAUSE).public_id


def _view(world: World, owner: User) -> UUID:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        because = Because(people.actor_of(owner), "kept a view", factories.NOW)
        kept = saved_views.keep(
            session, owner.id, "cases", name="Closed", query="shows=closed", is_shared=False, because=because
        )
        return kept.public_id


def _write(world: World, method: str, path: str, body: dict[str, Any]) -> Any:
    answer = world.call(method, path, world.tokens[Role.ADMIN], json=body)
    assert answer.status_code in {200, 201, 202}, answer.json
    return answer.json


def _named(canary: str) -> dict[str, Any]:
    return {"external_refs": [{"system": "psa", "id": canary, "url": f"https://psa.example/{canary}"}]}


def _person(canary: str) -> dict[str, str]:
    return {"name": f"{canary} Person", "phone": f"+31 {canary}"}


def _report(canary: str, **facts: Any) -> dict[str, Any]:
    return {
        "component": "disk",
        "cause": "hardware_failure",
        "component_ref": canary,
        "symptom": canary,
        "contact": {"email": f"mia@{canary}.example", **_person(canary)},
        "ship_to": {"name": canary, "address_line1": canary},
        "troubleshooting": canary,
        "diagnostic_code": canary,
        "external_ref": {"system": "psa", "id": canary},
        **facts,
    }


def _approve(world: World, rma: str, canary: str) -> Any:
    """A claim that the vendor has approved by telephone, with what is expected from then on."""
    path = f"/rmas/{rma}/transitions"
    _write(world, "POST", path, {"to": "manual_handling", "reason": canary})
    told = {"rma_number": canary, "vendor_case_number": canary}
    return _write(world, "POST", path, {"to": "authorized", "reason": canary, **told})


def _file(world: World, record: str, canary: str) -> UUID:
    """A picture beside a record, which its client may see; what stands inside it nobody sees."""
    content, text = BytesIO(), PngInfo()
    text.add_text("Comment", canary)
    Image.new("RGB", (8, 8)).save(content, "PNG", pnginfo=text)
    path = f"{record}/files?name={canary}.png&for_client=true"
    answer = world.call("POST", path, world.tokens[Role.ADMIN], data=content.getvalue())
    made: Any = answer.json
    assert answer.status_code == 201, made
    return UUID(made["id"])


def _account(world: World, tenant: Tenant) -> UUID:
    """An account that serves this client's units only."""
    with world.runtime.database.begin(db.EVERYBODY) as session:
        client = factories.find_client(session, tenant.name)
        account = factories.make_account(session, world.runtime, name=tenant.canary, client=client, manufacturers=())
        return account.public_id
