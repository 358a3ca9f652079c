"""Vendor accounts: which one serves a unit, and the adapter, Gate and TokenStore of one.

Gate and TokenStore commit on their own: a call that was spent is spent, and a token that the vendor has rotated is the only
one that works, whatever becomes of the transaction around them.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, String, cast, delete, exists, or_, select, update

import vendors
from vendors.contract import CallRecord, Calls, Capabilities, Duty
from vendors.errors import Trouble, VendorError
from vendors.options import quota_of
from warranty import db
from warranty.crypto import CannotDecrypt
from warranty.models import AccountMaker, Asset, Client, Outbox, Product, VendorAccount, VendorCall, clock
from warranty.models.work import OrderKind, OrderStatus
from warranty.services import moves, work
from warranty.services.estate import Invalid, manufacturer_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from vendors.contract import Quota, VendorAdapter
    from warranty.runtime import Runtime
    from warranty.services.moves import Because

BREAKER_FAILURES = 5
LONGEST_REST = 8
"""How many times as long as one call may take a vendor rests at most that goes on failing."""
LEAD_S = 0.03
"""What it takes to write a call down before it begins, and to look whether it still may after it was waited for."""

SWITCHED_OFF = "switched_off"
"""The code of a refusal that is our own."""


def hold(session: Session, *, since: datetime, now: datetime) -> tuple[str, ...]:
    """Let no account open anything before it is known what its vendor was told since an instant; the names of those that may."""
    found = session.scalars(select(VendorAccount).order_by(VendorAccount.name)).all()
    held = [account for account in found if Duty.OPEN in account.duties]
    for account in held:
        # The backup may itself be of a database that was held.
        account.opens_held_since = min(account.opens_held_since or since, since)
        account.held_at = now
    return tuple(account.name for account in held)


def begin_anew(session: Session) -> None:
    """Have every account begin with an empty bucket and a vendor that is well: what was spent since a backup nobody knows."""
    session.execute(
        update(VendorAccount).values(bucket_level=0.0, bucket_at=clock(), failures=0, closed_until=None),
        execution_options={"synchronize_session": False},
    )


def choose(accounts: Iterable[VendorAccount], duty: Duty, client_id: int) -> VendorAccount | None:
    """The account that does ``duty`` for a client's unit: the client's own before a general one, then the older one."""
    able = [a for a in accounts if duty in a.duties and a.client_id in {None, client_id} and a.switched_off_at is None]
    return min(able, key=lambda a: (a.client_id is None, a.id), default=None)


def somebody_does(duty: Duty) -> ColumnElement[bool]:
    """Whether ``choose`` would find an account for a unit, in a query on units and their products."""
    return (
        exists()
        .where(
            AccountMaker.manufacturer_key == Product.manufacturer_key,
            VendorAccount.id == AccountMaker.account_id,
            VendorAccount.switched_off_at.is_(None),
            or_(VendorAccount.client_id.is_(None), VendorAccount.client_id == Asset.client_id),
            cast(VendorAccount.duties, String).contains(f'"{duty}"'),
        )
        .correlate(Product, Asset)
    )


def add(
    session: Session,
    runtime: Runtime,
    *,
    vendor: str,
    name: str,
    secrets: Mapping[str, str],
    options: Mapping[str, str],
    because: Because,
    base_url: str | None = None,
    manufacturers: Sequence[str] = (),
    duties: Sequence[str] = (),
    client: Client | None = None,
) -> VendorAccount:
    """Add an account; its secrets are stored encrypted.

    Raises:
        Invalid: no such vendor, a name that is taken, or a secret or option that is missing or unknown, said by name.
    """
    if vendor not in vendors.available():
        raise Invalid("vendor", f"There is no adapter for {vendor!r}. There are: {', '.join(vendors.available())}.")
    form = vendors.describe(vendor)
    account = VendorAccount(
        vendor=vendor,
        name=_free_name(session, name),
        client_id=client.id if client else None,
        base_url=base_url,
        duties=sorted(_duties(duties, form.duties)),
        options=dict(options),
        secrets=runtime.box.seal(secrets),
        created_at=because.at,
        makers=_makers(manufacturers or [form.title]),
    )
    check(runtime, account)
    session.add(account)
    session.flush()
    moves.note(session, account, "add", because)
    return account


def change(session: Session, runtime: Runtime, account: VendorAccount, *, because: Because, **new: Any) -> None:
    """Change what is given of an account, and try it anew: a vendor that was in trouble may be well again.

    ``new`` may hold ``name``, ``base_url``, ``duties`` and ``manufacturers`` as for ``add``. ``secrets`` and ``options`` are
    merged into what there is, since nobody can read a secret to send it again: a name without a value (null) is taken out.
    The register keeps which of these two changed, and no value; of the others what was and what is.

    Raises:
        Invalid: as ``add``.
    """
    form = vendors.describe(account.vendor)
    secrets = _readable(runtime, account)
    was = {**account.options, **secrets, "base_url": account.base_url}
    before = _plainly(session, account)
    if "name" in new and new["name"] != account.name:
        account.name = _free_name(session, new["name"])
    if "base_url" in new:
        account.base_url = new["base_url"]
    if "duties" in new:
        account.duties = sorted(_duties(new["duties"], form.duties))
    account.options = _merged(account.options, new.get("options", {}))
    secrets = _merged(secrets, new.get("secrets", {}))
    if new.get("secrets"):
        account.secrets = runtime.box.seal(secrets)
    check(runtime, account)
    if "manufacturers" in new:
        session.execute(delete(AccountMaker).where(AccountMaker.account_id == account.id))
        makers = _makers(new["manufacturers"] or [form.title])
        session.add_all(
            AccountMaker(account_id=account.id, manufacturer=m.manufacturer, manufacturer_key=m.manufacturer_key)
            for m in makers
        )
    if {**account.options, **secrets, "base_url": account.base_url} != was:
        account.tokens = None  # it was got with what is not true any more
        account.failures, account.closed_until = 0, None
    session.flush()
    after = _plainly(session, account)
    changed = {name for name, value in after.items() if value != before[name]}
    detail = {
        "changed": sorted(changed | set(new.get("secrets", ())) | set(new.get("options", ()))),
        "was": {name: before[name] for name in sorted(changed)},
        "is": {name: after[name] for name in sorted(changed)},
    }
    moves.note(session, account, "change", because, detail=detail)


def _plainly(session: Session, account: VendorAccount) -> dict[str, Any]:
    """What the register may keep of an account as it is."""
    makers = select(AccountMaker.manufacturer).where(AccountMaker.account_id == account.id).order_by(AccountMaker.id)
    return {
        "name": account.name,
        "base_url": account.base_url,
        "duties": list(account.duties),
        "manufacturers": list(session.scalars(makers)),
    }


def switch_off(session: Session, account: VendorAccount, *, because: Because) -> None:
    """Let an account make no call any more: no unit is served by it, and what it had to do is parked for a person."""
    if account.switched_off_at is None:
        account.switched_off_at = because.at
        moves.note(session, account, "switch_off", because)


def switch_all_off(session: Session, *, because: Because) -> None:
    """Let no account make a call any more."""
    for account in session.scalars(select(VendorAccount)):
        switch_off(session, account, because=because)


def switch_on(session: Session, account: VendorAccount, *, because: Because) -> None:
    """Let it call again; ``rmas.go_on`` arms what was parked."""
    if account.switched_off_at is not None:
        account.switched_off_at = None
        moves.note(session, account, "switch_on", because)


def release(session: Session, account: VendorAccount, *, because: Because) -> bool:
    """Let an account open cases again that a restore holds: what it was told meanwhile is known. False where none does."""
    if account.opens_held_since is None:
        return False
    account.opens_held_since = account.held_at = None
    moves.note(session, account, "release", because)
    work.call_up(session, OrderKind.SEND_RMA, account.id)
    return True


def order_check(session: Session, account: VendorAccount, *, now: datetime) -> None:
    """Order the vendor's cheapest read; one order at a time, however often somebody asks."""
    name = f"check_account:{account.id}"
    account.check_asked_at = now
    account.check_answered_at = account.check_trouble = None
    pending = select(Outbox.id).where(Outbox.name == name, Outbox.status == OrderStatus.PENDING)
    if session.scalar(pending) is None:
        work.add(session, OrderKind.CHECK_ACCOUNT, now=now, account_id=account.id, name=name)


