from __future__ import annotations

import contextlib
import ipaddress
import itertools
import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.adapters.guarded_http import Exchange, perform
from smr_engine.adapters.network_guard import NetworkGuard
from smr_engine.errors import SmrError
from smr_engine.services.ports import EffectRefusedError, EffectUnavailableError

INSIDE_HOSTS = (
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
    "127.0.0.2",
    "127.255.255.254",
    "0.0.0.0",
    "0",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1:0:0:80ff:fffe]",
    "[::ffff:0:127.0.0.1]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fe80::1%lo]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fec0::1]",
    "[ff02::1]",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "①②⑦.0.0.1",
    "127。0。0。1",
    "127%2e0%2e0%2e1",
    "1%32%37.0.0.1",
    "user@127.0.0.1",
    "user:word@127.0.0.1",
    "example.com@127.0.0.1",
    "127.0.0.1%00.example.com",
    "example.com\\@127.0.0.1",
    "127.0.0.1\\.example.com",
    "::1",
    "[127.0.0.1]",
)
SCHEMES = ("http", "HTTP", "https", "hTtP")
TAILS = ("", "/", "/latest/meta-data/", "/?next=http://example.com/", "#@example.com/")
OTHER_SCHEMES = ("file", "ftp", "gopher", "dict", "ldap", "unix", "javascript", "data", "")
TRICKS = [
    f"{scheme}://{host}{{port}}{tail}"
    for scheme, host, tail in itertools.product(SCHEMES, INSIDE_HOSTS, TAILS)
]


def test_no_trick_of_the_corpus_reaches_a_listener_inside(canary):
    guard = NetworkGuard()
    assert len(TRICKS) >= 1000
    for trick in TRICKS:
        url = trick.format(port=f":{canary.port}")
        with pytest.raises((EffectRefusedError, EffectUnavailableError)):
            perform(Exchange("GET", url), guard, 1.0)
    assert canary.connections() == 0


def test_the_corpus_would_be_noticed_the_canary_sings_when_it_is_allowed(canary):
    guard = NetworkGuard(["127.0.0.1/32"])
    with pytest.raises(EffectUnavailableError):
        perform(Exchange("GET", f"http://127.0.0.1:{canary.port}/"), guard, 0.2)
    assert canary.connections() == 1


@pytest.mark.parametrize("scheme", OTHER_SCHEMES)
def test_only_the_web_is_called(scheme):
    with pytest.raises(EffectRefusedError, match="Only http and https"):
        NetworkGuard().target(f"{scheme}://example.com/")


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http:///path",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://exa mple.com/",
        "http://example.com/\r\nHost: inside",
        "http://[::1",
        "http://-a.example.com/",
        "http://a..example.com/",
        "http://example.com/ä",
        "//example.com/",
        "example.com",
        "",
    ],
)
def test_odd_addresses_are_refused_in_words(url):
    with pytest.raises(EffectRefusedError):
        NetworkGuard().target(url)


def test_a_usual_address_is_split_for_the_connection():
    target = NetworkGuard().target("https://Blog.Example.com.:8443/api/posts?a=1&b=%20#part")
    assert target.scheme == "https"
    assert (target.host, target.port) == ("blog.example.com", 8443)
    assert target.path == "/api/posts?a=1&b=%20"
    assert target.authority == "blog.example.com:8443"


@given(st.ip_addresses())
def test_no_private_address_passes_and_every_ordinary_one_does(address):
    guard = NetworkGuard()
    if not address.is_global or address.is_multicast or address.is_loopback:
        assert not guard.may_connect(str(address))
    elif address.version == 4 and not address.is_reserved:
        assert guard.may_connect(str(address))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_hidden_in_an_ipv6_one_is_judged_by_itself(hidden):
    guard, number = NetworkGuard(), int(hidden)
    forms = [
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    ]
    for form in forms:
        if guard.may_connect(str(form)):
            assert guard.may_connect(str(hidden))


