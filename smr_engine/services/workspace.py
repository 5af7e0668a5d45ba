"""The workspace: everything a use case needs from outside, joined once by `bootstrap`."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from smr_engine.engine.commands import Actor
from smr_engine.engine.world import Account, World
from smr_engine.errors import Invalid
from smr_engine.playbook.model import JsonSchema, Playbook
from smr_engine.playbook.problems import Problem
from smr_engine.services.directory_check import Surroundings
from smr_engine.services.keeping import Keeper
from smr_engine.services.ports import (
    AttachmentStore,
    Caller,
    Clock,
    Connector,
    Entropy,
    Notifier,
    Passwords,
    PlaybookFiles,
    Vault,
    Waker,
)
from smr_engine.services.storing import Storage

__all__ = ["Actor", "Caches", "Options", "Shelf", "Workspace", "actor"]


@dataclass(frozen=True, slots=True)
class Options:
    """What the settings say that use cases need."""

    assurance: str = "asserted"
    acting_person: str = ""
    grace_s: int = 30
    public_url: str = ""
    prefect_api_url: str = ""  # of the settings: its pages show flow runs
    prefect_start: tuple[str, ...] = ()
    import_directory: bool = True  # a local workspace takes over directory.yaml when it changes
    session_idle: timedelta = timedelta(hours=2)
    session_length: timedelta = timedelta(hours=12)


@dataclass
class Caches:
    """What a process need not read twice; every key is or begins with a digest or a version."""

    playbooks: dict[str, Playbook] = field(default_factory=dict)
    registered: set[str] = field(default_factory=set)
    checked: dict[tuple[str, int], list[Problem]] = field(default_factory=dict)
    worlds: dict[tuple[int, int], World] = field(default_factory=dict)  # version, year


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """What reading and checking files needs; there is one also where there is no workspace."""

    files: PlaybookFiles
    schemas: Callable[[str], JsonSchema]
    validate_settings: Callable[[bytes, str], list[Problem]]
    surroundings: Surroundings
    caches: Caches = field(default_factory=Caches)


@dataclass(frozen=True, kw_only=True)
class Workspace(Shelf):
    """A workspace that is open; handed to every use case as its first argument."""

    root: Path
    state: Path
    options: Options
    storage: Storage
    keeper: Keeper
    clock: Clock
    entropy: Entropy
    passwords: Passwords
    vault: Vault
    waker: Waker
    attachments: AttachmentStore
    notifier: Notifier
    connector_for: Callable[[Account], Connector]
    callers: Mapping[str, Caller]


def actor(ws: Workspace, person: str | None, door: str = "cli") -> Actor:
    """Return who acts at the command line: the person named, else the one in the settings.

    Raises:
        Invalid: neither says who.
    """
    name = person or ws.options.acting_person
    if not name:
        raise Invalid("no-actor", "say who acts", hint="--as PERSON, SMR_AS, or `as:` in smr.yaml")
    return Actor(name, "asserted", door, _os_user())


def local_engine() -> Actor:
    """Return the engine itself, started by whoever holds the files of the workspace."""
    return Actor("engine", "", "cli", _os_user())


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