def record_check(account: VendorAccount, trouble: VendorError | None, *, now: datetime) -> None:
    """Keep what came of a check."""
    account.check_answered_at = now
    account.check_trouble = None if trouble is None else (trouble.detail or str(trouble))


def _free_name(session: Session, name: str) -> str:
    if session.scalar(select(VendorAccount.id).where(VendorAccount.name == name)):
        raise Invalid("name", f"There is an account named {name!r} already.")
    return name


def _makers(manufacturers: Sequence[str]) -> list[AccountMaker]:
    by_key: dict[str, str] = {}
    for maker in manufacturers:
        by_key.setdefault(manufacturer_key(maker), maker)
    return [AccountMaker(manufacturer=maker, manufacturer_key=key) for key, maker in by_key.items()]


def _merged(old: Mapping[str, str], new: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in {**old, **new}.items() if value is not None}


def _readable(runtime: Runtime, account: VendorAccount) -> dict[str, str]:
    """An account's secrets; none where the key that they were kept with is lost, so that they can be given anew."""
    try:
        return runtime.box.open(account.secrets)
    except CannotDecrypt:
        return {}


def check(runtime: Runtime, account: VendorAccount) -> None:
    """Refuse an account that could not be used.

    Raises:
        Invalid: ``options``: what is missing or unknown, or an address that may not be called.
    """
    said = faults(runtime, account)
    if said:
        raise Invalid("options", f"{'; '.join(said)}.")
    try:
        adapter(runtime, account)
    except VendorError as err:
        raise Invalid("options", err.detail or str(err)) from err


