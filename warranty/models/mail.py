"""What is told by mail: news of cases that nobody has told yet, and the mails themselves."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from warranty.models.base import Base, Pk, PublicRow, words


class Told(StrEnum):
    """What a mail tells. All but ``task`` and ``return`` go to the client, and the newest of them stands on the fault."""

    OPENED = "opened"
    APPROVAL = "approval"
    CONFIRMED = "confirmed"
    DENIED = "denied"
    CLOSED = "closed"
    TASK = "task"
    RETURN = "return"  # to whoever has the unit, whoever looks after the case, the service managers


class News(Base):
    """A case that moved, or will be worth a look at ``due_at``. Rows are only added and taken away, so nobody waits for one."""

    __tablename__ = "news"
    __table_args__ = (
        Index("ix_news_due_at", "due_at"),
        Index("ix_news_fault_id", "fault_id"),
        Index("ix_news_client_id", "client_id"),
    )

    id: Mapped[Pk]
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id"))
    fault_id: Mapped[int] = mapped_column(ForeignKey("fault.id"))
    due_at: Mapped[datetime]


class Mail(PublicRow, Base):
    """One mail to one receiver, written in the transaction that wants it and sent as it was meant.

    It is about a case, or to staff about a vendor account: then it is of no case, and of a client only where the account is.

    Only the name of somebody who is erased is taken out of it.

    The receiver is a user or a contact: the address is read when it is sent, so that whoever was erased gets nothing.
    ``message_id`` is the same at every try. ``left`` counts the times that it left without an answer that says whether
    it arrived. ``refused`` says why it will not be sent any more. All but the writing: ``services.mail``.
    """

    __tablename__ = "mail"
    __table_args__ = (
        Index("ix_mail_client_id", "client_id", "id"),
        Index("ix_mail_fault_id", "fault_id", "id"),
        Index("ix_mail_account_id", "account_id", "id"),
        Index("ix_mail_order_id", "order_id"),
        Index(
            "ix_mail_refused",
            "id",
            sqlite_where=text("refused IS NOT NULL"),
            postgresql_where=text("refused IS NOT NULL"),
        ),
    )

    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id"))
    fault_id: Mapped[int | None] = mapped_column(ForeignKey("fault.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("vendor_account.id"))
    tells: Mapped[Told] = mapped_column(words(Told))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    language: Mapped[str] = mapped_column(String(8))
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    in_reply_to: Mapped[str | None] = mapped_column(String(200))
    thread: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(250))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]
    order_id: Mapped[int] = mapped_column(ForeignKey("outbox.id"))
    left: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    refused: Mapped[str | None] = mapped_column(Text)
