"""Pages filled with invented values: the only place for what the pictures and checks of the look show.

`few` is a usual page; `many` has long names, many rows and every fold; `bare` has nothing that may be missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.web import examples_assets, examples_swaps
from tests.web import examples_registry as registry
from vendors.contract import Duty
from warranty.domain.access import TokenScope
from warranty.domain.headline import ClientStep, Headline, Side
from warranty.domain.lifecycles import JobState, RmaState, ShipmentState, SwapState
from warranty.domain.reasons import Reason, reason
from warranty.domain.terms import (
    Cause,
    Component,
    CoverageKind,
    JobKind,
    OverrideCode,
    Ownership,
    Party,
    ReasonCode,
    Role,
    Route,
    Share,
    VerdictWord,
)
from warranty.models.imports import ImportStatus
from warranty.models.work import TaskKind
from warranty.services import board
from warranty.services.importing.columns import COLUMNS, Kind
from warranty.services.notes import NoteState
from warranty.services.settings import AccountState, RatesEffect
from warranty.web import pages
from warranty.web.pages import Dot, Fill, Outcome, StepState, settings
from warranty.web.pages.board import (
    AgeBar,
    AnswerLine,
    BoardGroup,
    BoardRow,
    BoardView,
    BulkAsk,
    BulkForm,
    BulkResult,
    ChartsView,
    KindTab,
    Pick,
    WeekColumn,
)
from warranty.web.pages.colleagues import Owner, OwnerForm
from warranty.web.pages.evidence import Answer, EvidenceRow, EvidenceView, Result, Said
from warranty.web.pages.goods import CountRow, GoodsForm, Piece
from warranty.web.pages.imports import ColumnsForm, FileForm, ImportListView, ImportRow, ImportView, ReasonForm
from warranty.web.pages.labels import LabelsView
from warranty.web.pages.overriding import Ending, OpinionForm, OutlookView, OverrideView
from warranty.web.pages.profile import AwayForm, AwayRow, ProfileView
from warranty.web.pages.report import OpenCase, PreviewView, ReportView, UnitView
from warranty.web.pages.saved_views import SavedViewForm, ViewTab, ViewTabs

NOW = datetime.now(UTC)
TODAY = NOW.date()
LONG_CLIENT = "Stadtwerke Grünau-Ostheide Versorgungsbetriebe GmbH"

SUBJECT = pages.Subject(
    component=Component.DISK, component_ref="bay 3", serial_number="7XK4P03", product="PowerEdge R750xs",
    unit_name="srv-grn-vmhost-04", site_name="Rechenzentrum Süd, Raum U1.07", client_name=LONG_CLIENT,
)  # fmt: skip
LONG_SUBJECT = pages.Subject(
    component=Component.PSU, component_ref="PWR-C1-715WAC-P=/A 000000012345", serial_number="FOC2433L0HJ123456789",
    product="Catalyst C9300-48P-E mit Netzwerkmodul C9300-NM-8X", unit_name="rt-vdm-rotterdam-maasvlakte-1",
    site_name="Umspannwerk Ost, Verteiler 3.14, Etagenverteiler hinter der Brandschutztür", client_name=LONG_CLIENT,
)  # fmt: skip
BARE_SUBJECT = pages.Subject(
    component=Component.UNIT, component_ref="", serial_number="PF-4ZTRQ8", product=None, unit_name="", site_name=None,
    client_name="Äußere Mühle",
)  # fmt: skip

COVERED = pages.Sign(VerdictWord.COVERED, Route.RMA, Fill.PAID, Fill.PAID)
PARTLY = pages.Sign(VerdictWord.PARTLY_COVERED, Route.RMA, Fill.PAID, Fill.UNPAID)
UNCOVERED = pages.Sign(VerdictWord.NOT_COVERED, Route.AD_HOC, Fill.UNPAID, Fill.UNPAID)
REVIEW = pages.Sign(VerdictWord.NEEDS_REVIEW, Route.REVIEW, Fill.UNKNOWN, Fill.UNKNOWN)
DUPLICATE = pages.Sign(None, Route.DUPLICATE, Fill.UNKNOWN, Fill.UNKNOWN)

AT_VENDOR = pages.Ball(Side.VENDOR, "Dell", is_reader=False)
AT_US = pages.Ball(Side.MSP, None, is_reader=True)
AT_CLIENT = pages.Ball(Side.CLIENT, None, is_reader=False)

STAFF = pages.Frame("Marit Søndergaard", Role.SERVICE_MANAGER, None, 14, can_report=True)
CLIENT = pages.Frame("Dr. Annegret Schäfer-Hohenlohe", Role.CLIENT_VIEWER, LONG_CLIENT, 0, can_report=True)


def _chosen(share: Share, contract: str, kind: str) -> Reason:
    return reason(ReasonCode.CHOSEN, share, "k", contract=contract, kind=kind)


def _loser(share: Share, number: int) -> pages.ContractRow:
    ended = reason(
        ReasonCode.EXPIRED, share, "k", contract=f"EW-{number}", ends_on="2026-11-23", fault_on=TODAY.isoformat()
    )
    return pages.ContractRow("Elbtech Wartung 4 Std.", f"EW-{number}", "Europe/Berlin", Outcome.NO, ended)


def verdict(losers: int) -> pages.VerdictView:
    """A covered case with that many contracts that lost."""
    parts = pages.ShareRows(
        Share.PARTS, Party.VENDOR, "Dell",
        (pages.ContractRow("Dell ProSupport NBD", "W-88213", "Europe/Berlin", Outcome.PAYS, _chosen(Share.PARTS, "W-88213", "vendor_contract")),),
        tuple(_loser(Share.PARTS, 2291 + number) for number in range(losers)),
    )  # fmt: skip
    agreement = _chosen(Share.LABOUR, "MV-2024-117", "msp_agreement")
    labour = pages.ShareRows(
        Share.LABOUR, Party.MSP, None,
        (pages.ContractRow("Rundum-Betrieb", "MV-2024-117", "Asia/Tokyo", Outcome.PAYS, agreement),), (),
    )  # fmt: skip
    replaced = pages.ReplacedVerdict(
        REVIEW, NOW - timedelta(hours=2), NOW - timedelta(hours=1), "the vendor answered", "/cases/1/evidence?verdict=1"
    )
    return pages.VerdictView(
        COVERED, NOW - timedelta(hours=1), None, (), (parts, labour), pages.Evidence("Dell", NOW - timedelta(hours=1), "/cases/1/evidence"),
        (replaced,) if losers > 1 else (),
    )  # fmt: skip


def review_verdict() -> pages.VerdictView:
    """A case that a person has to decide."""
    conflict = reason(
        ReasonCode.SOURCES_CONFLICT,
        Share.PARTS,
        "k",
        contract="204817755",
        vendor_says="not_covered",
        fault_on="2026-11-24",
    )
    parts = pages.ShareRows(
        Share.PARTS,
        None,
        None,
        (),
        (pages.ContractRow("Smart Net Total Care", "204817755", "UTC", Outcome.OPEN, conflict),),
    )
    would_pay = pages.ContractRow(
        "Netzbetrieb Plus",
        "MV-2023-041",
        "Europe/Berlin",
        Outcome.WOULD_PAY,
        _chosen(Share.LABOUR, "MV-2023-041", "msp_agreement"),
    )
    labour = pages.ShareRows(Share.LABOUR, None, None, (would_pay,), ())
    general = (reason(ReasonCode.REPEAT_FAILURE, case="F-20211"),)
    return pages.VerdictView(REVIEW, NOW, "Marit Søndergaard", general, (parts, labour))


def evidence(scale: str) -> EvidenceView:
    """What a verdict rests on."""
    asked, long = NOW - timedelta(days=3, hours=2), LONG_CLIENT + " " + "Instandhaltungsvertrag" * 3
    said = Said("The vendor said: covered.", asked, timedelta(days=3), "answer-0")
    results = tuple(Result(share, Outcome.NO, _loser(share, 1).reason) for share in Share)
    rows = tuple(
        EvidenceRow(long if number % 2 else "Dell ProSupport NBD", f"W-88213-{number:020}", "Asia/Tokyo", results, said)
        for number in range({"bare": 0, "few": 1, "many": 14}[scale])
    )
    raw = '{"serviceTag": "7XK4P03", "entitlements": [' + '{"itemNumber": "' + "9" * 300 + '"}, ' * 40 + "]}"
    answers = tuple(
        Answer(f"answer-{number}", "Dell TechDirect, Stadtwerke", asked - timedelta(days=number), raw)
        for number in range({"bare": 0, "few": 1, "many": 3}[scale])
    )
    bare = EvidenceView(
        "F-20418", "/cases/1", BARE_SUBJECT, COVERED, NOW, None, is_newest=True, engine="1", unit=None, attested=False,
        rows=rows, answers=answers,
    )  # fmt: skip
    if scale == "bare":
        return bare
    return replace(
        bare,
        subject=LONG_SUBJECT,
        decided_by="Marit Søndergaard",
        is_newest=scale == "few",
        unit=replace(said, text="The vendor listed the unit."),
        attested=True,
    )


def job(lines: int, *, is_priced: bool = True) -> pages.JobView:
    """A job with that many lines."""
    rows = tuple(
        pages.LineRow(
            what, text, quantity, price if is_priced else None, price * quantity // 100 if is_priced else None, payer
        )
        for what, text, quantity, price, payer in (
            ("call_out", "", 100, 9500, Party.CLIENT),
            ("labour", "Ausbau, Einbau und Einrichtung nach der alten Ausstattung", 150, 11000, Party.MSP),
            ("part", "1,92 TB SAS SSD, 0K2NH4", 100, 123_456_789, Party.CLIENT),
        )[:lines]
    )
    total = sum(row.amount_minor or 0 for row in rows) if is_priced else None
    return pages.JobView(
        "J-1042", "/jobs/1", "F-20418", "/cases/1", JobKind.UNCOVERED_SWAP, JobState.QUOTED if is_priced else JobState.DRAFT,
        SUBJECT, AT_US, "EUR", rows, total, total, NOW,
        vendor_reason="ENTITLEMENT EXPIRED 2026-10-31" if lines > 2 else None,
        info_missing=None if is_priced else "The part has no list price.",
    )  # fmt: skip


def _row(minutes: int, dot: Dot, record: str, state: str, **more: Any) -> pages.TimelineRow:
    return pages.TimelineRow(NOW - timedelta(minutes=minutes), dot, record, state, **({"actor": None} | more))


TIMELINE = (
    pages.TimelineRow(NOW + timedelta(days=2), Dot.VENDOR, "to_us", "arrival", None, "Dell", is_expected=True),
    _row(
        5,
        Dot.VENDOR,
        "to_us",
        ShipmentState.IN_TRANSIT,
        vendor="Dell",
        their_word="Part Shipped",
        number="1Z84A7X30399214478",
    ),
    _row(60, Dot.VENDOR, "rma", RmaState.AUTHORIZED, vendor="Dell", their_word="Dispatch Created", number="739204118"),
    _row(
        80, Dot.CLIENT, "job", JobState.APPROVED, actor="Dr. Annegret Schäfer-Hohenlohe", note="Bitte noch diese Woche."
    ),
    _row(99, Dot.AUTOMATIC, "rma", RmaState.SUBMITTED, vendor="Dell", number="WR-7KQ2-M9XD"),
    _row(99, Dot.AUTOMATIC, "verdict", VerdictWord.COVERED),
    _row(
        99,
        Dot.PERSON,
        "fault",
        "reported",
        actor="Jana Kowalczyk",
        note="Hot Spare ist aufgebaut, Zugang nur mit Herrn Wüstenhagen.",
    ),
    _row(3000, Dot.PERSON, "fault", "reopened", actor="Jana Kowalczyk"),
)

TRACKS = (
    pages.Track("claim", RmaState.AUTHORIZED, 3, 5, vendor="Dell", since=NOW - timedelta(hours=1)),
    pages.Track("goods", ShipmentState.IN_TRANSIT, 1, 4, carrier="UPS", tracking_number="1Z84A7X30399214478"),
    pages.Track("swap", SwapState.PLANNED, 0, 5),
)

CALL = pages.CallRow(
    NOW, "POST", "https://vendor.example/api/now/table/incident?sysparm_display_value=true", 201, None, 640,
    '{"short_description": "Disk, bay 3", "correlation_id": "WR-7KQ2-M9XD"}', '{"result": {"number": "INC0010023"}}',
)  # fmt: skip


EVERYTHING = (
    pages.TimelineRow(NOW, Dot.AUTOMATIC, "call", "made", None, "Dell", calls=(CALL,) * 12),
    pages.TimelineRow(
        NOW,
        Dot.PERSON,
        "file",
        "added",
        "Jana Kowalczyk",
        file=pages.FileLink("IMG_2041 " * 12 + ".jpg", 482_113, "/files/1", None),
    ),
    pages.TimelineRow(
        NOW,
        Dot.AUTOMATIC,
        "mail",
        "refused",
        None,
        note="F-20418: your disk",
        names={"to": "leitwarte@stadtwerke.example"},
    ),
)


GOODS = GoodsForm(
    "/cases/1/goods",
    "key",
    "seen",
    (("1:delivered", "Goods to us: Delivered"), ("1:lost", "Goods to us: Lost")),
    arrives=True,
    counts=(CountRow("Goods to us", "PSU-750W", 2, 1, 1), CountRow("Return", "Disk", 1, 0, 1)),
    pieces=(Piece("came_0_0", "PSU-750W", 2),),
    rests=(("expected", "Another parcel brings it"), ("given_up", "Nobody waits for it")),
    values={"came_0_0": "2"},
)


def task(kind: TaskKind, subject: pages.Subject) -> pages.TaskRow:
    """Something that waits for a person."""
    if kind is TaskKind.STRAY_CASE:
        name = f"reason-{subject.serial_number}"
        form = pages.StrayForm("/review-items/1/dealt-with", "key", name, errors={name: "Say what became of the case."})
        stray = pages.Stray("Northwind Hardware", "INC0010023", "WR-2026-00412", subject.serial_number, NOW, form)
        return pages.TaskRow(kind, "", NOW - timedelta(hours=50), None, "INC0010023", None, stray=stray)
    return pages.TaskRow(
        kind, "The dates of the contract pass, the vendor denies it.", NOW - timedelta(hours=50), "/cases/1", "F-20418",
        subject, "Dell",
    )  # fmt: skip


INPUTS = pages.InputsForm(
    "/cases/1/inputs", "key", "seen", "Dell", ("diagnosis", "contact", "ship_to"),
    (pages.OfferRow("HDD", "Hard drive, 960 GB", is_proposed=True, is_chosen=True), pages.OfferRow("FAN", "Fan", is_proposed=False, is_chosen=False)),
    goes=True, parts_url="/cases/1/parts-list", most_bytes=14_000_000,
    files=(
        pages.FileOffer("1", "led.jpg", 4_211_004, is_chosen=True),
        pages.FileOffer("2", "Physical_Disk_0_1_3_predictive_failure_" * 3 + ".csv", 312, is_chosen=False),
    ),
    errors={"claim_file": "Choose files of this case, and no more in all than the vendor takes."},
)  # fmt: skip
NOTES = pages.NoteForm(
    "/cases/1/notes", "key", "Dell", takes_notes=True, seen_url="/cases/1/notes/seen",
    files=(
        pages.FileRow("1", "Typenschild-Rueckseite-mit-sehr-langem-Namen-aus-dem-Telefon-20261124.jpg", 3_482_113, None, is_too_large=False),
        pages.FileRow("2", "dump.txt", 19_922_945, None, is_too_large=True),
        pages.FileRow("3", "idrac.txt", 43, NoteState.TAKEN, is_too_large=False),
    ),
    refused=(
        pages.RefusedRow("The courier was refused at the gate.", "the account is switched off", "/notes/1/sending"),
        pages.RefusedRow("Slot 3.", "It may have arrived, and this vendor does not show what it has: look there.", None),
    ),
    errors={"note_text": "Write a note."},
)  # fmt: skip


def case(scale: str) -> pages.CaseView:
    """A case page."""
    bare = pages.CaseView(
        "F-20418", "/cases/1", "/cases/1/live", '"1"', BARE_SUBJECT, Cause.UNKNOWN, "Geht nicht an.", 3, None, NOW, "Zabbix",
        None, pages.Situation(Headline.REPORTED, Component.UNIT, None), AT_US, (), None, TIMELINE[-1:],
    )  # fmt: skip
    if scale == "bare":
        return bare
    few = replace(
        bare, subject=SUBJECT, cause=Cause.HARDWARE_FAILURE, ball=AT_VENDOR, tracks=TRACKS, verdict=verdict(3),
        symptom="PERC H755 meldet „Physical Disk 0:1:3 predictive failure“.", timeline=TIMELINE, occurred_at=NOW,
        situation=pages.Situation(Headline.SHIPPED, Component.DISK, "Dell", TODAY + timedelta(days=2)),
        numbers=(
            pages.Number("ours", "WR-7KQ2-M9XD"),
            pages.Number("vendor_case", "198442106", "Dell"),
            pages.Number("rma", "739204118"),
        ),
        contact_name="Herr Wüstenhagen", contact_phone="+49 4531 88 0", zone="Europe/Berlin", override_url="/cases/1/override", goods=GOODS,
        owner=Owner("Jana Kowalczyk", True), upload=pages.UploadForm("/cases/1/files", 20_971_520),
        owning=OwnerForm("/cases/1/owner", "key", "seen", "1", (("2", "Jana Kowalczyk"), ("3", "Marit Søndergaard"))), ownership=Ownership.CLIENT, reporter="Jana Kowalczyk",
    )  # fmt: skip
    if scale == "few":
        return few
    return replace(
        few, subject=LONG_SUBJECT, verdict=replace(review_verdict(), replaced=verdict(9).replaced), jobs=(job(3), replace(job(2, is_priced=False), reference="J-1043")),
        tasks=(task(TaskKind.REVIEW, LONG_SUBJECT), task(TaskKind.MANUAL_HANDLING, LONG_SUBJECT)),
        timeline=TIMELINE * 12 + EVERYTHING, upload=pages.UploadForm("/cases/1/files", 1048576, {"upload": "Choose a file."}), zone="Asia/Tokyo", attention="The vendor used a word that we do not know.", ownership=Ownership.LEASED,
        contact_email="leitwarte.umspannwerk-ost@stadtwerke-gruenau-ostheide.example", vendor_reason="NOT COVERED",
        review=pages.ReviewForm("/cases/1/review", "key", "seen", needs_unit=True, errors={"reason": "Say why."}),
        claim=pages.ClaimForm(
            "/cases/1/claim", "key", "seen", "Dell", (RmaState.UNDER_REVIEW, RmaState.AUTHORIZED, RmaState.DENIED), is_asked=True
        ),
        notes=NOTES, inputs=INPUTS, override_url="/cases/1/override",
        owner=Owner("Annegret Freifrau von Wüstenhagen-Ostheide", False, NOW + timedelta(days=9), "Tobias Lindqvist"),
        owning=OwnerForm("/cases/1/owner", "key", "seen", "1", (("2", "Jana Kowalczyk"), ("3", "Marit Søndergaard"))),
        opinion=OpinionForm(
            "/cases/1/second-opinion", "key", "seen", "Marit Søndergaard", VerdictWord.PARTLY_COVERED, OverrideCode.GOODWILL,
            "The client has waited for three weeks, and the contract ended two days before the fault. " * 3,
        ),
        kept=pages.Kept("The record has changed. Look at it again, then decide.", ("Called their hotline. " * 12,)),
        handout=pages.HandoutView(
            "Reference: WR-7K2M-9XQ4\nSerial number: 7XK4P03\nFault: " + "no longer spins up, " * 20,
            "https://portal.vendor.example/rma", ("Open the portal: https://portal.vendor.example/rma", "Paste the text."),
        ),
        tracks=(*TRACKS, pages.Track("return", ShipmentState.DUE, 0, 3, vendor="Dell", due_on=TODAY)),
    )  # fmt: skip


def override(scale: str) -> OverrideView:
    """The page of an override."""
    bare = OverrideView(
        "/cases/1/override", "/cases/1/override/preview", "/cases/1", "F-20418", BARE_SUBJECT, None, "key", "", ()
    )
    if scale == "bare":
        return bare
    names = (("1", "Dell ProSupport NBD, W-88213"), ("2", f"Rundum-Betrieb {LONG_CLIENT}, MV-2024-117"))
    payers = ((Share.PARTS, Party.VENDOR, "Dell"), (Share.LABOUR, Party.CLIENT, None))
    out = OutlookView(PARTLY, payers, "Dell", (Ending("rma", "WR-7KQ2-M9XD"), Ending("job", "J-1043")))
    few = replace(
        bare, subject=SUBJECT, present=COVERED, coverages=names, outlook=out, values={"verdict": "partly_covered"}
    )
    if scale == "few":
        return few
    held = replace(out, holds=Ending("rma", "WR-7KQ2-M9XD"))
    errors = {"verdict": "It was decided again meanwhile.", "override_reason": "Say why."}
    return replace(few, subject=LONG_SUBJECT, outlook=held, errors=errors, values={"override_reason": "Kulanz " * 60})


def profile(scale: str) -> ProfileView:
    """Somebody's own page."""
    values = {"language": "system", "theme": "system", "single_keys": "on"}
    bare = ProfileView("layout/staff.html", "jana@msp.example", "key", "seen", ("Europe/Berlin", "UTC"), values=values)
    if scale == "bare":
        return replace(bare, away=AwayForm("key", (), (), ()))
    here = AwayRow("1", "Tobias Lindqvist", NOW - timedelta(days=1), NOW + timedelta(days=4), has_begun=True)
    later = replace(here, begins_at=NOW + timedelta(days=90), ends_at=NOW + timedelta(days=99), has_begun=False)
    few = replace(bare, away=AwayForm("key", (("2", "Tobias Lindqvist"),), (here, later), ()))
    if scale == "few":
        return few
    long = replace(here, name="Annegret Freifrau von Wüstenhagen-Ostheide")
    errors = {"begins_on": "You are away then already.", "stand_in": "Choose who stands in."}
    away = AwayForm("key", (), (long,) * 9, (long,) * 9, values={"begins_on": "2026-12-24"}, errors=errors)
    return replace(few, away=away, errors={"time_zone": "There is no such time zone: choose one of the list."})


