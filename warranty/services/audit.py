"""The register's proof: the only place that seals its rows, anchors the head of their chain, and verifies both.

Rows are written unsealed, so that no report waits for a chain; one relay at a time seals them within seconds. A seal has a
place; no place is left out. What this proves: a sealed row was not changed, taken away, moved or put among older ones, by
whoever can write to the database but lacks the encryption keys. What it cannot: that a row was true when it was written,
nor, without an anchor outside, that nothing was cut off at the end.

Actors are pseudonyms, whose names live in tables that can be erased, so erasing a person leaves the chain as it is. A
reason is sealed as it was written: who writes one is asked to name nobody. Source: reliability.md, section 7 (16.4.2).
"""

from __future__ import annotations

import json
import secrets
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import structlog
from sqlalchemy import String, Text, cast, delete, exists, func, select, text, type_coerce, update

from vendors.mail import Fate, send
from warranty import db
from warranty.crypto import CannotDecrypt
from warranty.db import EVERYBODY
from warranty.domain import chain
from warranty.models import AuditRow, clock
from warranty.models.audit import AuditChain, AuditGap, Seal
from warranty.models.work import OrderKind
from warranty.services import leases, moves, work
from warranty.store import write_durably

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from warranty.config import Settings
    from warranty.crypto import SecretBox
    from warranty.runtime import Runtime
    from warranty.services.moves import Because

SEALER, ANCHORER = "audit_sealer", "write_anchor"
SEAL_RHYTHM_S = 1.0  # the promise is 5 s
ANCHOR_RHYTHM_S = 3600.0
BATCH = 250  # what a report on SQLite may have to wait for
LOOK_S = 0.5  # a long backlog is sealed in many looks: orders must not wait for it
READ_AT_ONCE = 2000
RESTORE = "restore"
BELOW_ALL = -(2**63)  # somebody may have written numbers that we never would
SETTLED_S = 10.0  # how long a transaction has for the step from taking a row's number to having a number itself

log = structlog.get_logger("audit")

FIELDS = (
    "at",
    "actor",
    "action",
    "record",
    "record_id",
    "client_id",
    "fault_id",
    "old_state",
    "new_state",
    "reason",
    "vendor_status",
    "detail",
)


class KeyGone(Exception):
    """There are seals, but the key that they were made with is no longer stored."""


# --- sealing ---


def keep_sealed(runtime: Runtime) -> None:
    """Seal what is unsealed, where that is due and no other relay was quicker.

    A key that is gone is logged and stops no relay; an outage of the database is the relay's to wait for.
    """
    try:
        _keep_sealed(runtime)
    except (KeyGone, CannotDecrypt) as err:
        log.warning("audit.unsealed", trouble=type(err).__name__, said=str(err))


def _keep_sealed(runtime: Runtime) -> None:
    database = runtime.database
    with database.read(EVERYBODY) as session:  # most looks find nothing, and then nobody has to wait for a lock
        if not leases.is_due(session, SEALER) or not _is_anything_to_do(session):
            return
    until = monotonic() + LOOK_S
    with database.begin(EVERYBODY) as session:
        if not leases.take(session, SEALER, rhythm_s=SEAL_RHYTHM_S):
            return
        is_more = seal(session, runtime.box) == BATCH
    while is_more and monotonic() < until:
        with database.begin(EVERYBODY) as session:
            is_more = seal(session, runtime.box) == BATCH


def _is_anything_to_do(session: Session) -> bool:
    newest, reached = session.execute(
        select(select(func.max(AuditRow.id)).scalar_subquery(), select(func.max(Seal.row_id)).scalar_subquery())
    ).one()
    if newest is not None and newest > (reached or 0):
        return True
    return session.scalars(select(AuditGap.low).limit(1)).first() is not None


