"""The language of a page: the only place that chooses who reads it how, and that teaches templates to write for them.

What languages there are, and how each writes a sum or a day: `warranty.languages`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g

from warranty.languages import LANGUAGES, N_, Reader, choose_language, choose_zone, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["LANGUAGES", "N_", "Reader", "choose_language", "choose_zone", "init_app", "reader"]


_FORMATS = (
    *(
        "money",
        "whole_money",
        "count",
        "hundredths",
        "day",
        "long_day",
        "dated",
        "month",
        "weekday",
        "heading_day",
        "time",
        "moment",
    ),
    "span",
    "length_of",
)


def init_app(app: Flask, folder: Path, profile: Callable[[], tuple[str, ZoneInfo]]) -> None:
    """Give the templates of `app` their language; `profile` tells the language and the zone of the present request."""
    app.extensions["warranty.i18n"] = (load(folder), profile)
    env = app.jinja_env
    env.add_extension("jinja2.ext.i18n")
    env.policies["ext.i18n.trimmed"] = True
    env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it at run time
        gettext=_gettext, ngettext=_ngettext, newstyle=True
    )
    for name in _FORMATS:
        env.filters[name] = partial(_formatted, name)
    env.globals["reader"] = reader
    env.globals["languages"] = LANGUAGES


def reader() -> Reader:
    """The reader of the present request."""
    found: Reader | None = g.get("reader")
    if found is None:
        catalogues, profile = current_app.extensions["warranty.i18n"]
        language, zone = profile()
        found = g.reader = Reader(language, zone, datetime.now(UTC), catalogues[language])
    return found


def read_as(language: str | None) -> Reader:
    """Whoever reads the present answer without a session: in this language, in UTC."""
    catalogues, _ = current_app.extensions["warranty.i18n"]
    chosen = choose_language([language], ())
    g.reader = Reader(chosen, ZoneInfo("UTC"), datetime.now(UTC), catalogues[chosen])
    return reader()


def _formatted(how: str, *values: object) -> object:
    return getattr(reader(), how)(*values)


# The catalogue differs from request to request, the functions that a template calls do not.


def _gettext(message: str) -> str:
    return reader().catalogue.gettext(message)


def _ngettext(one: str, many: str, count: int) -> str:
    return reader().catalogue.ngettext(one, many, count)
