"""News of cases: the only place that says which mail a case is worth, to whom, and in which words.

Nothing is told while a case is handled: a report and every move leave a mark, the relay looks for marks, and a worker
reads where the case stands by then. So a mail costs a report nothing, tells the newest and not every step on the way, and
is written once, since what was told last stands on the fault. Clients are told of their cases, the MSP's service
managers of what waits for a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy import delete, or_, select, update

from warranty import db, languages
from warranty.domain import reasons
from warranty.domain.coverage import Verdict
from warranty.domain.headline import ClientStep, Headline
from warranty.domain.lifecycles import RmaState
from warranty.domain.returns import Holder, Level
from warranty.domain.terms import ReasonCode, Role
from warranty.languages import N_, Reader
from warranty.models import (
    Asset,
    Client,
    Fault,
    HumanTask,
    News,
    Outbox,
    Person,
    Product,
    Rma,
    Sighting,
    Site,
    User,
    VendorAccount,
)
from warranty.models.mail import Told
from warranty.models.work import OrderKind, OrderStatus, TaskKind
from warranty.services import mail, returns, standings, verdicts, work
from warranty.services.casefile import HOME_ZONE
from warranty.services.mail import Letter, Receiver

if TYPE_CHECKING:
    import gettext
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session

    from warranty.config import Settings
    from warranty.domain.headline import Standing
    from warranty.runtime import Runtime

STALE = timedelta(days=2)
"""Older news is not told any more: after an outage, or where mail was switched on later, nobody wants last week's."""

BATCH = 100
MOST_WIPED = 1_000
MOST_RECEIVERS = 20
LONGEST_QUOTE = 1_000
MOST_QUOTED = 10
NAME = "write_mails"

_NEWS = {
    Headline.AWAITING_APPROVAL: Told.APPROVAL,
    Headline.AUTHORIZED: Told.CONFIRMED,
    Headline.SHIPPED: Told.CONFIRMED,
    Headline.DELIVERED: Told.CONFIRMED,
    Headline.CLOSED: Told.CLOSED,
}
"""Where a case stands, and what that is worth telling. Who has the ball and what comes when, the client's page says."""


# --- looking for news ---


def order(session: Session, settings: Settings) -> None:
    """Order that mails are written, where there is news and that is not ordered yet; without a mail server, wipe the marks."""
    now = db.now(session)
    if settings.mail_server is None:
        _wipe(session, now)
        return
    is_ordered = select(Outbox.id).where(Outbox.name == NAME, Outbox.status == OrderStatus.PENDING)
    if session.scalar(is_ordered.limit(1)) is None and any(due(session, now=now, limit=1)):
        work.add(session, OrderKind.WRITE_MAILS, now=now, name=NAME)


def _wipe(session: Session, now: datetime) -> None:
    """Nobody is told: what is marked by now stays untold. A row that somebody holds has its turn at the next look."""
    session.execute(delete(News).where(News.due_at <= now))
    for table, is_marked, values in (
        (Fault, Fault.told.is_(None), {"told": Told.OPENED}),
        (HumanTask, HumanTask.told_at.is_(None) & HumanTask.resolved_at.is_(None), {"told_at": now}),
    ):
        marked = select(table.id).where(is_marked).limit(MOST_WIPED).with_for_update(skip_locked=True)
        ids = session.scalars(marked).all()
        if ids:
            session.execute(update(table).where(table.id.in_(ids)).values(**values))


def due(session: Session, *, now: datetime, limit: int = BATCH) -> tuple[list[int], list[int], list[int]]:
    """The keys of some faults, some tasks and some returns that there is something to tell of, the oldest first."""
    unheard = session.scalars(select(Fault.id).where(Fault.told.is_(None)).order_by(Fault.id).limit(limit))
    moved = session.scalars(select(News.fault_id).where(News.due_at <= now).order_by(News.due_at).limit(limit))
    tasks = session.scalars(
        select(HumanTask.id)
        .where(HumanTask.told_at.is_(None), HumanTask.resolved_at.is_(None))
        .order_by(HumanTask.id)
        .limit(limit)
    )
    reminders = returns.to_remind(session, now=now, limit=limit)
    return list(dict.fromkeys([*unheard, *moved]))[:limit], list(tasks), reminders


