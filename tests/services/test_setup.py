"""Making a workspace."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
import yaml

from smr_engine.adapters.shipped import load_schema
from smr_engine.bootstrap import open_workspace
from smr_engine.errors import Refusal
from smr_engine.services import accounts, directory, library, setup, validation
from smr_engine.services.workspace import local_engine
from smr_engine.settings import read_settings


def files_in(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize("sample", [True, False])
def test_a_new_workspace_has_no_problem_and_can_be_opened(tmp_path: Path, sample: bool):
    setup.init(tmp_path / "new" / "halden", sample)
    root = tmp_path / "new" / "halden"
    ws = open_workspace(root, {})
    assert validation.validate(ws, [root / "smr.yaml", root / "directory.yaml"]) == []
    assert directory.people(ws)
    assert "crisis-response" in [row.playbook for row in library.playbooks(ws)]
    ws.storage.close()


def test_the_sample_has_at_least_two_people_for_every_role(tmp_path: Path):
    setup.init(tmp_path / "halden", sample=True)
    data = yaml.safe_load((tmp_path / "halden/directory.yaml").read_text(encoding="utf-8"))
    held = [role for person in data["people"] for role in person.get("roles", [])]
    assert {role for role in data["roles"] if held.count(role) < 2} == set()


def test_the_documents_of_the_samples_policies_are_there(tmp_path: Path):
    setup.init(tmp_path / "halden", sample=True)
    data = yaml.safe_load((tmp_path / "halden/directory.yaml").read_text(encoding="utf-8"))
    for policy in data["policies"]:
        assert (tmp_path / "halden" / policy["document"]).is_file()


def test_the_sample_sets_who_acts_and_a_plain_workspace_does_not(tmp_path: Path):
    for sample, person in ((True, "ana"), (False, "")):
        root = tmp_path / str(sample)
        setup.init(root, sample)
        ws = open_workspace(root, {})
        assert ws.options.acting_person == person
        ws.storage.close()


@pytest.mark.parametrize("sample", [True, False])
def test_every_setting_stands_in_the_file_with_its_meaning(tmp_path: Path, sample: bool):
    setup.init(tmp_path / "halden", sample)
    text = (tmp_path / "halden/smr.yaml").read_text(encoding="utf-8")
    keys = load_schema("settings")["properties"]
    for key in keys:
        assert f"\n# {key}:" in text or f"\n{key}:" in text, key
    assert read_settings(text.encode(), "smr.yaml", load_schema("settings"))[1] == []


@pytest.mark.parametrize("sample", [True, False])
def test_an_editor_finds_the_schema_that_each_file_names_as_this_version_has_it(
    tmp_path: Path, sample: bool
):
    setup.init(tmp_path, sample)
    old = tmp_path / ".smr/schemas/settings.schema.json"
    old.parent.mkdir()
    old.write_text("{}", encoding="utf-8")
    open_workspace(tmp_path, {}).storage.close()
    named = {}
    for name in ("smr.yaml", "directory.yaml", "playbooks/README.md"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        (line,) = re.findall(r"# yaml-language-server: \$schema=(\S+)", text)
        named[name] = json.loads((tmp_path / name).parent.joinpath(line).read_bytes())
    assert list(named.values()) == [
        load_schema(name) for name in ("settings", "directory", "playbook")
    ]


def test_the_one_person_of_a_plain_workspace_may_let_people_in(tmp_path: Path):
    setup.init(tmp_path, sample=False)
    ws = open_workspace(tmp_path, {})
    (invited,) = accounts.invite_first(ws, local_engine())
    ws.storage.close()
    assert invited.person == "lead"


def test_nobody_else_can_look_into_the_state(tmp_path: Path):
    setup.init(tmp_path / "halden", sample=True)
    assert stat.S_IMODE((tmp_path / "halden/.smr").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "taken", ["smr.yaml", "directory.yaml", "playbooks/README.md", "policies/blogging.md", ".smr"]
)
def test_nothing_that_is_there_is_overwritten(tmp_path: Path, taken: str):
    (tmp_path / taken).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / taken).write_text("mine", encoding="utf-8")
    before = files_in(tmp_path)
    with pytest.raises(Refusal, match="already, and nothing is overwritten") as refused:
        setup.init(tmp_path, sample=True)
    assert taken in refused.value.message
    assert files_in(tmp_path) == before


def test_a_folder_with_other_files_may_become_a_workspace(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    setup.init(tmp_path, sample=False)
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "smr.yaml").is_file()


def test_a_file_cannot_become_a_workspace(tmp_path: Path):
    (tmp_path / "halden").write_text("mine", encoding="utf-8")
    with pytest.raises(Refusal, match="is a file"):
        setup.init(tmp_path / "halden", sample=True)
