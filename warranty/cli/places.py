"""``warranty client``, ``site`` and ``contact``: whom the MSP serves, where, and who is there."""

from __future__ import annotations

from typing import Any

import click

from warranty.cli.desk import OF_CLIENT, client_option, listing, print_list, reading, writing
from warranty.cli.shared import NOTHING, OrNone, given, json_option
from warranty.models import Client, Person, Site
from warranty.services import erasure, estate, records
from warranty.services.estate import ADDRESS_LINES, Contact

ADDED, CHANGED = "registered on the command line", "changed on the command line"

reason_option = click.option("--reason", default=CHANGED, show_default=True, help="Why; it stands in the register.")
SURE = click.confirmation_option(
    "--yes", prompt="This cannot be undone. Go on?", help="Do not ask whether you are sure."
)


# --- clients ---


@click.group()
def client() -> None:
    """Add, list, show and change clients."""


@client.command("add")
@click.argument("name")
@json_option
def client_add(name: str, *, as_json: bool) -> None:
    """Add a client with the default policy and rate card."""
    with writing(ADDED) as desk:
        shown = desk.document(records.CLIENTS, estate.add_client(desk.session, name=name, because=desk.because))
    shown.print(as_json=as_json)


@client.command("list")
@click.option("--query", "-q", help="Those with this in their name.")
@listing
def client_list(query: str | None, **how: Any) -> None:
    """List the clients, the newest first."""
    where = [] if query is None else [Client.name.icontains(query, autoescape=True)]
    print_list(lambda _: records.CLIENTS, lambda _: where, "id name currency created_at", **how)


@client.command("show")
@click.argument("named", metavar="CLIENT")
@json_option
def client_show(named: str, *, as_json: bool) -> None:
    """Show a client, by its name or id."""
    with reading() as desk:
        shown = desk.document(records.CLIENTS, desk.client(named))
    shown.print(as_json=as_json)


@client.command("change")
@click.argument("named", metavar="CLIENT")
@click.option("--name", help="What it is called.")
@click.option("--currency", help="Of its rate card, as in EUR.")
@click.option("--call-out-minor", type=int, help="What coming costs, in minor units (cents).")
@click.option("--labour-hour-minor", type=int, help="What an hour costs, in minor units.")
@click.option("--spend-limit-minor", type=int, help="What a job may cost the client unasked, in minor units.")
@click.option("--cost-tolerance-percent", type=int, help="How far an approved job may go above its price.")
@click.option("--denial-grace-hours", type=int, help="How long a denied claim waits before it becomes a job.")
@click.option("--evidence-freshness-days", type=int, help="How old a vendor's answer may be.")
@click.option("--repeat-window-days", type=int, help="How long a failure counts as the same one again.")
@click.option("--lookup-patience-minutes", type=int, help="How long a report waits for a vendor's answer.")
@click.option("--mail/--no-mail", "sends_mail", default=None, help="Whether its people are told of cases by mail.")
@reason_option
@json_option
def client_change(named: str, reason: str, *, as_json: bool, **facts: Any) -> None:
    """Change a client, its policy, its limits or its rate card; no verdict changes by it."""
    new = given(facts)
    agreed = ("evidence_freshness_days", "repeat_window_days", "lookup_patience_minutes")
    if policy := {name: new.pop(name) for name in agreed if name in new}:
        new["policy"] = policy
    with writing(reason) as desk:
        row = desk.hold(desk.client(named))
        estate.correct_client(desk.session, row, because=desk.because, **new)
        shown = desk.document(records.CLIENTS, row)
    shown.print(as_json=as_json)


# --- sites ---


@click.group()
def site() -> None:
    """Add, list, show and change the sites of clients."""


@site.command("add")
@click.argument("name")
@client_option("Whose site it is.", required=True)
@click.option("--time-zone", required=True, help="As in Europe/Amsterdam.")
@click.option("--address-line1", default="", help="Street and number.")
@click.option("--address-line2", default="", help="Floor, room, company.")
@click.option("--city", default="", help="The city.")
@click.option("--postal-code", default="", help="The postal code.")
@click.option("--state", default="", help="State or province, where addresses there have one.")
@click.option("--country", default="", help="The country; vendors want its two letters.")
@click.option("--contact-name", default="", help="Who receives replacements there.")
@click.option("--contact-phone", default="", help="Their telephone number.")
@click.option("--contact-email", default="", help="Their mail address.")
@click.option("--contact-language", default="", help="As in nl.")
@click.option("--access-hours", default="", help="When somebody is there, in words.")
@json_option
def site_add(name: str, client_name: str, time_zone: str, access_hours: str, *, as_json: bool, **parts: str) -> None:
    """Add a site with its address and one contact; `warranty contact add` adds others."""
    contact = Contact(**{word: parts.pop(f"contact_{word}") for word in ("name", "phone", "email", "language")})
    is_given = any((contact.name, contact.phone, contact.email))
    with writing(ADDED) as desk:
        row = estate.add_site(
            desk.session,
            desk.client(client_name),
            name=name,
            time_zone=time_zone,
            address=parts,
            contacts=[contact] if is_given else [],
            access_hours=access_hours,
            because=desk.because,
        )
        shown = desk.document(records.SITES, row)
    shown.print(as_json=as_json)


