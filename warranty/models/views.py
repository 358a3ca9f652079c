"""What people keep of the pages: lists as they have filtered them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from warranty.models.base import Base, PublicRow


class SavedView(PublicRow, Base):
    """A list as somebody has filtered it, under a name, for its owner alone or for all of the staff.

    ``page`` is the name of the list, ``query`` the part of its address behind the question mark.
    """

    __tablename__ = "saved_view"
    __table_args__ = (
        UniqueConstraint("user_id", "page", "name"),
        Index("ix_saved_view_page", "page", "is_shared"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    page: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[str] = mapped_column(Text)
    is_shared: Mapped[bool]
    created_at: Mapped[datetime]
