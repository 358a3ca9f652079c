"""Forms that add or change a record of the registry: how one is described, read, refused and shown again.

A form carries the version of the record that it was filled from, a digest of its document. Where the record is another
one by the time the form comes in, nothing is written: the form comes back as it was typed, says what stands there now,
and carries the new version, so that whoever sends it again knows what they replace.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from babel.numbers import NumberFormatError, format_decimal, get_currency_precision, parse_decimal
from flask import redirect, render_template, request
from marshmallow import Schema, ValidationError

from warranty.services import records
from warranty.services.estate import Invalid
from warranty.web import views
from warranty.web.api.base import by_caller, held
from warranty.web.changes import tidy
from warranty.web.forms import digest, key_of
from warranty.web.guards import call
from warranty.web.i18n import N_, reader
from warranty.web.pages.registry import Crumb, FieldView, FormView

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import StrEnum

    from werkzeug.datastructures import MultiDict
    from werkzeug.wrappers import Response

    from warranty.services.moves import Because
    from warranty.services.records import Document, Kind

_NOT_TAKEN = N_("This is too long, or holds signs that nobody types.")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form, in messages of the catalogue.

    ``kind`` says how it is read: text, area, number, money, day, select, checks, check. ``inside`` is the part of the body
    that it stands in. ``wrong`` is what is said where it cannot be taken; ``refusal`` instead of it where a service names
    ``what`` of it. Empty is null where ``may_be_null``; of a choice it is the empty text where ``may_be_empty``, else it
    says nothing. ``words`` are the choices, ``named`` the function that names one.
    """

    name: str
    label: str
    kind: str = "text"
    wrong: str = _NOT_TAKEN
    refusal: str = ""
    note: str = ""
    hint: str = ""
    input_type: str = "text"
    style: str = ""
    most: int | None = None
    inside: str = ""
    is_half: bool = False
    may_be_null: bool = False
    may_be_empty: bool = False
    words: type[StrEnum] | None = None
    named: Callable[[Any], str] | None = None
    empty: str = N_("Choose")

    @property
    def input(self) -> str:
        """Its name in the form."""
        return f"{self.inside}_{self.name}" if self.inside else self.name


REASON = Field("reason", N_("Reason"), note=N_("optional"), hint=N_("Kept in the register, with your name."), most=500)


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its fields in order, and the schema of the same body."""

    schema: Schema
    fields: tuple[Field, ...]
    names: Mapping[str, str] = field(default_factory=dict)  # what a service calls a fact, and the form's field for it

    def read(self, typed: MultiDict[str, str], **fixed: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """What was typed, as the schema loads it, and what is wrong with it, by the form's field.

        ``fixed`` are facts that stand in no field.
        """
        given: dict[str, Any] = {**fixed}
        errors: dict[str, str] = {}
        for one in self.fields:
            place = given.setdefault(one.inside, {}) if one.inside else given
            try:
                value = _read(one, typed)
            except ValueError:
                errors[one.input] = one.wrong
                continue
            if value is not None or one.may_be_null:
                place[one.name] = value
        try:
            body: dict[str, Any] = self.schema.load(given)
        except ValidationError as err:
            body = {}
            for name, said in err.messages_dict.items():
                inner = (
                    said if isinstance(said, dict) and any(one.inside == name for one in self.fields) else {"": said}
                )
                for part in inner:
                    found = next(
                        (one for one in self.fields if (one.inside, one.name) in {(name, part), ("", name)}), None
                    )
                    errors.setdefault(found.input if found else name, found.wrong if found else _NOT_TAKEN)
        return body, {name: reader().text(said) for name, said in errors.items()}

    def refused(self, err: Invalid) -> dict[str, str]:
        """What a service refused, by the form's field."""
        name = self.names.get(err.field, err.field)
        found = next((one for one in self.fields if name in {one.name, one.input}), self.fields[0])
        if found.refusal:
            return {found.input: reader().text(found.refusal, what=err.message)}
        return {found.input: reader().text(found.wrong)}

    def filled(self, document: Document) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
        """The form's fields as a record fills them: texts, and of each field that has several values these."""
        texts: dict[str, str] = {}
        several: dict[str, tuple[str, ...]] = {}
        for one in self.fields:
            value = (document.get(one.inside) or {} if one.inside else document).get(one.name)
            if one.kind == "checks":
                several[one.input] = tuple(str(part) for part in value or ())
            else:
                texts[one.input] = _written(one, value, document.get("currency", "EUR"))
        return texts, several

    def shown(self, choices: Mapping[str, tuple[tuple[str, str], ...]]) -> tuple[FieldView, ...]:
        """The fields in the reader's words; ``choices`` of those that choose among records."""
        said = reader().text
        return tuple(
            FieldView(
                name=one.input,
                label=said(one.label),
                kind=one.kind if one.kind in {"area", "select", "checks", "check"} else "text",
                note=said(one.note) if one.note else "",
                hint=said(one.hint) if one.hint else "",
                type="date" if one.kind == "day" else one.input_type,
                style="tn" if one.kind in {"number", "money", "day"} else one.style,
                choices=choices.get(one.input) or _choices(one),
                empty=said(one.empty),
                options=_options(one),
                is_half=one.is_half,
            )
            for one in self.fields
        )


