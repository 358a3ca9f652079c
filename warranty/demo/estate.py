"""The pretended MSP: three clients, their units and contracts, and the accounts at the pretended vendors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from vendors.sandbox.servicenow import RMA_NUMBER_FIELD, STATE_MAP
from warranty.domain.terms import (
    AssetState,
    Cause,
    Component,
    CoverageKind,
    Delivery,
    EvidenceSource,
    Fulfilment,
    Ownership,
    ServiceLevel,
    Share,
)
from warranty.services import accounts, estate
from warranty.services.estate import Contact
from warranty.services.moves import Because

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from warranty.models import Asset, Client, Product, Site
    from warranty.runtime import Runtime

TOWN = "Stadtwerke Grünau-Ostheide Versorgungsbetriebe GmbH"
PORT = "Van der Meer Logistics B.V."
CLINIC = "Klinik am Hafen gGmbH"
NOT_ON_PURPOSE = (Cause.ACCIDENTAL_DAMAGE, Cause.LIQUID, Cause.SURGE, Cause.MISUSE, Cause.THEFT, Cause.WEAR)

# What the pretended Dell knows: tag, model, country, zone, code of the service. Every entitlement runs for two more years.
DELL_UNITS = {
    "7XK4P03": ("PowerEdge R750xs", "DE", "Europe/Berlin"),
    "7XK4P04": ("PowerEdge R750xs", "DE", "Europe/Berlin"),
    "7XK4P05": ("PowerEdge R750xs", "DE", "Europe/Berlin"),
    "7XK4P06": ("PowerEdge R750xs", "DE", "Europe/Berlin"),
    "4HJ2Q93": ("PowerEdge R650", "NL", "Europe/Amsterdam"),
    "4HJ2Q94": ("PowerEdge R650", "NL", "Europe/Amsterdam"),
    "4HJ2Q95": ("PowerEdge R650", "NL", "Europe/Amsterdam"),
    "4HJ2Q96": ("PowerEdge R650", "NL", "Europe/Amsterdam"),
    "4HJ2Q97": ("PowerEdge R650", "NL", "Europe/Amsterdam"),
    "9LM8T21": ("OptiPlex 7010", "DE", "Europe/Berlin"),
}


@dataclass(slots=True)
class World:
    """What the story needs to find again."""

    clients: dict[str, Client]
    sites: dict[str, Site]
    products: dict[str, Product]
    assets: dict[str, Asset]


def dell_tags(today: date) -> dict[str, dict[str, object]]:
    """What the pretended Dell is told of its units."""
    starts, ends = today - timedelta(days=400), today + timedelta(days=730)
    return {
        tag: {
            "systemDescription": model,
            "countryCode": country,
            "time_zone": zone,
            "entitlements": [{"code": "NU", "type": "INITIAL", "starts_on": str(starts), "ends_on": str(ends)}],
        }
        for tag, (model, country, zone) in DELL_UNITS.items()
    }


def build(session: Session, runtime: Runtime, *, vendor_url: str, now: datetime) -> World:
    """Register everything, by the services that the pages and the importers use."""
    because = Because("system:demo", "the pretended MSP", now)
    world = World({}, {}, {}, {})
    _clients(session, world, because)
    _products(session, world, because)
    _assets(session, world, because)
    _contracts(session, world, because, now.date())
    _accounts(session, runtime, vendor_url, because)
    return world


def _clients(session: Session, world: World, because: Because) -> None:
    places = {
        TOWN: (
            "Rechenzentrum Süd",
            "Europe/Berlin",
            "Werkstraße 12",
            "Grünau",
            "15837",
            "DE",
            "Jana Wüstenhagen",
            "+49 4531 880",
        ),
        PORT: (
            "Rotterdam Maasvlakte 1",
            "Europe/Amsterdam",
            "Antarcticaweg 8",
            "Rotterdam",
            "3199 KA",
            "NL",
            "Pieter Bakker",
            "+31 10 555 0134",
        ),
        CLINIC: (
            "Haus B",
            "Europe/Berlin",
            "Hafenstraße 3",
            "Bremerhaven",
            "27568",
            "DE",
            "Dr. Ines Möller",
            "+49 471 5550",
        ),
    }
    for client_name, (site, zone, street, city, postal_code, country, contact, phone) in places.items():
        client = estate.add_client(session, name=client_name, because=because)
        world.clients[client_name] = client
        world.sites[client_name] = estate.add_site(
            session,
            client,
            name=site,
            time_zone=zone,
            address={"address_line1": street, "city": city, "postal_code": postal_code, "country": country},
            contacts=[Contact(name=contact, phone=phone, email="contact@example.com", language=country.lower())],
            access_hours="Mo-Fr 8-18",
            because=because,
        )


def _products(session: Session, world: World, because: Because) -> None:
    for manufacturer, model, part_number, price in (
        ("Dell", "PowerEdge R750xs", "210-AZYQ", 689_000),
        ("Dell", "PowerEdge R650", "210-AZKL", 742_000),
        ("Dell", "OptiPlex 7010", "210-BFWC", 89_900),
        ("Ubiquiti", "UniFi Switch Pro 48", "USW-Pro-48", 62_900),
        ("APC", "Smart-UPS 1500", "SMT1500RMI2UC", None),
    ):
        world.products[model] = estate.add_product(
            session,
            manufacturer=manufacturer,
            model=model,
            part_number=part_number,
            list_price_minor=price,
            because=because,
        )


def _assets(session: Session, world: World, because: Because) -> None:
    owner = {"Europe/Berlin": TOWN, "Europe/Amsterdam": PORT}
    for number, (tag, (model, _, zone)) in enumerate(DELL_UNITS.items(), start=1):
        _asset(session, world, because, owner[zone], tag, model, f"srv-{number:02d}")
    _asset(session, world, because, TOWN, "FCECDA0001", "UniFi Switch Pro 48", "sw-gruenau-01")
    _asset(session, world, because, TOWN, "FCECDA0002", "UniFi Switch Pro 48", "sw-gruenau-02")
    _asset(session, world, because, CLINIC, "FCECDA0003", "UniFi Switch Pro 48", "sw-hafen-01")
    _asset(session, world, because, CLINIC, "AS1948160001", "Smart-UPS 1500", "usv-hafen-01")
    _asset(session, world, because, CLINIC, "AS1948160002", "Smart-UPS 1500", "usv-hafen-02", ownership=Ownership.MSP)
    for serial in ("FCECDA0001", "FCECDA0002", "FCECDA0003", "AS1948160001", "AS1948160002"):
        world.assets[serial].absence_attested = True  # no vendor can be asked: a person has looked at the papers


def _asset(
    session: Session,
    world: World,
    because: Because,
    client: str,
    serial: str,
    model: str,
    name: str,
    *,
    ownership: Ownership = Ownership.CLIENT,
) -> None:
    world.assets[serial] = estate.add_asset(
        session,
        world.clients[client],
        serial_number=serial,
        product=world.products[model],
        site=world.sites[client],
        name=name,
        ownership=ownership,
        state=AssetState.IN_SERVICE,
        because=because,
    )


def _contracts(session: Session, world: World, because: Because, today: date) -> None:
    """The MSP's own agreement pays labour in Grünau; the papers of two switches have run out; the clinic has nothing."""
    year = timedelta(days=365)
    estate.add_coverage(
        session,
        world.clients[TOWN],
        contract=estate.add_contract(
            session, world.clients[TOWN], number="MV-2024-117", name="Rundum-Betrieb", because=because
        ),
        contract_number="MV-2024-117",
        name="Rundum-Betrieb",
        price_minor=1_188_000,
        kind=CoverageKind.MSP_AGREEMENT,
        fulfilment=Fulfilment.MSP_SUPPLY,
        covers=[Share.LABOUR],
        starts_on=today - 2 * year,
        ends_on=today + timedelta(days=75),  # it is to be renewed
        time_zone="Europe/Berlin",
        service_level=ServiceLevel.NEXT_BUSINESS_DAY,
        delivery=Delivery.ON_SITE,
        because=because,
    )
    estate.add_coverage(
        session,
        world.assets["FCECDA0001"],
        contract=estate.add_contract(
            session, world.clients[TOWN], number="EW-2291", name="Elbtech Wartung", because=because
        ),
        contract_number="EW-2291",
        name="Elbtech Wartung",
        price_minor=42_000,
        kind=CoverageKind.THIRD_PARTY_MAINTENANCE,
        fulfilment=Fulfilment.VENDOR_RMA,
        covers=[Share.PARTS, Share.LABOUR],
        starts_on=today - 3 * year,
        ends_on=today - timedelta(days=1),
        time_zone="Europe/Berlin",
        service_level=ServiceLevel.H8X5X4,
        delivery=Delivery.ON_SITE,
        excluded_causes=NOT_ON_PURPOSE,
        excluded_components=[Component.BATTERY],
        evidence_source=EvidenceSource.CONTRACT_FILE,
        because=because,
    )


def _accounts(session: Session, runtime: Runtime, vendor_url: str, because: Because) -> None:
    accounts.add(
        session,
        runtime,
        vendor="dell",
        name="Dell warranty look-up",
        secrets={"client_id": "demo", "client_secret": "demo-secret"},
        options={},
        duties=["lookup"],
        base_url=vendor_url,
        manufacturers=["Dell"],
        because=because,
    )
    accounts.add(
        session,
        runtime,
        vendor="servicenow",
        name="Dell service desk",
        secrets={"username": "demo", "password": "demo-secret"},
        options={
            "state_map": json.dumps({state: word.value for state, word in STATE_MAP.items()}),
            "rma_number_field": RMA_NUMBER_FIELD,
        },
        duties=["open", "track"],
        base_url=vendor_url,
        manufacturers=["Dell"],
        because=because,
    )
