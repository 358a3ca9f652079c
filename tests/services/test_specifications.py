"""What was read of units is kept once, dated, without secrets."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests import factories
from warranty import db
from warranty.models import AuditRow, Snapshot, SnapshotKind
from warranty.services import specifications
from warranty.services.estate import Invalid

BECAUSE = factories.BECAUSE


def test_the_same_digest_twice_is_one_snapshot_and_each_change_is_another(database: db.Database) -> None:
    with database.begin(db.EVERYBODY) as session:
        unit = factories.make_asset(session, factories.make_client(session))
        first = specifications.record(session, unit, {"memory": "16 GiB", "uptime": 5}, BECAUSE)
        again = specifications.record(session, unit, b"memory;16384 MB\n", BECAUSE)
        less = specifications.record(session, unit, {"memory": "8 GiB"}, BECAUSE)
        back = specifications.record(session, unit, {"memory": "16 GiB"}, BECAUSE)
        text = "enable secret 5 $1$abc$defg\nhostname a\n"
        specifications.record(session, unit, text, BECAUSE, kind=SnapshotKind.CONFIGURATION)

        assert first is again
        assert [first.digest == back.digest, first.id == back.id, less.digest == back.digest] == [True, False, False]
        assert specifications.newest(session, SnapshotKind.SPECIFICATION, of=unit) is back
        kept = session.scalars(select(Snapshot).where(Snapshot.kind == SnapshotKind.CONFIGURATION)).one()
        assert (kept.redacted, kept.properties) == ("enable secret <removed>\nhostname a\n", {})

    with database.read(db.EVERYBODY) as session:
        notes = session.scalars(select(AuditRow).where(AuditRow.record == "snapshot")).all()
        assert [(note.action, note.reason) for note in notes] == [("add", BECAUSE.reason)] * 4


def test_what_cannot_be_read_leaves_nothing_behind(database: db.Database) -> None:
    with database.begin(db.EVERYBODY) as session:
        unit = factories.make_asset(session, factories.make_client(session))
        with pytest.raises(Invalid, match="nested deeper") as refused:
            specifications.record(session, unit, "[" * 1000, BECAUSE)
        with pytest.raises(Invalid, match="Send a specification, a configuration, or both"):
            specifications.record_all(session, unit, None, None, BECAUSE)

        assert refused.value.field == "specification"
        assert session.scalars(select(Snapshot)).all() == []