def row(number: int) -> pages.CaseRow:
    """A row of a list of cases; the numbers go through every sort of row."""
    subject = (SUBJECT, LONG_SUBJECT, BARE_SUBJECT)[number % 3]
    sign = (COVERED, PARTLY, UNCOVERED, REVIEW, DUPLICATE, None)[number % 6]
    headline = list(Headline)[number % len(Headline)]
    situation = pages.Situation(headline, subject.component, "Dell", TODAY, TODAY, 297_500)
    ball = (AT_VENDOR, AT_US, AT_CLIENT, None)[number % 4]
    return pages.CaseRow(
        f"F-{20418 - number}", "/cases/1", subject, sign, situation, ball, NOW - timedelta(hours=number)
    )


def board_row(number: int, kind: board.Kind) -> BoardRow:
    """A row of the board, some late and some not, every fifth without anything that may be missing."""
    subject, is_bare = (SUBJECT, LONG_SUBJECT)[number % 2], number % 5 == 4
    stray = None
    if kind is TaskKind.STRAY_CASE:
        form = pages.StrayForm("/review-items/1/dealt-with", "key", "reason-1")
        stray = pages.Stray("Dell TechDirect, Stadtwerke", "INC0077123", "WR-0042", "7XK4P03", NOW, form)
    rule = board.RULES[kind]
    return BoardRow(
        key=f"{kind}:{number}",
        kind=kind,
        sentence=rule.plain if is_bare else rule.sentence % {"vendor": "Dell TechDirect"},
        why="" if is_bare else "Dell has said nothing for 28 hours: ask there whether the part is under way at all.",
        due_at=NOW + timedelta(hours=7 * number - 30),
        passed=40,
        ball=pages.Ball(rule.ball, None, is_reader=rule.ball is Side.MSP and number % 3 == 0),
        risk=rule.risk,
        action=rule.action,
        url=None if stray else "/cases/1",
        again=f"again~{kind}:{number}" if kind is board.OtherKind.LOOK_UP else None,
        serial_number="" if stray else subject.serial_number,
        product=subject.product or "",
        client_name="" if is_bare else subject.client_name,
        minor=None if rule.risk is board.Risk.NONE or is_bare else 123_456_789 // (number * number + 1),
        currency="EUR",
        owner=None if is_bare else ("Marit Søndergaard", "Jana Kowalczyk")[number % 2],
        units=38 if kind is board.OtherKind.LOOK_UP else 1,
        stray=stray,
    )


