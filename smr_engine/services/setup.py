"""Making a workspace: a folder with settings, a directory, and a place for playbooks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from smr_engine.errors import Refusal

STATE = ".smr"

PLAYBOOKS = """\
# Playbooks of this workspace

One YAML file each, known by what it says after `playbook:`, and best called so: `recall.yaml`.
A playbook here takes the place of the shipped one of the same name. With this first line an
editor that knows YAML completes and explains it:

    # yaml-language-server: $schema=../.smr/schemas/playbook.schema.json

    smr playbooks                 what there is, shipped ones included
    smr validate playbooks        every problem, with line and column
    smr start NAME -i key=value   opens a case
"""

DIRECTORY = """\
# yaml-language-server: $schema=.smr/schemas/directory.schema.json
#
# Who works here, in which roles, and where the company speaks.
# After a change: `smr validate directory.yaml`; a local workspace then takes it over by itself.

people:
  # Put yourself here, then your colleagues: approvals need people other than the author.
  - id: lead
    name: Your Name
    email: you@example.test
    roles: [smr-lead]
    # Lets people in; `smr up` prints the link by which the first one sets a password.
    access: administrator
    timezone: Europe/Berlin
    # Where messages reach you, as Apprise writes addresses; left out: the mail address.
    # notify: ["slack://${MY_SLACK}"]
    # When you are not to be disturbed but by the severities that a playbook names.
    # quiet: "20:00-07:00"

# Deputies are asked when a holder is away.
roles:
  smr-lead: {title: Social media relations lead}

# The places where the company speaks.
accounts:
  newsroom:
    title: Newsroom
    platform: website
    connector: folder
    settings: {path: newsroom}
    owner: smr-lead

# When the company is open: `4 business hours` counts only these.
calendars:
  default:
    timezone: Europe/Berlin
    hours: {mon-fri: "09:00-17:30"}
"""


def init(path: Path, sample: bool) -> None:  # noqa: FBT001 - the flag of `smr init --sample`
    """Make a workspace in a folder, which may exist and may hold other files.

    Nothing that is there is overwritten. The database is made when the workspace is first opened.

    Args:
        path: the folder; made when missing.
        sample: fill in the sample company, with its people, accounts and policies.

    Raises:
        Refusal: `workspace-exists`: one of the files is there already; nothing was written.
    """
    contents = dict(_sample_files() if sample else _plain_files())
    contents[Path("playbooks/README.md")] = PLAYBOOKS.encode()
    _require_free(path, contents)
    path.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(content)
    (path / STATE).mkdir(mode=0o700)


def _require_free(path: Path, contents: dict[Path, bytes]) -> None:
    """Refuse where any of the names is taken."""
    if path.exists() and not path.is_dir():
        raise Refusal("workspace-exists", f"{path} is a file", hint="name a folder")
    taken = [name for name in (*contents, Path(STATE)) if (path / name).exists()]
    if taken:
        raise Refusal(
            "workspace-exists",
            f"{path} has a {taken[0]} already, and nothing is overwritten",
            hint="name another folder",
        )


def _sample_files() -> Iterator[tuple[Path, bytes]]:
    yield from _walk(_package_folder(), Path())


def _plain_files() -> Iterator[tuple[Path, bytes]]:
    """Yield the settings, all at their defaults, and a directory of one person."""
    settings = (_package_folder() / "smr.yaml").read_text(encoding="utf-8")
    nobody = re.sub(r"^as: .*$", "# as: lead", settings, flags=re.MULTILINE)
    yield Path("smr.yaml"), nobody.encode()
    yield Path("directory.yaml"), DIRECTORY.encode()


def _package_folder() -> Traversable:
    return files("smr_engine") / "_sample"


def _walk(folder: Traversable, under: Path) -> Iterator[tuple[Path, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        name = under / entry.name
        if entry.is_dir():
            yield from _walk(entry, name)
        else:
            yield name, entry.read_bytes()
