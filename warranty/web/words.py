"""The domain's words as people read them: the only place that names a state, a verdict or a party on a page.

Tables of English messages, looked up in the reader's language. Short main clauses, the actor is the subject, "we" is
the MSP. A table that lacks a member of its vocabulary fails the suite.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Final

from vendors.contract import Duty
from warranty.domain import reasons
from warranty.domain.access import TokenScope
from warranty.domain.goods import Rest
from warranty.domain.handover import HandoverResult, Sanitization, Signature, StepKey, StepOutcome, UnitClass
from warranty.domain.headline import ClientStep, Headline, Side
from warranty.domain.lifecycles import FaultState, JobState, RmaState, ShipmentState, SwapKind, SwapSource, SwapState
from warranty.domain.returns import Blame, CostKind, Holder
from warranty.domain.terms import (
    AssetState,
    Cause,
    Component,
    CoverageState,
    Delivery,
    Fulfilment,
    JobKind,
    OverrideCode,
    Ownership,
    Party,
    Role,
    Route,
    ServiceLevel,
    Share,
    VerdictWord,
)
from warranty.models.cases import NoteWay
from warranty.models.imports import ImportStatus
from warranty.models.work import TaskKind
from warranty.services.board import OtherKind, Risk
from warranty.services.importing.columns import Kind
from warranty.services.inventory import Covered
from warranty.services.notes import NoteState
from warranty.services.settings import AccountState
from warranty.web.i18n import LANGUAGES, N_, choose_zone, reader
from warranty.web.pages import Outcome
from warranty.web.pages.asset_list import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from enum import StrEnum

    from flask import Flask

    from warranty.services.handouts import Step
    from warranty.web.pages import Ball, ClaimForm, NoteForm, ShareRows, Sign, Situation, Subject, TimelineRow
    from warranty.web.pages.overriding import Ending
    from warranty.web.pages.settings import HistoryRow

SETTINGS: Final[Mapping[str, str]] = {
    "precedence": N_("Which contract pays first"),
    "evidence_freshness_days": N_("An answer of the vendor counts for (days)"),
    "repeat_window_days": N_("A failure counts as repeated for (days)"),
    "lookup_patience_minutes": N_("We wait for the vendor to answer (minutes)"),
    "denial_grace_hours": N_("A refusal is told to the client after (hours)"),
    "spend_limit_minor": N_("May be spent without asking"),
    "cost_tolerance_percent": N_("May cost more than approved (per cent)"),
    "sends_mail": N_("Mails to people of the client"),
    "currency": N_("Currency"),
    "call_out_minor": N_("Call-out"),
    "labour_hour_minor": N_("Labour, an hour"),
    "name": N_("Name"),
    "hours": N_("Working hours"),
    "time_zone": N_("Time zone"),
    "region": N_("Public holidays of"),
    "exceptions": N_("Days that are otherwise"),
    "email": N_("E-mail"),
    "base_url": N_("Own address of the service"),
    "manufacturers": N_("Whose products"),
    "duties": N_("What for"),
    "language": N_("Language"),
    "role": N_("Role"),
    "client": N_("Client"),
    "client_id": N_("Client"),
    "limit": N_("Approves up to"),
    "approval_limit_minor": N_("Approves up to"),
    "scopes": N_("May"),
}
"""What people call what can be set, by its name in forms and in the register; another name is a vendor's own word."""

SETTINGS_DONE: Final[Mapping[str, str]] = {
    "add": N_("%(who)s added this"),
    "change": N_("%(who)s changed this"),
    "switch_off": N_("%(who)s switched this off"),
    "switch_on": N_("%(who)s switched this on"),
    "release": N_("%(who)s released this after a restore"),
    "deactivate": N_("%(who)s switched this user off"),
    "reactivate": N_("%(who)s let this user in again"),
    "password": N_("%(who)s set a new password"),
    "add_token": N_("%(who)s made a token"),
    "revoke_token": N_("%(who)s revoked a token"),
    "erase": N_("%(who)s took the name out"),
}
"""What was done about a setting, by the register's word."""

ROLES: Final[Mapping[Role, str]] = {
    Role.ADMIN: N_("Everything, users and tokens too."),
    Role.SERVICE_MANAGER: N_("Cases and decisions, the registry, rules and vendor accounts."),
    Role.TECHNICIAN: N_("Reports faults, and handles claims, parcels and swaps."),
    Role.BILLING: N_("Reads everything, and handles jobs and rate cards."),
    Role.AUDITOR: N_("Reads everything and changes nothing."),
    Role.CLIENT_VIEWER: N_("Sees the cases of one client, and reports faults."),
    Role.CLIENT_APPROVER: N_("Sees the cases of one client, and approves quotes up to a limit."),
}
"""What each role may do."""

