"""The sentence of every reason: the only place that puts a reason code into words for a client.

A sentence is made from the entry alone: from its code, its share, whether it speaks of a coverage, and its ``params``.
So an entry that was stored years ago can be put into words again, in any language: the sentences and the labels below
are message ids of the catalogues, with named places, and labels stand where no language would inflect them.
Source: domain.md, section 2.
"""
# ruff: noqa: E501 - a sentence stands on one line, as the catalogues have it

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from warranty.domain.terms import (
    AssetState,
    Cause,
    Component,
    CoverageKind,
    CoverageSays,
    ReasonCode,
    Rule,
    Share,
)

Params = Mapping[str, Any]  # JSON values: text, whole numbers

# fmt: off
CHOSEN: Final[dict[str | None, str]] = {       # by the share that was won
    Share.PARTS: "The replacement hardware is paid for under contract %(contract)s (%(kind)s).",
    Share.LABOUR: "The work of the replacement is paid for under contract %(contract)s (%(kind)s).",
}
OUTRANKED: Final[dict[str, str]] = {    # by the rule that decided
    Rule.PRECEDENCE: "This contract would pay too; another goes first, because its kind comes first in what was agreed with you.",
    Rule.SPECIFICITY: "This contract would pay too; another goes first, because it is written more closely for this unit.",
    Rule.SERVICE_LEVEL: "This contract would pay too; another goes first, because its service is faster.",
    Rule.DELIVERY: "This contract would pay too; another goes first, because the replacement reaches you more easily.",
    Rule.ENDS_SOONER: "This contract would pay too; another goes first, because it ends sooner.",
    Rule.CONTRACT_NUMBER: "This contract would pay too; an equal one goes first, because its number is lower.",
    Rule.ID: "This contract would pay too; an equal entry of it goes first, because it has the lower identifier.",
}
OF_THE_UNIT: Final[dict[ReasonCode, str]] = {    # what the vendor said of the unit itself: a share, and no coverage
    ReasonCode.LOOKUP_FAILED: "The vendor was asked about this unit and could not answer.",
    ReasonCode.NEVER_LOOKED_UP: "The vendor has not been asked about this unit yet.",
    ReasonCode.LOOKUP_STALE: "The vendor's last answer about this unit is too old, of %(checked_on)s.",
    ReasonCode.UNKNOWN_TO_VENDOR: "The vendor does not know this unit.",
    ReasonCode.NOT_OWNER_AT_VENDOR: "The vendor has this unit under another owner.",
    ReasonCode.NO_EVIDENCE: "No vendor can be asked about this unit, and nobody has confirmed yet that nothing else covers it.",
}
SENTENCES: Final[dict[ReasonCode, str]] = {      # all others
    # who pays where no contract does
    ReasonCode.MSP_OWNED: "The unit is part of your hardware service: what no contract pays, your service provider does.",
    ReasonCode.LOANER: "The unit is on loan from your service provider, who pays what no contract pays.",
    ReasonCode.NO_COVERAGE: "No warranty and no contract on record is written for this unit.",
    # the contract and its days
    ReasonCode.SUSPENDED: "Contract %(contract)s is suspended.",
    ReasonCode.VOIDED: "Contract %(contract)s is void.",
    ReasonCode.CANCELLED: "Contract %(contract)s has been cancelled.",
    ReasonCode.SUPERSEDED: "Contract %(contract)s has been replaced by another one.",
    ReasonCode.NOT_STARTED: "Contract %(contract)s begins on %(starts_on)s, after the fault of %(fault_on)s.",
    ReasonCode.FAILURE_BEFORE_COVER: "The unit failed on %(fault_on)s, before contract %(contract)s began on %(starts_on)s.",
    ReasonCode.WAITING_PERIOD: "The fault of %(fault_on)s falls in the waiting period of contract %(contract)s, which began on %(starts_on)s.",
    ReasonCode.EXPIRED: "Contract %(contract)s ended on %(ends_on)s, before the fault of %(fault_on)s.",
    ReasonCode.IN_GRACE: "Contract %(contract)s ended on %(ends_on)s; the fault of %(fault_on)s falls in the period of grace after it.",
    ReasonCode.REPORTED_AFTER_COVER: "The fault of %(fault_on)s was reported on %(reported_on)s, too long after the end of contract %(contract)s on %(ends_on)s.",
    # what the contract pays for
    ReasonCode.SITE_NOT_COVERED: "Contract %(contract)s is not for the site of this unit.",
    ReasonCode.COMPONENT_EXCLUDED: "Contract %(contract)s excludes this component: %(component)s.",
    ReasonCode.CONSUMABLE_EXCLUDED: "Contract %(contract)s excludes this part, which wears out in use: %(component)s.",
    ReasonCode.CAUSE_EXCLUDED: "Contract %(contract)s excludes this cause: %(cause)s.",
    ReasonCode.CAUSE_UNKNOWN: "Contract %(contract)s excludes some causes, and the cause of this fault is not known yet.",
    ReasonCode.PARTS_NOT_COVERED: "Contract %(contract)s does not pay for hardware.",
    ReasonCode.LABOUR_NOT_COVERED: "Contract %(contract)s does not pay for the work.",
    ReasonCode.LIMIT_EXHAUSTED: "All claims that contract %(contract)s allows are used (%(claims_used)s of %(claims_limit)s).",
    ReasonCode.UNKNOWN_SERVICE_LEVEL: "The service level of contract %(contract)s is not known yet.",
    # what the vendor said of the contract
    ReasonCode.LOOKUP_FAILED: "The vendor was asked about contract %(contract)s and could not answer.",
    ReasonCode.NEVER_LOOKED_UP: "The vendor has not been asked about contract %(contract)s yet.",
    ReasonCode.LOOKUP_STALE: "The vendor's last answer about contract %(contract)s is too old, of %(checked_on)s.",
    ReasonCode.UNKNOWN_TO_VENDOR: "The vendor does not know this unit under contract %(contract)s.",
    ReasonCode.NOT_OWNER_AT_VENDOR: "The vendor has contract %(contract)s under another owner.",
    ReasonCode.NO_EVIDENCE: "Nothing on record proves contract %(contract)s yet.",
    ReasonCode.SOURCES_CONFLICT: "The vendor's answer about contract %(contract)s (%(vendor_says)s) contradicts its recorded days for the fault of %(fault_on)s.",
    # the unit, and what else is known of it
    ReasonCode.UNIT_UNIDENTIFIED: "No unit with this serial number is on record.",
    ReasonCode.SERIAL_AMBIGUOUS: "More than one unit has this serial number (%(matches)s); a person must say which one is meant.",
    ReasonCode.ASSET_REPLACED: "This unit has already been replaced.",
    ReasonCode.ASSET_DECOMMISSIONED: "This unit is no longer in use (%(state)s).",
    ReasonCode.ASSET_NOT_ACCEPTED: "This unit has not been accepted at its hand-over.",
    ReasonCode.LEASED: "This unit is leased; its lessor decides how it is replaced.",
    ReasonCode.PRE_EXISTING_CONDITION: "This component was already listed as faulty when the unit was handed over (%(component)s).",
    ReasonCode.WITHIN_TOLERANCE: "The reading is inside what was agreed (%(metric)s: %(value)s, target %(target)s, tolerance %(tolerance)s).",
    ReasonCode.OPEN_RMA_EXISTS: "A claim at the vendor is already open for this unit (%(case)s).",
    ReasonCode.OPEN_JOB_EXISTS: "A job is already open for this unit (%(case)s).",
    ReasonCode.DUPLICATE_FAULT: "A fault is already open for this unit (%(case)s).",
    ReasonCode.REPEAT_FAILURE: "An earlier case on the same component was closed only shortly before (%(case)s).",
}
LABELS: Final[dict[str, dict[str, str]]] = {    # by the name of the place they fill
    "kind": {
        CoverageKind.MANUFACTURER_WARRANTY: "manufacturer's warranty", CoverageKind.VENDOR_CONTRACT: "vendor's service contract",
        CoverageKind.THIRD_PARTY_MAINTENANCE: "third-party maintenance", CoverageKind.MSP_AGREEMENT: "agreement with your service provider",
        CoverageKind.INSURANCE: "insurance",
    },
    "component": {
        Component.UNIT: "whole unit", Component.MAINBOARD: "mainboard", Component.CPU: "processor", Component.MEMORY: "memory",
        Component.DISK: "disk", Component.PSU: "power supply", Component.FAN: "fan", Component.BATTERY: "battery",
        Component.SCREEN: "screen", Component.KEYBOARD: "keyboard", Component.NIC: "network card", Component.PORT: "port",
        Component.OPTIC: "optical module", Component.CONTROLLER: "controller", Component.TONER: "toner", Component.DRUM: "drum",
        Component.LAMP: "lamp", Component.OTHER: "other",
    },
    "cause": {
        Cause.HARDWARE_FAILURE: "hardware failure", Cause.DEAD_ON_ARRIVAL: "dead on arrival", Cause.WEAR: "wear",
        Cause.ACCIDENTAL_DAMAGE: "accidental damage", Cause.LIQUID: "liquid", Cause.SURGE: "power surge", Cause.MISUSE: "misuse",
        Cause.THEFT: "theft",
    },
    "vendor_says": {CoverageSays.COVERED: "covered", CoverageSays.NOT_COVERED: "not covered"},
    "state": {
        AssetState.DECOMMISSIONED: "decommissioned", AssetState.DISPOSED: "disposed of", AssetState.LOST: "lost", AssetState.STOLEN: "stolen",
    },
}
# fmt: on