# --- telling ---


def tell_case(session: Session, runtime: Runtime, fault_id: int, *, now: datetime) -> None:
    """Write to the client what is new of a case, if anything is; asked twice it tells once."""
    fault = session.get_one(Fault, fault_id, with_for_update=True)
    marks = session.scalars(delete(News).where(News.fault_id == fault.id, News.due_at <= now).returning(News.due_at))
    moved_at = max(marks, default=fault.reported_at)
    standing = standings.of_faults(session, {fault.id}, now=now)[fault.id]
    if standing.headline is Headline.DENIED:
        _look_again_after_grace(session, fault)
    told, current = fault.told, _worth(session, fault, standing)
    fault.told = current or (Told.OPENED if told in {None, Told.CLOSED} else told)  # reopened, it may be closed again
    if told is None:
        _write_to_client(session, runtime, fault, standing, Told.OPENED, fault.reported_at, now)
        if current is Told.CLOSED:  # a report that leads to nothing: that has been said with it
            return
    if current is not None and current is not told:
        _write_to_client(session, runtime, fault, standing, current, moved_at, now)


def tell_task(session: Session, runtime: Runtime, task_id: int, *, now: datetime) -> None:
    """Write to the service managers that something waits for a person; asked twice it tells once."""
    task = session.get_one(HumanTask, task_id, with_for_update=True)
    if task.told_at is not None or task.resolved_at is not None:
        return
    task.told_at = now
    if runtime.settings.mail_server is None or now - task.created_at > STALE:
        return
    if task.fault_id is None:
        _tell_strays(session, runtime, task, now)
        return
    fault = session.get_one(Fault, task.fault_id)
    place = _place(session, fault)
    for receiver in _managers(session):
        reader = _reader(receiver, place.site, now)
        facts = [(N_("Client"), place.client.name), (N_("Why"), task.why[:LONGEST_QUOTE])]
        letter = _case_letter(
            reader,
            place,
            Told.TASK,
            [reader.text(N_("This case goes no further without a person."))],
            facts,
            f"{runtime.settings.base_url}/cases/{fault.public_id}",
        )
        mail.write(session, runtime.settings, about=fault, tells=Told.TASK, to=receiver, letter=letter, now=now)


def _tell_strays(session: Session, runtime: Runtime, task: HumanTask, now: datetime) -> None:
    """Tell of a case that belongs to no claim, and in the same mail of all others there: a restore may find very many."""
    account = session.scalars(
        select(VendorAccount)
        .join(Sighting, Sighting.account_id == VendorAccount.id)
        .where(Sighting.id == task.sighting_id)
    ).one()
    told = session.execute(
        update(HumanTask)
        .where(
            HumanTask.sighting_id.in_(select(Sighting.id).where(Sighting.account_id == account.id)),
            HumanTask.id != task.id,
            HumanTask.told_at.is_(None),
            HumanTask.resolved_at.is_(None),
            HumanTask.created_at >= now - STALE,
        )
        .values(told_at=now)
        .returning(HumanTask.id, HumanTask.why),
        execution_options={"synchronize_session": False},
    )
    others = [row.why for row in sorted(told)]
    whys = [task.why, *others][:MOST_QUOTED]
    for receiver in _managers(session):
        reader = _reader(receiver, None, now)
        text = N_("Cases of no claim at %(account)s: %(number)s")
        subject = reader.text(text, account=account.name, number=1 + len(others))
        said = N_(
            "The vendor holds what nobody here knows. Nothing is opened for these units until somebody has looked."
        )
        facts = [(N_("Account"), account.name), *((N_("Why"), why[:LONGEST_QUOTE]) for why in whys)]
        link = N_("See what waits"), f"{runtime.settings.base_url}/"
        letter = _letter(reader, subject, [reader.text(said)], facts, link)
        mail.write(session, runtime.settings, about=account, tells=Told.TASK, to=receiver, letter=letter, now=now)


