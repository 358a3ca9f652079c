"""Taking a person's name out: the only place that does, since it cannot be undone.

The row stays, and with it the pseudonym that registers, call records and faults carry: the chain of the register is as
whole as before. What people wrote into free texts, files and uploaded lists is theirs to look through: nobody can tell by
machine whose name it is. Source: domain.md, section 3 ("People and places"); reliability.md, section 6.
"""

from __future__ import annotations

import html
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, update

from warranty import crypto
from warranty.models import (
    ApiToken,
    Baseline,
    Fault,
    IdempotencyKey,
    Mail,
    Person,
    SavedView,
    User,
    VendorDelivery,
    clock,
)
from warranty.services import feeds, imports, moves, people

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from warranty.services.moves import Because

ANSWERS_KEPT = timedelta(days=7)
"""How long a repeated request gets the stored answer; whoever repeats later starts anew."""

MESSAGES_KEPT = timedelta(days=90)
"""How long what a vendor sent is kept as it came, applied or not; what it said stands in the claim and its notes."""

MOST_AT_ONCE = 1000


def erase_contact(session: Session, person: Person, *, because: Because) -> None:
    """Take name, telephone, mail address and own addresses of a contact out. Who was erased is erased: twice is once.

    The site has one contact less; mails that are not sent yet are not sent. Of an address that a fault named for this
    person alone the country stays. A signature that they drew goes; what they signed, and its digest, stays.
    """
    pseudonym = f"person:{person.public_id}"
    _out_of_mails(session, Mail.person_id == person.id, person.name, pseudonym)
    person.name, person.phone, person.email, person.language, person.site_id = pseudonym, "", "", "", None
    for fault in session.scalars(select(Fault).where(Fault.ship_to_id == person.id, Fault.ship_to.is_not(None))):
        fault.ship_to = {"country": (fault.ship_to or {}).get("country", "")}
    signed = update(Baseline).where(Baseline.signer_id == person.id, Baseline.strokes.is_not(None)).values(strokes=None)
    session.execute(signed, execution_options={"synchronize_session": "fetch"})
    _out_of_answers(session, person.public_id)
    moves.note(session, person, "erase", because)


def erase_user(session: Session, user: User, *, because: Because) -> None:
    """Take name and mail address of a user out: they are switched off for ever, and the address is free again.

    Raises:
        OwnRights, LastAdmin: as ``people.deactivate``.
    """
    people.deactivate(session, user, because=because)
    _out_of_mails(session, Mail.user_id == user.id, user.name, people.actor_of(user))
    user.email, user.name, user.language = f"{user.public_id}{people.ERASED}", "", None
    user.password_hash = crypto.hash_password(people.make_password())
    session.execute(update(ApiToken).where(ApiToken.user_id == user.id).values(name=""))
    session.execute(delete(SavedView).where(SavedView.user_id == user.id, ~SavedView.is_shared))
    for token in session.scalars(select(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))):
        people.revoke_token(session, token, because=because)
    feeds.revoke(session, user, because=because)
    _out_of_answers(session, user.public_id)
    moves.note(session, user, "erase", because)


def forget_old(session: Session) -> None:
    """Drop what nobody asks for any more, some at a time: answers for repeated requests, what vendors sent, files of imports."""
    of_age: tuple[tuple[Any, Any, timedelta], ...] = (
        (IdempotencyKey, IdempotencyKey.created_at, ANSWERS_KEPT),
        (VendorDelivery, VendorDelivery.received_at, MESSAGES_KEPT),
    )
    for table, since, kept in of_age:
        old = select(table.id).where(since < clock(-kept.total_seconds()))
        some = session.scalars(old.order_by(since).limit(MOST_AT_ONCE)).all()
        if some:
            gone = delete(table).where(table.id.in_(some))
            session.execute(gone, execution_options={"synchronize_session": False})
    imports.forget_drafts(session)


def _out_of_mails(session: Session, theirs: ColumnElement[bool], name: str, pseudonym: str) -> None:
    """Mails to somebody call them by name."""
    if name:
        values: dict[str, Any] = {
            "subject": func.replace(Mail.subject, name, pseudonym),
            "text": func.replace(Mail.text, name, pseudonym),
            "html": func.replace(Mail.html, html.escape(name), pseudonym),
        }
        session.execute(update(Mail).where(theirs).values(values).execution_options(synchronize_session=False))


def _out_of_answers(session: Session, who: UUID) -> None:
    """A stored answer names them; whoever repeats that request learns that it was done, and no more."""
    names = IdempotencyKey.answer.contains(str(who))
    session.execute(
        update(IdempotencyKey).where(names).values(answer="{}").execution_options(synchronize_session=False)
    )
