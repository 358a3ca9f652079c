"""The rules that hold for every route there is or will be: each declares what it needs, and shows nobody else's rows.

Routes, and the places in their queries and bodies where an object is named, are read from the application: see
`tests.web.routes`. Whoever adds one says in `TABLE` what the route needs, and in `NAMES` of which table the field is.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from tests import factories
from tests.web.conftest import NOBODYS_ID, World, make_world, revoke
from tests.web.owned import LABOUR_HOUR_MINOR, Owned, own_everything, own_nothing
from tests.web.routes import Description, Place, address, alike, at, browse, is_api, put, rules, said, take_out
from warranty import db
from warranty.domain.access import TokenScope
from warranty.domain.terms import CLIENT_ROLES, Role
from warranty.models import (
    ApiToken,
    Asset,
    Base,
    BusinessCalendar,
    Client,
    Contract,
    Coverage,
    Fault,
    File,
    ImportRun,
    LookUpRun,
    Person,
    Product,
    PublicRow,
    SavedView,
    Shipment,
    Site,
    StockLocation,
    StockUnit,
    Swap,
    User,
    VendorAccount,
)
from warranty.web import guards

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.routing import Rule
    from werkzeug.test import TestResponse

    from warranty.runtime import Runtime


ANYBODYS = "read or read_own"

# A new route stands here too: what it needs is decided, not inherited.
TABLE = {
    "static": "public",
    "auth.sign_in": "public",
    "auth.take_password": "public",
    "auth.sign_out": ANYBODYS,
    "auth.choose_language": "public",
    "staff.board": ANYBODYS,  # a client is led to the portal
    "staff.board_live": "read",
    "staff.act_on_board": "handle",
    "staff.deal_with": "decide",
    "staff.case_list": "read",
    "staff.case_detail": "read",
    "staff.case_live": "read",
    "staff.case_evidence": "read",
    "staff.answer_review": "decide",
    "staff.record_claim": "handle",
    "staff.give_inputs": "handle",
    "staff.list_parts": "handle",
    "staff.answer_proposal": "handle",
    "staff.write_note": "handle",
    "staff.see_notes": "handle",
    "staff.send_note_again": "handle",
    "staff.hand_over": "handle",
    "staff.move_goods": "handle",
    "staff.swap_detail": "read",
    "staff.case_owed": "read",
    "staff.answer_swap": "handle",
    "staff.add_file": "handle",
    "staff.download": "read",
    "staff.thumbnail": "read",
    "staff.profile": ANYBODYS,
    "staff.save_profile": ANYBODYS,
    "staff.add_absence": "handle",
    "staff.end_absence": "handle",
    "staff.override_form": "decide",
    "staff.preview_override": "decide",
    "staff.override": "decide",
    "staff.answer_override": "decide",
    "staff.job_detail": "read",
    "staff.search": "read",
    "staff.asset_list": "read",
    "staff.asset_filter": "read",
    "staff.asset_counts": "read",
    "staff.asset_columns": "read",
    "staff.choose_asset_columns": "read",
    "staff.asset_export": "read",
    "staff.asset_detail": "read",
    "staff.asset_edit": "register",
    "staff.calendar_list": "read",
    "staff.calendar_new": "register",
    "staff.calendar_add_preview": "register",
    "staff.calendar_add": "register",
    "staff.calendar_detail": "read",
    "staff.calendar_change_preview": "register",
    "staff.calendar_change": "register",
    "staff.keep_draft": "handle",
    "staff.drop_draft": "handle",
    "staff.asset_state": "register",
    "staff.move_asset": "register",
    "staff.asset_documents": "read",
    "staff.add_document": "handle",
    "staff.file_removal": "register",
    "staff.remove_file": "register",
    "staff.ask_vendor": "handle",
    "staff.asset_asking": "read",
    "staff.handover_list": "read",
    "staff.hand_over_units": "register",
    "staff.unit_handover": "read",
    "staff.begin_handover": "handle",
    "staff.check_handover": "handle",
    "staff.sign_handover": "register",
    "staff.handover_protocol": "read",
    "staff.unit_retirement": "read",
    "staff.retire_unit": "register",
    "staff.settle_covers": "register",
    "staff.add_medium": "handle",
    "staff.dispose_unit": "register",
    "staff.asset_together": "register",
    "staff.look_at_units": "register",
    "staff.change_units": "register",
    "staff.correct_asset": "register",
    "staff.labels_new": "read",
    "staff.labels_sheet": "read",
    "staff.saved_view_new": "read",
    "staff.keep_view": "read",
    "staff.remove_saved_view": "read",
    "staff.import_list": "read",
    "staff.import_file": "register",
    "staff.import_detail": "read",
    "staff.import_live": "read",
    "staff.import_rejected": "read",
    "staff.import_columns": "register",
    "staff.import_go": "register",
    "staff.import_cancel": "register",
    "staff.import_undo": "register",
    "staff.fault_new": "handle",
    "staff.fault_preview": "handle",
    "staff.report": "handle",
    "staff.register_unit": "register",
    "calendar.feed": "public",  # calendar programs cannot sign in
    "staff.client_list": "read",
    "staff.client_detail": "read",
    "staff.client_new": "register",
    "staff.add_client": "register",
    "staff.client_edit": "register",
    "staff.correct_client": "register",
    "staff.site_new": "register",
    "staff.add_site": "register",
    "staff.site_edit": "register",
    "staff.correct_site": "register",
    "staff.contact_new": "register",
    "staff.add_contact": "register",
    "staff.contact_edit": "register",
    "staff.correct_contact": "register",
    "staff.product_list": "read",
    "staff.product_detail": "read",
    "staff.product_new": "register",
    "staff.add_product": "register",
    "staff.product_edit": "register",
    "staff.correct_product": "register",
    "staff.contract_list": "read",
    "staff.contract_detail": "read",
    "staff.contract_units": "read",
    "staff.contract_new": "register",
    "staff.add_contract": "register",
    "staff.contract_edit": "register",
    "staff.correct_contract": "register",
    "staff.promises_new": "register",
    "staff.add_promises": "register",
    "staff.promise_edit": "register",
    "staff.correct_promise": "register",
    "staff.contract_void": "register",
    "staff.void_contract": "register",
    "staff.contract_co_term": "register",
    "staff.co_term_contract": "register",
    "staff.return_list": "read",
    "staff.return_detail": "read",
    "staff.return_slip": "read",
    "staff.plan_return": "handle",
    "staff.charge_return": "handle or bill",
    "staff.retain_return": "handle",
    "staff.renewal_list": "read",
    "staff.renewal_calendar": "read",
    "staff.renewal_feed": "read",
    "staff.make_feed": "read",
    "staff.end_feed": "read",
    "staff.settings_start": "read",
    "staff.account_list": "read",
    "staff.account_new": "register",
    "staff.account_add": "register",
    "staff.account_detail": "read",
    "staff.account_live": "read",
    "staff.account_change_preview": "register",
    "staff.account_change": "register",
    "staff.account_secrets": "register",
    "staff.account_test": "register",
    "staff.account_switch_off": "register",
    "staff.account_switch_on": "register",
    "staff.account_release": "register",
    "staff.rules_list": "read",
    "staff.rules_detail": "read",
    "staff.rules_change_preview": "register",
    "staff.rules_change": "register",
    "staff.rates_change_preview": "bill",
    "staff.rates_change": "bill",
    "staff.user_list": "administer",
    "staff.user_new": "administer",
    "staff.user_add": "administer",
    "staff.user_detail": "administer",
    "staff.user_change_preview": "administer",
    "staff.user_change": "administer",
    "staff.user_deactivate": "administer",
    "staff.user_reactivate": "administer",
    "staff.user_password": "administer",
    "staff.token_list": "administer",
    "staff.token_new": "administer",
    "staff.token_add": "administer",
    "staff.token_detail": "administer",
    "staff.token_revoke": "administer",
    "portal.case_list": "read_own",
    "portal.case_detail": "read_own",
    "portal.case_live": "read_own",
    "portal.fault_new": "read_own",
    "portal.report": "read_own",
    "ops.live": "public",
    "ops.ready": "public",
    "ops.metrics": "public",
    "docs.openapi": "public",
    "docs.readable": "public",
    "webhooks.receive": "public",  # a vendor's signature proves who sent it
    "faults.preview": "report or read",
    "faults.report": "report",
    "faults.list_faults": ANYBODYS,
    "faults.show_fault": ANYBODYS,
    "faults.decide": "decide",
    "faults.hand_over": "handle",
    "faults.show_debts": "read",
    "faults.move_fault": "handle",
    "cases.list_rmas": ANYBODYS,
    "cases.show_rma": ANYBODYS,
    "cases.move_rma": "handle",
    "cases.give_inputs": "handle",
    "cases.list_parts_afresh": "handle",
    "cases.track_rma": "handle",
    "cases.list_shipments": ANYBODYS,
    "cases.show_shipment": ANYBODYS,
    "cases.add_shipment": "handle",
    "cases.change_shipment": "handle",
    "cases.move_shipment": "handle",
    "cases.list_swaps": ANYBODYS,
    "cases.show_swap": ANYBODYS,
    "cases.move_swap": "handle",
    "cases.name_replacement": "handle",
    "cases.restock": "handle",
    "cases.list_loans": "read",
    "cases.show_loan": "read",
    "cases.lend": "handle",
    "cases.take_back": "handle",
    "cases.list_transfers": "read",
    "cases.show_transfer": "read",
    "cases.decide_transfer": "handle",
    "cases.list_jobs": ANYBODYS,
    "cases.show_job": ANYBODYS,
    "cases.move_job": "bill or approve",
    "cases.list_review_items": "read",
    "cases.show_review_item": "read",
    "cases.resolve": "decide or handle",
    "notes.list_notes": "read",
    "notes.write_note": "handle",
    "notes.see_notes": "handle",
    "notes.send_note_again": "handle",
    "files.list_of_faults": ANYBODYS,
    "files.add_to_faults": "report",
    "files.list_of_rmas": ANYBODYS,
    "files.add_to_rmas": "handle",
    "files.list_of_jobs": ANYBODYS,
    "files.add_to_jobs": "handle or bill",
    "files.list_of_assets": ANYBODYS,
    "files.add_to_assets": "report",
    "files.list_of_coverages": "read",
    "files.add_to_coverages": "register",
    "files.list_of_contracts": "read",
    "files.add_to_contracts": "register",
    "files.download": ANYBODYS,
    "files.thumbnail": ANYBODYS,
    "files.change_file": "handle or bill",
    "files.remove_file": "register",
    "vendors.list_accounts": "read",
    "vendors.add_account": "register",
    "vendors.show_account": "read",
    "vendors.change_account": "register",
    "vendors.switch_off": "register",
    "vendors.switch_on": "register",
    "vendors.release": "register",
    "vendors.check_account": "register",
    "people.list_users": "administer",
    "people.add_user": "administer",
    "people.show_user": "administer",
    "people.change_user": "administer",
    "people.deactivate_user": "administer",
    "people.reactivate_user": "administer",
    "people.erase_user": "administer",
    "people.list_tokens": "administer",
    "people.add_token": "administer",
    "people.show_token": "administer",
    "people.revoke_token": "administer",
    "registry.list_clients": "read",
    "registry.add_client": "register",
    "registry.show_client": "read",
    "registry.correct_client": "register or bill",
    "registry.list_sites": "read",
    "registry.add_site": "register",
    "registry.show_site": "read",
    "registry.correct_site": "register",
    "registry.list_contacts": "read",
    "registry.add_contact": "register",
    "registry.show_contact": "read",
    "registry.correct_contact": "register",
    "registry.erase_contact": "administer",
    "registry.list_products": "read",
    "registry.add_product": "register",
    "registry.show_product": "read",
    "registry.correct_product": "register",
    "registry.merge_product": "register",
    "handover.show_handover": "read",
    "handover.begin": "handle",
    "handover.check": "handle",
    "handover.show_baseline": "read",
    "handover.list_baselines": "read",
    "handover.sign": "register",
    "handover.show_retirement": "read",
    "handover.add_medium": "handle",
    "handover.dispose": "register",
    "registry.list_assets": ANYBODYS,
    "registry.add_asset": "register",
    "registry.show_asset": ANYBODYS,
    "registry.correct_asset": "register",
    "registry.take_assets": "register",
    "registry.list_contracts": "read",
    "registry.add_contract": "register",
    "registry.show_contract": "read",
    "registry.correct_contract": "register",
    "registry.list_coverages": "read",
    "registry.add_coverage": "register",
    "registry.show_coverage": "read",
    "registry.correct_coverage": "register",
    "registry.take_coverages": "register",
    "by_ref.put_client": "register",
    "by_ref.put_asset": "register",
    "by_ref.put_contract": "register",
    "imports.start": "register",
    "imports.list_imports": "read",
    "imports.show_import": "read",
    "imports.rejected": "read",
    "imports.cancel": "register",
    "imports.undo": "register",
    "specifications.list_snapshots": "read",
    "specifications.record_snapshots": "handle",
    "specifications.show_snapshot": "read",
    "parity.show_parity": "read",
    "parity.ask_to_accept": "handle",
    "parity.accept_differences": "decide",
    "lookups.ask": "handle",
    "lookups.show": "read",
    "lookups.answers": "read",
    "returns.list_returns": "read",
    "returns.show_return": "read",
    "returns.plan_return": "handle",
    "returns.charge_return": "handle or bill",
    "returns.retain_return": "handle",
    "returns.slip": "read",
    "returns.list_costs": "read",
    "returns.show_cost": "read",
    "returns.settle_cost": "bill",
    "stock.list_locations": "read",
    "stock.add_location": "register",
    "stock.show_location": "read",
    "stock.list_units": "read",
    "stock.show_unit": "read",
    "stock.receive": "handle",
    "stock.reserve_any": "handle",
    "stock.reserve": "handle",
    "stock.release": "handle",
    "stock.issue": "handle",
    "stock.put_back": "handle",
}

SHARED: set[type[PublicRow]] = {
    ApiToken,
    BusinessCalendar,
    ImportRun,
    LookUpRun,
    Product,
    SavedView,
    StockLocation,
    StockUnit,
    User,
}
"""Tables whose rows belong to no client; who sees one client only is refused where they are managed."""

NAMES: dict[str, type[PublicRow]] = {
    "account": VendorAccount,
    "asset": Asset,
    "asset_id": Asset,
    "client": Client,
    "contract": Contract,
    "fault": Fault,
    "file": File,
    "file_id": File,
    "files": File,
    "signature_file": File,
    "into": Product,
    "labour": Coverage,
    "location": StockLocation,
    "makes_up_for": Shipment,
    "owner": User,
    "person_id": Person,
    "parts": Coverage,
    "product": Product,
    "proof": File,
    "site": Site,
    "sites": Site,
    "swap": Swap,
    "unit": StockUnit,
    "user": User,
    "user_id": User,
}
"""The tables of the objects that fields of queries and bodies name. ``id`` of an item of many is of the path's table."""