WORDS: Final[Mapping[type[StrEnum], Mapping[str, str]]] = {
    Kind: {
        Kind.ASSETS: N_("Units"),
        Kind.CONTRACTS: N_("Contracts"),
        Kind.COVERAGES: N_("Contracts"),
        Kind.PRODUCTS: N_("Products"),
        Kind.CLIENTS: N_("Clients"),
        Kind.SITES: N_("Sites"),
    },
    ImportStatus: {
        ImportStatus.WAITING: N_("Waits its turn"),
        ImportStatus.RUNNING: N_("Under way"),
        ImportStatus.CANCELLED: N_("Stopped"),
        ImportStatus.DONE: N_("Done"),
        ImportStatus.FAILED: N_("Unreadable"),
        ImportStatus.UNDOING: N_("Being undone"),
        ImportStatus.UNDONE: N_("Undone"),
        ImportStatus.DRAFT: N_("Waits for your word"),
        ImportStatus.CHECKING: N_("Being checked"),
        ImportStatus.BROKEN_OFF: N_("Broken off"),
    },
    Holder: {
        Holder.MSP: N_("With us"),
        Holder.COLLEAGUE: N_("A colleague"),
        Holder.CONTACT: N_("A contact at the site"),
        Holder.CLIENT: N_("The client"),
    },
    CostKind: {
        CostKind.NON_RETURN: N_("It did not come back"),
        CostKind.LATE: N_("It came back late"),
        CostKind.RESTOCKING: N_("Fee for taking it back"),
    },
    Blame: {
        Blame.MSP: N_("Ours"),
        Blame.CLIENT: N_("The client's"),
        Blame.CARRIER: N_("The carrier's"),
        Blame.VENDOR: N_("The vendor's"),
    },
    Component: {
        Component.UNIT: N_("Whole unit"),
        Component.MAINBOARD: N_("Mainboard"),
        Component.CPU: N_("Processor"),
        Component.MEMORY: N_("Memory"),
        Component.DISK: N_("Disk"),
        Component.PSU: N_("Power supply"),
        Component.FAN: N_("Fan"),
        Component.BATTERY: N_("Battery"),
        Component.SCREEN: N_("Screen"),
        Component.KEYBOARD: N_("Keyboard"),
        Component.NIC: N_("Network card"),
        Component.PORT: N_("Port"),
        Component.OPTIC: N_("Optical module"),
        Component.CONTROLLER: N_("Controller"),
        Component.TONER: N_("Toner"),
        Component.DRUM: N_("Drum"),
        Component.LAMP: N_("Lamp"),
        Component.OTHER: N_("Other part"),
    },
    Cause: {
        Cause.HARDWARE_FAILURE: N_("Hardware failure"),
        Cause.DEAD_ON_ARRIVAL: N_("Dead on arrival"),
        Cause.WEAR: N_("Wear"),
        Cause.ACCIDENTAL_DAMAGE: N_("Accident"),
        Cause.LIQUID: N_("Liquid"),
        Cause.SURGE: N_("Surge"),
        Cause.MISUSE: N_("Misuse"),
        Cause.THEFT: N_("Theft"),
        Cause.UNKNOWN: N_("Not known"),
    },
    VerdictWord: {
        VerdictWord.COVERED: N_("Covered"),
        VerdictWord.PARTLY_COVERED: N_("Partly covered"),
        VerdictWord.NOT_COVERED: N_("Not covered"),
        VerdictWord.NEEDS_REVIEW: N_("Needs review"),
    },
    ClientStep: {
        ClientStep.REPORTED: N_("Reported"),
        ClientStep.BEING_ASSESSED: N_("Being assessed"),
        ClientStep.WAITING_FOR_YOUR_APPROVAL: N_("Waiting for your approval"),
        ClientStep.ORDERED_FROM_THE_VENDOR: N_("Ordered from the vendor"),
        ClientStep.ON_ITS_WAY: N_("On its way"),
        ClientStep.BEING_INSTALLED: N_("Being installed"),
        ClientStep.WORKING_AGAIN: N_("Working again, old unit going back"),
        ClientStep.CLOSED: N_("Closed"),
    },
    Side: {Side.VENDOR: N_("Vendor"), Side.MSP: N_("MSP"), Side.CLIENT: N_("Client")},
    Share: {Share.PARTS: N_("Parts"), Share.LABOUR: N_("Labour")},
    Outcome: {
        Outcome.PAYS: N_("Pays"),
        Outcome.WOULD_PAY: N_("Would pay"),
        Outcome.NO: N_("No"),
        Outcome.OPEN: N_("Open"),
    },
    Party: {
        Party.VENDOR: N_("Vendor"),
        Party.MSP: N_("MSP"),
        Party.CLIENT: N_("Client"),
        Party.INSURER: N_("Insurer"),
        Party.LESSOR: N_("Lessor"),
    },
    Ownership: {
        Ownership.CLIENT: N_("Owned by the client"),
        Ownership.MSP: N_("Owned by us"),
        Ownership.LEASED: N_("Leased"),
        Ownership.LOANER: N_("On loan"),
    },
    AssetState: {
        AssetState.ONBOARDING: N_("Being taken on"),
        AssetState.IN_SERVICE: N_("In service"),
        AssetState.REJECTED_AT_HANDOVER: N_("Rejected at hand-over"),
        AssetState.IN_STOCK: N_("In stock"),
        AssetState.FAULTY: N_("Faulty"),
        AssetState.IN_RMA: N_("In RMA"),
        AssetState.REPLACED: N_("Replaced"),
        AssetState.RETURNED_TO_VENDOR: N_("Back at the vendor"),
        AssetState.RETAINED_MEDIA: N_("Media kept"),
        AssetState.DECOMMISSIONED: N_("Decommissioned"),
        AssetState.DISPOSED: N_("Disposed of"),
        AssetState.LOST: N_("Lost"),
        AssetState.STOLEN: N_("Stolen"),
    },
    Column: {
        Column.NAME: N_("Name"),
        Column.TAG: N_("Asset tag"),
        Column.PRODUCT: N_("Product"),
        Column.CLIENT: N_("Client"),
        Column.SITE: N_("Site"),
        Column.STATE: N_("State"),
        Column.OWNERSHIP: N_("Owner"),
        Column.COVER: N_("Today"),
        Column.ENDS: N_("Cover ends"),
        Column.BOUGHT: N_("Bought"),
    },
    Covered: {
        Covered.COVERED: N_("covered today"),
        Covered.ENDS: N_("ends soon"),
        Covered.GAP: N_("gap today, begins later"),
        Covered.ENDED: N_("has ended"),
        Covered.NONE: N_("none that we know of"),
        Covered.UNASKED: N_("no vendor was asked"),
    },
    CoverageState: {
        CoverageState.ACTIVE: N_("Active"),
        CoverageState.SUSPENDED: N_("Suspended"),
        CoverageState.VOIDED: N_("Voided"),
        CoverageState.CANCELLED: N_("Cancelled"),
        CoverageState.SUPERSEDED: N_("Superseded"),
    },
    Role: {
        Role.ADMIN: N_("Administrator"),
        Role.SERVICE_MANAGER: N_("Service manager"),
        Role.TECHNICIAN: N_("Technician"),
        Role.BILLING: N_("Billing"),
        Role.AUDITOR: N_("Auditor"),
        Role.CLIENT_VIEWER: N_("Reads"),
        Role.CLIENT_APPROVER: N_("Reads and approves"),
    },
    RmaState: {
        RmaState.DRAFT: N_("Draft"),
        RmaState.SUBMITTED: N_("Being sent"),
        RmaState.OUTCOME_UNKNOWN: N_("Outcome unknown"),
        RmaState.SUBMIT_FAILED: N_("Refused form"),
        RmaState.MANUAL_HANDLING: N_("By hand"),
        RmaState.UNDER_REVIEW: N_("With the vendor"),
        RmaState.INFO_REQUIRED: N_("Vendor asks back"),
        RmaState.AUTHORIZED: N_("Authorised"),
        RmaState.DENIED: N_("Refused"),
        RmaState.EXPIRED: N_("Number expired"),
        RmaState.CANCELLED: N_("Cancelled"),
        RmaState.CLOSED: N_("Closed"),
    },
    Rest: {
        Rest.EXPECTED: N_("Another parcel brings it"),
        Rest.GIVEN_UP: N_("Nobody waits for it"),
    },
    ShipmentState: {
        ShipmentState.EXPECTED: N_("Expected"),
        ShipmentState.IN_TRANSIT: N_("In transit"),
        ShipmentState.DELIVERED: N_("Delivered"),
        ShipmentState.CHECKED_IN: N_("Booked in"),
        ShipmentState.WRONG_OR_DAMAGED: N_("Wrong or damaged"),
        ShipmentState.LOST: N_("Lost"),
        ShipmentState.DUE: N_("Return due"),
        ShipmentState.RECEIVED: N_("Received by the vendor"),
        ShipmentState.ACCEPTED: N_("Accepted"),
        ShipmentState.NO_FAULT_FOUND: N_("No fault found"),
        ShipmentState.REFUSED: N_("Return refused"),
        ShipmentState.WAIVED: N_("Waived"),
        ShipmentState.RETAINED: N_("Kept, with certificate"),
        ShipmentState.CHARGED: N_("Charged"),
    },
    SwapState: {
        SwapState.PLANNED: N_("Planned"),
        SwapState.RECEIVED: N_("Part is here"),
        SwapState.INSTALLED: N_("Installed"),
        SwapState.VERIFIED: N_("Verified"),
        SwapState.DONE: N_("Done"),
        SwapState.DEAD_ON_ARRIVAL: N_("Dead on arrival"),
        SwapState.ABANDONED: N_("Given up"),
    },
    SwapKind: {
        SwapKind.UNIT: N_("The whole unit"),
        SwapKind.PART: N_("A part of it"),
        SwapKind.REPAIR: N_("Nothing: it was repaired"),
    },
    SwapSource: {
        SwapSource.VENDOR: N_("From the vendor"),
        SwapSource.STOCK: N_("From our stock"),
        SwapSource.PURCHASE: N_("Bought"),
        SwapSource.LOANER: N_("The loaner stays"),
    },
    JobState: {
        JobState.DRAFT: N_("Draft"),
        JobState.QUOTED: N_("Priced"),
        JobState.AWAITING_APPROVAL: N_("Waits for approval"),
        JobState.APPROVED: N_("Approved"),
        JobState.DECLINED: N_("Declined"),
        JobState.QUOTE_EXPIRED: N_("Quote expired"),
        JobState.SCHEDULED: N_("Scheduled"),
        JobState.IN_PROGRESS: N_("In progress"),
        JobState.ON_HOLD: N_("On hold"),
        JobState.CHANGE_REQUESTED: N_("Dearer than approved"),
        JobState.COMPLETED: N_("Completed"),
        JobState.READY_TO_INVOICE: N_("Ready to invoice"),
        JobState.EXPORTED: N_("Exported"),
        JobState.INVOICED: N_("Invoiced"),
        JobState.CREDITED: N_("Credited"),
        JobState.CLOSED: N_("Closed"),
        JobState.CANCELLED: N_("Cancelled"),
        JobState.WAIVED: N_("Waived"),
    },
    JobKind: {
        JobKind.UNCOVERED_SWAP: N_("Swap without cover"),
        JobKind.AGREEMENT_SWAP: N_("Swap under our agreement"),
        JobKind.SWAP_LABOUR: N_("Work of a swap"),
        JobKind.INSTALLATION: N_("Installation"),
        JobKind.UPGRADE: N_("Upgrade"),
        JobKind.DECOMMISSION: N_("Decommission"),
        JobKind.OTHER: N_("Other work"),
    },
    Fulfilment: {
        Fulfilment.VENDOR_RMA: N_("The vendor, by RMA"),
        Fulfilment.MSP_SUPPLY: N_("We supply it"),
        Fulfilment.INSURER_CLAIM: N_("The insurer, by claim"),
    },
    ServiceLevel: {
        ServiceLevel.H24X7X2: N_("Day and night, 2 hours"),
        ServiceLevel.H24X7X4: N_("Day and night, 4 hours"),
        ServiceLevel.H8X5X4: N_("Working hours, 4 hours"),
        ServiceLevel.SAME_BUSINESS_DAY: N_("Same business day"),
        ServiceLevel.NEXT_BUSINESS_DAY: N_("Next business day"),
        ServiceLevel.BEST_EFFORT: N_("Best effort"),
        ServiceLevel.UNKNOWN: N_("Not known"),
    },
    Delivery: {
        Delivery.ON_SITE: N_("On site, by an engineer"),
        Delivery.ADVANCE_EXCHANGE: N_("Exchange in advance"),
        Delivery.CUSTOMER_REPLACEABLE: N_("Sent, and fitted by us"),
        Delivery.PARTS_ONLY: N_("Part only"),
        Delivery.DEPOT: N_("Repair at the depot"),
        Delivery.UNKNOWN: N_("Not known"),
    },
    NoteState: {
        NoteState.ON_ITS_WAY: N_("On its way"),
        NoteState.TAKEN: N_("Taken"),
        NoteState.REFUSED: N_("Not taken"),
    },
    OverrideCode: {
        OverrideCode.GOODWILL: N_("Goodwill"),
        OverrideCode.CONTRACT_READING: N_("The contract reads otherwise"),
        OverrideCode.VENDOR_CONFIRMED: N_("The vendor confirmed it"),
        OverrideCode.WRONG_DATA: N_("Our data were wrong"),
        OverrideCode.OTHER: N_("Another reason"),
    },
    TaskKind: {
        TaskKind.REVIEW: N_("Review"),
        TaskKind.INFO_MISSING: N_("Info missing"),
        TaskKind.OUTCOME_UNKNOWN: N_("Outcome unknown"),
        TaskKind.SUBMIT_FAILED: N_("Refused form"),
        TaskKind.MANUAL_HANDLING: N_("By hand"),
        TaskKind.ATTENTION: N_("Needs a look"),
        TaskKind.DENIED: N_("Refused claim"),
        TaskKind.PROPOSAL: N_("Is it this one?"),
        TaskKind.VENDOR_NOTE: N_("Vendor wrote"),
        TaskKind.NOT_TAKEN: N_("Not taken"),
        TaskKind.SILENT: N_("Vendor silent"),
        TaskKind.STRAY_CASE: N_("Case of no claim"),
        TaskKind.GOODS_WRONG: N_("Wrong goods"),
        TaskKind.GOODS_LOST: N_("Lost parcel"),
        TaskKind.OVERRIDE: N_("Second opinion"),
        TaskKind.UNREAD: N_("Cases unread"),
    },
    OtherKind: {
        OtherKind.APPROVAL: N_("Approval"),
        OtherKind.RETURN: N_("Return due"),
        OtherKind.LOOK_UP: N_("Look-up failing"),
        OtherKind.PARCEL_LATE: N_("Parcel late"),
        OtherKind.NUMBER_ENDS: N_("RMA number ends"),
        OtherKind.NUMBER_ENDED: N_("RMA number ended"),
        OtherKind.HANDOVER: N_("Hand-over"),
        OtherKind.REJECTED: N_("Rejected at hand-over"),
        OtherKind.LEFT_OVER: N_("Cover left over"),
    },
    Risk: {
        Risk.NONE: "",
        Risk.PART: N_("part"),
        Risk.IF_BILLED: N_("if billed"),
        Risk.CHARGE: N_("charge"),
        Risk.QUOTE: N_("quote"),
    },
    Duty: {
        Duty.LOOKUP: N_("Look up cover"),
        Duty.OPEN: N_("Open claims"),
        Duty.TRACK: N_("Follow claims"),
    },
    HandoverResult: {
        HandoverResult.HEALTHY: N_("Healthy"),
        HandoverResult.HEALTHY_WITH_EXCEPTIONS: N_("Healthy, with exceptions"),
        HandoverResult.NOT_ACCEPTED: N_("Not accepted"),
    },
    Signature: {
        Signature.RECORDED: N_("recorded, not signed by hand"),
        Signature.TYPED: N_("typed"),
        Signature.DRAWN: N_("drawn"),
        Signature.FILE: N_("on paper"),
    },
    UnitClass: {
        UnitClass.SERVER: N_("Server"),
        UnitClass.STORAGE: N_("Storage"),
        UnitClass.NETWORK: N_("Network"),
        UnitClass.WORKSTATION: N_("Workstation"),
        UnitClass.PRINTER: N_("Printer"),
        UnitClass.POWER: N_("Power supply, UPS"),
        UnitClass.OTHER: N_("Something else"),
    },
    StepKey: {
        StepKey.SERIAL_SEEN: N_("Serial number read at the unit"),
        StepKey.LABEL_PUT_ON: N_("Label put on"),
        StepKey.SPECIFICATION_RECORDED: N_("Specification recorded"),
        StepKey.WARRANTY_LOOKED_UP: N_("Warranty looked up"),
        StepKey.CONFIGURATION_SAVED: N_("Configuration saved"),
        StepKey.FIRMWARE_CURRENT: N_("Firmware is current"),
        StepKey.DISKS_HEALTHY: N_("Disks are healthy"),
        StepKey.BACKUP_PROVEN: N_("Backup restored once"),
        StepKey.MONITORING_ENROLLED: N_("In the monitoring"),
        StepKey.RUNBOOK_ASSIGNED: N_("Runbook assigned"),
        StepKey.CREDENTIALS_IN_VAULT: N_("Credentials in the vault"),
        StepKey.BATTERY_TESTED: N_("Battery tested"),
        StepKey.COUNTER_READ: N_("Counter read"),
    },
    StepOutcome: {
        StepOutcome.DONE: N_("Done"),
        StepOutcome.NOT_NEEDED: N_("Not needed"),
    },
    Sanitization: {
        Sanitization.CLEAR: N_("Cleared (NIST 800-88)"),
        Sanitization.PURGE: N_("Purged (NIST 800-88)"),
        Sanitization.DESTROY: N_("Destroyed (NIST 800-88)"),
        Sanitization.LEFT_WITH_CLIENT: N_("Left with the client"),
        Sanitization.NO_MEDIA: N_("There are no media"),
    },
    TokenScope: {
        TokenScope.READ: N_("Read"),
        TokenScope.WRITE: N_("Change"),
        TokenScope.ADMIN: N_("Administer"),
    },
    AccountState: {
        AccountState.OFF: N_("Switched off"),
        AccountState.HELD: N_("Held since a restore"),
        AccountState.RESTING: N_("Rests after failures"),
        AccountState.WAITING: N_("Waits, the vendor said so"),
        AccountState.BROKEN: N_("The last test failed"),
        AccountState.WORKS: N_("Works"),
        AccountState.UNTRIED: N_("Never tested"),
    },
}

