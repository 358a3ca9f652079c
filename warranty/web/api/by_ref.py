"""Records by the names that other systems have for them, so that a PSA or RMM sends what it knows without asking first.

A name that is known is a change of the record that has it. An unknown one is given to the record that is evidently meant
(a unit of the same client, serial number and manufacturer, a contract of the same number, a client of the same name that
the system does not know otherwise), and only else to a new record. Two calls at once make one record.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import request
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from warranty.domain.access import Permission
from warranty.models import Asset, Client, Contract, Product
from warranty.services import estate, moves
from warranty.services.estate import Invalid, NameTaken
from warranty.web.api import registry
from warranty.web.api.base import Endpoints, by_caller, check_version, held, load
from warranty.web.guards import call, find, needs
from warranty.web.schemas.faults import ExternalNameBody
from warranty.web.schemas.registry import (
    ASSET_CHANGE,
    CLIENT_CHANGE,
    CONTRACT_CHANGE,
    AssetBody,
    AssetDocument,
    ClientBody,
    ClientDocument,
    ContractBody,
    ContractDocument,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from marshmallow import Schema

    from warranty.services.estate import ExternalName
    from warranty.services.estate.names import Named
    from warranty.services.records import Document

endpoints = Endpoints("by_ref", "Clients, contracts and units by the names that other systems have for them.")


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a kind of record is found, added, changed and shown. ``twin`` finds the record that a whole body means."""

    table: type[Named]
    body: Schema
    answer: Schema
    twin: Callable[[dict[str, Any], ExternalName], Any]
    add: Callable[[dict[str, Any]], Any]
    amend: Callable[[Any, dict[str, Any]], None]
    show: Callable[[Any], Document]

    def put(self, body: dict[str, Any], system: str, external_id: str) -> tuple[Document, int]:
        """Let the record of this name be as the body says; its document, and whether it is new (201) or not (200)."""
        session = call().session
        name = load(ExternalNameBody(), {"system": system, "id": external_id})
        because = by_caller(f"known to {system}")
        row = estate.find_named(session, self.table, name)
        whole = load(self.body, request.get_json()) if row is None else {}
        if row is None:
            row = self.twin(whole, name)
        if row is None:
            check_version(self.answer, None)
            try:
                with moves.attempt(session):
                    row = self.add(whole)
                    estate.add_name(session, row, name, because=because)
                return self.show(row), 201
            except (IntegrityError, Invalid, NameTaken):
                row = estate.find_named(session, self.table, name)  # an equal call may have been first
                if row is None:
                    raise
        row = held(row)
        check_version(self.answer, lambda: self.show(row))
        self.amend(row, body)
        estate.add_name(session, row, name, because=because)
        return self.show(row), 200


# --- clients ---


def _same_client(body: dict[str, Any], name: ExternalName) -> Client | None:
    """A client of this name, but never one that the system knows as another: two customers must not become one."""
    session = call().session
    wanted = " ".join(body["name"].split())
    found = session.scalars(select(Client).where(func.lower(Client.name) == func.lower(wanted)).limit(1)).one_or_none()
    if found is None or name.system in {
        known.system for known in estate.external_names(session, Client, [found.id])[found.id]
    }:
        return None
    return found


_CLIENTS = _Kind(
    Client,
    ClientBody(),
    ClientDocument(),
    _same_client,
    registry.register_client,
    registry.amend_client,
    registry.show_client,
)


@endpoints.put(
    "/clients/by-ref/<string:system>/<path:external_id>",
    needs(Permission.REGISTER, wide=True),
    body=CLIENT_CHANGE,
    answer=ClientDocument(),
)
def put_client(body: dict[str, Any], system: str, external_id: str) -> tuple[Document, int]:
    """Add a client, or change the one that a system knows by this id. What a new one needs is needed for a new one."""
    return _CLIENTS.put(body, system, external_id)


# --- units ---


def _same_asset(body: dict[str, Any], _name: ExternalName) -> Asset | None:
    client = find(Client, body["client"], field="client")
    product = find(Product, body["product"], field="product") if body["product"] else None
    estate.hold(call().session, [client.id])  # so that two systems that report one unit at once make one
    return estate.find_twin(call().session, client, body["serial_number"], product)


_ASSETS = _Kind(
    Asset,
    AssetBody(),
    AssetDocument(),
    _same_asset,
    registry.register_asset,
    registry.amend_asset,
    registry.show_asset,
)


@endpoints.put(
    "/assets/by-ref/<string:system>/<path:external_id>",
    needs(Permission.REGISTER),
    body=ASSET_CHANGE,
    answer=AssetDocument(),
)
def put_asset(body: dict[str, Any], system: str, external_id: str) -> tuple[Document, int]:
    """Add a unit, or change the one that a system knows by this id. What a new one needs is needed for a new one."""
    return _ASSETS.put(body, system, external_id)


# --- contracts ---


def _same_contract(body: dict[str, Any], _name: ExternalName) -> Contract | None:
    client = find(Client, body["client"], field="client")
    return estate.find_contract(call().session, client, body["number"])


_CONTRACTS = _Kind(
    Contract,
    ContractBody(),
    ContractDocument(),
    _same_contract,
    registry.register_contract,
    registry.amend_contract,
    registry.show_contract,
)


@endpoints.put(
    "/contracts/by-ref/<string:system>/<path:external_id>",
    needs(Permission.REGISTER),
    body=CONTRACT_CHANGE,
    answer=ContractDocument(),
)
def put_contract(body: dict[str, Any], system: str, external_id: str) -> tuple[Document, int]:
    """Add a contract, or change the one that a system knows by this id. What a new one needs is needed for a new one."""
    return _CONTRACTS.put(body, system, external_id)
