"""Processes that are measured: how they are started, and with which settings."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

PATIENCE_S = 60.0


def environment_of(folder: Path, port: int) -> dict[str, str]:
    """The settings of a product that keeps its files in a folder and its web on a port."""
    return {
        "WARRANTY_MODE": "development",
        "WARRANTY_INSTANCE": str(folder / "instance"),
        "WARRANTY_ALLOW_PRIVATE_VENDOR_URLS": "true",
        "WARRANTY_POLL_SECONDS": "0.2",
        "WARRANTY_BASE_URL": f"http://127.0.0.1:{port}",
        "REDIS_URL": "",
    }


def start(stack: ExitStack, command: list[str], environment: dict[str, str], port: int) -> subprocess.Popen[bytes]:
    """A process that listens on a port, until the stack is left."""
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.1)
    raise SystemExit(f"{' '.join(command[1:4])} did not start.")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
