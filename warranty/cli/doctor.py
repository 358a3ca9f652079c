"""``warranty doctor``: what is wrong with this installation, and how to mend it. Looks at everything and changes nothing."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import click
from redis import Redis
from sqlalchemy import select, text

from vendors.contract import Duty
from vendors.errors import VendorError
from warranty import config, db, lookout, queue, store
from warranty.cli.shared import answer
from warranty.config import Settings, SettingsError
from warranty.domain.lifecycles import RmaState
from warranty.models import VendorAccount
from warranty.models.work import OrderStatus
from warranty.runtime import Runtime
from warranty.services import accounts, deliveries, keys, signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from warranty.services.signals import Signals

SKEW_S = 2.0
RECENT = timedelta(days=1)
UNSEALED_S = 60.0
LATE_S = 120.0  # an order that has been due for so long is on nobody's table


class Level(StrEnum):
    """How bad a finding is. ``wrong`` alone makes the exit status 1."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it stands, and what to do about it (empty where nothing)."""

    area: str
    level: Level
    said: str
    mend: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:  # noqa: FBT001 - click passes it by name
    """List every setting with its source; look at schema, queue, work, vendors, files and clocks.

    Says what is wrong and how to mend it.

    Exit status: 0 all is well, 1 something is wrong, 2 called with wrong words.
    """
    found = list(findings())
    try:
        settings = [asdict(shown) for shown in config.explain()]
    except SettingsError:
        settings = []  # the findings say why
    if as_json:
        answer({"settings": settings, "findings": [asdict(finding) for finding in found]}, as_json=True)
    else:
        if settings:
            answer(settings, as_json=False)
            click.echo()
        for finding in found:
            click.echo(
                f"{finding.level:<8} {finding.area:<9} {finding.said}" + (f" -> {finding.mend}" if finding.mend else "")
            )
    if any(finding.level is Level.WRONG for finding in found):
        raise SystemExit(1)


def findings() -> Iterator[Finding]:
    """Everything there is to say. What cannot be looked at because of something before it is left out."""
    try:
        settings = config.load()
    except SettingsError as err:
        yield from (
            Finding("settings", Level.WRONG, fault, "Set it in the environment or in .env.") for fault in err.faults
        )
        return
    yield from _settings(settings)
    yield from _files(settings)
    yield from _queue(settings)
    try:
        faults = db.schema_faults(settings.migration_database_url)
        yield from (Finding("schema", Level.WRONG, fault, "warranty db upgrade") for fault in faults)
        if faults:
            return
        yield Finding("schema", Level.OK, "It is what this version needs.")
        yield from _database(settings)
    except db.DatabaseUnavailable as err:
        yield Finding("database", Level.WRONG, str(err), "Start it, or mend DATABASE_URL.")


def _settings(settings: Settings) -> Iterator[Finding]:
    yield Finding("settings", Level.OK, "They work together.")
    if not settings.is_production:
        yield Finding(
            "settings",
            Level.WARNING,
            "Development mode: secrets are made here, cookies travel without TLS.",
            "Set WARRANTY_MODE=production where clients' data is kept.",
        )
    if settings.allow_private_vendor_urls:
        yield Finding(
            "settings",
            Level.WARNING,
            "Vendor accounts may call private addresses.",
            "Unset WARRANTY_ALLOW_PRIVATE_VENDOR_URLS but for a demo.",
        )
    if settings.audit_anchor is None:
        yield Finding(
            "register",
            Level.WARNING,
            "The head of the register is kept nowhere else: whoever can write the database can cut its end off unseen.",
            "Set WARRANTY_AUDIT_ANCHOR to a folder on another machine or to a mail address.",
        )


def _files(settings: Settings) -> Iterator[Finding]:
    try:
        next(iter(store.open_store(settings.files_url).keys()), None)
    except store.StoreUnavailable as err:
        yield Finding("files", Level.WRONG, str(err), "Mend WARRANTY_FILES_URL, or the rights on it.")
    else:
        yield Finding("files", Level.OK, "The store of files answers.")


# --- the queue ---


