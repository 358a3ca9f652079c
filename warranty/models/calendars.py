"""When work is done: the calendars that agreements are counted on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from warranty.models.base import Base, PublicRow


class BusinessCalendar(PublicRow, Base):
    """Weekly hours in a time zone, the public holidays of a region, and single days that are otherwise; all as people write it.

    ``hours`` is read by ``domain.calendars.read_week``, ``exceptions`` by ``read_exceptions``; ``region`` may be empty.
    """

    __tablename__ = "business_calendar"

    name: Mapped[str] = mapped_column(String(120), unique=True)
    hours: Mapped[str] = mapped_column(String(500))
    time_zone: Mapped[str] = mapped_column(String(64))
    region: Mapped[str] = mapped_column(String(16), default="")
    exceptions: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
