"""Clients, their sites, and who is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import render_template, request, url_for

from warranty.domain.access import Permission
from warranty.languages import LANGUAGES
from warranty.models import Client, Person, Site
from warranty.services import directory, estate, records
from warranty.services.estate import ADDRESS_LINES, Contact
from warranty.web import views
from warranty.web.forms import uuid_of
from warranty.web.guards import call, find, needs
from warranty.web.i18n import N_, reader
from warranty.web.pages import registry as pages
from warranty.web.schemas.registry import (
    CLIENT_CHANGE,
    CONTACT_CHANGE,
    SITE_CHANGE,
    ClientBody,
    ContactAtSiteBody,
    SiteBody,
)
from warranty.web.staff import editing
from warranty.web.staff.editing import REASON, About, Field, Form
from warranty.web.staff.room import blueprint

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from werkzeug.wrappers import Response

    from warranty.services.moves import Because

ROWS = 50
SITES = 20

_NAME = Field("name", N_("Name"), wrong=N_("Give a name that no other client has, of at most 200 signs."), most=200)
_NEW_CLIENT = Form(ClientBody(), (_NAME, REASON))
_CLIENT = Form(
    CLIENT_CHANGE,
    (
        _NAME,
        Field(
            "spend_limit_minor",
            N_("May be spent without asking"),
            kind="money",
            wrong=N_("Write a sum that is not below zero, with no more decimals than the currency has."),
            hint=N_("Up to this sum a job of this client needs no approval."),
        ),
        Field("sends_mail", N_("Tell its people of their cases by mail"), kind="check"),
        REASON,
    ),
)


def searched() -> tuple[str, UUID | None]:
    """What the address narrows a list to, and where its page begins."""
    return request.args.get("q", "").strip()[:100], uuid_of(request.args.get("after"))


def list_frame(
    endpoint: str, search: str, last: UUID | None, add_url: str | None = None, **kept: Any
) -> pages.ListFrame:
    """What every list has; ``kept`` are the other parts of its address."""
    begins = request.args.get("after")
    return pages.ListFrame(
        query=search,
        next_url=url_for(endpoint, q=search or None, after=last, **kept) if last else None,
        first_url=url_for(endpoint, q=search or None, **kept) if begins else None,
        add_url=add_url,
    )


def may_register() -> bool:
    """Whether the reader may change the registry."""
    return call().principal.may(Permission.REGISTER)


# --- clients ---


@blueprint.get("/clients")
@needs(Permission.READ)
def client_list() -> str:
    """Clients, by name."""
    search, after = searched()
    found, last = directory.clients(call().session, search=search, after=after, limit=ROWS)
    add_url = url_for("staff.client_new") if may_register() else None
    view = pages.ClientListView(
        tuple(_client_row(one) for one in found), list_frame("staff.client_list", search, last, add_url)
    )
    return render_template("staff/client_list.html", frame=views.frame(), view=view)


def _client_row(found: directory.Holdings) -> pages.ClientRow:
    url = url_for("staff.client_detail", id=found.client.public_id)
    return pages.ClientRow(found.client.name, url, found.sites, found.units, found.contracts, found.open_cases)


@blueprint.get("/clients/<uuid:id>")
@needs(Permission.READ, of=Client)
def client_detail(client: Client) -> str:
    """One client, its sites and who is there."""
    search, after = searched()
    session, id_, may = call().session, client.public_id, may_register()
    found, last = directory.sites(session, client, search=search, after=after, limit=SITES)
    add_url = url_for("staff.site_new", id=id_) if may else None
    view = pages.ClientView(
        row=_client_row(directory.holdings(session, client)),
        currency=client.currency,
        spend_limit_minor=client.spend_limit_minor,
        sends_mail=client.sends_mail,
        sites=tuple(_site_row(one, may=may) for one in found),
        list=list_frame("staff.client_detail", search, last, add_url, id=id_),
        edit_url=url_for("staff.client_edit", id=id_) if may else None,
        contracts_url=url_for("staff.contract_list", client=id_),
        cases_url=url_for("staff.case_list", q=client.name),
        add_contract_url=url_for("staff.contract_new", client=id_) if may else None,
        labels_url=url_for("staff.labels_new", client=id_),
    )
    return render_template("staff/client_detail.html", frame=views.frame(), view=view)


def _site_row(place: directory.Place, *, may: bool) -> pages.SiteRow:
    site, id_ = place.site, place.site.public_id
    town = " ".join(filter(None, (site.address.get("postal_code"), site.address.get("city"))))
    lines = (
        *(site.address.get(line) for line in ADDRESS_LINES[:2]),
        town,
        *(site.address.get(line) for line in ADDRESS_LINES[4:]),
    )
    return pages.SiteRow(
        name=site.name,
        lines=tuple(line for line in lines if line),
        time_zone=site.time_zone,
        access_hours=site.access_hours,
        units=place.units,
        contacts=tuple(
            pages.ContactRow(
                one.name, one.phone, one.email, url_for("staff.contact_edit", id=one.public_id) if may else None
            )
            for one in place.people
        ),
        edit_url=url_for("staff.site_edit", id=id_) if may else None,
        add_contact_url=url_for("staff.contact_new", id=id_) if may else None,
    )


def _clients() -> pages.Crumb:
    return pages.Crumb(reader().text(N_("Clients")), url_for("staff.client_list"))


def page_of(client: Client) -> pages.Crumb:
    """The way to a client's page."""
    return pages.Crumb(client.name, url_for("staff.client_detail", id=client.public_id))


