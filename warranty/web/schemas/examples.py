"""Examples of bodies and answers: the only place that composes them, from the schemas themselves, so that none grows old.

A field's value is that of its schema's ``example``, else the one that stands here under the field's name, else an
unremarkable one of its type. ``LEFT_OUT`` stands for a field that the example does without.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, uuid5

from marshmallow import fields

if TYPE_CHECKING:
    from marshmallow import Schema

LEFT_OUT: Final = object()

USUAL: dict[str, Any] = {
    "access_hours": "Mon-Fri 8-17",
    "address_line1": "Kade 1",
    "address_line2": "",
    "asset_tag": "MSP-00417",
    "carrier": "DHL",
    "checked_at": "2026-03-01T02:00:00+00:00",
    "city": "Amsterdam",
    "client_reference": "WR-7KQ2-M9XD-B4TV",
    "component_ref": "bay 3",
    "contract_number": "W-88213",
    "country": "NL",
    "currency": "EUR",
    "email": "mia@client.example",
    "ends_on": "2027-01-01",
    "language": "nl",
    "limit": 50,
    "manufacturer": "Maker",
    "model": "Server 9",
    "name": "db-1",
    "part_number": "SRV-9-16",
    "phone": "+31 20 555 0101",
    "postal_code": "1011 AA",
    "purchased_on": "2024-01-01",
    "reason": "Read from the label.",
    "reference": "F-7KQ2-M9XD",
    "serial_number": "QX7T2K9",
    "starts_on": "2024-01-01",
    "state": "",
    "symptom": "Predictive failure",
    "system": "psa",
    "time_zone": "Europe/Amsterdam",
    "tracking_number": "JD014600006281230701",
    "url": "https://psa.example/4711",
}


def example(schema: Schema) -> dict[str, Any]:
    """The example of one body or answer, as JSON holds it."""
    own = getattr(schema, "example", {})
    values = {name: own[name] if name in own else _value(name, field) for name, field in schema.fields.items()}
    return {name: value for name, value in values.items() if value is not LEFT_OUT}


def _value(name: str, field: fields.Field[Any]) -> Any:
    match field:
        case fields.Nested():
            return example(field.schema)
        case fields.List():
            return [_value(name, field.inner)]
        case fields.UUID():
            return str(uuid5(NAMESPACE_URL, name))
        case fields.Dict():
            return {}
    default = field.load_default
    if isinstance(field, fields.Enum):
        words: Any = field.enum
        return default.value if isinstance(default, StrEnum) else next(iter(words)).value
    if isinstance(default, int):  # what most callers mean, since it stands where they say nothing
        return default
    return USUAL.get(name, _OF_TYPE.get(type(field), name.replace("_", " ")))


_OF_TYPE: dict[type, Any] = {
    fields.AwareDateTime: "2026-03-02T08:55:00+00:00",
    fields.Boolean: False,
    fields.Date: "2026-03-02",
    fields.Integer: 1,
}
