"""Connections to vendors: the only place for where one may go, how long it may take, and what is repeated."""

import http.client
import io
import ipaddress
import queue
import socket
import threading
import time
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Any, ClassVar, Self, cast
from urllib.parse import urlsplit

import requests
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    ResponseError,
)

from vendors.contract import Gate
from vendors.errors import VendorError

CONNECT_S = 10.0
ALLOWED_PORTS = frozenset({443, 8443})

# "Global" to Python, yet each of them leads to any IPv4 address, private ones too: NAT64 (twice) and 6to4.
_NEVER = tuple(ipaddress.ip_network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16"))


def is_public(address: str) -> bool:
    """Tell whether an IP address is on the public Internet, and nothing that can be turned into a private one."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip.is_site_local or any(ip in network for network in _NEVER):
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class BlockedAddress(Exception):
    """The address is not one we connect to. Neither an OSError nor urllib3's, so that nothing repeats or rewords it."""


_AddressInfo = tuple[Any, Any, Any, Any, Any]


def _resolve(host: str, port: int, timeout_s: float) -> list[_AddressInfo]:
    """Resolve a name once, in at most ``timeout_s`` seconds: ``getaddrinfo`` knows no deadline, hence the thread."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        box: queue.SimpleQueue[list[_AddressInfo] | BaseException] = queue.SimpleQueue()

    def ask() -> None:
        try:
            box.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except BaseException as err:  # noqa: BLE001 -- carried to the caller's thread and raised there
            box.put(err)

    threading.Thread(target=ask, daemon=True, name="resolve").start()
    try:
        answer = box.get(timeout=timeout_s)
    except queue.Empty:
        raise TimeoutError(f"{host} was not resolved in time") from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


class _DeadlineFile(io.RawIOBase):
    """Reads a socket until an instant: its own timeout starts anew with every byte, so a slow drip would never end."""

    def __init__(self, sock: socket.socket, ends: float) -> None:
        # ``makefile`` and not the bare socket: it keeps the socket alive after http.client has closed its own end.
        self._file = sock.makefile("rb", buffering=0)
        self._sock = sock
        self._ends = ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        self._sock.settimeout(left)
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _DeadlineSocket:
    """The one method of a socket that ``http.client.HTTPResponse`` calls."""

    def __init__(self, sock: socket.socket, ends: float) -> None:
        self._sock = sock
        self._ends = ends

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineFile(self._sock, self._ends))


class _DeadlineResponse(http.client.HTTPResponse):
    """An answer that is read against the deadline; urllib3 has just set what is left of it as the socket's timeout."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        ends = time.monotonic() + (sock.gettimeout() or 0.0)
        super().__init__(_DeadlineSocket(sock, ends), *args, **kwargs)  # type: ignore[arg-type] # calls makefile only


class _Guarded(HTTPConnection):
    """Connects to the address that was checked, and to nothing else; the host name stays for ``Host`` and for TLS."""

    may_be_private: ClassVar[bool] = False
    response_class = _DeadlineResponse

    def _new_conn(self) -> socket.socket:
        ends = time.monotonic() + float(self.timeout or CONNECT_S)
        try:
            addresses = _resolve(self._dns_host, self.port, ends - time.monotonic())
        except TimeoutError as err:
            raise ConnectTimeoutError(self, str(err)) from err
        except (OSError, UnicodeError) as err:
            raise NameResolutionError(self.host, self, socket.gaierror(str(err))) from err
        for *_, where in addresses:
            # One private address among public ones is enough: the name's owner chooses which one we would get.
            if not self.may_be_private and not is_public(where[0]):
                raise BlockedAddress(f"{self.host} leads to {where[0]}, which is not a public address")
        last: OSError = OSError("no address")
        for family, kind, protocol, _, where in addresses:
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(max(ends - time.monotonic(), 0.001))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.connect(where)
            except OSError as err:
                sock.close()
                last = err
            else:
                return sock
        if isinstance(last, TimeoutError):
            raise ConnectTimeoutError(self, f"no connection to {self.host} in time") from last
        raise NewConnectionError(self, str(last)) from last


class _GuardedTls(_Guarded, HTTPSConnection):
    """The same, in TLS."""


class _Open(_Guarded):
    may_be_private = True


class _OpenTls(_GuardedTls):
    may_be_private = True


def _pool_classes(*, allow_private: bool) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """Give urllib3 connection pools whose connections are guarded."""

    class Plain(urllib3.HTTPConnectionPool):
        ConnectionCls = _Open if allow_private else _Guarded

    class Tls(urllib3.HTTPSConnectionPool):
        ConnectionCls = _OpenTls if allow_private else _GuardedTls

    return {"http": Plain, "https": Tls}


class _Transport(requests.adapters.HTTPAdapter):
    """requests' transport over guarded connections."""

    def __init__(self, pools: dict[str, type[urllib3.HTTPConnectionPool]], repeat: urllib3.Retry) -> None:
        self._pools = pools
        super().__init__(max_retries=repeat)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools


class Until(urllib3.Timeout):
    """A timeout that ends at one instant, however many attempts urllib3 makes before it."""

    def __init__(self, ends: float) -> None:
        super().__init__()
        self._ends = ends

    def clone(self) -> urllib3.Timeout:
        """Give the time that is left; urllib3 asks before every attempt."""
        left = max(self._ends - time.monotonic(), 0.001)
        return urllib3.Timeout(total=left, connect=min(left, CONNECT_S))


class _Repeat(urllib3.Retry):
    """Repeats a look-up, and takes each repetition from the account's quota too."""

    def __init__(self, *args: Any, gate: Gate, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gate = gate

    @classmethod
    def of(cls, gate: Gate) -> Self:
        # The vendor's Retry-After is not slept through here: a worker would hold its lease meanwhile.
        return cls(
            total=2,
            backoff_factor=0.1,
            status_forcelist={502, 503, 504},
            allowed_methods=None,
            redirect=0,
            raise_on_status=False,
            respect_retry_after_header=False,
            gate=gate,
        )

    def new(self, **kwargs: Any) -> Self:
        return super().new(gate=self._gate, **kwargs)

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:  # noqa: FBT001, FBT002 -- urllib3's
        return not has_retry_after and super().is_retry(method, status_code, has_retry_after)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: urllib3.BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        if isinstance(error, ReadTimeoutError | ConnectTimeoutError):
            raise error  # the deadline is one for all attempts: there is no time left
        repeat = super().increment(method, url, response, error, _pool, _stacktrace)
        try:
            self._gate.enter()
        except VendorError:
            raise MaxRetryError(
                cast("ConnectionPool", _pool), url, error or ResponseError("the gate is shut")
            ) from None
        return repeat


def check_url(url: str, *, allow_private: bool) -> None:
    """Refuse an address before anything is resolved: scheme and port; the connection itself checks where a name leads.

    Raises:
        BlockedAddress: it is not one that we call.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        raise BlockedAddress("the address cannot be read") from None
    if not parts.hostname or parts.scheme not in {"http", "https"} or parts.username is not None:
        raise BlockedAddress("the address is not one that can be called")
    if not allow_private and (parts.scheme != "https" or port not in ALLOWED_PORTS):
        ports = " or ".join(map(str, sorted(ALLOWED_PORTS)))
        raise BlockedAddress(f"vendors are called by https, on port {ports}")


def open_session(*, allow_private: bool, ca_file: str | None, repeat_through: Gate | None) -> requests.Session:
    """Make a session that takes nothing from its surroundings: no proxy, no netrc, no cookies. Connections live on.

    Args:
        allow_private: see ``Calls``.
        ca_file: certificates to trust instead of the public ones, or None.
        repeat_through: the gate that each repetition enters; None: nothing is repeated.
    """
    repeat = urllib3.Retry(0, read=False, redirect=0) if repeat_through is None else _Repeat.of(repeat_through)
    transport = _Transport(_pool_classes(allow_private=allow_private), repeat)
    session = requests.Session()
    session.trust_env = False
    session.verify = ca_file or True
    session.headers.clear()
    session.headers.update({"User-Agent": "warranty-tracker", "Accept-Encoding": "gzip"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("http://", transport)
    session.mount("https://", transport)
    return session


def never_connected(err: Exception) -> bool:
    """Tell whether an error of a session means that no connection came about, so that nothing was sent."""
    reason = getattr(err.args[0], "reason", None) if err.args else None
    return isinstance(err, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)
