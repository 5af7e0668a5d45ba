"""Files and standard input are read within bounds, or refused in a sentence."""

from __future__ import annotations

import io
import sys

import pytest

from smr_engine.cli.files import MAX_TEXT_BYTES, read_bytes, read_text, read_values
from smr_engine.errors import Invalid, NotFound


@pytest.fixture
def file(tmp_path):
    def write(content: bytes, name: str = "facts.yaml") -> str:
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return write


def _stdin(monkeypatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("facts.yaml", b"title: 'Smoke in hall 3'\nurls: [https://example.test/1]\n"),
        ("facts.json", b'{"title": "Smoke in hall 3", "urls": ["https://example.test/1"]}'),
        ("facts", b'\xef\xbb\xbf{"title": "Smoke in hall 3", "urls": ["https://example.test/1"]}'),
        ("facts.yaml", b"{title: Smoke in hall 3, urls: ['https://example.test/1']}"),
    ],
)
def test_values_come_from_json_or_yaml(file, name, content):
    expected = {"title": "Smoke in hall 3", "urls": ["https://example.test/1"]}
    assert read_values(file(content, name)) == expected


def test_a_dash_reads_standard_input(monkeypatch):
    _stdin(monkeypatch, b"title: Smoke\n")
    assert read_values("-") == {"title": "Smoke"}
    _stdin(monkeypatch, b"The text\r\nof a statement\r\n")
    assert read_text("-") == "The text\nof a statement\n"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.yaml", b"- one\n- two\n", "must be an object"),
        ("a.json", b"[1]", "must be an object"),
        ("a.json", b'{"a": 1,}', "not JSON"),
        ("a.json", b'{"a": 1, "a": 2}', "`a` twice"),
        ("a.yaml", b"a: 1\na: 2\n", "a.yaml:2"),
        ("a.yaml", b"a: &x [1]\nb: *x\n", "a.yaml:1"),
        ("a.yaml", b"a: " + b"[" * 5_000, "a.yaml:1"),
        ("a.json", b"[" * 5_000 + b"]" * 5_000, "deep"),
        ("a.yaml", b"\xff\xfe", "UTF-8"),
        ("a.yaml", b"", "a.yaml"),
        ("a.yaml", b"a: " + b"x" * MAX_TEXT_BYTES, "larger than 256 KiB"),
    ],
)
def test_what_is_no_set_of_values_is_refused_with_its_place(file, name, content, words):
    with pytest.raises(Invalid, match=words):
        read_values(file(content, name))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NotFound, match="no file"):
        read_text(str(tmp_path / "missing.md"))
    with pytest.raises(Invalid, match="cannot be read"):
        read_text(str(tmp_path))
    with pytest.raises(Invalid, match="cannot be read"):
        read_text("a\x00b")


def test_no_more_than_the_limit_is_read_of_a_large_file(file):
    name = file(b"x" * 10 * 1024 * 1024, "large.bin")
    with pytest.raises(Invalid, match="larger than 1 KiB"):
        read_bytes(name, 1024)
    assert len(read_bytes(name, 10 * 1024 * 1024)) == 10 * 1024 * 1024


def test_a_text_that_is_not_utf8_is_refused(file):
    with pytest.raises(Invalid, match="not UTF-8"):
        read_text(file("für".encode("latin-1"), "draft.md"))
