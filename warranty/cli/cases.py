"""``warranty case``, ``rma``, ``job`` and ``review``: what a fault led to, and what people do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click
from sqlalchemy import or_, select

from warranty.cli.desk import OF_CLIENT, Desk, Shown, listing, print_list, reading, writing
from warranty.cli.shared import CliProblem, Day, Word, answer, json_option, shown, to_json, word
from warranty.domain.access import OPERATOR
from warranty.domain.lifecycles import FaultState, JobState, RmaState
from warranty.domain.terms import OverrideCode, VerdictWord
from warranty.models import AdHocJob, CaseNote, Client, Coverage, Fault, File, HumanTask, Rma
from warranty.models.cases import NoteWay
from warranty.models.work import TaskKind
from warranty.services import by_hand, moves, notes, owed, preparing, records, resolutions, rmas
from warranty.services.estate import ADDRESS_LINES
from warranty.services.faults import ContactFacts, ShipToFacts
from warranty.services.overrides import Wish
from warranty.services.preparing import Given
from warranty.services.proposals import Proposal
from warranty.services.resolutions import Action

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement

C = TypeVar("C", Rma, AdHocJob)

PARTS = click.option("--part", multiple=True, metavar="CODE", help="A part to ask for, by its code; may repeat.")
NUMBERS = ("vendor_case_number", "rma_number", "carrier", "tracking_number")
REASON = click.option("--reason", required=True, help="Why; it stands in the register.")


# --- cases ---


@click.group()
def case() -> None:
    """List, show and close cases."""


@case.command("list")
@OF_CLIENT
@word("--state", words=FaultState, about="In this state only.")
@click.option("--query", "-q", help="Those with this in their reference, serial number or symptom.")
@listing
def case_list(client_name: str | None, state: FaultState | None, query: str | None, **how: Any) -> None:
    """List the cases, the newest first."""
    where: list[ColumnElement[bool]] = [] if state is None else [Fault.state == state]
    if query is not None:
        asked = (Fault.reference, Fault.serial_number, Fault.symptom)
        where.append(or_(*(column.icontains(query, autoescape=True) for column in asked)))
    columns = "reference serial_number client state verdict"
    print_list(lambda _: records.FAULTS, lambda desk: [*where, *desk.of_client(client_name)], columns, **how)


@case.command("show")
@click.argument("reference")
@json_option
def case_show(reference: str, *, as_json: bool) -> None:
    """Show one case: its verdict, its claim, its job, its timeline, and its files.

    REFERENCE is F-…, the claim's WR-…, or an id. With --json the claim (`rma`) and the job (`job`) stand whole beside
    the case.
    """
    with reading() as desk:
        fault = desk.fault(reference)
        found = desk.document(records.FAULTS, fault)
        rma, job = _newest(desk, Rma, fault), _newest(desk, AdHocJob, fault)
        claim = None if rma is None else records.rma_in_full(desk.session, desk.runtime, rma, now=desk.now)
        work = None if job is None else records.one(desk.session, records.JOBS, job, now=desk.now)
        timeline = records.timeline(desk.session, fault.id)
        kept = desk.session.scalars(select(File).where(notes.files_of(fault)).order_by(File.id))
        files = [{"id": file.public_id, "name": file.name, "size": file.size} for file in kept]
    if as_json:
        whole = {"rma": claim, "job": work, "timeline": timeline, "files": files}
        click.echo(to_json(found.document | whole))
    else:
        _print_case(found, claim, work, timeline, files)


def _newest(desk: Desk, table: type[C], fault: Fault) -> C | None:
    query = select(table).where(table.fault_id == fault.id).order_by(table.id.desc()).limit(1)
    return desk.session.scalars(query).one_or_none()


def _print_case(
    found: Shown,
    claim: dict[str, Any] | None,
    work: dict[str, Any] | None,
    timeline: list[dict[str, Any]],
    files: list[dict[str, Any]],
) -> None:
    reasons = found.document.pop("reasons")
    found.print(as_json=False)
    for title, document, names in (
        ("rma", claim, ("client_reference", "state", "vendor_case_number", "rma_number", "vendor_status")),
        ("job", work, ("reference", "kind", "state", "total_minor", "currency")),
    ):
        if document is not None:
            click.echo()
            answer({f"{title}.{name}": document[name] for name in names}, as_json=False)
    click.echo()
    for reason in reasons:
        click.echo(f"{reason['share'] or '-':<6}  {shown(reason['text'])}  ({reason['code']})")
    click.echo()
    for row in timeline:
        what = row["new_state"] or row["action"]
        click.echo(f"{row['at']:%Y-%m-%d %H:%M:%S}  {row['record']:<9} {what:<18} {shown(row['reason'])}".rstrip())
    for file in files:
        click.echo(f"file  {shown(file['name'])}  {file['size']:,} bytes")


@case.command("close")
@click.argument("reference")
@REASON
@json_option
def case_close(reference: str, reason: str, *, as_json: bool) -> None:
    """Close a case that works again. Whatever it still owes is named, and leaves it open.

    REFERENCE is F-…, the claim's WR-…, or an id.
    """
    with writing(reason) as desk:
        fault = desk.fault(reference)
        owed.close(desk.session, OPERATOR, fault, reason=reason, now=desk.now)
        found = desk.document(records.FAULTS, fault)
    found.print(as_json=as_json)


@case.command("notes")
@click.argument("reference")
@listing
def case_notes(reference: str, **how: Any) -> None:
    """List the notes on a case, the newest first.

    REFERENCE is F-…, the claim's WR-…, or an id.
    """
    columns = "id written_at way author state text"
    print_list(lambda _: records.NOTES, lambda desk: [CaseNote.fault_id == desk.fault(reference).id], columns, **how)


@case.command("note")
@click.argument("reference")
@click.argument("text", default="")
@click.option("--to-vendor", is_flag=True, help="For the vendor too, by its account; without it for us alone.")
@click.option(
    "--file",
    "named",
    metavar="FILE",
    help="Send this file of the case to the vendor, in place of a text; by its name or id.",
)
@json_option
def case_note(reference: str, text: str, named: str | None, *, to_vendor: bool, as_json: bool) -> None:
    """Write a note on a case, or send a file of it to the vendor; a worker sends it.

    REFERENCE is F-…, the claim's WR-…, or an id.
    """
    with writing("wrote a note") as desk:
        fault = desk.fault(reference)
        file = None if named is None else _file(desk, fault, named)
        way = NoteWay.TO_VENDOR if to_vendor or file is not None else NoteWay.INTERNAL
        note = notes.write(desk.session, desk.runtime, fault, way, desk.because, text=text, file=file)
        found = desk.document(records.NOTES, note)
    found.print(as_json=as_json)


def _file(desk: Desk, fault: Fault, named: str) -> File:
    return desk.find(File, named, notes.files_of(fault) & (File.name == named))


# --- claims at vendors ---


@click.group()
def rma() -> None:
    """List, show and move claims at vendors."""


@rma.command("list")
@OF_CLIENT
@word("--state", words=RmaState, about="In this state only.")
@listing
def rma_list(client_name: str | None, state: RmaState | None, **how: Any) -> None:
    """List the claims, the newest first."""
    where = [] if state is None else [Rma.state == state]
    columns = "client_reference fault_id client state rma_number"
    print_list(lambda _: records.RMAS, lambda desk: [*where, *desk.of_client(client_name)], columns, **how)


@rma.command("show")
@click.argument("named", metavar="RMA")
@json_option
def rma_show(named: str, *, as_json: bool) -> None:
    """Show a claim with its goods, its timeline and every call to its vendor.

    RMA is its reference (WR-…), the vendor's case or RMA number, the case's reference (F-…), or an id.
    """
    with reading() as desk:
        found = desk.shown(records.rma_in_full(desk.session, desk.runtime, desk.claim(named), now=desk.now))
    if not as_json:
        called = found.document["vendor_calls"]  # whole requests are for programs
        found.document["vendor_calls"] = [
            {name: call[name] for name in ("at", "method", "url", "status", "trouble")} for call in called
        ]
        happened = found.document["timeline"]
        found.document["timeline"] = [
            {name: row[name] for name in ("at", "record", "new_state", "reason")} for row in happened
        ]
    found.print(as_json=as_json)


@rma.command("move")
@click.argument("named", metavar="RMA")
@click.argument("to", type=Word(RmaState), metavar="STATE")
@REASON
@click.option("--vendor-case-number", help="What the vendor calls it.")
@click.option("--rma-number", help="The number that goods travel under; authorized needs it.")
@click.option("--expires-on", type=Day(), help="The last day of that number, where the vendor names one.")
@PARTS
@json_option
def rma_move(named: str, to: RmaState, reason: str, part: tuple[str, ...], *, as_json: bool, **numbers: Any) -> None:
    """Make a move by hand, with what the vendor said by telephone or portal.

    A denied claim that is moved to submitted is sent again as the same case, as often as the vendor takes it.
    """
    with writing(reason) as desk:
        row = desk.hold(desk.claim(named))
        parts = part or None
        rmas.transition(
            desk.session, desk.runtime, OPERATOR, row, to, reason=reason, now=desk.now, parts=parts, **numbers
        )
        found = _full(desk, row)
    _print_state(found, as_json=as_json)


@rma.command("give")
@click.argument("named", metavar="RMA")
@click.option("--contact-name", help="Who can be called.")
@click.option("--contact-phone", default="", help="Under which number.")
@click.option("--contact-email", default="", help="Or by mail.")
@click.option("--ship-name", help="Who takes the parcel, if it does not go to the site.")
@click.option("--ship-to", "ship_to", multiple=True, metavar="LINE=VALUE", help="Its address, as address_line1=Kade 1.")
@click.option("--troubleshooting", help="What was tried.")
@click.option("--diagnostic-code", help="What the unit itself says.")
@PARTS
@click.option(
    "--file",
    "file",
    multiple=True,
    metavar="FILE",
    help="A file of the case to go along, by its name or id; may repeat.",
)
@click.option("--no-files", is_flag=True, help="None goes along.")
@json_option
def rma_give(named: str, file: tuple[str, ...], *, no_files: bool, as_json: bool, **said: Any) -> None:
    """Give what the vendor asks for (info_missing); a draft goes by itself as soon as nothing is missing.

    The part number and the country are filled in at the product and at the site. A file goes along only where it is named, and
    the files named take the place of those chosen before.
    """
    if file and no_files:
        raise CliProblem("--file and --no-files exclude each other.")
    with writing("What was missing was given.") as desk:
        row = desk.hold(desk.claim(named))
        fault = desk.session.get_one(Fault, row.fault_id)
        files = [_file(desk, fault, one).public_id for one in file] if file or no_files else None
        given = _given(files=files, **said)
        preparing.give(desk.session, desk.runtime, OPERATOR, row, given, now=desk.now)
        found = _full(desk, row)
    _print_state(found, as_json=as_json)


def _given(
    *,
    contact_name: str | None,
    contact_phone: str,
    contact_email: str,
    ship_name: str | None,
    ship_to: tuple[str, ...],
    part: tuple[str, ...],
    files: list[UUID] | None,
    **texts: str | None,
) -> Given:
    lines = dict(one.partition("=")[::2] for one in ship_to)
    if unknown := lines.keys() - set(ADDRESS_LINES):
        raise CliProblem(f"An address has no {', '.join(sorted(unknown))}; it has {', '.join(ADDRESS_LINES)}.")
    if bool(lines) != (ship_name is not None):
        raise CliProblem("--ship-name and --ship-to go together.")
    address = {name: lines.get(name, "") for name in ADDRESS_LINES}
    return Given(
        contact=None if contact_name is None else ContactFacts(contact_name, contact_phone, contact_email),
        ship_to=None if ship_name is None else ShipToFacts(ship_name, address),
        parts=part or None,
        files=files,
        **texts,
    )


@rma.command("parts")
@click.argument("named", metavar="RMA")
@click.option("--afresh", is_flag=True, help="Have the vendor asked anew, in the background.")
@json_option
def rma_parts(named: str, *, afresh: bool, as_json: bool) -> None:
    """Show the vendor's parts list for the unit, with what is proposed for the claim."""
    with writing("A person wants the list.") as desk:
        row = desk.hold(desk.claim(named))
        if afresh:
            preparing.ask_afresh(desk.session, desk.runtime, row, now=desk.now)
        found = _full(desk, row).document
    names = ("state", "info_missing", "parts", "parts_offered")
    desk.shown({"client_reference": found["client_reference"], **{name: found[name] for name in names}}).print(
        as_json=as_json
    )


