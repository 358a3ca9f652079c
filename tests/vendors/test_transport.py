"""Where a connection may go: addresses in all their forms, names that lead elsewhere, and TLS under the checked address."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.vendors.host import CountingGate
from tests.vendors.names import Names, names
from tests.vendors.raw import RawServer, ok, says
from vendors.transport import BlockedAddress, Until, check_url, is_public, never_connected, open_session

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["names"]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",  # noqa: S104 -- nothing is bound, it is refused
        "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a00:1::1", "2001::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_in_any_form_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "::ffff:8.8.8.8", "2606:4700::6810:84e5"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
    ],
)
def test_every_way_to_write_loopback_is_blocked_when_connecting(names: Names, host: str) -> None:
    session = open_session(allow_private=False, ca_file=None, repeat_through=None)
    with pytest.raises(BlockedAddress, match="not a public address"):
        session.get(f"https://{host}/", timeout=2)


@pytest.mark.parametrize("url", ["https://vendor.example", "https://vendor.example:8443/x?y=1", "https://8.8.8.8/"])
def test_https_on_the_usual_ports_is_allowed(url: str) -> None:
    assert check_url(url, allow_private=False) is None  # anything else raises


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://vendor.example", "by https"),
        ("https://vendor.example:22", "on port 443 or 8443"),
        ("ftp://vendor.example", "not one that can be called"),
        ("https://", "not one that can be called"),
        ("vendor.example", "not one that can be called"),
        ("https://user:pw@vendor.example", "not one that can be called"),
        ("https://vendor.example:99999", "cannot be read"),
        ("https://[::1", "cannot be read"),
    ],
)
def test_any_other_address_is_refused_with_a_sentence(url: str, says: str) -> None:
    with pytest.raises(BlockedAddress, match=says):
        check_url(url, allow_private=False)


def test_where_private_addresses_are_allowed_http_and_any_port_are_too() -> None:
    check_url("http://10.0.0.1:5000", allow_private=True)
    with pytest.raises(BlockedAddress):
        check_url("file:///etc/passwd", allow_private=True)


def test_one_private_address_among_public_ones_blocks_the_name(names: Names) -> None:
    names.leads("vendor.example", ("93.184.216.34", "127.0.0.1"))
    session = open_session(allow_private=False, ca_file=None, repeat_through=CountingGate())
    with pytest.raises(BlockedAddress, match=r"vendor\.example leads to 127\.0\.0\.1"):
        session.get("https://vendor.example/", timeout=2)


def test_a_name_is_resolved_once_and_the_answer_that_was_checked_is_connected_to(names: Names) -> None:
    with RawServer(says(ok(b"[]"))) as here, RawServer(says(ok(b"[]"))) as _elsewhere:
        names.leads("vendor.example", ("127.0.0.1",), ("192.0.2.1",))
        session = open_session(allow_private=True, ca_file=None, repeat_through=None)
        assert session.get(f"http://vendor.example:{here.port}/a", timeout=2).json() == []
        assert names.asked == [("vendor.example", here.port)]
        assert f"Host: vendor.example:{here.port}".encode() in here.heads[0]


def test_a_name_that_turns_private_between_two_connections_is_checked_again(names: Names) -> None:
    names.leads("vendor.example", ("10.0.0.7",), ("93.184.216.34",))
    session = open_session(allow_private=False, ca_file=None, repeat_through=None)
    with pytest.raises(BlockedAddress):
        session.get("https://vendor.example/", timeout=2)
    assert len(names.asked) == 1  # a second question would have got the public answer, and connected to who knows what


def test_the_next_address_is_tried_where_the_first_does_not_answer(names: Names) -> None:
    with RawServer(says(ok(b"[]"))) as server:
        names.leads("vendor.example", ("::1", "127.0.0.1"))  # nobody listens on the first
        session = open_session(allow_private=True, ca_file=None, repeat_through=None)
        assert session.get(f"http://vendor.example:{server.port}/", timeout=2).json() == []


@pytest.mark.parametrize("name", ["nowhere.example", "a" * 64 + ".example"])
def test_a_name_that_does_not_exist_never_connected(names: Names, name: str) -> None:
    session = open_session(allow_private=True, ca_file=None, repeat_through=None)
    with pytest.raises(requests.ConnectionError) as caught:
        session.get(f"http://{name}/", timeout=2)
    assert never_connected(caught.value)


def test_a_resolver_that_does_not_answer_is_given_up_at_the_deadline(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    asked = names.getaddrinfo

    def stuck(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if not kwargs.get("flags"):
            released.wait(10)
        return asked(host, port, *args, **kwargs)

    monkeypatch.setattr("socket.getaddrinfo", stuck)
    session = open_session(allow_private=True, ca_file=None, repeat_through=None)
    started = time.monotonic()
    with pytest.raises(requests.ConnectTimeout) as caught:
        session.get("http://slow.example/", timeout=Until(time.monotonic() + 0.2))  # type: ignore[arg-type] # as in http.py
    assert time.monotonic() - started < 3
    assert never_connected(caught.value)
    released.set()


def test_a_connection_that_does_not_come_about_is_given_up_at_the_deadline(names: Names) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))  # a full queue: the next one gets no answer at all
        time.sleep(0.05)
        session = open_session(allow_private=True, ca_file=None, repeat_through=CountingGate())
        with pytest.raises(Exception, match=r"in time|timed out"):
            session.get(f"http://127.0.0.1:{port}/", timeout=Until(time.monotonic() + 0.3))  # type: ignore[arg-type] # as in http.py
        for filler in fillers:
            filler.close()


# -- TLS


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for ``vendor.example`` that vouches for itself, as file and as a server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vendor.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("vendor.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("authority")
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.pem").write_bytes(pem)
    (folder / "server.pem").write_bytes(secret + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return folder / "ca.pem", context


def test_tls_asks_for_the_name_and_checks_it_although_the_address_is_connected_to(
    names: Names, authority: tuple[Path, ssl.SSLContext]
) -> None:
    ca_file, context = authority
    asked_for: list[str | None] = []
    context.sni_callback = lambda _sock, name, _context: asked_for.append(name)
    names.leads("vendor.example", ("127.0.0.1",))
    names.leads("other.example", ("127.0.0.1",))
    with RawServer(says(ok(b"[2]")), tls=context) as server:
        session = open_session(allow_private=True, ca_file=str(ca_file), repeat_through=None)
        assert session.get(f"https://vendor.example:{server.port}/", timeout=5).json() == [2]
        with pytest.raises(requests.exceptions.SSLError, match=r"other\.example"):
            session.get(f"https://other.example:{server.port}/", timeout=5)
    assert asked_for[0] == "vendor.example"


def test_a_certificate_of_nobody_we_trust_is_refused(names: Names, authority: tuple[Path, ssl.SSLContext]) -> None:
    _, context = authority
    names.leads("vendor.example", ("127.0.0.1",))
    with RawServer(says(ok(b"[2]")), tls=context) as server:
        session = open_session(allow_private=True, ca_file=None, repeat_through=None)
        with pytest.raises(requests.exceptions.SSLError):
            session.get(f"https://vendor.example:{server.port}/", timeout=5)
        assert server.heads == []
