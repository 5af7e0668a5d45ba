"""What every check works with: the playbook, its index and names, the directory, the findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeVar

from smr_engine.playbook.index import PlaybookIndex, index_of
from smr_engine.playbook.model import Playbook, Step
from smr_engine.playbook.names import NameTable
from smr_engine.playbook.problems import Line, Problems

Part = TypeVar("Part")


@dataclass(frozen=True)
class DirectoryFacts:
    """What the checks need to know of the directory.

    Args:
        people: ids of all people.
        holders: for every role, the ids of those who hold it (perhaps nobody).
        deputies: for every role that has any, the ids of its deputies.
        groups: for every group, the ids of its members, roles resolved.
        accounts: for every account, its connector.
        contacts: ids of all contacts.
        vendors: ids of all vendors.
        calendars: names of all calendars.
    """

    people: frozenset[str] = frozenset()
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    deputies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    contacts: frozenset[str] = frozenset()
    vendors: frozenset[str] = frozenset()
    calendars: frozenset[str] = frozenset()

    def acting(self, role: str) -> frozenset[str]:
        """Return who acts in a role when nobody is away: its holders, else its deputies."""
        return frozenset(self.holders.get(role) or self.deputies.get(role, ()))


@dataclass(frozen=True)
class CheckContext:
    """What a playbook is checked against.

    Args:
        directory: None skips the checks that need to know people.
        playbooks: the other playbooks that it may open, by name.
        file: the file's name in problems.
    """

    directory: DirectoryFacts | None = None
    playbooks: Mapping[str, Playbook] = field(default_factory=dict)
    file: str = "playbook"


class Inspection:
    """One check of one playbook."""

    def __init__(self, playbook: Playbook, context: CheckContext) -> None:
        self.playbook = playbook
        self.context = context
        self.index: PlaybookIndex = index_of(playbook)
        self.names = NameTable(playbook)
        self.problems = Problems(context.file)

    @property
    def directory(self) -> DirectoryFacts | None:
        """The directory, if there is one to check against."""
        return self.context.directory

    def steps(self) -> Iterator[Step]:
        """Yield all steps in the order of the file."""
        for position in self.index.by_id.values():
            yield position.step

    def error(self, code: str, line: int, message: str, hint: str = "") -> None:
        """Add something that keeps the playbook from being started."""
        self.problems.error(code, message, Line.place(line), hint)

    def warning(self, code: str, line: int, message: str, hint: str = "") -> None:
        """Add something that its author should know."""
        self.problems.warning(code, message, Line.place(line), hint)


def parts(value: Any, kind: type[Part]) -> Iterator[Part]:
    """Yield everything of one class inside a value of the model, not going into other steps."""
    if isinstance(value, kind):
        yield value
    if isinstance(value, Step):
        return
    yield from parts_inside(value, kind)


def parts_inside(value: Any, kind: type[Part]) -> Iterator[Part]:
    """Yield everything of one class inside a step (or another value), not in the steps below it."""
    if is_dataclass(value) and not isinstance(value, type):
        for entry in fields(value):
            yield from parts(getattr(value, entry.name), kind)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from parts(inner, kind)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from parts(inner, kind)
