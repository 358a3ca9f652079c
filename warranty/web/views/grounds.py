"""What a verdict rests on, as its page shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from warranty.domain.terms import CoverageSays, EvidenceSource, LookupSource, Share, UnitSays
from warranty.web import views, words
from warranty.web.i18n import N_, reader
from warranty.web.pages.evidence import Answer, EvidenceRow, EvidenceView, Result, Said
from warranty.web.views.colleagues import name_of

if TYPE_CHECKING:
    from datetime import datetime

    from warranty.domain.case import Coverage, Evidence, UnitLookup
    from warranty.models import Fault
    from warranty.services.evidence import Ground
    from warranty.services.queries import Place

_COVERAGE_SAYS = {
    CoverageSays.COVERED: N_("The vendor said: covered."),
    CoverageSays.NOT_COVERED: N_("The vendor said: not covered."),
    CoverageSays.UNKNOWN: N_("The vendor did not know the unit."),
    CoverageSays.NOT_OWNER: N_("The vendor said that the unit belongs to somebody else."),
}
_UNIT_SAYS = {
    UnitSays.LISTED: N_("The vendor listed the unit."),
    UnitSays.UNKNOWN: N_("The vendor did not know the unit."),
    UnitSays.NOT_OWNER: N_("The vendor said that the unit belongs to somebody else."),
}
_WITHOUT_ASKING = {
    EvidenceSource.CONTRACT_FILE: N_("The contract itself, as it was entered or imported."),
    EvidenceSource.NONE: N_("Nothing but the entry."),
    LookupSource.NOT_AVAILABLE: N_("No account of ours could ask about this unit."),
}


def page(fault: Fault, place: Place, ground: Ground) -> EvidenceView:
    """A verdict, each contract that was asked with its evidence, and the vendor's answers."""
    decided, case = ground.decided, ground.case
    return EvidenceView(
        reference=fault.reference,
        case_url=url_for("staff.case_detail", id=fault.public_id),
        subject=views.subject(place, fault),
        sign=views.sign(decided.verdict),
        decided_at=decided.row.decided_at,
        decided_by=name_of(decided.by) if decided.by else None,
        is_newest=ground.is_newest,
        engine=decided.row.engine_version,
        unit=_said(ground, case.asset.lookup) if case and case.asset else None,
        attested=bool(case and case.asset and case.asset.lookup.absence_attested),
        rows=tuple(_row(ground, one) for one in case.coverages) if case else (),
        answers=tuple(
            Answer(f"answer-{one.answer.public_id}", one.account, one.answer.answered_at, one.answer.raw)
            for one in ground.answers
        ),
    )


def _row(ground: Ground, one: Coverage) -> EvidenceRow:
    known = ground.coverages.get(one.id)
    awards = ground.decided.verdict.awards
    won = {Share.PARTS: awards.parts, Share.LABOUR: awards.labour}
    return EvidenceRow(
        name=(known.name if known else "") or words.kind(one.kind),
        number=one.contract_number,
        zone=one.time_zone.key,
        results=tuple(
            Result(entry.share, views.outcome(entry.code, is_awarded=won[entry.share] == one.id), entry)
            for entry in ground.decided.verdict.reasons
            if entry.coverage == one.id and entry.share is not None
        ),
        said=_said(ground, one.evidence),
    )


def _said(ground: Ground, evidence: Evidence | UnitLookup) -> Said:
    """What evidence said, and how old it was."""
    said = reader().text
    if evidence.source in _WITHOUT_ASKING:
        return Said(said(_WITHOUT_ASKING[evidence.source]))
    if evidence.error is not None:
        return _at(ground, said(N_("The vendor could not be asked: %(why)s"), why=evidence.error), evidence.checked_at)
    if evidence.checked_at is None or evidence.vendor_says is None:
        return Said(said(N_("Nobody had asked the vendor.")))
    says = evidence.vendor_says
    text = _UNIT_SAYS[says] if isinstance(says, UnitSays) else _COVERAGE_SAYS[says]
    return _at(ground, said(text), evidence.checked_at)


def _at(ground: Ground, text: str, when: datetime | None) -> Said:
    held = ground.held_at(when)
    age = ground.decided.row.decided_at - when if when else None
    return Said(text, when, age, f"answer-{held.answer.public_id}" if held else None)
