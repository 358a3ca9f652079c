"""A test that reaches for another host fails, even where the code under test swallows every error."""

import socket
import subprocess
import sys

import pytest

from tests.house import ROOT
from tests.loopback_only import LeftThisMachine, expected_to_leave

# 192.0.2.1 and .example belong to nobody (RFC 5737, RFC 6761): even a broken guard would disturb no one.
ESCAPES = """
import contextlib, socket

def test_a_connection():
    socket.create_connection(("192.0.2.1", 9), timeout=1)

def test_a_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.sendto(b"x", ("192.0.2.1", 9))

def test_the_look_up_of_a_name():
    socket.getaddrinfo("vendor.example", 443)

def test_a_swallowed_error():
    with contextlib.suppress(BaseException):
        socket.create_connection(("192.0.2.1", 9), timeout=1)
"""


def test_leaving_this_machine_fails_the_test(tmp_path):
    (tmp_path / "test_escape.py").write_text(ESCAPES)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-rN", "-p", "tests.loopback_only", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # One for each test, whether or not it failed already.
    assert run.stdout.count("Failed: left this machine: ") == ESCAPES.count("def test_"), run.stdout


def test_this_machine_may_be_reached():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5) as client,
    ):
        assert client.getpeername() == server.getsockname()


def test_a_name_that_never_exists_is_not_asked_for_and_does_not_exist():
    with pytest.raises(socket.gaierror, match="not known"):
        socket.getaddrinfo("vendor.invalid", 443)


def test_a_test_may_ask_where_the_code_would_go():
    with pytest.raises(LeftThisMachine, match=r"vendor\.example"):
        socket.getaddrinfo("vendor.example", 443)
    expected_to_leave()
