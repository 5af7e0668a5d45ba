"""What is printed: JSON for programs, tables that fit for people, CSV that is no program."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.cli import output, render_audit
from smr_engine.services import spreadsheet
from smr_engine.services.views import EventRow, VerifyView

AT = datetime(2026, 11, 23, 14, 2, tzinfo=UTC)


class Colour(StrEnum):
    """A choice."""

    RED = "red"


@dataclass(frozen=True, slots=True)
class View:
    """A view with everything in it."""

    at: datetime
    day: date
    colour: Colour
    path: PurePosixPath
    names: tuple[str, ...]
    more: dict[str, object]
    nothing: None = None


def test_a_view_becomes_plain_json_with_instants_in_utc():
    tokyo = timezone(timedelta(hours=9))
    view = View(
        AT.astimezone(tokyo), AT.date(), Colour.RED, PurePosixPath("a/b"), ("x",), {"n": [AT, 1]}
    )
    assert output.jsonable(view) == {
        "at": "2026-11-23T14:02:00Z",
        "day": "2026-11-23",
        "colour": "red",
        "path": "a/b",
        "names": ["x"],
        "more": {"n": ["2026-11-23T14:02:00Z", 1]},
        "nothing": None,
    }


@pytest.mark.parametrize("views", [[], [{"a": 1}], [{"a": 1}, {"a": "\u202e\x1b\ud800"}]])
def test_a_list_is_one_json_array_with_an_element_a_line(capsys, views):
    output.write_json(views)
    printed = capsys.readouterr().out
    assert json.loads(printed) == views
    assert len(printed.splitlines()) == (len(views) + 2 if views else 1)
    assert printed.isascii()


def test_a_long_list_is_written_as_it_comes(capsys):
    def views():
        yield {"n": 1}
        assert "1" in capsys.readouterr().out
        yield {"n": 2}

    output.write_json_list(views())
    assert "2" in capsys.readouterr().out


ROWS = [
    ("in 12 min", "Approve: the holding statement about the smoke in hall 3", "CRISIS-2026-0007"),
    ("overdue 4 min", "Do: verify what happened\x1b[2J", "CRISIS-2026-0008"),
]


def _table(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    output.table(("Due", "What", "Case"), ROWS, fixed=(0, 2))
    return capsys.readouterr().out


@pytest.mark.parametrize("width", [50, 60, 80, 100, 200])
def test_a_table_fits_its_width_and_breaks_no_id(capsys, monkeypatch, width):
    printed = _table(capsys, monkeypatch, width)
    assert max(map(len, printed.splitlines())) <= width
    for _, _, case in ROWS:
        assert case in printed
    assert printed == "\n".join(line.rstrip() for line in printed.split("\n"))


def test_where_it_is_too_narrow_a_table_becomes_one_line_a_cell(capsys, monkeypatch):
    printed = _table(capsys, monkeypatch, 30)
    assert re.search(r"^Case +CRISIS-2026-0007$", printed, re.MULTILINE)
    assert max(map(len, printed.splitlines())) <= 30


def test_what_is_printed_for_people_is_harmless_and_has_no_colours_in_a_pipe(capsys, monkeypatch):
    printed = _table(capsys, monkeypatch, 100)
    assert "\\x1b[2J" in printed
    assert "\x1b" not in printed
    output.write(output.Styled("late [bold]now[/bold] :smile:", output.LATE))
    assert capsys.readouterr().out == "late [bold]now[/bold] :smile:\n"


@pytest.mark.parametrize(("no_colour", "coloured"), [("", True), ("1", False)])
def test_colours_are_for_terminals_without_no_color(capsys, monkeypatch, no_colour, coloured):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", no_colour)
    output.write(output.Styled("late", output.LATE))
    assert ("\x1b[1;31m" in capsys.readouterr().out) is coloured


def test_a_document_is_printed_as_it_is_between_rules(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    text = f"# Title\n\n{'word ' * 30}end\n"
    output.framed(text, "holding_statement, revision 2")
    printed = capsys.readouterr().out
    assert text in printed
    assert printed.startswith("holding_statement, revision 2 ---")


# --- CSV ---------------------------------------------------------------------------------------


def _event(**changes):
    data = {"comment": "=cmd|' /C calc'!A0", "lines": "a\r\nb"}
    fields = {
        "seq": 7,
        "at": AT,
        "case": "C-1",
        "kind": "DecisionRecorded",
        "actor": "lea",
        "on_behalf_of": "",
        "role": "legal",
        "assurance": "asserted",
        "data": data,
        "leaf_hash": "00ff",
    }
    return EventRow(**{**fields, **changes})


def test_the_log_as_csv_has_the_columns_of_the_contract(capfd):
    render_audit.log_csv([_event(), _event(case=None, seq=8)])
    printed = capfd.readouterr().out
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert printed.count("\r\n") == 3
    assert list(rows[0]) == list(render_audit.LOG_COLUMNS)
    assert rows[0]["at"] == "2026-11-23T14:02:00Z"
    assert json.loads(rows[0]["data"])["lines"] == "a\r\nb"
    assert rows[1]["case"] == ""


class Terminal(io.StringIO):
    """Standard output as a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("width", "lines"), [(70, 4), (80, 4), (120, 4), (130, 2), (200, 2)])
def test_the_log_fits_the_terminal(monkeypatch, width, lines):
    monkeypatch.setenv("COLUMNS", str(width))
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    longest = _event(case="OUTREACH-2026-00017", kind="ScopeEntered", role="comms-director")
    render_audit.log_lines(UTC, [_event(), longest])
    shown = screen.getvalue().splitlines()
    assert len(shown) == lines
    assert max(map(len, shown)) <= width
    for word in ("lea as legal", "DecisionRecorded", "2026-11-23 "):
        assert word in screen.getvalue()


def test_in_a_pipe_the_log_has_one_line_an_event(capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    render_audit.log_lines(UTC, [_event(), _event(seq=8)])
    shown = capfd.readouterr().out.splitlines()
    assert len(shown) == 2
    assert all("lea as legal  {" in line for line in shown)


@given(st.text() | st.integers() | st.none())
def test_no_cell_of_a_csv_begins_like_a_formula(value):
    cell = spreadsheet.cell(value)
    assert isinstance(value, int) or not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_formula_in_a_name_is_defused(capfd):
    render_audit.log_csv([_event(actor="=1+1"), _event(actor="@SUM(A1)"), _event(actor="-2")])
    actors = [row["actor"] for row in csv.DictReader(io.StringIO(capfd.readouterr().out))]
    assert actors == ["'=1+1", "'@SUM(A1)", "'-2"]


# --- verification ------------------------------------------------------------------------------


def test_a_log_that_does_not_verify_names_every_problem(capsys):
    view = VerifyView(
        False,
        12,
        1,
        [{"seq": 7, "what": "leaf hash"}, {"row": "items STMT-1.2", "what": "status"}],
        1,
    )
    render_audit.verified(view)
    printed = capsys.readouterr().out
    assert "does NOT verify (12 events of 1 case, 1 with erased content)" in printed
    assert "  event 7: leaf hash\n  row items STMT-1.2: status\n" in printed
