"""Users and API tokens: the only place that adds them, checks a password or a token, and revokes."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from sqlalchemy import String, bindparam, func, or_, select, update

from warranty import crypto, db
from warranty.domain.access import Principal, TokenScope
from warranty.domain.terms import CLIENT_ROLES, Role
from warranty.models import ApiToken, Client, IdempotencyKey, User, clock
from warranty.services import moves
from warranty.services.estate import Invalid, checked_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.models.people import Theme
    from warranty.services.moves import Because

PREFIX = "wt"
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024  # hashing must not be made dear by whoever types
LAST_USE = timedelta(
    minutes=5
)  # how right ``ApiToken.last_used_at`` is: a write for each call would cost more than it tells
ERASED = "@erased.invalid"  # where the address of somebody whose name was taken out ends
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
_TOKEN = re.compile(rf"{PREFIX}_([0-9a-f]{{32}})_([A-Za-z0-9_-]{{43}})")


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was just made; ``token`` is known only now."""

    id: UUID
    token: str


class OwnRights(Exception):
    """Nobody changes their own role, limit or client, or switches themself off: somebody else looks at it first."""

    def __init__(self) -> None:
        super().__init__("Nobody changes their own rights: ask another administrator.")


class LastAdmin(Exception):
    """Without this user nobody could administer any more."""

    def __init__(self) -> None:
        super().__init__("This is the last administrator: make another one first.")


def actor_of(user: User) -> str:
    """The pseudonym that registers carry instead of the name."""
    return pseudonym(user.id)


def pseudonym(user_id: int) -> str:
    """The same, of a user's key."""
    return f"user:{user_id}"


def principal_of(user: User) -> Principal:
    """Who acts, where this user does by itself."""
    return Principal(user_id=user.id, actor=actor_of(user), role=user.role, client_id=user.client_id)


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
    language: str | None = None,
    approval_limit_minor: int | None = None,
) -> User:
    """A new user. The two client roles belong to one client, the others to none.

    An approver whose limit is left out approves nothing that costs money, until somebody sets one.

    Raises:
        Invalid: no mail address, one that is taken, a password that is too short or too long, or a client or a limit that
            does not fit the role.
    """
    address = checked_email(email)
    client_id = client.id if client else None
    limit = _checked_rights(role, client_id, approval_limit_minor)
    check_strength(password)
    if session.scalar(select(User.id).where(User.email == address)) is not None:
        raise Invalid("email", f"There is a user {address} already.")
    user = User(
        email=address,
        name=checked_text("name", name, 200),
        role=role,
        client_id=client_id,
        approval_limit_minor=limit,
        language=language,
        password_hash=crypto.hash_password(password),
        created_at=because.at,
    )
    session.add(user)
    session.flush()
    moves.note(session, user, "add", because, detail={"role": role.value})
    return user


def change_user(
    session: Session,
    user: User,
    *,
    because: Because,
    name: str | None = None,
    language: str | None = None,
    role: Role | None = None,
    client: Client | None = None,
    approval_limit_minor: int | None = None,
) -> None:
    """Change what is given of a user; what they may do changes with their next request.

    A client role keeps its client unless another one is given. ``because`` names who changes it.

    Raises:
        OwnRights: they change their own role, client or limit.
        LastAdmin: nobody would administer any more.
        Invalid: a text that is too long, or a client or a limit that does not fit the role.
    """
    _lock_admins(session)
    session.refresh(user)
    became = role or user.role
    client_id = client.id if client else (user.client_id if became in CLIENT_ROLES else None)
    wanted = approval_limit_minor
    if wanted is None and became is user.role:
        wanted = user.approval_limit_minor
    limit = _checked_rights(became, client_id, wanted)
    rights = {"role": became, "client_id": client_id, "approval_limit_minor": limit}
    raised = {key: value for key, value in rights.items() if getattr(user, key) != value}
    if raised and because.actor == actor_of(user):
        raise OwnRights
    if became is not Role.ADMIN:
        _refuse_last_admin(session, user)
    new: dict[str, Any] = dict(raised)
    if name is not None:
        new["name"] = checked_text("name", name, 200)
    if language is not None:
        new["language"] = language
    was = {key: getattr(user, key) for key in raised}
    for key, value in new.items():
        setattr(user, key, value)
    session.flush()
    detail = {
        "changed": sorted(new),
        "was": was,
        "is": raised,
    }  # names are no matter for a register that keeps for ever
    moves.note(session, user, "change", because, detail=detail)


