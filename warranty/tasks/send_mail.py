"""Send one mail. SMTP can be asked neither whether it has a message nor to take it once: see ``services.mail``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vendors.mail import send
from warranty import db
from warranty.models.work import OrderStatus
from warranty.services import mail, work

if TYPE_CHECKING:
    from warranty.runtime import Runtime
    from warranty.services.work import Order


def run(runtime: Runtime, order: Order) -> None:
    """Send it. Safe to run late or half; run twice, a second copy leaves only where the first had no answer."""
    settings = runtime.settings
    with runtime.database.begin(db.EVERYBODY) as session:
        letter = mail.of_order(session, order)
        if letter is None:
            work.end(session, order, OrderStatus.DONE)
            return
        made = (
            "No mail server is set: SMTP_URL."
            if settings.mail_server is None
            else mail.envelope(session, settings, letter)
        )
        if isinstance(made, str):
            mail.refuse(session, order, letter, made, now=db.now(session))
            return
    assert settings.mail_server is not None  # else it was refused above
    left = []

    def may_leave(rest_s: float) -> bool:
        with runtime.database.begin(db.EVERYBODY) as session:
            left.append(mail.leaves(session, order, letter.id, budget_s=rest_s))
        return left[0]

    outcome = send(
        settings.mail_server,
        made.message,
        sender=made.sender,
        receiver=made.receiver,
        deadline_s=settings.vendor_timeout_s,
        may_leave=may_leave,
    )
    if outcome is None:  # another worker has it
        return
    with runtime.database.begin(db.EVERYBODY) as session:
        mail.settle(session, runtime, order, letter.id, outcome, has_left=any(left), now=db.now(session))