def _full(desk: Desk, row: Rma) -> Shown:
    moves.write_down(desk.session)
    return desk.shown(records.rma_in_full(desk.session, desk.runtime, row, now=desk.now))


def _print_state(found: Shown, *, as_json: bool) -> None:
    if as_json:
        found.print(as_json=True)
    else:
        answer({name: found.document[name] for name in ("client_reference", "state", "info_missing")}, as_json=False)


# --- jobs ---


@click.group()
def job() -> None:
    """List, show and move ad hoc jobs."""


@job.command("list")
@OF_CLIENT
@word("--state", words=JobState, about="In this state only.")
@listing
def job_list(client_name: str | None, state: JobState | None, **how: Any) -> None:
    """List the jobs, the newest first; money in minor units (cents)."""
    where = [] if state is None else [AdHocJob.state == state]
    columns = "reference fault_id client state total_minor currency"
    print_list(lambda _: records.JOBS, lambda desk: [*where, *desk.of_client(client_name)], columns, **how)


@job.command("show")
@click.argument("named", metavar="JOB")
@json_option
def job_show(named: str, *, as_json: bool) -> None:
    """Show a job, by its reference or id, with its lines."""
    with reading() as desk:
        found = desk.document(records.JOBS, _job(desk, named))
    found.print(as_json=as_json)