def faults(runtime: Runtime, account: VendorAccount) -> list[str]:
    """Say in plain sentences what is missing or unknown of an account, and what this installation has not set for it."""
    given = {"SMTP_URL": runtime.settings.smtp_url, "IMAP_URL": runtime.settings.imap_url}
    return vendors.check_options(
        account.vendor,
        frozenset(Duty(word) for word in account.duties),
        runtime.box.open(account.secrets),
        account.options,
        base_url=account.base_url,
        settings=[name for name, value in given.items() if value],
    )


def _duties(words: Sequence[str], able: frozenset[Duty]) -> frozenset[Duty]:
    try:
        wanted = frozenset(Duty(word) for word in words) or able
    except ValueError as err:
        raise Invalid("duties", f"{err}; the duties are {', '.join(Duty)}.") from err
    if not wanted <= able:
        raise Invalid("duties", f"This vendor offers {', '.join(sorted(able))} only.")
    return wanted


def adapter(runtime: Runtime, account: VendorAccount, line: Line | None = None) -> VendorAdapter:
    """The adapter of an account.

    Raises:
        VendorError: ``refused``, naming an option that cannot be read, an address that may not be called, or the key that is
            missing.
    """
    line = line or Line(runtime, account)
    settings = runtime.settings
    try:
        secrets = runtime.box.open(account.secrets)
    except CannotDecrypt as err:
        raise VendorError(account.vendor, Trouble.REFUSED, vendor_code="key", detail=str(err)) from err
    return vendors.load(
        account.vendor,
        {**account.options, **secrets},
        base_url=account.base_url,
        tokens=Tokens(runtime, account.id),
        gate=line.gate,
        calls=Calls(
            timeout_s=settings.vendor_timeout_s,  # no option makes it longer: the lease would not last
            allow_private=settings.allow_private_vendor_urls,
            record=line.calls.append,
            settle_s=settings.settle_s,
            smtp=settings.mail_server,
            imap=settings.mailbox_server,
            sender=settings.mail_from,
        ),
    )