TOO_LATE = frozenset({"cases.give_inputs: files.[]"})
"""Of these the state of the asker's own object is looked at first: it is with the vendor. ``test_files_with_claims`` names a foreign one."""

NOTHING = object()
BESIDE: dict[str, dict[str, Any]] = {
    "asset_id": {"serial_number": NOTHING},
    "scope.client": {"scope.asset": NOTHING},
    "scope.site": {"scope.asset": NOTHING},
    "override.parts": {"override.verdict": "partly_covered", "override.labour": None},
    "override.labour": {"override.verdict": "not_covered", "override.parts": None},
    "cases.resolve: asset_id": {"action": "identify"},
    "cases.resolve: override.parts": {
        "action": "override",
        "override.verdict": "partly_covered",
        "override.labour": None,
    },
    "cases.resolve: override.labour": {
        "action": "override",
        "override.verdict": "not_covered",
        "override.parts": None,
    },
}
"""What a body says beside a field, where the example of its endpoint is about another one."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody who asks, and what they may expect: who they are, and whose rows there are for them.

    ``role`` null is nobody, whatever they show. ``of`` is the client whose rows alone exist for them.
    """

    role: Role | None
    token: str | None = None
    user: User | None = None
    of: str | None = None
    scopes: frozenset[TokenScope] | None = None

    def sees(self, owner: str) -> bool:
        return self.of in {None, owner}


