"""The way out: JSON for programs, tables and sentences for people. Rich is imported when used."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Self

from smr_engine.services.text import harmless, rfc3339

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

WIDTH_OF_PIPES = 100
"""Columns where standard output is no terminal and COLUMNS says nothing."""

NARROWEST = 12
PADDING = 3


class Styled(str):
    """A text with a style of `STYLES`; a style is never the only sign of what it means."""

    __slots__ = ("style",)
    style: str

    def __new__(cls, text: str, style: str) -> Self:
        """Return a text with its style."""
        made = super().__new__(cls, text)
        made.style = style
        return made


LATE = "bold red"
GOOD = "green"
FAINT = "dim"
STRONG = "bold"
WARN = "yellow"


# --- for programs ------------------------------------------------------------------------------


def jsonable(value: Any) -> Any:
    """Return plain JSON data of a view: fields by name, instants as RFC 3339 in UTC."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: jsonable(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(inner) for inner in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date | PurePath):
        return str(value)
    return value


def json_line(value: Any) -> str:
    """Return a view as one line of JSON in ASCII: no byte of it can disturb a terminal."""
    return json.dumps(jsonable(value))


def write_json(view: Any) -> None:
    """Write one view to standard output; a list as one element a line."""
    if isinstance(view, list):
        write_json_list(view)
    else:
        sys.stdout.write(f"{json.dumps(jsonable(view), indent=2)}\n")


def write_json_list(views: Iterable[Any]) -> None:
    """Write views to standard output as they come, as one JSON array, an element a line."""
    opening = "["
    for view in views:
        sys.stdout.write(f"{opening}\n{json_line(view)}")
        opening = ","
    sys.stdout.write("\n]\n" if opening == "," else "[]\n")


# --- for people --------------------------------------------------------------------------------


def say(text: str = "") -> None:
    """Write a line about what is going on to standard error; harmless, for people."""
    sys.stderr.write(f"{harmless(text)}\n")


def console() -> Console:
    """Return the console of standard output: colours on a terminal only, never with NO_COLOR."""
    from rich.console import Console

    return Console(
        width=None if sys.stdout.isatty() else _columns(),
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=False,
    )


def _columns() -> int:
    asked = os.environ.get("COLUMNS", "")
    return int(asked) if asked.isdecimal() and int(asked) >= 20 else WIDTH_OF_PIPES


def terminal_width() -> int | None:
    """Return the columns of the terminal; None where standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def write(*lines: str) -> None:
    """Write lines to standard output, wrapped to its width."""
    for line in lines:
        _print(styled(line))


def _print(what: RenderableType) -> None:
    """Write something to standard output without the blanks that fill its lines."""
    made = console()
    with made.capture() as written:
        made.print(what)
    sys.stdout.write("\n".join(line.rstrip() for line in written.get().split("\n")))


def write_raw(text: str) -> None:
    """Write harmless text to standard output as it is, not wrapped: content, diffs, YAML."""
    ended = "" if text.endswith("\n") else "\n"
    sys.stdout.write(f"{harmless(text)}{ended}")


def styled(text: str) -> Text:
    """Return harmless text in its style."""
    from rich.text import Text

    return Text(harmless(text), style=text.style if isinstance(text, Styled) else "")


def heading(text: str) -> None:
    """Write a heading with an empty line above it."""
    write("", Styled(text, STRONG))


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, fixed: Sequence[int] = ()
) -> None:
    """Write a table to standard output; where it is too narrow, one line per cell.

    Args:
        columns: the headings.
        rows: of as many cells each; long cells continue below.
        fixed: numbers of columns that are never broken: ids and commands to copy.
    """
    found = [[styled(cell) for cell in row] for row in rows]
    if _too_wide(columns, found, fixed):
        for row in found:
            facts_of(zip(columns, row, strict=True))
            _print(styled(""))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=STRONG)
    for number, name in enumerate(columns):
        made.add_column(name, no_wrap=number in fixed, overflow="fold")
    for row in found:
        made.add_row(*row)
    _print(made)


def _too_wide(columns: Sequence[str], rows: Sequence[Sequence[Text]], fixed: Sequence[int]) -> bool:
    """Return whether the fixed columns leave the others less than their headings need."""
    needed = 0
    for number, name in enumerate(columns):
        cells = [row[number].cell_len for row in rows] if number in fixed else [NARROWEST]
        needed += max(len(name), *cells, 0) + PADDING
    return needed > console().width


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Write names with their values, one a line; those without a value are left out."""
    facts_of((name, styled(value)) for name, value in pairs)


def facts_of(pairs: Iterable[tuple[str, Text]]) -> None:
    """Write names with styled values, as `facts`."""
    from rich.table import Table

    made = Table.grid(padding=(0, 2))
    made.add_column(style=FAINT, no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in pairs:
        if value:
            made.add_row(name, value)
    if made.row_count:
        _print(made)


def framed(text: str, title: str) -> None:
    """Write a document between rules, exactly as it is but for line breaks at the width."""
    from rich.rule import Rule

    _print(Rule(styled(title), align="left", style=FAINT, characters="-"))
    write_raw(text)
    _print(Rule(style=FAINT, characters="-"))
