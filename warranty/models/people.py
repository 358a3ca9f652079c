"""Who signs in, who calls the API, and who may be telephoned. Names live here and can be erased; registers keep ids."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Index, String, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from warranty.domain.terms import Role
from warranty.models.base import Base, PublicRow, TenantRow, words


class Theme(StrEnum):
    """How bright somebody's pages are, whatever their system says."""

    LIGHT = "light"
    DARK = "dark"


class User(PublicRow, Base):
    """Somebody who signs in. ``session_epoch`` changes at sign-out and password change, which ends every copied cookie.

    ``deactivated_at`` set: no password and no token opens anything any more. ``approval_limit_minor``: up to which total a
    client's approver may say yes, in minor units of the client's currency; null for every other role. ``language``,
    ``time_zone`` and ``theme`` are null where browser and system decide; ``single_keys``: whether letters are keys.
    ``choices``: how they want their lists, by the name of what they chose.
    """

    __tablename__ = "user_account"  # "user" is a reserved word
    __table_args__ = (Index("ix_user_account_client_id", "client_id"),)

    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    role: Mapped[Role] = mapped_column(words(Role))
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"))
    password_hash: Mapped[str] = mapped_column(String(200))
    language: Mapped[str | None] = mapped_column(String(8))
    session_epoch: Mapped[UUID] = mapped_column(default=uuid4)
    created_at: Mapped[datetime]
    approval_limit_minor: Mapped[int | None]
    deactivated_at: Mapped[datetime | None]
    time_zone: Mapped[str | None] = mapped_column(String(64))
    theme: Mapped[Theme | None] = mapped_column(words(Theme))
    single_keys: Mapped[bool] = mapped_column(default=True, server_default=true())
    choices: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")


class Absence(PublicRow, Base):
    """When somebody of the MSP is away, and who stands in; from ``begins_at`` until just before ``ends_at``."""

    __tablename__ = "absence"
    __table_args__ = (
        Index("ix_absence_user_id", "user_id", "ends_at"),
        Index("ix_absence_stand_in_id", "stand_in_id", "ends_at"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    stand_in_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class ApiToken(PublicRow, Base):
    """A key of a program. The secret is shown once; a digest of it is stored.

    ``client_id`` set: it sees that client's rows only, whatever its user may see. ``last_used_at`` is right to some minutes.
    """

    __tablename__ = "api_token"
    __table_args__ = (Index("ix_api_token_user_id", "user_id"), Index("ix_api_token_client_id", "client_id"))

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    secret_digest: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(120), default="")
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"))
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="raise")


class CalendarFeed(PublicRow, Base):
    """The secret address at which a calendar program reads what ends when, as one user sees it.

    Such programs cannot sign in. The secret is shown once; a digest of it is stored.
    """

    __tablename__ = "calendar_feed"
    __table_args__ = (Index("ix_calendar_feed_user_id", "user_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    secret_digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="raise")


class Person(TenantRow, Base):
    """A contact of a client. ``public_id`` is the pseudonym that registers and call records carry instead of the name."""

    __tablename__ = "person"
    __table_args__ = (Index("ix_person_site_id", "site_id"), Index("ix_person_client_id", "client_id"))

    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    name: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str] = mapped_column(String(64), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    language: Mapped[str] = mapped_column(String(8), default="")