@dataclass(slots=True)
class Matrix:
    """The application, one object of every kind of two clients, and everybody who might ask for it."""

    world: World
    theirs: Owned
    ours: Owned
    askers: dict[str, Asker]
    description: Description
    browsers: dict[str, tuple[FlaskClient, str]] = field(default_factory=dict)

    def ask(self, who: str, rule: Rule, method: str, object_id: object, **options: Any) -> TestResponse:
        """Ask one route, as a program or in a browser, whichever it is for."""
        asker, path = self.askers[who], address(rule, object_id)
        if is_api(rule):
            if method != "GET":
                options.setdefault("json", {})
            return self.world.call(method, path.removeprefix("/api/v1"), asker.token, **options)
        if who not in self.browsers:
            self.browsers[who] = browse(self.world.app, asker.user)
        browser, form_token = self.browsers[who]
        if method != "GET":
            options.setdefault("data", {})["csrf_token"] = form_token
        return browser.open(path, method=method, **options)

    def speaks_for(self, who: str, rule: Rule) -> bool:
        """Whether this asker can show who they are at this route: a token opens no page, and a cookie no API."""
        asker = self.askers[who]
        return asker.role is None or (asker.token if is_api(rule) else asker.user) is not None

    def object_of(self, rule: Rule, owned: Owned) -> object:
        """An object that the route is about."""
        return owned[guards.access_of(self.world.app, rule.endpoint).of or Fault]

    def refusal(self, who: str, rule: Rule, owner: str) -> int | None:
        """What the route has to answer about an object of this client; null where the asker may do it."""
        asker, access = self.askers[who], guards.access_of(self.world.app, rule.endpoint)
        needed = TABLE[rule.endpoint].split(" or ")
        if asker.role is None:
            return 401
        if access.wide and asker.of is not None:
            return 403
        if access.of is not None and access.of not in SHARED and not asker.sees(owner):
            return 404
        return None if any(need in RIGHTS[who] for need in needed) else 403

    def is_told(self, text: str) -> bool:
        """Whether the other client's words, or its prices, stand in this."""
        return self.world.theirs.canary.lower() in text.lower() or str(LABOUR_HOUR_MINOR) in text

    def counts(self) -> dict[str, int]:
        """How many rows there are of everything; who only looked, or was refused, changes none."""
        with self.world.runtime.database.read(db.EVERYBODY) as session:
            return {
                table.name: session.scalar(select(func.count()).select_from(table)) or 0
                for table in Base.metadata.sorted_tables
                if table.name != "idempotency_key"
            }

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        before = self.counts()
        yield
        assert self.counts() == before