@job.command("move")
@click.argument("named", metavar="JOB")
@click.argument("to", type=Word(JobState), metavar="STATE")
@REASON
@json_option
def job_move(named: str, to: JobState, reason: str, *, as_json: bool) -> None:
    """Move a job; whoever asked for an approval does not give it."""
    with writing(reason) as desk:
        row = _job(desk, named)
        by_hand.move_job(desk.session, OPERATOR, row, to, reason=reason, now=desk.now)
        found = desk.document(records.JOBS, row)
    found.print(as_json=as_json)


def _job(desk: Desk, said: str) -> AdHocJob:
    return desk.find(AdHocJob, said, AdHocJob.reference == said.upper())


# --- what waits for a person ---


@click.group()
def review() -> None:
    """List, show and resolve what waits for a person."""


@review.command("list")
@OF_CLIENT
@word("--kind", words=TaskKind, about="Of this kind only.")
@click.option("--settled", is_flag=True, help="Those that are settled, instead of those that wait.")
@listing
def review_list(client_name: str | None, kind: TaskKind | None, *, settled: bool, **how: Any) -> None:
    """List the review items, the newest first."""
    where: list[ColumnElement[bool]] = [
        HumanTask.resolved_at.is_not(None) if settled else HumanTask.resolved_at.is_(None)
    ]
    if kind is not None:
        where.append(HumanTask.kind == kind)
    columns = "id kind fault_id client why"
    print_list(lambda _: records.REVIEW_ITEMS, lambda desk: [*where, *desk.of_client(client_name)], columns, **how)