UNIT_EVENTS: Final[Mapping[str, str]] = {
    "add": N_("Registered"),
    "change": N_("Changed"),
    "baseline": N_("Handed over"),
    "handover_begun": N_("Hand-over begun"),
    "handover_check": N_("Check of the hand-over"),
    "medium": N_("Medium accounted for"),
    "leave": N_("Passed to another client"),
    "place_given": N_("Gave its place to a new unit"),
    "place_taken": N_("Took the place of another unit"),
    "file_added": N_("Document added"),
    "file_removed": N_("Document taken away"),
    "file_shown": N_("Document shown to the client"),
    "file_hidden": N_("Document hidden from the client"),
}
"""What the register says of a unit; what is not here stands as it is written there."""

FOUND: Final[Mapping[str, str]] = {
    "asset": N_("Units"),
    "case": N_("Cases"),
    "job": N_("Ad hoc jobs"),
    "contract": N_("Contracts"),
    "client": N_("Clients"),
}
"""What the search finds."""

UNIT_FILTERS: Final[Mapping[str, str]] = {
    "client": N_("Client"),
    "site": N_("Site"),
    "product": N_("Product"),
    "maker": N_("Manufacturer"),
    "state": N_("State"),
    "ownership": N_("Owner"),
    "cover": N_("Cover"),
    "q": N_("Begins with"),
}
"""What a list of units is narrowed by."""

