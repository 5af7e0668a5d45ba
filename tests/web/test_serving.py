"""The socket that pages are served on."""

from __future__ import annotations

import socket
from contextlib import closing
from urllib.parse import urlsplit

from smr_engine.web.serving import listen
from tests.support.web import served


def test_the_end_of_a_page_does_not_wait_for_the_receipt_of_its_start():
    with (
        closing(listen("127.0.0.1", 0)) as listening,
        closing(socket.create_connection(listening.getsockname())),
        closing(listening.accept()[0]) as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_hides_behind_a_body_of_two_lengths_is_no_request(company):
    """RFC 9112, 6.3: a proxy may have read one length and we the other, so the connection ends."""
    hidden = b"0\r\n\r\nGET /inbox HTTP/1.1\r\nHost: a\r\n\r\n"
    head = b"POST /sign-in HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
    with served(company.ws) as site:
        there = urlsplit(site)
        with socket.create_connection((there.hostname, there.port), timeout=10) as asking:
            asking.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + hidden)
            heard = b"".join(iter(lambda: asking.recv(65_536), b""))
    assert heard.count(b"HTTP/1.1 ") == 1
    assert heard.startswith(b"HTTP/1.1 411 ")
