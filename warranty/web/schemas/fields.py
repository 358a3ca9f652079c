"""The fields that schemas are made of: the only place that says which text the product takes."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate

if TYPE_CHECKING:
    from enum import StrEnum

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_BREAKS = frozenset("\n\r\t")


class Strict(Schema):
    """A body whose fields are all known."""

    class Meta:
        """Unknown fields are named, fields keep their order."""

        unknown = RAISE


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


def _is_of_our_time(value: datetime) -> None:
    if value < _EARLIEST or value.year > 9000:  # a database or a sum would overflow
        raise ValidationError("Is not a time of this service.")
