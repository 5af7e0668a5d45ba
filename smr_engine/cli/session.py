"""One run of the program: the global options, the workspace they lead to, and the way out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from smr_engine.errors import NotFound
from smr_engine.services.text import one_line

if TYPE_CHECKING:
    from smr_engine.services.names import Names
    from smr_engine.services.views import PersonRow
    from smr_engine.services.workspace import Actor, Shelf, Workspace
    from smr_engine.settings import Settings


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """What is accepted before and after every command."""

    workspace: Path | None = None
    acting: str | None = None
    as_json: bool = False
    debug: bool = False

    def over(self, before: GlobalOptions) -> GlobalOptions:
        """Return these options with those given before the command where these say nothing."""
        return GlobalOptions(
            self.workspace or before.workspace,
            self.acting or before.acting,
            self.as_json or before.as_json,
            self.debug or before.debug,
        )


class Session:
    """What a command is given: everything in it is made when it is first asked for."""

    def __init__(self, options: GlobalOptions) -> None:
        self.options = options

    def close(self) -> None:
        """Give the database's connections back, if the workspace was opened at all."""
        opened: Workspace | None = vars(self).get("ws")
        if opened is not None:
            opened.storage.close()

    @property
    def as_json(self) -> bool:
        """Whether the answer is for a program."""
        return self.options.as_json

    @cached_property
    def folder(self) -> Path:
        """The workspace's folder.

        Raises:
            NotFound: ``no-workspace``.
        """
        from smr_engine.settings import find_workspace

        return find_workspace(self.options.workspace, os.environ, Path.cwd())

    @cached_property
    def ws(self) -> Workspace:
        """The open workspace."""
        from smr_engine.bootstrap import open_workspace

        return open_workspace(self.folder, os.environ, door="cli")

    def reached_at(self, url: str) -> None:
        """Let messages that this process sends lead to pages at an address."""
        options = replace(self.ws.options, public_url=url)
        vars(self)["ws"] = replace(self.ws, options=options)

    @cached_property
    def settings(self) -> Settings:
        """The workspace's settings."""
        from smr_engine.settings import load_settings

        return load_settings(self.folder, os.environ, self.ws.schemas("settings"))

    @property
    def shelf(self) -> Shelf:
        """What reads and checks files: the workspace, or what is shipped where there is none.

        Raises:
            NotFound: a workspace was named, and there is none.
        """
        try:
            return self.ws
        except NotFound as error:
            if error.code != "no-workspace" or self.options.workspace:
                raise
        from smr_engine.bootstrap import open_shelf

        return open_shelf()

    @property
    def person(self) -> str | None:
        """Who reads, if anybody says so: `--as`, SMR_AS, or the settings."""
        return self.options.acting or self.ws.options.acting_person or None

    @property
    def reader(self) -> str | None:
        """Whose eyes lists and histories are seen with: only `--as` says so, not the settings.

        Without it the command line shows everything: whoever sits there has the files.
        """
        return self.options.acting

    @property
    def actor(self) -> Actor:
        """Who acts.

        Raises:
            Invalid: ``no-actor``, nobody says so.
        """
        from smr_engine.services.workspace import actor

        return actor(self.ws, self.options.acting)

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self.ws.clock.now()

    @cached_property
    def people(self) -> Mapping[str, PersonRow]:
        """Everybody in the directory by id."""
        from smr_engine.services import directory

        return {row.id: row for row in directory.people(self.ws)}

    def name_of(self, actor: str) -> str:
        """Return how people call somebody; parts of the system and strangers as they are."""
        known = self.people.get(actor)
        return one_line(known.name if known else actor)

    @cached_property
    def names(self) -> Names:
        """What people, roles and accounts are called."""
        from smr_engine.services.histories import names_in

        return names_in(self.ws, (), self.zone)

    @cached_property
    def zone(self) -> tzinfo:
        """The zone of times for people: what the settings say, else the reader's own, else UTC."""
        reader = self.people.get(self.person or "")
        return ZoneInfo(self.settings.timezone or (reader.timezone if reader else "UTC"))
