"""After a restore: the only place that makes data of yesterday safe to work with today.

What was done since the backup is not in it, but it was done: vendors were told, mails left, people were signed out. So
whatever may have been sent counts as sent and is searched for, no account opens anything before it is known what its vendor
was told (``services.sweep``), and everybody signs in anew. Source: reliability.md, section 3.2, step 11.

What is left as it is: mails that waited leave again under their old Message-ID, since a second copy does less harm than
news that nobody got; imports run again, which changes nothing where they ran; a repeated request gets its stored answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import func, select, update

from warranty import db
from warranty.domain.access import OPERATOR
from warranty.models import ApiToken, CalendarFeed, Client, User
from warranty.services import accounts, audit, work
from warranty.services.moves import Because

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from warranty.crypto import SecretBox


@dataclass(frozen=True, slots=True)
class Source:
    """What is restored: the moment of the backup, the digest of its manifest, and the user of the system who restores it."""

    backup_at: datetime
    digest: str
    by: str


@dataclass(frozen=True, slots=True)
class After:
    """What follows: how many orders are searched for before they are sent, which accounts are held, and how many tokens open."""

    at: datetime
    searched: int
    held: tuple[str, ...]
    tokens: int


def make_safe(session: Session, box: SecretBox, source: Source, *, drill: bool) -> After:
    """Make what was restored safe, in the transaction that makes it visible.

    Args:
        drill: it is a copy to practise on: no account makes a call, and no client gets a mail.
    """
    at = db.now(session)
    because = Because(OPERATOR.actor, "A backup was restored.", at)
    searched = work.restart(session, sent_since=source.backup_at, now=at)
    accounts.begin_anew(session)
    held = accounts.hold(session, since=source.backup_at, now=at)
    if drill:
        accounts.switch_all_off(session, because=Because(OPERATOR.actor, "A copy to practise on.", at))
        session.execute(update(Client).values(sends_mail=False))
    session.execute(update(User).values(session_epoch=uuid4()))  # who was signed out since is not signed in again
    # Nor is an address read again that was ended since.
    session.execute(update(CalendarFeed).where(CalendarFeed.revoked_at.is_(None)).values(revoked_at=at))
    audit.note_restore(session, box, because, backup_at=source.backup_at, digest=source.digest, by=source.by)
    tokens = session.scalar(select(func.count()).select_from(ApiToken).where(ApiToken.revoked_at.is_(None)))
    return After(at, searched, held, tokens or 0)
