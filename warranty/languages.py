"""Languages: the only place that knows the catalogues and turns values into text of a language, for pages and for mails.

The English text is the message id; every other language is catalogues, `locale/<language>/LC_MESSAGES/*.po`,
which is compiled to memory, so that no compiled file can be older than its source. Formats: one table per language,
below; nothing else in the project writes a sum, a day or a span.
"""

from __future__ import annotations

import gettext
import io
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, get_currency_precision

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from babel.messages.catalog import Catalog

SOURCE_LANGUAGE: Final = "en"
LANGUAGES: Final = {"en": "English", "de": "Deutsch"}
"""What can be chosen, each in its own words."""

SOON: Final = timedelta(hours=3)
"""What ends within this time is said to be due soon."""


def N_(message: str) -> str:  # noqa: N802 - gettext's customary name for "to be translated where it is shown"
    """Mark a message of a table for the catalogue."""
    return message


@dataclass(frozen=True, slots=True)
class Patterns:
    """How one language writes days, in the notation of CLDR (Unicode TR 35)."""

    day: str
    day_and_year: str
    long_day: str
    long_day_and_year: str
    dated: str


PATTERNS: Final = {
    "en": Patterns("EEE d MMM", "EEE d MMM y", "EEEE, d MMMM", "EEEE, d MMMM y", "d MMM y"),
    "de": Patterns("EEE, d. MMM", "EEE, d. MMM y", "EEEE, d. MMMM", "EEEE, d. MMMM y", "d. MMM y"),
}


@dataclass(frozen=True, slots=True)
class Span:
    """The time until something is due: the words, and whether it is `late`, `soon` or neither."""

    text: str
    urgency: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads this page: in which language, in which time zone, and at what instant."""

    language: str
    zone: ZoneInfo
    now: datetime
    catalogue: gettext.NullTranslations = field(repr=False)

    @property
    def today(self) -> date:
        """The reader's own calendar day."""
        return self.now.astimezone(self.zone).date()

    @property
    def locale(self) -> Locale:
        """Babel's data for the language."""
        return Locale.parse(self.language)

    def text(self, message: str, **values: object) -> str:
        """Translate a message and fill its `%(name)s` places."""
        found = self.catalogue.gettext(message)
        return found % values if values else found

    def money(self, minor: int | None, currency: str) -> str:
        """Write a sum: "€1,284.00"; a dash where there is none. `minor` counts the currency's smallest unit."""
        if minor is None:
            return "\N{EN DASH}"
        amount = Decimal(minor).scaleb(-get_currency_precision(currency))
        return format_currency(amount, currency, locale=self.locale)

    def whole_money(self, minor: int | None, currency: str) -> str:
        """Write a sum without its cents, where many stand beneath each other: "€1,284"."""
        if minor is None:
            return "\N{EN DASH}"
        amount = Decimal(minor).scaleb(-get_currency_precision(currency)).quantize(Decimal(1), ROUND_HALF_UP)
        pattern = re.sub(r"\.0+", "", self.locale.currency_formats["standard"].pattern)
        return format_currency(amount, currency, pattern, locale=self.locale, currency_digits=False)

    def count(self, number: int) -> str:
        """Write a count: "12,486"."""
        return format_decimal(number, locale=self.locale)

    def hundredths(self, number: int) -> str:
        """Write a quantity that is kept in hundredths: 150 is "1.5"."""
        return format_decimal(Decimal(number).scaleb(-2), locale=self.locale)

    def day(self, when: date | datetime) -> str:
        """Write a day for a table: "Thu 26 Nov", with the year where it is not this one."""
        day = self.day_of(when)
        patterns = PATTERNS[self.language]
        return format_date(day, patterns.day if self._is_this_year(day) else patterns.day_and_year, locale=self.locale)

    def long_day(self, when: date | datetime) -> str:
        """Write a day for a sentence: "Thursday, 26 November"."""
        day = self.day_of(when)
        patterns = PATTERNS[self.language]
        pattern = patterns.long_day if self._is_this_year(day) else patterns.long_day_and_year
        return format_date(day, pattern, locale=self.locale)

    def dated(self, day: date) -> str:
        """Write a day that may be read years later: always with its year."""
        return format_date(day, PATTERNS[self.language].dated, locale=self.locale)

    def month(self, day: date) -> str:
        """Write the month of a day, with its year: "November 2026"."""
        return format_date(day, "LLLL y", locale=self.locale)

    def weekday(self, day: date) -> str:
        """Write the day of the week, short: "Thu"."""
        return format_date(day, "EEE", locale=self.locale)

    def heading_day(self, when: date | datetime) -> str:
        """Write a day over the rows of that day: "Today, Tuesday, 24 November"."""
        day = self.day_of(when)
        if day == self.today:
            return self.text(N_("Today, %(day)s"), day=self.long_day(day))
        return self.long_day(day)

    def time(self, when: datetime) -> str:
        """Write a time of day in the reader's zone: "14:05"."""
        return format_time(when.astimezone(self.zone), "HH:mm", locale=self.locale)

    def moment(self, when: datetime) -> str:
        """Write an instant: "today, 14:05", else "Thu 26 Nov, 14:05"."""
        if self.day_of(when) == self.today:
            return self.text(N_("today, %(time)s"), time=self.time(when))
        return f"{self.day(when)}, {self.time(when)}"

    def span(self, due: datetime) -> Span:
        """Say how much time is left until an instant, or how late it is: "2 h 10 left", "35 min late"."""
        rest = due - self.now
        if rest < timedelta(0):
            return Span(self._late(-rest), "late")
        return Span(self._left(rest), "soon" if rest <= SOON else "")

    def _left(self, rest: timedelta) -> str:
        return self.text(N_("%(span)s left"), span=self.length_of(rest))

    def _late(self, over: timedelta) -> str:
        return self.text(N_("%(span)s late"), span=self.length_of(over))

    def length_of(self, length: timedelta) -> str:
        """Write how long something is: "2 d", "2 h 10", "35 min"."""
        minutes = int(length.total_seconds() // 60)
        if length >= timedelta(days=2):
            return self.text(N_("%(days)s d"), days=self.count(length.days))
        if minutes >= 60:
            hours, minutes = divmod(minutes, 60)
            return self.text(N_("%(hours)s h %(minutes)02d"), hours=hours, minutes=minutes)
        return self.text(N_("%(minutes)s min"), minutes=minutes)

    def day_of(self, when: date | datetime) -> date:
        """The reader's calendar day of an instant; a day is one already."""
        return when.astimezone(self.zone).date() if isinstance(when, datetime) else when

    def _is_this_year(self, day: date) -> bool:
        return day.year == self.today.year


def plain_sum(minor: int, currency: str) -> str:
    """A sum as a field of a form holds it: "95.00", without its currency and without groups of digits."""
    return f"{Decimal(minor).scaleb(-get_currency_precision(currency)):f}"


def read_sum(text: str, currency: str) -> int | None:
    """A typed sum in minor units, with point or comma before what is less than one; null where it is none, or too large."""
    plain = text.strip().replace(",", ".")
    digits = plain.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit() and len(digits) < 13):
        return None
    minor = Decimal(plain).scaleb(get_currency_precision(currency))
    return int(minor) if minor == int(minor) else None


