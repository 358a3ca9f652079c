"""For who watches the product: is it alive, can it work, and how much waits. No tenant's data."""

from __future__ import annotations

import ipaddress
import math
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, current_app, jsonify, request

from warranty import __version__, db, lookout
from warranty.domain.lifecycles import RmaState
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import people, signals
from warranty.web import exposition
from warranty.web.errors import RETRY_AFTER_S, Problem
from warranty.web.exposition import Family
from warranty.web.guards import public, runtime
from warranty.web.readiness import Readiness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from warranty.services.signals import AccountSigns

blueprint = Blueprint("ops", __name__)

_OF_A_PROXY = frozenset({"forwarded", "via", "x-real-ip"})


def init_app(app: Flask) -> None:
    """Add the pages of this module."""
    app.extensions["readiness"] = Readiness(app.extensions["runtime"].settings.database_url)
    app.register_blueprint(blueprint)


@blueprint.get("/health/live")
@public("a load balancer asks before anybody signs in")
def live() -> Response:
    """The process answers."""
    return jsonify({"status": "live"})


@blueprint.get("/health/ready")
@public("a load balancer asks before anybody signs in")
def ready() -> tuple[Response, int, dict[str, str]]:
    """The database answers too, and has the schema; the queue server may be away, since reports are taken without it."""
    said = current_app.extensions["readiness"].ask()
    if said is None:
        return jsonify({"status": "ready"}), 200, {}
    return jsonify({"status": "not ready", "why": said}), 503, {"Retry-After": str(RETRY_AFTER_S)}


@blueprint.get("/metrics")
@public("from this machine itself, else with a token")
def metrics() -> Response:
    """What waits, what is uncertain, what was given up, whose breaker is open."""
    if not (_is_local() or _has_token()):
        raise Problem("unauthorized", headers={"WWW-Authenticate": "Bearer"})
    return Response("".join(map(str, _families())), content_type=exposition.CONTENT_TYPE)


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


def _families() -> Iterator[Family]:
    """The measurements. An account has its name beside its id, so that an alarm tells which vendor is in trouble."""
    settings = runtime().settings
    with runtime().database.read(db.EVERYBODY) as session:
        found = signals.read(session, settings)
    queue = lookout.look(settings.redis_url)
    yield Family("warranty_build_info", "gauge", "Which version runs, and the schema that it needs.").add(
        1, version=__version__, schema=db.newest_revision() or "none"
    )
    orders = Family("warranty_orders", "gauge", "Background orders that are not done, by where they stand.")
    for status in (OrderStatus.PENDING, OrderStatus.PARKED, OrderStatus.DEAD):
        for kind in OrderKind:
            orders.add(found.orders.get((status, kind), 0), status=status, kind=kind)
    yield orders
    yield Family(
        "warranty_oldest_due_order_seconds", "gauge", "For how long the oldest order has been due that is not done."
    ).add(found.oldest_due_s)
    yield Family(
        "warranty_orders_given_up", "gauge", "Orders given up within a week, or of a case with an open task."
    ).add(found.given_up)
    yield Family(
        "warranty_lease_steals_total", "counter", "How often a worker vanished and another took over its order."
    ).add(found.steals)
    claims = Family("warranty_open_claims", "gauge", "Claims that hold their component, by state.")
    for state in RmaState:
        claims.add(found.claims.get(state, 0), state=state)
    yield claims
    tasks = Family("warranty_open_tasks", "gauge", "What waits for a person, by kind.")
    for task in TaskKind:
        tasks.add(found.tasks.get(task, 0), kind=task)
    yield tasks
    yield from _of_accounts(found.accounts)
    yield Family(
        "warranty_deliveries_unapplied", "gauge", "Messages of vendors that were taken and are not applied."
    ).add(found.deliveries_unapplied)
    yield Family(
        "warranty_sightings_without_rma", "gauge", "Vendor cases of no claim here that nobody has dealt with."
    ).add(found.sightings_without_rma)
    yield Family(
        "warranty_relay_turn_age_seconds", "gauge", "Since when no relay has had its turn; every rhythm one has."
    ).add(math.inf if found.relay_age_s is None else found.relay_age_s)
    yield Family(
        "warranty_register_unsealed_seconds", "gauge", "How old the first row of the register without a seal is."
    ).add(found.unsealed_s)
    yield Family("warranty_queue_up", "gauge", "Whether the queue server answers.").add(int(queue.answers))
    yield Family("warranty_workers", "gauge", "Workers that were heard of within two minutes.").add(queue.workers)


def _of_accounts(accounts: Sequence[AccountSigns]) -> Iterator[Family]:
    breaker = Family(
        "warranty_breaker_open", "gauge", "Whether an account rests, after failures or at the vendor's wish."
    )
    failures = Family("warranty_account_failures", "gauge", "Failed calls of an account in a row.")
    off = Family("warranty_account_switched_off", "gauge", "Whether a person has switched an account off.")
    held = Family("warranty_account_opens_held", "gauge", "Whether an account opens nothing since a restore.")
    parked = Family("warranty_account_parked_orders", "gauge", "Orders that wait for somebody to mend their account.")
    refused = Family("warranty_pushes_refused_total", "counter", "Pushes that did not prove that the vendor sent them.")
    for account in accounts:
        labels = {"account": account.id, "name": account.name, "vendor": account.vendor}
        breaker.add(int(account.is_breaker_open), **labels)
        failures.add(account.failures, **labels)
        off.add(int(account.is_switched_off), **labels)
        held.add(int(account.is_held), **labels)
        parked.add(account.parked, **labels)
        refused.add(account.pushes_refused, **labels)
    yield from (breaker, failures, off, held, parked, refused)