def _choices(one: Field) -> tuple[tuple[str, str], ...]:
    if one.words is None or one.named is None:
        return ()
    return tuple((member.value, one.named(member)) for member in one.words)


def _options(one: Field) -> dict[str, str | int | bool]:
    options: dict[str, str | int | bool] = {"autocomplete": "off"}
    if one.most is not None:
        options["maxlength"] = one.most
    if one.kind in {"number", "money"}:
        options["inputmode"] = "decimal" if one.kind == "money" else "numeric"
    return options


def _read(one: Field, typed: MultiDict[str, str]) -> Any:
    """What one field says.

    Raises:
        ValueError: no number, or no sum.
    """
    text = typed.get(one.input, "").strip()
    if one.kind == "checks":
        return typed.getlist(one.input)
    if one.kind == "check":
        return text == "1"
    if not text:
        says_nothing = one.may_be_null or (one.kind in {"number", "money", "day", "select"} and not one.may_be_empty)
        return None if says_nothing else ""
    if one.kind == "number":
        return int(text)
    if one.kind == "money":
        return minor_of(text, typed.get("currency") or "EUR")
    return text


_DIGITS = 15
"""More than any sum has before the point."""


def minor_of(text: str, currency: str) -> int:
    """A sum as people write it in the reader's language, in the currency's smallest unit.

    Raises:
        ValueError: it is none, finer than the currency, or larger than anybody's.
    """
    try:
        amount = parse_decimal(text.replace("\N{NO-BREAK SPACE}", ""), locale=reader().locale, strict=True)
        # Looked at before it is scaled: a power of ten that no sum has would be written out, or overflow.
        if not amount.is_finite() or amount.adjusted() > _DIGITS:
            raise ValueError(text)
        minor = amount.scaleb(get_currency_precision(currency.upper()))
        if minor != minor.to_integral_value():
            raise ValueError(text)
        return int(minor)
    except (NumberFormatError, InvalidOperation) as err:
        raise ValueError(text) from err


def _written(one: Field, value: Any, currency: str) -> str:
    if value is None:
        return ""
    if one.kind == "check":
        return "1" if value else ""
    if one.kind == "money":
        digits = get_currency_precision(currency)
        return format_decimal(
            Decimal(value).scaleb(-digits), format="0." + "0" * digits if digits else "0", locale=reader().locale
        )
    return str(value)


# --- pages ---


@dataclass(frozen=True, slots=True)
class About:
    """Where a form stands: its heading and button in the reader's words, the pages above it, and where one goes after it."""

    title: str
    button: str
    section: str
    crumbs: tuple[Crumb, ...]
    back_url: str