def tell_return(session: Session, runtime: Runtime, key: int, *, now: datetime) -> None:
    """Remind whoever is to hear by now that a unit must go back, each level once; asked twice it reminds once."""
    reminder = returns.take_reminder(session, key, now=now)
    if reminder is None or runtime.settings.mail_server is None:
        return
    item, place = reminder.item, _place(session, reminder.item.fault)
    told: set[tuple[type, int]] = set()
    for level in reminder.levels:
        for receiver in _of_level(session, item, level, place):
            if (type(receiver.row), receiver.row.id) in told:
                continue
            told.add((type(receiver.row), receiver.row.id))
            reader = _reader(receiver, place.site, now)
            letter = _return_letter(reader, place, item, receiver, runtime.settings.base_url)
            mail.write(
                session, runtime.settings, about=item.fault, tells=Told.RETURN, to=receiver, letter=letter, now=now
            )


def _of_level(session: Session, item: returns.Item, level: Level, place: _Place) -> list[Receiver]:
    """Who hears of a return on a level; the service managers where nobody is there, since somebody must."""
    rows: list[User | Person] = []
    if level is Level.HOLDER and item.parcel.holder is Holder.CLIENT and place.client.sends_mail:
        return _of_client(session, item.fault, place.site) or _managers(session)
    if level is Level.HOLDER:
        has_it = {Holder.COLLEAGUE: item.colleague, Holder.CONTACT: item.person}.get(item.parcel.holder, item.owner)
        is_told = not isinstance(has_it, Person) or place.client.sends_mail
        rows = [has_it] if has_it is not None and is_told else []
    elif level is Level.OWNER and item.owner is not None:
        rows = [item.owner]
    return list(_receivers(rows)) or _managers(session)


def _return_letter(reader: Reader, place: _Place, item: returns.Item, receiver: Receiver, base_url: str) -> Letter:
    assert item.parcel.due_on is not None  # nobody is reminded of a day that nobody knows
    assert item.known is not None
    assert item.known.send_by is not None
    is_staff = isinstance(receiver.row, User) and receiver.row.client_id is None
    is_reader = isinstance(receiver.row, User)
    room = "cases" if is_staff else "portal/cases"
    said = [
        reader.text(
            N_("The defective part has to go back to the vendor. Please hand it to the carrier by %(day)s."),
            day=reader.dated(item.known.send_by),
        ),
        reader.text(N_("Keep the receipt: the carrier and the tracking number prove that it was sent.")),
    ]
    facts = [
        (N_("Must be there by"), reader.dated(item.parcel.due_on)),
        (N_("RMA number"), item.rma.rma_number or ""),
        (N_("Address"), " ".join(item.known.return_address.split())),
    ]
    if is_staff and item.exposure is not None:
        facts.append((N_("Otherwise billed"), reader.money(*item.exposure)))
    link = f"{base_url}/{room}/{item.fault.public_id}" if is_reader else None
    return _case_letter(reader, place, Told.RETURN, said, facts, link)


def forget_case(session: Session, fault_id: int, *, now: datetime) -> None:
    """Tell nothing of a case: its mail could not be written, and must not hold up those of others."""
    fault = session.get_one(Fault, fault_id, with_for_update=True)
    fault.told = fault.told or Told.OPENED
    session.execute(delete(News).where(News.fault_id == fault_id, News.due_at <= now))


def forget_task(session: Session, task_id: int, *, now: datetime) -> None:
    """The same for a task."""
    session.get_one(HumanTask, task_id, with_for_update=True).told_at = now


def _worth(session: Session, fault: Fault, standing: Standing) -> Told | None:
    found = _NEWS.get(standing.headline)
    if found is not None or standing.headline is Headline.DENIED:
        return found
    newest = select(Rma.state).where(Rma.fault_id == fault.id).order_by(Rma.id.desc()).limit(1)
    return Told.DENIED if session.scalar(newest) is RmaState.DENIED else None


