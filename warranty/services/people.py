"""Users and API tokens: the only place that adds them, checks a password or a token, and revokes."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from sqlalchemy import String, bindparam, select, update

from warranty import crypto
from warranty.domain.access import Principal, TokenScope
from warranty.domain.terms import CLIENT_ROLES, Role
from warranty.models import ApiToken, AuditRow, Client, IdempotencyKey, User
from warranty.services.estate import Invalid, checked_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.services.moves import Because

PREFIX = "wt"
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024  # hashing must not be made dear by whoever types
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
_TOKEN = re.compile(rf"{PREFIX}_([0-9a-f]{{32}})_([A-Za-z0-9_-]{{43}})")


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made; ``token`` is known only now."""

    id: UUID
    token: str


def principal_of(user: User, scopes: Sequence[str] | None = None) -> Principal:
    """Who acts, where this user does; ``scopes`` are those of the token, null for the person."""
    return Principal(
        user_id=user.id,
        actor=f"user:{user.id}",
        role=user.role,
        client_id=user.client_id,
        scopes=None if scopes is None else frozenset(TokenScope(scope) for scope in scopes),
    )


# --- users ---


def add_user(
    session: Session,
    *,
    email: str,
    role: Role,
    password: str,
    because: Because,
    client: Client | None = None,
    name: str = "",
) -> User:
    """A new user. The two client roles belong to one client, the others to none.

    Raises:
        Invalid: no mail address, one that is taken, a password that is too short or too long, or a client that does not
            fit the role.
    """
    address = checked_email(email)
    if (role in CLIENT_ROLES) != (client is not None):
        need = (
            "needs the client whose cases it sees" if role in CLIENT_ROLES else "sees every client and belongs to none"
        )
        raise Invalid("client", f"The role {role} {need}.")
    check_strength(password)
    if session.scalar(select(User.id).where(User.email == address)) is not None:
        raise Invalid("email", f"There is a user {address} already.")
    user = User(
        email=address,
        name=checked_text("name", name, 200),
        role=role,
        client_id=client.id if client else None,
        password_hash=crypto.hash_password(password),
        created_at=because.at,
    )
    session.add(user)
    session.flush()
    _note(session, user, "add", because, detail={"role": role.value})
    return user


def checked_email(text: str) -> str:
    """A mail address as it is stored and searched: lower case.

    Raises:
        Invalid: it is none.
    """
    address = checked_text("email", text, 254, needed=True).lower()
    if not _EMAIL.fullmatch(address):
        raise Invalid("email", f"{address} is no mail address.")
    return address


def check_strength(password: str) -> None:
    """Ask for length and nothing else: rules on signs only make people write passwords down.

    Raises:
        Invalid: too short, or so long that hashing it is an attack.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise Invalid("password", f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")


def make_password() -> str:
    """A random password, for whoever gave none."""
    return secrets.token_urlsafe(18)


def find_user(session: Session, email: str) -> User | None:
    """The user of a mail address, whatever its case."""
    return session.scalars(select(User).where(User.email == email.strip().lower())).one_or_none()


def check_password(session: Session, email: str, password: str) -> User | None:
    """The user who signs in with this password; an unknown one costs the same work as a wrong password.

    Call it in a transaction that only reads: hashing takes long enough to hold up every writer.
    """
    user = find_user(session, email)
    fits = crypto.password_matches(user.password_hash if user else None, password[:LONGEST_PASSWORD])
    return user if fits else None


def set_password(session: Session, user: User, password: str, *, because: Because) -> None:
    """Give a user another password, which signs out every browser.

    Raises:
        Invalid: too short or too long.
    """
    check_strength(password)
    user.password_hash = crypto.hash_password(password)
    sign_out_everywhere(session, user)
    _note(session, user, "password", because)


def rehash(session: Session, user: User, password: str) -> None:
    """Hash a password that was just checked again, where it was hashed at other costs than today's."""
    if crypto.needs_rehash(user.password_hash):
        session.execute(update(User).where(User.id == user.id).values(password_hash=crypto.hash_password(password)))


