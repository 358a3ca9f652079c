"""What every twin shares: its behaviour, the ledger of what it accepted, its tokens. The only place that misbehaves.

A twin answers truthfully unless it was told otherwise, by a probability (``fault_rate`` ...), by a script for the next
calls, or by ``down``. Randomness is seeded, so that a run can be repeated.
"""

import base64
import dataclasses
import json
import os
import random
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Response, request

OK = "ok"
ERROR_BEFORE = "error_before"
DROP_BEFORE = "drop_before"
THROTTLE = "throttle"
ERROR_AFTER_ACCEPT = "error_after_accept"
DROP_AFTER_ACCEPT = "drop_after_accept"
GARBAGE = "garbage"
ACCEPT_THEN_SLOW = "accept_then_slow"
SLOW_THEN_ACCEPT = "slow_then_accept"
REFUSE = "refuse"

OPEN_FAULTS = (
    REFUSE,
    ERROR_BEFORE,
    DROP_BEFORE,
    THROTTLE,
    ERROR_AFTER_ACCEPT,
    DROP_AFTER_ACCEPT,
    GARBAGE,
    ACCEPT_THEN_SLOW,
    SLOW_THEN_ACCEPT,
)
READ_FAULTS = (ERROR_BEFORE, DROP_BEFORE, THROTTLE, GARBAGE)
# What ``fault_rate`` spreads over: the failures that end at once. Slowness is asked for by name, since it needs a time.
COMMON_OPEN_FAULTS = (ERROR_BEFORE, DROP_BEFORE, ERROR_AFTER_ACCEPT, DROP_AFTER_ACCEPT)


@dataclass(slots=True)
class Behaviour:
    """How one twin behaves. Rates are probabilities from 0 to 1, one draw a call; times are seconds."""

    fault_rate: float = 0.0
    error_before: float = 0.0
    drop_before: float = 0.0
    error_after_accept: float = 0.0
    drop_after_accept: float = 0.0
    accept_then_slow: float = 0.0
    slow_then_accept: float = 0.0
    throttle: float = 0.0
    garbage: float = 0.0
    refuse: float = 0.0
    lookup_error_rate: float = 0.0
    lookup_lag: float = 0.0
    latency: float = 0.0
    slow_s: float = 2.0
    retry_after_s: float = 1.0
    token_lifetime_s: float = 3600.0
    auto_approve_s: float = -1.0  # below zero: only when told to
    down: bool = False
    keeps_keys: bool = False  # an ``Idempotency-Key`` that came before gets the first answer, and nothing is made


class Ledger:
    """Everything the twins accepted, in order, never changed; with a file it survives the process."""

    def __init__(self, file: Path | None = None) -> None:
        """Read what an earlier process wrote; a last line that was cut off was never answered, and is dropped."""
        self._lock = threading.Lock()
        self._file = file
        self._entries: list[dict[str, Any]] = []
        if file is not None and file.exists():
            whole, _, _cut_off = file.read_bytes().rpartition(b"\n")
            self._entries = [json.loads(line) for line in whole.splitlines()]
            file.write_bytes(whole + b"\n" if whole else b"")

    def add(self, **entry: Any) -> None:
        """Append one entry, on disk before anybody is answered."""
        with self._lock:
            entry = {"seq": len(self._entries) + 1, "at": time.time(), **entry}
            if self._file is not None:
                with self._file.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(entry) + "\n")
                    out.flush()
                    os.fsync(out.fileno())
            self._entries.append(entry)

    def entries(self, vendor: str | None = None) -> list[dict[str, Any]]:
        """Give the entries, of one vendor or of all, oldest first."""
        with self._lock:
            return [entry for entry in self._entries if vendor in {None, entry["vendor"]}]