def board_charts(*, is_empty: bool) -> ChartsView:
    """The figures beside the board."""
    if is_empty:
        return ChartsView(27, (), (), 0, (), 0, (), 0, (), 4)
    ages = tuple(
        AgeBar(at, count, silent, 18 * (count - silent), 18 * silent)
        for at, (count, silent) in enumerate(((7, 0), (9, 0), (6, 0), (3, 1), (2, 2)))
    )
    bars = (("rma", 42.0, 47.0), ("ad_hoc", 27.0, 14.0), ("review", 20.0, 6.0))
    weeks = tuple(WeekColumn(40 + at, 14, 4, 2, bars[: 1 + at % 3], is_now=at == 7) for at in range(8))
    answers = (
        AnswerLine("Dell TechDirect", 2, 6, 41, 7, 20),
        AnswerLine("Cisco Smart Net Total Care, Stadtwerke", 19, 44, 3, 65, 150),
    )
    money = ((4_187_000, "EUR"), (123_400, "USD"))
    return ChartsView(27, ages, weeks, 20, answers, 68, money, 19, ((2_341_500, "EUR"),), 4)


def board_view(scale: str) -> BoardView:
    """The board."""
    kinds = list(board.RULES)
    picks = tuple(Pick(name, "", (("1", LONG_CLIENT), ("2", "Äußere Mühle"))) for name in ("client", "vendor", "owner"))
    bulk = BulkForm("/board/actions", "key", "", NOW.isoformat(), 14)
    if scale == "bare":
        kept, figures = ViewTabs((), None, is_new=False), board_charts(is_empty=True)
        return BoardView(0, 0, (), (), (), picks, "", False, kept, "/board/live", '"1"', bulk, figures)
    if scale == "few":
        groups: tuple[BoardGroup, ...] = (BoardGroup(1, 1, (), (board_row(4, TaskKind.REVIEW),)),)
        tabs = (KindTab(None, 1, "/", is_current=True), KindTab(TaskKind.REVIEW, 1, "/?kind=review", is_current=False))
        kept = kept_views(0)
        return BoardView(
            1, 0, (), groups, tabs, picks, "", False, kept, "/board/live", '"1"', bulk, board_charts(is_empty=False)
        )
    rows = [board_row(number, kind) for number, kind in enumerate(kinds)]
    parts = (rows[:4], rows[4:8], rows[8:12], rows[12:])
    groups = tuple(
        BoardGroup(at, 3_121, ((123_456_789, "EUR"), (98_765, "USD")), tuple(part)) for at, part in enumerate(parts)
    )
    tabs = tuple(KindTab(kind, 1_234, "/?kind=x", is_current=kind is TaskKind.SILENT) for kind in (None, *kinds))
    sums = ((123_456_789, "EUR"), (98_765, "USD"))
    return BoardView(
        12_486, 321, sums, groups, tabs, picks, "silent", True, kept_views(4), "/board/live", '"1"', bulk,
        board_charts(is_empty=False), "/?after=x", "/",
    )  # fmt: skip


