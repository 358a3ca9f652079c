"""The options of a vendor account: the only place that reads their text and says what is wrong with them."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from vendors.contract import AccountField, AdapterForm, Calls, Duty, FieldKind, Quota
from vendors.errors import Trouble, VendorError

COMMON_FIELDS = (
    AccountField("webhook_secret", "shared secret of the vendor's pushes to us (Standard Webhooks)", secret=True),
    AccountField("settle_seconds", "settle time longer than the adapter's own", kind=FieldKind.NUMBER),
    AccountField("timeout_seconds", "total deadline of one call, shorter than the general one", kind=FieldKind.NUMBER),
    AccountField("quota", "most calls in a time, such as 10/second or 5000/day", kind=FieldKind.QUOTA),
)

_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3_600.0, "day": 86_400.0}

_HOW = {
    FieldKind.TEXT: "text",
    FieldKind.BOOLEAN: "true or false",
    FieldKind.NUMBER: "a whole number, zero or more",
    FieldKind.JSON: "a JSON object",
    FieldKind.QUOTA: "a number of calls in a second, minute, hour or day, such as 10/second",
}


class Options:
    """The options and secrets of one account, read by name.

    Every method raises ``VendorError`` (``refused``), naming the option, where it is missing or cannot be read.
    """

    def __init__(self, vendor: str, given: Mapping[str, str]) -> None:
        """Keep what was given; an option without text counts as not given."""
        self._vendor = vendor
        self._given = {name: value for name, value in given.items() if value.strip()}

    def need(self, name: str) -> str:
        """Give an option that must be there."""
        if name not in self._given:
            raise self._refused(f"{name} is missing")
        return self._given[name]

    def text(self, name: str, default: str = "") -> str:
        """Give an option as it is."""
        return self._given.get(name, default)

    def number(self, name: str, default: float) -> float:
        """Give an option that is a whole number."""
        return float(self._read(name, FieldKind.NUMBER, default))

    def boolean(self, name: str, *, default: bool) -> bool:
        """Give an option that is true or false."""
        return bool(self._read(name, FieldKind.BOOLEAN, default))

    def json(self, name: str) -> dict[str, Any]:
        """Give an option that is a JSON object; an empty one where it is not given."""
        read: dict[str, Any] = self._read(name, FieldKind.JSON, {})
        return read

    def secrets(self, form: AdapterForm) -> list[str]:
        """Give the text of every secret, for the scrubber."""
        names = {field.name for field in (*form.fields, *COMMON_FIELDS) if field.secret}
        return [value for name, value in self._given.items() if name in names]

    def settle_s(self, own_s: float, calls: Calls) -> float:
        """Give the settle time: never below the adapter's own, unless the host says so (tests, development)."""
        asked = self.number("settle_seconds", own_s)
        return max(own_s, asked) if calls.settle_s is None else calls.settle_s

    def timeout_s(self, calls: Calls) -> float:
        """Give the total deadline of one call; never more than the host allows, whose leases rest on it."""
        return min(self.number("timeout_seconds", calls.timeout_s) or calls.timeout_s, calls.timeout_s)

    def _read(self, name: str, kind: FieldKind, default: Any) -> Any:
        if name not in self._given:
            return default
        try:
            return parsed(kind, self._given[name])
        except ValueError as err:
            raise self._refused(f"{name} must be {err}") from None

    def _refused(self, detail: str) -> VendorError:
        return VendorError(self._vendor, Trouble.REFUSED, vendor_code="option", detail=detail)