def capabilities(runtime: Runtime, account: VendorAccount) -> Capabilities:
    """What an account can do, found anew whenever something about the account has changed.

    Raises:
        VendorError: as ``adapter``: it can do nothing as it stands.
    """
    follows_from = account.vendor, account.base_url, account.options, account.secrets
    kept = runtime.abilities.get(account.id)
    if kept is None or kept[0] != follows_from:
        kept = copy.deepcopy(follows_from), adapter(runtime, account).capabilities
        runtime.abilities[account.id] = kept
    return kept[1]


def is_pulled(runtime: Runtime, account: VendorAccount) -> bool:
    """Whether what the vendor says of our cases is fetched from a queue or mailbox."""
    can = able(runtime, account)
    return Duty.TRACK in account.duties and can is not None and can.pulls


def is_read(runtime: Runtime, account: VendorAccount) -> bool:
    """Whether the vendor can be asked where a case stands, by its number; of an account that has to be mended, we will see."""
    can = able(runtime, account)
    return Duty.TRACK in account.duties and (can is None or (can.by_hand is None and not can.pulls))


def is_listed(runtime: Runtime, account: VendorAccount) -> bool:
    """Whether the vendor lists the cases that it holds of ours."""
    can = able(runtime, account)
    return can is not None and can.lists_cases and Duty.OPEN in account.duties


def able(runtime: Runtime, account: VendorAccount) -> Capabilities | None:
    """What an account can do; null where it has to be mended first, or its adapter is at fault."""
    try:
        return capabilities(runtime, account)
    except Exception:  # noqa: BLE001 - whatever is wrong with one account, whoever uses it says so; the others must not wait
        return None


def receiver(runtime: Runtime, account: VendorAccount) -> VendorAdapter | None:
    """The adapter that proves what the vendor pushes; None of an account that takes no pushes.

    Raises:
        VendorError: the account cannot be used as it is.
    """
    if Duty.TRACK not in account.duties:
        return None
    vendor = adapter(runtime, account)
    return vendor if vendor.capabilities.webhooks else None


@dataclass(slots=True)
class Line:
    """One worker's line to one account: its gate, and the calls made on it until somebody keeps them.

    ``patience_s`` is the gate's. One thread speaks on a line.
    """

    runtime: Runtime
    account: VendorAccount
    patience_s: float = 0.0
    calls: list[CallRecord] = field(default_factory=list)
    gate: AccountGate = field(init=False)

    def __post_init__(self) -> None:
        """Make the gate."""
        self.gate = AccountGate(self.runtime, self.account, patience_s=self.patience_s)

    def open(self) -> VendorAdapter:
        """The adapter on this line; its quota becomes the gate's, and that which a person set: the stricter counts."""
        made = adapter(self.runtime, self.account, self)
        asked = quota_of(self.account.options)
        self.gate.quotas = [quota for quota in (made.capabilities.quota, asked) if quota is not None]
        return made

    def keep_calls(self, session: Session, *, rma_id: int | None = None, fault_id: int | None = None) -> None:
        """Write the calls down beside what they were for."""
        rows = [
            {
                "account_id": self.account.id,
                "rma_id": rma_id,
                "fault_id": fault_id,
                "at": call.at,
                "method": call.method,
                "url": call.url,
                "status": call.status,
                "request": call.request,
                "response": call.response,
                "trouble": call.trouble,
                "duration_ms": round(call.duration_s * 1000),
            }
            for call in self.calls
        ]
        db.write(session, VendorCall, *rows)
        self.calls.clear()


