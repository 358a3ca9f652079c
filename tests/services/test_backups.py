"""Everything in one file, and everything back from it, on both engines."""

from __future__ import annotations

import json
import os
import secrets
import stat
import threading
import zipfile
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, make_url, select, text, update
from sqlalchemy.exc import ProgrammingError

from tests import factories
from tests.app import owner_of
from tests.desk import Desk
from tests.s3_twin import S3Twin
from tests.servers import postgres_programs
from tests.services.test_files import PDF, picture
from vendors.sandbox import Twin
from warranty import db
from warranty.domain.access import OPERATOR
from warranty.domain.terms import Role
from warranty.models import ApiToken, AuditRow, Client, Fault, IdempotencyKey, Outbox, StoredVerdict, User
from warranty.models.work import OrderKind
from warranty.runtime import Runtime
from warranty.services import audit, backups, dumps, files, keys, work
from warranty.services.backups import CannotBackUp, CannotRestore
from warranty.services.files import Upload
from warranty.services.moves import Because
from warranty.store import ContentGone, StoreUnavailable, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Databases
    from warranty.config import Settings


@pytest.fixture
def twin() -> Iterator[Twin]:
    with Twin() as running:
        yield running


@pytest.fixture
def settings(runtime: Runtime, tmp_path: Path, postgres_databases: Databases) -> Settings:
    return settings_of(runtime, tmp_path, postgres_databases)


def settings_of(runtime: Runtime, folder: Path, databases: Databases) -> Settings:
    """Those of the command: it comes to PostgreSQL as the tables' owner, and finds its programs."""
    given = replace(runtime.settings, files_url=(folder / "files").as_uri())
    if runtime.database.is_sqlite:
        return given
    owner = databases.as_owner(runtime.database.url)
    return replace(given, migration_database_url=owner, postgresql_bin=postgres_programs())


@pytest.fixture
def desk(runtime: Runtime, settings: Settings, twin: Twin) -> Desk:
    return Desk(replace(runtime, settings=settings, store=open_store(settings.files_url)), twin)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "backup.zip"


def restore(desk: Desk, path: Path, settings: Settings | None = None, **options: Any) -> backups.Restored:
    """As the command does it, where nobody else has the database open."""
    desk.runtime.database.dispose()
    owner_of(desk.runtime.database).dispose()
    return backups.restore(settings or desk.runtime.settings, path, by="somebody", **{"force": True} | options)


def refuses(desk: Desk, path: Path, settings: Settings | None = None, **options: Any) -> str:
    """Why a backup is not restored; nothing has changed."""
    with pytest.raises(CannotRestore) as caught:
        restore(desk, path, settings, **options)
    assert desk.fault().symptom == "After."
    return str(caught.value)


def a_day_later(desk: Desk, path: Path) -> backups.Backup:
    """A fault is reported, everything is backed up, and then the fault changes."""
    desk.report(symptom="Before.")
    made = backups.make(desk.runtime.settings, path)
    with desk.session() as session:
        session.execute(update(Fault).values(symptom="After."))
    return made


def add_file(desk: Desk, content: bytes, name: str) -> Any:
    return files.take(desk.runtime, OPERATOR, desk.fault(), Upload(content, name), now=datetime.now(UTC))


def content_of(desk: Desk, key: str) -> bytes:
    return b"".join(desk.runtime.store.get(key))


