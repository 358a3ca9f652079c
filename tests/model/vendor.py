"""A vendor in memory: what it holds, what it promises, and what it does to the next request. Its clock is the test's."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from vendors.contract import PAST_APPROVAL, Promise, VendorStatus
from vendors.errors import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

WORLDS: dict[str, World] = {}
"""Those that there are, by their names."""


class Answer(StrEnum):
    """What becomes of a request to open a case."""

    TAKEN = "taken"
    TAKEN_UNSAID = "taken, and the answer is lost"
    LATE = "taken late, after an error"
    LOST = "lost on its way"
    REFUSED = "refused for its form"
    UNAUTHORISED = "refused for who sends it"


@dataclass(frozen=True, slots=True)
class Said:
    """What the vendor says of one case at one time."""

    number: str
    reference: str
    status: VendorStatus
    changed_at: datetime
    rma_number: str | None = None

    def as_message(self) -> bytes:
        """As the vendor sends it by itself."""
        return json.dumps(asdict(self) | {"changed_at": self.changed_at.isoformat()}).encode()


@dataclass(slots=True)
class World:
    """One vendor. ``promise``, ``settle_s`` and ``key_lifetime_s`` are what it says of itself; whether it lies is the test's choice.

    It may take a request ``late_s`` after it came, and a search shows a case ``lag_s`` after it was taken. ``watch`` is
    told of each request before anything else happens.
    """

    promise: Promise = Promise.B
    settle_s: float = 0.0
    key_lifetime_s: float = 0.0
    late_s: float = 0.0
    lag_s: float = 0.0
    searches: bool = True
    watch: Callable[[str], None] = lambda _reference: None
    next_answer: Answer = Answer.TAKEN
    reads: bool = True
    accepts_us: bool = True
    now_s: float = 0.0
    words: dict[str, list[Said]] = field(default_factory=dict)
    """Of each case, by its number, all that was ever true of it."""
    requests: list[str] = field(default_factory=list)
    _taken_at: dict[str, float] = field(default_factory=dict)
    _to_take: list[tuple[float, str]] = field(default_factory=list)
    _keys: dict[str, float] = field(default_factory=dict)
    _began: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(days=1))
    _said: int = 0

    def let_pass(self, seconds: float) -> None:
        """Let time go by."""
        self.now_s += seconds
        due = sorted(entry for entry in self._to_take if entry[0] <= self.now_s)
        self._to_take = [entry for entry in self._to_take if entry[0] > self.now_s]
        for at, reference in due:
            self._take(reference, at)

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing that was sent can become a case any more."""
        return not self._to_take

    # --- what is asked of it ---

    def receive(self, reference: str) -> Said | Trouble:
        """Take a request to open a case, or do whatever else it does to this one."""
        self.watch(reference)
        self.requests.append(reference)
        answer, self.next_answer = self.next_answer, Answer.TAKEN
        if not self.accepts_us or answer is Answer.UNAUTHORISED:
            return Trouble.UNAUTHORISED
        if answer is Answer.REFUSED:
            return Trouble.REFUSED
        if answer is Answer.LOST:
            return Trouble.UNREACHABLE
        if self.promise is Promise.A and self._knows_key(reference):
            known = self._of(reference)
            return known[0] if known else Trouble.AMBIGUOUS
        if answer is Answer.LATE:
            self._to_take.append((self.now_s + self.late_s, reference))
            return Trouble.AMBIGUOUS
        taken = self._take(reference, self.now_s)
        return Trouble.AMBIGUOUS if answer is Answer.TAKEN_UNSAID else taken

    def trouble_of_read(self) -> Trouble | None:
        """What keeps it from answering a question."""
        if not self.accepts_us:
            return Trouble.UNAUTHORISED
        return None if self.reads else Trouble.UNREACHABLE

    def search(self, reference: str) -> list[Said]:
        """What a search shows, the oldest first."""
        if not self.searches:
            return []
        return [said for said in self._of(reference) if self._taken_at[said.number] + self.lag_s <= self.now_s]

    def say(self, number: str) -> Said:
        """How a case stands."""
        return self.words[number][-1]

    # --- what it does by itself ---

    def decide(self, number: str, status: VendorStatus) -> None:
        """Go on with a case."""
        was = self.say(number)
        rma_number = f"RMA-{number}" if status in PAST_APPROVAL else was.rma_number
        self.words[number].append(Said(number, was.reference, status, self._tick(), rma_number))

    def per_reference(self) -> dict[str, int]:
        """How many cases it holds for each of our references."""
        references = [said[0].reference for said in self.words.values()]
        return {reference: references.count(reference) for reference in references}

    def _of(self, reference: str) -> list[Said]:
        return [said[-1] for said in self.words.values() if said[0].reference == reference]

    def _knows_key(self, reference: str) -> bool:
        first = self._keys.get(reference)
        if first is not None and self.now_s - first < self.key_lifetime_s:
            return True
        self._keys[reference] = self.now_s
        return False

    def _take(self, reference: str, at: float) -> Said:
        number = f"CASE-{len(self.words) + 1}"
        self.words[number] = [Said(number, reference, VendorStatus.RECEIVED, self._tick())]
        self._taken_at[number] = at
        return self.say(number)

    def _tick(self) -> datetime:
        """The vendor's own time, in which no two things happen at once."""
        self._said += 1
        return self._began + timedelta(seconds=self._said)