@given(st.text(max_size=60))
def test_no_text_makes_the_guard_stumble(text):
    for url in (text, f"http://{text}/", f"http://example.com{text}"):
        with contextlib.suppress(EffectRefusedError):
            assert NetworkGuard().target(url).host


@pytest.mark.parametrize("entry", ["localhost", "LOCALHOST.", "127.0.0.0/8", "127.0.0.1", "::/0"])
def test_what_the_settings_allow_is_reached(entry):
    guard = NetworkGuard([entry, "127.0.0.1", "::1"])
    assert "127.0.0.1" in guard.addresses("localhost", 80)


def test_an_allowed_host_allows_no_other_host_at_the_same_address(monkeypatch):
    guard = NetworkGuard(["localhost"])
    guard.check("localhost", "127.0.0.1")
    with pytest.raises(EffectRefusedError):
        guard.check("rebound.example.com", "127.0.0.1")


@pytest.mark.parametrize("entry", ["", "http://localhost", "10.0.0.0/99", "a b", "*"])
def test_an_entry_that_allows_nothing_is_told_at_once(entry):
    with pytest.raises(SmrError, match="neither a host name nor a network"):
        NetworkGuard([entry])


class NameServer:
    """Answers with the next list of addresses on every question (numbers answer themselves)."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self.asked = 0
        self._answers = answers
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self.answer)

    def answer(self, host, port, *arguments, **options):
        if host != "blog.example.com":
            return self._real(host, port, *arguments, **options)
        addresses = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
        ]


def test_one_inside_address_among_many_is_enough_to_refuse(monkeypatch, canary):
    NameServer(monkeypatch, ["93.184.215.14", "127.0.0.1"])
    with pytest.raises(EffectRefusedError, match="lies inside the network"):
        perform(Exchange("GET", f"http://blog.example.com:{canary.port}/"), NetworkGuard(), 1)
    assert canary.connections() == 0


def test_a_name_is_asked_once_and_the_checked_address_is_the_one_connected_to(monkeypatch, blog):
    names = NameServer(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    blog.answer = {"is": "here"}
    guard = NetworkGuard(["127.0.0.1/32"])
    answer = perform(Exchange("GET", f"http://blog.example.com:{blog.port}/"), guard, 5)
    assert answer.json() == {"is": "here"}
    assert names.asked == 1
    assert blog.seen[0][2]["Host"] == f"blog.example.com:{blog.port}"


def test_the_next_address_is_tried_when_the_first_does_not_answer(monkeypatch, blog):
    NameServer(monkeypatch, ["127.0.0.9", "127.0.0.1"])
    guard = NetworkGuard(["127.0.0.0/8"])
    blog.answer = {"is": "here"}
    assert perform(Exchange("GET", f"http://blog.example.com:{blog.port}/"), guard, 5).status == 200


def test_a_name_that_cannot_be_found_may_be_found_later():
    with pytest.raises(EffectUnavailableError, match="cannot be found"):
        NetworkGuard().addresses("nowhere.invalid", 80)


def test_a_redirect_is_not_followed_inside(blog, canary):
    blog.plan = [302]
    with pytest.raises(EffectRefusedError, match="redirects are not followed"):
        perform(Exchange("GET", blog.url), NetworkGuard(["127.0.0.1"]), 5)
    assert canary.connections() == 0


def test_proxies_of_the_environment_are_not_used(monkeypatch, blog, canary):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    blog.answer = {}
    perform(Exchange("GET", blog.url), NetworkGuard(["127.0.0.1"]), 5)
    assert canary.connections() == 0


def test_a_connection_watched_in_one_thread_leaves_others_alone(canary):
    from smr_engine.adapters.connection_watch import only_allowed_connections

    def connect() -> None:
        socket.create_connection(("127.0.0.1", canary.port), timeout=5).close()

    with only_allowed_connections(NetworkGuard()) as watch:
        with pytest.raises(ConnectionRefusedError):
            connect()
        other = threading.Thread(target=connect)
        other.start()
        other.join()
    assert watch.refused
    assert canary.connections() == 1
    connect()
