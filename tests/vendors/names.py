"""A name service for tests: the only place that stands in for the machine's resolver, which is no code of ours."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from typing import Any

import pytest


class Names:
    """Answers names with addresses, in turn; a name that it was not told does not exist."""

    def __init__(self) -> None:
        """Know no name."""
        self.asked: list[tuple[str, int]] = []
        self._known: dict[str, list[tuple[str, ...]]] = {}

    def leads(self, name: str, *answers: tuple[str, ...]) -> None:
        """Answer a name with these addresses: one tuple for each time it is asked, the last again and again."""
        self._known[name] = list(answers)

    def getaddrinfo(self, host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        """Answer as ``socket.getaddrinfo`` does."""
        literal = _literal(host)
        if literal:
            return [self._info(literal, port)]
        if kwargs.get("flags") == socket.AI_NUMERICHOST:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        host.encode("idna")  # as the real one does: it refuses labels that are empty or too long
        self.asked.append((host, port))
        answers = self._known.get(host)
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [self._info(address, port) for address in answer]

    def _info(self, address: str, port: int) -> tuple[Any, ...]:
        family = socket.AF_INET if ipaddress.ip_address(address).version == 4 else socket.AF_INET6
        where = (address, port) if family == socket.AF_INET else (address, port, 0, 0)
        return (family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where)


def _literal(host: str) -> str:
    """Give the address that a literal stands for, in any form that the C library takes; empty where it is a name."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(host))
    with contextlib.suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(host))
    return ""


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """The name service, in place of the machine's."""
    service = Names()
    monkeypatch.setattr(socket, "getaddrinfo", service.getaddrinfo)
    return service
