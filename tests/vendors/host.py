"""What the product hands to an adapter, in memory: the other side of the contract, for tests of the adapters alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import vendors
from vendors.contract import CallRecord, Calls, Contact, RmaRequest, ShipTo, Unit
from vendors.errors import Trouble, VendorError

if TYPE_CHECKING:
    from vendors.contract import VendorAdapter

CANARY = "canary-secret-9f31"
"""Stands in every secret; nothing that is kept may contain it."""

REQUEST = RmaRequest(
    client_reference="FAULT-000412",
    unit=Unit("SN-0001", product_number="PN-77", country="NL", time_zone="Europe/Amsterdam"),
    component="disk",
    component_ref="bay 3",
    cause="hardware_failure",
    symptom="no longer spins up",
    severity=2,
    manufacturer="Example",
    product_name="Server 9",
    contract_number="K-2024-7",
    troubleshooting="reseated, other bay",
    diagnostic_code="E1810",
    contact=Contact("person-7", "Els Jansen", "+31 6 1234 5678", "els.jansen@client.example"),
    ship_to=ShipTo("place-9", "Example Client BV", "Keizersgracht 1", "Amsterdam", "1015 CN", "NL"),
)
PERSONAL = ("Jansen", "1234 5678", "els.jansen", "Example Client BV", "Keizersgracht", "Amsterdam", "1015 CN")


class Tokens:
    """Keeps one token."""

    def __init__(self, token: str | None = None, lasts_s: float = 3600) -> None:
        """Begin with a token, or without."""
        self.kept = None if token is None else (token, datetime.now(UTC) + timedelta(seconds=lasts_s))
        self.forgotten = 0

    def get(self) -> tuple[str, datetime] | None:
        return self.kept

    def put(self, token: str, expires_at: datetime) -> None:
        self.kept = (token, expires_at)

    def forget(self) -> None:
        self.kept = None
        self.forgotten += 1


class CountingGate:
    """Lets calls through until it has none left, and remembers what it was told."""

    def __init__(self, calls: int = 1_000_000) -> None:
        """Begin with so many calls to give."""
        self.left = calls
        self.entered = 0
        self.news: list[Trouble | None] = []
        self.sent_away_s: float | None = None

    def enter(self) -> None:
        if not self.left:
            raise VendorError("gate", Trouble.THROTTLED, detail="the bucket is empty", retry_after_s=7.0)
        self.left -= 1
        self.entered += 1

    def heard(self, trouble: Trouble | None, retry_after_s: float | None = None) -> None:
        self.news.append(trouble)
        self.sent_away_s = retry_after_s


class Host:
    """One account: its tokens, its gate, what was recorded, and the adapter."""

    def __init__(
        self,
        vendor: str,
        options: dict[str, str],
        base_url: str | None,
        *,
        gate: CountingGate | None = None,
        **calls: Any,
    ) -> None:
        """Load the adapter as the product does."""
        self.tokens = Tokens()
        self.gate = gate or CountingGate()
        self.records: list[CallRecord] = []
        settings = {"timeout_s": 5.0, "allow_private": True, "record": self.records.append, **calls}
        self.adapter: VendorAdapter = vendors.load(
            vendor, options, base_url=base_url, tokens=self.tokens, gate=self.gate, calls=Calls(**settings)
        )

    @property
    def kept(self) -> str:
        """Everything that is kept of the calls, in one text."""
        return "\n".join(f"{one.url}\n{one.request}\n{one.response}" for one in self.records)