def board_action(scale: str) -> BulkAsk:
    """What is asked before many rows are handed over, or dealt with."""
    people = (("1", "Marit Søndergaard"), ("2", "Jana Kowalczyk"))
    verb = {"bare": "hand", "few": "dealt_with", "many": "hand"}[scale]
    errors = {"to": "Choose who is to look after them."} if scale == "many" else {}
    if scale == "bare":
        return BulkAsk("/board/actions", "again", 0, (), (), "/", errors={"row": "Select at least one row."})
    return BulkAsk("/board/actions", verb, 214, (("row", "silent:1"),), people, "/", errors=errors)


def board_done(scale: str) -> BulkResult:
    """What came of it."""
    refused = tuple((f"F-{20_400 + at}", "Somebody has done something about it already.") for at in range(50))
    if scale == "bare":
        return BulkResult("/board/actions", "again", 1, 1, (), 0, None, "/")
    if scale == "few":
        return BulkResult("/board/actions", "again", 14, 14, refused[:1], 1, None, "/")
    return BulkResult("/board/actions", "hand", 200, 214, refused, 64, None, "/")


def kept_views(count: int) -> ViewTabs:
    """So many views that people kept, the second of them open."""
    names = ("Grünau", "Vendor silent since last week", "Everything of Dell that Jana looks after")
    tabs = (
        ViewTab(
            names[at % 3], f"/cases?q={at}", is_current=at == 1, is_shared=at % 2 == 0, removal_url="/views/1/removal"
        )
        for at in range(count)
    )
    return ViewTabs(tuple(tabs), "/views/new?page=cases", is_new=count == 0)


def saved_view_new(scale: str) -> SavedViewForm:
    """Where a list is kept as it is filtered."""
    tabs = kept_views({"bare": 0, "few": 2, "many": 30}[scale]).tabs
    if scale != "many":
        return SavedViewForm("/views", "key", "cases", "q=9XQ", "/cases?q=9XQ", tabs)
    values, errors = {"name": "", "is_shared": "yes"}, {"name": "Give the view a name of at most 60 characters."}
    return SavedViewForm("/views", "key", "cases", "q=9XQ", "/cases?q=9XQ", tabs, values=values, errors=errors)


def case_list(scale: str) -> pages.CaseListView:
    """The list of cases."""
    picks = tuple(Pick(name, "", (("1", LONG_CLIENT), ("2", "Äußere Mühle"))) for name in ("client", "vendor", "owner"))
    if scale == "bare":
        return pages.CaseListView((), "9XQ", "open", kept_views(0), picks, is_filtered=False)
    if scale == "few":
        return pages.CaseListView((row(0),), "", "open", kept_views(2), picks, is_filtered=False)
    rows = tuple(map(row, range(50)))
    return pages.CaseListView(
        rows, "Stadtwerke", "all", kept_views(12), picks, is_filtered=True, next_url="/cases?x", first_url="/cases"
    )