ALL_SENTENCES: Final = (*CHOSEN.values(), *OUTRANKED.values(), *OF_THE_UNIT.values(), *SENTENCES.values())
PLACES: Final = {sentence: tuple(re.findall(r"%\((\w+)\)s", sentence)) for sentence in ALL_SENTENCES}
_LABELLED: Final = {  # the places of a sentence that take a label
    sentence: tuple(place for place in places if place in LABELS) for sentence, places in PLACES.items()
}


class Reason(NamedTuple):
    """One entry of a verdict. ``params`` holds what the sentence needs; ``text`` is that sentence in English."""

    code: ReasonCode
    share: Share | None
    coverage: str | None
    params: Params
    text: str


def reason(code: ReasonCode, share: Share | None = None, coverage: str | None = None, /, **params: Any) -> Reason:
    """Make one entry, with its English sentence."""
    return Reason(code, share, coverage, params, render(code, share, coverage, params))


def sentence_for(code: ReasonCode, share: Share | None, coverage: str | None, params: Params) -> str:
    """The message id of an entry: which of the sentences it takes."""
    if coverage is None and share is not None:
        return OF_THE_UNIT[code]
    if code == ReasonCode.CHOSEN:
        return CHOSEN[share]
    if code == ReasonCode.OUTRANKED:
        return OUTRANKED[params["rule"]]
    return SENTENCES[code]


def render(
    code: ReasonCode,
    share: Share | None,
    coverage: str | None,
    params: Params,
    translate: Callable[[str], str] | None = None,
) -> str:
    """Put one entry into words.

    Args:
        code: the entry's; ``share``, ``coverage`` and ``params`` are the entry's too.
        translate: message id to message; without it the sentence is English.
    """
    sentence = sentence_for(code, share, coverage, params)
    return fill(sentence, params, translate)


def fill(sentence: str, params: Params, translate: Callable[[str], str] | None = None) -> str:
    """Put facts into the places of a sentence, words of our vocabularies by their labels."""
    if labelled := _LABELLED[sentence]:
        params = dict(params)
        for place in labelled:
            label = LABELS[place][params[place]]
            params[place] = translate(label) if translate else label
    return (translate(sentence) if translate else sentence) % params
