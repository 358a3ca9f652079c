"""What the pages of contracts send, where that is about many promises."""

from __future__ import annotations

from marshmallow import fields, validate

from warranty.domain.terms import CoverageKind, Delivery, Fulfilment, ServiceLevel, Share
from warranty.services.estate import MOST_MINOR
from warranty.web.schemas.fields import Strict, day, line, text, word

LONGEST_LIST = 40_000


class PromisesBody(Strict):
    """The same promise for many units, one a line of ``serials`` with its own last day after it where it has one.

    ``scope``: ``units``, ``client`` for everything of the client, or the id of one of its sites.
    """

    scope = line(36, needed=True)
    serials = text(LONGEST_LIST)
    kind = word(CoverageKind, required=True)
    fulfilment = word(Fulfilment, required=True)
    covers = fields.List(word(Share), required=True, validate=validate.Length(1, len(Share)))
    starts_on = day(required=True)
    ends_on = day(load_default=None)
    time_zone = line(64, needed=True)
    service_level = word(ServiceLevel, load_default=ServiceLevel.UNKNOWN)
    delivery = word(Delivery, load_default=Delivery.UNKNOWN)
    price_minor = fields.Integer(load_default=None, validate=validate.Range(0, MOST_MINOR))
    currency = line(3, load_default="EUR")
    reason = line(500)


class TogetherBody(Strict):
    """Why many records change together."""

    reason = line(500, needed=True)


class CoTermBody(TogetherBody):
    """The day on which they end from now on."""

    ends_on = day(required=True)
