"""The schema goes up and down on both engines with rows in the tables, and agrees with the models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DatabaseError

from tests import factories
from tests.app import owner_of
from vendors.contract import VendorCase, VendorStatus
from warranty import db
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import ShipmentDirection, ShipmentState
from warranty.domain.returns import Blame, CostKind, Holder
from warranty.domain.terms import Cause, Component, Party
from warranty.models import AuditRow, Base, CaseCost, Fault, Rma, Shipment, TenantRow, VendorReturn
from warranty.models.mail import Told
from warranty.runtime import Runtime
from warranty.services import faults, mail, strays
from warranty.services.faults import FaultFacts
from warranty.services.mail import Letter, Receiver

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

URL_OF_NOTHING = "sqlite://"


def fill(runtime: Runtime) -> None:
    """A client, a unit, its fault with verdict, task and register rows, a user with a token."""
    with runtime.database.begin(db.EVERYBODY) as session:
        client = factories.make_client(session)
        asset = factories.make_asset(session, client)
        factories.make_coverage(session, asset)
        factories.make_token(session, factories.make_user(session))
        facts = FaultFacts(
            asset_id=asset.public_id, component=Component.DISK, cause=Cause.HARDWARE_FAILURE, symptom="dead"
        )
        outcome = faults.report(session, runtime, OPERATOR, facts, now=db.now(session))
        _send_back(session, outcome.fault)
        account = factories.make_account(session, runtime)
        strays.find(session, account, [VendorCase("INC1", VendorStatus.RECEIVED)], now=db.now(session))
        to = Receiver(factories.make_user(session), "en")
        letter = Letter("News", "text", "html")
        now = db.now(session)
        mail.write(session, runtime.settings, about=account, tells=Told.TASK, to=to, letter=letter, now=now)


def _send_back(session: Session, fault: Fault) -> None:
    """A return of a claim, its day and what it cost."""
    now, common = db.now(session), {"client_id": fault.client_id}
    rma = session.scalars(select(Rma).where(Rma.fault_id == fault.id)).one()
    facts = {"direction": ShipmentDirection.TO_VENDOR, "state": ShipmentState.CHARGED, "holder": Holder.CLIENT}
    parcel = Shipment(rma_id=rma.id, **common, **facts)
    session.add(parcel)
    session.flush()
    money = {"amount_minor": 41_200, "currency": "EUR", "payer": Party.CLIENT, "blame": Blame.CLIENT}
    said = {"kind": CostKind.NON_RETURN, "reason": "lost", "created_at": now, "created_by": "user:1"}
    session.add(VendorReturn(shipment_id=parcel.id, told_on=now.date(), basis={"days": 10}, **common))
    session.add(CaseCost(fault_id=fault.id, shipment_id=parcel.id, **common, **money, **said))


def test_code_and_schema_agree(database: db.Database) -> None:
    assert db.schema_faults(database.url) == []


def test_the_schema_goes_down_and_up_again_with_rows_in_the_tables(new_runtime: Runtime) -> None:
    fill(new_runtime)
    app_url, url = new_runtime.database.url, owner_of(new_runtime.database).url.render_as_string(hide_password=False)
    new_runtime.database.dispose()

    db.downgrade(url, "base")
    engine = db.make_engine(url)
    left = set(inspect(engine).get_table_names()) - {"alembic_version", "sqlite_sequence"}
    engine.dispose()
    db.upgrade(url, app_url=app_url)

    assert left == set()
    assert db.schema_faults(url) == []
    fill(new_runtime)


def test_a_database_of_no_revision_is_told_how_to_get_one(tmp_path: Path) -> None:
    said = db.schema_faults(f"sqlite:///{tmp_path / 'empty.sqlite3'}")

    assert len(said) == 1
    assert "run `warranty db upgrade`" in said[0]


@pytest.mark.parametrize("statement", ["UPDATE audit_row SET reason = 'other'", "DELETE FROM audit_row"])
def test_the_database_itself_refuses_to_change_the_register(runtime: Runtime, statement: str) -> None:
    fill(runtime)

    with pytest.raises(DatabaseError, match="never changed"), owner_of(runtime.database).begin() as connection:
        connection.execute(text(statement))

    with runtime.database.read(db.EVERYBODY) as session:
        assert session.scalars(select(AuditRow.reason)).first() != "other"
        assert session.scalars(select(Fault)).one()


def test_there_is_one_head_and_each_file_begins_with_its_revision() -> None:
    scripts = ScriptDirectory.from_config(db.alembic_config(URL_OF_NOTHING))

    assert len(scripts.get_heads()) == 1
    for revision in scripts.walk_revisions():
        assert Path(revision.path).name.startswith(f"{revision.revision}_")


def test_every_tenant_table_names_its_client() -> None:
    tenant = [mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, TenantRow)]

    assert len(tenant) > 10
    for model in tenant:
        assert not model.__table__.c.client_id.nullable, model
