"""Countries and their clocks: the only place that knows in which zone a vendor's instant becomes a day."""

import functools
from datetime import datetime
from importlib import resources
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# The tz database lists a country's most populous zone first, "where that does not contradict" an order of the map.
# These are the countries where it does.
_MOST_POPULOUS = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "UZ": "Asia/Tashkent",
}
_ALIASES = {"UK": "GB"}


def local_zone(country: str, site_zone: str, at: datetime) -> ZoneInfo:
    """Give the zone in which an instant of a country's paperwork is read as a day.

    Args:
        country: ISO 3166 alpha-2 code, any case; empty or unknown falls back to the site's zone, then to UTC.
        site_zone: zone name of the unit's site, or empty; decides where the country's clocks differ at ``at``.
        at: the instant, aware.

    Source: vendor-apis.md, section 3.1.
    """
    code = country.strip().upper()
    code = _ALIASES.get(code, code)
    zones = _zones_of_countries().get(code, ())
    site = _zone(site_zone)
    if not zones:
        return site or ZoneInfo("UTC")
    clocks = {ZoneInfo(name).utcoffset(at) for name in zones}
    if len(clocks) > 1 and site is not None:
        return site
    return ZoneInfo(_MOST_POPULOUS.get(code, zones[0]))


def _zone(name: str) -> ZoneInfo | None:
    """Give a zone by name; None where there is no such zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a name that is a folder of the database
        return None


@functools.cache
def _zones_of_countries() -> dict[str, tuple[str, ...]]:
    """Read the tz database's own table: country code, coordinates, zone."""
    zones: dict[str, tuple[str, ...]] = {}
    for line in resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            code, _where, name, *_comment = line.split("\t")
            zones[code] = (*zones.get(code, ()), name)
    return zones
