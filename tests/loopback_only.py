"""The only place that keeps the suite on this machine: a test that reaches for another host fails.

An audit hook sees every socket of this process, whichever library opened it. It cannot see those of child processes,
nor those that a C library opens by itself (libpq): the addresses of both are given by the suite.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


class LeftThisMachine(BaseException):
    """A test tried to reach another host. Not an `Exception`, so that no retry and no error handling can swallow it."""


_attempts: list[str] = []


def _is_here(host: str) -> bool:
    """Whether a name or address means this machine, or no machine at all ("" and None are how a server binds)."""
    if host in {"", "localhost"} or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _refuse(what: str) -> None:
    _attempts.append(what)
    raise LeftThisMachine(what)


def _look(event: str, args: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        opened, address = args
        is_network = opened.family in {socket.AF_INET, socket.AF_INET6}
        # sendmsg passes None on a socket that is connected; its connect was looked at before.
        if is_network and address is not None and not _is_here(str(address[0])):
            _refuse(f"{event} to {address}")
    elif event == "socket.getaddrinfo":
        host = args[0].decode() if isinstance(args[0], bytes) else args[0]
        if host is None or _is_here(host) or _is_literal(host):
            return  # Reading a literal asks nobody; connecting to it is another event.
        if host.endswith(".invalid"):  # RFC 6761: never exists, and here nobody is asked about it.
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        _refuse(f"look-up of the name {host}")


sys.addaudithook(_look)


def expected_to_leave() -> None:
    """Forgive the refusals so far: for a test that asks which host would be called, and catches `LeftThisMachine`."""
    _attempts.clear()


@pytest.fixture(autouse=True)
def _stays_on_this_machine() -> Iterator[None]:
    """Fail the test even where a thread or a broad handler kept the refusal from it."""
    _attempts.clear()
    yield
    left = _attempts.copy()
    _attempts.clear()
    if left:
        pytest.fail(f"left this machine: {'; '.join(left)}")
