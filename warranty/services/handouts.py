"""What a person needs who claims something at a vendor without a program's help: the text to paste, the portal, the steps.

It is made anew whenever it is asked for, so that it says what is true now. Source: vendor-apis.md, section 13.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from vendors.contract import SMTP, ByHand
from vendors.errors import VendorError
from warranty.crypto import CannotDecrypt
from warranty.domain.lifecycles import RmaState
from warranty.languages import N_
from warranty.models import Outbox, VendorAccount, VendorCall
from warranty.services import accounts, rmas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from warranty.models import Rma
    from warranty.runtime import Runtime

STATES = frozenset({RmaState.DRAFT, RmaState.SUBMIT_FAILED, RmaState.MANUAL_HANDLING})
"""Where a person may open the claim at the vendor."""

TAKE_OVER: Final = N_("First record that you claim it by hand: else it is sent beside you as soon as it can be.")
SENT: Final = N_("%(account)s was sent this claim under reference %(reference)s: wait for the answer, or ask there.")
LOOK_FIRST: Final = N_("It was sent at least once: look there for reference %(reference)s before you open anything.")
PORTAL: Final = N_("Open the portal: %(portal)s")
ASK: Final = N_("Call the vendor, or open its portal.")
OWN_WORDS: Final = N_("Mind this: %(instructions)s")
PASTE: Final = N_("Paste the text: it holds all that we know.")
NUMBER: Final = N_("Enter here the number that the vendor gives: before that nobody takes the claim for open.")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. ``sentence`` is a message of the catalogues, ``params`` fill its places."""

    sentence: str
    params: Mapping[str, str]

    @property
    def text(self) -> str:
        """The step in English."""
        return self.sentence % self.params


@dataclass(frozen=True, slots=True)
class Handout:
    """The text to paste (``Key: value`` lines), the portal's address or nothing, and what to do in this order."""

    paste_block: str
    portal_url: str
    steps: tuple[Step, ...]


def of(session: Session, runtime: Runtime, rma: Rma) -> Handout | None:
    """What a person needs to claim it by hand; null where it is in other hands."""
    if rma.state not in STATES:
        return None
    account = session.get(VendorAccount, rma.account_id) if rma.account_id is not None else None
    by_hand = _by_hand(runtime, rma, account)
    return Handout(
        paste_block=rmas.request_of(session, rma).as_lines(),
        portal_url=by_hand.portal_url,
        steps=tuple(_steps(session, rma, account, by_hand)),
    )


def document(handout: Handout | None) -> dict[str, Any]:
    """The same as values of an API answer."""
    if handout is None:
        return {"paste_block": None, "portal_url": None, "steps": []}
    return {
        "paste_block": handout.paste_block,
        "portal_url": handout.portal_url or None,
        "steps": [step.text for step in handout.steps],
    }


def _by_hand(runtime: Runtime, rma: Rma, account: VendorAccount | None) -> ByHand:
    """What the account says of claims by hand; nothing where it has an API, or cannot be used as it is."""
    if account is None:
        return ByHand()
    try:
        return accounts.capabilities(runtime, account).by_hand_for(rma.component) or ByHand()
    except (VendorError, CannotDecrypt):
        return ByHand()


def _was_mailed(session: Session, rma: Rma) -> bool:
    """Whether a mail server took it: then it is on its way to a person, who gives it a number."""
    taken = select(VendorCall.id).where(
        VendorCall.rma_id == rma.id, VendorCall.method == SMTP, VendorCall.trouble.is_(None)
    )
    return session.scalars(taken.limit(1)).first() is not None


def _was_sent(session: Session, rma: Rma) -> bool:
    left = select(Outbox.id).where(Outbox.rma_id == rma.id, Outbox.last_send.is_not(None))
    return session.scalars(left.limit(1)).first() is not None


def _steps(session: Session, rma: Rma, account: VendorAccount | None, by_hand: ByHand) -> list[Step]:
    params = {
        "reference": rma.client_reference,
        "account": account.name if account else "",
        "portal": by_hand.portal_url,
        "instructions": by_hand.instructions,
    }
    if _was_mailed(session, rma):
        return [Step(SENT, params), Step(NUMBER, params)]
    steps = [] if rma.state is RmaState.MANUAL_HANDLING else [Step(TAKE_OVER, params)]
    if _was_sent(session, rma):
        steps.append(Step(LOOK_FIRST, params))
    steps.append(Step(PORTAL if by_hand.portal_url else ASK, params))
    if by_hand.instructions:
        steps.append(Step(OWN_WORDS, params))
    return [*steps, Step(PASTE, params), Step(NUMBER, params)]