def set_profile(
    session: Session,
    user: User,
    *,
    name: str,
    language: str | None,
    time_zone: str | None,
    theme: Theme | None,
    single_keys: bool,
    because: Because,
) -> None:
    """Keep what somebody says of themself: their name, and how they read. Null: browser and system decide.

    Raises:
        Invalid: a name that is too long.
    """
    given = {"language": language, "time_zone": time_zone, "theme": theme, "single_keys": single_keys}
    new = {"name": checked_text("name", name, 200), **given}
    changed = sorted(key for key, value in new.items() if getattr(user, key) != value)
    for key, value in new.items():
        setattr(user, key, value)
    if changed:
        moves.note(session, user, "profile", because, detail={"changed": changed})


def deactivate(session: Session, user: User, *, because: Because) -> None:
    """Switch a user off: sessions end, and password and tokens open nothing. One who is off stays so.

    Raises:
        OwnRights: it is they themself.
        LastAdmin: nobody would administer any more.
    """
    _lock_admins(session)
    session.refresh(user)
    if user.deactivated_at is not None:
        return
    if because.actor == actor_of(user):
        raise OwnRights
    _refuse_last_admin(session, user)
    user.deactivated_at = because.at
    sign_out_everywhere(session, user)
    moves.note(session, user, "deactivate", because)


def reactivate(session: Session, user: User, *, because: Because) -> None:
    """Let a user in again, with the password and the tokens from before.

    Raises:
        Invalid: their name was taken out, which cannot be undone.
    """
    if user.email.endswith(ERASED):
        raise Invalid("id", "This user was erased. Add a new one.")
    if user.deactivated_at is not None:
        user.deactivated_at = None
        moves.note(session, user, "reactivate", because)


def _checked_rights(role: Role, client_id: int | None, limit_minor: int | None) -> int | None:
    """The limit that goes with a role; a client and a limit belong to some roles and not to others."""
    if (role in CLIENT_ROLES) != (client_id is not None):
        need = (
            "needs the client whose cases it sees" if role in CLIENT_ROLES else "sees every client and belongs to none"
        )
        raise Invalid("client", f"The role {role} {need}.")
    if role is Role.CLIENT_APPROVER:
        return limit_minor or 0
    if limit_minor is not None:
        raise Invalid("approval_limit_minor", f"The role {role} approves nothing, so it has no limit.")
    return None


def _admins(session: Session) -> list[int]:
    active = select(User.id).where(User.role == Role.ADMIN, User.deactivated_at.is_(None))
    return list(session.scalars(active.order_by(User.id)))


def _lock_admins(session: Session) -> None:
    """Hold every administrator: two who remove each other at once would leave none."""
    session.execute(select(User.id).where(User.role == Role.ADMIN).order_by(User.id).with_for_update())


def is_last_admin(session: Session, user: User) -> bool:
    """Whether nobody could administer without this user."""
    return _admins(session) == [user.id]


def _refuse_last_admin(session: Session, user: User) -> None:
    if is_last_admin(session, user):
        raise LastAdmin


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
    if user is not None and user.deactivated_at is not None:
        user = None
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
    moves.note(session, user, "password", because)


def rehash(session: Session, user: User, password: str) -> None:
    """Hash a password that was just checked again, where it was hashed at other costs than today's."""
    if crypto.needs_rehash(user.password_hash):
        session.execute(update(User).where(User.id == user.id).values(password_hash=crypto.hash_password(password)))


def sign_out_everywhere(session: Session, user: User) -> None:
    """End every session of a user, copied cookies too."""
    session.execute(update(User).where(User.id == user.id).values(session_epoch=uuid4()))


def find_session(session: Session, user_id: UUID, epoch: UUID, *, tells: bool = False) -> User | None:
    """The user of a session that has not been ended since; one statement.

    With ``tells`` it tells PostgreSQL too whose rows exist from then on, as that of a token does.
    """
    is_theirs = (User.public_id == user_id) & (User.session_epoch == epoch) & User.deactivated_at.is_(None)
    query = select(User).where(is_theirs)
    if tells and not db.is_sqlite(session):
        query = query.add_columns(db.telling(User.client_id))
    return session.scalars(query).one_or_none()


# --- tokens ---