@site.command("list")
@OF_CLIENT
@click.option("--query", "-q", help="Those with this in their name.")
@listing
def site_list(client_name: str | None, query: str | None, **how: Any) -> None:
    """List the sites, the newest first."""
    where = [] if query is None else [Site.name.icontains(query, autoescape=True)]
    columns = "id name client time_zone"
    print_list(lambda _: records.SITES, lambda desk: [*where, *desk.of_client(client_name)], columns, **how)


@site.command("show")
@click.argument("named", metavar="SITE")
@client_option("Whose site it is, where several have one of this name.")
@json_option
def site_show(named: str, client_name: str | None, *, as_json: bool) -> None:
    """Show a site, by its name or id, with who is there."""
    with reading() as desk:
        owner = None if client_name is None else desk.client(client_name)
        shown = desk.document(records.SITES, desk.site(named, owner))
    shown.print(as_json=as_json)


@site.command("change")
@click.argument("named", metavar="SITE")
@client_option("Whose site it is, where several have one of this name.")
@click.option("--name", help="What it is called.")
@click.option("--time-zone", help="As in Europe/Amsterdam.")
@click.option("--address-line1", help="Street and number.")
@click.option("--address-line2", help="Floor, room, company.")
@click.option("--city", help="The city.")
@click.option("--postal-code", help="The postal code.")
@click.option("--state", help="State or province, where addresses there have one.")
@click.option("--country", help="The country; vendors want its two letters.")
@click.option("--access-hours", help="When somebody is there, in words.")
@reason_option
@json_option
def site_change(named: str, client_name: str | None, reason: str, *, as_json: bool, **facts: Any) -> None:
    """Change a site."""
    new = given(facts)
    if address := {line: new.pop(line) for line in ADDRESS_LINES if line in new}:
        new["address"] = address
    with writing(reason) as desk:
        owner = None if client_name is None else desk.client(client_name)
        row = desk.hold(desk.site(named, owner))
        estate.correct_site(desk.session, row, because=desk.because, **new)
        shown = desk.document(records.SITES, row)
    shown.print(as_json=as_json)


# --- who is there ---


@click.group()
def contact() -> None:
    """Add, list, show and change who is at the sites."""


@contact.command("add")
@click.argument("name")
@click.option("--site", "site_name", metavar="SITE", required=True, help="Where they are, by name or id.")
@client_option("Whose site it is, where several have one of this name.")
@click.option("--phone", default="", help="Their telephone number.")
@click.option("--email", default="", help="Their mail address.")
@click.option("--language", default="", help="As in nl.")
@json_option
def contact_add(name: str, site_name: str, client_name: str | None, *, as_json: bool, **facts: str) -> None:
    """Add somebody at a site, called after those who are there already."""
    with writing(ADDED) as desk:
        owner = None if client_name is None else desk.client(client_name)
        place = desk.site(site_name, owner)
        person = estate.add_contact(desk.session, place, Contact(name=name, **facts), because=desk.because)
        shown = desk.document(records.CONTACTS, person)
    shown.print(as_json=as_json)


@contact.command("list")
@OF_CLIENT
@listing
def contact_list(client_name: str | None, **how: Any) -> None:
    """List who is at the sites, the newest first."""
    columns = "id name phone client site"
    where = [Person.site_id.is_not(None)]
    print_list(lambda _: records.CONTACTS, lambda desk: [*where, *desk.of_client(client_name)], columns, **how)


@contact.command("show")
@click.argument("named", metavar="ID")
@json_option
def contact_show(named: str, *, as_json: bool) -> None:
    """Show somebody who is, or was, at a site."""
    with reading() as desk:
        shown = desk.document(records.CONTACTS, desk.find(Person, named))
    shown.print(as_json=as_json)


@contact.command("change")
@click.argument("named", metavar="ID")
@click.option("--name", help="Their name.")
@click.option("--phone", help="Their telephone number.")
@click.option("--email", help="Their mail address.")
@click.option("--language", help="As in nl.")
@click.option("--site", type=OrNone(click.STRING), metavar="SITE", help="Where they are now; none: they have left.")
@reason_option
@json_option
def contact_change(named: str, reason: str, *, as_json: bool, **facts: Any) -> None:
    """Change what is known of somebody."""
    new = given(facts)
    with writing(reason) as desk:
        person = desk.hold(desk.find(Person, named))
        if facts["site"] not in {None, NOTHING}:
            new["site"] = desk.site(facts["site"], desk.session.get_one(Client, person.client_id))
        estate.correct_contact(desk.session, person, because=desk.because, **new)
        shown = desk.document(records.CONTACTS, person)
    shown.print(as_json=as_json)


@contact.command("erase")
@click.argument("named", metavar="ID")
@reason_option
@SURE
@json_option
def contact_erase(named: str, reason: str, *, as_json: bool) -> None:
    """Take a contact's name, telephone and addresses out, for ever; faults and registers keep the pseudonym."""
    with writing(reason) as desk:
        person = desk.hold(desk.find(Person, named))
        erasure.erase_contact(desk.session, person, because=desk.because)
        shown = desk.document(records.CONTACTS, person)
    shown.print(as_json=as_json)