@dataclass(frozen=True, slots=True)
class Room:
    """What of an account's calls may begin ``at`` this moment: so many as are in the bucket, or (null) any number."""

    account: VendorAccount
    level: float | None
    at: datetime

    def calls(self, most: int) -> int:
        """How many of so many that somebody would make."""
        return most if self.level is None else min(most, int(self.level))

    def take(self, calls: int) -> None:
        """Take them from the bucket."""
        if self.level is not None:
            self.account.bucket_level, self.account.bucket_at = self.level - calls, self.at


class AccountGate:
    """Token bucket and breaker of one account, on its database row: one for all workers, for one thread of each.

    The breaker opens after five failures in a row and rests for as long as a call may take; then one call at a time may
    try, and after each that fails the rest is twice as long, up to eight calls: a vendor that hangs must not hold a worker
    half of the time. A definite no is an answer: it closes the breaker like any other. A vendor that says when to come back
    is asked by nobody before.

    With ``patience_s`` an empty bucket is waited for: the next call of all is this one's, and it begins on the dot.
    """

    def __init__(self, runtime: Runtime, account: VendorAccount, *, patience_s: float = 0.0) -> None:
        self._runtime = runtime
        self._id = account.id
        self._vendor = account.vendor
        self._patience_s = patience_s
        self._rest_s = runtime.settings.vendor_timeout_s
        self._failures = account.failures
        self._probe_until: datetime | None = None
        self.quotas: Sequence[Quota] = ()

    @property
    def is_probing(self) -> bool:
        """Whether the vendor was down and this call is the one that tries: it must be a read, never an open."""
        return self._failures >= BREAKER_FAILURES

    def enter(self) -> None:
        """Take one call from the bucket.

        Raises:
            VendorError: ``throttled`` and when to come back, where the bucket is empty, the breaker open or the vendor wants
                to be left alone; ``refused`` where a person has switched the account off.
        """
        with self._runtime.database.begin(db.EVERYBODY) as session:
            account, now = db.hold(session, VendorAccount, self._id, key_share=True)
            begins = time.monotonic()
            self._refuse(account, now)
            self._failures = account.failures
            if self.is_probing:
                # The others wait for this one; it may ask more than once.
                account.closed_until = self._probe_until = now + timedelta(seconds=self._rest_s)
            lead_s = LEAD_S if self._patience_s else 0.0
            begins += lead_s + self._take(account, now + timedelta(seconds=lead_s))
        if (wait_s := begins - time.monotonic() - LEAD_S) > 0:
            time.sleep(wait_s)
            with self._runtime.database.read(db.EVERYBODY) as session:  # somebody may have been sent away meanwhile
                self._refuse(session.get_one(VendorAccount, self._id), db.now(session))
        time.sleep(max(0.0, begins - time.monotonic()))  # on the dot: the room that a quota leaves is small

    def room(self, session: Session) -> Room:
        """How many calls may begin now, one at least; the account is held until the caller's transaction ends.

        Raises:
            VendorError: as ``enter``; ``throttled`` too while the vendor was down and no read has shown that it is well.
        """
        account, now = db.hold(session, VendorAccount, self._id, key_share=True)
        self._refuse(account, now)
        self._failures = account.failures
        if self.is_probing:
            raise self._come_back(0.0, "was down, and a read tries first")
        if not self.quotas:
            return Room(account, None, now)
        level, rate = self._level(account, now)
        if level < 1:
            raise self._empty((1 - level) / rate)
        return Room(account, level, now)

    def _refuse(self, account: VendorAccount, now: datetime) -> None:
        if account.switched_off_at is not None:
            why = "the account is switched off"
            raise VendorError(self._vendor, Trouble.REFUSED, vendor_code=SWITCHED_OFF, detail=why)
        shut_until = account.closed_until
        if shut_until is not None and shut_until > now and shut_until != self._probe_until:
            why = "rests after failures" if account.failures >= BREAKER_FAILURES else "is to wait: the vendor said so"
            raise self._come_back((shut_until - now).total_seconds(), why)

    def _take(self, account: VendorAccount, now: datetime) -> float:
        """Take a call; the seconds until it may begin. The level is below zero while there are calls yet to begin."""
        if not self.quotas:
            return 0.0
        level, rate = self._level(account, now)
        wait_s = max(0.0, (1 - level) / rate)
        if wait_s > self._patience_s:
            raise self._empty(wait_s)
        Room(account, level, now).take(1)
        return wait_s

    def _level(self, account: VendorAccount, now: datetime) -> tuple[float, float]:
        """How many calls the bucket holds, and how many flow into it a second."""
        buckets = [_bucket(quota) for quota in self.quotas]
        size, rate = min(size for size, _ in buckets), min(rate for _, rate in buckets)
        if account.bucket_at is None:
            return size, rate
        elapsed_s = max(0.0, (now - account.bucket_at).total_seconds())
        return min(size, account.bucket_level + elapsed_s * rate), rate

    def _empty(self, wait_s: float) -> VendorError:
        return self._come_back(wait_s, "has no calls left")

    def _come_back(self, after_s: float, why: str) -> VendorError:
        return VendorError(self._vendor, Trouble.THROTTLED, detail=f"the account {why}", retry_after_s=after_s)

    def heard(self, trouble: Trouble | None, retry_after_s: float | None = None) -> None:
        """Count a failure, or forget the earlier ones; a vendor that names a time is left alone until then."""
        failed = trouble in {Trouble.UNREACHABLE, Trouble.AMBIGUOUS}
        if not failed and not self._failures and not retry_after_s:
            return
        with self._runtime.database.begin(db.EVERYBODY) as session:
            account, now = db.hold(session, VendorAccount, self._id, key_share=True)
            if account.failures >= BREAKER_FAILURES:
                account.closed_until = None
            account.failures = account.failures + 1 if failed else 0
            rest_s = max(retry_after_s or 0.0, self._rest_after(account.failures))
            if rest_s:
                account.closed_until = max(account.closed_until or now, now + timedelta(seconds=rest_s))
            self._failures = account.failures

    def _rest_after(self, failures: int) -> float:
        over = failures - BREAKER_FAILURES
        return self._rest_s * min(LONGEST_REST, 2 ** min(over, 16)) if over >= 0 else 0.0


