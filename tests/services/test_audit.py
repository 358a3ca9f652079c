"""The register proves what happened: rows are sealed, late ones too, and every kind of tampering is named with its row.

Whoever tampers here has all rights on the database: triggers are no obstacle to them.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DatabaseError

from tests import factories
from tests.app import owner_of
from tests.desk import let_pass
from tests.mail import Mailbox
from warranty import config, db, tasks
from warranty.models import AuditRow, Outbox, Person, User
from warranty.models.audit import AuditChain, AuditGap, Seal
from warranty.models.work import OrderStatus
from warranty.runtime import Runtime
from warranty.services import audit, estate, leases, moves, people
from warranty.services.audit import Tampering
from warranty.services.moves import Because

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.orm import Session


def write_rows(runtime: Runtime, count: int) -> None:
    """Some rows of the register, by a service that writes them."""
    with runtime.database.begin(db.EVERYBODY) as session:
        for _ in range(count):
            factories.make_client(session)


def write_one(session: Session) -> None:
    """One row, in a transaction that goes on."""
    factories.make_client(session)
    moves.write_down(session)


def seal(runtime: Runtime) -> int:
    with runtime.database.begin(db.EVERYBODY) as session:
        return audit.seal(session, runtime.box)


def sealed(runtime: Runtime, count: int = 10) -> Runtime:
    """A register of some rows, all sealed."""
    write_rows(runtime, count)
    seal(runtime)
    return runtime


def tamper(runtime: Runtime, *statements: str) -> None:
    """Write to the tables with every trigger switched off."""
    with owner_of(runtime.database).connect() as connection:
        if runtime.database.is_sqlite:
            names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
            for name in names:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.commit()


def found(runtime: Runtime, anchors: Any = ()) -> list[tuple[str, Any]]:
    return [(one.tampering, one.row) for one in audit.verify(runtime, anchors).findings]


def swap_rows(first: int, second: int) -> list[str]:
    """Let two rows trade all that they say."""
    return [
        f"CREATE TEMPORARY TABLE taken AS SELECT * FROM audit_row WHERE id IN ({first}, {second})",
        *(
            f"UPDATE audit_row SET {name} = (SELECT {name} FROM taken WHERE taken.id = {there}) WHERE id = {here}"
            for here, there in ((first, second), (second, first))
            for name in audit.FIELDS
        ),
        "DROP TABLE taken",
    ]


# --- sealing ---


def test_an_untouched_register_is_whole(runtime: Runtime) -> None:
    sealed(runtime)

    report = audit.verify(runtime)

    assert report.is_whole
    assert (report.sealed, report.unsealed, report.found) == (10, 0, 0)


def test_an_empty_register_is_whole(runtime: Runtime) -> None:
    assert seal(runtime) == 0
    assert audit.verify(runtime).is_whole


def test_rows_that_nobody_has_sealed_yet_are_counted_and_are_no_tampering(runtime: Runtime) -> None:
    sealed(runtime, 3)
    write_rows(runtime, 2)

    report = audit.verify(runtime)

    assert report.is_whole
    assert (report.sealed, report.unsealed, report.unsealed_since) == (3, 2, factories.NOW)


def test_sealing_again_goes_on_where_it_ended(runtime: Runtime) -> None:
    sealed(runtime, 3)
    sealed(runtime, 4)

    assert seal(runtime) == 0
    report = audit.verify(runtime)
    assert (report.is_whole, report.sealed) == (True, 7)


def test_many_rows_are_sealed_in_batches(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "BATCH", 4)
    monkeypatch.setattr(audit, "READ_AT_ONCE", 3)
    write_rows(runtime, 10)

    audit.keep_sealed(runtime)

    report = audit.verify(runtime)
    assert (report.is_whole, report.sealed, report.unsealed) == (True, 10, 0)


def test_a_turn_of_the_relay_seals_once_in_its_rhythm(runtime: Runtime) -> None:
    write_rows(runtime, 1)
    audit.keep_sealed(runtime)
    write_rows(runtime, 1)
    audit.keep_sealed(runtime)
    assert audit.verify(runtime).unsealed == 1

    with runtime.database.begin(db.EVERYBODY) as session:
        leases.rest(session, audit.SEALER, -1)
    audit.keep_sealed(runtime)
    assert audit.verify(runtime).unsealed == 0


def test_a_relay_without_the_key_goes_on_and_seals_nothing(runtime: Runtime) -> None:
    sealed(runtime, 2)
    tamper(runtime, "DELETE FROM audit_chain")
    write_rows(runtime, 1)

    audit.keep_sealed(runtime)

    report = audit.verify(runtime)
    assert [one.tampering for one in report.findings] == [Tampering.KEYLESS]
    with runtime.database.read(db.EVERYBODY) as session:
        assert session.scalar(select(func.count()).select_from(Seal)) == 2


def test_two_sealers_at_once_make_one_chain(runtime: Runtime) -> None:
    sealed(runtime, 1)  # so that there is a chain to wait for
    write_rows(runtime, 5)
    together = threading.Barrier(2)
    counts: list[int] = []

    def run() -> None:
        together.wait()
        counts.append(seal(runtime))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(counts) == [0, 5]
    assert audit.verify(runtime).is_whole


def test_a_row_that_is_committed_late_with_a_lower_number_is_sealed_too(runtime: Runtime) -> None:
    if runtime.database.is_sqlite:
        # One writer at a time: nothing can be overtaken, so no number is kept in mind.
        sealed(runtime, 2)
        assert gaps(runtime) == []
        return
    with runtime.database.begin(db.EVERYBODY) as slow:
        for _ in range(3):
            write_one(slow)
        overtaken = max(slow.scalars(select(AuditRow.id)))
        sealed(runtime, 2)
        assert gaps(runtime) == [(overtaken - 2, overtaken)]
        assert audit.verify(runtime).sealed == 2
    assert seal(runtime) == 3

    assert gaps(runtime) == []
    report = audit.verify(runtime)
    assert (report.is_whole, report.sealed, report.unsealed) == (True, 5, 0)


def gaps(runtime: Runtime) -> list[tuple[int, int]]:
    with runtime.database.read(db.EVERYBODY) as session:
        return [(gap.low, gap.high) for gap in session.scalars(select(AuditGap).order_by(AuditGap.low))]


def test_late_rows_come_out_of_their_gaps_one_by_one(runtime: Runtime) -> None:
    if runtime.database.is_sqlite:
        assert gaps(runtime) == []
        return
    tamper(runtime, "ALTER SEQUENCE audit_row_id_seq RESTART WITH 11")
    sealed(runtime, 1)
    assert gaps(runtime) == [(1, 10)]
    copy = "INSERT INTO audit_row (id, at, actor, action, record, record_id, reason) SELECT {}, at, actor, action, record, record_id, reason FROM audit_row WHERE id = 11"

    tamper(runtime, copy.format(4), copy.format(10))
    assert seal(runtime) == 2
    assert gaps(runtime) == [(1, 3), (5, 9)]

    tamper(runtime, copy.format(1))
    assert seal(runtime) == 1
    assert gaps(runtime) == [(2, 3), (5, 9)]
    assert audit.verify(runtime).is_whole


def test_a_gap_is_forgotten_when_no_transaction_can_fill_it_any_more(runtime: Runtime) -> None:
    if runtime.database.is_sqlite:
        assert gaps(runtime) == []
        return
    with runtime.database.begin(db.EVERYBODY) as session:
        write_one(session)
        session.rollback()
    with runtime.database.begin(db.EVERYBODY) as other:
        write_one(other)  # a transaction that has written, so it might hold a number
        sealed(runtime, 1)
        grow_old(runtime)
        seal(runtime)
        seal(runtime)
        assert len(gaps(runtime)) == 1
    seal(runtime)  # seals the row of ``other``
    seal(runtime)

    assert gaps(runtime) == []
    assert audit.verify(runtime).is_whole


def grow_old(runtime: Runtime) -> None:
    """Let the time go by that a transaction has to get its number."""
    tamper(runtime, "UPDATE audit_gap SET noticed_at = noticed_at - interval '1 minute'")


# --- tampering ---


@pytest.mark.parametrize(
    "change",
    [
        "reason = 'a better one'",
        "actor = 'user:99'",
        "at = '2020-01-01 00:00:00'",
        "client_id = NULL",
        "old_state = 'reported'",
        "detail = '{\"price\": 1}'",
    ],
)
def test_an_edited_row_is_named(runtime: Runtime, change: str) -> None:
    sealed(runtime)

    tamper(runtime, f"UPDATE audit_row SET {change} WHERE id = 4")

    assert found(runtime) == [(Tampering.EDITED, 4)]


def test_values_that_no_column_should_hold_are_named_as_edits(runtime: Runtime) -> None:
    sealed(runtime)
    if not runtime.database.is_sqlite:  # whose columns hold nothing else
        tamper(runtime, "UPDATE audit_row SET detail = '[[[]]]' WHERE id = 2")
        assert found(runtime) == [(Tampering.EDITED, 2)]
        return
    tamper(
        runtime,
        "UPDATE audit_row SET at = 'never' WHERE id = 2",
        "UPDATE audit_row SET detail = '{' WHERE id = 3",
        "UPDATE audit_row SET reason = x'ff00' WHERE id = 4",
        f"UPDATE audit_row SET detail = '{'[' * 100_000}' WHERE id = 5",
        "UPDATE audit_seal SET mac = 'short' WHERE place = 7",
        "UPDATE audit_seal SET sealed_at = 'never' WHERE place = 9",
    )

    assert found(runtime) == [
        (Tampering.EDITED, 2),
        (Tampering.EDITED, 3),
        (Tampering.EDITED, 4),
        (Tampering.EDITED, 5),
        (Tampering.REORDERED, 7),
        (Tampering.REORDERED, 9),
    ]


@pytest.mark.parametrize("row", [1, 5, 10])
def test_a_deleted_row_is_named(runtime: Runtime, row: int) -> None:
    sealed(runtime)

    tamper(runtime, f"DELETE FROM audit_row WHERE id = {row}")

    assert found(runtime) == [(Tampering.DELETED, row)]


def test_a_row_that_was_deleted_with_its_seal_leaves_a_hole(runtime: Runtime) -> None:
    sealed(runtime)

    tamper(runtime, "DELETE FROM audit_row WHERE id IN (4, 5)", "DELETE FROM audit_seal WHERE row_id IN (4, 5)")

    (finding,) = audit.verify(runtime).findings
    assert (finding.tampering, finding.place) == (Tampering.UNSEALED, 4)
    assert finding.said == "The seals of places 4 to 5 are gone."


def test_a_hole_that_was_closed_by_moving_the_rest_up_is_found(runtime: Runtime) -> None:
    sealed(runtime)

    tamper(
        runtime,
        "DELETE FROM audit_row WHERE id = 4",
        "DELETE FROM audit_seal WHERE row_id = 4",
        *(f"UPDATE audit_seal SET place = {place - 1} WHERE place = {place}" for place in range(5, 11)),
    )

    assert found(runtime) == [(Tampering.REORDERED, row) for row in range(5, 11)]


def test_rows_that_traded_places_are_named(runtime: Runtime) -> None:
    sealed(runtime)

    tamper(runtime, *swap_rows(3, 7))

    assert found(runtime) == [(Tampering.REORDERED, 3), (Tampering.REORDERED, 7)]


def test_seals_that_traded_places_are_named_and_nothing_after_them(runtime: Runtime) -> None:
    sealed(runtime)

    tamper(
        runtime,
        "UPDATE audit_seal SET place = -3 WHERE place = 3",
        "UPDATE audit_seal SET place = 3 WHERE place = 4",
        "UPDATE audit_seal SET place = 4 WHERE place = -3",
    )

    assert found(runtime) == [(Tampering.REORDERED, 4), (Tampering.REORDERED, 3)]


def test_a_seal_that_was_forged_is_named_and_nothing_after_it(runtime: Runtime) -> None:
    sealed(runtime)

    tamper(runtime, "UPDATE audit_seal SET mac = digest WHERE place = 4")

    assert found(runtime) == [(Tampering.REORDERED, 4)]


def test_a_row_that_was_put_in_with_a_seal_of_its_own_is_named(runtime: Runtime) -> None:
    sealed(runtime)

    tamper(
        runtime,
        copy_of_row(3, 11),
        "INSERT INTO audit_seal (place, row_id, digest, mac, sealed_at) SELECT 11, 11, digest, mac, sealed_at FROM audit_seal WHERE place = 10",
    )

    assert found(runtime) == [(Tampering.EDITED, 11), (Tampering.REORDERED, 11)]


def copy_of_row(row: int, new: int) -> str:
    columns = ", ".join(audit.FIELDS)
    return f"INSERT INTO audit_row (id, {columns}) SELECT {new}, {columns} FROM audit_row WHERE id = {row}"


@pytest.mark.parametrize("row", [0, -7])
def test_a_row_that_was_put_before_others_is_named(runtime: Runtime, row: int) -> None:
    sealed(runtime)

    tamper(runtime, copy_of_row(3, row))
    seal(runtime)

    assert found(runtime) == [(Tampering.INSERTED, row)]


def test_a_row_that_was_smuggled_past_the_sealer_is_named_by_its_age(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed(runtime)
    tamper(
        runtime,
        copy_of_row(3, 0),
        "INSERT INTO audit_gap (low, high, noticed_at) SELECT 0, 0, at FROM audit_row WHERE id = 1",
    )
    assert seal(runtime) == 1
    assert audit.verify(runtime).is_whole  # it might have been a late commit

    monkeypatch.setattr(audit, "LATE", timedelta(0))

    assert found(runtime) == [(Tampering.INSERTED, 0)]


def test_seals_before_the_first_place_are_named(runtime: Runtime) -> None:
    sealed(runtime)

    tamper(runtime, "UPDATE audit_seal SET place = -1 WHERE place = 10")

    assert found(runtime) == [(Tampering.REORDERED, 10)]


def test_findings_are_counted_beyond_those_that_are_listed(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST_FINDINGS", 3)
    sealed(runtime)

    tamper(runtime, "UPDATE audit_row SET reason = 'other'")

    report = audit.verify(runtime)
    assert (report.found, len(report.findings)) == (10, 3)


def test_only_with_its_key_a_chain_can_be_verified(runtime: Runtime) -> None:
    sealed(runtime)
    with runtime.database.begin(db.EVERYBODY) as session:
        session.execute(update(AuditChain).values(secret=runtime.box.seal({"key": "00" * 32})))

    report = audit.verify(runtime)

    assert (report.is_whole, report.found) == (False, 20)  # no row and no seal is what another key would make of it


# --- anchors ---


@pytest.fixture
def anchored(environment: dict[str, str], tmp_path: Path, runtime: Runtime) -> Runtime:
    """A runtime that anchors in a folder."""
    settings = config.load(environment | {"WARRANTY_AUDIT_ANCHOR": str(tmp_path / "anchors")})
    return replace(runtime, settings=settings)


def anchors(runtime: Runtime) -> list[audit.Anchor]:
    folder = audit.anchor_folder(runtime.settings.audit_anchor)
    assert folder is not None
    return audit.read_anchors(folder)


def cut(runtime: Runtime, after: int) -> None:
    tamper(runtime, f"DELETE FROM audit_row WHERE id > {after}", f"DELETE FROM audit_seal WHERE row_id > {after}")


def test_a_cut_end_is_found_by_the_anchor_alone(anchored: Runtime) -> None:
    sealed(anchored)
    audit.anchor(anchored)
    cut(anchored, 6)

    assert audit.verify(anchored).is_whole
    (finding,) = audit.verify(anchored, anchors(anchored)).findings
    assert (finding.tampering, finding.place) == (Tampering.CUT, 6)


def test_an_end_that_grew_again_after_it_was_cut_is_not_the_one_that_was_anchored(anchored: Runtime) -> None:
    sealed(anchored)
    audit.anchor(anchored)
    cut(anchored, 6)
    sealed(anchored, 8)

    (finding,) = audit.verify(anchored, anchors(anchored)).findings
    assert (finding.tampering, finding.place) == (Tampering.REPLACED, 10)


def test_a_register_that_was_begun_anew_is_not_the_one_that_was_anchored(anchored: Runtime) -> None:
    sealed(anchored)
    audit.anchor(anchored)
    tamper(anchored, "DELETE FROM audit_row", "DELETE FROM audit_seal", "DELETE FROM audit_chain")
    sealed(anchored, 12)

    assert [kind for kind, _ in found(anchored, anchors(anchored))] == [Tampering.REPLACED]


def order_anchor(runtime: Runtime, *, is_due: bool = False) -> list[Outbox]:
    """A look of the relay; the orders that there are then."""
    with runtime.database.begin(db.EVERYBODY) as session:
        if is_due:
            leases.rest(session, audit.ANCHORER, -1)
        audit.order_anchor(session, runtime.settings)
        return list(session.scalars(select(Outbox).where(Outbox.name == audit.ANCHORER).order_by(Outbox.id)))


def test_the_head_is_anchored_once_an_hour_and_each_head_once(anchored: Runtime) -> None:
    assert order_anchor(anchored) == []  # nothing is sealed yet
    sealed(anchored, 2)
    (first,) = order_anchor(anchored)
    assert len(order_anchor(anchored, is_due=True)) == 1  # the first still waits

    tasks.perform(anchored, first.id)
    audit.anchor(anchored)
    assert [one.place for one in anchors(anchored)] == [2]

    sealed(anchored, 1)
    assert len(order_anchor(anchored)) == 1
    _, second = order_anchor(anchored, is_due=True)
    tasks.perform(anchored, second.id)
    assert [one.place for one in anchors(anchored)] == [2, 3]
    assert audit.verify(anchored, anchors(anchored)).is_whole


def test_without_a_place_for_it_no_anchor_is_ordered(runtime: Runtime) -> None:
    sealed(runtime, 1)

    assert order_anchor(runtime) == []
    with pytest.raises(audit.CannotAnchor, match="WARRANTY_AUDIT_ANCHOR is not set"):
        audit.anchor(runtime)


def test_a_folder_that_is_away_is_tried_again_after_a_minute(anchored: Runtime, tmp_path: Path) -> None:
    sealed(anchored, 1)
    (order,) = order_anchor(anchored)
    (tmp_path / "anchors").write_text("in the way")
    tasks.perform(anchored, order.id)
    (tmp_path / "anchors").unlink()
    tasks.perform(anchored, order.id)  # too early
    assert anchors(anchored) == []

    let_pass(anchored, 61)
    tasks.perform(anchored, order.id)

    assert [one.place for one in anchors(anchored)] == [1]


@pytest.fixture
def mailing(environment: dict[str, str], runtime: Runtime) -> Iterator[tuple[Runtime, Mailbox]]:
    """A runtime that anchors by mail, and the server that gets it."""
    with Mailbox() as mailbox:
        settings = environment | {"WARRANTY_AUDIT_ANCHOR": "audit@notary.example", "SMTP_URL": mailbox.url()}
        yield replace(runtime, settings=config.load(settings)), mailbox


def test_an_anchor_that_came_by_mail_is_compared_from_its_attachment(
    mailing: tuple[Runtime, Mailbox], tmp_path: Path
) -> None:
    runtime, mailbox = mailing
    sealed(runtime)
    (order,) = order_anchor(runtime)
    tasks.perform(runtime, order.id)
    cut(runtime, 6)

    (mail,) = mailbox.received
    assert mail.receivers == ["audit@notary.example"]
    (attached,) = mail.message.iter_attachments()
    (tmp_path / str(attached.get_filename())).write_bytes(attached.get_content())
    assert [kind for kind, _ in found(runtime, audit.read_anchors(tmp_path))] == [Tampering.CUT]


def test_a_mail_server_that_is_busy_is_tried_again(mailing: tuple[Runtime, Mailbox]) -> None:
    runtime, mailbox = mailing
    sealed(runtime)
    mailbox.on_data = "451 Come back later"
    (order,) = order_anchor(runtime)
    tasks.perform(runtime, order.id)
    mailbox.on_data = "250 OK"
    let_pass(runtime, 61)

    tasks.perform(runtime, order.id)

    first, second = (one.message["Message-ID"] for one in mailbox.received)
    assert first == second
    with runtime.database.read(db.EVERYBODY) as session:
        assert session.get_one(Outbox, order.id).status is OrderStatus.DONE


def test_a_mail_address_without_a_mail_server_is_said(runtime: Runtime, environment: dict[str, str]) -> None:
    ours = replace(runtime, settings=config.load(environment | {"WARRANTY_AUDIT_ANCHOR": "audit@notary.example"}))
    sealed(ours, 1)

    with pytest.raises(audit.CannotAnchor, match="SMTP_URL names no mail server"):
        audit.anchor(ours)


def test_what_is_no_anchor_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")

    with pytest.raises(audit.CannotAnchor, match=r"a\.json is no anchor"):
        audit.read_anchors(tmp_path)


# --- people ---


def test_the_register_names_nobody_and_outlives_the_erasing_of_everybody(runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        client = factories.make_client(session)
        user = factories.make_user(session, email="mia.de.vries@client.example")
        user.name = "Mia de Vries"
        factories.make_site(session, client)
        actor = people.principal_of(user).actor
        estate.add_client(session, name="New", because=Because(actor, "asked for", factories.NOW))
    seal(runtime)

    with runtime.database.begin(db.EVERYBODY) as session:
        said = [str({name: getattr(row, name) for name in audit.FIELDS}) for row in session.scalars(select(AuditRow))]
        session.execute(update(User).values(name="", email="erased@nobody.invalid"))
        session.execute(update(Person).values(name="", phone="", email=""))

    assert not [text for text in said if "Mia" in text or "mia" in text or "555 0101" in text]
    assert any(actor in text for text in said)
    assert audit.verify(runtime).is_whole


# --- the database's own refusal ---


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_seal SET place = 100 WHERE place = 1",
        "DELETE FROM audit_seal",
        "DELETE FROM audit_chain",
        "DELETE FROM audit_row",
        "TRUNCATE audit_row",
        "TRUNCATE audit_seal",
        "TRUNCATE audit_chain",
        "REPLACE INTO audit_row (id, at, actor, action, record, record_id, reason) VALUES (1, '', '', '', '', 1, '')",
        "REPLACE INTO audit_seal (place, row_id, digest, mac, sealed_at) VALUES (99, 1, '', '', '')",
    ],
)
def test_rows_and_seals_are_never_changed(runtime: Runtime, statement: str) -> None:
    only = {"TRUNCATE": "postgresql", "REPLACE": "sqlite"}.get(statement.split(maxsplit=1)[0], "")
    sealed(runtime, 3)

    refusal = "never changed" if only in {"", runtime.database.engine.dialect.name} else "syntax error"
    with pytest.raises(DatabaseError, match=refusal), owner_of(runtime.database).begin() as connection:
        connection.exec_driver_sql(statement)

    assert audit.verify(runtime).sealed == 3