def report(scale: str) -> ReportView:
    """The report form with its preview."""
    limits: dict[str, Any] = {"biggest": 20 * 1024 * 1024, "biggest_together": 40 * 1024 * 1024}
    if scale == "bare":
        return ReportView(PreviewView("empty"), "key", **limits)
    cases = (OpenCase("/cases/1", Component.PSU, "2"),)
    unit = UnitView("1", SUBJECT, "GRN-00417", covered_today=COVERED, last_swap_at=NOW - timedelta(days=470))
    values = {
        "serial_number": "7XK4P03", "component": "disk", "cause": "hardware_failure", "component_ref": "bay 3", "severity": "3",
        "symptom": "PERC H755 meldet „Physical Disk 0:1:3 predictive failure“, Virtual Disk 1 läuft degraded weiter.",
    }  # fmt: skip
    if scale == "few":
        return ReportView(PreviewView("decided", unit, verdict(3), "Dell"), "key", values=values, **limits)
    long = replace(unit, subject=LONG_SUBJECT, instead_of="7XK4P03", covered_today=REVIEW, open_cases=cases * 5)
    preview = PreviewView(
        "ambiguous", long, review_verdict(), "Dell", True, ("contact", "ship_to"), "Herr Wüstenhagen, +49 4531 88 0", "Am Kai 1",
        (long, UnitView("2", BARE_SUBJECT)), "", True, (("1", "Rechenzentrum Süd"),), ("Dell PowerEdge R750xs",),
    )  # fmt: skip
    errors = {
        "unit": "Choose which of these units it is.",
        "component_ref": "Say which disk failed, for example “bay 3”.",
        "cause": "Choose a cause.",
        "product": "There is no such product.",
        "photos": "IMG_2041.HEIC is no whole JPEG, PNG or WebP image.",
        "contact_phone": "Give a phone number.",
    }
    return ReportView(
        preview, "key", (("1", LONG_CLIENT), ("2", "Äußere Mühle")), values=values | {"cause": "", "component": "lamp"}, errors=errors,
        **limits,
    )  # fmt: skip


def _steps(here: int) -> tuple[pages.PortalStep, ...]:
    states = [StepState.DONE if number < here else StepState.AHEAD for number in range(8)]
    states[here] = StepState.HERE
    if here > 2:
        states[2] = StepState.UNUSED
    return tuple(
        pages.PortalStep(step, state, NOW - timedelta(days=1) if state in {StepState.DONE, StepState.HERE} else None, TODAY if state is StepState.AHEAD and number == here + 1 else None)
        for number, (step, state) in enumerate(zip(ClientStep, states, strict=True))
    )  # fmt: skip


def portal_case(scale: str) -> pages.PortalCaseView:
    """A client's case page."""
    nothing = pages.Cost(0, "EUR")
    bare = pages.PortalCaseView(
        "F-20418", "/portal/cases/1", "/portal/cases/1/live", '"1"', BARE_SUBJECT,
        pages.Situation(Headline.REPORTED, Component.UNIT, None), ClientStep.REPORTED, _steps(0), AT_US, pages.Cost(None, "EUR"), (), (),
    )  # fmt: skip
    if scale == "bare":
        return bare
    payers = ((Share.PARTS, Party.VENDOR, "Dell"), (Share.LABOUR, Party.MSP, None))
    reasons = (
        _chosen(Share.PARTS, "W-88213", "vendor_contract"),
        _chosen(Share.LABOUR, "MV-2024-117", "msp_agreement"),
    )
    few = replace(
        bare, subject=SUBJECT, step=ClientStep.ON_ITS_WAY, steps=_steps(4), ball=AT_VENDOR, cost=nothing, payers=payers,
        situation=pages.Situation(Headline.SHIPPED, Component.DISK, "Dell", TODAY + timedelta(days=2)), reasons=reasons,
        owner_name="Jana Kowalczyk",
    )  # fmt: skip
    if scale == "few":
        return few
    mine = replace(AT_CLIENT, is_reader=True)
    uncovered = ((Share.PARTS, Party.CLIENT, None), (Share.LABOUR, Party.CLIENT, None))
    return replace(
        few, subject=LONG_SUBJECT, step=ClientStep.WAITING_FOR_YOUR_APPROVAL, steps=_steps(2), ball=mine, payers=uncovered,
        situation=pages.Situation(Headline.AWAITING_APPROVAL, Component.PSU, None, None, None, 123_456_789),
        cost=pages.Cost(123_456_789, "EUR"), reasons=(reason(ReasonCode.NO_COVERAGE),),
    )  # fmt: skip


def labels(scale: str) -> LabelsView:
    return LabelsView(
        url="/labels/sheet",
        count={"bare": 0, "few": 12, "many": 501}[scale],
        most=500,
        whose="" if scale == "bare" else LONG_CLIENT,
        keeps=() if scale == "bare" else (("client", "1"),),
        sheets=(("Avery L7160", "Avery L7160: 3 × 7, 64 × 38 mm"),),
        clients=(("1", LONG_CLIENT),),
        errors={} if scale != "few" else {"sheet": "Choose the sheet that is in the printer."},
    )


def portal_list(scale: str) -> pages.PortalListView:
    """A client's list."""
    if scale == "bare":
        return pages.PortalListView((), (), ())
    running = pages.PortalCaseRow(
        "/portal/cases/1", SUBJECT, ClientStep.ON_ITS_WAY, AT_VENDOR, pages.Cost(0, "EUR"), date(2027, 1, 4), NOW
    )
    if scale == "few":
        return pages.PortalListView((), (running,), ())
    mine = replace(AT_CLIENT, is_reader=True)
    waiting = replace(
        running,
        subject=LONG_SUBJECT,
        step=ClientStep.WAITING_FOR_YOUR_APPROVAL,
        ball=mine,
        cost=pages.Cost(123_456_789, "EUR"),
        expected_on=None,
    )
    closed = replace(
        running, step=ClientStep.CLOSED, ball=None, closed_at=NOW - timedelta(days=9), cost=pages.Cost(21_890, "EUR")
    )
    return pages.PortalListView((waiting, waiting), (waiting, waiting, *[running] * 12), (closed, closed))


def portal_report(scale: str) -> pages.PortalReportView:
    """A client's report form."""
    units = (("7XK4P03", "srv-grn-vmhost-04"), ("FOC2433L0HJ123456789", "rt-vdm-rotterdam-maasvlakte-1"))
    errors = {"serial_number": "Give the serial number.", "cause": "Choose the cause."} if scale == "many" else {}
    return pages.PortalReportView(() if scale == "bare" else units, "key", errors=errors)


def sign_in(scale: str) -> Any:
    """The sign-in form; the third one was refused."""
    errors = {"email": "E-mail and password do not fit together."} if scale == "many" else {}
    return pages.SignInView(
        "a form" if scale == "many" else "", values={"email": "jana.kowalczyk@nordlicht-it.example"}, errors=errors
    )


def kept_form(scale: str) -> pages.KeptFormView:
    """A form that was sent after its session had ended."""
    return pages.KeptFormView("/faults/new", (("symptom", 'It "clicks"'),), lost_files=scale == "many")


def error(scale: str) -> pages.ErrorView:
    """An error page."""
    return pages.ErrorView({"bare": 404, "few": 500, "many": 409}[scale], "0f3c9a1e", None)