STRAY_S = 0.08
"""By how much the way to the vendor may delay one call more than another."""


def _bucket(quota: Quota) -> tuple[float, float]:
    """The size of the bucket that keeps a quota, and the calls a second that flow into it.

    A window of ``per_s`` admits at most the size and what flows in meanwhile, rounded down. A twentieth of the quota may
    come at once, and what stays free is as much as calls may stray: a twentieth is lost by it, a twelfth where the window
    is a second.
    """
    size = max(1.0, quota.calls / 20)
    spare = min(STRAY_S * quota.calls / quota.per_s, STRAY_S * quota.calls + 1 - size)
    return size, (quota.calls + 1 - spare - size) / quota.per_s


class Tokens:
    """The account's access token, sealed on its row."""

    def __init__(self, runtime: Runtime, account_id: int) -> None:
        self._runtime = runtime
        self._id = account_id

    def get(self) -> tuple[str, datetime] | None:
        """The token and when it ends; none where the key that it was kept with is lost, so that a new one is asked for."""
        with self._runtime.database.read(db.EVERYBODY) as session:
            sealed = session.get_one(VendorAccount, self._id).tokens
        if sealed is None:
            return None
        try:
            kept = self._runtime.box.open(sealed)
        except CannotDecrypt:
            return None
        return kept["token"], datetime.fromisoformat(kept["expires_at"])

    def put(self, token: str, expires_at: datetime) -> None:
        """Keep a new one."""
        self._write(self._runtime.box.seal({"token": token, "expires_at": expires_at.astimezone(UTC).isoformat()}))

    def forget(self) -> None:
        """Drop it."""
        self._write(None)

    def _write(self, sealed: str | None) -> None:
        with self._runtime.database.begin(db.EVERYBODY) as session:
            session.get_one(VendorAccount, self._id).tokens = sealed