# What domain.md gives to each, written out once more: the matrix would not find a right that was given by mistake otherwise.
_TECHNICIAN = {"read", "report", "handle"}
_VIEWER = {"read_own", "report"}
RIGHTS: dict[str, set[str]] = {
    "technician": _TECHNICIAN,
    "service_manager": _TECHNICIAN | {"decide", "register"},
    "billing": {"read", "bill"},
    "auditor": {"read"},
    "admin": _TECHNICIAN | {"decide", "register", "bill", "administer"},
    "a token that only reads": {"read"},
    "a token that does not administer": _TECHNICIAN | {"decide", "register", "bill"},
    "a token for the other client": _TECHNICIAN | {"decide", "register", "bill"},
    "the other client's viewer": _VIEWER,
    "the other client's approver": _VIEWER | {"approve"},
    "the owner's viewer": _VIEWER,
    "the owner's approver": _VIEWER | {"approve"},
    "a stranger": set(),
    "a revoked token": set(),
    "an expired token": set(),
    "a deactivated user": set(),
}
FOREIGN = [who for who in RIGHTS if "other client" in who]
NOBODY = [who for who in RIGHTS if not RIGHTS[who]]


@pytest.fixture(scope="session")
def matrix(shared_runtime: Runtime, apps: dict[str, Flask]) -> Matrix:
    """Made once for an engine: whoever is refused leaves it as it was, and every test looks that they do."""
    world = make_world(shared_runtime, apps)
    shared = own_nothing(world, world.ours.product)
    theirs = own_everything(world, world.theirs) | shared
    ours = own_everything(world, world.ours, labour_hour_minor=12_345) | shared
    return Matrix(world, theirs, ours, _askers(world), Description(world.app))