def add_token(
    session: Session,
    user: User,
    scopes: Sequence[TokenScope],
    *,
    because: Because,
    name: str = "",
    client: Client | None = None,
    expires_at: datetime | None = None,
) -> NewToken:
    """A new token of a user. It never exceeds the user's role, whatever its scopes; with ``client`` it sees that client only.

    Raises:
        Invalid: no scope, a client that the user does not see, or an end that has passed.
    """
    if not scopes:
        raise Invalid("scope", f"Name at least one scope: {', '.join(TokenScope)}.")
    if client is not None and user.client_id not in {None, client.id}:
        raise Invalid("client", "This user sees another client only.")
    if expires_at is not None and expires_at <= because.at:
        raise Invalid("expires_at", "This time has passed.")
    public_id, secret = uuid4(), secrets.token_urlsafe(32)
    token = ApiToken(
        public_id=public_id,
        user_id=user.id,
        name=checked_text("name", name, 120),
        client_id=client.id if client else None,
        secret_digest=crypto.token_digest(secret),
        scopes=sorted({scope.value for scope in scopes}),
        created_at=because.at,
        expires_at=expires_at,
    )
    session.add(token)
    session.flush()
    moves.note(session, user, "add_token", because, detail={"token": str(public_id), "scopes": token.scopes})
    return NewToken(public_id, f"{PREFIX}_{public_id.hex}_{secret}")


def revoke_token(session: Session, token: ApiToken, *, because: Because) -> None:
    """End a token at once; one that has ended stays so."""
    if token.revoked_at is None:
        token.revoked_at = because.at
        user = session.get_one(User, token.user_id)
        moves.note(session, user, "revoke_token", because, detail={"token": str(token.public_id)})


@dataclass(frozen=True, slots=True)
class TokenId:
    """A token as it was sent: the id it is found by, and the digest it is compared with."""

    id: UUID
    digest: str


def read_token(text: str) -> TokenId | None:
    """Take a token apart without asking the database; null where it has not the form of one."""
    found = _TOKEN.fullmatch(text)
    return TokenId(UUID(found[1]), crypto.token_digest(found[2])) if found else None


# Every call of a program begins with this one, so it is put together once, and reads no more than it needs.
_WHOSE = func.coalesce(ApiToken.client_id, User.client_id)
_CHECK = (
    select(
        ApiToken.id.label("token_key"),
        ApiToken.secret_digest,
        ApiToken.scopes,
        ApiToken.last_used_at,
        User.id.label("user_id"),
        User.role,
        _WHOSE.label("client_id"),
        IdempotencyKey.body_digest,
        IdempotencyKey.status,
        IdempotencyKey.answer,
    )
    .join(User, User.id == ApiToken.user_id)
    .outerjoin(
        IdempotencyKey,
        (IdempotencyKey.user_id == User.id) & (IdempotencyKey.key == bindparam("key", type_=String)),
    )
    .where(
        ApiToken.public_id == bindparam("token_id"),
        ApiToken.revoked_at.is_(None),
        or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > clock()),
        User.deactivated_at.is_(None),
        # Its user may have become another client's since it was narrowed.
        or_(ApiToken.client_id.is_(None), User.client_id.is_(None), ApiToken.client_id == User.client_id),
    )
)


_CHECK_AND_TELL = _CHECK.add_columns(db.telling(_WHOSE))


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to a key before, and the digest of what was asked."""

    body_digest: str
    status: int
    answer: str


def answered_before(session: Session, user_id: int | None, key: str) -> Answered | None:
    """What a user's key was answered with; null where it is new."""
    row = session.scalars(
        select(IdempotencyKey).where(IdempotencyKey.user_id == user_id, IdempotencyKey.key == key)
    ).one_or_none()
    return None if row is None else Answered(row.body_digest, row.status, row.answer)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token it is, what was answered to the key before, and when the token was last seen."""

    principal: Principal
    answered: Answered | None
    token_key: int
    last_used_at: datetime | None


def check_token(session: Session, token: TokenId, *, key: str | None = None) -> Caller | None:
    """Who calls with this token, and what was answered to the key before; one statement. Null: nobody, or no longer.

    That statement tells PostgreSQL too whose rows exist from then on: whoever calls this calls ``db.enter``, or ends.
    """
    check = _CHECK if db.is_sqlite(session) else _CHECK_AND_TELL
    row = session.connection().execute(check, {"token_id": token.id, "key": key}).one_or_none()
    if row is None:
        return None
    if not crypto.same(row.secret_digest, token.digest):
        return None
    principal = Principal(
        user_id=row.user_id,
        actor=pseudonym(row.user_id),
        role=row.role,
        client_id=row.client_id,
        scopes=frozenset(TokenScope(scope) for scope in row.scopes),
    )
    answered = None if row.status is None else Answered(row.body_digest, row.status, row.answer)
    return Caller(principal, answered, row.token_key, row.last_used_at)


def is_use_news(caller: Caller, now: datetime) -> bool:
    """Whether it is worth a write that a token was used."""
    return caller.last_used_at is None or now - caller.last_used_at > LAST_USE


def note_use(session: Session, token_key: int, *, now: datetime) -> None:
    """Keep when a token was used."""
    session.execute(update(ApiToken).where(ApiToken.id == token_key).values(last_used_at=now))
