"""The parity certificates of swaps, for programs of the MSP; no client sees any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from warranty.domain.access import Permission
from warranty.models import Swap
from warranty.services import parity, swaps
from warranty.web.api.base import Endpoints, by_caller
from warranty.web.guards import call, needs
from warranty.web.schemas.specifications import CertificateDocument, ParityAcceptBody, ParityAskBody

if TYPE_CHECKING:
    from warranty.services.parity import Certificate

endpoints = Endpoints("parity", "Whether what came with a swap is what was there before.")


def _document(certificate: Certificate) -> dict[str, Any]:
    return certificate.document | {
        "digest": certificate.digest,
        "issued": certificate.is_issued,
        "waiting": [
            {"property": row.name, "reason": row.reason, "asked_by": row.asked_by, "asked_at": row.asked_at}
            for row in certificate.asked
        ],
    }


def _now(swap: Swap) -> dict[str, Any]:
    call().session.flush()
    return _document(swaps.certificate(call().session, swap))


@endpoints.get("/swaps/<uuid:id>/parity", needs(Permission.READ, of=Swap), answer=CertificateDocument())
def show_parity(swap: Swap) -> dict[str, Any]:
    """The certificate of a swap, property by property; it is kept with ``verified``, and changes no more."""
    return _now(swap)


@endpoints.post(
    "/swaps/<uuid:id>/parity/acceptances",
    needs(Permission.HANDLE, of=Swap),
    body=ParityAskBody(),
    answer=CertificateDocument(),
)
def ask_to_accept(swap: Swap, body: dict[str, Any]) -> dict[str, Any]:
    """Ask somebody else to accept differences, with the reason why they may stay."""
    session = call().session
    parity.ask(session, swap, swaps.certificate(session, swap), body["properties"], by_caller(body["reason"]))
    return _now(swap)


@endpoints.post(
    "/swaps/<uuid:id>/parity/approvals",
    needs(Permission.DECIDE, of=Swap),
    body=ParityAcceptBody(),
    answer=CertificateDocument(),
)
def accept_differences(swap: Swap, body: dict[str, Any]) -> dict[str, Any]:
    """Accept differences that somebody else asked for; whoever asked gets 403."""
    session = call().session
    parity.approve(session, swaps.certificate(session, swap), body["properties"], by_caller("accepted the difference"))
    return _now(swap)