def _askers(world: World) -> dict[str, Asker]:
    with world.runtime.database.begin(db.EVERYBODY) as session:
        admin, every = world.users[Role.ADMIN], tuple(TokenScope)
        ours = factories.find_client(session, world.ours.name)
        gone = factories.make_user(session, Role.ADMIN)
        gone.deactivated_at = factories.NOW
        revoked = factories.make_token(session, admin, every)
        of_gone = factories.make_token(session, gone, every)
        narrow = factories.make_token(session, admin, every, client=ours)
        expired = factories.make_token(session, admin, every, expires_at=factories.NOW + timedelta(days=1))
        reads, writes = (factories.make_token(session, admin, every[:count]) for count in (1, 2))
    revoke(world, revoked)
    clients = {
        f"{said} {role.removeprefix('client_')}": Asker(role, tenant.tokens[role], tenant.users[role], of=of)
        for said, tenant, of in (
            ("the owner's", world.theirs, "theirs"),
            ("the other client's", world.ours, "ours"),
        )
        for role in CLIENT_ROLES
    }
    return clients | {
        **{role.value: Asker(role, world.tokens[role], world.users[role]) for role in world.users},
        "a token that only reads": Asker(Role.ADMIN, reads),
        "a token that does not administer": Asker(Role.ADMIN, writes),
        "a token for the other client": Asker(Role.ADMIN, narrow, of="ours"),
        "a stranger": Asker(None),
        "a revoked token": Asker(None, revoked),
        "an expired token": Asker(None, expired),
        "a deactivated user": Asker(None, of_gone, gone),
    }


