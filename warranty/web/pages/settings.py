"""What the settings pages show, as plain values; see ``warranty.web.pages``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warranty.web.pages.forms import Form, Typed

if TYPE_CHECKING:
    from datetime import date, datetime

    from vendors.contract import Duty
    from warranty.domain.access import TokenScope
    from warranty.domain.terms import Component, Role
    from warranty.services.settings import AccountState, RatesEffect
    from warranty.web.pages import Sign


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that changes, by its name in ``words.SETTINGS``, as it was and as it is; null: nothing is said of it."""

    field: str
    was: str | None
    becomes: str | None


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change of a setting. ``who`` is null where no user did it; ``fields`` changed without their values being kept."""

    at: datetime
    who: str | None
    action: str
    reason: str
    differences: tuple[Difference, ...]
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeForm(Typed):
    """A form that changes a setting: first its consequences are looked at, at ``preview_url``, then it is sent.

    ``seen`` stands for what was looked at (empty: nothing yet); ``differences`` are those of what was typed. ``overtaken``:
    somebody else changed the same thing meanwhile.
    """

    url: str
    preview_url: str
    key: str
    version: str
    seen: str = ""
    differences: tuple[Difference, ...] = ()
    overtaken: HistoryRow | None = None


@dataclass(frozen=True, slots=True)
class ActForm(Form):
    """One thing to do about a setting, with the reason for it in the field ``name``."""

    name: str


# --- lists ---


@dataclass(frozen=True, slots=True)
class AccountLine:
    """A vendor account in a list."""

    name: str
    url: str
    vendor: str
    makers: tuple[str, ...]
    duties: tuple[Duty, ...]
    client_name: str | None
    state: AccountState
    since: datetime | None


@dataclass(frozen=True, slots=True)
class ClientLine:
    """A client in a list, with what stands out of its rules."""

    name: str
    url: str
    first_kind: str
    freshness_days: int
    call_out_minor: int
    labour_hour_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class UserLine:
    """A user in a list."""

    name: str
    email: str
    url: str
    role: Role
    client_name: str | None
    off_since: datetime | None


@dataclass(frozen=True, slots=True)
class TokenLine:
    """A token in a list, and on its own page."""

    name: str
    url: str
    user_name: str
    client_name: str | None
    scopes: tuple[TokenScope, ...]
    made_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    is_over: bool


@dataclass(frozen=True, slots=True)
class SettingsList:
    """One kind of settings. ``area``: which; ``places``: the kinds that the reader may see, each with its address.

    ``shows`` names the view that is shown where there are several. ``add_url`` is null for whoever may not add one.
    """

    area: str
    places: tuple[tuple[str, str], ...]
    rows: tuple[AccountLine | ClientLine | UserLine | TokenLine | CalendarLine, ...]
    add_url: str | None = None
    shows: str = ""
    views: tuple[tuple[str, str], ...] = ()
    start: str = ""
    start_url: str | None = None
    next_url: str | None = None
    first_url: str | None = None


# --- one of them ---


@dataclass(frozen=True, slots=True)
class CaseLink:
    """A case that a setting concerns."""

    reference: str
    url: str
    is_at: str


@dataclass(frozen=True, slots=True)
class Check:
    """The last test of an account: null, not yet; ``trouble`` is the vendor's own word."""

    asked_at: datetime | None
    answered_at: datetime | None
    trouble: str | None

    @property
    def is_waited_for(self) -> bool:
        """Whether the vendor has still to answer."""
        return self.asked_at is not None and self.answered_at is None


@dataclass(frozen=True, slots=True)
class VendorField:
    """What a vendor asks of an account. ``field`` is the form's name for it, ``name`` and ``help`` are the adapter's words.

    ``is_set`` is of a secret, whose value is never here.
    """

    field: str
    name: str
    help: str
    is_needed: bool
    is_long: bool
    is_set: bool = False
    default: str = ""


@dataclass(frozen=True, slots=True)
class SecretsForm:
    """The secrets of an account, each with when it was set (null: not known, or not set). ``is_lost``: none can be read."""

    form: ActForm
    fields: tuple[tuple[VendorField, datetime | None], ...]
    is_lost: bool