def seal(session: Session, box: SecretBox) -> int:
    """Seal rows that have no seal yet, at most ``BATCH``; how many.

    Rows of transactions that were open while later ones committed come late, with lower numbers. So each number that was
    overtaken is kept as a gap and looked at again, until every transaction that may hold it has ended.

    Raises:
        KeyGone: see there.
        CannotDecrypt: the key of the chain was encrypted with a key that is not among ours.
    """
    key = _key(session, box)  # holds the only chain there is for this transaction: nobody else seals meanwhile
    place, before, reached = _head(session)
    late = _rows(session, select_from_gaps=True)
    new = _rows(session, after=reached, limit=BATCH - len(late))
    sealed_at = db.now(session)
    seals = []
    for row_id, content in (*late, *new):
        place += 1
        digest = chain.content_digest(key, content)
        before = chain.link(
            key, before, place=place, row_id=row_id, digest=digest, sealed_at=chain.plain_time(sealed_at)
        )
        seals.append({"place": place, "row_id": row_id, "digest": digest, "mac": before, "sealed_at": sealed_at})
    db.write(session, Seal, *seals)
    _split_gaps(session, [row_id for row_id, _ in late])
    if not db.is_sqlite(session):  # which has one writer: nothing overtakes
        _note_gaps(session, reached, [row_id for row_id, _ in new])
        _close_gaps(session)
    return len(seals)


def note_restore(
    session: Session, box: SecretBox, because: Because, *, backup_at: datetime, digest: str, by: str
) -> None:
    """Write down that the register was set back to what it was in a backup, and where its chain ended then.

    Raises:
        CannotDecrypt: as ``seal``.
    """
    _key(session, box)
    detail = {"backup_at": backup_at.isoformat(), "digest": digest, "by": by, "place": _head(session)[0]}
    moves.note(session, session.scalars(select(AuditChain)).one(), RESTORE, because, detail=detail)


def _key(session: Session, box: SecretBox) -> bytes:
    row = session.scalars(select(AuditChain).with_for_update()).one_or_none()
    if row is None:
        if session.scalars(select(Seal.place).limit(1)).first() is not None:
            raise KeyGone("The key of the register's seals is gone from audit_chain: restore it from a backup.")
        secret = box.seal({"key": secrets.token_hex(chain.KEY_BYTES)})
        row = AuditChain(id=1, name=uuid4(), secret=secret, begun_at=db.now(session))
        session.add(row)
        session.flush()
    return bytes.fromhex(box.open(row.secret)["key"])


def _head(session: Session) -> tuple[int, bytes, int]:
    """The last place, its seal, and the highest number that is sealed."""
    reached = session.scalar(select(func.max(Seal.row_id))) or 0
    last = session.execute(select(Seal.place, Seal.mac).order_by(Seal.place.desc()).limit(1)).one_or_none()
    return (0, chain.BEGINNING, reached) if last is None else (last.place, last.mac, reached)


def _rows(
    session: Session, *, after: int = 0, limit: int = BATCH, select_from_gaps: bool = False
) -> list[tuple[int, dict[str, Any]]]:
    query = select(AuditRow.id, *_contents(session)).order_by(AuditRow.id).limit(limit)
    if select_from_gaps:
        query = query.join(AuditGap, AuditRow.id.between(AuditGap.low, AuditGap.high))
        query = query.where(~exists().where(Seal.row_id == AuditRow.id))
    else:
        query = query.where(AuditRow.id > after)
    return [(row.id, _content(row)) for row in session.execute(query)]


def _contents(session: Session) -> list[ColumnElement[Any]]:
    """The fields of a row as the database keeps them, so that no value that was written past us stops the reading."""
    columns = AuditRow.__table__.c
    if db.is_sqlite(session):
        return [type_coerce(columns[name], String).label(name) for name in FIELDS]
    return [(cast(columns[name], Text) if name == "detail" else columns[name]).label(name) for name in FIELDS]


def _content(row: Any) -> dict[str, Any]:
    content = {name: getattr(row, name) for name in FIELDS}
    content["at"] = chain.plain_time(content["at"])
    content["detail"] = chain.plain_json(content["detail"])
    return content


