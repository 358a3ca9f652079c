"""Clients, their sites, and the people there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from warranty.domain.terms import CoverageKind
from warranty.models import Asset, Client, Person, Site
from warranty.services import drafts, moves
from warranty.services.estate.checks import (
    MOST_MINOR,
    Invalid,
    checked_currency,
    checked_text,
    checked_whole,
    checked_zone,
)
from warranty.services.estate.rows import add_once, change, change_once, hold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from warranty.services.moves import Because

ADDRESS_LINES = ("address_line1", "address_line2", "city", "postal_code", "state", "country")


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody at a site."""

    name: str
    phone: str = ""
    email: str = ""
    language: str = ""


def default_policy() -> dict[str, Any]:
    """What a new client agrees to until somebody agrees on more. Source: domain.md, section 3."""
    return {
        "precedence": [kind.value for kind in CoverageKind],
        "evidence_freshness_days": 30,
        "repeat_window_days": 90,
        "lookup_patience_minutes": 15,
    }


def add_client(session: Session, *, name: str, because: Because) -> Client:
    """A new client with the default policy and rate card.

    Raises:
        Invalid: no name, or one that is taken, whatever its case.
    """
    name = checked_text("name", name, 200, needed=True)
    taken = session.scalar(select(Client.name).where(func.lower(Client.name) == func.lower(name)))
    client = Client(name=name, policy=default_policy(), created_at=because.at)
    add_once(session, client, "name", _client_taken(taken or name), is_there=taken is not None)
    moves.note(session, client, "add", because)
    return client


def correct_client(session: Session, client: Client, *, because: Because, **facts: Any) -> None:
    """Change what is known of a client and agreed with it; no verdict changes by it.

    ``facts``: ``name``, parts of the ``policy``, ``denial_grace_hours``, ``spend_limit_minor``, ``cost_tolerance_percent``,
    ``sends_mail``, and the rate card: ``currency``, ``call_out_minor``, ``labour_hour_minor``.

    Raises:
        Invalid: a name that is taken, whatever its case, or a number or a policy that is none.
    """
    new: dict[str, Any] = {}
    if "name" in facts:
        new["name"] = checked_text("name", facts["name"], 200, needed=True)
        same_name = select(Client.name).where(
            func.lower(Client.name) == func.lower(new["name"]), Client.id != client.id
        )
        if session.scalar(same_name.limit(1)) is not None:
            raise Invalid("name", _client_taken(new["name"]))
    if "policy" in facts:
        new["policy"] = client.policy | _checked_policy(facts["policy"])
    if "currency" in facts:
        new["currency"] = checked_currency(facts["currency"])
    if "sends_mail" in facts:
        new["sends_mail"] = facts["sends_mail"]
    for field, most in _MOST_OF_CLIENT.items():
        if field in facts:
            new[field] = checked_whole(field, facts[field], most)
    change_once(session, client, new, "name", _client_taken(new.get("name", "")), because=because)


_MOST_OF_CLIENT = {
    "denial_grace_hours": 8_760,
    "cost_tolerance_percent": 1_000,
    "spend_limit_minor": MOST_MINOR,
    "call_out_minor": MOST_MINOR,
    "labour_hour_minor": MOST_MINOR,
}


_MOST_OF_POLICY = {
    "evidence_freshness_days": 36_500,
    "repeat_window_days": 36_500,
    "lookup_patience_minutes": 1_000_000,
}


def _client_taken(name: str) -> str:
    return f"There is a client named {name} already."


def _checked_policy(given: Mapping[str, Any]) -> dict[str, Any]:
    kinds = [CoverageKind(kind).value for kind in given.get("precedence", ())]
    if len(set(kinds)) != len(kinds):
        raise Invalid("policy", "A kind stands in precedence twice.")
    numbers = {
        field: checked_whole(field, given[field], most) for field, most in _MOST_OF_POLICY.items() if field in given
    }
    return numbers | ({"precedence": kinds} if "precedence" in given else {})


def find_client(session: Session, name: str) -> Client:
    """The client of a name; its case matters only where two names differ by nothing else.

    Raises:
        Invalid: there is none.
    """
    wanted = " ".join(name.split())
    found = session.scalars(
        select(Client)
        .where(func.lower(Client.name) == func.lower(wanted))
        .order_by((Client.name == wanted).desc(), Client.id)
        .limit(1)
    ).one_or_none()
    if found is None:
        raise Invalid("client", f"There is no client named {wanted!r}: add it with `warranty client add`.")
    return found


def add_site(
    session: Session,
    client: Client,
    *,
    name: str,
    time_zone: str,
    address: Mapping[str, str] | None = None,
    contacts: Sequence[Contact] = (),
    access_hours: str = "",
    because: Because,
) -> Site:
    """A new place of a client. ``address`` has keys of ``ADDRESS_LINES``; those left out are empty.

    Raises:
        Invalid: a name that the client has already, an unknown zone or line of an address, a contact without a name.
    """
    name = checked_text("name", name, 200, needed=True)
    hold(session, [client.id])
    taken = session.scalar(
        select(Site.name).where(Site.client_id == client.id, func.lower(Site.name) == func.lower(name))
    )
    site = Site(
        client_id=client.id,
        name=name,
        time_zone=checked_zone(time_zone),
        address=_checked_address(address or {}),
        access_hours=checked_text("access_hours", access_hours, 200),
    )
    people = [new_person(client.id, contact) for contact in contacts]
    message = f"{client.name} has a site named {taken or name} already."
    add_once(session, site, "name", message, is_there=taken is not None)
    for person in people:
        person.site_id = site.id
    session.add_all(people)
    moves.note(session, site, "add", because)
    return site


