"""The end of a unit: taken out of use, its media accounted for, and disposed of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import redirect, render_template, request, url_for
from sqlalchemy import select

from warranty.domain.access import Permission
from warranty.domain.handover import Sanitization
from warranty.domain.lifecycles import ASSET_MOVES
from warranty.domain.terms import AssetState
from warranty.models import Asset, Coverage, File
from warranty.services import retiring
from warranty.services.estate import InUse, Invalid
from warranty.services.moves import IllegalMove, attempt
from warranty.services.retiring import Medium
from warranty.web import views, words
from warranty.web.api.base import by_caller, held
from warranty.web.guards import call, needs
from warranty.web.i18n import N_, reader
from warranty.web.pages.handover import CoverRow, DisposalRow, MediumRow, RetirementView
from warranty.web.schemas.handover import DisposalForm, MediumBody, RetireBody, SettleBody
from warranty.web.staff.editing import Field, Form
from warranty.web.staff.handover import Sent, head, papers_of, part
from warranty.web.staff.room import blueprint

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from werkzeug.wrappers import Response

    from warranty.services.moves import Because

_NO_DAY: Final = N_("Enter a day that has been.")
_PAPER: Final = N_("Choose one of the documents of this unit.")
_RETIRE: Final = Form(
    RetireBody(),
    (
        Field(
            "ends",
            N_("What ends with today"),
            kind="checks",
            hint=N_(
                "Bought for this unit alone. What you leave open waits on the board until somebody says whether it ends."
            ),
            wrong=N_("Choose among what was bought for this unit."),
        ),
        Field("reason", N_("Reason"), wrong=N_("Say why the unit is taken out of use."), most=500),
    ),
)
_SETTLE: Final = Form(
    SettleBody(),
    (
        Field(
            "ends",
            N_("What ends with today"),
            kind="checks",
            hint=N_("What you leave open runs on, as you say below."),
            wrong=N_("Choose among what was bought for this unit."),
        ),
        Field("reason", N_("Reason"), wrong=N_("Say why: it is kept with each contract."), most=500),
    ),
)
_MEDIUM: Final = Form(
    MediumBody(exclude=("reason",)),
    (
        Field(
            "method",
            N_("What became of the data?"),
            kind="select",
            words=Sanitization,
            named=words.word,
            wrong=N_("Choose what became of the data. A unit without media has no other."),
        ),
        Field("serial_number", N_("Serial number of the medium"), style="mono", most=64, is_half=True,
              wrong=N_("Enter the serial number of a medium that does not stand here yet.")),
        Field("tool", N_("Erased with"), most=120, is_half=True, wrong=N_("Say with which tool it was erased.")),
        Field("done_by", N_("By whom"), most=200, is_half=True, wrong=N_("Say who did it, or who took the medium.")),
        Field("done_on", N_("On which day"), kind="day", is_half=True, wrong=_NO_DAY),
        Field("certificate", N_("Number of the certificate"), note=N_("optional"), most=120, is_half=True,
              wrong=N_("Give the number of the certificate, or choose its document.")),
        Field("file", N_("Certificate"), kind="select", note=N_("optional"), may_be_null=True, is_half=True,
              empty=N_("none"), wrong=_PAPER),
    ),
)  # fmt: skip
_DISPOSAL: Final = Form(
    DisposalForm(exclude=("reason", "file")),
    (
        Field("recycler", N_("Who took it"), most=200, is_half=True, wrong=N_("Say who took it.")),
        Field("document", N_("Number of their document"), most=120, is_half=True,
              wrong=N_("Enter the number of the document that they gave.")),
        Field("disposed_on", N_("Taken on"), kind="day", is_half=True, wrong=_NO_DAY),
        Field("paper", N_("Their document"), kind="select", note=N_("optional"), may_be_null=True, is_half=True,
              empty=N_("none"), wrong=_PAPER),
    ),
    names={"file": "paper"},
)  # fmt: skip


@blueprint.get("/assets/<uuid:id>/retirement")
@needs(Permission.READ, of=Asset)
def unit_retirement(asset: Asset) -> str:
    """The end of one unit."""
    return _page(asset, {})


@blueprint.post("/assets/<uuid:id>/retirement")
@needs(Permission.REGISTER, of=Asset)
def retire_unit(asset: Asset) -> Response | tuple[str, int]:
    """Take a unit out of use; what was bought for it ends, or waits for somebody."""

    def retire(asset: Asset, body: dict[str, Any], because: Because) -> None:
        ends = _chosen(asset, body["ends"])
        retiring.decommission(call().session, asset, ends=ends, because=because)

    return _do("retire", _RETIRE, asset, retire)


@blueprint.post("/assets/<uuid:id>/covers")
@needs(Permission.REGISTER, of=Asset)
def settle_covers(asset: Asset) -> Response | tuple[str, int]:
    """Say what of what was bought for a retired unit ends, and what runs on."""

    def settle(asset: Asset, body: dict[str, Any], because: Because) -> None:
        ends = {coverage.id for coverage in _chosen(asset, body["ends"])}
        for coverage in retiring.left_over(call().session, asset):
            retiring.settle(call().session, coverage, ends=coverage.id in ends, because=because)

    return _do("settle", _SETTLE, asset, settle)


@blueprint.post("/assets/<uuid:id>/media")
@needs(Permission.HANDLE, of=Asset)
def add_medium(asset: Asset) -> Response | tuple[str, int]:
    """Keep what became of one medium."""

    def add(asset: Asset, body: dict[str, Any], because: Because) -> None:
        body["file"] = _file(body["file"])
        retiring.add_medium(call().session, asset, Medium(**body), because=because)

    return _do("medium", _MEDIUM, asset, add)


@blueprint.post("/assets/<uuid:id>/disposal")
@needs(Permission.REGISTER, of=Asset)
def dispose_unit(asset: Asset) -> Response | tuple[str, int]:
    """Say who took a unit for recycling."""

    def dispose(asset: Asset, body: dict[str, Any], because: Because) -> None:
        body["file"] = _file(body.pop("paper"))
        retiring.dispose(call().session, asset, **body, because=because)

    return _do("dispose", _DISPOSAL, asset, dispose)


def _do(
    name: str, form: Form, asset: Asset, apply: Callable[[Asset, dict[str, Any], Because], None]
) -> Response | tuple[str, int]:
    """Do what a form says; where it cannot be done, the page again with what was typed."""
    asset, said = held(asset), reader().text
    body, errors = form.read(request.form)
    if errors:
        return _page(asset, {name: (request.form, errors)}), 422
    because = by_caller(body.pop("reason", "") or "recorded on a page")
    try:
        with attempt(call().session):
            apply(asset, body, because)
    except (IllegalMove, InUse):
        call().session.refresh(asset)
        first = form.fields[0].input
        late = said(N_("This is not possible now: the unit is in another state, or a case of it is open."))
        return _page(asset, {name: (request.form, {first: late})}), 409
    except Invalid as err:
        return _page(asset, {name: (request.form, form.refused(err))}), 422
    return redirect(url_for("staff.unit_retirement", id=asset.public_id), 303)


def _chosen(asset: Asset, ids: list[UUID]) -> list[Coverage]:
    found = [one for one in retiring.left_over(call().session, asset) if one.public_id in set(ids)]
    if len(found) != len(set(ids)):
        raise Invalid("ends", "Not all of these were bought for this unit, or they have ended.")
    return found


def _file(id_: UUID | None) -> File | None:
    if id_ is None:
        return None
    found = call().session.scalars(select(File).where(File.public_id == id_)).one_or_none()
    if found is None:
        raise Invalid("file", "There is no such document.")
    return found


def _page(asset: Asset, sent: dict[str, Sent]) -> str:
    session, may = call().session, call().principal.may
    document = retiring.document(session, asset)
    covers = retiring.left_over(session, asset)
    choices = {
        "ends": tuple((str(one.public_id), f"{one.contract_number} {one.name}".strip()) for one in covers),
        "file": papers_of(asset),
    }
    choices["paper"] = choices["file"]
    is_retired = asset.state in retiring.ENDED
    offered = {
        "retire": (_RETIRE, "staff.retire_unit", N_("Take it out of use"),
                   AssetState.DECOMMISSIONED in ASSET_MOVES[asset.state] and may(Permission.REGISTER)),
        "settle": (_SETTLE, "staff.settle_covers", N_("Say so"),
                   bool(covers) and is_retired and may(Permission.REGISTER)),
        "medium": (_MEDIUM, "staff.add_medium", N_("Keep it"),
                   asset.state in retiring.SANITIZED_IN and may(Permission.HANDLE)),
        "dispose": (_DISPOSAL, "staff.dispose_unit", N_("It is gone"),
                    asset.state is AssetState.DECOMMISSIONED and bool(document["media"]) and may(Permission.REGISTER)),
    }  # fmt: skip
    forms = {
        name: part(
            form if covers or name != "retire" else Form(form.schema, form.fields[1:]),
            url_for(endpoint, id=asset.public_id),
            button,
            sent.get(name),
            values={},
            choices=choices,
        )
        if is_offered
        else None
        for name, (form, endpoint, button, is_offered) in offered.items()
    }
    gone = document["disposal"]
    view = RetirementView(
        head=head(asset),
        is_retired=is_retired,
        media=tuple(
            MediumRow(
                one["method"], one["serial_number"], one["tool"], one["done_by"], one["done_on"], one["certificate"],
                _url(one["file"]),
            )
            for one in document["media"]
        ),
        disposal=gone and DisposalRow(gone["recycler"], gone["document"], gone["disposed_on"], _url(gone["file"])),
        covers=tuple(CoverRow(one.contract_number, one.name, one.ends_on) for one in covers),
        **forms,
    )  # fmt: skip
    return render_template("staff/retirement.html", frame=views.frame(), view=view)


def _url(file: UUID | None) -> str | None:
    return url_for("staff.download", id=file) if file else None
