"""Vendors: the only place that finds adapters and builds them. A file name in ``adapters/`` is the vendor's name.

This package stands alone: it knows nothing of the product around it but ``vendors.contract``.
"""

import dataclasses
import importlib
import pkgutil
from collections.abc import Collection, Mapping
from functools import cache

from vendors import adapters
from vendors.contract import AdapterForm, Calls, Duty, Gate, TokenStore, VendorAdapter
from vendors.errors import Trouble, VendorError
from vendors.options import COMMON_FIELDS, faults


def available() -> tuple[str, ...]:
    """Give the names of all vendors, sorted."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(adapters.__path__)))


def describe(vendor: str) -> AdapterForm:
    """Say what an account of this vendor must be given; what every account may have is included.

    Raises:
        VendorError: ``refused`` where there is no such vendor; the detail lists those there are.
    """
    form = _adapter_class(vendor).form
    return dataclasses.replace(form, fields=form.fields + COMMON_FIELDS)


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
    adapter = _adapter_class(vendor)
    return adapter.from_options(options, base_url=base_url, tokens=tokens, gate=gate, calls=calls or Calls())


def check_options(
    vendor: str,
    duties: Collection[Duty],
    secrets: Mapping[str, str],
    options: Mapping[str, str],
    *,
    base_url: str | None,
    settings: Collection[str] | None = None,
) -> list[str]:
    """Say in plain sentences what keeps an account from being used; an empty list where nothing does.

    Args:
        vendor: one of ``available()``.
        duties: what the account is for; empty means all that the adapter can do.
        secrets, options: as given, apart, so that a secret given as an option (and so shown in clear) is noticed.
        base_url: as given to ``load``.
        settings: names of the host's settings that have a value, such as ``SMTP_URL``; None: not asked about.

    Raises:
        VendorError: ``refused`` where there is no such vendor.
    """
    return faults(describe(vendor), duties, secrets, options, base_url=base_url, settings=settings)


@cache
def _adapter_class(vendor: str) -> type[VendorAdapter]:
    """Find the adapter class in ``adapters/<vendor>.py``: the one whose ``name`` is the file's."""
    if vendor not in available():
        there_are = ", ".join(available())
        raise VendorError(
            vendor, Trouble.REFUSED, vendor_code="no_such_vendor", detail=f"no such vendor; there are {there_are}"
        )
    module = importlib.import_module(f"vendors.adapters.{vendor}")
    # The class inherits from the protocol; issubclass() itself is not for protocols that have more than methods.
    classes = (thing for thing in vars(module).values() if isinstance(thing, type) and VendorAdapter in thing.__mro__)
    found: type[VendorAdapter] = next(one for one in classes if getattr(one, "name", None) == vendor)
    return found
