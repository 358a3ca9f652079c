"""The registry by hand: what is added, what is refused and in which field, and what the register keeps of it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from tests import factories
from tests.factories import BECAUSE, make_asset, make_client, make_coverage, make_product, make_site
from warranty import db
from warranty.domain.handover import HandoverResult
from warranty.domain.terms import (
    AssetState,
    Cause,
    Component,
    CoverageKind,
    CoverageSays,
    EvidenceSource,
    Fulfilment,
    ScopeKind,
    Share,
)
from warranty.models import Asset, AuditRow, Baseline, Client, Coverage, Person, Product
from warranty.services import estate, moves
from warranty.services.estate import Contact, Invalid, Signed, manufacturer_key, serial_key
from warranty.services.moves import IllegalMove


@pytest.fixture
def session(database):
    """One transaction with the scope of staff, on each engine."""
    with database.begin(db.EVERYBODY) as opened:
        yield opened


def history(session, record, row):
    moves.write_down(session)
    query = select(AuditRow).where(AuditRow.record == record, AuditRow.record_id == row.id).order_by(AuditRow.id)
    return [(line.action, line.old_state, line.new_state, line.reason) for line in session.scalars(query)]


# --- Names and numbers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("serial", "key"),
    [
        ("qx7 t2k9", "QX7T2K9"),
        (" \tQX7-T2K9\n", "QX7-T2K9"),
        ("QX7\u00a0T2\u200bK9\ufeff", "QX7T2K9"),
        ("\uff31\uff38\uff17", "QX7"),
    ],
)
def test_a_serial_is_searched_in_upper_case_without_blanks_and_invisible_characters(serial, key):
    assert serial_key(serial) == key


def test_a_manufacturer_is_matched_by_its_letters_and_digits():
    assert manufacturer_key("Palo Alto Networks, Inc.") == "paloaltonetworksinc"
    assert manufacturer_key("D-Link 3") == "dlink3"
    assert manufacturer_key("Größe") == "grösse"


@pytest.mark.parametrize(
    ("serial", "said"),
    [
        ("", "There is no serial number."),
        (" \u00a0 ", "There is no serial number."),
        ("To Be Filled By O.E.M.", "is a placeholder"),
        ("n/a", "is a placeholder"),
        ("9876543210", "is a placeholder"),
        ("[removed]", "is a placeholder"),
        ("0000000", "is a placeholder"),
        ("xxx-xxx", "is a placeholder"),
        ("6.37702E+15", "was ruined by a spreadsheet"),
        ("6,37702E+15", "was ruined by a spreadsheet"),
        ("=A1+1", "is a formula"),
        ("A\x00B", "holds a control character"),
        ("A\ud800B", "holds a control character"),
        ("A" * 65, "is longer than 64 characters"),
        ("ß" * 40, "is longer than 64 characters"),
    ],
)
def test_what_is_no_serial_number_is_refused(serial, said):
    with pytest.raises(Invalid, match=said) as refusal:
        estate.checked_serial(serial)
    assert refusal.value.field == "serial_number"


@pytest.mark.parametrize("serial", ["1E5", "5E10", "A", "123456789", "0X1", "+49-X"])
def test_a_real_serial_number_is_taken_however_odd(serial):
    assert estate.checked_serial(serial) == (serial, serial)


def test_text_may_hold_signs_that_join_letters_and_no_control_characters():
    assert (
        estate.checked_text("name", " a\u200cb  \U0001f469\u200d\U0001f4bb ", 200)
        == "a\u200cb \U0001f469\u200d\U0001f4bb"
    )
    with pytest.raises(Invalid, match="name holds a control character"):
        estate.checked_text("name", "a\x1bb", 200)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "localtime", "posix/UTC", "../etc/passwd", "A" * 70, "Europe"])
def test_what_is_no_time_zone_is_refused(zone):
    with pytest.raises(Invalid, match="There is no time zone"):
        estate.checked_zone(zone)


# --- Clients, sites, products ---------------------------------------------------------------------------------------


def test_a_new_client_has_the_defaults_and_stands_in_the_register(session):
    client = estate.add_client(session, name="  Town   Hall ", because=BECAUSE)
    assert client.name == "Town Hall"
    assert client.policy == {
        "precedence": [
            "manufacturer_warranty",
            "vendor_contract",
            "third_party_maintenance",
            "msp_agreement",
            "insurance",
        ],
        "evidence_freshness_days": 30,
        "repeat_window_days": 90,
        "lookup_patience_minutes": 15,
    }
    assert (client.denial_grace_hours, client.spend_limit_minor, client.cost_tolerance_percent) == (24, 0, 10)
    assert (client.currency, client.call_out_minor, client.labour_hour_minor) == ("EUR", 9_500, 11_000)
    assert history(session, "client", client) == [("add", None, None, "imported")]


def test_a_client_of_the_same_name_is_refused(session):
    make_client(session, "Town Hall")
    for name in ("Town Hall", "town hall", " Town  Hall"):
        with pytest.raises(Invalid, match="There is a client named Town Hall already") as refusal:
            estate.add_client(session, name=name, because=BECAUSE)
        assert refusal.value.field == "name"


def test_a_client_is_found_by_its_name_in_any_case(session):
    client = make_client(session, "Town Hall")
    assert estate.find_client(session, " town  HALL") is client
    with pytest.raises(Invalid, match="There is no client named 'Town'"):
        estate.find_client(session, "Town")


def test_a_site_has_its_address_and_its_people(session):
    client = make_client(session)
    site = estate.add_site(
        session,
        client,
        name="Quay",
        time_zone="Europe/Amsterdam",
        address={"city": " Amsterdam "},
        contacts=[Contact("Mia", "+31", "mia@client.example", "nl"), Contact("Tom")],
        access_hours="8-17",
        because=BECAUSE,
    )
    assert site.address == {
        "address_line1": "",
        "address_line2": "",
        "city": "Amsterdam",
        "postal_code": "",
        "state": "",
        "country": "",
    }
    people = session.scalars(select(Person).where(Person.site_id == site.id).order_by(Person.id)).all()
    assert [(person.name, person.client_id, person.language) for person in people] == [
        ("Mia", client.id, "nl"),
        ("Tom", client.id, ""),
    ]
    assert history(session, "site", site) == [("add", None, None, "imported")]
    assert estate.find_site(session, client, "quay") is site


def test_a_site_that_cannot_be_is_refused_by_its_field(session):
    client = make_client(session)
    make_site(session, client, "Quay")
    for facts, field in (
        ({"name": ""}, "name"),
        ({"name": "Quay"}, "name"),
        ({"name": "QUAY"}, "name"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"address": {"street": "x"}}, "address"),
        ({"address": {"city": "x" * 201}}, "city"),
        ({"contacts": [Contact("")]}, "contacts"),
        ({"contacts": [Contact("Mia", email="mia")]}, "email"),
    ):
        given: dict[str, Any] = {"name": "Other", "time_zone": "UTC", "because": BECAUSE} | facts
        with pytest.raises(Invalid) as refusal:
            estate.add_site(session, client, **given)
        assert refusal.value.field == field


def test_two_clients_may_have_a_site_of_one_name(session):
    one, other = make_client(session), make_client(session)
    assert make_site(session, one, "HQ").id != make_site(session, other, "HQ").id
    with pytest.raises(Invalid, match="has no site named"):
        estate.find_site(session, one, "Quay")


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"manufacturer": ""}, "manufacturer"),
        ({"manufacturer": "—"}, "manufacturer"),
        ({"model": " "}, "model"),
        ({"model": "6.37702E+15"}, "model"),
        ({"part_number": "1.2E+5"}, "part_number"),
        ({"base_term_months": 601}, "base_term_months"),
        ({"list_price_minor": -1}, "list_price_minor"),
        ({"currency": "euro"}, "currency"),
    ],
)
def test_a_product_that_cannot_be_is_refused_by_its_field(facts, field):
    with pytest.raises(Invalid) as refusal:
        estate.new_product(**{"manufacturer": "Acme", "model": "M2"} | facts)
    assert refusal.value.field == field


def test_a_product_stands_once_however_its_manufacturer_is_written(session):
    make_product(session, "Acme", "M1")
    for model in ("M1", "m1"):
        with pytest.raises(Invalid, match=rf"ACME\. {model} is known already") as refusal:
            make_product(session, "ACME.", model)
        assert refusal.value.field == "model"


def test_a_product_is_found_by_its_names_however_they_are_written(session):
    product = make_product(session, "Hewlett-Packard", "ProLiant DL380")
    assert estate.find_product(session, manufacturer="HEWLETT packard", model="proliant  dl380") is product
    with pytest.raises(Invalid, match="There is no product"):
        estate.find_product(session, manufacturer="HP", model="ProLiant DL380")


def test_two_who_add_one_product_at_the_same_time_end_with_one(database):
    added = threading.Event()

    def register():
        with database.begin(db.EVERYBODY) as session:
            product = estate.new_product(manufacturer="Acme", model="M1")
            [row] = estate.register_products(session, [product], because=BECAUSE)
            added.set()
            time.sleep(0.2)  # the other one is at the same row by now, and waits for this commit
            return row.id

    with ThreadPoolExecutor() as pool:
        first = pool.submit(register)
        added.wait()
        second = pool.submit(register)
    assert first.result() == second.result()
    with database.read(db.EVERYBODY) as session:
        assert len(session.scalars(select(Product)).all()) == 1


def test_of_several_new_products_the_ones_that_are_there_by_now_are_found(session):
    known = make_product(session, "Acme", "M1")
    wanted = [estate.new_product(manufacturer="Acme", model=model) for model in ("M1", "M2")]
    rows = estate.register_products(session, wanted, because=BECAUSE)
    assert [row.model for row in rows] == ["M1", "M2"]
    assert rows[0] is known
    assert history(session, "product", rows[1]) == [("add", None, None, "imported")]


# --- Units ----------------------------------------------------------------------------------------------------------


def test_a_unit_begins_in_onboarding(session):
    client = make_client(session)
    asset = estate.add_asset(session, client, serial_number="sn 1", because=BECAUSE)
    assert (asset.serial_number, asset.serial_key, asset.state) == ("sn 1", "SN1", AssetState.ONBOARDING)
    assert (asset.handover_exceptions, asset.absence_attested, asset.created_at) == ([], False, BECAUSE.at)
    assert history(session, "asset", asset) == [("move", None, "onboarding", "imported")]
    assert session.scalars(select(Baseline)).all() == []


def test_a_unit_in_service_has_a_healthy_baseline_and_came_there_by_its_life_cycle(session):
    client = make_client(session)
    asset = estate.add_asset(
        session,
        client,
        serial_number="SN1",
        state=AssetState.IN_SERVICE,
        purchased_on=date(2024, 1, 1),
        because=BECAUSE,
    )
    assert asset.state is AssetState.IN_SERVICE
    [baseline] = session.scalars(select(Baseline)).all()
    assert (baseline.asset_id, baseline.client_id, baseline.result) == (asset.id, client.id, "healthy")
    assert (baseline.reason, baseline.signed_by, baseline.exceptions) == ("imported", "system:test", [])
    assert history(session, "asset", asset) == [
        ("move", None, "onboarding", "imported"),
        ("move", "onboarding", "in_service", "imported"),
    ]


def test_a_unit_begins_in_no_other_state_and_at_no_other_clients_site(session):
    client, other = make_client(session), make_client(session)
    with pytest.raises(Invalid, match="registered as onboarding or in_service, not as faulty"):
        estate.add_asset(session, client, serial_number="SN1", state=AssetState.FAULTY, because=BECAUSE)
    with pytest.raises(Invalid, match="is not one of"):
        estate.add_asset(session, client, serial_number="SN1", site=make_site(session, other), because=BECAUSE)
    assert estate.register_assets(session, [], because=BECAUSE) == []


def test_two_units_may_have_one_serial(session):
    one, other = make_client(session), make_client(session)
    assets = [make_asset(session, client, "sn-1") for client in (one, other, one)]
    assert estate.find_assets(session, "SN-1") == assets
    assert estate.find_assets(session, "sn -1", client=one) == [assets[0], assets[2]]


@pytest.mark.parametrize(
    ("result", "exceptions", "state"),
    [
        (HandoverResult.HEALTHY, [], AssetState.IN_SERVICE),
        (HandoverResult.HEALTHY_WITH_EXCEPTIONS, [Component.FAN], AssetState.IN_SERVICE),
        (HandoverResult.NOT_ACCEPTED, [Component.FAN], AssetState.REJECTED_AT_HANDOVER),
        (HandoverResult.NOT_ACCEPTED, [], AssetState.REJECTED_AT_HANDOVER),
    ],
)
def test_a_baseline_takes_a_unit_through_the_gate(session, result, exceptions, state):
    asset = make_asset(session, make_client(session), state=AssetState.ONBOARDING)
    estate.put_baseline(session, asset, result=result, exceptions=exceptions, signed=Signed("user:1"), because=BECAUSE)
    session.refresh(asset)
    assert (asset.state, asset.handover_exceptions) == (state, [component.value for component in exceptions])
    assert history(session, "asset", asset)[1:] == [
        ("move", "onboarding", state.value, "imported"),
        ("baseline", None, None, "imported"),
    ]


def test_a_later_baseline_supersedes_and_moves_nothing(session):
    asset = make_asset(session, make_client(session))
    result = HandoverResult.HEALTHY_WITH_EXCEPTIONS
    estate.put_baseline(
        session, asset, result=result, exceptions=[Component.FAN], signed=Signed("user:1"), because=BECAUSE
    )
    session.refresh(asset)
    assert (asset.state, asset.handover_exceptions) == (AssetState.IN_SERVICE, ["fan"])


@pytest.mark.parametrize(
    ("result", "exceptions"),
    [
        (HandoverResult.HEALTHY, [Component.FAN]),
        (HandoverResult.HEALTHY_WITH_EXCEPTIONS, []),
        (HandoverResult.HEALTHY_WITH_EXCEPTIONS, [Component.FAN, Component.FAN]),
    ],
)
def test_exceptions_fit_the_result_of_the_baseline(session, result, exceptions):
    asset = make_asset(session, make_client(session), state=AssetState.ONBOARDING)
    with pytest.raises(Invalid) as refusal:
        estate.put_baseline(
            session, asset, result=result, exceptions=exceptions, signed=Signed("user:1"), because=BECAUSE
        )
    assert refusal.value.field == "exceptions"
    assert asset.state is AssetState.ONBOARDING


def test_what_is_past_its_hand_over_is_not_refused_any_more_and_what_was_rejected_is_not_accepted(session):
    client = make_client(session)
    asset, rejected = make_asset(session, client), make_asset(session, client, state=AssetState.ONBOARDING)
    refuse: dict[str, Any] = {"result": HandoverResult.NOT_ACCEPTED, "signed": Signed("user:1"), "because": BECAUSE}
    with pytest.raises(IllegalMove):
        estate.put_baseline(session, asset, **refuse)
    estate.put_baseline(session, rejected, **refuse)
    with pytest.raises(IllegalMove):
        estate.put_baseline(session, rejected, **refuse | {"result": HandoverResult.HEALTHY})


# --- Contracts and coverages ----------------------------------------------------------------------------------------


def test_a_contract_number_stands_once_for_a_client(session):
    client, other = make_client(session), make_client(session)
    contract = factories.make_contract(session, client, "W-1")
    factories.make_contract(session, other, "W-1")
    assert history(session, "contract", contract) == [("add", None, None, "imported")]
    with pytest.raises(Invalid, match="has a contract W-1 already"):
        factories.make_contract(session, client, "W-1")


def test_a_coverage_is_for_a_unit_a_product_a_site_or_a_client(session):
    client, product = make_client(session), make_product(session)
    site = make_site(session, client)
    asset = make_asset(session, client, product=product, site=site)
    made = {
        ScopeKind.ASSET: make_coverage(session, asset),
        ScopeKind.PRODUCT: make_coverage(session, product, client=client),
        ScopeKind.SITE: make_coverage(session, site, client=client),
        ScopeKind.CLIENT: make_coverage(session, client),
    }
    for scope, coverage in made.items():
        targets = {"asset": coverage.asset_id, "product": coverage.product_id, "site": coverage.site_id}
        wanted = {"asset": asset.id, "product": product.id, "site": site.id}.get(scope)
        assert coverage.scope is scope
        assert coverage.client_id == client.id
        assert [target for target in targets.values() if target is not None] == ([wanted] if wanted else [])
        assert history(session, "coverage", coverage) == [("add", None, None, "imported")]


def test_only_the_coverages_written_for_a_unit_match_it(session):
    client, other = make_client(session), make_client(session)
    product, site = make_product(session), make_site(session, client)
    asset = make_asset(session, client, product=product, site=site)
    bare = make_asset(session, client)
    own = [
        make_coverage(session, asset),
        make_coverage(session, product, client=client),
        make_coverage(session, site),
        make_coverage(session, client),
    ]
    make_coverage(session, other)
    make_coverage(session, product, client=other)

    def matching(unit):
        query = select(Coverage).where(estate.scope_matches(unit)).order_by(Coverage.id)
        return list(session.scalars(query))

    assert matching(asset) == own
    assert matching(bare) == [own[3]]


def test_the_owner_of_a_coverage_is_derived_and_must_agree(session):
    client, other = make_client(session), make_client(session)
    asset, product = make_asset(session, client), make_product(session)
    for scope, named in ((product, None), (asset, other), (client, other), (make_site(session, client), other)):
        with pytest.raises(Invalid) as refusal:
            make_coverage(session, scope, client=named)
        assert refusal.value.field == "client"
    foreign = factories.make_contract(session, other)
    with pytest.raises(Invalid) as refusal:
        make_coverage(session, asset, contract=foreign)
    assert refusal.value.field == "contract"
    with pytest.raises(Invalid) as refusal:
        make_coverage(session, asset, sites=[make_site(session, other)])
    assert refusal.value.field == "sites"


WELL_FORMED: dict[str, Any] = {
    "client_id": 1,
    "scope": ScopeKind.CLIENT,
    "target_id": 1,
    "contract_number": "W-1",
    "kind": CoverageKind.MANUFACTURER_WARRANTY,
    "fulfilment": Fulfilment.VENDOR_RMA,
    "starts_on": date(2020, 1, 1),
    "ends_on": None,
    "time_zone": "Europe/Amsterdam",
    "covers": (Share.PARTS,),
    "excluded_causes": (),
    "excluded_components": (),
    "sites": None,
    "grace_days": 0,
    "waiting_days": 0,
    "claims_after_end_days": 0,
    "claims_limit": None,
    "claims_used": 0,
    "evidence_source": EvidenceSource.CONTRACT_FILE,
}
LOOKED_UP = {"evidence_source": EvidenceSource.VENDOR_LOOKUP}
AT = datetime(2026, 3, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"contract_number": " "}, "contract_number"),
        ({"contract_number": "x" * 121}, "contract_number"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"covers": ()}, "covers"),
        ({"covers": (Share.PARTS, Share.PARTS)}, "covers"),
        ({"ends_on": date(2019, 12, 31)}, "ends_on"),
        ({"excluded_causes": (Cause.WEAR, Cause.UNKNOWN)}, "excluded_causes"),
        ({"grace_days": -1}, "grace_days"),
        ({"waiting_days": 1_000_001}, "waiting_days"),
        ({"claims_after_end_days": -1}, "claims_after_end_days"),
        ({"claims_limit": -1}, "claims_limit"),
        ({"claims_used": 1_000_001}, "claims_used"),
        ({**LOOKED_UP, "vendor_says": CoverageSays.COVERED}, "checked_at"),
        ({**LOOKED_UP, "checked_at": AT}, "vendor_says"),
    ],
)
def test_a_malformed_coverage_is_refused_by_its_field(facts, field):
    with pytest.raises(Invalid) as refusal:
        estate.new_coverage(**WELL_FORMED | facts)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    "facts",
    [
        {"ends_on": date(2020, 1, 1)},
        {"sites": []},
        {"claims_limit": 0, "claims_used": 1_000_000},
        LOOKED_UP,
        {**LOOKED_UP, "checked_at": AT, "vendor_says": CoverageSays.NOT_COVERED},
        {**LOOKED_UP, "checked_at": AT, "lookup_error": "timeout"},
        {"evidence_source": EvidenceSource.NONE, "vendor_says": CoverageSays.COVERED},
    ],
)
def test_a_coverage_at_the_edge_of_what_is_well_formed_is_taken(facts):
    coverage = estate.new_coverage(**WELL_FORMED | facts)
    assert coverage.contract_number == "W-1"


def test_a_coverage_keeps_its_sites_by_their_public_ids(session):
    client = make_client(session)
    site = make_site(session, client)
    assert make_coverage(session, client, sites=[site]).sites == [str(site.public_id)]
    assert make_coverage(session, client).sites is None


def test_a_change_is_checked_and_the_register_keeps_what_was(session):
    coverage = make_coverage(session, make_client(session), ends_on=date(2026, 1, 1))
    estate.change_coverage(session, coverage, because=BECAUSE, ends_on=date(2027, 1, 1), covers=["parts", "labour"])
    moves.write_down(session)
    row = session.scalars(select(AuditRow).where(AuditRow.action == "change")).one()
    assert row.detail == {"ends_on": ["2026-01-01", "2027-01-01"], "covers": [["parts"], ["parts", "labour"]]}
    with pytest.raises(Invalid, match="is before"):
        estate.change_coverage(session, coverage, because=BECAUSE, ends_on=date(2019, 1, 1))
    assert coverage.ends_on == date(2027, 1, 1)


def test_a_change_of_a_unit_or_a_product_stands_in_the_register(session):
    client, product = make_client(session), make_product(session)
    asset = make_asset(session, client, name="old")
    estate.change_asset(session, asset, because=BECAUSE, name="new", product_id=product.id)
    estate.change_product(session, product, because=BECAUSE, part_number="AC-2")
    moves.write_down(session)
    rows = session.scalars(select(AuditRow).where(AuditRow.action == "change")).all()
    assert {row.record: row.detail for row in rows} == {
        "asset": {"name": ["old", "new"], "product_id": [None, product.id]},
        "product": {"part_number": ["AC-1", "AC-2"]},
    }


def test_nothing_of_a_refused_fact_is_left(database):
    def register():
        with database.begin(db.EVERYBODY) as session:
            asset = make_asset(session, make_client(session))
            make_coverage(session, asset, kind=CoverageKind.INSURANCE, covers=())

    with pytest.raises(Invalid):
        register()
    with database.read(db.EVERYBODY) as session:
        for table in (Client, Asset, AuditRow):
            assert session.scalars(select(table)).all() == []