def declared(world: World) -> dict[str, str]:
    found = {}
    for endpoint in world.app.view_functions:
        access = guards.access_of(world.app, endpoint)
        found[endpoint] = "public" if access.reason else " or ".join(access.permissions)
    return found


def test_every_route_declares_what_it_needs_and_stands_in_the_table(matrix: Matrix) -> None:
    assert declared(matrix.world) == TABLE, "Give each new route a row in TABLE."


def test_every_field_that_names_an_object_has_its_table(matrix: Matrix) -> None:
    unknown = [str(place) for place in matrix.description.places if place.name not in {*NAMES, "id"}]

    assert unknown == [], "Say in NAMES of which table the object is that these fields name."


def test_of_every_table_there_is_an_object_to_ask_for(matrix: Matrix) -> None:
    asked = {guards.access_of(matrix.world.app, rule.endpoint).of for rule, _ in rules(matrix.world.app)}
    asked |= {NAMES[place.name] for place in matrix.description.places if place.name in NAMES}

    missing = asked - {None} - set(matrix.theirs)

    assert missing == set(), "Let tests/web/owned.py make one of these."


def test_every_asker_has_their_rights(matrix: Matrix) -> None:
    assert set(matrix.askers) == set(RIGHTS)
    assert {asker.role for asker in matrix.askers.values()} - {None} == set(Role)


def test_an_app_with_an_undeclared_route_is_not_built(world: World) -> None:
    app = world.own_app()
    app.view_functions["forgotten"] = lambda: "everything"

    with pytest.raises(guards.Undeclared, match="forgotten"):
        guards.check_declarations(app)