def rewritten(path: Path, change: Any) -> Path:
    """A copy of a backup in which `change` has changed the members: names to contents."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    copy = path.with_name("changed.zip")
    with zipfile.ZipFile(copy, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return copy


def with_manifest(path: Path, **changes: Any) -> Path:
    def change(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps(json.loads(members["manifest.json"]) | changes).encode()

    return rewritten(path, change)


# --- what is in it ---


def test_what_is_backed_up_stands_again_as_it_was(desk: Desk, path: Path) -> None:
    made = a_day_later(desk, path)
    with desk.session() as session:
        factories.make_client(session)

    done = restore(desk, path)

    assert done.backup.digest == made.digest
    assert desk.fault().symptom == "Before."
    with desk.session() as session:
        assert session.scalar(select(func.count()).select_from(Client)) == 1
    assert db.schema_faults(desk.runtime.settings.migration_database_url) == []


def test_what_is_restored_goes_on_as_before(desk: Desk, path: Path) -> None:
    """Keys count on, walls stand, and the users of the product have their rights."""
    a_day_later(desk, path)
    restore(desk, path)

    with desk.session() as session:
        client = factories.make_client(session)
    assert client.id == desk.client_key + 1
    with desk.runtime.database.read(db.Scope(client.id)) as session:
        assert session.scalars(select(Fault)).all() == []


@pytest.mark.parametrize("runtime", ["postgresql"], indirect=True)
def test_what_somebody_keeps_beside_the_product_is_neither_taken_nor_touched(desk: Desk, path: Path) -> None:
    owner = owner_of(desk.runtime.database)
    with owner.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA reports")
        connection.exec_driver_sql("CREATE TABLE reports.kept AS SELECT 1 AS number")
    a_day_later(desk, path)
    with owner.begin() as connection:
        connection.exec_driver_sql("UPDATE reports.kept SET number = 2")

    restore(desk, path)

    assert desk.fault().symptom == "Before."
    with owner.begin() as connection:
        assert connection.exec_driver_sql("SELECT number FROM reports.kept").scalar() == 2
        connection.exec_driver_sql("DROP SCHEMA reports CASCADE")


def test_files_come_back_with_their_thumbnails(desk: Desk, path: Path, tmp_path: Path) -> None:
    desk.report()
    photo, paper = picture(), PDF
    kept, removed = add_file(desk, photo, "photo.jpg"), add_file(desk, paper, "quote.pdf")
    with desk.session() as session:
        files.remove(session, session.merge(removed), Because(OPERATOR.actor, "Twice.", datetime.now(UTC)))
    small = content_of(desk, kept.key + files.SMALL)

    made = backups.make(desk.runtime.settings, path)

    assert made.contents == 2
    elsewhere = replace(desk.runtime.settings, files_url=(tmp_path / "elsewhere").as_uri())
    restore(desk, path, elsewhere)
    store = open_store(elsewhere.files_url)
    assert b"".join(store.get(kept.key)) == photo
    assert b"".join(store.get(kept.key + files.SMALL)) == small
    with pytest.raises(ContentGone):
        store.get(removed.key)


def test_a_bucket_is_backed_up_and_restored_like_a_folder(desk: Desk, path: Path) -> None:
    with S3Twin() as bucket:
        settings = replace(desk.runtime.settings, files_url=bucket.url("/files"))
        desk.runtime = replace(desk.runtime, settings=settings, store=open_store(settings.files_url))
        desk.report()
        kept = add_file(desk, PDF, "quote.pdf")
        assert backups.make(settings, path).contents == 1
        bucket.objects.clear()

        restore(desk, path)

        assert content_of(desk, kept.key) == PDF


def test_a_content_that_the_store_has_lost_is_named(desk: Desk, path: Path) -> None:
    desk.report()
    lost, kept = add_file(desk, PDF, "a.pdf"), add_file(desk, PDF + b"\n%%EOF\n", "b.pdf")
    desk.runtime.store.delete(lost.key)

    made = backups.make(desk.runtime.settings, path)

    assert made.manifest.missing == [lost.key]
    restore(desk, path)
    assert content_of(desk, kept.key) == PDF + b"\n%%EOF\n"


def test_large_contents_pass_in_pieces(desk: Desk, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but what one file may hold is ever in memory: the archive is given pieces."""
    desk.report()
    add_file(desk, PDF + b"%" * 5_000_000 + b"\n%%EOF\n", "large.pdf")
    written: list[int] = []
    write = zipfile._ZipWriteFile.write

    def counting(self: Any, piece: bytes) -> int:
        written.append(len(piece))
        return int(write(self, piece))

    monkeypatch.setattr(zipfile._ZipWriteFile, "write", counting)

    backups.make(desk.runtime.settings, path)

    assert sum(written) > 5_000_000
    assert max(written) <= 256 * 1024