class Stage:
    """One twin's stage: its behaviour, its ledger, its tokens.

    Args:
        vendor: whose twin plays here.
        ledger: shared by all twins of one server.
        credentials: the only user and password (or client id and secret) accepted; None: any that are not empty.
        seed: of the randomness.
        error: makes the vendor's own error answer for a status and a sentence.
    """

    def __init__(
        self,
        vendor: str,
        ledger: Ledger,
        credentials: tuple[str, str] | None,
        seed: int,
        error: Callable[[int, str], Response],
    ) -> None:
        self.vendor = vendor
        self.behaviour = Behaviour()
        self.random = random.Random(f"{vendor}-{seed}")  # noqa: S311 -- repeatable misbehaviour, no secret
        self.error = error
        self.lock = threading.RLock()  # for whatever a twin does in several steps; requests come in threads
        self._ledger = ledger
        self._credentials = credentials
        self._next_opens: deque[str] = deque()
        self._next_writes: deque[str] = deque()
        self._next_reads: deque[str] = deque()
        self._tokens: dict[str, float] = {}
        self._answers: dict[str, Response] = {}
        self.misbehaved: Counter[str] = Counter()

    def behave(self, **changes: Any) -> None:
        """Change how the twin behaves; ``next_opens``, ``next_writes`` and ``next_reads`` are scripts, one word a call.

        Raises:
            ValueError: an unknown name, or a word that no call of that sort can do.
        """
        scripts = {
            "next_opens": (self._next_opens, OPEN_FAULTS),
            "next_writes": (self._next_writes, OPEN_FAULTS),
            "next_reads": (self._next_reads, READ_FAULTS),
        }
        known = {field.name: field.type for field in dataclasses.fields(Behaviour)}
        for name, value in changes.items():
            if name in scripts:
                if unknown := set(value) - {OK, *scripts[name][1]}:
                    raise ValueError(f"{name} cannot be {', '.join(sorted(map(str, unknown)))}")
            elif name not in known:
                raise ValueError(f"no such behaviour: {name}; there are {', '.join([*known, *scripts])}")
            elif isinstance(value, bool) is not (known[name] is bool) or not isinstance(value, int | float):
                raise ValueError(f"{name} must be {'true or false' if known[name] is bool else 'a number'}")
        for name, value in changes.items():
            if name in scripts:
                scripts[name][0].extend(value)
            else:
                setattr(self.behaviour, name, value)

    def keep(self, event: str, **entry: Any) -> None:
        """Write what was accepted into the ledger."""
        self._ledger.add(vendor=self.vendor, event=event, **entry)

    def kept(self) -> list[dict[str, Any]]:
        """Give what this twin accepted, also in an earlier process."""
        return self._ledger.entries(self.vendor)

    def next_read(self) -> str:
        """Say how the next read goes: a word of ``READ_FAULTS``, or ``OK``."""
        rates = self.behaviour
        return self._drawn(
            self._next_reads,
            [
                (ERROR_BEFORE, rates.lookup_error_rate + rates.fault_rate),
                (THROTTLE, rates.throttle),
                (GARBAGE, rates.garbage),
            ],
        )

    def next_open(self) -> str:
        """Say how the next open goes: a word of ``OPEN_FAULTS``, or ``OK``."""
        return self._next_write(self._next_opens)

    def _next_write(self, script: deque[str]) -> str:
        rates = self.behaviour
        share = rates.fault_rate / len(COMMON_OPEN_FAULTS)
        spread = [(name, share) for name in COMMON_OPEN_FAULTS]
        return self._drawn(script, [*((name, getattr(rates, name)) for name in OPEN_FAULTS), *spread])

    def read(self, answer: Callable[[], Response]) -> Response:
        """Answer a read, or misbehave."""
        what = self.next_read()
        return self._before(what) or (_garbage() if what == GARBAGE else answer())

    def open(self, accept: Callable[[], Response]) -> Response:
        """Accept an open and answer, or misbehave: before, after, or much later."""
        return self._accept(accept, self._next_opens)

    def write(self, accept: Callable[[], Response]) -> Response:
        """The same for a note or a file, by a script of its own."""
        return self._accept(accept, self._next_writes)

    def _accept(self, accept: Callable[[], Response], script: deque[str]) -> Response:
        rates, what = self.behaviour, self._next_write(script)
        refused = self._before(what)
        if refused is not None:
            return refused
        if what == SLOW_THEN_ACCEPT:
            time.sleep(rates.slow_s)
        accepted = self._once(accept) if rates.keeps_keys else accept()
        if accepted.status_code >= 400:
            return accepted  # refused for its form: there is nothing to lose on the way
        if what == ACCEPT_THEN_SLOW:
            time.sleep(rates.slow_s)
        if what == ERROR_AFTER_ACCEPT:
            return self.error(500, "the sandbox accepted this and says it failed")
        if what == DROP_AFTER_ACCEPT:
            return drop()
        return _garbage() if what == GARBAGE else accepted

    def _once(self, accept: Callable[[], Response]) -> Response:
        """Accept what comes under a key the first time, and answer the same whenever it comes again."""
        key = request.headers.get("Idempotency-Key", "")
        with self.lock:
            known = self._answers.get(key)
            if known is None:
                known = accept()
                if key and known.status_code < 400:
                    self._answers[key] = known
        return Response(known.get_data(), known.status_code, mimetype=known.mimetype)

    def _before(self, what: str) -> Response | None:
        """Misbehave before anything is looked at; None: go on."""
        if what == ERROR_BEFORE:
            return self.error(503, "the sandbox was told to fail")
        if what == REFUSE:
            return self.error(400, "the sandbox was told to refuse")
        if what == DROP_BEFORE:
            return drop()
        if what == THROTTLE:
            response = self.error(429, "too many requests")
            response.headers["Retry-After"] = f"{self.behaviour.retry_after_s:g}"
            return response
        return None

    def _drawn(self, script: deque[str], rates: Iterable[tuple[str, float]]) -> str:
        """Take the next word of the script, else draw one; what is no ``OK`` is counted."""
        with self.lock:
            what = script.popleft() if script else self._draw(rates)
            if what != OK:
                self.misbehaved[what] += 1
        return what

    def _draw(self, rates: Iterable[tuple[str, float]]) -> str:
        point = self.random.random()
        for name, rate in rates:
            point -= rate
            if point < 0:
                return name
        return OK

    # -- credentials

    def login(self, *, form_may_carry_it: bool = True) -> bool:
        """Tell whether the request carries the right credentials, as HTTP Basic or as form fields."""
        basic = _basic()
        if basic is None and form_may_carry_it:
            basic = (request.form.get("client_id", ""), request.form.get("client_secret", ""))
        return basic is not None and self.lets_in(*basic)

    def lets_in(self, user: str, password: str) -> bool:
        """Tell whether these are the right credentials."""
        return bool(user and password) and self._credentials in {None, (user, password)}

    def new_token(self) -> dict[str, Any]:
        """Give out a token, as OAuth answers it."""
        token = f"{self.random.getrandbits(160):040x}"
        lifetime_s = self.behaviour.token_lifetime_s
        self._tokens[token] = time.monotonic() + lifetime_s
        return {"access_token": token, "token_type": "Bearer", "expires_in": lifetime_s}

    def has_token(self) -> bool:
        """Tell whether the request carries a token of ours that has not expired."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return scheme == "Bearer" and self._tokens.get(token, 0.0) > time.monotonic()

    def forget_tokens(self) -> None:
        """Take all tokens back, as a vendor may at any time."""
        self._tokens.clear()


def _basic() -> tuple[str, str] | None:
    """Read HTTP Basic; None where the request has none."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return user, password


def drop() -> Response:
    """Cut the connection without an answer."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    with suppress(OSError):  # the other side was faster
        connection.shutdown(socket.SHUT_RDWR)
    return Response()


def _garbage() -> Response:
    """Answer with a page of some gateway, and status 200."""
    return Response("<html><body>It works!</body></html>", mimetype="text/html")