UNIT_FIELDS: Final[Mapping[str, str]] = {
    "serial_number": N_("Serial number"),
    "name": N_("Name"),
    "asset_tag": N_("Asset tag"),
    "ownership": N_("Owner"),
    "purchased_on": N_("Bought"),
}

BECAME: Final[Mapping[Route, str]] = {
    Route.DUPLICATE: N_("Duplicate"),
    Route.NONE: N_("Inside tolerance"),
}
"""What a report without a verdict became."""

PAYS: Final[Mapping[Party, str]] = {
    Party.VENDOR: N_("Vendor pays"),
    Party.MSP: N_("We pay"),
    Party.CLIENT: N_("Client pays"),
    Party.INSURER: N_("Insurer pays"),
    Party.LESSOR: N_("Lessor pays"),
}

CLAIM_MOVES: Final[Mapping[RmaState, str]] = {
    RmaState.SUBMITTED: N_("Send it to %(vendor)s"),
    RmaState.MANUAL_HANDLING: N_("I claim it by hand"),
    RmaState.UNDER_REVIEW: N_("%(vendor)s has the claim"),
    RmaState.INFO_REQUIRED: N_("%(vendor)s asks back"),
    RmaState.AUTHORIZED: N_("%(vendor)s gave an RMA number"),
    RmaState.DENIED: N_("%(vendor)s refuses"),
    RmaState.EXPIRED: N_("The RMA number expired"),
    RmaState.CANCELLED: N_("The claim is withdrawn"),
    RmaState.CLOSED: N_("The claim is finished"),
}
"""What a person may record of a claim; what is not here is found out by the product itself."""

AFTER_DENIAL: Final[Mapping[RmaState, str]] = {
    RmaState.SUBMITTED: N_("Ask %(vendor)s again"),
    RmaState.AUTHORIZED: N_("%(vendor)s replaces it after all, by goodwill"),
}
"""The same of a claim that was refused."""

LINES: Final[Mapping[str, str]] = {"call_out": N_("Call-out"), "labour": N_("Labour"), "part": N_("Part")}

# Component by component, because articles and endings differ with each in other languages.
NEW: Final[Mapping[Component, str]] = {
    Component.UNIT: N_("The new unit"),
    Component.MAINBOARD: N_("The new mainboard"),
    Component.CPU: N_("The new processor"),
    Component.MEMORY: N_("The new memory"),
    Component.DISK: N_("The new disk"),
    Component.PSU: N_("The new power supply"),
    Component.FAN: N_("The new fan"),
    Component.BATTERY: N_("The new battery"),
    Component.SCREEN: N_("The new screen"),
    Component.KEYBOARD: N_("The new keyboard"),
    Component.NIC: N_("The new network card"),
    Component.PORT: N_("The new port"),
    Component.OPTIC: N_("The new optical module"),
    Component.CONTROLLER: N_("The new controller"),
    Component.TONER: N_("The new toner"),
    Component.DRUM: N_("The new drum"),
    Component.LAMP: N_("The new lamp"),
    Component.OTHER: N_("The new part"),
}
OLD: Final[Mapping[Component, str]] = {
    Component.UNIT: N_("The old unit"),
    Component.MAINBOARD: N_("The old mainboard"),
    Component.CPU: N_("The old processor"),
    Component.MEMORY: N_("The old memory"),
    Component.DISK: N_("The old disk"),
    Component.PSU: N_("The old power supply"),
    Component.FAN: N_("The old fan"),
    Component.BATTERY: N_("The old battery"),
    Component.SCREEN: N_("The old screen"),
    Component.KEYBOARD: N_("The old keyboard"),
    Component.NIC: N_("The old network card"),
    Component.PORT: N_("The old port"),
    Component.OPTIC: N_("The old optical module"),
    Component.CONTROLLER: N_("The old controller"),
    Component.TONER: N_("The old toner"),
    Component.DRUM: N_("The old drum"),
    Component.LAMP: N_("The old lamp"),
    Component.OTHER: N_("The old part"),
}

