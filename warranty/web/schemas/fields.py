"""The fields that schemas are made of: the only place that says which text the product takes."""

from __future__ import annotations

import unicodedata
from copy import copy
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, missing, validate

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from enum import StrEnum

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST_YEAR = 9000  # a database or a sum would overflow
_BREAKS = frozenset("\n\r\t")


class Strict(Schema):
    """A body whose fields are all known. ``example``: values of its example where those of ``schemas.examples`` do not fit."""

    example: ClassVar[Mapping[str, Any]] = {}

    class Meta:
        """Unknown fields are named, fields keep their order."""

        unknown = RAISE


class Record(Strict):
    """The document of one record: an answer that is one carries its ``ETag``."""


def changes_of(body: type[Strict], *, but: Collection[str] = (), **instead: fields.Field[Any]) -> Schema:
    """The body of a change: the fields of a new record, none of them needed; what is left out stays as it is.

    Args:
        but: fields that cannot be changed.
        instead: fields that are written otherwise in a change, or that only a change has.
    """
    kept = {name: field for name, field in body._declared_fields.items() if name not in but}  # noqa: SLF001 - marshmallow shows them on instances only
    made = {name: copy(field) for name, field in (kept | instead).items()}
    for field in made.values():
        field.required, field.load_default = False, missing
    change: Any = Strict.from_dict(made, name=body.__name__.removesuffix("Body") + "Change")
    may_be_null = {name for name, field in made.items() if field.allow_none}
    change.example = {name: value for name, value in body.example.items() if value is not None or name in may_be_null}
    made_schema: Schema = change()
    return made_schema


class _Text(fields.String):
    """Text without signs that no person types and some databases refuse: controls, halves of a surrogate pair."""

    def __init__(self, limit: int, *, allowed: frozenset[str], needed: bool, **options: Any) -> None:
        length = validate.Length(min=1 if needed else None, max=limit)
        super().__init__(validate=length, required=needed, **options)
        self._allowed = allowed
        self._needed = needed

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **options)
        # One test in C settles nearly all text; what is not printable may still be a blank or a mark of another script.
        if not text.isprintable():
            for sign in text:
                if unicodedata.category(sign) in {"Cc", "Cs"} and sign not in self._allowed:
                    raise ValidationError(f"Holds a control character ({sign!a}).")
        if self._needed and not text.strip():
            raise ValidationError("Is empty.")
        return text


def line(limit: int, *, needed: bool = False, **options: Any) -> fields.String:
    """One line of at most ``limit`` characters; left out it is empty."""
    return _Text(limit, allowed=frozenset(), needed=needed, **_default(options, needed=needed))


def text(limit: int, *, needed: bool = False, **options: Any) -> fields.String:
    """Several lines."""
    return _Text(limit, allowed=_BREAKS, needed=needed, **_default(options, needed=needed))


def _default(options: dict[str, Any], *, needed: bool) -> dict[str, Any]:
    return options if needed else {"load_default": ""} | options


def word(words: type[StrEnum], **options: Any) -> fields.Enum[Any]:
    """A word of a closed vocabulary."""
    return fields.Enum(words, by_value=True, **options)


def moment(**options: Any) -> fields.AwareDateTime:
    """An instant, RFC 3339 with its offset; one without says nothing and is refused."""
    return fields.AwareDateTime(format="iso", validate=_is_of_our_time, **options)


def day(**options: Any) -> fields.Date:
    """A calendar day, ``YYYY-MM-DD``."""
    return fields.Date(format="iso", validate=_is_day_of_our_time, **options)


def _is_day_of_our_time(value: date) -> None:
    if not _EARLIEST.year <= value.year <= _LATEST_YEAR:
        raise ValidationError("Is not a day of this service.")


def _is_of_our_time(value: datetime) -> None:
    if value < _EARLIEST or value.year > _LATEST_YEAR:
        raise ValidationError("Is not a time of this service.")