# --- rows that come late (PostgreSQL) ---


def _note_gaps(session: Session, reached: int, new: Sequence[int]) -> None:
    overtaken = [(before + 1, row_id - 1) for before, row_id in zip((reached, *new), new, strict=False)]
    now = db.now(session)
    db.write(
        session,
        AuditGap,
        *({"low": low, "high": high, "noticed_at": now, "ends_with": None} for low, high in overtaken if low <= high),
    )


def _split_gaps(session: Session, late: Sequence[int]) -> None:
    """Take numbers that have come out of their gaps."""
    if not late:
        return
    table = AuditGap.__table__.c
    around = select(*table).where(table.high >= late[0], table.low <= late[-1]).order_by(table.low)
    gone, left = [], []
    waiting = deque(late)
    for gap in session.execute(around):
        come = []
        while waiting and waiting[0] <= gap.high:
            come.append(waiting.popleft())
        if come:
            gone.append(gap.low)
            edges = zip((gap.low - 1, *come), (*come, gap.high + 1), strict=True)
            left += [(before + 1, after - 1, gap) for before, after in edges if before + 1 < after]
    session.execute(delete(AuditGap).where(AuditGap.low.in_(gone)), execution_options={"synchronize_session": False})
    db.write(
        session,
        AuditGap,
        *(
            {"low": low, "high": high, "noticed_at": gap.noticed_at, "ends_with": gap.ends_with}
            for low, high, gap in left
        ),
    )