def load(folder: Path) -> dict[str, gettext.NullTranslations]:
    """Read and compile every catalogue under `folder` (`<language>/LC_MESSAGES/*.po`); those of a language are read as one.

    Raises:
        FileNotFoundError: a language of `LANGUAGES` has no catalogue.
    """
    catalogues: dict[str, gettext.NullTranslations] = {SOURCE_LANGUAGE: gettext.NullTranslations()}
    for language in LANGUAGES.keys() - catalogues.keys():
        catalogue = read(folder, language)
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        catalogues[language] = gettext.GNUTranslations(compiled)
    return catalogues


def read(folder: Path, language: str) -> Catalog:
    """The messages of a language: `messages.po`, and beside it a file for each room of the house that has words of its own.

    Raises:
        FileNotFoundError: there is no such language.
        ValueError: two files hold the same message.
    """
    place = folder / language / "LC_MESSAGES"
    with (place / "messages.po").open("rb") as source:
        whole = read_po(source, locale=language)
    for path in sorted(place.glob("*.po")):
        if path.name == "messages.po":
            continue
        with path.open("rb") as source:
            for message in read_po(source, locale=language):
                if not message.id:
                    continue
                if message.id in whole:
                    raise ValueError(f"{path.name} holds a message that another file holds: {message.id}")
                whole[message.id] = message
    return whole


def choose_language(chosen: Iterable[str | None], accepted: Iterable[str]) -> str:
    """The first known language of what was chosen, then of what the browser accepts (`de-AT` counts as `de`)."""
    for name in (*chosen, *accepted):
        language = (name or "").replace("_", "-").partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return SOURCE_LANGUAGE


def choose_zone(*names: str | None) -> ZoneInfo:
    """The first of the names that is a time zone, else UTC."""
    for name in filter(None, names):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue  # a browser's zone is foreign input: it may name nothing, or something that is no zone
    return ZoneInfo("UTC")