TRACKS: Final[Mapping[str, str]] = {
    "claim": N_("Claim at %(vendor)s"),
    "goods": N_("Goods to us"),
    "swap": N_("Swap at the rack"),
    "job": N_("Billable job"),
    "return": N_("Old part to %(vendor)s"),
}

NUMBERS: Final[Mapping[str, str]] = {
    "ours": N_("Ours"),
    "vendor_case": N_("%(vendor)s case"),
    "rma": N_("RMA"),
}

# --- The answer sentence: headline by headline. With a day where one is known, then without. --------------------------

ANSWERS: Final[Mapping[Headline, tuple[str, ...]]] = {
    Headline.REPORTED: (N_("The fault is reported. The decision comes next."),),
    Headline.ASSESSING: (N_("We are finding out who pays."),),
    Headline.ASKING_VENDOR: (N_("%(vendor)s is being asked about this unit. The decision follows its answer."),),
    Headline.IN_REVIEW: (
        N_("A job of %(sum)s is priced. A person decides how it goes on."),
        N_("A person has to decide. Nothing is billed before that."),
    ),
    Headline.AWAITING_APPROVAL: (
        N_("The quote of %(sum)s waits for the client."),
        N_("The quote waits for the client."),
    ),
    Headline.PREPARING: (
        N_("A job of %(sum)s is prepared. Nothing is billed yet."),
        N_("The case is prepared, but something is missing before it can go on."),
    ),
    Headline.SENT: (N_("The claim is going to %(vendor)s now."),),
    Headline.UNCERTAIN: (
        N_("%(vendor)s may have our claim: the line dropped. We search there before anything is sent again."),
    ),
    Headline.WITH_PERSON: (N_("A person has to talk to %(vendor)s about this claim."),),
    Headline.VENDOR_REVIEW: (N_("%(vendor)s has the claim and is looking at it."),),
    Headline.INFO_REQUIRED: (N_("%(vendor)s wants to know more before it goes on."),),
    Headline.AUTHORIZED: (
        N_("%(vendor)s has authorised the replacement. It should arrive on %(day)s."),
        N_("%(vendor)s has authorised the replacement."),
    ),
    Headline.DENIED: (N_("%(vendor)s refused the claim."),),
    Headline.SHIPPED: (N_("%(new)s is on its way. It should arrive on %(day)s."), N_("%(new)s is on its way.")),
    Headline.DELIVERED: (N_("%(new)s has arrived. The swap comes next."),),
    Headline.INSTALLING: (N_("%(new)s is being installed."),),
    Headline.JOB_SCHEDULED: (N_("The work is planned for %(day)s."), N_("The job is approved and will be planned.")),
    Headline.RESTORED: (N_("It works again. The check against the old specification comes next."),),
    Headline.RETURN_DUE: (
        N_("It works again. %(old)s has to be back at %(vendor)s by %(return_day)s."),
        N_("It works again. %(old)s has to go back to %(vendor)s."),
    ),
    Headline.RETURN_OVERDUE: (
        N_("%(old)s is late: it was due at %(vendor)s on %(return_day)s."),
        N_("%(old)s is late: it should be back at %(vendor)s."),
    ),
    Headline.CLOSED: (N_("This case is closed."),),
}

CLIENT_ANSWERS: Final[Mapping[Headline, tuple[str, ...]]] = {
    Headline.REPORTED: (N_("We have your report and will look at it."),),
    Headline.ASSESSING: (N_("We are finding out who pays for the replacement."),),
    Headline.ASKING_VENDOR: (N_("We are asking %(vendor)s what its warranty covers."),),
    Headline.IN_REVIEW: (N_("We are looking into who pays for the replacement. Nothing is charged before you know."),),
    Headline.AWAITING_APPROVAL: (
        N_("We can start as soon as you approve %(sum)s."),
        N_("We can start as soon as you approve the quote."),
    ),
    Headline.PREPARING: (N_("We are preparing the replacement. You pay nothing before you have approved it."),),
    Headline.SENT: (N_("We are ordering the replacement from %(vendor)s."),),
    Headline.UNCERTAIN: (N_("We are ordering the replacement from %(vendor)s."),),
    Headline.WITH_PERSON: (N_("We are talking to %(vendor)s about the replacement."),),
    Headline.VENDOR_REVIEW: (N_("%(vendor)s has our order and is looking at it."),),
    Headline.INFO_REQUIRED: (N_("%(vendor)s has a question about our order. We are answering it."),),
    Headline.AUTHORIZED: (
        N_("%(vendor)s is sending a replacement. We expect it on %(day)s."),
        N_("%(vendor)s has agreed to send a replacement."),
    ),
    Headline.DENIED: (N_("We are talking to %(vendor)s about the replacement."),),
    Headline.SHIPPED: (N_("%(new)s is on its way. We expect it on %(day)s."), N_("%(new)s is on its way.")),
    Headline.DELIVERED: (N_("%(new)s is here. We install it next."),),
    Headline.INSTALLING: (N_("We are installing the replacement."),),
    Headline.JOB_SCHEDULED: (N_("We come on %(day)s."), N_("You have approved it. We are planning the work.")),
    Headline.RESTORED: (N_("It works again. We are making sure that everything is as it was."),),
    Headline.RETURN_DUE: (
        N_("It works again. %(old)s goes back to %(vendor)s by %(return_day)s."),
        N_("It works again. %(old)s goes back to %(vendor)s."),
    ),
    Headline.RETURN_OVERDUE: (
        N_("It works again. %(old)s was due at %(vendor)s on %(return_day)s."),
        N_("It works again. %(old)s should be back at %(vendor)s by now."),
    ),
    Headline.CLOSED: (N_("This case is closed."),),
}

# --- The timeline: (record, new state) to a title in the past tense. -------------------------------------------------