def page(
    form: Form,
    about: About,
    *,
    document: Document | None = None,
    typed: MultiDict[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    choices: Mapping[str, tuple[tuple[str, str], ...]] | None = None,
    version: str = "",
    meanwhile: tuple[tuple[str, str], ...] | None = None,
) -> str:
    """The form: as it was typed, else as the record fills it."""
    values, checked = form.filled(document or {})
    if typed is not None:
        values = {one.input: typed.get(one.input, "") for one in form.fields}
        checked = {one.input: tuple(typed.getlist(one.input)) for one in form.fields if one.kind == "checks"}
    view = FormView(
        title=about.title,
        section=about.section,
        crumbs=about.crumbs,
        url=request.path,
        back_url=about.back_url,
        button=about.button,
        key=key_of(typed or {}) if meanwhile is None else key_of(),
        version=version,
        fields=form.shown(choices or {}),
        values=values,
        checked=checked,
        errors=errors or {},
        meanwhile=meanwhile,
    )
    return render_template("staff/registry_form.html", frame=views.frame(), view=view)


def _version(form: Form, document: Document) -> str:
    """A digest of what a form shows of a record: only who changes the same facts is in another one's way."""
    facts = [(document.get(one.inside) or {} if one.inside else document).get(one.name) for one in form.fields]
    return digest(facts)


def edit(form: Form, about: About, kind: Kind, row: Any, **options: Any) -> str:
    """The form of a record as it stands."""
    document = records.one(call().session, kind, row, now=call().now)
    return page(form, about, document=document, version=_version(form, document), **options)


def amend(
    form: Form,
    about: About,
    kind: Kind,
    row: Any,
    apply: Callable[..., object],
    **options: Any,
) -> Response | tuple[str, int]:
    """Change a record as the form says, unless it has changed since the form was filled from it.

    ``apply`` is the service that changes it: it takes the session, the record, the facts of the form by name, and ``because``.
    """
    typed = request.form
    row = held(row)
    document = records.one(call().session, kind, row, now=call().now)
    version = _version(form, document)
    if typed.get("version") != version:
        meanwhile = _meanwhile(form, document, typed, options.get("choices") or {})
        return page(form, about, typed=typed, version=version, meanwhile=meanwhile, **options), 409
    body, errors = form.read(typed)
    if not errors:
        because = by_caller(body.pop("reason", "") or "corrected on a page")
        try:
            apply(call().session, row, **body, because=because)
        except Invalid as err:
            errors = form.refused(err)
    if errors:
        return page(form, about, typed=typed, errors=errors, version=version, **options), 422
    return redirect(about.back_url, 303)


def _meanwhile(
    form: Form, document: Document, typed: MultiDict[str, str], choices: Mapping[str, tuple[tuple[str, str], ...]]
) -> tuple[tuple[str, str], ...]:
    """What stands there now, field by field, where it differs from what was typed."""
    values, checked = form.filled(document)
    found = []
    for one, shown in zip(form.fields, form.shown(choices), strict=True):
        if one.name == REASON.name:
            continue
        words = dict(shown.choices)
        if one.kind == "checks":
            is_same = checked[one.input] == tuple(typed.getlist(one.input))
            text = ", ".join(words.get(part, part) for part in checked[one.input])
        else:
            now = values[one.input]
            is_same = tidy(now) == tidy(typed.get(one.input, ""))
            text = words.get(now, now)
            if one.kind == "check":
                text = reader().text(N_("yes") if now else N_("no"))
        if not is_same:
            found.append((shown.label, text or reader().text(N_("none"))))
    return tuple(found)


def add(
    form: Form,
    about: About,
    apply: Callable[[dict[str, Any], Because], str],
    *,
    fixed: Mapping[str, Any] | None = None,
    **options: Any,
) -> Response | tuple[str, int]:
    """Add what the form says; ``apply`` gives the address to go on to. ``fixed`` are facts that stand in no field."""
    typed = request.form
    body, errors = form.read(typed, **(fixed or {}))
    if not errors:
        because = by_caller(body.pop("reason", "") or "registered on a page")
        try:
            return redirect(apply(body, because), 303)
        except Invalid as err:
            errors = form.refused(err)
    return page(form, about, typed=typed, errors=errors, **options), 422