def import_list(scale: str) -> ImportListView:
    """The imports; in the third the file is missing."""
    states = list(ImportStatus) if scale == "many" else [ImportStatus.DRAFT, ImportStatus.RUNNING, ImportStatus.DONE]
    name = (
        "Gesamtbestand-Stadtwerke-Grünau-Ostheide-Export-2026-11-24-endgültig-v3.csv"
        if scale == "many"
        else "units.csv"
    )
    rows = [
        ImportRow(
            "/imports/1", name, Kind.ASSETS, LONG_CLIENT if number % 2 else None, STAFF.user_name, NOW, state,
            is_dry=number == 3, total=None if state == ImportStatus.DRAFT else 104_221, taken=98_765, refused=number,
        )
        for number, state in enumerate(states)
    ]  # fmt: skip
    errors = {"file": "Choose a file, or drop one here."} if scale == "many" else {}
    form = FileForm(
        "/imports",
        "key",
        (("assets", "Units"), ("contracts", "Contracts"), ("sites", "Sites")),
        (("1", LONG_CLIENT), ("2", "Bakker & Zn")),
        128,
        values={"kind": "assets"},
        errors=errors,
    )
    is_bare = scale == "bare"
    return ImportListView(() if is_bare else tuple(rows), form, None if is_bare else "/imports?before=1", None)


def import_view(scale: str) -> ImportView:
    """A draft before its check; an import under way; a draft that was checked, with problems and errors."""
    state = {"bare": ImportStatus.DRAFT, "few": ImportStatus.RUNNING, "many": ImportStatus.DRAFT}[scale]
    is_many = scale == "many"
    names = COLUMNS[Kind.ASSETS]
    headers = [
        (f"column{n}", f"Spalte mit einem langen Namen {n}" if is_many else f"Col {n}", ("7XK4P03", "QX7T2K9"))
        for n in range(14)
    ]
    columns = ColumnsForm(
        url="/imports/1/columns", key="key", fields=tuple((name, name.replace("_", " "), name == names[0]) for name in names),
        choices=tuple(headers), unread=tuple(header for _, header, _ in headers[5:]), values={names[0]: "column0", names[1]: "column1"},
        errors={"product": "This column is chosen twice."} if is_many else {},
    )  # fmt: skip
    shown = {
        "row": "line 2",
        "outcome": "new",
        "serial_number": "FOC2433L0HJ123456789",
        "product": "Catalyst C9300-48P-E",
    }
    fault = {
        "line": 104_221,
        "file": "",
        "message": "n/a is a placeholder, not a serial number: read it from the unit.",
    }
    return ImportView(
        url="/imports/1", live_url="/imports/1/live", etag='"1"', key="key",
        file_name="Gesamtbestand-Stadtwerke-Grünau-Ostheide-Export-2026-11-24-endgültig-v3.csv" if is_many else "units.csv",
        kind=Kind.ASSETS, client_name=LONG_CLIENT if is_many else None, by=STAFF.user_name, at=NOW, state=state,
        is_dry=scale != "few", total=None if scale == "bare" else 104_221, done=0 if scale == "bare" else 52_000,
        new=98_765, same=12, changed=4, refused=5_440 if is_many else 0, new_products=41, new_sites=3,
        warnings=("Columns that are not read: Rack, Position, Owner.",) if is_many else (),
        preview=(shown,) * 3 if is_many else (), preview_columns=tuple((name, name) for name in shown),
        problems=(fault,) * 6 if is_many else (), problems_next="/imports/1?problems=1.2#problems" if is_many else None,
        problems_first=None, rest_s=130, trouble="The header lacks serial_number." if is_many else None,
        columns=None if scale == "few" else columns, go_url="/imports/1/go" if is_many else None, cancel_url="/imports/1/cancel",
        rejected_url="/imports/1/rejected" if is_many else None, undo=None, undone_by=None, undone_because=None, ended_at=None,
    )  # fmt: skip


def import_done(scale: str) -> ImportView:
    """An import that is over: it can be undone, was undone, or something stands in the way."""
    undo = ReasonForm("/imports/1/undo", "key")
    if scale == "many":
        undo = replace(
            undo,
            errors={"undo_reason": "Say why it is undone: it stands in the register."},
            obstacles=("asset A1: changed since.",),
        )
    state = ImportStatus.UNDONE if scale == "bare" else ImportStatus.DONE
    done = replace(
        import_view("many"),
        state=state,
        is_dry=False,
        columns=None,
        go_url=None,
        cancel_url=None,
        trouble=None,
        undo=undo,
    )
    return (
        replace(done, undo=None, undone_by="Marit Søndergaard", undone_because="The wrong client")
        if scale == "bare"
        else done
    )


# --- settings ---

PLACES = (("accounts", "#a"), ("clients", "#c"), ("calendars", "#k"), ("users", "#u"), ("tokens", "#t"))
AGO = NOW - timedelta(days=3)
LONG_ACCOUNT = "Cisco Smart Net Total Care, Konto der Stadtwerke Grünau-Ostheide"


def _account_line(name: str, state: AccountState, client: str | None = None) -> settings.AccountLine:
    makers = ("Hewlett Packard Enterprise", "Aruba Networks", "Nimble") if client else ("Dell",)
    return settings.AccountLine(name, "/settings/accounts/1", "servicenow", makers, tuple(Duty), client, state, AGO)


_USER = settings.UserLine("Dr. Annegret Schäfer-Hohenlohe", "annegret.schaefer-hohenlohe@stadtwerke-gruenau-ostheide.example",
    "/settings/users/1", Role.CLIENT_APPROVER, LONG_CLIENT, None)  # fmt: skip
_TOKEN = settings.TokenLine("RMM der Nachtschicht", "/settings/tokens/1", "Marit Søndergaard", LONG_CLIENT, tuple(TokenScope),
    AGO, NOW - timedelta(minutes=4), None, None, is_over=False)  # fmt: skip


def settings_list(scale: str) -> settings.SettingsList:
    """Vendor accounts: none yet; clients; accounts of every state."""
    if scale == "bare":
        return settings.SettingsList("accounts", PLACES, (), add_url="#new")
    if scale == "few":
        client = settings.ClientLine(
            LONG_CLIENT, "/settings/clients/1", "manufacturer_warranty", 30, 9_500, 123_456_789, "EUR"
        )
        return settings.SettingsList(
            "clients", PLACES, (client, replace(client, name="Äußere Mühle")), start_url="#from"
        )
    rows = tuple(
        _account_line(LONG_ACCOUNT if at else "Dell", state, LONG_CLIENT if at % 2 else None)
        for at, state in enumerate(AccountState)
    )
    return settings.SettingsList("accounts", PLACES, rows * 3, add_url="#new", next_url="#next", first_url="#first")


def settings_people(scale: str) -> settings.SettingsList:
    """Tokens: none; some; users, many."""
    views = (("on", "#on"), ("off", "#off"))
    if scale == "bare":
        return settings.SettingsList(
            "tokens", PLACES, (), add_url="#new", shows="on", views=(("on", "#on"), ("over", "#over"))
        )
    if scale == "few":
        never = replace(_TOKEN, name="", last_used_at=None, client_name=None, scopes=(TokenScope.READ,))
        return settings.SettingsList(
            "tokens", PLACES, (_TOKEN, never, replace(_TOKEN, revoked_at=AGO, is_over=True)), add_url="#new"
        )
    staff = replace(_USER, name="", email="ada@msp.example", role=Role.ADMIN, client_name=None)
    return settings.SettingsList("users", PLACES, (_USER, staff, replace(staff, off_since=AGO)) * 8, add_url="#new", shows="on",
        views=views, start="ada", start_url="#from", next_url="#next")  # fmt: skip


HISTORY = (
    settings.HistoryRow(NOW, "Marit Søndergaard", "change", "Vereinbart im Gespräch am 3. März, siehe Protokoll.",
        (settings.Difference("evidence_freshness_days", "30", "14"), settings.Difference("precedence",
            "manufacturer_warranty, vendor_contract", "vendor_contract, manufacturer_warranty")), ("password", "name")),
    settings.HistoryRow(AGO, None, "add", "", ()),
)  # fmt: skip
LOOKED = (
    settings.Difference("evidence_freshness_days", "30", "14"),
    settings.Difference("call_out_minor", "9500", "123456789"),
)