HAPPENED: Final[Mapping[tuple[str, str], str]] = {
    ("fault", FaultState.REPORTED): N_("%(actor)s reported the fault"),
    ("fault", FaultState.NEEDS_REVIEW): N_("The case was left for a person to decide"),
    ("fault", FaultState.ENTITLEMENT_CHECK): N_("%(vendor)s is asked before the decision"),
    ("fault", FaultState.RMA_OPEN): N_("A claim was opened"),
    ("fault", FaultState.AD_HOC_OPEN): N_("A billable job took over"),
    ("fault", FaultState.DUPLICATE): N_("The report was attached to the open case"),
    ("fault", FaultState.REJECTED): N_("%(actor)s rejected the report"),
    ("fault", FaultState.WITHIN_TOLERANCE): N_("The reading was inside the agreed tolerance"),
    ("fault", FaultState.RESOLVED_WITHOUT_SWAP): N_("%(actor)s resolved it without a swap"),
    ("fault", FaultState.NO_FAULT_FOUND): N_("%(actor)s found no fault"),
    ("fault", FaultState.SERVICE_RESTORED): N_("It worked again"),
    ("fault", FaultState.VERIFIED): N_("The replacement was verified"),
    ("fault", FaultState.CLOSED): N_("The case was closed"),
    ("fault", FaultState.REOPENED): N_("%(actor)s reopened the case"),
    ("fault", "decide_again"): N_("%(actor)s had it decided again"),
    ("fault", "identify"): N_("%(actor)s said which unit is meant"),
    ("file", "added"): N_("%(actor)s added a file"),
    ("mail", "sent"): N_("%(to)s was written to"),
    ("mail", "waits"): N_("A mail to %(to)s is on its way"),
    ("mail", "refused"): N_("A mail to %(to)s did not arrive"),
    ("call", "made"): N_("%(vendor)s was called"),
    ("fault", "override_asked"): N_("%(actor)s asked to override the verdict"),
    ("fault", "override_refused"): N_("%(actor)s refused the override"),
    ("fault", "taken"): N_("%(actor)s took the case"),
    ("fault", "handed_over"): N_("%(actor)s handed the case to %(to)s"),
    ("fault", "handed_to_stand_in"): N_("%(actor)s handed the case to %(to)s, who stands in for %(meant)s"),
    ("fault", "given_back"): N_("%(actor)s gave the case back to all"),
    ("rma", "inputs_given"): N_("%(actor)s gave what the vendor asks for"),
    ("rma", "proposal_confirmed"): N_("%(actor)s confirmed what was proposed"),
    ("rma", "proposal_declined"): N_("%(actor)s declined what was proposed"),
    ("note", NoteWay.INTERNAL): N_("%(actor)s noted"),
    ("note", NoteWay.TO_VENDOR): N_("%(actor)s wrote to %(vendor)s"),
    ("note", NoteWay.FROM_VENDOR): N_("%(vendor)s wrote"),
    ("note", "file"): N_("%(actor)s sent a file to %(vendor)s"),
    ("rma", "vendor_word"): N_("%(vendor)s said something that moves nothing"),
    ("verdict", VerdictWord.COVERED): N_("Decided: covered"),
    ("verdict", VerdictWord.PARTLY_COVERED): N_("Decided: partly covered"),
    ("verdict", VerdictWord.NOT_COVERED): N_("Decided: not covered"),
    ("verdict", VerdictWord.NEEDS_REVIEW): N_("Decided: needs review"),
    ("rma", "search_again"): N_("%(actor)s had %(vendor)s searched for the claim once more"),
    ("rma", RmaState.DRAFT): N_("A claim to %(vendor)s was drafted"),
    ("rma", RmaState.SUBMITTED): N_("The claim to %(vendor)s was ordered"),
    ("rma", RmaState.OUTCOME_UNKNOWN): N_("The line to %(vendor)s dropped after sending"),
    ("rma", RmaState.SUBMIT_FAILED): N_("%(vendor)s refused the form"),
    ("rma", RmaState.MANUAL_HANDLING): N_("The claim went to a person"),
    ("rma", RmaState.UNDER_REVIEW): N_("%(vendor)s took the claim"),
    ("rma", RmaState.INFO_REQUIRED): N_("%(vendor)s asked back"),
    ("rma", RmaState.AUTHORIZED): N_("%(vendor)s authorised the replacement"),
    ("rma", RmaState.DENIED): N_("%(vendor)s refused the claim"),
    ("rma", RmaState.EXPIRED): N_("The RMA number expired"),
    ("rma", RmaState.CANCELLED): N_("The claim was cancelled"),
    ("rma", RmaState.CLOSED): N_("%(vendor)s closed its case"),
    ("to_us", ShipmentState.EXPECTED): N_("A parcel was announced"),
    ("to_us", ShipmentState.IN_TRANSIT): N_("%(vendor)s shipped the replacement"),
    ("to_us", ShipmentState.DELIVERED): N_("The parcel was delivered"),
    ("to_us", ShipmentState.CHECKED_IN): N_("%(actor)s booked in the parcel"),
    ("to_us", ShipmentState.WRONG_OR_DAMAGED): N_("The parcel was wrong or damaged"),
    ("to_us", ShipmentState.LOST): N_("The parcel was lost"),
    ("to_vendor", ShipmentState.DUE): N_("The old part is to go back"),
    ("to_vendor", ShipmentState.IN_TRANSIT): N_("The old part went back"),
    ("to_vendor", ShipmentState.RECEIVED): N_("%(vendor)s received the old part"),
    ("to_vendor", ShipmentState.ACCEPTED): N_("%(vendor)s accepted the old part"),
    ("to_vendor", ShipmentState.NO_FAULT_FOUND): N_("%(vendor)s found no fault in the old part"),
    ("to_vendor", ShipmentState.REFUSED): N_("%(vendor)s refused the old part"),
    ("to_vendor", ShipmentState.WAIVED): N_("%(vendor)s does not want the old part back"),
    ("to_vendor", ShipmentState.RETAINED): N_("The old part stays here, with certificate"),
    ("to_vendor", ShipmentState.CHARGED): N_("%(vendor)s charged for the missing return"),
    ("to_vendor", ShipmentState.LOST): N_("The return was lost"),
    ("swap", SwapState.PLANNED): N_("The swap was planned"),
    ("swap", SwapState.RECEIVED): N_("The replacement is at hand"),
    ("swap", SwapState.INSTALLED): N_("%(actor)s installed the replacement"),
    ("swap", SwapState.VERIFIED): N_("The replacement was verified"),
    ("swap", SwapState.DONE): N_("The swap was finished"),
    ("swap", SwapState.DEAD_ON_ARRIVAL): N_("The replacement was dead on arrival"),
    ("swap", SwapState.ABANDONED): N_("The swap was given up"),
    ("job", JobState.DRAFT): N_("A billable job was drafted"),
    ("job", JobState.QUOTED): N_("The job was priced"),
    ("job", JobState.AWAITING_APPROVAL): N_("The quote went to the client"),
    ("job", JobState.APPROVED): N_("The job was approved"),
    ("job", JobState.DECLINED): N_("The client declined the quote"),
    ("job", JobState.QUOTE_EXPIRED): N_("The quote expired"),
    ("job", JobState.SCHEDULED): N_("The work was scheduled"),
    ("job", JobState.IN_PROGRESS): N_("The work began"),
    ("job", JobState.ON_HOLD): N_("The work was put on hold"),
    ("job", JobState.CHANGE_REQUESTED): N_("The work became dearer than approved"),
    ("job", JobState.COMPLETED): N_("The work was completed"),
    ("job", JobState.READY_TO_INVOICE): N_("The job is ready to invoice"),
    ("job", JobState.EXPORTED): N_("The job went to accounting"),
    ("job", JobState.INVOICED): N_("The job was invoiced"),
    ("job", JobState.CREDITED): N_("The job was credited"),
    ("job", JobState.CLOSED): N_("The job was closed"),
    ("job", JobState.CANCELLED): N_("The job was cancelled"),
    ("job", JobState.WAIVED): N_("The charge was waived"),
    ("to_us", "arrival"): N_("Parcel expected"),
    ("to_vendor", "return"): N_("Old part due at %(vendor)s"),
}


def word(member: StrEnum) -> str:
    """A member of a closed vocabulary in the reader's language."""
    return reader().text(WORDS[type(member)][member])


def badge(sign: Sign) -> str:
    """The word beside the sign: the verdict, or what became of a report that needed none."""
    if sign.word is not None:
        return word(sign.word)
    return reader().text(BECAME[sign.route])


def pays(payer: Party | None, name: str | None = None) -> str:
    """Who pays: "The maker pays", "We pay"; open where nobody knows yet."""
    if payer is None:
        return reader().text(N_("Open"))
    if payer is Party.VENDOR and name:
        return reader().text(N_("%(name)s pays"), name=name)
    return reader().text(PAYS[payer])