def test_no_key_is_in_a_backup_and_its_owner_alone_may_read_it(desk: Desk, path: Path) -> None:
    desk.report()
    with desk.session() as session:
        audit.seal(session, desk.runtime.box)
    before = os.umask(0)
    try:
        made = backups.make(desk.runtime.settings, path)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    hidden = [*desk.runtime.settings.encryption_keys, desk.runtime.settings.secret_key]
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == sorted(["manifest.json", *made.manifest.members])
        for name in archive.namelist():
            content = archive.read(name)
            assert not any(secret.encode() in content for secret in hidden), name
    (fingerprint,) = made.manifest.keys
    assert fingerprint in desk.runtime.box.fingerprints


def test_a_backup_says_when_it_was_made_by_the_clock_of_the_database(desk: Desk, path: Path) -> None:
    with desk.session() as session:
        before = db.now(session)
    made = backups.make(desk.runtime.settings, path)
    with desk.session() as session:
        assert before <= made.manifest.at <= db.now(session)


def test_a_backup_that_is_made_while_everybody_reports_is_of_one_moment(desk: Desk, path: Path) -> None:
    """Each fault in it has its verdict and its order, and each row in the register its fault."""
    stop, reported = threading.Event(), threading.Event()

    def report() -> None:
        while not stop.is_set():
            with suppress(db.DatabaseUnavailable):  # SQLite: somebody else wrote for too long
                Desk(desk.runtime, desk.twin).report()
                reported.set()

    writers = [threading.Thread(target=report) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        assert reported.wait(60)
        backups.make(desk.runtime.settings, path)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    with desk.session() as session:
        later = session.scalar(select(func.count()).select_from(Fault))

    restore(desk, path)

    with desk.session() as session:
        faults = set(session.scalars(select(Fault.id)))
        assert 1 <= len(faults) <= (later or 0)
        assert set(session.scalars(select(StoredVerdict.fault_id))) == faults
        assert set(session.scalars(select(Outbox.fault_id).where(Outbox.kind == OrderKind.SEND_RMA))) == faults
        assert set(session.scalars(select(AuditRow.fault_id).where(AuditRow.fault_id.is_not(None)))) == faults


# --- where it is written ---


def test_no_backup_is_overwritten_unless_that_is_said(desk: Desk, path: Path) -> None:
    path.write_bytes(b"the one of yesterday")

    with pytest.raises(CannotBackUp, match="is there already: choose another name, or pass --force"):
        backups.make(desk.runtime.settings, path)

    assert path.read_bytes() == b"the one of yesterday"
    backups.make(desk.runtime.settings, path, force=True)
    assert zipfile.is_zipfile(path)
    assert list(path.parent.iterdir()) == [path]


def test_a_backup_that_cannot_be_written_leaves_nothing(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(CannotBackUp, match="cannot be written: No such file or directory"):
        backups.make(desk.runtime.settings, tmp_path / "nowhere" / "backup.zip")


def test_a_store_that_does_not_answer_leaves_no_half_backup(desk: Desk, path: Path) -> None:
    desk.report()
    with S3Twin() as bucket:
        settings = replace(desk.runtime.settings, files_url=bucket.url())
        desk.runtime = replace(desk.runtime, store=open_store(settings.files_url))
        add_file(desk, PDF, "a.pdf")
        bucket.refuses = 403
        with pytest.raises(StoreUnavailable):
            backups.make(settings, path)
    assert list(path.parent.iterdir()) == []


def test_two_backups_are_not_written_to_one_file_at_a_time(desk: Desk, path: Path) -> None:
    refused: list[str] = []

    def meanwhile(_about: str, _total: int) -> Any:
        with pytest.raises(CannotBackUp) as caught:
            backups.make(desk.runtime.settings, path)
        refused.append(str(caught.value))
        return nullcontext(lambda _done: None)

    backups.make(desk.runtime.settings, path, progress=meanwhile)

    assert set(refused) == {f"Another backup is being written to {path}.part."}
    assert zipfile.is_zipfile(path)


def test_the_programs_of_postgresql_are_asked_for_where_they_are_missing(
    kept_postgresql: Runtime, path: Path, tmp_path: Path, postgres_databases: Databases
) -> None:
    settings = replace(settings_of(kept_postgresql, tmp_path, postgres_databases), postgresql_bin=tmp_path)
    with pytest.raises(CannotBackUp, match=r"pg_dump is not in .* install PostgreSQL's client programs"):
        backups.make(settings, path)

    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n")
    old.chmod(0o755)
    with pytest.raises(CannotBackUp, match=r"is of version 9, and \d+ or newer is needed: install"):
        backups.make(settings, path)


# --- what is refused ---


def test_what_is_no_backup_is_refused(desk: Desk, path: Path, tmp_path: Path) -> None:
    a_day_later(desk, path)
    (tmp_path / "text").write_text("no backup")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("a.txt", "a")
    whole = path.read_bytes()
    (tmp_path / "broken.zip").write_bytes(whole[: len(whole) // 2])

    assert "cannot be read: No such file or directory" in refuses(desk, tmp_path / "missing")
    assert "is no backup, or was broken off or damaged" in refuses(desk, tmp_path / "text")
    assert "is no backup of this product" in refuses(desk, tmp_path / "other.zip")
    assert "is no backup, or was broken off or damaged" in refuses(desk, tmp_path / "broken.zip")


def test_every_damaged_content_is_found_before_anything_is_touched(desk: Desk, path: Path) -> None:
    desk.report(symptom="After.")
    add_file(desk, PDF, "a.pdf")
    made = backups.make(desk.runtime.settings, path)
    whole = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        places = {info.filename: info.header_offset + 30 + len(info.filename) + 40 for info in archive.infolist()}
    damaged = path.with_name("damaged.zip")
    for name in made.manifest.members:
        changed = whole.copy()
        changed[places[name]] ^= 0xFF
        damaged.write_bytes(changed)
        assert "damaged" in refuses(desk, damaged)


def test_a_content_that_was_exchanged_added_or_taken_out_is_found(desk: Desk, path: Path) -> None:
    desk.report(symptom="After.")
    file = add_file(desk, PDF, "a.pdf")
    backups.make(desk.runtime.settings, path)
    name = f"files/{file.key}"

    exchanged = refuses(desk, rewritten(path, lambda members: members.update({name: b"other"})))
    added = refuses(desk, rewritten(path, lambda members: members.update({"files/" + "0" * 32: b"more"})))
    taken = refuses(desk, rewritten(path, lambda members: members.pop(name)))

    assert f"damaged: {name} is not what it was" in exchanged
    assert "damaged: it does not hold what its manifest says" in added
    assert "damaged: it does not hold what its manifest says" in taken


def test_no_name_in_a_backup_leads_out_of_the_store(desk: Desk, path: Path) -> None:
    made = a_day_later(desk, path)
    database = next(iter(made.manifest.members))
    member = {"sha256": "0" * 64, "size": 1}
    for name in ("files/../../outside", "files//etc/passwd", "../outside"):
        members = {database: member, name: member}
        assert "its manifest names what no backup holds" in refuses(desk, with_manifest(path, members=members))


@pytest.mark.parametrize("changes", [{"at": "yesterday"}, {"members": []}, {"engine": "other"}, {"surprise": 1}])
def test_a_manifest_that_cannot_be_read_is_damaged(desk: Desk, path: Path, changes: dict[str, Any]) -> None:
    a_day_later(desk, path)
    assert "damaged: its manifest" in refuses(desk, with_manifest(path, **changes))


def test_a_backup_of_a_newer_version_is_refused(desk: Desk, path: Path) -> None:
    a_day_later(desk, path)
    assert "with schema 9999, which this version" in refuses(desk, with_manifest(path, revision="9999", product="9.9"))
    assert "was made by version 9.9 of the program" in refuses(desk, with_manifest(path, form=2, product="9.9"))


def test_a_backup_goes_back_into_its_own_engine(desk: Desk, path: Path, tmp_path: Path) -> None:
    a_day_later(desk, path)
    here = desk.runtime.settings
    other = "postgresql+psycopg://nobody@127.0.0.1:9/none"
    if not desk.runtime.database.is_sqlite:
        other = f"sqlite:///{tmp_path}/other.sqlite3"
    settings = replace(here, database_url=other, worker_database_url=other, migration_database_url=other)

    assert "a backup goes back into its own engine" in refuses(desk, path, settings)


def test_a_backup_of_a_newer_server_is_refused(
    kept_postgresql: Runtime, path: Path, tmp_path: Path, postgres_databases: Databases
) -> None:
    settings = settings_of(kept_postgresql, tmp_path, postgres_databases)
    with pytest.raises(dumps.CannotLoad, match=r"of version \d+, and 99 or newer is needed"):
        dumps.check(settings, dumps.POSTGRESQL, 99)
    tool = tmp_path / "pg_restore"
    tool.write_text("#!/bin/sh\necho 'pg_restore (PostgreSQL) 99.1'\n")
    tool.chmod(0o755)
    with pytest.raises(dumps.CannotLoad, match=r"The backup is of PostgreSQL 99, and the server is of \d+"):
        dumps.check(replace(settings, postgresql_bin=tmp_path), dumps.POSTGRESQL, 99)


def test_other_encryption_keys_are_refused_by_their_fingerprints_and_by_what_they_open(desk: Desk, path: Path) -> None:
    a_day_later(desk, path)
    other = replace(desk.runtime.settings, encryption_keys=(Fernet.generate_key().decode(),))
    said = "WARRANTY_ENCRYPTION_KEYS does not open the secrets"

    assert said in refuses(desk, path, other)
    assert said in refuses(desk, with_manifest(path, keys=[]), other)

    in_front = replace(other, encryption_keys=(*other.encryption_keys, *desk.runtime.settings.encryption_keys))
    restore(desk, path, in_front)
    assert desk.fault().symptom == "Before."


def test_secrets_that_were_lost_before_the_backup_keep_nobody_from_restoring_it(desk: Desk, path: Path) -> None:
    lost = Fernet.generate_key().decode()
    sealed = backups.SecretBox([lost]).seal({"password": "lost"})
    desk.change_account(secrets=sealed)
    made = a_day_later(desk, path)
    assert (made.manifest.unreadable, made.manifest.keys) == (1, [])

    restore(desk, path)

    with desk.session() as session:
        assert len(keys.standing(session, desk.runtime.box).lost) == 1


def test_what_is_not_empty_is_kept_unless_that_is_said(desk: Desk, path: Path) -> None:
    a_day_later(desk, path)
    assert "The database is not empty" in refuses(desk, path, force=False)


def test_an_empty_database_is_restored_into_without_more_words(desk: Desk, path: Path, settings: Settings) -> None:
    a_day_later(desk, path)
    target = Path(str(desk.runtime.database.engine.url.database))
    if not desk.runtime.database.is_sqlite:
        with owner_of(desk.runtime.database).begin() as connection:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for table in reversed(db.Base.metadata.sorted_tables):
                connection.exec_driver_sql(f"DELETE FROM {table.name}")
    else:
        desk.runtime.database.dispose()
        target.unlink()

    restore(desk, path, force=False)

    assert desk.fault().symptom == "Before."


def test_nothing_is_restored_under_the_feet_of_a_process(desk: Desk, path: Path) -> None:
    a_day_later(desk, path)
    desk.runtime.database.dispose()
    owner_of(desk.runtime.database).dispose()

    with desk.runtime.database.engine.connect() as process:
        process.exec_driver_sql("SELECT 1")
        process.rollback()
        with pytest.raises(CannotRestore, match=r"in use .* stop `warranty up`, or web, workers and relay"):
            backups.restore(desk.runtime.settings, path, by="somebody", force=True)

    assert desk.fault().symptom == "After."


def test_a_backup_of_an_older_schema_is_brought_up(
    new_runtime: Runtime, twin: Twin, path: Path, tmp_path: Path, postgres_databases: Databases
) -> None:
    settings = settings_of(new_runtime, tmp_path, postgres_databases)
    desk = Desk(replace(new_runtime, settings=settings, store=open_store(settings.files_url)), twin)
    desk.report(symptom="Before.")
    new_runtime.database.dispose()
    owner_of(new_runtime.database).dispose()
    db.downgrade(settings.migration_database_url, "0015")
    assert backups.make(settings, path).manifest.revision == "0015"

    restore(desk, path)

    assert desk.fault().symptom == "Before."
    assert db.schema_faults(settings.migration_database_url) == []


def test_a_backup_goes_into_a_database_of_a_newer_schema(desk: Desk, path: Path) -> None:
    """What the newer schema has more of is gone: nothing of it holds up the older one."""
    a_day_later(desk, path)
    with owner_of(desk.runtime.database).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE newer (fault_id bigint REFERENCES fault (id))")

    restore(desk, path)

    assert desk.fault().symptom == "Before."
    with owner_of(desk.runtime.database).connect() as connection:
        assert not connection.dialect.has_table(connection, "newer")


def test_three_users_of_whom_none_is_above_the_walls_are_enough_on_postgresql(
    postgres_databases: Databases, kept_postgresql: Runtime, twin: Twin, path: Path, tmp_path: Path
) -> None:
    """As docs/operate.md makes them: the owner dumps everybody's rows, and the other two have their rights again."""
    marks = secrets.token_hex(4)
    names = [f"{name}_{marks}" for name in ("owner", "app", "worker")]
    database = f"warranty_test_{marks}"
    with postgres_databases.administer() as connection:
        for name in names:
            connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret'")
        connection.execute(f"CREATE DATABASE {database} OWNER {names[0]}")
    here = make_url(postgres_databases.as_owner(f"postgresql:///{database}"))
    owner, app, worker = (
        here.set(username=name, password="secret").render_as_string(hide_password=False) for name in names
    )
    settings = replace(
        settings_of(kept_postgresql, tmp_path, postgres_databases),
        database_url=app,
        worker_database_url=worker,
        migration_database_url=owner,
    )
    db.upgrade(owner, app_url=app, worker_url=worker)
    runtime = Runtime.of(settings)
    desk = Desk(runtime, twin)
    try:
        a_day_later(desk, path)

        backups_restored = restore(desk, path)

        assert backups_restored.after.searched == 1
        assert desk.fault().symptom == "Before."
        assert db.schema_faults(owner) == []
        with runtime.database.read(db.Scope(desk.client_key + 1)) as session:
            assert session.execute(text("SELECT count(*) FROM fault")).scalar_one() == 0
        working = Runtime.of(settings, database_url=worker)
        with pytest.raises(ProgrammingError, match="permission denied"), working.database.read(db.EVERYBODY) as session:
            session.scalars(select(ApiToken)).all()
        working.database.dispose()
    finally:
        runtime.database.dispose()
        with postgres_databases.administer() as connection:
            connection.execute(f"DROP DATABASE {database} WITH (FORCE)")
            for name in names:
                connection.execute(f"DROP ROLE {name}")


# --- what follows ---


def test_what_tells_a_vendor_something_is_searched_for_before_it_is_sent(desk: Desk, path: Path) -> None:
    """As first tried when the backup was made, so that no key of it is taken for younger than it may be."""
    desk.report()
    made = backups.make(desk.runtime.settings, path)
    with desk.session() as session:
        assert work.claim(session, desk.order(OrderKind.SEND_RMA).id, lease_s=600) is not None

    done = restore(desk, path)

    order = desk.order(OrderKind.SEND_RMA)
    assert done.after.searched == 1
    assert order.last_send == done.after.at
    assert order.first_claimed_at == made.manifest.at
    assert order.waited_s == pytest.approx((done.after.at - made.manifest.at).total_seconds())
    assert (order.lease_until, order.enqueued_at) == (None, None)
    assert order.token >= 1_000_000


def test_everybody_signs_in_anew_and_repeated_requests_get_their_answer(desk: Desk, path: Path) -> None:
    with desk.session() as session:
        user = factories.make_user(session, Role.TECHNICIAN)
        session.add(
            IdempotencyKey(
                user_id=user.id, key="k", body_digest="d", status=201, answer="{}", created_at=datetime.now(UTC)
            )
        )
    desk.report()
    backups.make(desk.runtime.settings, path)

    done = restore(desk, path)

    with desk.session() as session:
        assert session.get_one(User, user.id).session_epoch != user.session_epoch
        assert session.scalars(select(IdempotencyKey.key)).all() == ["k"]
        assert done.after.tokens == len(session.scalars(select(ApiToken)).all())


def test_the_register_tells_of_the_restore_and_is_whole(desk: Desk, path: Path) -> None:
    made = a_day_later(desk, path)
    restore(desk, path)
    with desk.session() as session:
        audit.seal(session, desk.runtime.box)

    report = audit.verify(desk.runtime)

    assert report.is_whole
    (told,) = report.restores
    assert (told.by, told.digest, told.backup_at) == ("somebody", made.digest, made.manifest.at.isoformat())


def anchored(desk: Desk, folder: Path) -> None:
    with desk.session() as session:
        audit.seal(session, desk.runtime.box)
    audit.anchor(replace(desk.runtime, settings=replace(desk.runtime.settings, audit_anchor=str(folder))))


def test_anchors_that_are_ahead_of_a_restored_register_are_explained_by_the_restore(
    desk: Desk, path: Path, tmp_path: Path
) -> None:
    desk.report()
    anchored(desk, tmp_path / "anchors")
    backups.make(desk.runtime.settings, path)
    Desk(desk.runtime, desk.twin).report()
    anchored(desk, tmp_path / "anchors")
    restore(desk, path)
    anchored(desk, tmp_path / "anchors")

    report = audit.verify(desk.runtime, audit.read_anchors(tmp_path / "anchors"))

    assert report.is_whole, report.findings
    (told,) = report.restores
    assert len(told.taken_back) == 1
    assert "are ahead of it, since they were made before" in told.said


def test_an_end_that_is_cut_off_after_a_restore_is_still_found(desk: Desk, path: Path, tmp_path: Path) -> None:
    desk.report()
    anchored(desk, tmp_path / "anchors")
    backups.make(desk.runtime.settings, path)
    restore(desk, path)
    Desk(desk.runtime, desk.twin).report()
    anchored(desk, tmp_path / "anchors")
    with owner_of(desk.runtime.database).begin() as connection:
        last = connection.exec_driver_sql("SELECT max(place) FROM audit_seal").scalar_one()
        if desk.runtime.database.is_sqlite:
            for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql(f"DELETE FROM audit_seal WHERE place = {last}")

    report = audit.verify(desk.runtime, audit.read_anchors(tmp_path / "anchors"))

    assert audit.Tampering.CUT in {finding.tampering for finding in report.findings}


def test_a_copy_to_practise_on_tells_nobody_anything(desk: Desk, path: Path, tmp_path: Path) -> None:
    a_day_later(desk, path)
    own = replace(desk.runtime.settings, files_url=(tmp_path / "drill").as_uri())
    told = replace(own, smtp_url="smtp://localhost:25", audit_anchor=str(tmp_path / "anchors"))
    assert (
        refuses(desk, path, told, drill=True) == "A drill tells nobody anything: unset SMTP_URL, WARRANTY_AUDIT_ANCHOR."
    )
    open_store(own.files_url).put("0" * 32, b"of the real one")
    assert "A drill wants a store of files of its own, empty at first" in refuses(desk, path, own, drill=True)
    open_store(own.files_url).delete("0" * 32)

    restore(desk, path, own, drill=True)

    assert desk.account().switched_off_at is not None
    with desk.session() as session:
        assert set(session.scalars(select(Client.sends_mail))) == {False}
    desk.let_pass(60)
    desk.perform(OrderKind.SEND_RMA)
    assert desk.twin is not None
    assert desk.calls() == []