def _close_gaps(session: Session) -> None:
    """Forget the gaps that nobody can fill any more.

    Whoever took one of the numbers ran before the gap was noticed, and has had ``SETTLED_S`` to get a number as a
    transaction. From then on the gap waits for all transactions with a lower number than the next one to come.
    """
    next_one = text("pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    oldest = text("pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
    session.execute(delete(AuditGap).where(AuditGap.ends_with <= oldest))
    session.execute(
        update(AuditGap)
        .where(AuditGap.ends_with.is_(None), AuditGap.noticed_at <= clock(-SETTLED_S))
        .values(ends_with=next_one)
    )


# --- the anchor outside ---


class CannotAnchor(Exception):
    """The head cannot be written where WARRANTY_AUDIT_ANCHOR says, or what stands there cannot be read."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of the chain at one time, as it stands outside the database. ``mac`` is in hex, ``at`` RFC 3339."""

    chain: str
    place: int
    mac: str
    at: str

    def to_json(self) -> str:
        """One line, as it stands in a file."""
        return json.dumps({"chain": self.chain, "place": self.place, "mac": self.mac, "at": self.at}) + "\n"

    @property
    def file_name(self) -> str:
        """What the file of this head is called; files stand in the order of the chain."""
        return f"anchor-{self.place:015}-{self.mac[:16]}.json"


def head(session: Session) -> Anchor | None:
    """The head of the chain as it is now; null where nothing is sealed."""
    name = session.scalar(select(AuditChain.name))
    last = session.execute(select(Seal.place, Seal.mac).order_by(Seal.place.desc()).limit(1)).one_or_none()
    if name is None or last is None:
        return None
    return _anchor_of(str(name), last.place, last.mac)


def _anchor_of(name: str, place: int, mac: bytes) -> Anchor:
    return Anchor(name, place, mac.hex(), datetime.now(UTC).isoformat(timespec="microseconds"))


def order_anchor(session: Session, settings: Settings) -> None:
    """Order that the head is written down outside, where that is due and anything is sealed."""
    if settings.audit_anchor is None or head(session) is None:
        return
    if leases.take(session, ANCHORER, rhythm_s=ANCHOR_RHYTHM_S) and not work.is_ordered(session, ANCHORER):
        work.add(session, OrderKind.WRITE_ANCHOR, now=db.now(session), name=ANCHORER)


def anchor(runtime: Runtime) -> Anchor | None:
    """Write the head down outside the database; null where nothing is sealed.

    Twice the same head is one file, or two mails of one Message-ID, which mail programs show as one.

    Raises:
        CannotAnchor: there is nowhere to write it to, or it could not be written there.
    """
    settings = runtime.settings
    if settings.audit_anchor is None:
        raise CannotAnchor("WARRANTY_AUDIT_ANCHOR is not set: the end of the register can be cut off unnoticed.")
    with runtime.database.read(EVERYBODY) as session:
        made = head(session)
    if made is not None:
        folder = anchor_folder(settings.audit_anchor)
        if folder is None:
            _mail(made, settings, settings.audit_anchor)
        else:
            _file(made, folder)
    return made


def _file(made: Anchor, folder: Path) -> None:
    path = folder / made.file_name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_durably(path, made.to_json().encode())
    except OSError as err:
        raise CannotAnchor(f"The anchor cannot be written to {folder}: {err.strerror}.") from err


def _mail(made: Anchor, settings: Settings, address: str) -> None:
    if settings.mail_server is None:
        raise CannotAnchor("WARRANTY_AUDIT_ANCHOR is a mail address, but SMTP_URL names no mail server.")
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = settings.mail_from, address
    message["Subject"] = f"Anchor of the register at place {made.place}"
    message["Date"] = datetime.fromisoformat(made.at)
    message["Message-ID"] = (
        f"<anchor.{made.chain}.{made.place}.{made.mac[:16]}@{settings.mail_from.rpartition('@')[2]}>"
    )
    message.set_content(
        "Keep this mail where nobody who can write to the database can change it. To verify the register, save the\n"
        "attachments of these mails in one folder and run `warranty audit verify --anchor FOLDER`.\n"
    )
    content = made.to_json().encode()
    message.add_attachment(content, maintype="application", subtype="json", filename=made.file_name)
    outcome = send(
        settings.mail_server,
        message.as_bytes(),
        sender=settings.mail_from,
        receiver=address,
        deadline_s=settings.vendor_timeout_s,
        may_leave=lambda _rest_s: True,
    )
    if outcome is None or outcome.fate is not Fate.TAKEN:
        raise CannotAnchor(f"The anchor cannot be sent to {address}: {outcome.said if outcome else 'nothing left'}.")


def anchor_folder(setting: str | None) -> Path | None:
    """The folder that the setting names; null where it is not set or names a mail address."""
    return None if setting is None or ("@" in setting and "/" not in setting) else Path(setting)


def read_anchors(folder: Path) -> list[Anchor]:
    """Every anchor in a folder, in the order of the chain.

    Raises:
        CannotAnchor: the folder or a file in it cannot be read.
    """
    try:
        found = [_read_anchor(path) for path in sorted(folder.glob("*.json"))]
    except OSError as err:
        raise CannotAnchor(f"{err.filename} cannot be read: {err.strerror}.") from err
    return sorted(found, key=lambda one: one.place)


def _read_anchor(path: Path) -> Anchor:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Anchor(str(said["chain"]), int(said["place"]), str(said["mac"]), str(said["at"]))
    except (ValueError, KeyError, TypeError) as err:
        raise CannotAnchor(f"{path} is no anchor.") from err


# --- verifying ---


class Tampering(StrEnum):
    """What somebody did to the register."""

    EDITED = "edited"  # the row says something else than what was sealed
    DELETED = "deleted"  # the row is gone
    REORDERED = "reordered"  # the row, or its seal, stands where another stood
    INSERTED = "inserted"  # the row was put among rows that were sealed long before
    UNSEALED = "unsealed"  # seals were taken out of the middle
    CUT = "cut"  # the end of the chain is gone: an anchor saw it
    REPLACED = "replaced"  # the chain is not the one that an anchor saw
    KEYLESS = "keyless"  # the key of the chain is gone


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of tampering. ``row`` is the number of the row, ``place`` that of its seal; either may not be known."""

    tampering: Tampering
    row: Any
    place: int | None
    said: str


@dataclass(slots=True)
class Restored:
    """A restore that the register itself tells of, in a row that was sealed: from ``place`` on the chain went on anew.

    ``taken_back``: the anchors that saw what stood there before. What they saw is lost, and nobody cut it off.
    """

    row: Any
    at: datetime
    backup_at: str
    place: int
    digest: str
    by: str
    taken_back: list[Anchor] = field(default_factory=list)

    def explains(self, seen: Anchor) -> bool:
        """Whether an anchor was made of what this restore has taken back."""
        made_at = _moment(seen.at)
        return seen.place > self.place and made_at is not None and made_at < self.at

    @property
    def said(self) -> str:
        """One sentence."""
        begun = f"On {self.at:%Y-%m-%d %H:%M} UTC {self.by} restored the backup of {self.backup_at}"
        if not self.taken_back:
            return f"{begun}, which ended at place {self.place}; no anchor saw more."
        last = max(seen.place for seen in self.taken_back)
        return (
            f"{begun}: the chain went on anew from place {self.place}, and {len(self.taken_back)} anchors, up to place {last}, "
            "are ahead of it, since they were made before; what they saw is lost with the restore, and was not cut off."
        )


@dataclass(slots=True)
class Report:
    """What verifying found. ``unsealed`` rows are those that nobody has sealed yet, the oldest of ``unsealed_since``.

    At most ``MOST_FINDINGS`` findings are kept, in the order of the chain; ``found`` counts all. ``head`` is the last seal.
    ``restores`` are no tampering.
    """

    sealed: int = 0
    unsealed: int = 0
    unsealed_since: datetime | None = None
    anchors: int = 0
    head: Anchor | None = None
    found: int = 0
    findings: list[Finding] = field(default_factory=list)
    restores: list[Restored] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether nothing was tampered with."""
        return not self.found

    def add(self, tampering: Tampering, said: str, *, row: Any = None, place: int | None = None) -> None:
        """Write one down."""
        self.found += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(tampering, row, place, said))