@pytest.mark.parametrize("who", sorted(RIGHTS))
def test_who_may_not_is_refused_and_told_nothing(matrix: Matrix, who: str) -> None:
    refused = 0
    with matrix.unchanged():
        for rule, method in rules(matrix.world.app):
            status = matrix.refusal(who, rule, "theirs")
            if status is None or not matrix.speaks_for(who, rule):
                continue
            answer = matrix.ask(who, rule, method, matrix.object_of(rule, matrix.theirs))
            is_sent_to_sign_in = status == 401 and answer.status_code == 303 and "/login" in answer.headers["Location"]
            assert answer.status_code == status or is_sent_to_sign_in, (rule.rule, method, answer.status_code)
            assert not matrix.is_told(said(answer)), rule.rule
            refused += 1
    assert refused >= (0 if who == "admin" else 10)


@pytest.mark.parametrize("who", FOREIGN)
def test_a_foreign_object_and_one_that_there_is_not_are_the_same(matrix: Matrix, who: str) -> None:
    asked = 0
    for rule, method in rules(matrix.world.app):
        if matrix.refusal(who, rule, "theirs") != 404 or not matrix.speaks_for(who, rule):
            continue
        theirs = matrix.object_of(rule, matrix.theirs)
        foreign = matrix.ask(who, rule, method, theirs)
        none = matrix.ask(who, rule, method, NOBODYS_ID)
        assert alike(foreign, theirs) == alike(none, NOBODYS_ID), (rule.rule, method)
        asked += 1
    assert asked >= 10


@pytest.mark.parametrize("who", FOREIGN)
def test_a_foreign_object_in_a_query_or_a_body_is_one_that_there_is_not(matrix: Matrix, who: str) -> None:
    asked = 0
    with matrix.unchanged():
        for place in matrix.description.places:
            table = _table(matrix, place)
            if table in SHARED:
                continue
            foreign, none = (_name_there(matrix, who, place, id_) for id_ in (matrix.theirs[table], NOBODYS_ID))
            assert alike(foreign, matrix.theirs[table]) == alike(none, NOBODYS_ID), str(place)
            assert not matrix.is_told(said(foreign)), str(place)
            status = matrix.refusal(who, place.rule, "ours")
            if status is not None:
                assert foreign.status_code == status, str(place)
            elif not place.is_query and str(place) not in TOO_LATE:
                _check_is_named(foreign, place)
                asked += 1
    assert asked >= (10 if who == "a token for the other client" else 1)


def _table(matrix: Matrix, place: Place) -> type[PublicRow]:
    if place.name != "id":
        return NAMES[place.name]
    [of] = {
        guards.access_of(matrix.world.app, rule.endpoint).of
        for rule, method in rules(matrix.world.app)
        if method == "PATCH" and rule.rule == place.rule.rule.replace("/bulk", "/<uuid:id>")
    }
    assert of is not None
    return of


def _name_there(matrix: Matrix, who: str, place: Place, id_: UUID | str) -> TestResponse:
    """Name an object at one place of a request in which all the others are the asker's own."""
    own = matrix.object_of(place.rule, matrix.ours)
    if place.is_query:
        return matrix.ask(who, place.rule, place.method, own, query_string={place.path[0]: str(id_), "count": "true"})
    body = matrix.description.example(place.rule, place.method)
    for other in matrix.description.places:
        is_beside = other.rule is place.rule and other.method == place.method and not other.is_query
        if is_beside and at(body, other.path) is not None and NAMES.get(other.name) in matrix.ours:
            body = put(body, other.path, str(matrix.ours[NAMES[other.name]]))
    for dotted, value in BESIDE.get(str(place), BESIDE.get(place.dotted, {})).items():
        path = tuple(dotted.split("."))
        body = take_out(body, path) if value is NOTHING else put(body, path, value)
    return matrix.ask(who, place.rule, place.method, own, json=put(body, place.path, str(id_)))


def _check_is_named(answer: TestResponse, place: Place) -> None:
    """The answer is about this field, and not about something else that is wrong with the example."""
    told: Any = answer.json
    if "items" in told:
        told = told["items"][0]["problem"]
    is_named = any(part in name.split(".") for name in told.get("errors", ()) for part in place.path)
    is_settled = told["status"] == 404 or (told["status"] == 422 and is_named)
    assert is_settled, f"{place} is not what this is about: {told}. Say in BESIDE what the example has to say for it."