def _change(scale: str, values: dict[str, str], errors: dict[str, str]) -> settings.ChangeForm:
    """As it stands; looked at; overtaken, with errors."""
    form = settings.ChangeForm("/change", "/change/preview", "key", "v", values=values)
    if scale == "bare":
        return form
    looked = replace(form, seen="s", differences=LOOKED)
    return looked if scale == "few" else replace(looked, errors=errors, overtaken=HISTORY[0])


def _act(name: str, scale: str) -> settings.ActForm:
    return settings.ActForm(
        "/act", "key", name, errors={name: "Say why: it is kept with the change."} if scale == "many" else {}
    )


def settings_account(scale: str) -> settings.AccountPage:
    """A vendor account: as a reader sees it; with its forms; with everything that can be wrong."""
    line = _account_line("Dell", AccountState.WORKS)
    standing = settings.AccountStanding(0, 0, (), None, 0, 0, None, None, 0, None, None, None, None)
    page = settings.AccountPage(line, "Dell", PLACES, "/settings/accounts/1/live", settings.Check(None, None, None), None, "key", "https://api.example",
        (("table", "incident"),), standing, ())  # fmt: skip
    if scale == "bare":
        return page
    secrets = (
        (
            settings.VendorField(
                "secret_username",
                "username",
                "user of the vendor's service",
                is_needed=True,
                is_long=False,
                is_set=True,
            ),
            AGO,
        ),
        (
            settings.VendorField("secret_certificate", "certificate", "with its chain", is_needed=False, is_long=True),
            None,
        ),
    )
    options = (settings.VendorField("option_table", "table", "of the cases", is_needed=True, is_long=False, default="incident"),
        settings.VendorField("option_map", "map", "a JSON object", is_needed=False, is_long=True))  # fmt: skip
    values = {"name": line.name, "duties": "open,track", "manufacturers": "Dell"}
    form = _change(scale, values, {"name": "Another account has this name."})
    few = replace(
        page, test_url="/test", history=HISTORY, check=settings.Check(NOW - timedelta(seconds=4), None, None),
        standing=replace(standing, units=12_486, open_claims=1, claims=(settings.CaseLink("F-20418", "/cases/1", "WT-7QK2"),), heard_at=AGO, swept_to=AGO),
        change=settings.AccountForm(form, options, tuple(Duty), "", 310), secrets=settings.SecretsForm(_act("secrets_reason", scale), secrets, is_lost=False),
        switch=_act("switch_reason", "few"),
    )  # fmt: skip
    if scale == "few":
        return few
    assert few.change is not None
    assert few.secrets is not None
    claims = (settings.CaseLink("F-20418", "/cases/1", "WT-7QK2"),) * 10
    worst = replace(few.standing, open_claims=61, claims=claims, unapplied=3, pushes_refused=2, held_since=AGO, failures=7, closed_until=NOW,
        called_at=NOW, trouble_at=NOW, trouble="unreachable")  # fmt: skip
    return replace(
        few, line=_account_line(LONG_ACCOUNT, AccountState.HELD, LONG_CLIENT), standing=worst,
        check=settings.Check(AGO, NOW, "HTTP 401: invalid_client, the client secret has expired on 2026-11-01"), release=_act("release_reason", scale),
        change=replace(few.change, their_words="servicenow needs base_url: the vendor has no host of its own."),
        secrets=replace(few.secrets, is_lost=True),
    )  # fmt: skip


def settings_new(scale: str) -> settings.NewAccount:
    """A new account: which vendor; what it asks for; refused."""
    form = settings.ChangeForm("/add", "/new", "key", "")
    page = settings.NewAccount(
        form, PLACES, (("dell", "Dell"), ("servicenow", "ServiceNow")), "", (), (), (), False, None, ""
    )
    if scale == "bare":
        return page
    fields = (settings.VendorField("option_table", "table", "of the cases", is_needed=True, is_long=False),
        settings.VendorField("option_map", "map", "a JSON object", is_needed=False, is_long=True))  # fmt: skip
    secrets = (settings.VendorField("secret_password", "password", "of the service", is_needed=True, is_long=False),
        settings.VendorField("secret_certificate", "certificate", "with its chain", is_needed=False, is_long=True))  # fmt: skip
    values = {"vendor": "servicenow", "name": "ServiceNow", "duties": "open,track", "manufacturers": "ServiceNow"}
    errors = (
        {}
        if scale == "few"
        else {"name": "Another account has this name.", "reason": "Say why: it is kept with the change."}
    )
    return replace(page, form=replace(form, values=values, errors=errors), title="ServiceNow", fields=fields, secrets=secrets, duties=tuple(Duty),
        needs_base_url=True, units=1 if scale == "few" else 12_486, their_words="" if scale == "few" else "servicenow needs base_url")  # fmt: skip


def settings_calendar(scale: str) -> settings.CalendarPage:
    """A new one; one that counts; and one that is looked at before it changes."""
    is_many = scale == "many"
    values = {"name": "Geschäftszeiten", "hours": "mon-fri 08:00-12:00,13:00-17:00", "time_zone": "Europe/Berlin",
              "region": "DE-BY", "exceptions": "2026-12-24 08:00-12:00\n2026-12-31 closed"}  # fmt: skip
    days = tuple(date(2026, 12, day) for day in range(20, 32))
    effect = settings.CalendarEffect(
        (settings.DeadlineRow(4, "Thu 26 Nov, 14:05", "Fri 27 Nov, 09:05"), settings.DeadlineRow(40, "never", "never")),
        days, 40, 2004, 1812,
    )  # fmt: skip
    return settings.CalendarPage(
        name="" if scale == "bare" else "Geschäftszeiten der Zentrale in Grünau und aller Außenstellen",
        places=PLACES,
        form=settings.ChangeForm(
            "/settings/calendars/1", "/settings/calendars/1/preview", "key", "version", "s" if is_many else "",
            values={} if scale == "bare" else values,
            errors={"region": "Write the region like DE, DE-BY or GB-ENG."} if is_many else {},
        ),
        may=True,
        closed=() if scale == "bare" else days[:3],
        history=(),
        effect=effect if is_many else None,
    )  # fmt: skip


def settings_client(scale: str) -> settings.ClientPage:
    """A client's rules: as a reader sees them; looked at; overtaken."""
    kinds = tuple(kind.value for kind in CoverageKind)
    numbers = ("evidence_freshness_days", "repeat_window_days", "lookup_patience_minutes", "denial_grace_hours")
    values = {f"rank_{at}": kind for at, kind in enumerate(kinds, start=1)} | dict.fromkeys(numbers, "30")
    rates = settings.ChangeForm(
        "/rates",
        "/rates/preview",
        "key2",
        "v",
        values={"currency": "EUR", "call_out_minor": "95.00", "labour_hour_minor": "110.00"},
    )
    rules = _change(
        scale,
        values,
        {"rank_2": "Each kind stands in one place.", "repeat_window_days": "This is a whole number from 0 to 36,500."},
    )
    page = settings.ClientPage("Äußere Mühle", PLACES, kinds, rules, rates, "EUR", "EUR", False, False, ())
    if scale == "bare":
        return page
    row = settings.DiffersRow("F-20418", "/cases/1", Component.DISK, "7XK4P03", COVERED, REVIEW)
    few = replace(page, may_rules=True, may_rates=True, history=HISTORY,
        rules_effect=settings.RulesEffectView(12, 12, (row, replace(row, becomes=UNCOVERED, serial_number="FOC2433L0HJ123456789")), 2, 41, 0, 1))  # fmt: skip
    if scale == "few":
        return few
    looked = replace(rates, seen="s", differences=LOOKED)
    return replace(few, name=LONG_CLIENT, rates=looked, rates_effect=RatesEffect(3, 31_500, 123_456_789, 2), then_currency="USD",
        rules_effect=settings.RulesEffectView(214, 100, (row,) * 10, 31, 0, 12_486, 0))  # fmt: skip