def _look_again_after_grace(session: Session, fault: Fault) -> None:
    """The client is told of a denial when the time to think it over has passed, though nothing moves then."""
    client = session.get_one(Client, fault.client_id)
    asked = session.scalar(
        select(HumanTask.created_at).where(
            HumanTask.fault_id == fault.id, HumanTask.kind == TaskKind.DENIED, HumanTask.resolved_at.is_(None)
        )
    )
    if asked is not None:
        session.add(
            News(
                client_id=fault.client_id, fault_id=fault.id, due_at=asked + timedelta(hours=client.denial_grace_hours)
            )
        )


def _write_to_client(
    session: Session,
    runtime: Runtime,
    fault: Fault,
    standing: Standing,
    tells: Told,
    since: datetime,
    now: datetime,
) -> None:
    place = _place(session, fault)
    if runtime.settings.mail_server is None or not place.client.sends_mail or now - since > STALE:
        return
    for receiver in _of_client(session, fault, place.site):
        reader = _reader(receiver, place.site, now)
        said, facts = _said(session, reader, fault, standing, tells)
        has_page = isinstance(receiver.row, User)
        link = f"{runtime.settings.base_url}/portal/cases/{fault.public_id}" if has_page else None
        letter = _case_letter(reader, place, tells, said, facts, link)
        mail.write(session, runtime.settings, about=fault, tells=tells, to=receiver, letter=letter, now=now)


# --- to whom ---


def _of_client(session: Session, fault: Fault, site: Site | None) -> list[Receiver]:
    """The reporter and the contact of the case and of the reports that were attached to it, else somebody at the site."""
    attached = or_(Fault.id == fault.id, Fault.duplicate_of_id == fault.id)
    cases = session.scalars(select(Fault).where(attached).order_by(Fault.id).limit(MOST_RECEIVERS)).all()
    user_ids = {int(one.reporter[5:]) for one in cases if one.reporter.startswith("user:")}
    contact_ids = {one.contact_id for one in cases if one.contact_id is not None}
    users = session.scalars(
        select(User)
        .where(User.id.in_(user_ids), User.client_id == fault.client_id, User.deactivated_at.is_(None))
        .order_by(User.id)
    ).all()
    people = session.scalars(select(Person).where(Person.id.in_(contact_ids)).order_by(Person.id)).all()
    found = list(_receivers([*users, *people]))
    if not found and site is not None:
        found = list(_receivers(session.scalars(select(Person).where(Person.site_id == site.id).order_by(Person.id))))[
            :1
        ]
    return found


def _managers(session: Session) -> list[Receiver]:
    """The service managers; where there are none the administrators."""
    for role in (Role.SERVICE_MANAGER, Role.ADMIN):
        users = select(User).where(User.role == role, User.deactivated_at.is_(None)).order_by(User.id)
        found = list(_receivers(session.scalars(users.limit(MOST_RECEIVERS))))
        if found:
            return found
    return []


def _receivers(rows: Iterable[User | Person]) -> Iterator[Receiver]:
    """Those that have an address, each address once."""
    known = set()
    for row in rows:
        address = mail.plain_address(row.email)
        if address is not None and address.lower() not in known:
            known.add(address.lower())
            yield Receiver(row, languages.choose_language([row.language], []))


# --- in which words ---

_SUBJECTS = {
    Told.OPENED: N_("We have your report: %(unit)s"),
    Told.APPROVAL: N_("Your approval is needed: %(unit)s"),
    Told.CONFIRMED: N_("The replacement is confirmed: %(unit)s"),
    Told.DENIED: N_("The vendor has declined the claim: %(unit)s"),
    Told.CLOSED: N_("Closed: %(unit)s"),
    Told.TASK: N_("A person is needed: %(unit)s"),
    Told.RETURN: N_("Please send the defective part back: %(unit)s"),
}
_SAID = {
    Told.OPENED: N_("We have your report and take care of it."),
    Told.APPROVAL: N_("This repair costs money. We begin as soon as you agree to the quote."),
    Told.CONFIRMED: N_("The vendor has confirmed the claim. A replacement is on its way or will be soon."),
    Told.DENIED: N_("The vendor does not take this claim. Nothing is charged before you have agreed to a quote."),
    Told.CLOSED: N_("This case is closed. If the fault comes back, please report it again."),
}
_NEXT = {
    ClientStep.BEING_ASSESSED: N_("Next we find out who pays for the replacement."),
    ClientStep.ORDERED_FROM_THE_VENDOR: N_("The replacement is being ordered from the vendor."),
    ClientStep.CLOSED: N_("Nothing more has to be done for this report."),
}
"""What follows a report, by the step that it leads to."""


