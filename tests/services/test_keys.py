"""Encryption keys change: everything that is sealed goes under the new one, whatever happens meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select, update

from tests import factories
from warranty import db
from warranty.crypto import CannotDecrypt, SecretBox
from warranty.models import AuditRow, VendorAccount
from warranty.services import accounts, audit, keys
from warranty.services.moves import Because

if TYPE_CHECKING:
    from warranty.runtime import Runtime

NEW, LOST = "N" * 43 + "=", "L" * 43 + "="
BECAUSE = Because("user:1", "rotated", factories.NOW)


def with_new_key(runtime: Runtime) -> Runtime:
    """The same installation with a new key in front."""
    return replace(runtime, box=SecretBox([NEW, *runtime.settings.encryption_keys]))


def with_new_key_alone(runtime: Runtime) -> Runtime:
    """The same installation once the old key was taken out."""
    return replace(runtime, box=SecretBox([NEW]))


def make_account(runtime: Runtime) -> int:
    """An account with an access token; its key."""
    with runtime.database.begin(db.EVERYBODY) as session:
        made = factories.make_account(session, runtime)
    accounts.Tokens(runtime, made.id).put("token-1", datetime(2030, 1, 1, tzinfo=UTC))
    return made.id


def seal_register(runtime: Runtime) -> None:
    with runtime.database.begin(db.EVERYBODY) as session:
        audit.seal(session, runtime.box)


def rotate(runtime: Runtime, **how: Any) -> int:
    rotating = with_new_key(runtime)
    return keys.rotate(rotating.database, rotating.box, BECAUSE, **how)


def standing(runtime: Runtime) -> keys.Standing:
    with runtime.database.read(db.EVERYBODY) as session:
        return keys.standing(session, runtime.box)


def test_everything_sealed_opens_without_the_old_key_and_the_register_says_so(runtime: Runtime) -> None:
    account = make_account(runtime)
    seal_register(runtime)
    assert standing(with_new_key(runtime)) == keys.Standing(kept=3, old=3, lost=())

    assert rotate(runtime) == 3

    after = with_new_key_alone(runtime)
    assert standing(after) == keys.Standing(kept=3, old=0, lost=())
    assert accounts.Tokens(after, account).get() == ("token-1", datetime(2030, 1, 1, tzinfo=UTC))
    seal_register(after)
    assert audit.verify(after).is_whole
    with runtime.database.read(db.EVERYBODY) as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "reseal").order_by(AuditRow.record)).all()
    assert [(row.record, row.detail) for row in rows] == [
        ("audit_chain", {"sealed_anew": ["secret"]}),
        ("vendor_account", {"sealed_anew": ["secrets", "tokens"]}),
    ]
    assert rotate(runtime) == 0


def test_a_rotation_that_was_cut_short_is_finished_by_the_next(runtime: Runtime) -> None:
    make_account(runtime)
    seal_register(runtime)

    def cut(_looked_at: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate(runtime, on_progress=cut)

    assert 0 < standing(with_new_key(runtime)).old < 3
    rotate(runtime)
    assert standing(with_new_key_alone(runtime)).old == 0


@pytest.mark.parametrize(
    "runtime", ["postgresql"], indirect=True
)  # nothing comes between on SQLite, which has one writer
def test_a_token_that_is_renewed_meanwhile_is_not_overwritten(runtime: Runtime) -> None:
    account = make_account(runtime)
    seen: list[str] = []

    @event.listens_for(runtime.database.engine, "before_cursor_execute")
    def renew(*called: Any) -> None:
        if called[2].startswith("UPDATE vendor_account SET secrets") and not seen:
            seen.append(called[2])
            accounts.Tokens(with_new_key(runtime), account).put("token-2", datetime(2031, 1, 1, tzinfo=UTC))

    resealed = rotate(runtime)

    event.remove(runtime.database.engine, "before_cursor_execute", renew)
    assert resealed == 1  # the account's secrets
    kept = accounts.Tokens(with_new_key_alone(runtime), account).get()
    assert kept == ("token-2", datetime(2031, 1, 1, tzinfo=UTC))


def test_a_secret_that_no_key_opens_is_named_and_nothing_is_written(runtime: Runtime) -> None:
    make_account(runtime)
    lost = make_account(runtime)
    with runtime.database.begin(db.EVERYBODY) as session:
        forgotten = SecretBox([LOST]).seal({"token": "x"})
        session.execute(update(VendorAccount).where(VendorAccount.id == lost).values(tokens=forgotten, name="Desk"))

    with pytest.raises(CannotDecrypt, match="opens the tokens of the vendor account Desk: add the key"):
        rotate(runtime)

    assert standing(with_new_key(runtime)).old == 3
