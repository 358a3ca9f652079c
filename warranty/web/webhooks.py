"""What vendors push: proven, kept as it came, answered. What it says is read later, by a worker."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import flask_smorest
import structlog
from flask import Response, request

from vendors.errors import VendorError
from warranty import db
from warranty.services import accounts, deliveries
from warranty.web.errors import RETRY_AFTER_S, Problem
from warranty.web.guards import public, runtime

if TYPE_CHECKING:
    from uuid import UUID

AT_ONCE = 100
A_SECOND = 10.0
SENDERS = 10_000
"""One address that pushes for one account is a sender: 100 messages at once, and 10 a second."""

log = structlog.get_logger("webhooks")
blueprint: Any = flask_smorest.Blueprint("webhooks", __name__, description="What vendors send us by themselves.")

BODY = {
    "required": True,
    "description": "The vendor's message as it is, at most 1 MiB. The headers `webhook-id`, `webhook-timestamp` and "
    "`webhook-signature` prove who sent it (Standard Webhooks), where the vendor has no scheme of its own.",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}


class Throttle:
    """How fast a sender may push: so many at once, and from then on so many a second; a bucket for each sender.

    Each process has its own, since pushes are taken without the queue server too. Who was not seen for longest is forgotten.
    """

    def __init__(self, at_once: float = AT_ONCE, *, senders: int = SENDERS) -> None:
        self._at_once = float(at_once)
        self._senders = senders
        self._lock = threading.Lock()
        self._buckets: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def wait_s(self, sender: object) -> float:
        """Take one from the sender's bucket; where it is empty, the seconds until there is one again."""
        with self._lock:
            now = time.monotonic()
            level, at = self._buckets.pop(sender, (self._at_once, now))
            level = min(self._at_once, level + (now - at) * A_SECOND)
            is_empty = level < 1
            self._buckets[sender] = (level if is_empty else level - 1, now)
            if len(self._buckets) > self._senders:
                self._buckets.popitem(last=False)
        return (1 - level) / A_SECOND if is_empty else 0.0


_throttle = Throttle()


def receive(id: UUID) -> Response:  # noqa: A002 - the name that every path has
    """Take a vendor's message. Sent again it is the same message, and answered in the same way."""
    body = request.get_data()
    made = runtime()
    with made.database.read(db.EVERYBODY) as session:
        account = deliveries.find_receiver(session, id)
    if account is None:
        raise Problem("not_found")
    try:
        vendor = accounts.receiver(made, account)
    except VendorError as err:  # the vendor may be told to come again: somebody will mend the account
        said = "This account cannot take anything just now."
        raise Problem("unavailable", said, headers={"Retry-After": str(RETRY_AFTER_S)}) from err
    if vendor is None:
        raise Problem("not_found")
    wait_s = _throttle.wait_s((id, request.remote_addr))
    if wait_s:
        raise Problem("too_many_requests", headers={"Retry-After": str(math.ceil(wait_s))})
    try:
        event_id = vendor.verify_webhook(dict(request.headers.items()), body)
    except VendorError as err:
        log.warning("webhook.refused", account=str(account.public_id), said=err.detail)
        with made.database.begin(db.EVERYBODY) as session:
            deliveries.count_refused(session, account)
        said = "The signature is missing, does not hold, or is more than five minutes old."
        raise Problem("unauthorized", said) from err
    with made.database.begin(db.EVERYBODY) as session:
        deliveries.keep(session, account, body, now=db.now(session), event_id=event_id)
    return Response(status=202)


_described = blueprint.response(202, description="It is kept, now or from before, and will be applied.")(receive)
_described = blueprint.doc(requestBody=BODY)(_described)
_open = public("the vendor proves by its signature that it sent this")(_described)
blueprint.route("/webhooks/<uuid:id>", methods=["POST"])(_open)