def _about_new_client() -> About:
    said = reader().text
    return About(
        said(N_("Add a client")), said(N_("Add the client")), "clients", (_clients(),), url_for("staff.client_list")
    )


@blueprint.get("/clients/new")
@needs(Permission.REGISTER, wide=True)
def client_new() -> str:
    """The form of a new client."""
    return editing.page(_NEW_CLIENT, _about_new_client())


@blueprint.post("/clients/new")
@needs(Permission.REGISTER, wide=True)
def add_client() -> Response | tuple[str, int]:
    """Add a client, with the default policy and rate card."""

    def add(body: dict[str, Any], because: Because) -> str:
        body.pop("external_refs")
        return page_of(estate.add_client(call().session, **body, because=because)).url

    return editing.add(_NEW_CLIENT, _about_new_client(), add)


def _about_client(client: Client) -> About:
    here, said = page_of(client), reader().text
    return About(said(N_("Change the client")), said(N_("Save the client")), "clients", (_clients(), here), here.url)


@blueprint.get("/clients/<uuid:id>/edit")
@needs(Permission.REGISTER, of=Client)
def client_edit(client: Client) -> str:
    """The form of a client."""
    return editing.edit(_CLIENT, _about_client(client), records.CLIENTS, client)


@blueprint.post("/clients/<uuid:id>/edit")
@needs(Permission.REGISTER, of=Client)
def correct_client(client: Client) -> Response | tuple[str, int]:
    """Change a client."""
    return editing.amend(
        _CLIENT,
        _about_client(client),
        records.CLIENTS,
        client,
        estate.correct_client,
    )


# --- sites ---

_SITE_FIELDS = (
    Field("name", N_("Name"), wrong=N_("Give a name that no other site of this client has."), most=200),
    Field("address_line1", N_("Street"), inside="address", most=200),
    Field("address_line2", N_("Building, floor, room"), inside="address", note=N_("optional"), most=200),
    Field("postal_code", N_("Postal code"), inside="address", most=20, is_half=True),
    Field("city", N_("City"), inside="address", most=100, is_half=True),
    Field("state", N_("State or region"), inside="address", note=N_("optional"), most=100, is_half=True),
    Field("country", N_("Country"), inside="address", note=N_("two letters"), most=200, is_half=True),
    Field(
        "time_zone",
        N_("Time zone"),
        hint=N_("Days of contracts and hours of access are meant in it. Written as in Europe/Amsterdam."),
        wrong=N_("Write the time zone as in Europe/Amsterdam."),
        most=64,
        is_half=True,
    ),
    Field(
        "access_hours",
        N_("Access hours"),
        note=N_("optional"),
        hint=N_("When somebody lets a technician or a parcel in."),
        most=200,
        is_half=True,
    ),
    REASON,
)
_NEW_SITE, _SITE = Form(SiteBody(), _SITE_FIELDS), Form(SITE_CHANGE, _SITE_FIELDS)


def _about_new_site(client: Client) -> About:
    here, said = page_of(client), reader().text
    return About(said(N_("Add a site")), said(N_("Add the site")), "clients", (_clients(), here), here.url)


@blueprint.get("/clients/<uuid:id>/sites/new")
@needs(Permission.REGISTER, of=Client)
def site_new(client: Client) -> str:
    """The form of a new site."""
    return editing.page(_NEW_SITE, _about_new_site(client), document={"time_zone": str(reader().zone)})


@blueprint.post("/clients/<uuid:id>/sites/new")
@needs(Permission.REGISTER, of=Client)
def add_site(client: Client) -> Response | tuple[str, int]:
    """Add a site of a client."""
    about = _about_new_site(client)

    def add(body: dict[str, Any], because: Because) -> str:
        facts = {name: value for name, value in body.items() if name not in {"client", "external_refs", "contacts"}}
        estate.add_site(call().session, client, **facts, because=because)
        return about.back_url

    return editing.add(_NEW_SITE, about, add, fixed={"client": str(client.public_id)})