def find_site(session: Session, client: Client, name: str) -> Site:
    """A client's site by its name.

    Raises:
        Invalid: there is none.
    """
    wanted = " ".join(name.split())
    query = select(Site).where(Site.client_id == client.id, func.lower(Site.name) == func.lower(wanted))
    found = session.scalars(query.order_by((Site.name == wanted).desc(), Site.id).limit(1)).one_or_none()
    if found is None:
        raise Invalid("site", f"{client.name} has no site named {wanted!r}: add it with `warranty site add`.")
    return found


def _checked_address(given: Mapping[str, str]) -> dict[str, str]:
    for line in given:
        if line not in ADDRESS_LINES:
            raise Invalid("address", f"{line} is no line of an address; there are {', '.join(ADDRESS_LINES)}.")
    return {line: checked_text(line, given.get(line, ""), 200) for line in ADDRESS_LINES}


def correct_site(
    session: Session,
    site: Site,
    *,
    address: Mapping[str, str] | None = None,
    contacts: Sequence[Contact] | None = None,
    because: Because,
    **facts: Any,
) -> None:
    """Change what is known of a site; ``facts`` are its ``name``, ``time_zone`` and ``access_hours``.

    Args:
        address: the lines that change.
        contacts: everybody who is there from now on, the first one first to be called.

    Raises:
        Invalid: as ``add_site``.
    """
    new: dict[str, Any] = {}
    if "name" in facts:
        new["name"] = checked_text("name", facts["name"], 200, needed=True)
        same_name = func.lower(Site.name) == func.lower(new["name"])
        taken = select(Site.name).where(Site.client_id == site.client_id, same_name, Site.id != site.id)
        if session.scalar(taken.limit(1)) is not None:
            raise Invalid("name", _site_taken(new["name"]))
    if "time_zone" in facts:
        new["time_zone"] = checked_zone(facts["time_zone"])
    if "access_hours" in facts:
        new["access_hours"] = checked_text("access_hours", facts["access_hours"], 200)
    if address is not None:
        new["address"] = site.address | _checked_address({**site.address, **address})
    change_once(session, site, new, "name", _site_taken(site.name), because=because)
    if contacts is not None:
        _replace_contacts(session, site, contacts, because=because)


def _site_taken(name: str) -> str:
    return f"The client has a site named {name} already."


# --- people ---


def add_contact(session: Session, site: Site, contact: Contact, *, because: Because) -> Person:
    """Somebody more at a site, called after those who are there already.

    Raises:
        Invalid: no name, or no mail address.
    """
    person = new_person(site.client_id, contact)
    person.site_id = site.id
    session.add(person)
    session.flush()
    moves.note(session, person, "add", because)
    drafts.look_again(session, Asset.site_id == site.id, now=because.at)
    return person


def correct_contact(session: Session, person: Person, *, because: Because, **facts: Any) -> None:
    """Change what is known of somebody; ``facts`` are the fields of ``Contact``, and ``site``, null for who has left it.

    Raises:
        Invalid: as ``add_contact``, or a site of another client.
    """
    names = ("name", "phone", "email", "language")
    known = {name: getattr(person, name) for name in names}
    wanted = new_person(person.client_id, Contact(**known | {name: facts[name] for name in names if name in facts}))
    new = {name: getattr(wanted, name) for name in names}
    if "site" in facts:
        site: Site | None = facts["site"]
        if site is not None and site.client_id != person.client_id:
            raise Invalid("site", f"The site {site.name} is not one of this client.")
        new["site_id"] = None if site is None else site.id
    change(session, person, new, because=because)


def _replace_contacts(session: Session, site: Site, contacts: Sequence[Contact], *, because: Because) -> None:
    """Who is known by name keeps the pseudonym, as long as the order of who is called first allows it; others leave."""
    left = list(session.scalars(select(Person).where(Person.site_id == site.id).order_by(Person.id)))
    before = [str(person.public_id) for person in left]
    goes: list[Person] = []
    stays: list[Person] = []
    comes: list[Person] = []
    for contact in contacts:
        wanted = new_person(site.client_id, contact)
        place = next((place for place, person in enumerate(left) if person.name == wanted.name), None)
        if place is None or comes:
            comes.append(wanted)
            continue
        person = left[place]
        goes, left = [*goes, *left[:place]], left[place + 1 :]
        stays.append(person)
        new = {name: getattr(wanted, name) for name in ("phone", "email", "language")}
        change(session, person, new, because=because)
    for person in (*goes, *left):
        person.site_id = None  # a case may name them still
    for person in comes:
        person.site_id = site.id
    session.add_all(comes)
    session.flush()
    after = [str(person.public_id) for person in (*stays, *comes)]
    if after != before:
        moves.note(session, site, "change", because, detail={"contacts": [before, after]})
        drafts.look_again(session, Asset.site_id == site.id, now=because.at)


def new_person(client_id: int, contact: Contact) -> Person:
    """Somebody whom no session knows yet.

    Raises:
        Invalid: no name, or no mail address.
    """
    email = checked_text("email", contact.email, 254)
    if email and ("@" not in email or " " in email):
        raise Invalid("email", f"{email} is no mail address.")
    return Person(
        client_id=client_id,
        name=checked_text("contacts", contact.name, 200, needed=True),
        phone=checked_text("phone", contact.phone, 64),
        email=email,
        language=checked_text("language", contact.language, 8),
    )
