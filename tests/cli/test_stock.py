"""The MSP's own stock by hand."""

from __future__ import annotations

import pytest

from tests import factories
from tests.cli.conftest import Shell, table
from warranty import db
from warranty.domain.access import OPERATOR
from warranty.runtime import Runtime

WHY = ("--reason", "Delivery 88213")


@pytest.fixture
def shelf(warranty: Shell, runtime: Runtime) -> tuple[Shell, str]:
    """A store with two disks on it, and a case that wants one."""
    with runtime.database.begin(db.EVERYBODY) as session:
        client = factories.make_client(session, "Town Hall")
        unit = factories.make_asset(session, client, "A1")
        outcome = factories.make_fault(session, runtime, OPERATOR, asset_id=unit.public_id)
        reference = outcome.fault.reference
    warranty.says("product", "add", "Acme", "D4")
    warranty.says("stock", "add-store", "Utrecht")
    warranty.says("stock", "receive", "D4", "Utrecht", "--serial", "S1", "--serial", "S2", *WHY)
    return warranty, reference


def test_units_are_received_and_listed(shelf: tuple[Shell, str]) -> None:
    warranty, _ = shelf

    rows = table(warranty.says("stock", "list", "--product", "D4", "--store", "Utrecht", "--state", "in_stock"))

    assert [(row["serial_number"], row["product"], row["location"]) for row in rows] == [
        ("S2", "Acme D4", "Utrecht"),
        ("S1", "Acme D4", "Utrecht"),
    ]
    assert [store["name"] for store in warranty.gives("stock", "stores")] == ["Utrecht"]
    assert len(warranty.gives("stock", "receive", "D4", "Utrecht", "--quantity", 3, *WHY)) == 3


def test_a_unit_is_reserved_released_issued_and_put_back(shelf: tuple[Shell, str]) -> None:
    warranty, case = shelf

    assert warranty.gives("stock", "reserve", "s2", "--case", case, *WHY)["state"] == "reserved"
    assert warranty.gives("stock", "release", "S2", *WHY)["fault_id"] is None
    oldest = warranty.gives("stock", "reserve", "--product", "D4", "--store", "Utrecht", "--case", case, *WHY)
    assert oldest["serial_number"] == "S1"
    assert warranty.gives("stock", "issue", "S1", *WHY)["state"] == "issued"
    assert warranty.gives("stock", "put-back", "S1", "Utrecht", *WHY) == warranty.gives("stock", "show", "S1")


def test_what_the_shelf_does_not_hold_is_one_sentence(shelf: tuple[Shell, str]) -> None:
    warranty, case = shelf
    warranty.says("product", "add", "Acme", "D5")

    for words, said in (
        (("reserve", "--product", "D5", "--case", case, *WHY), "No Acme D5 is free in any store."),
        (("issue", "S1", *WHY), "is no move"),
        (("receive", "D4", "Utrecht", "--serial", "S1", *WHY), "S1 is in stock already."),
        (("receive", "D4", "Nowhere", "--serial", "S3", *WHY), "There is no store 'Nowhere'"),
        (("add-store", "Utrecht"), "There is a store named Utrecht already."),
        (("show", "S9"), "There is no unit in stock 'S9'"),
    ):
        assert said in warranty.refuses("stock", *words)
    assert "Name the UNIT, or give --product." in warranty.refuses("stock", "reserve", "--case", case, *WHY, status=2)