MOST_FINDINGS, MOST_STRAYS = 1000, 16
LATE = timedelta(hours=1)
"""A row with a lower number than one that was sealed so much earlier is no late commit: no transaction is open so long."""


def verify(runtime: Runtime, anchors: Sequence[Anchor] = ()) -> Report:
    """Read the whole register and recompute its chain, in memory that does not grow with it.

    Args:
        anchors: what ``read_anchors`` gave. Without any, a cut end is not found.

    Raises:
        CannotDecrypt: the key of the chain was encrypted with a key that is not among ours.
    """
    report = Report(anchors=len(anchors))
    with runtime.database.read(EVERYBODY) as session:
        row = session.scalars(select(AuditChain)).one_or_none()
        is_any = session.scalars(select(Seal.place).limit(1)).first() is not None
    name = str(row.name) if row else None
    strange = [seen for seen in anchors if seen.chain != name]
    if strange:
        said = f"The anchor of {strange[-1].at} saw another chain: this register is not the one that it was."
        report.add(Tampering.REPLACED, said, place=strange[-1].place)
    if row is None and is_any:
        report.add(Tampering.KEYLESS, "There are seals but no key in audit_chain: nothing can be recomputed.")
        return report
    if row is not None:
        key = bytes.fromhex(runtime.box.open(row.secret)["key"])
        walk = _Walk(key, [seen for seen in anchors if seen.chain == name], report)
        for sealed in _sealed(runtime.database):
            walk.step(sealed)
        walk.end()
        report.head = walk.head(str(row.name))
    _look_at_unsealed(runtime.database, report)
    return report


