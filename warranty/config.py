"""Settings: the only place that reads the environment. Read once, frozen, passed down. Names: interface.md, section 3."""

from __future__ import annotations

import hashlib
import math
import os
import re
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from cryptography.fernet import Fernet
from dotenv import dotenv_values

import vendors
from vendors.contract import MailServer
from warranty.store import BadStoreUrl, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SOCKET_PATH_LIMIT = 100  # a longer unix socket path kills the queue server at its start
WEAK_SECRETS = frozenset({"", "secret", "changeme", "change-me", "dev", "development", "default", "password"})


class SettingsError(Exception):
    """One or more settings are missing or cannot work together; ``faults`` says each in one sentence."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the environment decides. Durations are seconds."""

    mode: str
    instance: Path
    database_url: str
    worker_database_url: str
    migration_database_url: str
    redis_url: str
    embedded_queue: bool
    secret_key: str
    encryption_keys: tuple[str, ...]
    base_url: str
    port: int
    allow_private_vendor_urls: bool
    files_url: str
    postgresql_bin: Path | None
    audit_anchor: str | None
    smtp_url: str | None
    imap_url: str | None
    mail_from: str
    vendor_timeout_s: float
    lease_s: float
    settle_s: float | None
    relay_s: float
    poll_s: float
    retry_s: float

    @property
    def is_production(self) -> bool:
        """Whether secrets must be given and cookies must be secure."""
        return self.mode == "production"

    @property
    def mail_server(self) -> MailServer | None:
        """Where mail goes; null: nothing is told by mail."""
        return _mail_server(self.smtp_url, SMTP_PORTS) if self.smtp_url else None

    @property
    def mailbox_server(self) -> MailServer | None:
        """Where vendors' answers by mail are read; null: nowhere."""
        return _mail_server(self.imap_url, IMAP_PORTS) if self.imap_url else None

    @property
    def job_timeout_s(self) -> float:
        """How long one piece of background work may run: longer than a vendor call, shorter than its lease.

        It is whole seconds, since the alarm that ends the work knows no others.
        """
        middle = (self.vendor_timeout_s + self.lease_s) / 2
        whole = (math.ceil(middle), math.floor(middle))
        return next((float(s) for s in whole if self.vendor_timeout_s < s < self.lease_s), middle)

    @property
    def socket_path(self) -> Path:
        """Where the embedded queue server listens."""
        return embedded_socket(self.instance)


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from ``environment`` (default: ``.env`` in the working directory, then the process's own).

    Raises:
        SettingsError: names every missing or impossible value at once.
    """
    given = _environment() if environment is None else environment
    faults: list[str] = []
    mode = given.get("WARRANTY_MODE") or "production"
    if mode not in {"production", "development"}:
        faults.append(f"WARRANTY_MODE is {mode!r}; it is either production or development.")
    instance = Path(given.get("WARRANTY_INSTANCE") or "instance").absolute()
    database_url = _database_url(given.get("DATABASE_URL") or f"sqlite:///{instance / 'warranty.sqlite3'}")
    base_url = (given.get("WARRANTY_BASE_URL") or "http://127.0.0.1:8000").rstrip("/")
    made = _secrets(given, instance, may_make=mode == "development", faults=faults)
    seconds = _Seconds(given, faults)
    settings = Settings(
        mode=mode,
        instance=instance,
        database_url=database_url,
        worker_database_url=_database_url(given.get("WARRANTY_WORKER_DATABASE_URL") or database_url),
        migration_database_url=_database_url(given.get("WARRANTY_MIGRATION_DATABASE_URL") or database_url),
        redis_url=given.get("REDIS_URL") or f"unix://{embedded_socket(instance)}",
        embedded_queue=not given.get("REDIS_URL"),
        secret_key=made["SECRET_KEY"],
        encryption_keys=tuple(key.strip() for key in made["WARRANTY_ENCRYPTION_KEYS"].split(",") if key.strip()),
        base_url=base_url,
        port=_port(given.get("PORT"), base_url, faults),
        allow_private_vendor_urls=_flag(given, "WARRANTY_ALLOW_PRIVATE_VENDOR_URLS", faults),
        files_url=_files_url(given.get("WARRANTY_FILES_URL") or (instance / "files").as_uri(), faults),
        postgresql_bin=Path(programs) if (programs := given.get("WARRANTY_POSTGRESQL_BIN")) else None,
        audit_anchor=given.get("WARRANTY_AUDIT_ANCHOR") or None,
        smtp_url=_mail_url("SMTP_URL", given.get("SMTP_URL"), SMTP_PORTS, faults),
        imap_url=_mail_url("IMAP_URL", given.get("IMAP_URL"), IMAP_PORTS, faults),
        mail_from=_mail_from(given.get("WARRANTY_MAIL_FROM"), base_url, faults),
        vendor_timeout_s=seconds.get("WARRANTY_VENDOR_TIMEOUT_SECONDS", 30),
        lease_s=seconds.get("WARRANTY_LEASE_SECONDS", 60),
        settle_s=seconds.maybe("WARRANTY_SETTLE_SECONDS"),
        relay_s=seconds.get("WARRANTY_RELAY_SECONDS", 15),
        poll_s=seconds.get("WARRANTY_POLL_SECONDS", 900),
        retry_s=seconds.get("WARRANTY_RETRY_SECONDS", 5),
    )
    faults += _timing_faults(settings)
    if faults:
        raise SettingsError(faults)
    return settings


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting as a person may see it: secrets masked."""

    name: str
    value: str
    source: str


def explain() -> list[Shown]:
    """Every setting, its value in force, and where that comes from.

    Raises:
        SettingsError: as ``load`` does.
    """
    file = dotenv_values(".env")
    settings = load()
    return [Shown(name, _masked(name, getattr(settings, field)), _source(name, file)) for name, field in FIELDS.items()]


FIELDS = {
    "WARRANTY_MODE": "mode",
    "WARRANTY_INSTANCE": "instance",
    "WARRANTY_BASE_URL": "base_url",
    "PORT": "port",
    "DATABASE_URL": "database_url",
    "WARRANTY_WORKER_DATABASE_URL": "worker_database_url",
    "WARRANTY_MIGRATION_DATABASE_URL": "migration_database_url",
    "REDIS_URL": "redis_url",
    "SECRET_KEY": "secret_key",
    "WARRANTY_ENCRYPTION_KEYS": "encryption_keys",
    "WARRANTY_FILES_URL": "files_url",
    "WARRANTY_POSTGRESQL_BIN": "postgresql_bin",
    "WARRANTY_AUDIT_ANCHOR": "audit_anchor",
    "SMTP_URL": "smtp_url",
    "IMAP_URL": "imap_url",
    "WARRANTY_MAIL_FROM": "mail_from",
    "WARRANTY_ALLOW_PRIVATE_VENDOR_URLS": "allow_private_vendor_urls",
    "WARRANTY_VENDOR_TIMEOUT_SECONDS": "vendor_timeout_s",
    "WARRANTY_LEASE_SECONDS": "lease_s",
    "WARRANTY_SETTLE_SECONDS": "settle_s",
    "WARRANTY_RELAY_SECONDS": "relay_s",
    "WARRANTY_POLL_SECONDS": "poll_s",
    "WARRANTY_RETRY_SECONDS": "retry_s",
}
"""Every setting that ``load`` reads, and the field of ``Settings`` that holds it."""


def _source(name: str, file: Mapping[str, str | None]) -> str:
    if os.environ.get(name):
        return "environment"
    return ".env" if file.get(name) else "default"


def _masked(name: str, value: object) -> str:
    if name == "SECRET_KEY":
        return "(secret)"
    if isinstance(value, tuple):
        return f"({len(value)} secret)"
    if value is None:
        return "-"
    return re.sub(r"(?<=://)([^/@:]*):[^/@]*@", r"\1:***@", str(value))


def embedded_socket(instance: Path) -> Path:
    """The embedded queue server's socket: in the instance folder, or in a private short folder where that is too long."""
    path = instance / "run" / "queue.sock"
    if len(str(path)) <= SOCKET_PATH_LIMIT:
        return path
    tag = hashlib.sha256(str(instance).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"warranty-{os.getuid()}-{tag}" / "queue.sock"


def _environment() -> dict[str, str]:
    file = {key: value for key, value in dotenv_values(".env").items() if value is not None}
    return {**file, **os.environ}


def _database_url(url: str) -> str:
    """One spelling for PostgreSQL: the driver is psycopg 3, whatever form the URL was copied in."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


SMTP_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
IMAP_PORTS = {"imap": 143, "imap+starttls": 143, "imaps": 993}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_MAILBOX = re.compile(r"[ -~]+")


def _mail_url(name: str, given: str | None, ports: Mapping[str, int], faults: list[str]) -> str | None:
    """A mail server, which never gets a password in the clear unless it is on this machine."""
    if not given:
        return None
    try:
        server = _mail_server(given, ports)
    except ValueError:
        server = None
    is_whole = server is not None and server.host and _MAILBOX.fullmatch(server.mailbox)
    if server is None or not is_whole or server.scheme not in ports or (ports is IMAP_PORTS and not server.username):
        faults.append(f"{name} is none: write {', '.join(f'{scheme}://' for scheme in ports)}user:password@host:port.")
    elif server.password and server.scheme in {"smtp", "imap"} and server.host not in {"localhost", "127.0.0.1", "::1"}:
        safe = " or ".join(f"{scheme}://" for scheme in ports if scheme != server.scheme)
        faults.append(f"{name} would send its password in the clear: use {safe}.")
    return given


def _mail_server(url: str, ports: Mapping[str, int]) -> MailServer:
    parts = urlsplit(url)
    return MailServer(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or ports.get(parts.scheme, 0),
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        mailbox=unquote(parts.path.strip("/")) or "INBOX",
    )


def _mail_from(given: str | None, base_url: str, faults: list[str]) -> str:
    """Whose address mails are from: unless it is given one on the host of this service."""
    host = urlsplit(base_url).hostname or ""
    address = given or f"warranty@{host if re.search(r'[a-z]', host) else 'localhost'}"
    if not _ADDRESS.fullmatch(address):
        faults.append(f"WARRANTY_MAIL_FROM is {address!r}; it is one mail address, such as support@example.com.")
    return address


def _port(given: str | None, base_url: str, faults: list[str]) -> int:
    try:
        port = int(given) if given else (urlsplit(base_url).port or 8000)
    except ValueError:
        port = 0
    if not 0 < port < 65_536:
        faults.append(f"PORT or the port of WARRANTY_BASE_URL is not a port: {given or base_url}.")
    return port


def _files_url(url: str, faults: list[str]) -> str:
    try:
        open_store(url)
    except BadStoreUrl as err:
        faults.append(str(err))
    return url


def _flag(given: Mapping[str, str], name: str, faults: list[str]) -> bool:
    word = (given.get(name) or "false").strip().lower()
    if word not in {"true", "false", "1", "0", "on", "off", "yes", "no"}:
        faults.append(f"{name} is {word!r}; it is either true or false.")
    return word in {"true", "1", "on", "yes"}


class _Seconds:
    """Reads durations and collects what is wrong with them."""

    def __init__(self, given: Mapping[str, str], faults: list[str]) -> None:
        self._given = given
        self._faults = faults

    def maybe(self, name: str) -> float | None:
        word = self._given.get(name)
        if not word:
            return None
        try:
            value = float(word)
        except ValueError:
            value = -1.0
        if not 0 < value < 10_000_000:
            self._faults.append(f"{name} is {word!r}; it is a number of seconds above 0.")
            return None
        return value

    def get(self, name: str, default: float) -> float:
        value = self.maybe(name)
        return default if value is None else value


def _timing_faults(settings: Settings) -> list[str]:
    """A vendor call must end before its lease does, and before we may believe that it never arrived."""
    faults = []
    if settings.vendor_timeout_s >= settings.lease_s:
        faults.append(
            f"WARRANTY_VENDOR_TIMEOUT_SECONDS ({settings.vendor_timeout_s:g}) must be below "
            f"WARRANTY_LEASE_SECONDS ({settings.lease_s:g}): a call may not outlive its lease."
        )
    elif not settings.job_timeout_s.is_integer():
        faults.append(
            f"WARRANTY_LEASE_SECONDS ({settings.lease_s:g}) must be above {math.floor(settings.vendor_timeout_s) + 1}: "
            f"work is ended at a whole second after WARRANTY_VENDOR_TIMEOUT_SECONDS ({settings.vendor_timeout_s:g})."
        )
    if settings.relay_s > settings.lease_s:
        faults.append(
            f"WARRANTY_RELAY_SECONDS ({settings.relay_s:g}) may not be above WARRANTY_LEASE_SECONDS "
            f"({settings.lease_s:g}): the work of a worker that was killed would wait for longer than its lease."
        )
    if settings.settle_s is not None and settings.vendor_timeout_s >= settings.settle_s:
        faults.append(
            f"WARRANTY_VENDOR_TIMEOUT_SECONDS ({settings.vendor_timeout_s:g}) must be below "
            f"WARRANTY_SETTLE_SECONDS ({settings.settle_s:g}): a call that still runs has not settled."
        )
    if settings.is_production and settings.settle_s is not None:
        faults += _short_settle_times(settings.settle_s)
    return faults


def _short_settle_times(settle_s: float) -> list[str]:
    """Which vendors may still take in what we gave up on for longer than we would wait before we send it again."""
    own = {vendors.describe(vendor).title: vendors.describe(vendor).settle_s for vendor in vendors.available()}
    longer = [f"{title} ({needs:g})" for title, needs in own.items() if needs > settle_s]
    said = (
        f"WARRANTY_SETTLE_SECONDS ({settle_s:g}) is below what these vendors need, so cases could be opened twice: "
        f"{', '.join(longer)}. Unset it: each vendor has a settle time of its own."
    )
    return [said] if longer else []


def _secrets(given: Mapping[str, str], instance: Path, *, may_make: bool, faults: list[str]) -> dict[str, str]:
    """The two secrets: given, or in development mode made once in the instance folder, readable by its owner only."""
    makers: dict[str, Callable[[], str]] = {
        "SECRET_KEY": lambda: secrets.token_urlsafe(48),
        "WARRANTY_ENCRYPTION_KEYS": lambda: Fernet.generate_key().decode(),
    }
    found = {name: given.get(name, "") for name in makers}
    for name, make in makers.items():
        if not found[name] and may_make:
            found[name] = _kept_secret(instance / f"{name.lower()}.secret", make)
        elif found[name].strip().lower() in WEAK_SECRETS:
            faults.append(f"{name} is missing or a default value; set a random one (or WARRANTY_MODE=development).")
    keys = [key.strip() for key in found["WARRANTY_ENCRYPTION_KEYS"].split(",")]
    if any(key.lower() not in WEAK_SECRETS and not _is_fernet_key(key) for key in keys):
        faults.append(
            "WARRANTY_ENCRYPTION_KEYS holds a value that is no key: each is 32 random bytes in URL-safe base64."
        )
    return found


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def _kept_secret(path: Path, make: Callable[[], str]) -> str:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # O_EXCL: of two processes that start together one makes the secret, the other reads it.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="utf-8").strip()
    except OSError as err:
        raise SettingsError(
            [f"Cannot write {path}: {err.strerror}. Set WARRANTY_INSTANCE to a folder you may write."]
        ) from err
    value = make()
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(value + "\n")
    return value