def _queue(settings: Settings) -> Iterator[Finding]:
    with closing(queue.connect(settings.redis_url)) as connection:
        try:
            workers = lookout.look(settings.redis_url).workers
            seconds, micros = connection.time()
            policy = _eviction(connection)
        except queue.QueueUnavailable as err:
            yield Finding(
                "queue",
                Level.WARNING if settings.embedded_queue else Level.WRONG,
                f"The queue server does not answer ({err}); reports are taken, their work waits.",
                "Run `warranty up`, which starts it." if settings.embedded_queue else "Start it, or mend REDIS_URL.",
            )
            return
    yield Finding("queue", Level.OK, f"The queue server answers; {workers} workers are at it.")
    if workers == 0:
        yield Finding("queue", Level.WRONG, "Nobody works: no order is done.", "warranty worker, or warranty up")
    if policy not in {"noeviction", ""}:
        yield Finding(
            "queue",
            Level.WARNING,
            f"It throws work away when memory is short (maxmemory-policy {policy}); the relay would enqueue it again, late.",
            "Set maxmemory-policy noeviction.",
        )
    yield from _clock("queue server", seconds + micros / 1e6 - time.time())


def _eviction(connection: Redis) -> str:
    """What it does when memory is short; empty where it does not say, as hosted ones may not."""
    try:
        return str(connection.config_get("maxmemory-policy").get("maxmemory-policy", ""))
    except queue.QueueUnavailable:
        return ""


def _clock(whose: str, ahead_s: float) -> Iterator[Finding]:
    if abs(ahead_s) > SKEW_S:
        yield Finding(
            "clocks",
            Level.WARNING,
            f"The {whose}'s clock is {ahead_s:+.0f} s from this machine's. Leases go by the database; times shown may mislead.",
            "Keep both by NTP.",
        )


# --- what the database says ---


def _database(settings: Settings) -> Iterator[Finding]:
    runtime = Runtime.of(settings)
    try:
        with runtime.database.read(db.EVERYBODY) as session:
            now = db.now(session)
            yield from _clock("database", (now - datetime.now(UTC)).total_seconds())
            yield from _wall(session)
            yield from _work(signals.read(session, settings))
            yield from _keys(session, runtime)
            yield from _vendors(session, runtime, now)
    finally:
        runtime.database.dispose()


