"""Vendors: finds the adapters and builds them. The file name in ``adapters/`` is the vendor's name; there is no list to edit.

This package stands alone: it knows nothing of the product around it but ``vendors.contract``.
"""

import importlib
import json
import pkgutil
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from vendors import adapters
from vendors.contract import AccountField, AdapterForm, Calls, Duty, FieldKind, Gate, TokenStore, VendorAdapter
from vendors.errors import Trouble, VendorError

COMMON_FIELDS = (
    AccountField("webhook_secret", "shared secret of the vendor's pushes to us (Standard Webhooks)", secret=True),
    AccountField("settle_seconds", "longer settle time than the adapter's own", kind=FieldKind.NUMBER),
    AccountField("timeout_seconds", "total deadline of one call, in place of the general one", kind=FieldKind.NUMBER),
)


def available() -> tuple[str, ...]:
    """Give the names of all vendors, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(adapters.__path__)))


def describe(vendor: str) -> AdapterForm:
    """Say what an account of this vendor must be given; the options that every account may have are included.

    Raises:
        VendorError: ``refused`` where there is no such vendor; the detail lists those there are.
    """
    form = _adapter_class(vendor).form
    return AdapterForm(
        vendor=form.vendor,
        title=form.title,
        duties=form.duties,
        fields=form.fields + COMMON_FIELDS,
        either=form.either,
        needs_base_url=form.needs_base_url,
    )


def load(
    vendor: str,
    options: Mapping[str, str],
    *,
    base_url: str | None,
    tokens: TokenStore,
    gate: Gate,
    calls: Calls | None = None,
) -> VendorAdapter:
    """Build the adapter of one account.

    Args:
        vendor: one of ``available()``.
        options: the account's options and secrets in one mapping of text to text.
        base_url: replaces scheme, host and port of every endpoint of the vendor; None for the documented hosts.
        tokens: where the account's access token is kept.
        gate: the account's token bucket and breaker.
        calls: deadline, address rules and record of calls; the defaults where None.

    Raises:
        VendorError: ``refused``, naming an unknown vendor, or an option that is missing or cannot be read.
    """
    return _adapter_class(vendor).from_options(
        options, base_url=base_url, tokens=tokens, gate=gate, calls=calls or Calls()
    )


def check_options(
    vendor: str,
    duties: Collection[Duty],
    secrets: Mapping[str, str],
    options: Mapping[str, str],
    *,
    base_url: str | None,
) -> list[str]:
    """Say in plain sentences what keeps an account from being used; an empty list where nothing does.

    Args:
        vendor: one of ``available()``.
        duties: what the account is for; empty means all that the adapter can do.
        secrets, options: as given, apart, so that a secret given as an option (and so shown in clear) is noticed.
        base_url: as given to ``load``.

    Raises:
        VendorError: ``refused`` where there is no such vendor.
    """
    form = describe(vendor)
    wanted = frozenset(duties) or form.duties
    said = [f"{vendor} cannot do {duty}; it can do {_listed(form.duties)}" for duty in sorted(wanted - form.duties)]
    said += _base_url_faults(form, base_url)
    for names, secret, word in ((secrets, True, "secret"), (options, False, "option")):
        known = {field.name for field in form.fields if field.secret == secret}
        other = {field.name for field in form.fields if field.secret != secret}
        for name in names:
            if name in other:
                said.append(f"{name} is {'an option' if secret else 'a secret'} of {vendor}: give it as one")
            elif name not in known:
                said.append(f"{vendor} has no {word} {name}; it has {_listed(known) or 'none'}")
    given = {name: value for name, value in {**options, **secrets}.items() if value.strip()}
    for field in form.fields:
        if field.name not in given:
            if field.required_for & wanted:
                kind = "secret" if field.secret else "option"
                said.append(f"the {kind} {field.name} is missing: {vendor} needs it ({field.help})")
        elif not _readable(field.kind, given[field.name]):
            said.append(f"the option {field.name} must be {_KIND_HELP[field.kind]}")
    if form.either and not any(all(name in given for name in group) for group in form.either):
        groups = ", or ".join(" and ".join(group) for group in form.either)
        said.append(f"{vendor} needs the secrets {groups}")
    return said


_KIND_HELP = {
    FieldKind.BOOLEAN: "true or false",
    FieldKind.NUMBER: "a whole number, zero or more",
    FieldKind.JSON: "a JSON object",
}


def _readable(kind: FieldKind, value: str) -> bool:
    """Tell whether the text of an option can be read as its kind."""
    if kind is FieldKind.BOOLEAN:
        return value in {"true", "false"}
    if kind is FieldKind.NUMBER:
        return value.isascii() and value.isdigit()
    if kind is FieldKind.JSON:
        try:
            return isinstance(json.loads(value), dict)
        except ValueError:
            return False
    return True


def _base_url_faults(form: AdapterForm, base_url: str | None) -> list[str]:
    """Say what is wrong with a base URL: it is scheme, host and port, since paths stay as the vendor documents them."""
    if not base_url:
        return [f"{form.vendor} needs a base URL: every customer has a host of their own"] if form.needs_base_url else []
    try:
        parts = urlsplit(base_url)
        _ = parts.port
    except ValueError:
        return ["the base URL cannot be read"]
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return ["the base URL must start with https:// and name a host"]
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username or parts.password:
        return ["the base URL is scheme, host and port only, such as https://vendor.example:8443"]
    return []


def _listed(names: Collection[str]) -> str:
    """Give names in one stable, readable list."""
    return ", ".join(sorted(names))


def _adapter_class(vendor: str) -> type[VendorAdapter]:
    """Find the one adapter class in ``adapters/<vendor>.py``."""
    if vendor not in available():
        raise VendorError(
            vendor, Trouble.REFUSED, vendor_code="no_such_vendor", detail=f"no such vendor; there are {_listed(available())}"
        )
    module = importlib.import_module(f"vendors.adapters.{vendor}")
    for thing in vars(module).values():
        if isinstance(thing, type) and thing.__module__ == module.__name__ and getattr(thing, "name", None) == vendor:
            return thing
    raise LookupError(f"{module.__name__} has no adapter class named {vendor!r}")
