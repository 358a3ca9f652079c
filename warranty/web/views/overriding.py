"""From what an override would do to what its page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for

from warranty.domain.access import Permission
from warranty.domain.coverage import Verdict
from warranty.domain.terms import Party, Share
from warranty.models import Rma
from warranty.models.work import TaskKind
from warranty.services import overrides, people, queries
from warranty.web import words
from warranty.web.guards import call
from warranty.web.pages.overriding import Ending, OpinionForm, OutlookView, OverrideView
from warranty.web.views import open_task, sign, subject
from warranty.web.views.colleagues import name_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from warranty.models import AdHocJob, Coverage, Fault, Product, StoredVerdict, User
    from warranty.services.overrides import Outlook
    from warranty.services.queries import Case


def outlook(found: Outlook, product: Product | None) -> OutlookView:
    """What an override would do."""
    vendor = queries.vendor_name(product, found.account, found.winner)
    verdict = found.verdict
    payers = ((Share.PARTS, verdict.pays.parts), (Share.LABOUR, verdict.pays.labour))
    return OutlookView(
        sign=sign(verdict),
        payers=tuple((share, payer, vendor if payer is Party.VENDOR else None) for share, payer in payers),
        vendor=vendor,
        ends=tuple(map(_ending, found.ends)),
        needs_second=found.needs_second,
        holds=_ending(found.holds) if found.holds else None,
    )


def _ending(record: Rma | AdHocJob) -> Ending:
    return Ending("rma", record.client_reference) if isinstance(record, Rma) else Ending("job", record.reference)


def page(
    fault: Fault,
    place: queries.Place,
    newest: StoredVerdict | None,
    coverages: Iterable[Coverage],
    key: str,
    *,
    seen: OutlookView | None,
    values: Mapping[str, str],
    errors: Mapping[str, str],
) -> OverrideView:
    """The page of an override, with what was typed and what would follow."""
    verdict = Verdict.from_json(newest.verdict_document) if newest else None
    return OverrideView(
        url=url_for("staff.override", id=fault.public_id),
        preview_url=url_for("staff.preview_override", id=fault.public_id),
        case_url=url_for("staff.case_detail", id=fault.public_id),
        case_reference=fault.reference,
        subject=subject(place, fault),
        present=sign(verdict) if verdict else None,
        key=key,
        seen=str(newest.public_id) if newest else "",
        coverages=tuple((str(one.public_id), _named(one)) for one in coverages),
        outlook=seen,
        values=values,
        errors=errors,
    )


def _named(coverage: Coverage) -> str:
    name = coverage.name or words.kind(coverage.kind)
    return f"{name}, {coverage.contract_number}" if coverage.contract_number else name


def opinion(
    found: Case,
    staff: Iterable[User],
    key: str,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> OpinionForm | None:
    """What a second person is asked, where the case waits for one and the caller may decide."""
    task = open_task(found, TaskKind.OVERRIDE)
    if task is None or not call().principal.may(Permission.DECIDE):
        return None
    asked = overrides.request_of(call().session, task)
    names = {people.actor_of(one): name_of(one) for one in staff}
    is_own = asked.asked_by == call().principal.actor
    return OpinionForm(
        url=None if is_own else url_for("staff.answer_override", id=found.fault.public_id),
        key=key,
        seen=str(task.public_id),
        asked_by=names.get(asked.asked_by, asked.asked_by),
        verdict=asked.verdict,
        code=asked.reason_code,
        reason=asked.reason,
        values=values or {},
        errors=errors or {},
    )