def _about_site(site: Site) -> About:
    here, said = page_of(call().session.get_one(Client, site.client_id)), reader().text
    return About(said(N_("Change the site")), said(N_("Save the site")), "clients", (_clients(), here), here.url)


@blueprint.get("/sites/<uuid:id>/edit")
@needs(Permission.REGISTER, of=Site)
def site_edit(site: Site) -> str:
    """The form of a site."""
    return editing.edit(_SITE, _about_site(site), records.SITES, site)


@blueprint.post("/sites/<uuid:id>/edit")
@needs(Permission.REGISTER, of=Site)
def correct_site(site: Site) -> Response | tuple[str, int]:
    """Change a site."""
    return editing.amend(
        _SITE,
        _about_site(site),
        records.SITES,
        site,
        estate.correct_site,
    )


# --- contacts ---

_CONTACT_FIELDS = (
    Field("name", N_("Name"), wrong=N_("Give the name, of at most 200 signs."), most=200),
    Field("phone", N_("Phone"), note=N_("optional"), input_type="tel", style="tn", most=64, is_half=True),
    Field(
        "email",
        N_("E-mail"),
        note=N_("optional"),
        input_type="email",
        most=254,
        is_half=True,
        wrong=N_("This is no mail address."),
    ),
    Field("language", N_("Language"), kind="select", may_be_empty=True, empty=N_("Not known")),
)
_NEW_CONTACT = Form(ContactAtSiteBody(), (*_CONTACT_FIELDS, REASON), names={"contacts": "name"})
_CONTACT = Form(
    CONTACT_CHANGE,
    (
        *_CONTACT_FIELDS,
        Field("site", N_("Site"), kind="select", may_be_null=True, empty=N_("None: has left")),
        REASON,
    ),
    names={"contacts": "name"},
)


def _languages() -> tuple[tuple[str, str], ...]:
    return tuple(LANGUAGES.items())


def _about_new_contact(site: Site) -> About:
    here, said = page_of(call().session.get_one(Client, site.client_id)), reader().text
    title = said(N_("Add a contact at %(site)s"), site=site.name)
    return About(title, said(N_("Add the contact")), "clients", (_clients(), here), here.url)


@blueprint.get("/sites/<uuid:id>/contacts/new")
@needs(Permission.REGISTER, of=Site)
def contact_new(site: Site) -> str:
    """The form of a new contact."""
    return editing.page(_NEW_CONTACT, _about_new_contact(site), choices={"language": _languages()})


@blueprint.post("/sites/<uuid:id>/contacts/new")
@needs(Permission.REGISTER, of=Site)
def add_contact(site: Site) -> Response | tuple[str, int]:
    """Add somebody at a site."""
    about = _about_new_contact(site)

    def add(body: dict[str, Any], because: Because) -> str:
        body.pop("site")
        estate.add_contact(call().session, site, Contact(**body), because=because)
        return about.back_url

    choices = {"language": _languages()}
    return editing.add(_NEW_CONTACT, about, add, fixed={"site": str(site.public_id)}, choices=choices)


def _about_contact(person: Person) -> About:
    here, said = page_of(call().session.get_one(Client, person.client_id)), reader().text
    return About(said(N_("Change the contact")), said(N_("Save the contact")), "clients", (_clients(), here), here.url)


def _choices_of(person: Person) -> dict[str, tuple[tuple[str, str], ...]]:
    client = call().session.get_one(Client, person.client_id)
    return {"language": _languages(), "site": sites_of(client)}


def placing(correct: Callable[..., object]) -> Callable[..., object]:
    """A service that takes a site, for forms that name one."""

    def apply(*args: Any, **facts: Any) -> object:
        if facts.get("site") is not None:
            facts["site"] = find(Site, facts["site"], field="site")
        return correct(*args, **facts)

    return apply


def sites_of(client: Client) -> tuple[tuple[str, str], ...]:
    """A client's sites to choose from."""
    found, _ = directory.sites(call().session, client, limit=500)
    return tuple((str(one.site.public_id), one.site.name) for one in found)


@blueprint.get("/contacts/<uuid:id>/edit")
@needs(Permission.REGISTER, of=Person)
def contact_edit(person: Person) -> str:
    """The form of a contact."""
    return editing.edit(_CONTACT, _about_contact(person), records.CONTACTS, person, choices=_choices_of(person))


@blueprint.post("/contacts/<uuid:id>/edit")
@needs(Permission.REGISTER, of=Person)
def correct_contact(person: Person) -> Response | tuple[str, int]:
    """Change a contact."""
    correct, choices = placing(estate.correct_contact), _choices_of(person)
    return editing.amend(_CONTACT, _about_contact(person), records.CONTACTS, person, correct, choices=choices)