def ball_name(ball: Ball) -> str:
    """Who has the ball: the reader is "You", others go by their name where it is known."""
    if ball.is_reader:
        return reader().text(N_("You"))
    return ball.name or word(ball.holder)


def title(subject: Subject) -> str:
    """What is broken, as a heading: "Disk (bay 3), PowerEdge R750xs"."""
    part = word(subject.component)
    if subject.component_ref:
        part = f"{part} ({subject.component_ref})"
    return f"{part}, {subject.product or subject.serial_number}"


def client_title(subject: Subject) -> str:
    """What is broken, as the client calls it: by the unit's name where it has one."""
    return f"{word(subject.component)}, {subject.unit_name or subject.product or subject.serial_number}"


def answer(situation: Situation) -> str:
    """The one sentence that says where a case stands, for staff."""
    return _sentence(ANSWERS[situation.headline], situation)


def client_answer(situation: Situation) -> str:
    """The one sentence that says where a case stands, for the client."""
    return _sentence(CLIENT_ANSWERS[situation.headline], situation)


NEXT: Final[Mapping[Headline, str]] = {
    Headline.REPORTED: N_("the decision"),
    Headline.ASSESSING: N_("the decision"),
    Headline.ASKING_VENDOR: N_("the decision, with the answer"),
    Headline.IN_REVIEW: N_("a person decides"),
    Headline.AWAITING_APPROVAL: N_("the client says yes or no"),
    Headline.PREPARING: N_("what is missing, then it goes on"),
    Headline.SENT: N_("what the vendor answers"),
    Headline.UNCERTAIN: N_("the search at the vendor"),
    Headline.WITH_PERSON: N_("call the vendor, record the answer"),
    Headline.VENDOR_REVIEW: N_("the RMA number"),
    Headline.INFO_REQUIRED: N_("answer the vendor"),
    Headline.AUTHORIZED: N_("the parcel"),
    Headline.DENIED: N_("ask again, goodwill, or the job"),
    Headline.SHIPPED: N_("book in the parcel, then swap"),
    Headline.DELIVERED: N_("the swap"),
    Headline.INSTALLING: N_("verify the replacement"),
}
"""What comes next on a case; nothing is said where it is over, or where the answer says it already."""


def next_step(headline: Headline) -> str:
    """What comes next; empty where there is nothing to say."""
    return reader().text(NEXT[headline]) if headline in NEXT else ""


def days_of(zone: str) -> str:
    """Whose days the days of a contract are."""
    return reader().text(N_("Its days are those of %(zone)s"), zone=zone)


def in_zone(when: datetime, zone: str) -> str:
    """An instant by the clock of a contract, with the name of its zone."""
    there = replace(reader(), zone=choose_zone(zone))
    return reader().text(
        N_("%(day)s, %(time)s by the clock of the contract (%(zone)s)"),
        day=there.day(when),
        time=there.time(when),
        zone=zone,
    )


def day_there(day: date, zone: str, is_end: bool) -> str:  # noqa: FBT001 - a filter's argument
    """A contract's first or last day: in which zone it is meant, and when it begins or is over by the reader's clock."""
    if not date.min.year < day.year < date.max.year:  # no clock goes beyond
        return reader().text(N_("A day in %(zone)s"), zone=zone)
    turn = datetime.combine(day + timedelta(days=is_end), time(), choose_zone(zone))
    if turn.utcoffset() == turn.astimezone(reader().zone).utcoffset():
        return reader().text(N_("A day in %(zone)s, as by your clock"), zone=zone)
    said = (
        N_("A day in %(zone)s: over %(when)s by your clock")
        if is_end
        else N_("A day in %(zone)s: begins %(when)s by your clock")
    )
    return reader().text(said, zone=zone, when=reader().moment(turn))


def track(record: str, vendor: str | None) -> str:
    """The heading of a track: "Claim at the maker"."""
    return reader().text(TRACKS[record], vendor=_named(vendor))


def number(kind: str, vendor: str | None) -> str:
    """What a number is: "Maker case"."""
    return upper_first(reader().text(NUMBERS[kind], vendor=_named(vendor)))


def happened(row: TimelineRow) -> str:
    """What a row of the timeline tells, in the past tense, with the actor as its subject."""
    actor = row.actor or reader().text(N_("The system"))
    told = reader().text(HAPPENED[row.record, row.state], actor=actor, vendor=_named(row.vendor), **row.names)
    return told if row.actor else upper_first(told)  # nobody's name or address is spelled anew


def upper_first(text: str) -> str:
    """The same text as the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def step_number(step: ClientStep) -> int:
    """Which of the client's eight steps it is, from 1."""
    return list(ClientStep).index(step) + 1


def sentence(reason: reasons.Reason) -> str:
    """The sentence of a verdict's entry, with its days as the reader writes them."""
    here = reader()
    params = {
        name: here.dated(date.fromisoformat(value)) if name.endswith("_on") and isinstance(value, str) else value
        for name, value in reason.params.items()
    }
    return reasons.render(reason.code, reason.share, reason.coverage, params, here.text)


def client_pays(payer: Party | None, name: str | None = None) -> str:
    """Who pays, said to the client: "You pay.", "We pay.", "The maker pays."."""
    return reader().text(N_("You pay.")) if payer is Party.CLIENT else f"{pays(payer, name)}."


def client_share(share: Share) -> str:
    """A share of the swap as the client calls it."""
    return word(share) if share is Share.PARTS else reader().text(N_("Work"))


def client_ball(ball: Ball) -> str:
    """Whose turn it is, said to the client: "You", "We", "The maker"."""
    return reader().text(N_("We")) if ball.holder is Side.MSP else ball_name(ball)


def claim_choices(form: ClaimForm) -> list[tuple[str, str]]:
    """What a person may record of a claim, each with its words: "The maker gave an RMA number"."""
    vendor, said = _named(form.vendor), {**CLAIM_MOVES, **(AFTER_DENIAL if form.can_resubmit else {})}
    return [(to.value, upper_first(reader().text(said[to], vendor=vendor))) for to in form.moves]


def note_choices(form: NoteForm) -> list[tuple[str, str]]:
    """Who is to read a note: we alone, or the vendor too."""
    ways = [(NoteWay.INTERNAL, N_("Only we")), (NoteWay.TO_VENDOR, N_("%(vendor)s too"))]
    vendor = _named(form.vendor)
    shown = ways if form.takes_notes else ways[:1]
    return [(way.value, upper_first(reader().text(text, vendor=vendor))) for way, text in shown]


def holds(record: Ending) -> str:
    """Why an override cannot be made yet."""
    said = {
        "rma": N_("The vendor may hold the claim %(number)s: cancel that first."),
        "job": N_("Job %(number)s is approved already: cancel or credit it first."),
    }
    return reader().text(said[record.record], number=record.number)


def override_codes() -> list[tuple[str, str]]:
    """What kinds of reasons an override may have, each with its words."""
    return [(code.value, word(code)) for code in OverrideCode]


def swap_kinds() -> list[tuple[str, str]]:
    """What may be exchanged, each with its words."""
    return [(one.value, word(one)) for one in SwapKind]


def swap_sources() -> list[tuple[str, str]]:
    """Where a replacement may come from, each with its words."""
    return [(one.value, word(one)) for one in SwapSource]


