from __future__ import annotations

import datetime as dt
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from smr_engine.adapters.guarded_http import LONGEST_ANSWER, Exchange, perform
from smr_engine.adapters.http_request import HttpRequestCaller
from smr_engine.adapters.network_guard import NetworkGuard
from smr_engine.services.ports import (
    EffectAmbiguousError,
    EffectRefusedError,
    EffectUnavailableError,
)
from tests.adapters.servers import free_port, running_blog

GUARD = NetworkGuard(["127.0.0.1", "localhost"])
KEY = {"Idempotency-Key": "C-1/call/1"}


def post(blog, timeout_s=5.0, **changes):
    headers = {**KEY, **changes.pop("headers", {})}
    return perform(
        Exchange("POST", blog.url + "/posts", headers, b'{"a": 1}'), GUARD, timeout_s, **changes
    )


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, EffectRefusedError),
        (401, EffectRefusedError),
        (404, EffectRefusedError),
        (422, EffectRefusedError),
        (301, EffectRefusedError),
        (307, EffectRefusedError),
        (501, EffectRefusedError),
        (408, EffectUnavailableError),
        (409, EffectUnavailableError),
        (429, EffectUnavailableError),
        (503, EffectUnavailableError),
        (500, EffectAmbiguousError),
        (502, EffectAmbiguousError),
        (504, EffectAmbiguousError),
        (520, EffectAmbiguousError),
    ],
)
def test_every_status_says_whether_it_happened(blog, status, told):
    blog.plan = [status]
    with pytest.raises(told, match=f"POST was answered with status {status}"):
        post(blog)
    assert len(blog.seen) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_reading_that_failed_may_be_done_again(blog, status):
    blog.plan = [status]
    with pytest.raises(EffectUnavailableError):
        perform(Exchange("GET", blog.url), GUARD, 5)


def test_a_status_that_the_caller_accepts_is_an_answer(blog):
    blog.plan = [404]
    assert post(blog, accept=frozenset({404})).status == 404


def test_nobody_listens_so_it_certainly_did_not_happen():
    with pytest.raises(EffectUnavailableError, match="The connection was lost"):
        perform(Exchange("POST", f"http://127.0.0.1:{free_port()}/"), GUARD, 5)


@pytest.mark.parametrize("moment", ["drop", "drop-done"])
def test_a_connection_lost_after_sending_leaves_the_outcome_open(blog, moment):
    blog.plan = [moment]
    with pytest.raises(EffectAmbiguousError, match="was lost after sending"):
        post(blog)


def test_an_answer_that_does_not_come_in_time_leaves_the_outcome_open(blog):
    blog.plan = ["hang"]
    with pytest.raises(EffectAmbiguousError, match="timed out after sending"):
        post(blog, timeout_s=0.2)
    assert list(blog.posts) == ["C-1/call/1"]


@pytest.mark.parametrize("moment", ["drop", "hang"])
def test_reading_that_was_lost_may_be_done_again(blog, moment):
    blog.plan = [moment]
    with pytest.raises(EffectUnavailableError):
        perform(Exchange("GET", blog.url), GUARD, 0.2)


def test_an_answer_that_drips_for_ever_ends_at_the_time_out(blog):
    blog.plan = ["drip"]
    began = time.monotonic()
    with pytest.raises(EffectAmbiguousError):
        post(blog, timeout_s=0.4)
    assert time.monotonic() - began < 3


def test_an_answer_longer_than_the_engine_reads_is_cut(blog):
    blog.answer = b"x" * (LONGEST_ANSWER + 10)
    answer = perform(Exchange("GET", blog.url), GUARD, 10)
    assert (len(answer.body), answer.truncated) == (LONGEST_ANSWER, True)


@pytest.mark.parametrize("header", ["Bearer hunter2\r\nX-Evil: 1", "Bearer hunter2\x00"])
def test_a_header_with_line_breaks_is_refused_without_showing_it(blog, header):
    with pytest.raises(EffectRefusedError) as told:
        post(blog, headers={"Authorization": header})
    assert "hunter2" not in repr(told.value)
    assert told.value.__cause__ is None
    assert told.value.__suppress_context__
    assert blog.seen == []


def test_a_server_that_cannot_prove_its_name_gets_nothing(tmp_path):
    with running_blog(_self_signed(tmp_path)) as blog:
        url = f"https://localhost:{blog.port}/"
        with pytest.raises(EffectUnavailableError):
            perform(Exchange("POST", url, KEY, b"secret plan"), GUARD, 5)
        assert blog.seen == []


def _self_signed(tmp_path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


class TestCallSteps:
    caller = HttpRequestCaller(GUARD, {"TICKETS_TOKEN": "hunter2"})

    def test_a_call_posts_its_json_with_the_key_and_the_secret(self, blog):
        result = self.caller.call(
            "C-1/open_ticket/1",
            {
                "url": blog.url + "/tickets",
                "json": {"title": "Takeover"},
                "headers": {"Authorization": "Bearer ${TICKETS_TOKEN}"},
            },
            5,
        )
        assert result == {"status": 201, "body": {"data": {"link": "/posts/1"}}}
        command, path, headers = blog.seen[0]
        assert (command, path) == ("POST", "/tickets")
        assert headers["Idempotency-Key"] == "C-1/open_ticket/1"
        assert headers["Authorization"] == "Bearer hunter2"
        assert blog.posts["C-1/open_ticket/1"]["body"] == {"title": "Takeover"}

    def test_a_call_without_json_reads_and_an_answer_that_is_no_json_is_text(self, blog):
        blog.answer = "grüß dich".encode()
        assert self.caller.call("k", {"url": blog.url}, 5) == {"status": 200, "body": "grüß dich"}
        assert blog.seen[0][0] == "GET"

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ({"uri": "x"}, "does not know the argument 'uri'"),
            ({"url": "http://127.0.0.1/", "method": "BREW"}, "does not know the method"),
            ({"url": "http://127.0.0.1/", "headers": {"A b": "1"}}, "The header 'A b'"),
            ({"url": "http://127.0.0.1/", "headers": {"A": "${NO_SUCH}"}}, "NO_SUCH is not set"),
            ({}, "Only http and https"),
            ({"url": "http://10.0.0.1/"}, "lies inside the network"),
        ],
    )
    def test_a_call_that_cannot_be_done_is_refused_in_words(self, arguments, told):
        with pytest.raises(EffectRefusedError, match=told):
            self.caller.call("k", arguments, 5)

    def test_a_secret_with_a_line_break_is_refused_without_showing_it(self, blog):
        caller = HttpRequestCaller(GUARD, {"T": "hunter2\n"})
        with pytest.raises(EffectRefusedError) as told:
            caller.call("k", {"url": blog.url, "headers": {"Authorization": "${T}"}}, 5)
        assert "hunter2" not in str(told.value)