def _sealed(database: db.Database) -> Iterator[Any]:
    """Every seal with its row, in order, a batch in each transaction: a long one would hold up the database's own tidying."""
    place = BELOW_ALL
    while True:
        with database.read(EVERYBODY) as session:
            raw = Seal.__table__.c
            if database.is_sqlite:
                seals = [type_coerce(column, String).label(f"seal_{column.name}") for column in raw]
            else:
                seals = [column.label(f"seal_{column.name}") for column in raw]
            rows = session.execute(
                select(*seals, AuditRow.id, *_contents(session))
                .select_from(Seal)
                .outerjoin(AuditRow, AuditRow.id == Seal.row_id)
                .where(Seal.place > place)
                .order_by(Seal.place)
                .limit(READ_AT_ONCE)
            ).all()
        yield from rows
        if not rows:
            return
        place = rows[-1].seal_place


class _Walk:
    """One way along the chain."""

    def __init__(self, key: bytes, anchors: Sequence[Anchor], report: Report) -> None:
        self._key = key
        self._anchors = deque(anchors)
        self._report = report
        self._place = 0
        self._before: list[bytes] = [chain.BEGINNING]  # what the next seal may follow: as stored, and as it should be
        self._strays: deque[bytes] = deque(
            maxlen=MOST_STRAYS
        )  # seals that followed nothing: what came after them may yet
        self._changed: dict[
            bytes, tuple[int, bytes]
        ] = {}  # rows that say something else: sealed digest to finding, digest
        self._recent: deque[tuple[datetime, int]] = deque()  # highest numbers of the last ``LATE``
        self._reached = 0  # highest number sealed before that
        self._highest = 0
        self._unlike: list[Anchor] = []  # anchors that saw another seal, or more than there is

    def step(self, row: Any) -> None:
        """Look at the next seal and its row."""
        report = self._report
        report.sealed += 1
        if row.seal_place < 1:
            said = f"The seal of row {row.seal_row_id} stands before the first place."
            report.add(Tampering.REORDERED, said, row=row.seal_row_id, place=row.seal_place)
            return
        is_next = row.seal_place == self._place + 1
        if not is_next:
            said = f"The seals of places {self._place + 1} to {row.seal_place - 1} are gone."
            report.add(Tampering.UNSEALED, said, place=self._place + 1)
        self._place = row.seal_place
        sealed_digest, mac = _bytes(row.seal_digest), _bytes(row.seal_mac)
        if row.id is None:
            said = f"Row {row.seal_row_id} is gone."
            report.add(Tampering.DELETED, said, row=row.seal_row_id, place=self._place)
        else:
            self._compare(row, sealed_digest)
        self._follow(row, sealed_digest, mac, is_next=is_next)
        self._ask_anchors(mac)
        self._ask_age(row)

    def _compare(self, row: Any, sealed_digest: bytes) -> None:
        digest = chain.content_digest(self._key, _content(row))
        if digest == sealed_digest:
            if row.action == RESTORE and row.record == "audit_chain":
                self._report.restores.append(_restored(row))
            return
        if len(self._report.findings) < MOST_FINDINGS:
            self._changed[sealed_digest] = (len(self._report.findings), digest)
        self._report.add(
            Tampering.EDITED, f"Row {row.id} does not say what was sealed.", row=row.id, place=row.seal_place
        )

    def _follow(self, row: Any, digest: bytes, mac: bytes, *, is_next: bool) -> None:
        def linked(before: bytes) -> bytes:
            return chain.link(
                self._key,
                before,
                place=row.seal_place,
                row_id=row.seal_row_id,
                digest=digest,
                sealed_at=chain.plain_time(row.seal_sealed_at),
            )

        if is_next and not any(linked(before) == mac for before in (*self._before, *self._strays)):
            said = f"The seal of row {row.seal_row_id} does not follow the one before it."
            self._report.add(Tampering.REORDERED, said, row=row.seal_row_id, place=row.seal_place)
            self._strays.append(mac)
            self._before = [mac, linked(self._before[-1])]
        else:
            self._before = [mac]

    def _ask_anchors(self, mac: bytes) -> None:
        while self._anchors and self._anchors[0].place <= self._place:
            seen = self._anchors.popleft()
            if seen.place == self._place and seen.mac != mac.hex():
                self._unlike.append(seen)

    def _ask_age(self, row: Any) -> None:
        sealed_at, row_id = _moment(row.seal_sealed_at), row.seal_row_id
        if sealed_at is None or not isinstance(row_id, int):
            return
        while self._recent and self._recent[0][0] < sealed_at - LATE:
            self._reached = max(self._reached, self._recent.popleft()[1])
        if row_id < self._reached:
            said = f"Row {row_id} was put among rows that were sealed long before it."
            self._report.add(Tampering.INSERTED, said, row=row_id, place=row.seal_place)
        self._highest = max(self._highest, row_id)
        if self._recent and self._recent[-1][0] == sealed_at:
            self._recent.pop()
        self._recent.append((sealed_at, self._highest))

    def head(self, name: str) -> Anchor | None:
        """Where the way ended."""
        return _anchor_of(name, self._place, self._before[0]) if self._place else None

    def end(self) -> None:
        """Say what only the whole way shows."""
        report = self._report
        for index, digest in self._changed.values():
            other = self._changed.get(digest)
            if other is not None and other[0] != index:
                row, says = report.findings[index], report.findings[other[0]].row
                said = f"Row {row.row} says what row {says} said when it was sealed."
                report.findings[index] = Finding(Tampering.REORDERED, row.row, row.place, said)
        for seen in self._unexplained(self._unlike):
            said = f"The anchor of {seen.at} saw another seal at place {seen.place}."
            report.add(Tampering.REPLACED, said, place=seen.place)
        for seen in self._unexplained(self._anchors)[-1:]:
            said = f"The chain ends at place {self._place}, but the anchor of {seen.at} saw place {seen.place}."
            report.add(Tampering.CUT, said, place=self._place)

    def _unexplained(self, anchors: Iterable[Anchor]) -> list[Anchor]:
        """The anchors that no restore has taken back; the others are written down with the first one that did."""
        left = []
        for seen in anchors:
            restored = next((one for one in self._report.restores if one.explains(seen)), None)
            if restored is None:
                left.append(seen)
            else:
                restored.taken_back.append(seen)
        return left