def parsed(kind: FieldKind, value: str) -> Any:
    """Read the text of an option.

    Raises:
        ValueError: it cannot be read; the message says what it must be.
    """
    read: Any = value
    if kind is FieldKind.BOOLEAN:
        read = {"true": True, "false": False}.get(value)
    elif kind is FieldKind.NUMBER:
        read = int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None
    elif kind is FieldKind.JSON:
        try:
            document = json.loads(value)
        except (ValueError, RecursionError):
            document = None
        read = document if isinstance(document, dict) else None
    elif kind is FieldKind.QUOTA:
        found = re.fullmatch(r"([1-9][0-9]{0,8})/(second|minute|hour|day)", value, re.ASCII)
        read = Quota(int(found[1]), _SECONDS[found[2]]) if found else None
    if read is None:
        raise ValueError(_HOW[kind])
    return read


def quota_of(options: Mapping[str, str]) -> Quota | None:
    """Give the quota that a person set for an account; None where they set none."""
    given = options.get("quota", "").strip()
    read: Quota | None = parsed(FieldKind.QUOTA, given) if given else None
    return read


def faults(
    form: AdapterForm,
    duties: Collection[Duty],
    secrets: Mapping[str, str],
    options: Mapping[str, str],
    *,
    base_url: str | None,
    settings: Collection[str] | None = None,
) -> list[str]:
    """Say in plain sentences what keeps an account from being used. See ``vendors.check_options``."""
    wanted = frozenset(duties) or form.duties
    vendor = form.vendor
    said = [f"{vendor} cannot do {duty}; it can do {_listed(form.duties)}" for duty in sorted(wanted - form.duties)]
    said += _base_url_faults(form, base_url)
    said += _settings_faults(form, wanted, settings)
    said += _unknown_names(form, secrets, secret=True) + _unknown_names(form, options, secret=False)
    given = {name: value for name, value in {**options, **secrets}.items() if value.strip()}
    for field in form.fields:
        word = "secret" if field.secret else "option"
        if field.name in given:
            try:
                parsed(field.kind, given[field.name])
            except ValueError as err:
                said.append(f"the {word} {field.name} must be {err}")
        elif field.required_for & wanted:
            said.append(f"the {word} {field.name} is missing: {field.help}")
    if form.either and not any(all(name in given for name in group) for group in form.either):
        groups = ", or ".join(" and ".join(group) for group in form.either)
        said.append(f"a secret is missing: {vendor} needs {groups}")
    return said


def _unknown_names(form: AdapterForm, names: Collection[str], *, secret: bool) -> list[str]:
    """Say which names the form does not have, and which stand on the wrong side: an option is shown in clear."""
    word, known = ("secret", set[str]()) if secret else ("option", set[str]())
    known.update(field.name for field in form.fields if field.secret == secret)
    other = {field.name for field in form.fields if field.secret != secret}
    said = []
    for name in names:
        if name in other:
            said.append(
                f"{name} is {'an option' if secret else 'a secret'} of {form.vendor}, not {word}: give it as one"
            )
        elif name not in known:
            said.append(f"{form.vendor} has no {word} {name}; it has {_listed(known)}")
    return said


def _settings_faults(form: AdapterForm, wanted: frozenset[Duty], settings: Collection[str] | None) -> list[str]:
    """Say what the host itself has not set; nothing where nobody asks about it."""
    missing = {name: duty for duty, name in form.settings.items() if duty in wanted and name not in (settings or ())}
    if settings is None:
        return []
    return [f"{name} is not set, and {form.vendor} needs it to {duty} cases" for name, duty in missing.items()]


def _base_url_faults(form: AdapterForm, base_url: str | None) -> list[str]:
    """Say what is wrong with a base URL: it is scheme, host and port, since paths stay as the vendor documents them."""
    if not base_url:
        return (
            [f"{form.vendor} needs a base URL: every customer has a host of their own"] if form.needs_base_url else []
        )
    unreadable = ["the base URL cannot be read; it looks like https://vendor.example:8443"]
    try:
        parts = urlsplit(base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
            return unreadable
    except ValueError:
        return unreadable
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        return ["the base URL is scheme, host and port only, such as https://vendor.example:8443"]
    return []


def _listed(names: Collection[str]) -> str:
    """Give names in one stable, readable list."""
    return ", ".join(sorted(names))