@review.command("show")
@click.argument("named", metavar="ID")
@json_option
def review_show(named: str, *, as_json: bool) -> None:
    """Show one review item."""
    with reading() as desk:
        found = desk.document(records.REVIEW_ITEMS, desk.find(HumanTask, named))
    found.print(as_json=as_json)


@review.command("resolve")
@click.argument("named", metavar="ID")
@click.argument("action", type=Word(Action), metavar="ACTION")
@REASON
@click.option("--asset", metavar="SERIAL", help="The unit of identify, by its serial number or id.")
@word("--verdict", words=[w for w in VerdictWord if w is not VerdictWord.NEEDS_REVIEW], about="That of override.")
@click.option("--parts", metavar="COVERAGE", help="The id of the coverage that wins the parts.")
@click.option("--labour", metavar="COVERAGE", help="The id of the coverage that wins the labour.")
@word("--reason-code", words=OverrideCode, default="other", show_default=True, about="Why override.")
@click.option("--proposal", type=click.IntRange(1), help="Which one confirm or decline is about, by its place.")
@click.option("--vendor-case-number", default="", help="What the vendor calls it, instead of what is proposed.")
@click.option("--rma-number", default="", help="The number that goods travel under, instead of what is proposed.")
@click.option("--carrier", default="", help="Who brings the parcel, instead of what is proposed.")
@click.option("--tracking-number", default="", help="Of the parcel, instead of what is proposed.")
@json_option
def review_resolve(
    named: str, action: Action, reason: str, asset: str | None, proposal: int | None, *, as_json: bool, **wanted: Any
) -> None:
    """Answer a review item; prints the case as it then stands, or the item where it stands on none.

    ACTION is decide_again (something was mended elsewhere, or a silent vendor was asked), identify (--asset is the unit
    that was meant), attest_absence (nothing else covers the unit), override (--verdict, or yes to somebody else's
    override), reject, confirm (what is proposed for the claim is true) or decline. A case at a vendor that belongs to no claim is
    answered with dealt_with; where it does belong to one, enter its number there: `warranty rma move`.
    """
    numbers = Proposal(**{name: wanted.pop(name) for name in NUMBERS})
    with writing(reason) as desk:
        item = desk.find(HumanTask, named)
        owner = None if item.client_id is None else desk.session.get_one(Client, item.client_id)
        fault = resolutions.resolve(
            desk.session,
            desk.runtime,
            OPERATOR,
            item,
            action,
            reason=reason,
            now=desk.now,
            asset=None if asset is None else desk.unit(asset, owner),
            wish=_wish(desk, reason, **wanted),
            proposal=proposal,
            numbers=numbers,
        )
        found = desk.document(records.REVIEW_ITEMS, item) if fault is None else desk.document(records.FAULTS, fault)
    found.print(as_json=as_json)


def _wish(
    desk: Desk,
    reason: str,
    *,
    verdict: VerdictWord | None,
    parts: str | None,
    labour: str | None,
    reason_code: OverrideCode,
) -> Wish | None:
    if verdict is None:
        return None

    def won_by(said: str | None) -> UUID | None:
        return None if said is None else desk.find(Coverage, said).public_id

    return Wish(verdict, parts=won_by(parts), labour=won_by(labour), code=reason_code, reason=reason)
