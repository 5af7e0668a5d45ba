"""What is wrong with a file, with its place: the findings of `smr validate`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Self

Severity = Literal["error", "warning"]


class Place(NamedTuple):
    """A place in a file; both numbers count from 1."""

    line: int
    column: int = 1


class Line(int):
    """A line number, from 1, that also knows at which column something begins there."""

    column: int

    def __new__(cls, line: int, column: int = 1) -> Self:
        """Return the number of a line, and the column."""
        made = super().__new__(cls, line)
        made.column = column
        return made

    @classmethod
    def place(cls, line: int) -> Place:
        """Return the place that a number means; what is not known begins with the file or line."""
        return Place(max(1, line), line.column if isinstance(line, cls) else 1)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding in one file.

    Args:
        file: the file's name as the person gave it.
        line: from 1.
        column: from 1.
        severity: an ``error`` keeps a playbook from being started, a ``warning`` does not.
        code: stable and kebab-case; programs may test for it (``unknown-key``).
        message: one sentence, what is wrong.
        hint: what to do about it; empty if the message says all.
    """

    file: str
    line: int
    column: int
    severity: Severity
    code: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Return ``file:line:col: error CODE message`` with the hint in brackets."""
        advice = f" ({self.hint})" if self.hint else ""
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.severity} {self.code} {self.message}{advice}"


@dataclass(slots=True)
class Problems:
    """Collects the findings of one file; each is kept once."""

    file: str
    _found: dict[Problem, None] = field(default_factory=dict)

    def error(self, code: str, message: str, place: Place, hint: str = "") -> None:
        """Add an error at a place."""
        self._found[Problem(self.file, *place, "error", code, message, hint)] = None

    def warning(self, code: str, message: str, place: Place, hint: str = "") -> None:
        """Add a warning at a place."""
        self._found[Problem(self.file, *place, "warning", code, message, hint)] = None

    def extend(self, problems: list[Problem]) -> None:
        """Add findings that were made elsewhere about the same file."""
        self._found.update(dict.fromkeys(problems))

    @property
    def has_errors(self) -> bool:
        """Whether anything found keeps the file from being used."""
        return any(problem.severity == "error" for problem in self._found)

    def sorted(self) -> list[Problem]:
        """Return all findings in the order of the file."""
        return sorted(self._found)