def _wall(session: Session) -> Iterator[Finding]:
    if db.is_sqlite(session):
        yield Finding("database", Level.OK, "SQLite: for one machine; clients are kept apart by the program alone.")
    elif session.scalar(text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")):
        yield Finding(
            "database",
            Level.WARNING,
            "DATABASE_URL comes as a user whom row-level security does not hold back.",
            "Make a plain user, and give the owner's address as WARRANTY_MIGRATION_DATABASE_URL.",
        )
    else:
        yield Finding("database", Level.OK, "Row-level security keeps clients apart.")


def _work(found: Signals) -> Iterator[Finding]:
    if found.relay_age_s is None or found.relay_age_s > LATE_S:
        yield Finding(
            "work", Level.WRONG, "No relay runs: nothing is handed to the workers.", "warranty relay, or warranty up"
        )
    elif found.oldest_due_s > LATE_S:
        late = f"The oldest order has been due for {found.oldest_due_s / 60:.0f} minutes."
        yield Finding("work", Level.WARNING, late, "Start more workers, or see what holds them up in their log.")
    if found.given_up:
        said = f"{found.given_up} orders were given up, within a week or with a task that is still open."
        yield Finding("work", Level.WARNING, said, "warranty review list")
    if found.stolen_lately:
        said = f"Of {found.stolen_lately} orders of the last day a worker vanished and another took over."
        mend = "See what kills or freezes workers: memory, restarts, WARRANTY_LEASE_SECONDS."
        yield Finding("work", Level.WARNING, said, mend)
    if unknown := found.claims.get(RmaState.OUTCOME_UNKNOWN, 0):
        said = f"Of {unknown} claims nobody knows whether the vendor has them."
        yield Finding("work", Level.WARNING, said, "warranty review list --kind outcome_unknown")
    if found.sightings_without_rma:
        said = f"{found.sightings_without_rma} cases at vendors belong to no claim here."
        yield Finding("work", Level.WARNING, said, "warranty review list --kind stray_case")
    if parked := _standing(found, OrderStatus.PARKED):
        yield Finding(
            "work",
            Level.WARNING,
            f"{parked} orders wait for an account to be mended.",
            "Mend it, then: warranty vendor test NAME",
        )
    if found.unsealed_s > UNSEALED_S:
        said = f"The register has had no seal for {found.unsealed_s / 60:.0f} minutes."
        yield Finding(
            "register", Level.WARNING, said, "See the relay's log (audit.unsealed), then: warranty audit verify"
        )
    yield Finding("work", Level.OK, f"{_standing(found, OrderStatus.PENDING)} orders are to be done.")


def _standing(found: Signals, status: OrderStatus) -> int:
    return sum(count for (stands, _), count in found.orders.items() if stands is status)


def _keys(session: Session, runtime: Runtime) -> Iterator[Finding]:
    found = keys.standing(session, runtime.box)
    for name in found.lost:
        mend = "Add the key that it was kept with to WARRANTY_ENCRYPTION_KEYS, or give the secret anew."
        yield Finding("keys", Level.WRONG, f"No encryption key opens the {name}.", mend)
    if found.old:
        said = f"{found.old} of {found.kept} secrets are still under an older encryption key."
        yield Finding("keys", Level.WARNING, said, "Before it is taken out: warranty keys rotate")
    elif not found.lost:
        yield Finding("keys", Level.OK, f"All {found.kept} secrets are under the first encryption key.")


def _vendors(session: Session, runtime: Runtime, now: datetime) -> Iterator[Finding]:
    in_use = select(VendorAccount).where(VendorAccount.switched_off_at.is_(None))
    found = session.scalars(in_use.order_by(VendorAccount.name)).all()
    heard = deliveries.standing(session, [account.id for account in found])
    for account in found:
        yield from _heard(account, heard[account.id], now)
        try:
            accounts.adapter(runtime, account)
        except VendorError as err:
            yield Finding(
                "vendors", Level.WRONG, f"{account.name}: {err.detail or err}", "Change its secrets or options."
            )
        if account.check_trouble is not None:
            mend = "Mend it, then: warranty vendor test NAME"
            yield Finding("vendors", Level.WARNING, f"{account.name}: {account.check_trouble}", mend)
        if account.opens_held_since is not None:
            yield _held(account)
        if account.closed_until is not None and account.closed_until > now:
            yield Finding(
                "vendors",
                Level.WARNING,
                f"{account.name} failed five times in a row and rests.",
                "It tries again by itself.",
            )
    if not any(Duty.OPEN in account.duties for account in found):
        yield Finding(
            "vendors", Level.WARNING, "No account opens cases: each claim waits for a person.", "warranty vendor add"
        )
    else:
        yield Finding(
            "vendors", Level.OK, f"{len(found)} accounts; `warranty vendor test NAME` asks the vendor itself."
        )


def _held(account: VendorAccount) -> Finding:
    """An account that opens nothing since a restore."""
    said = f"{account.name} opens nothing: a restore went back to {account.opens_held_since:%Y-%m-%d %H:%M} UTC."
    mend = "Where its cases can be listed it goes on by itself; else look there, then: warranty vendor release NAME"
    return Finding("vendors", Level.WARNING, said, mend)


def _heard(account: VendorAccount, heard: dict[str, Any], now: datetime) -> Iterator[Finding]:
    """How the vendor is heard, and what of it was not taken in."""
    if heard["heard_at"] is not None:
        hours = (now - heard["heard_at"]).total_seconds() / 3600
        yield Finding("vendors", Level.OK, f"{account.name} last said something new {hours:.1f} hours ago.")
    if heard["unapplied"]:
        said = f"{account.name}: {heard['unapplied']} messages are not applied."
        mend = "Their trouble stands in the log (delivery.unapplied); they are kept in vendor_delivery."
        yield Finding("vendors", Level.WARNING, said, mend)
    if heard["push_refused_at"] is not None and now - heard["push_refused_at"] < RECENT:
        said = f"{account.name}: {heard['pushes_refused']} pushes did not prove that the vendor sent them, one within a day."
        yield Finding("vendors", Level.WARNING, said, "Compare webhook_secret and the clocks of both sides.")
