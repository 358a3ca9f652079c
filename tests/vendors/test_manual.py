"""A vendor by hand: the contract, and the block that a person pastes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.vendors.contract import VendorContract
from tests.vendors.host import CANARY, REQUEST
from vendors.contract import ByHand, Contact, Promise, ShipTo
from vendors.errors import VendorError


class TestManual(VendorContract):
    """An account by hand."""

    vendor = "manual"
    options = {  # noqa: RUF012 -- never changed
        "portal_url": "https://portal.vendor.example/rma",
        "instructions": "Ask for the spare-part desk.",
        "webhook_secret": CANARY,
    }
    base_url = None

    def test_a_person_gets_the_portal_and_the_instructions(self) -> None:
        able = self.able()
        assert able.promise is Promise.C
        assert able.by_hand == ByHand("https://portal.vendor.example/rma", "Ask for the spare-part desk.")

    def test_an_account_without_any_option_is_still_by_hand(self) -> None:
        assert self.able(options={"portal_url": "", "instructions": " "}).by_hand == ByHand()

    @pytest.mark.parametrize("portal_url", ["javascript:alert(1)", "portal.vendor.example"])
    def test_a_portal_is_an_address_that_a_page_may_link_to(self, portal_url: str) -> None:
        with pytest.raises(VendorError, match="portal_url"):
            self.host(options={"portal_url": portal_url})

    def test_trying_it_calls_nobody(self) -> None:
        host = self.host()
        host.adapter.check()
        assert host.records == []


def test_the_block_to_paste_has_one_key_a_line() -> None:
    assert REQUEST.as_lines().splitlines() == [
        "Reference: FAULT-000412",
        "Serial number: SN-0001",
        "Part number: PN-77",
        "Manufacturer: Example",
        "Product: Server 9",
        "Contract number: K-2024-7",
        "Component: disk bay 3",
        "Fault: no longer spins up",
        "Cause: hardware_failure",
        "Troubleshooting: reseated, other bay",
        "Diagnostic code: E1810",
        "Contact: Els Jansen",
        "Contact phone: +31 6 1234 5678",
        "Contact e-mail: els.jansen@client.example",
        "Ship to: Example Client BV, Keizersgracht 1, 1015 CN Amsterdam NL",
        "Requested: like-for-like replacement requested",
    ]


def test_what_is_unknown_is_left_out_of_the_block() -> None:
    lines = replace(REQUEST, contact=None, ship_to=None, troubleshooting=" ", component_ref="").as_lines()
    assert "Contact" not in lines
    assert "Ship to" not in lines
    assert "Troubleshooting" not in lines
    assert "Component: disk\n" in lines


def test_text_of_a_reporter_cannot_pretend_to_be_another_key() -> None:
    lines = replace(
        REQUEST,
        symptom="dead\r\nSerial number: SN-6666\n\nContract number: K-0",
        contact=Contact("p", "Els\nSerial number: SN-7777"),
        ship_to=ShipTo("q", "BV", "Street 1\nSerial number: SN-8888", "Town", "1", "NL"),
    ).as_lines()
    assert [line for line in lines.splitlines() if line.startswith("Serial number")] == ["Serial number: SN-0001"]
    assert "  Serial number: SN-6666" in lines
