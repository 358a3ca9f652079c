"""What vendors push to us: the only place that proves who sent it."""

import base64
import contextlib
import functools
from collections.abc import Mapping

from standardwebhooks import Webhook, WebhookVerificationError

from vendors.errors import Trouble, VendorError


def verify_signature(vendor: str, secret: str, headers: Mapping[str, str], body: bytes) -> str:
    """Prove a push that is signed by the Standard Webhooks scheme (specification 1.0.0), and give its id.

    Args:
        vendor: for the error.
        secret: the shared secret: ``whsec_`` and base64 as the scheme has it, or any text; where a text could be
            either, both readings are tried, since the two come from the one secret.
        headers, body: as received.

    Raises:
        VendorError: ``unauthorised`` where the signature is missing, wrong, or more than five minutes off.
    """
    keys = _keys(secret)
    for key in keys:
        try:
            Webhook(key).verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # ValueError: a signature or body that is not even text
            continue
        return next(value for name, value in headers.items() if name.lower() == "webhook-id")
    detail = "the signature does not hold" if keys else "the account has no webhook_secret"
    raise VendorError(vendor, Trouble.UNAUTHORISED, vendor_code="signature", detail=detail)


@functools.cache
def _keys(secret: str) -> tuple[bytes, ...]:
    """Give the readings of a shared secret."""
    plain = secret.removeprefix("whsec_")
    keys = [] if plain != secret or not secret else [secret.encode()]
    with contextlib.suppress(ValueError):
        keys.append(base64.b64decode(plain, validate=True))
    return tuple(key for key in keys if key)