def _restored(row: Any) -> Restored:
    at, detail = _moment(row.at), chain.plain_json(row.detail)
    assert at is not None  # it is sealed as it was written
    return Restored(row.id, at, detail["backup_at"], detail["place"], detail["digest"], detail["by"])


def _look_at_unsealed(database: db.Database, report: Report) -> None:
    """Count the rows without a seal. One that was overtaken stands in a gap until it is sealed; else nobody overtook it."""
    after = BELOW_ALL
    is_gap = exists().where(AuditRow.id.between(AuditGap.low, AuditGap.high))
    reached = select(func.max(Seal.row_id)).scalar_subquery()
    while True:
        with database.read(EVERYBODY) as session:
            at = type_coerce(AuditRow.at, String) if database.is_sqlite else AuditRow.at
            # One statement, so that rows, seals and gaps are of one moment.
            query = select(
                AuditRow.id, Seal.place, at.label("happened_at"), is_gap.label("is_late"), reached.label("top")
            )
            query = query.outerjoin(Seal, Seal.row_id == AuditRow.id).where(AuditRow.id > after)
            rows = session.execute(query.order_by(AuditRow.id).limit(READ_AT_ONCE)).all()
        if not rows:
            return
        for row in rows:
            if row.place is not None:
                continue
            if row.top is not None and row.id < row.top and not row.is_late:
                report.add(
                    Tampering.INSERTED, f"Row {row.id} was put among rows that were there before it.", row=row.id
                )
                continue
            report.unsealed += 1
            happened_at = _moment(row.happened_at)
            if happened_at and (report.unsealed_since is None or happened_at < report.unsealed_since):
                report.unsealed_since = happened_at
        after = rows[-1].id


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b""


def _moment(value: Any) -> datetime | None:
    plain = chain.plain_time(value)
    try:
        return datetime.fromisoformat(plain)
    except (TypeError, ValueError):
        return None
