"""Defective units that go back, at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import factories
from tests.cli.conftest import Shell, table
from warranty import db
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import RmaState, ShipmentDirection
from warranty.models import Rma
from warranty.runtime import Runtime
from warranty.services import rmas, shipments
from warranty.services.shipments import Parcel

WHY = ("--reason", "They said so.")


@pytest.fixture
def back(warranty: Shell, runtime: Runtime) -> tuple[Shell, str]:
    """A unit that waits to be sent back, and its case."""
    with runtime.database.begin(db.EVERYBODY) as session:
        factories.make_account(session, runtime, "manual", secrets={}, base_url=None)
        client = factories.make_client(session, "Town Hall")
        unit = factories.make_asset(session, client, "A1", product=factories.make_product(session, "Acme", "R750"))
        factories.make_coverage(session, unit)
        outcome = factories.make_fault(session, runtime, OPERATOR, asset_id=unit.public_id)
        rma = session.query(Rma).one()
        say = {"reason": "by telephone", "now": factories.NOW}
        rmas.transition(session, runtime, OPERATOR, rma, RmaState.AUTHORIZED, rma_number="R-1", **say)
        shipments.add(session, OPERATOR, rma, ShipmentDirection.TO_VENDOR, Parcel(), **say)
        return warranty, outcome.fault.reference


def test_a_return_is_followed_from_its_plan_to_its_cost(back: tuple[Shell, str], tmp_path: Path) -> None:
    warranty, case = back
    [row] = table(warranty.says("returns", "list"))
    assert (row["serial_number"], row["holder"], row["state"]) == ("A1", "msp", "due")
    planned = warranty.gives(
        "returns", "plan", case, "--holder", "client", "--charge", 41200, "--currency", "eur", *WHY
    )
    assert (planned["holder"], planned["exposure_minor"], planned["currency"]) == ("client", 41200, "EUR")
    assert warranty.gives("returns", "list", "--holder", "client", "--client", "Town Hall")[0] == planned
    assert warranty.gives("returns", "list", "--overdue") == warranty.gives("returns", "list", "--due-in", 7) == []
    assert "proof of shipment" in warranty.refuses("returns", "sent", "R-1", "--carrier", "DHL", *WHY)
    assert warranty.gives("returns", "show", planned["id"][:8]) == planned

    paper = tmp_path / "slip.pdf"
    assert "two sheets" in warranty.says("returns", "slip", case, "-o", str(paper), "--language", "de")
    assert paper.read_bytes().startswith(b"%PDF-")

    bill = ("--kind", "non_return", "--amount", 41200, "--currency", "EUR", "--payer", "msp", "--blame", "msp")
    cost = warranty.gives("returns", "charge", case, *bill, *WHY)
    assert warranty.gives("returns", "costs", "--open") == [cost]
    assert warranty.gives("returns", "settle", cost["id"], *WHY)["settlement"] == "They said so."
    assert warranty.gives("returns", "costs", "--open") == []
    assert [one["state"] for one in warranty.gives("returns", "list", "--all")] == ["charged"]


def test_what_is_no_return_is_said_in_a_sentence(back: tuple[Shell, str]) -> None:
    warranty, case = back
    assert "no parcel" in warranty.refuses("returns", "show", "abcdef12")
    warranty.gives("returns", "sent", case, "--carrier", "DHL", "--tracking", "1Z9", *WHY)
    assert "does not wait" in warranty.refuses("returns", "plan", case, "--holder", "msp", *WHY)
