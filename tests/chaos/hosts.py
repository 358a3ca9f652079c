"""Several hosts on one machine: a network namespace for each, joined by a bridge in the namespace that the run lives in.

Nothing of this touches the machine's own network: the run lives in a namespace of its own (`in_own_network`), and all of
it is gone with its processes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self

from tests.servers import NOBODY, PostgresServer, ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = ("web1", "web2", "work1", "work2", "database", "queue", "vendor")
OUTSIDE = "10.77.0.1"
QUEUE_PORT = 6379
BRIDGE = "hosts"
ANY_USER = ["--user", "--map-current-user", "--keep-caps"]


@dataclass(slots=True)
class Host:
    """One host: its name, its address, and the process that keeps its namespace."""

    name: str
    address: str
    keeper: subprocess.Popen[bytes]

    def prefix(self, user: int | None = None) -> list[str]:
        """What a command is put behind to run there, perhaps as somebody else."""
        as_user = [] if user is None else [f"--setuid={user}", f"--setgid={user}"]
        return ["nsenter", f"--net=/proc/{self.keeper.pid}/ns/net", *as_user, "--"]


@dataclass(slots=True)
class Hosts:
    """The hosts of a run, by name. Use it as a context."""

    named: dict[str, Host] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Make them."""
        _run("ip", "link", "set", "lo", "up")
        _run("ip", "link", "add", BRIDGE, "type", "bridge")
        _run("ip", "address", "add", f"{OUTSIDE}/24", "dev", BRIDGE)
        _run("ip", "link", "set", BRIDGE, "up")
        for number, name in enumerate(NAMES):
            keeper = subprocess.Popen(["unshare", "--net", "--", "sleep", "infinity"])
            host = self.named[name] = Host(name, f"10.77.0.{number + 11}", keeper)
            _wait_for_namespace(keeper.pid)
            _run("ip", "link", "add", _port(name), "type", "veth", "peer", "name", "eth0", "netns", str(keeper.pid))
            _run("ip", "link", "set", _port(name), "master", BRIDGE, "up")
            _run(*host.prefix(), "ip", "address", "add", f"{host.address}/24", "dev", "eth0")
            _run(*host.prefix(), "ip", "link", "set", "eth0", "up")
            _run(*host.prefix(), "ip", "link", "set", "lo", "up")
        return self

    def cut_off(self, name: str) -> None:
        """Pull the cable of a host."""
        _run("ip", "link", "set", _port(name), "down")

    def bring_back(self, name: str) -> None:
        """Plug it in again."""
        _run("ip", "link", "set", _port(name), "up")

    def __exit__(self, *_: object) -> None:
        """Take them away: a cable goes with its host."""
        for host in self.named.values():
            host.keeper.kill()
            host.keeper.wait()
        with suppress(subprocess.CalledProcessError):
            _run("ip", "link", "delete", BRIDGE)


def in_own_network(*arguments: str) -> NoReturn:
    """Go on in a network namespace of this program's own.

    Raises:
        SystemExit: this machine does not let its user make one.
    """
    own = ["unshare", *([] if os.geteuid() == 0 else ANY_USER), "--net", "--"]
    can = shutil.which("ip") and shutil.which("unshare") and shutil.which("nsenter")
    if not can or subprocess.run([*own, "ip", "link", "set", "lo", "up"], capture_output=True, check=False).returncode:
        raise SystemExit("Several hosts need iproute2, util-linux, and root or user namespaces: run it as root.")
    os.execvp(own[0], [*own, sys.executable, "-m", "tests.chaos", *arguments])  # noqa: S606 - ourselves, elsewhere


class PostgresOnHost(PostgresServer):
    """A durable cluster that the other hosts reach, too."""

    def __init__(self, folder: Path, host: Host) -> None:
        user = NOBODY if os.geteuid() == 0 else None
        super().__init__(folder, user, durable=True)
        self._as_user = {}  # from here on whoever enters the namespace changes the user
        self._host, self._user = host, user
        with (folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.77.0.0/24 scram-sha-256\n")

    def command(self) -> Sequence[str]:
        """As on one host, but listening."""
        program, *settings = super().command()
        listening = [word.replace("listen_addresses=", f"listen_addresses={self._host.address}") for word in settings]
        return [*self._host.prefix(self._user), program, *listening]


class ValkeyOnHost(ValkeyServer):
    """A queue server that the other hosts reach with a password."""

    def __init__(self, folder: Path, host: Host, password: str) -> None:
        super().__init__(folder, durable=False)
        self._host, self._password = host, password
        self.url_for_others = f"redis://:{password}@{host.address}:{QUEUE_PORT}/0"
        self.url = f"unix://:{password}@{folder}/valkey.sock"

    def command(self) -> Sequence[str]:
        """As on one host, but listening."""
        program, *settings = super().command()
        settings[settings.index("--port") + 1] = str(QUEUE_PORT)
        listening = ["--bind", self._host.address, "--requirepass", self._password]
        return [*self._host.prefix(), program, *settings, *listening]


def _port(name: str) -> str:
    """The end of a host's cable at the bridge."""
    return f"to-{name}"


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)


def _wait_for_namespace(pid: int) -> None:
    """Wait until the process has a network of its own: before that, all would happen in ours."""
    ours = Path("/proc/self/ns/net").readlink()
    while Path(f"/proc/{pid}/ns/net").readlink() == ours:
        pass
