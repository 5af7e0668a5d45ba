"""The socket that pages are served on."""

from __future__ import annotations

import socket
from contextlib import closing

from smr_engine.web.serving import listen


def test_the_end_of_a_page_does_not_wait_for_the_receipt_of_its_start():
    with (
        closing(listen("127.0.0.1", 0)) as listening,
        closing(socket.create_connection(listening.getsockname())),
        closing(listening.accept()[0]) as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
