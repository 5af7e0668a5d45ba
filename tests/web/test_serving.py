"""The socket that pages are served on."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from time import sleep
from urllib.parse import urlsplit

import httpx

from smr_engine.adapters.passwords import Argon2Passwords
from smr_engine.services import accounts
from smr_engine.web.serving import listen
from smr_engine.web.visit import BROWSER_COOKIE, COOKIE
from tests.support.web import PASSWORD, served, session_of


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


class Slow(Argon2Passwords):
    """Takes as long for a guess as the machine would in a flood of them."""

    over = threading.Event()
    begun = threading.Semaphore(0)

    def verify(self, password: str, hashed: str) -> bool:
        if password == PASSWORD:
            return super().verify(password, hashed)
        self.begun.release()
        self.over.wait(30)
        return False


def test_a_flood_of_sign_ins_keeps_nobody_waiting_who_is_or_was_signed_in(company):
    """There are forty threads for all answers; strangers must not hold every one of them.

    Nor all the turns: who has signed in in a browser before does so at once, in a crisis above all.
    """
    cookie = {COOKIE: session_of(company.ws, "lea")}
    known = {BROWSER_COOKIE: accounts.sign_in(company.ws, "lea", PASSWORD).browser}
    forged = {BROWSER_COOKIE: "forged"}
    with served(replace(company.ws, passwords=Slow())) as site, ThreadPoolExecutor(60) as strangers:
        forms = [{"who": f"nobody-{number}", "password": "a guess"} for number in range(60)]
        door, lea = f"{site}/sign-in", {"who": "lea", "password": PASSWORD}
        flood = [strangers.submit(httpx.post, door, data=form, cookies=forged) for form in forms]
        try:
            assert Slow.begun.acquire(timeout=10)
            sleep(0.5)  # the others are on their way
            assert httpx.get(f"{site}/inbox", cookies=cookie, timeout=5).status_code == 200
            assert httpx.post(door, data=lea, cookies=known, timeout=5).status_code == 303
        finally:
            Slow.over.set()
        assert {each.result().status_code for each in flood} == {409}