def settings_user(scale: str) -> settings.UserPage:
    """A user: somebody of the staff; a role that was looked at; refused."""
    line = replace(_USER, name="", email="ada@msp.example", role=Role.ADMIN, client_name=None)
    languages = (("en", "English"), ("de", "Deutsch"))
    form = _change(
        scale,
        {"role": "admin"},
        {"role": "Nobody changes their own rights: ask another administrator.", "client": "There is no such client."},
    )
    page = settings.UserPage(
        line, PLACES, form, languages, AGO, (), 0, (), scale != "many", False, Role.ADMIN, None, None, None, ()
    )
    if scale == "bare":
        return page
    links = (settings.CaseLink("F-20418", "/cases/1", "7XK4P03"),)
    few = replace(page, line=_USER, tokens=(_TOKEN,), owned=1, owned_cases=links, becomes=Role.BILLING, switch=_act("switch_reason", scale),
        reset=_act("reset_reason", "few"), history=HISTORY, is_self=False)  # fmt: skip
    return (
        few
        if scale == "few"
        else replace(few, owned=61, owned_cases=links * 10, tokens=(_TOKEN,) * 4, is_last_admin=True)
    )


def settings_token(scale: str) -> settings.TokenPage:
    """A token: new and never used; in use; refused."""
    line = replace(_TOKEN, name="", last_used_at=None, client_name=None) if scale == "bare" else _TOKEN
    return settings.TokenPage(
        line, PLACES, "/settings/users/1", Role.ADMIN, _act("reason", scale), HISTORY if scale == "many" else ()
    )


def settings_new_person(scale: str) -> settings.NewUser:
    """A new user; refused."""
    errors = {"email": "This is no mail address.", "role": "Choose a role."} if scale == "many" else {}
    return settings.NewUser(
        settings.ActForm("/add", "key", "reason", errors=errors), PLACES, (("en", "English"), ("de", "Deutsch"))
    )


def settings_new_token(scale: str) -> settings.NewToken:
    """A new token; refused."""
    errors = (
        {"user": "There is no such user, or they are switched off.", "scopes": "Say what the token may do."}
        if scale == "many"
        else {}
    )
    return settings.NewToken(
        settings.ActForm("/add", "key", "reason", values={"scopes": "read"}, errors=errors), PLACES, tuple(TokenScope)
    )


def settings_once(_scale: str) -> settings.ShownOnce:
    """A secret that is shown once."""
    return settings.ShownOnce(
        "token", f"wt_{'0123456789abcdef' * 2}_{'A' * 43}", "RMM der Nachtschicht", PLACES, "tokens", "#done"
    )


PAGES: dict[str, tuple[str, str, Callable[[str], Any], pages.Frame | None]] = {
    "board": ("staff/board.html", "view", board_view, STAFF),
    "board-action": ("staff/board_action.html", "view", board_action, STAFF),
    "board-done": ("staff/board_done.html", "view", board_done, STAFF),
    "cases": ("staff/case_list.html", "view", case_list, STAFF),
    "saved-view": ("staff/saved_view_new.html", "view", saved_view_new, STAFF),
    "case": ("staff/case_detail.html", "case", case, STAFF),
    "evidence": ("staff/case_evidence.html", "view", evidence, STAFF),
    "send-again": ("auth/send_again.html", "view", kept_form, STAFF),
    "override": ("staff/override.html", "view", override, STAFF),
    "owed": ("staff/owed.html", "view", examples_swaps.owed, STAFF),
    "swap": ("staff/swap.html", "view", lambda scale: examples_swaps.swap(scale, SUBJECT, LONG_SUBJECT), STAFF),
    "profile": ("staff/profile.html", "view", profile, STAFF),
    "report": ("staff/fault_new.html", "view", report, STAFF),
    "assets": (
        "staff/asset_list.html",
        "view",
        lambda scale: examples_assets.asset_list(
            scale, (COVERED, PARTLY, UNCOVERED, REVIEW), kept_views({"bare": 0, "few": 2, "many": 30}[scale])
        ),
        STAFF,
    ),
    "search": ("staff/search.html", "view", examples_assets.search, STAFF),
    "assets-filter": ("staff/asset_filter.html", "view", examples_assets.asset_filter, STAFF),
    "assets-state": ("staff/asset_state.html", "view", examples_assets.asset_state, STAFF),
    "assets-documents": ("staff/asset_documents.html", "view", examples_assets.asset_documents, STAFF),
    "assets-removal": ("staff/file_removal.html", "view", examples_assets.asset_removal, STAFF),
    "assets-together": ("staff/asset_together.html", "view", examples_assets.asset_together, STAFF),
    "assets-columns": ("staff/asset_columns.html", "view", examples_assets.asset_columns, STAFF),
    "asset": (
        "staff/asset_detail.html",
        "view",
        lambda scale: examples_assets.asset(scale, COVERED, case_list(scale).rows[:8]),
        STAFF,
    ),
    "imports": ("staff/import_list.html", "view", import_list, STAFF),
    "import": ("staff/import_detail.html", "view", import_view, STAFF),
    "import-done": ("staff/import_detail.html", "view", import_done, STAFF),
    "job": (
        "staff/job_detail.html",
        "job",
        lambda scale: job({"bare": 0, "few": 3, "many": 2}[scale], is_priced=scale != "many"),
        STAFF,
    ),
    "clients": ("staff/client_list.html", "view", registry.client_list, STAFF),
    "client": ("staff/client_detail.html", "view", registry.client, STAFF),
    "contract": ("staff/contract_detail.html", "view", registry.contract, STAFF),
    "contract-void": ("staff/contract_void.html", "view", registry.void, STAFF),
    "contract-co-term": ("staff/contract_co_term.html", "view", registry.co_term, STAFF),
    "renewals": ("staff/renewal_list.html", "view", registry.renewals, STAFF),
    "renewal-calendar": ("staff/renewal_calendar.html", "view", registry.calendar, STAFF),
    "registry-form": ("staff/registry_form.html", "view", registry.form, STAFF),
    "labels": ("staff/labels.html", "view", labels, STAFF),
    "portal-list": ("portal/case_list.html", "view", portal_list, CLIENT),
    "portal-case": ("portal/case_detail.html", "case", portal_case, CLIENT),
    "portal-report": ("portal/fault_new.html", "view", portal_report, CLIENT),
    "settings-list": ("staff/settings_list.html", "view", settings_list, STAFF),
    "settings-people": ("staff/settings_list.html", "view", settings_people, STAFF),
    "settings-account": ("staff/settings_account.html", "view", settings_account, STAFF),
    "settings-new": ("staff/settings_account_new.html", "view", settings_new, STAFF),
    "settings-calendar": ("staff/settings_calendar.html", "view", settings_calendar, STAFF),
    "settings-client": ("staff/settings_client.html", "view", settings_client, STAFF),
    "settings-user": ("staff/settings_user.html", "view", settings_user, STAFF),
    "settings-token": ("staff/settings_token.html", "view", settings_token, STAFF),
    "settings-new-user": ("staff/settings_user_new.html", "view", settings_new_person, STAFF),
    "settings-new-token": ("staff/settings_token_new.html", "view", settings_new_token, STAFF),
    "settings-once": ("staff/settings_once.html", "view", settings_once, STAFF),
    "sign-in": ("auth/sign_in.html", "view", sign_in, None),
    "error": ("errors/error.html", "error", error, None),
}
"""Each page: its template, the name of its value there, what makes the value, and the frame around it."""
