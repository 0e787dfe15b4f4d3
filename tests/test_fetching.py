"""Strangers make us fetch: public addresses, bounded, and nothing else."""

import ipaddress
import socket
import threading
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagsmith import fetching
from tagsmith.errors import DataError
from tagsmith.fetching import Bounds, fetch
from tagsmith.internet import is_public, public_address
from tests.fakes.server import serving

BOUNDS = Bounds(bytes=10_000, seconds=5)
INNER = [
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "224.0.0.1", "0.0.0.1"),
    *("240.0.0.1", "255.255.255.255"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
    *("2001:db8::1", "not an address", ""),
]


@pytest.fixture
def names(monkeypatch):
    """What names mean: to be filled in; each look-up takes the next addresses."""
    known = {}

    def look_up(host, port, **_):
        if host not in known:
            raise socket.gaierror
        answers = known[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(0, socket.SOCK_STREAM, 0, "", (each, port)) for each in addresses]

    monkeypatch.setattr(fetching.socket, "getaddrinfo", look_up)
    return known


@pytest.fixture
def site(tmp_path, names, monkeypatch):
    """A server on this machine that stands in for `example.org`, at port 80."""
    names["example.org"] = [["93.184.216.34"]]
    (tmp_path / "song.wav").write_bytes(b"la" * 1000)
    with serving(tmp_path) as server:
        place = server.server_address
        went = []

        def instead(address, timeout):
            went.append(address)
            connected = socket.socket()
            connected.settimeout(timeout)
            connected.connect(place)
            return connected

        monkeypatch.setattr(fetching.socket, "create_connection", instead)
        server.went = went
        yield server


def fetched(url, tmp_path, bounds=BOUNDS):
    path = tmp_path / "fetched"
    fetch(url, path, bounds)
    return path.read_bytes()


@pytest.mark.parametrize("address", INNER)
def test_inner_addresses_are_not_public(address):
    assert not is_public(address)


@given(st.ip_addresses())
def test_nothing_but_global_addresses_is_public(address):
    if is_public(str(address)):
        assert address.is_global and not address.is_multicast


@given(st.ip_addresses(v=4))
def test_a_wrapped_address_is_as_public_as_what_it_wraps(address):
    assert is_public(f"::ffff:{address}") == is_public(str(address))
    gateway = int(ipaddress.IPv6Address("64:ff9b::")) + int(address)
    assert not is_public(str(ipaddress.IPv6Address(gateway)))


def test_a_host_with_one_inner_address_is_refused(names):
    names["mixed.example"] = [["93.184.216.34", "127.0.0.1"]]
    with pytest.raises(DataError, match="not on the public internet"):
        public_address("mixed.example", 80)


def test_a_public_address_is_fetched(site, tmp_path):
    assert fetched("http://example.org/song.wav", tmp_path) == b"la" * 1000
    assert site.went == [("93.184.216.34", 80)]


def test_a_name_is_looked_up_once_and_the_checked_address_is_reached(
    site, names, tmp_path
):
    names["example.org"] = [["93.184.216.34"], ["127.0.0.1"]]  # rebinding
    fetched("http://example.org/song.wav", tmp_path)
    assert site.went == [("93.184.216.34", 80)]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("file:///etc/passwd", "starts with http or https"),
        ("ftp://example.org/song.mp3", "starts with http or https"),
        ("gopher://example.org/", "starts with http or https"),
        ("http:///song.mp3", "starts with http or https"),
        ("/etc/passwd", "starts with http or https"),
        ("http://user:word@example.org/", "neither a user's name nor a password"),
        ("http://example.org:8080/", "port 80 only, not 8080"),
        ("https://example.org:80/", "port 443 only, not 80"),
        ("http://example.org:99999/", "no address"),
        ("http://[::1/", "no address"),
        ("http://localhost.example/", "is not known"),
        ("http://127.0.0.1/", "not on the public internet"),
        ("http://2130706433/", "not on the public internet"),
        ("http://[::ffff:127.0.0.1]/", "not on the public internet"),
        ("http://example.org/a\r\nHost: inner/", "not on the public internet"),
        ("http://" + "a" * 300 + "/", "cannot be fetched"),
    ],
)
def test_what_is_no_public_address_is_refused(url, message, names, tmp_path):
    names |= {each: [["127.0.0.1"]] for each in ("127.0.0.1", "2130706433")}
    names["::ffff:127.0.0.1"] = [["::ffff:127.0.0.1"]]
    names["example.org"] = [["127.0.0.1"]]
    with pytest.raises(DataError, match=message):
        fetched(url, tmp_path)


@pytest.mark.parametrize(
    "place", ["http://127.0.0.1/", "file:///etc/passwd", "http://inner.example/x"]
)
def test_a_redirection_is_checked_like_the_first_address(
    site, names, tmp_path, monkeypatch, place
):
    names |= {each: [["10.0.0.1"]] for each in ("127.0.0.1", "inner.example")}
    redirect(site, monkeypatch, place)
    with pytest.raises(DataError, match=r"public internet|starts with http"):
        fetched("http://example.org/song.wav", tmp_path)
    assert len(site.went) == 1


def test_redirections_are_followed_a_few_times(site, tmp_path, monkeypatch):
    redirect(site, monkeypatch, "/again.wav")
    with pytest.raises(DataError, match="more than 5 redirections"):
        fetched("http://example.org/song.wav", tmp_path)


def redirect(site, monkeypatch, place):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", place)
        handler.end_headers()

    monkeypatch.setattr(site.RequestHandlerClass, "do_GET", answer)


@pytest.mark.usefixtures("site")
def test_a_body_is_bounded_whatever_its_header_says(tmp_path):
    (tmp_path / "large.wav").write_bytes(bytes(20_000))
    with pytest.raises(DataError, match="all that is fetched"):
        fetched("http://example.org/large.wav", tmp_path)


@pytest.mark.usefixtures("site")
def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(DataError, match="the server answers 404"):
        fetched("http://example.org/nothing.wav", tmp_path)


def test_a_server_that_drips_is_given_up(site, tmp_path, monkeypatch):
    stop = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            while not stop.wait(0.05):
                handler.wfile.write(b".")

    monkeypatch.setattr(site.RequestHandlerClass, "do_GET", drip)
    began = time.monotonic()
    with pytest.raises(DataError, match="takes too long"):
        fetched("http://example.org/song.wav", tmp_path, Bounds(10_000, 0.5))
    stop.set()
    assert time.monotonic() - began < 4
