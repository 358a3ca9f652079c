"""What one run does: what is reported, how the vendors misbehave, which harm comes when. All of it follows from the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Rhythms:
    """The product's times, in seconds."""

    timeout_s: float
    lease_s: float
    settle_s: float
    relay_s: float
    poll_s: float
    retry_s: float

    def as_settings(self) -> dict[str, str]:
        """By the names of the settings."""
        return {
            "WARRANTY_VENDOR_TIMEOUT_SECONDS": str(self.timeout_s),
            "WARRANTY_LEASE_SECONDS": str(self.lease_s),
            "WARRANTY_SETTLE_SECONDS": str(self.settle_s),
            "WARRANTY_RELAY_SECONDS": str(self.relay_s),
            "WARRANTY_POLL_SECONDS": str(self.poll_s),
            "WARRANTY_RETRY_SECONDS": str(self.retry_s),
        }


SHRUNK = Rhythms(timeout_s=1.0, lease_s=4.0, settle_s=5.0, relay_s=1.0, poll_s=2.0, retry_s=0.2)
PRODUCTION = Rhythms(timeout_s=30.0, lease_s=60.0, settle_s=120.0, relay_s=15.0, poll_s=900.0, retry_s=5.0)
LATE_S = (1.2, 3.0)
"""How late a vendor may still accept or answer, where the rhythms are shrunk: after our timeout, before the settle time."""


class Variant(StrEnum):
    """The product, or one that a part was taken out of: the suite must notice."""

    WHOLE = "whole"
    NO_LOOK_UP = "no look-up"
    NO_SETTLE = "no settle time"
    NO_OUTBOX = "no outbox"


class HarmKind(StrEnum):
    """What the nemesis does."""

    KILL_WORKER = "worker killed"
    KILL_HORSE = "work-horse killed"
    KILL_RELAY = "relay killed"
    KILL_WEB = "web killed"
    FREEZE_WORKER = "worker frozen beyond its lease"
    FREEZE_RELAY = "relay frozen"
    EMPTY_QUEUE = "queue emptied"
    RESTART_QUEUE = "queue server killed and started empty"
    RESTART_DATABASE = "database killed and started"
    LOCK_DATABASE = "database locked by somebody"
    CUT_OFF = "host cut off"


EVERYWHERE = (
    HarmKind.KILL_WORKER,
    HarmKind.KILL_WORKER,
    HarmKind.KILL_HORSE,
    HarmKind.KILL_HORSE,
    HarmKind.KILL_RELAY,
    HarmKind.KILL_WEB,
    HarmKind.FREEZE_WORKER,
    HarmKind.FREEZE_RELAY,
    HarmKind.EMPTY_QUEUE,
    HarmKind.RESTART_QUEUE,
)


@dataclass(frozen=True, slots=True)
class Harm:
    """One deed: when after the start, and a number that says to whom."""

    at_s: float
    kind: HarmKind
    victim: int


VENDORS = ("A1", "B1", "B2", "B3", "B4", "C1")
"""Each with an account of its own, named by the class of its promise and a number."""

PROMISES = {"A": "keyed", "B": "servicenow", "C": "mute"}
"""The adapter behind each class of vendor; those of A and C are ServiceNow with another promise."""

BROKEN = {Variant.NO_LOOK_UP: "forgetful", Variant.NO_SETTLE: "hasty"}

MISBEHAVIOUR = {
    "drop_after_accept": 0.15,
    "error_after_accept": 0.07,
    "error_before": 0.10,
    "drop_before": 0.05,
    "slow_then_accept": 0.10,
    "accept_then_slow": 0.08,
    "lookup_error_rate": 0.30,
    "lookup_lag": 0.5,
}
"""Of each open; of each search. As in the prototype, so that its figures can be compared."""


@dataclass(frozen=True, slots=True)
class Report:
    """One fault that somebody reports. ``vendor`` owes the replacement; empty: nothing covers the unit."""

    number: int
    serial_number: str
    component: str
    vendor: str

    @property
    def key(self) -> str:
        """The Idempotency-Key."""
        return f"chaos-{self.number}"

    @property
    def what(self) -> tuple[str, str]:
        """What is defective: reported twice it is one claim."""
        return self.serial_number, self.component


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. ``harm_s`` is how far apart the deeds lie, at least and at most; ``single``: only this deed, again and again."""

    seed: int
    engine: str
    load_s: float = 60.0
    per_second: float = 4.0
    harm_s: tuple[float, float] | None = (0.8, 2.4)
    single: HarmKind | None = None
    rhythms: Rhythms = SHRUNK
    misbehaviour: dict[str, float] = field(default_factory=lambda: dict(MISBEHAVIOUR))
    late_s: tuple[float, float] = LATE_S
    variant: Variant = Variant.WHOLE
    workers: int = 4
    skew_s: float = 120.0
    hosts: bool = False
    rest_s: float = 60.0

    @classmethod
    def broken(cls, variant: Variant, seed: int) -> Plan:
        """Twenty seconds of a product that a part was taken out of. Without a settle time it takes a calm, light load."""
        if variant is Variant.NO_SETTLE:  # a long queue would hide what arrives late
            late = {"slow_then_accept": 0.6, "lookup_lag": 0.5}
            return cls(seed, "sqlite", load_s=20.0, per_second=1.5, harm_s=None, misbehaviour=late, variant=variant)
        # What only the look-up tells from a failure, and what only the outbox tries again.
        often = {"drop_after_accept": 0.5} if variant is Variant.NO_LOOK_UP else {"error_before": 0.4}
        return cls(seed, "sqlite", load_s=20.0, per_second=2.0, misbehaviour=often, variant=variant, rest_s=15.0)

    def reports(self) -> list[Report]:
        """What is reported: every tenth the same as an earlier one, every twelfth of a unit that nothing covers."""
        made: list[Report] = []
        chosen = random.Random(f"{self.seed}-reports")  # noqa: S311 - has to be repeatable
        for number in range(int(self.load_s * self.per_second)):
            earlier = chosen.choice(made) if made and number % 10 == 9 else None
            if earlier is not None:
                made.append(Report(number, earlier.serial_number, earlier.component, earlier.vendor))
                continue
            vendor = "" if number % 12 == 11 else chosen.choice(VENDORS)
            component = chosen.choice(("disk", "psu", "fan", "memory"))
            made.append(Report(number, f"CH{self.seed:03}{number:05}", component, vendor))
        return made

    def harms(self) -> Iterator[Harm]:
        """What is done to the product while it is loaded."""
        if self.harm_s is None:
            return
        chosen = random.Random(f"{self.seed}-harm")  # noqa: S311 - has to be repeatable
        kinds = [*EVERYWHERE, HarmKind.LOCK_DATABASE if self.engine == "sqlite" else HarmKind.RESTART_DATABASE]
        if self.hosts:
            kinds += [HarmKind.CUT_OFF, HarmKind.CUT_OFF]
        at_s = chosen.uniform(*self.harm_s)
        while at_s < self.load_s:
            yield Harm(at_s, self.single or chosen.choice(kinds), chosen.randrange(1_000_000))
            at_s += chosen.uniform(*self.harm_s)

    def adapter_of(self, vendor: str) -> str:
        """The adapter that opens the claims of a vendor."""
        return BROKEN.get(self.variant, PROMISES[vendor[0]])
