"""For who watches the product: is it alive, can it work, and how much waits. No tenant's data."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import func, select

from warranty import db
from warranty.models import HumanTask, Outbox, Rma, VendorAccount, VendorDelivery
from warranty.models.work import OrderStatus
from warranty.services import people
from warranty.web.errors import Problem
from warranty.web.guards import public, runtime

if TYPE_CHECKING:
    from collections.abc import Iterator

blueprint = Blueprint("ops", __name__)

_OF_A_PROXY = frozenset({"forwarded", "via", "x-real-ip"})


@blueprint.get("/health/live")
@public("a load balancer asks before anybody signs in")
def live() -> Response:
    """The process answers."""
    return jsonify({"status": "live"})


@blueprint.get("/health/ready")
@public("a load balancer asks before anybody signs in")
def ready() -> Response:
    """The database answers too; the queue server may be away, since reports are taken without it."""
    with runtime().database.read(db.EVERYBODY) as session:
        session.execute(select(1))
    return jsonify({"status": "ready"})


@blueprint.get("/metrics")
@public("from this machine itself, else with a token")
def metrics() -> Response:
    """What waits, what is uncertain, what was given up, whose breaker is open."""
    if not (_is_local() or _has_token()):
        raise Problem("unauthorized", headers={"WWW-Authenticate": "Bearer"})
    return Response("\n".join([*_lines(), ""]), content_type="text/plain; version=0.0.4; charset=utf-8")


def _is_local() -> bool:
    """Asked on loopback, and not by a proxy on this machine for somebody else."""
    names = [name.lower() for name in request.headers.keys()]  # noqa: SIM118 - iterating headers gives pairs
    if any(name in _OF_A_PROXY or name.startswith("x-forwarded-") for name in names):
        return False
    return request.remote_addr is not None and ipaddress.ip_address(request.remote_addr).is_loopback


def _has_token() -> bool:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    token = people.read_token(text.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        return False
    with runtime().database.read(db.EVERYBODY) as session:
        known = people.check_token(session, token, key=None)
    return known is not None and known.principal.client_id is None


def _lines() -> Iterator[str]:
    """The measurements, in the text form that Prometheus reads."""
    with runtime().database.read(db.EVERYBODY) as session:
        now = db.now(session)
        orders: Any = dict(session.execute(select(Outbox.status, func.count()).group_by(Outbox.status)).all())
        oldest = session.scalar(select(func.min(Outbox.next_at)).where(Outbox.status == OrderStatus.PENDING))
        open_claims = select(Rma.state, func.count()).where(Rma.is_open).group_by(Rma.state)
        claims: Any = session.execute(open_claims).all()
        tasks = session.scalar(select(func.count()).select_from(HumanTask).where(HumanTask.resolved_at.is_(None)))
        accounts = session.execute(
            select(VendorAccount.public_id, VendorAccount.closed_until, VendorAccount.pushes_refused)
        ).all()
        unapplied = session.scalar(
            select(func.count()).select_from(VendorDelivery).where(VendorDelivery.applied_at.is_(None))
        )
    yield "# TYPE warranty_orders gauge"
    yield from (f'warranty_orders{{status="{status.value}"}} {orders.get(status, 0)}' for status in OrderStatus)
    yield "# TYPE warranty_oldest_due_order_seconds gauge"
    yield f"warranty_oldest_due_order_seconds {max(0.0, (now - oldest).total_seconds()) if oldest else 0.0}"
    yield "# TYPE warranty_open_claims gauge"
    yield from (f'warranty_open_claims{{state="{state.value}"}} {count}' for state, count in claims)
    yield "# TYPE warranty_open_tasks gauge"
    yield f"warranty_open_tasks {tasks}"
    yield "# TYPE warranty_breaker_open gauge"
    for account in accounts:
        is_open = account.closed_until is not None and account.closed_until > now
        yield f'warranty_breaker_open{{account="{account.public_id}"}} {int(is_open)}'
    yield "# TYPE warranty_deliveries_unapplied gauge"
    yield f"warranty_deliveries_unapplied {unapplied}"
    yield "# TYPE warranty_pushes_refused counter"
    for account in accounts:
        yield f'warranty_pushes_refused{{account="{account.public_id}"}} {account.pushes_refused}'