@pytest.mark.parametrize("who", FOREIGN)
def test_a_list_goes_on_from_no_foreign_object(matrix: Matrix, who: str) -> None:
    asked = 0
    for rule in matrix.description.lists():
        if (
            matrix.refusal(who, rule, "ours") is not None
            or guards.access_of(matrix.world.app, rule.endpoint).of in SHARED
        ):
            continue
        own = matrix.object_of(rule, matrix.ours)
        listed = matrix.ask("admin", rule, "GET", own, query_string={"limit": "200"}).get_data(as_text=True)
        owned = [id_ for table, id_ in matrix.theirs.items() if table not in SHARED]
        cursor = next((id_ for id_ in owned if f'"id":"{id_}"' in listed), matrix.theirs[File])
        foreign, none = (
            matrix.ask(who, rule, "GET", own, query_string={"cursor": str(id_)}) for id_ in (cursor, NOBODYS_ID)
        )
        assert foreign.status_code == 422, rule.rule
        assert alike(foreign, cursor) == alike(none, NOBODYS_ID), rule.rule
        asked += 1
    assert asked >= 5


@pytest.mark.parametrize("who", FOREIGN)
def test_a_search_for_the_words_of_another_client_finds_and_counts_nothing(matrix: Matrix, who: str) -> None:
    theirs, asked = matrix.world.theirs, 0
    for rule, name in matrix.description.texts():
        if matrix.refusal(who, rule, "ours") is not None:
            continue
        own = matrix.object_of(rule, matrix.ours)
        for words in (theirs.canary, theirs.covered_serial, f"{theirs.canary}-W", "Person"):
            query = {name: words, "count": "true"}
            answer = matrix.ask(who, rule, "GET", own, query_string=query)
            page: Any = answer.json
            assert (answer.status_code, page["items"], page["total"]) == (200, [], 0), (rule.rule, words)
            asked += 1
    assert asked >= 4


@pytest.mark.parametrize("who", FOREIGN)
def test_no_list_shows_another_client(matrix: Matrix, who: str) -> None:
    asked = 0
    for rule, method in rules(matrix.world.app):
        if method != "GET" or matrix.refusal(who, rule, "ours") is not None or not matrix.speaks_for(who, rule):
            continue
        answer = matrix.ask(who, rule, method, matrix.object_of(rule, matrix.ours))
        assert answer.status_code in {200, 303}, (rule.rule, answer.status_code)
        assert not matrix.is_told(said(answer)), rule.rule
        asked += 1
    assert asked >= 10


def test_who_may_read_everything_is_told_what_the_others_are_not(matrix: Matrix) -> None:
    """Without this the tests above would be glad of an application that says nothing to anybody."""
    silent = {
        rule.endpoint
        for rule, method in rules(matrix.world.app)
        if method == "GET"
        and guards.access_of(matrix.world.app, rule.endpoint).of in set(matrix.theirs) - SHARED
        and matrix.refusal("admin", rule, "theirs") is None
        and not matrix.is_told(said(matrix.ask("admin", rule, method, matrix.object_of(rule, matrix.theirs))))
    }

    # A swap has no words, a picture loses those inside it, and no vendor was asked nor is being asked.
    assert silent == {
        "cases.show_loan",
        "cases.show_swap",
        "files.thumbnail",
        "lookups.answers",
        "staff.account_live",
        "staff.asset_asking",
        "staff.handover_protocol",  # its words are compressed
        "staff.thumbnail",
    }


def test_every_answer_carries_the_headers_that_protect_a_browser(world: World) -> None:
    asked = [world.get("/faults"), world.call("GET", "/faults"), world.get("/nothing")]
    browser = world.app.test_client()
    asked += [browser.get(path) for path in ("/nothing", "/api/docs", "/static/app.css", "/static/nothing.css")]
    for answer in asked:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        is_file = answer.request.path == "/static/app.css"
        assert ("no-store" in answer.headers["Cache-Control"]) is not is_file
        answer.close()
        assert "Strict-Transport-Security" not in answer.headers  # this is not production