@dataclass(frozen=True, slots=True)
class _Place:
    """What a mail names: whose unit, which, and where."""

    client: Client
    site: Site | None
    unit: str
    fault: Fault


def _place(session: Session, fault: Fault) -> _Place:
    row = session.execute(
        select(Client, Site, Product)
        .select_from(Client)
        .outerjoin(Asset, Asset.id == fault.asset_id)
        .outerjoin(Site, Site.id == Asset.site_id)
        .outerjoin(Product, Product.id == Asset.product_id)
        .where(Client.id == fault.client_id)
    ).one()
    unit = f"{row.Product.manufacturer} {row.Product.model} " if row.Product else ""
    return _Place(row.Client, row.Site, f"{unit}{fault.serial_number}".strip(), fault)


def _reader(receiver: Receiver, site: Site | None, now: datetime) -> Reader:
    zone = ZoneInfo(site.time_zone if site else HOME_ZONE)
    return Reader(receiver.language, zone, now, _catalogues()[receiver.language])


def _said(
    session: Session, reader: Reader, fault: Fault, standing: Standing, tells: Told
) -> tuple[list[str], list[tuple[str, str]]]:
    """The paragraphs and the facts of a mail to a client."""
    paragraphs = [reader.text(_SAID[tells])]
    facts = [(N_("Reported"), fault.symptom[:LONGEST_QUOTE])]
    if tells is Told.OPENED:
        if standing.step in _NEXT:
            paragraphs.append(reader.text(_NEXT[standing.step]))
        newest = verdicts.newest(session, fault.id)
        if newest is not None:
            paragraphs.extend(_reasons(reader, Verdict.from_json(newest.verdict_document)))
    if tells is Told.DENIED:
        why = select(Rma.vendor_reason).where(Rma.fault_id == fault.id).order_by(Rma.id.desc()).limit(1)
        facts.append((N_("The vendor says"), (session.scalar(why) or "")[:LONGEST_QUOTE]))
    return paragraphs, facts


def _reasons(reader: Reader, verdict: Verdict) -> list[str]:
    """The sentences that carry a verdict."""
    return [
        reasons.render(
            reason.code,
            reason.share,
            reason.coverage,
            {
                name: reader.dated(date.fromisoformat(value))
                if name.endswith("_on") and isinstance(value, str)
                else value
                for name, value in reason.params.items()
            },
            reader.text,
        )
        for reason in verdict.reasons
        if reason.code is not ReasonCode.OUTRANKED
    ]


def _case_letter(
    reader: Reader,
    place: _Place,
    tells: Told,
    paragraphs: list[str],
    facts: list[tuple[str, str]],
    link: str | None,
) -> Letter:
    subject = reader.text(_SUBJECTS[tells], unit=place.unit)
    given = [(N_("Case"), place.fault.reference), (N_("Unit"), place.unit), *facts]
    return _letter(reader, subject, paragraphs, given, (N_("See the case"), link))


def _letter(
    reader: Reader, subject: str, paragraphs: list[str], facts: list[tuple[str, str]], link: tuple[str, str | None]
) -> Letter:
    """``link``: what it is called, and where it leads, if anywhere."""
    values = {
        "language": reader.language,
        "subject": subject,
        "greeting": reader.text(N_("Good day,")),
        "paragraphs": paragraphs,
        "facts": [(reader.text(label), value) for label, value in facts if value],
        "link": link[1],
        "link_text": reader.text(link[0]),
    }
    text, html = (_templates().get_template(f"letter.{form}").render(values) for form in ("txt", "html"))
    return Letter(subject, text, html)


@cache
def _catalogues() -> dict[str, gettext.NullTranslations]:
    return languages.load(db.folder("locale"))


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(db.folder("templates") / "mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
