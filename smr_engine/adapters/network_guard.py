"""Keeps effects from reaching hosts inside the company's network (server-side request forgery).

A name is resolved once, every address it has is checked, and the caller connects to the checked
address itself, so that a second, different answer of the name server ("rebinding") is of no use.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import SplitResult, urlsplit

from smr_engine.errors import SmrError
from smr_engine.services.ports import EffectRefusedError, EffectUnavailableError

PORTS = {"http": 80, "https": 443}
HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
NAT64 = IPv6Network("64:ff9b::/96")
IPV4_COMPATIBLE = IPv6Network("::/96")

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address of the web, split for a connection."""

    scheme: str
    host: str  # lower case, ASCII; an IPv6 address without brackets
    port: int
    path: str  # path and query as they go over the wire
    authority: str  # the `Host` header


class NetworkGuard:
    """Says which hosts may be reached.

    Args:
        allow_inside: host names, IP addresses and networks (CIDR) of the inside that may be
            reached all the same; from the settings.

    Raises:
        SmrError: `bad-allow-list` when an entry is none of these.
    """

    def __init__(self, allow_inside: Sequence[str] = ()) -> None:
        self._networks: list[IPv4Network | IPv6Network] = []
        self._hosts: set[str] = set()
        for entry in allow_inside:
            self._allow(entry)

    def _allow(self, entry: str) -> None:
        try:
            self._networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
        except ValueError:
            host = entry.lower().rstrip(".")
            if not HOST_NAME.fullmatch(host):
                raise SmrError(
                    "bad-allow-list",
                    f"{entry!r} is neither a host name nor a network",
                    hint="write a host like `blog.corp.example` or a network like `10.1.0.0/16`",
                    where="allow_inside",
                ) from None
            self._hosts.add(host)

    def target(self, url: str) -> Target:
        """Return a URL split and checked for form; nothing is resolved yet.

        Raises:
            EffectRefusedError: not http(s), with user info, or an odd spelling of a host.
        """
        parts = _split(url)
        if parts.scheme not in PORTS:
            raise EffectRefusedError(
                f"Only http and https addresses can be called, not {parts.scheme!r}"
            )
        if parts.username is not None or parts.password is not None:
            raise EffectRefusedError(
                "An address may not carry a user name or password; use a header"
            )
        host = _host(parts)
        port = _port(parts) or PORTS[parts.scheme]
        shown = f"[{host}]" if ":" in host else host
        authority = shown if port == PORTS[parts.scheme] else f"{shown}:{port}"
        query = f"?{parts.query}" if parts.query else ""
        return Target(parts.scheme, host, port, (parts.path or "/") + query, authority)

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Resolve a host and return its addresses, all of them checked.

        Raises:
            EffectRefusedError: one of its addresses lies inside and is not allowed.
            EffectUnavailableError: the name cannot be resolved now.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as problem:
            raise EffectUnavailableError(f"The host {host} cannot be found") from problem
        addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            self.check(host, address)
        return addresses

    def check(self, host: str, address: str) -> None:
        """Raise EffectRefusedError unless an address of a host may be connected to."""
        if host.lower().rstrip(".") in self._hosts:
            return
        parsed = ipaddress.ip_address(address.split("%", 1)[0])
        if all(self._may(form) for form in _forms(parsed)):
            return
        raise EffectRefusedError(
            f"The host {host} lies inside the network; the settings can allow it"
        )

    def may_connect(self, address: str) -> bool:
        """Return whether a numeric address may be connected to, for libraries that resolve alone.

        An allowed host name is resolved here, and only for an address that is inside.
        """
        try:
            parsed = ipaddress.ip_address(address.split("%", 1)[0])
        except ValueError:
            return False
        if all(self._may(form) for form in _forms(parsed)):
            return True
        return any(address in _known_addresses(host) for host in self._hosts)

    def _may(self, address: Address) -> bool:
        listed = any(
            address.version == network.version and address in network for network in self._networks
        )
        return listed or _is_outside(address)


def _split(url: str) -> SplitResult:
    if any(ord(letter) <= 0x20 or letter == "\\" or ord(letter) >= 0x7F for letter in url):
        raise EffectRefusedError(
            "An address may hold neither spaces nor backslashes nor letters beyond ASCII"
        )
    try:
        return urlsplit(url)
    except ValueError:
        raise EffectRefusedError("This is no address of the web") from None


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise EffectRefusedError(
            "The port of the address is not a number between 0 and 65535"
        ) from None


def _host(parts: SplitResult) -> str:
    """Return the host; numbers only in their one usual spelling."""
    host = (parts.hostname or "").rstrip(".")
    try:
        return str(ipaddress.ip_address(host)) if "%" not in host else _refuse_host()
    except ValueError:
        last = host.rsplit(".", 1)[-1]
        if not HOST_NAME.fullmatch(host) or NUMERIC_LABEL.fullmatch(last):
            return _refuse_host()
        return host


def _refuse_host() -> str:
    raise EffectRefusedError("The host of the address is not written in its usual form")


def _known_addresses(host: str) -> frozenset[str]:
    try:
        return frozenset(str(entry[4][0]) for entry in socket.getaddrinfo(host, None))
    except OSError:
        return frozenset()


def _is_outside(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in GLOBAL_UNICAST_V6:
        return address in NAT64  # the IPv4 address in it is checked beside it
    return address.is_global and not address.is_multicast and not address.is_reserved


def _forms(address: Address) -> tuple[Address, ...]:
    """Return the addresses a packet may end at: an IPv4 address can hide in an IPv6 one."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    hidden = [address.sixtofour, *(address.teredo or ())]
    if address in NAT64 or (address in IPV4_COMPATIBLE and int(address) > 1):
        hidden.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return (address, *(form for form in hidden if form is not None))
