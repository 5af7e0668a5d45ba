from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.adapters.workspace_files import LONGEST_SLUG, inside, slug, write_whole
from smr_engine.errors import SmrError

HOSTILE = [
    "../secrets",
    "a/../../secrets",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a/../..",
    "nul\x00byte",
    "link-out/page.md",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_no_path_leads_out_of_the_workspace(tmp_path, path):
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "link-out").symlink_to(tmp_path)
    with pytest.raises(SmrError, match="does not lie inside the workspace"):
        inside(workspace, path)


def test_paths_that_stay_inside_are_fine(tmp_path):
    assert inside(tmp_path, "a/../newsroom/x.md") == tmp_path.resolve() / "newsroom/x.md"


@given(st.text())
def test_a_slug_is_a_harmless_file_name_whatever_the_text(text):
    made = slug(text)
    assert made
    assert len(made) <= LONGEST_SLUG
    assert set(made) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not made.startswith("-")
    assert slug(made) == made


def test_a_slug_reads_like_its_title():
    assert slug("Zoé's 2nd  Statement: what we know!") == "zoe-s-2nd-statement-what-we-know"
    assert slug("声明", "holding-statement") == "holding-statement"


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "deep/page.md"
    write_whole(path, b"first")

    def full(descriptor: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"second")
    assert path.read_bytes() == b"first"
    assert [entry.name for entry in path.parent.iterdir()] == ["page.md"]


def test_a_file_has_the_permissions_asked_for(tmp_path):
    write_whole(tmp_path / "letter.eml", b"", mode=0o600)
    assert (tmp_path / "letter.eml").stat().st_mode & 0o777 == 0o600