def sign_out_everywhere(session: Session, user: User) -> None:
    """End every session of a user, copied cookies too."""
    session.execute(update(User).where(User.id == user.id).values(session_epoch=uuid4()))


def find_session(session: Session, user_id: UUID, epoch: UUID) -> User | None:
    """The user of a session that has not been ended since; one statement."""
    return session.scalars(select(User).where(User.public_id == user_id, User.session_epoch == epoch)).one_or_none()


# --- tokens ---


def add_token(session: Session, user: User, scopes: Sequence[TokenScope], *, now: datetime) -> NewToken:
    """A new token of a user. It never exceeds the user's role, whatever its scopes.

    Raises:
        Invalid: no scope.
    """
    if not scopes:
        raise Invalid("scope", f"Name at least one scope: {', '.join(TokenScope)}.")
    public_id, secret = uuid4(), secrets.token_urlsafe(32)
    token = ApiToken(
        public_id=public_id,
        user_id=user.id,
        secret_digest=crypto.token_digest(secret),
        scopes=sorted({scope.value for scope in scopes}),
        created_at=now,
    )
    session.add(token)
    session.flush()
    return NewToken(public_id, f"{PREFIX}_{public_id.hex}_{secret}")


def list_tokens(session: Session) -> list[tuple[ApiToken, User]]:
    """Every token with its user, the oldest first; secrets are not stored."""
    rows = session.execute(select(ApiToken, User).join(User, User.id == ApiToken.user_id).order_by(ApiToken.id))
    return [(token, user) for token, user in rows]


def revoke_token(session: Session, token_id: UUID, *, now: datetime) -> ApiToken:
    """End a token at once; one that has ended stays so.

    Raises:
        Invalid: there is none of this id.
    """
    token = session.scalars(select(ApiToken).where(ApiToken.public_id == token_id)).one_or_none()
    if token is None:
        raise Invalid("id", f"There is no token {token_id}.")
    token.revoked_at = token.revoked_at or now
    return token


@dataclass(frozen=True, slots=True)
class TokenId:
    """A token as it was sent: the id it is found by, and the digest it is compared with."""

    id: UUID
    digest: str


def read_token(text: str) -> TokenId | None:
    """Take a token apart without asking the database; null where it has not the form of one."""
    found = _TOKEN.fullmatch(text)
    return TokenId(UUID(found[1]), crypto.token_digest(found[2])) if found else None


# Every call of a program begins with this one, so it is put together once.
_CHECK = (
    select(ApiToken, User, IdempotencyKey)
    .join(User, User.id == ApiToken.user_id)
    .outerjoin(
        IdempotencyKey,
        (IdempotencyKey.user_id == User.id) & (IdempotencyKey.key == bindparam("key", type_=String)),
    )
    .where(ApiToken.public_id == bindparam("token_id"), ApiToken.revoked_at.is_(None))
)


def check_token(
    session: Session, token: TokenId, *, key: str | None = None
) -> tuple[Principal, IdempotencyKey | None] | None:
    """Who calls with this token, and what was answered to the key before; one statement. Null: nobody, or no longer."""
    row = session.execute(_CHECK, {"token_id": token.id, "key": key}).one_or_none()
    if row is None:
        return None
    sent_with, user, answered = row
    if not crypto.same(sent_with.secret_digest, token.digest):
        return None
    return principal_of(user, sent_with.scopes), answered


def _note(session: Session, user: User, action: str, because: Because, *, detail: dict[str, str] | None = None) -> None:
    session.add(
        AuditRow(
            at=because.at,
            actor=because.actor,
            action=action,
            record="user",
            record_id=user.id,
            client_id=user.client_id,
            reason=because.reason,
            detail=detail,
        )
    )
