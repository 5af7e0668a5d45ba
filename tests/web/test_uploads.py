"""Files that people attach: only kinds we know, kept by digest, given back as downloads that never run."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.errors import Invalid
from smr_engine.services import items, reading, uploads
from smr_engine.services.text import harmless
from smr_engine.services.workspace import Actor
from tests.support.web import Guest, visit_as

PDF = b"%PDF-1.7\n<script>alert(1)</script>"
BEGINNINGS = {
    "pdf": PDF,
    "png": b"\x89PNG\r\n\x1a\n....",
    "jpg": b"\xff\xd8\xff\xe0....",
    "jpeg": b"\xff\xd8\xff\xe0....",
    "gif": b"GIF89a....",
    "webp": b"RIFF\x10\x00\x00\x00WEBP",
    "txt": "Grüße".encode(),
    "csv": "a;b\n".encode("utf-16"),
    "docx": b"PK\x03\x04....",
    "xlsx": b"PK\x03\x04....",
    "pptx": b"PK\x03\x04....",
    "odt": b"PK\x03\x04....",
    "eml": b"From: ana@example.test\r\n",
    "mp4": b"\x00\x00\x00\x18ftypmp42",
}
NAMES = {
    "../../etc/passwd.pdf": "passwd.pdf",
    "..\\..\\boot.pdf": "boot.pdf",
    "/absolute/path.pdf": "path.pdf",
    "C:\\secret.pdf": "secret.pdf",
    "ünï\u202ecödé 👩🏽‍🚒.pdf": "ünï\\u202ecödé 👩🏽‍🚒.pdf",
    "line\nbreak\r\n.pdf": "line break .pdf",
    "nul\0byte.pdf": "nul\\x00byte.pdf",
    '"><img src=x>.pdf': '"><img src=x>.pdf',
    "a" * 500 + ".pdf": "a" * 116 + ".pdf",
    "...": "file",
    "": "file",
}


@pytest.fixture(scope="module")
def tom(app) -> Guest:
    return visit_as(app, "tom")


@pytest.fixture(scope="module")
def lea(app) -> Guest:
    return visit_as(app, "lea")


@pytest.fixture(scope="module")
def draft(company) -> str:
    return company.item(company.start("statement", title="the fire in hall 3"), "write")


def attached(company, item: str) -> list[dict[str, Any]]:
    return reading.item_view(company.ws, item, "tom").attachments


def send(guest: Guest, item: str, name: str, data: bytes, status: int = 303, **more: Any) -> str:
    files = {"file": (name, data, "text/html")}
    return guest.post(f"/items/{item}/attach", more, status=status, files=files).text


def test_a_file_comes_back_as_a_download_that_never_runs(company, tom, draft):
    send(tom, draft, "capture.pdf", PDF)
    digest = hashlib.sha256(PDF).hexdigest()
    answer = tom.get(f"/items/{draft}/attachments/{digest}")
    assert answer.content == PDF
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''capture.pdf"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert "capture.pdf" in tom.get(f"/items/{draft}").text


def test_only_who_may_see_the_item_gets_its_files(company, app, lea):
    secret = company.item(company.start_as("jan", "secret"), "talk")
    items.attach(company.ws, Actor("jan"), secret, "secret.pdf", PDF)
    digest = hashlib.sha256(PDF).hexdigest()
    lea.get(f"/items/{secret}/attachments/{digest}", 404)
    visit_as(app, None).get(f"/items/{secret}/attachments/{digest}", 303)
    assert visit_as(app, "jan").get(f"/items/{secret}/attachments/{digest}").content == PDF


def test_a_file_is_found_through_its_own_item_only(company, tom, draft):
    send(tom, draft, "other.pdf", b"%PDF-other")
    digest = hashlib.sha256(b"%PDF-other").hexdigest()
    other = company.item(company.start("statement", title="something else"), "write")
    tom.get(f"/items/{other}/attachments/{digest}", 404)


@pytest.mark.parametrize(
    "path",
    [
        "..%2f..%2fsmr.db",
        "%2e%2e/%2e%2e/smr.db",
        "%00",
        "a" * 64,
        "A" * 64,
        "/etc/passwd",
        "%F0%9F",
    ],
)
def test_no_path_leads_out_of_the_attachments(tom, draft, path: str):
    tom.get(f"/items/{draft}/attachments/{path}", 404)


@pytest.mark.parametrize(("sent", "shown"), NAMES.items())
def test_a_name_is_for_display_only(sent: str, shown: str):
    assert uploads.cleaned_name(sent) == shown


@given(st.text(max_size=300))
def test_a_cleaned_name_is_one_harmless_line_without_folders(name: str):
    cleaned = uploads.cleaned_name(name)
    assert cleaned
    assert len(cleaned) <= uploads.LONGEST_NAME
    assert "/" not in cleaned
    assert cleaned == harmless(cleaned)
    assert "\n" not in cleaned


def test_a_hostile_name_stays_text_on_the_page(company, tom, draft):
    send(tom, draft, "../<img src=x onerror=alert(1)>.pdf", b"%PDF-hostile")
    page = tom.get(f"/items/{draft}").text
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;.pdf" in page


@pytest.mark.parametrize("extension", BEGINNINGS)
def test_the_kinds_that_people_send_are_taken(extension: str):
    uploads.require_known_kind(f"Evidence.{extension.upper()}", BEGINNINGS[extension])


def test_every_kind_has_an_example_here():
    assert set(BEGINNINGS) == set(uploads.KINDS)


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("page.html", b"<script>", "unknown-kind"),
        ("picture.svg", b"<svg onload=alert(1)>", "unknown-kind"),
        ("run.exe", b"MZ", "unknown-kind"),
        ("no extension", PDF, "unknown-kind"),
        ("pdf", PDF, "unknown-kind"),
        ("capture.pdf.html", PDF, "unknown-kind"),
        ("capture.png", PDF, "other-kind"),
        ("capture.pdf", b"<html>%PDF-", "other-kind"),
        ("notes.txt", b"MZ\x00\x01", "other-kind"),
        ("empty.pdf", b"", "no-file"),
    ],
)
def test_other_kinds_are_refused(name: str, data: bytes, code: str):
    with pytest.raises(Invalid) as refused:
        uploads.require_known_kind(name, data)
    assert refused.value.code == code


def test_a_refused_file_is_told_in_a_sentence_and_not_kept(company, tom, draft):
    before = attached(company, draft)
    page = send(tom, draft, "page.html", b"<script>alert(1)</script>", status=422)
    assert "Files of these kinds are taken: pdf, png" in page
    assert attached(company, draft) == before


def test_a_file_of_25_mib_is_taken_and_a_larger_one_is_not(company, tom, draft):
    most = items.MAX_ATTACHMENT_BYTES
    send(tom, draft, "large.pdf", PDF.ljust(most, b"."))
    assert attached(company, draft)[-1]["size"] == most
    page = send(tom, draft, "larger.pdf", PDF.ljust(most + 1, b"."), status=422)
    assert "at most 25 MiB" in page
    send(tom, draft, "huge.pdf", PDF.ljust(most + 2 * 1024 * 1024, b"."), status=413)
    assert attached(company, draft)[-1]["name"] == "large.pdf"


def test_an_address_is_evidence_too_if_it_is_of_the_web(company, tom, draft):
    url = "https://example.test/post/1?a=1&b=2"
    tom.post(f"/items/{draft}/attach", {"url": url})
    page = tom.get(f"/items/{draft}").text
    assert 'href="https://example.test/post/1?a=1&amp;b=2" rel="noopener noreferrer"' in page
    page = tom.post(f"/items/{draft}/attach", {"url": "javascript:alert(1)"}, status=422).text
    assert "is not a web address" in page
    assert 'href="javascript:' not in page


def test_who_was_not_asked_attaches_nothing(company, lea, draft):
    before = attached(company, draft)
    send(lea, draft, "capture.pdf", PDF, status=403)
    assert attached(company, draft) == before