@dataclass(frozen=True, slots=True)
class AccountForm:
    """The change of an account. It would serve ``then_units`` (null: not looked at).

    ``their_words`` are the adapter's against it.
    """

    form: ChangeForm
    fields: tuple[VendorField, ...]
    duties: tuple[Duty, ...]
    their_words: str
    then_units: int | None


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A new account: without a ``title`` a vendor is to be chosen first. It would serve ``units`` that no other one serves."""

    form: ChangeForm
    places: tuple[tuple[str, str], ...]
    vendors: tuple[tuple[str, str], ...]
    title: str
    fields: tuple[VendorField, ...]
    secrets: tuple[VendorField, ...]
    duties: tuple[Duty, ...]
    needs_base_url: bool
    units: int | None
    their_words: str


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """What rests on an account, and how its vendor is heard. ``trouble`` is a word of the program."""

    units: int
    open_claims: int
    claims: tuple[CaseLink, ...]
    heard_at: datetime | None
    unapplied: int
    pushes_refused: int
    swept_to: datetime | None
    held_since: datetime | None
    failures: int
    closed_until: datetime | None
    called_at: datetime | None
    trouble_at: datetime | None
    trouble: str | None


@dataclass(frozen=True, slots=True)
class AccountPage:
    """One vendor account; forms are null for whoever may not, or where there is nothing to do."""

    line: AccountLine
    vendor_title: str
    places: tuple[tuple[str, str], ...]
    live_url: str
    check: Check
    test_url: str | None
    key: str
    base_url: str | None
    options: tuple[tuple[str, str], ...]
    standing: AccountStanding
    history: tuple[HistoryRow, ...]
    secrets: SecretsForm | None = None
    change: AccountForm | None = None
    switch: ActForm | None = None
    release: ActForm | None = None


@dataclass(frozen=True, slots=True)
class DiffersRow:
    """An open case that would be decided otherwise."""

    reference: str
    url: str
    component: Component
    serial_number: str
    was: Sign
    becomes: Sign


@dataclass(frozen=True, slots=True)
class RulesEffectView:
    """What other rules would do."""

    open_cases: int
    replayed: int
    rows: tuple[DiffersRow, ...]
    differing: int
    asked_anew: int
    fresh_again: int
    told_at_once: int


@dataclass(frozen=True, slots=True)
class ClientPage:
    """A client's rules and rate card; forms are null for whoever may not change them."""

    name: str
    places: tuple[tuple[str, str], ...]
    kinds: tuple[str, ...]
    rules: ChangeForm
    rates: ChangeForm
    currency: str
    then_currency: str
    may_rules: bool
    may_rates: bool
    history: tuple[HistoryRow, ...]
    rules_effect: RulesEffectView | None = None
    rates_effect: RatesEffect | None = None


@dataclass(frozen=True, slots=True)
class UserPage:
    """One user. ``becomes`` is the role that was chosen and looked at, null where none was."""

    line: UserLine
    places: tuple[tuple[str, str], ...]
    form: ChangeForm
    languages: tuple[tuple[str, str], ...]
    made_at: datetime
    tokens: tuple[TokenLine, ...]
    owned: int
    owned_cases: tuple[CaseLink, ...]
    is_self: bool
    is_last_admin: bool
    was: Role
    becomes: Role | None
    switch: ActForm | None
    reset: ActForm | None
    history: tuple[HistoryRow, ...]


@dataclass(frozen=True, slots=True)
class NewUser:
    """Somebody new."""

    form: ActForm
    places: tuple[tuple[str, str], ...]
    languages: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TokenPage:
    """One token; ``revoke`` is null where it has ended."""

    line: TokenLine
    places: tuple[tuple[str, str], ...]
    user_url: str
    user_role: Role
    revoke: ActForm | None
    history: tuple[HistoryRow, ...]


@dataclass(frozen=True, slots=True)
class NewToken:
    """A new token."""

    form: ActForm
    places: tuple[tuple[str, str], ...]
    scopes: tuple[TokenScope, ...]


@dataclass(frozen=True, slots=True)
class ShownOnce:
    """A secret that was just made; ``kind`` says what: ``token`` or ``password``."""

    kind: str
    secret: str
    of: str
    places: tuple[tuple[str, str], ...]
    area: str
    done_url: str


# --- calendars ---


@dataclass(frozen=True, slots=True)
class CalendarLine:
    """A calendar in a list."""

    name: str
    url: str
    hours: str
    time_zone: str
    region: str


@dataclass(frozen=True, slots=True)
class DeadlineRow:
    """When a promise of so many working hours, made now, ends by what counts and by what was typed; empty: never."""

    hours: int
    was: str
    becomes: str


@dataclass(frozen=True, slots=True)
class CalendarEffect:
    """What a change does: deadlines, the days of the year ahead that are otherwise (``more`` of them not named), and hours."""

    deadlines: tuple[DeadlineRow, ...]
    days: tuple[date, ...]
    more: int
    was_hours: int
    is_hours: int


@dataclass(frozen=True, slots=True)
class CalendarPage:
    """A calendar, or a new one (``name`` empty). ``closed`` are the next days on which nobody works."""

    name: str
    places: tuple[tuple[str, str], ...]
    form: ChangeForm
    may: bool
    closed: tuple[date, ...]
    history: tuple[HistoryRow, ...]
    effect: CalendarEffect | None
