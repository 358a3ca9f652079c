"""Users, passwords and tokens: what is taken, what is kept, and what is compared."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, text

from tests import factories
from tests.factories import BECAUSE, PASSWORD
from warranty import crypto, db
from warranty.domain.access import TokenScope
from warranty.domain.terms import CLIENT_ROLES, Role
from warranty.models import ApiToken, AuditRow, User
from warranty.services import people
from warranty.services.estate import Invalid

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def add(session: Session, **facts: Any) -> User:
    given: dict[str, Any] = {"email": "ada@msp.example", "role": Role.TECHNICIAN, "password": PASSWORD} | facts
    return people.add_user(session, because=BECAUSE, **given)


def test_a_user_signs_in_with_the_password_whatever_the_case_of_the_address(database: db.Database) -> None:
    with database.begin(db.EVERYBODY) as session:
        user = add(session, email="Ada@MSP.example")

    with database.read(db.EVERYBODY) as session:
        for typed in ("ada@msp.example", "ADA@msp.EXAMPLE", " ada@msp.example "):
            found = people.check_password(session, typed, PASSWORD)
            assert found is not None
            assert found.id == user.id
        assert people.check_password(session, "ada@msp.example", PASSWORD + "x") is None
        assert people.check_password(session, "nobody@msp.example", PASSWORD) is None
        assert people.check_password(session, "", "") is None


def test_a_password_is_kept_as_an_argon2id_hash_only(database: db.Database) -> None:
    with database.begin(db.EVERYBODY) as session:
        user = add(session)

    assert user.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not crypto.needs_rehash(user.password_hash)


def test_an_unknown_user_costs_the_work_of_a_known_one(database: db.Database) -> None:
    with database.begin(db.EVERYBODY) as session:
        add(session)

    def quickest(email: str) -> float:
        def once() -> float:
            begun = time.process_time()
            people.check_password(session, email, "wrong wrong wrong")
            return time.process_time() - begun

        return min(once() for _ in range(7))

    with database.read(db.EVERYBODY) as session:
        known, unknown = quickest("ada@msp.example"), quickest("nobody@msp.example")
    assert 0.3 < unknown / known < 3


def test_a_hash_of_other_costs_is_made_anew_when_its_password_is_known(database: db.Database) -> None:
    cheap = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)
    with database.begin(db.EVERYBODY) as session:
        user = add(session)
        user.password_hash = cheap.hash(PASSWORD)
    with database.begin(db.EVERYBODY) as session:
        found = people.check_password(session, user.email, PASSWORD)
        assert found is not None
        people.rehash(session, found, PASSWORD)

    with database.read(db.EVERYBODY) as session:
        kept = people.find_user(session, user.email)
        assert kept is not None
        assert not crypto.needs_rehash(kept.password_hash)
        assert people.check_password(session, user.email, PASSWORD) is not None


NO_USERS = [
    ({"email": "ada"}, "email"),
    ({"email": "a b@msp.example"}, "email"),
    ({"email": ""}, "email"),
    ({"password": "short"}, "password"),
    ({"password": "x" * 1025}, "password"),
]


def test_what_cannot_be_a_user_says_why(database: db.Database) -> None:
    with database.begin(db.EVERYBODY) as session:
        for facts, field in NO_USERS:
            with pytest.raises(Invalid) as refused:
                add(session, **facts)
            assert refused.value.field == field, facts


def test_an_address_is_one_users(database: db.Database) -> None:
    with database.begin(db.EVERYBODY) as session:
        add(session)
        with pytest.raises(Invalid, match="already"):
            add(session, email="ADA@msp.example")


def test_client_roles_belong_to_a_client_and_the_others_to_none(database: db.Database) -> None:
    with database.begin(db.EVERYBODY) as session:
        client = factories.make_client(session)
        for role in Role:
            fits, misfit = (client, None) if role in CLIENT_ROLES else (None, client)
            with pytest.raises(Invalid) as refused:
                add(session, role=role, client=misfit)
            assert refused.value.field == "client"
            user = add(session, email=f"{role}@msp.example", role=role, client=fits)

            assert people.principal_of(user).client_id == (client.id if role in CLIENT_ROLES else None)


def test_a_new_password_ends_every_session_and_is_written_down_without_it(database: db.Database) -> None:
    with database.begin(db.EVERYBODY) as session:
        user = add(session)
        epoch = user.session_epoch
    with database.begin(db.EVERYBODY) as session:
        found = people.find_session(session, user.public_id, epoch)
        assert found is not None
        people.set_password(session, found, "another long password", because=BECAUSE)

    with database.read(db.EVERYBODY) as session:
        assert people.find_session(session, user.public_id, epoch) is None
        assert people.check_password(session, user.email, PASSWORD) is None
        assert people.check_password(session, user.email, "another long password") is not None
        rows = session.scalars(select(AuditRow).where(AuditRow.record == "user").order_by(AuditRow.id)).all()
        assert [row.action for row in rows] == ["add", "password"]


def test_a_token_is_found_by_its_id_and_its_secret_is_kept_nowhere(database: db.Database) -> None:
    with database.begin(db.EVERYBODY) as session:
        user = add(session)
        made = people.add_token(session, user, [TokenScope.READ], because=BECAUSE)
    prefix, id_, secret = made.token.split("_", 2)

    assert (prefix, id_) == ("wt", made.id.hex)
    with database.read(db.EVERYBODY) as session:
        stored = session.execute(text("SELECT * FROM api_token")).one()
        assert not any(secret in str(value) for value in stored)
        read = people.read_token(made.token)
        assert read is not None
        known = people.check_token(session, read)
        assert known is not None
        assert (known.principal.user_id, known.principal.scopes) == (user.id, frozenset({TokenScope.READ}))


def test_a_token_with_another_secret_or_none_is_nobodys(database: db.Database) -> None:
    with database.begin(db.EVERYBODY) as session:
        user = add(session)
        first, second = (people.add_token(session, user, [TokenScope.READ], because=BECAUSE) for _ in range(2))
        mixed = people.read_token(f"wt_{first.id.hex}_{second.token.split('_', 2)[2]}")
        assert mixed is not None
        assert people.check_token(session, mixed) is None
    for text_ in ("", "wt", first.token[:-1], first.token + "x", first.token.upper(), f"xx{first.token[2:]}"):
        assert people.read_token(text_) is None


def test_a_revoked_token_stays_revoked(database: db.Database) -> None:
    with database.begin(db.EVERYBODY) as session:
        made = people.add_token(session, add(session), [TokenScope.READ], because=BECAUSE)
        read = people.read_token(made.token)
        assert read is not None
        kept = session.scalars(select(ApiToken).where(ApiToken.public_id == made.id)).one()
        people.revoke_token(session, kept, because=BECAUSE)
        people.revoke_token(session, kept, because=replace(BECAUSE, at=datetime.now(UTC)))
        assert kept.revoked_at == BECAUSE.at
        session.flush()
        assert people.check_token(session, read) is None


def test_a_token_is_made_for_something(database: db.Database) -> None:
    with database.begin(db.EVERYBODY) as session, pytest.raises(Invalid, match="scope"):
        people.add_token(session, add(session), [], because=BECAUSE)