def kind(of: str) -> str:
    """What sort of contract it is, in the reader's language."""
    return upper_first(reader().text(reasons.LABELS["kind"][of]))


def unit_event(action: str) -> str:
    """What happened to a unit."""
    return reader().text(UNIT_EVENTS[action]) if action in UNIT_EVENTS else action


def unit_field(column: str) -> str:
    """What a fact of a unit is called."""
    return reader().text(UNIT_FIELDS[column])


def choices_of(vocabulary: type[StrEnum]) -> list[tuple[str, str]]:
    """A vocabulary as a form offers it: value and text."""
    return [(one.value, word(one)) for one in vocabulary]


def found_kind(kind: str) -> str:
    """What the search found."""
    return reader().text(FOUND[kind])


def unit_filter(what: str) -> str:
    """What a list of units is narrowed by."""
    return reader().text(UNIT_FILTERS[what])


def component_word(of: str) -> str:
    """A component that is kept as its bare word."""
    return word(Component(of))


def setting(field: str) -> str:
    """What can be set, in the reader's language; a vendor's own name of it stays."""
    return reader().text(SETTINGS[field]) if field in SETTINGS else field


def is_vendors_word(field: str) -> bool:
    """Whether a setting is called by a vendor's own name."""
    return field not in SETTINGS


def setting_value(value: str | None, field: str, currency: str) -> str:
    """A value of what can be set, as people read it; a dash where there is none."""
    here = reader()
    if not value:
        return "\N{EN DASH}"
    if field in {"precedence", "duties", "scopes"}:
        named: dict[str, Callable[[str], str]] = {
            "precedence": kind,
            "duties": lambda one: word(Duty(one)),
            "scopes": lambda one: word(TokenScope(one)),
        }
        return ", ".join(named[field](one) for one in value.split(", "))
    if field == "role":
        return word(Role(value))
    if field == "language":
        return LANGUAGES.get(value, value)
    if field.endswith("_minor") and value.isdigit():
        return here.money(int(value), currency)
    if value in {"True", "False"}:
        return here.text(N_("yes") if value == "True" else N_("no"))
    return here.count(int(value)) if value.isdigit() and len(value) < 10 and field in SETTINGS else value


def setting_done(row: HistoryRow) -> str:
    """What was done about a setting, and by whom."""
    who = row.who or reader().text(N_("Somebody at the server"))
    return reader().text(SETTINGS_DONE.get(row.action, SETTINGS_DONE["change"]), who=who)


def role_means(role: Role) -> str:
    """What a role may do."""
    return reader().text(ROLES[role])


def step(of: Step) -> str:
    """What a person does next who claims something by hand."""
    return reader().text(of.sentence, **of.params)


def initials(name: str) -> str:
    """The letters of an avatar: of the first and the last word."""
    words = name.replace("@", " ").split()
    return "".join(one[0] for one in words[:1] + words[1:][-1:]).upper()


def by_day(rows: Iterable[TimelineRow]) -> list[tuple[date, list[TimelineRow]]]:
    """The rows of a timeline by the reader's days, in the order in which they come."""
    day_of = reader().day_of
    return [(day, list(group)) for day, group in groupby(rows, key=lambda row: day_of(row.at))]


def lost(shares: Iterable[ShareRows]) -> int:
    """How many entries of a verdict do not pay."""
    return sum(len(share.losers) for share in shares)


def line(what: str) -> str:
    """What sort of line a job's line is."""
    return reader().text(LINES[what])


def _named(vendor: str | None) -> str:
    """The vendor's name; where nobody knows it, the bare word, which other languages give without an article."""
    return vendor or reader().text(N_("the vendor"))


def _sentence(messages: tuple[str, ...], situation: Situation) -> str:
    """The fullest of the messages that what is known can fill."""
    here = reader()
    known = {
        "vendor": _named(situation.vendor),
        "new": here.text(NEW[situation.component]),
        "old": here.text(OLD[situation.component]),
    }
    if situation.expected_on:
        known["day"] = here.long_day(situation.expected_on)
    if situation.return_by:
        known["return_day"] = here.long_day(situation.return_by)
    if situation.total_minor is not None:
        known["sum"] = here.money(situation.total_minor, situation.currency)
    message = next(one for one in messages if _places(one) <= known.keys())
    return upper_first(here.text(message, **known))


def _places(message: str) -> set[str]:
    """The names of the places in a message."""
    return {part.partition(")")[0] for part in message.split("%(")[1:]}


COMMON_COMPONENTS: Final = (
    Component.UNIT, Component.DISK, Component.PSU, Component.MEMORY, Component.FAN, Component.MAINBOARD,
)  # fmt: skip
RARE_CAUSES: Final = (Cause.WEAR, Cause.MISUSE, Cause.THEFT)
SEVERITIES: Final = (
    ("1", N_("1 Outage")), ("2", N_("2 Impaired")), ("3", N_("3 Minor")), ("4", N_("4 No effect yet")),
)  # fmt: skip


def choices() -> dict[str, list[tuple[str, str]]]:
    """What the report form lets one choose, in the reader's words: the usual as pills, the rest for a select."""
    return {
        "component_pills": [(one.value, word(one)) for one in COMMON_COMPONENTS],
        "component_rest": [(one.value, word(one)) for one in Component if one not in COMMON_COMPONENTS],
        "cause_pills": [(one.value, word(one)) for one in Cause if one not in RARE_CAUSES],
        "cause_rest": [(one.value, word(one)) for one in RARE_CAUSES],
        "severities": [(value, reader().text(text)) for value, text in SEVERITIES],
    }


_FILTERS: Final = {
    "answer": answer,
    "badge": badge,
    "ball_name": ball_name,
    "by_day": by_day,
    "client_answer": client_answer,
    "client_ball": client_ball,
    "client_share": client_share,
    "client_title": client_title,
    "component_word": component_word,
    "day_there": day_there,
    "days_of": days_of,
    "found_kind": found_kind,
    "happened": happened,
    "holds": holds,
    "in_zone": in_zone,
    "next_step": next_step,
    "initials": initials,
    "kind": kind,
    "line": line,
    "role_means": role_means,
    "sentence": sentence,
    "setting": setting,
    "setting_done": setting_done,
    "setting_kind": kind,
    "setting_value": setting_value,
    "step_number": step_number,
    "sum_lost": lost,
    "title_of": title,
    "unit_event": unit_event,
    "unit_filter": unit_filter,
    "unit_field": unit_field,
    "upper_first": upper_first,
    "word": word,
}


def init_app(app: Flask) -> None:
    """Give the templates of `app` these words as filters and functions."""
    for name, write in _FILTERS.items():
        app.jinja_env.filters[name] = write
    app.jinja_env.globals.update(
        pays=pays,
        client_pays=client_pays,
        client_steps=list(ClientStep),
        is_vendors_word=is_vendors_word,
        roles=list(Role),
        track_name=track,
        number_name=number,
        claim_choices=claim_choices,
        note_choices=note_choices,
        override_codes=override_codes,
        swap_kinds=swap_kinds,
        swap_sources=swap_sources,
        unit_columns=partial(choices_of, Column),
        unit_covers=partial(choices_of, Covered),
        unit_owners=partial(choices_of, Ownership),
        unit_states=partial(choices_of, AssetState),
    )
