"""The part of the contract for adapters that open: what their promise says holds at the twin, sent by the product's own worker."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import vendors
from tests import factories
from tests.desk import Desk, by_mail
from vendors.contract import Duty, Promise
from vendors.sandbox import Twin
from warranty.domain.lifecycles import RMA_BEING_SENT
from warranty.models.work import OrderKind, OrderStatus
from warranty.services.faults import ContactFacts, ShipToFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warranty.runtime import Runtime

LONG_S = 600.0
"""Longer than any settle time and any back-off here."""
LATE_S = 1.4
"""Longer than the account waits for an answer."""

on_one_engine = pytest.mark.parametrize("shared_runtime", ["sqlite"], indirect=True)  # tests/crash has both


class Promised:
    """For adapters that open, by an API or otherwise."""

    vendor: ClassVar[str]
    options: ClassVar[dict[str, str]]
    base_url: ClassVar[str | None] = "http://127.0.0.1:9"
    """None for a vendor that is not called over HTTP."""

    twin_options: ClassVar[dict[str, str]] = {}
    """What an account must be told of the twin, beside ``options``."""

    def twin(self) -> Twin:
        """Give the vendor's twin, not yet started."""
        return Twin(self.vendor)

    def claim(self, desk: Desk) -> None:
        """Order the sending of a claim with everything that the vendor needs."""
        self.report(desk)

    def report(self, desk: Desk, **facts: Any) -> None:
        """Report a fault with everything that a vendor may ask about people, places and what was tried."""
        desk.report(
            contact=ContactFacts("Els Jansen", phone="+31 6 1234 5678", email="els@client.example"),
            ship_to=ShipToFacts(
                "Example Client BV",
                {"address_line1": "Keizersgracht 1", "city": "Amsterdam", "postal_code": "1015 CN", "country": "NL"},
            ),
            troubleshooting="reseated, other bay",
            **facts,
        )

    @contextmanager
    def at_twin(self, runtime: Runtime, **behaviour: Any) -> Iterator[Desk]:
        """A claim that is to be sent to a twin that behaves so."""
        form = vendors.describe(self.vendor)
        given = {**self.options, **self.twin_options, "timeout_seconds": "1"}
        secret = {field.name for field in form.fields if field.secret}
        with self.twin() as twin:
            desk = Desk(by_mail(runtime, twin), twin, vendor=None)
            with desk.session() as session:
                desk.account_id = factories.make_account(
                    session,
                    desk.runtime,
                    self.vendor,
                    manufacturers=[desk.maker],
                    base_url=twin.url if self.base_url else None,
                    secrets={name: value for name, value in given.items() if name in secret},
                    options={name: value for name, value in given.items() if name not in secret},
                    duties=sorted(form.duties - {Duty.LOOKUP}),
                ).id
            self.claim(desk)
            twin.behave(**behaviour)
            yield desk

    def until_known(self, desk: Desk) -> None:
        """Let a worker try for hours, or until there is nothing left to try."""
        for _ in range(5):
            desk.perform(OrderKind.SEND_RMA)
            if desk.order(OrderKind.SEND_RMA).status is not OrderStatus.PENDING:
                return
            desk.let_pass(LONG_S)

    def is_kept(self, desk: Desk) -> bool:
        """Tell whether the promise of the account's class is kept."""
        rma = desk.rma()
        assert desk.twin is not None
        at_vendor = [entry["number"] for entry in desk.twin.opened if entry["reference"] == rma.client_reference]
        if vendors.describe(self.vendor).promise is Promise.C:
            return len(at_vendor) <= 1 and bool(desk.open_tasks())
        return at_vendor == [rma.vendor_case_number] and rma.state not in RMA_BEING_SENT and desk.open_tasks() == {}

    @on_one_engine
    @pytest.mark.parametrize(
        "fate", ["error_before", "drop_before", "error_after_accept", "drop_after_accept", "garbage"]
    )
    def test_whatever_becomes_of_a_claim_on_its_way_the_promise_is_kept(
        self, shared_runtime: Runtime, fate: str
    ) -> None:
        with self.at_twin(shared_runtime, next_opens=[fate]) as desk:
            self.until_known(desk)

            assert self.is_kept(desk)

    @on_one_engine
    def test_a_claim_that_is_accepted_after_we_gave_up_on_it_keeps_the_promise(self, shared_runtime: Runtime) -> None:
        with self.at_twin(shared_runtime, next_opens=["slow_then_accept"], slow_s=LATE_S) as desk:
            desk.perform(OrderKind.SEND_RMA)
            self.wait_until_accepted(desk)
            self.until_known(desk)

            assert self.is_kept(desk)

    @on_one_engine
    def test_a_search_that_fails_or_lags_never_makes_a_second_case(self, shared_runtime: Runtime) -> None:
        faults = {"next_opens": ["drop_after_accept"], "lookup_error_rate": 1.0, "lookup_lag": LONG_S}
        with self.at_twin(shared_runtime, **faults) as desk:
            self.until_known(desk)
            assert desk.twin is not None
            assert len(desk.twin.opened) == 1
            desk.twin.behave(lookup_error_rate=0.0, lookup_lag=0.0)
            self.until_known(desk)

            assert self.is_kept(desk)

    def wait_until_accepted(self, desk: Desk) -> None:
        assert desk.twin is not None
        deadline = time.monotonic() + 20
        while not desk.twin.opened:
            assert time.monotonic() < deadline, "the vendor got nothing"
            time.sleep(0.01)
