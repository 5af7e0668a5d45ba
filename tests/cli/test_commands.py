"""How commands are made: options anywhere, help with examples, one way to fail."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from smr_engine.cli.commands import Group
from smr_engine.cli.main import PROGRAM
from smr_engine.cli.output import jsonable
from smr_engine.errors import Refusal
from tests.cli.program import smr

RUNNER = CliRunner()

CONTRACT = """
init up work down deploy web invite validate playbooks start cases show timeline inbox item
complete revise document approve request-changes reject recuse ack reassign attach note severity
signal clock cancel repair break-glass delegate delegations people test simulate preview doctor
"""
CONTRACT_IN_GROUPS = {
    "playbook": "show graph diff",
    "schedule": "list add remove next export",
    "calendar": "show",
    "audit": "log who verify checkpoint receipt check-receipt export",
    "directory": "check import export",
    "password": "set",
    "second-factor": "remove",
    "token": "create revoke list",
    "db": "upgrade",
}
NAMES = sorted(
    [
        *CONTRACT.split(),
        *(f"{g} {n}" for g, names in CONTRACT_IN_GROUPS.items() for n in names.split()),
    ]
)
LATER = """
delegate A B --until T --role R|delegations|audit checkpoint|audit receipt I P --out F
audit check-receipt F --key K|audit export --out D
"""
LATER_LINES = [line for row in LATER.split("\n") for line in row.split("|") if line.strip()]


def test_the_program_has_every_command_of_the_contract_and_no_other():
    assert sorted(known.name for known in PROGRAM.known) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_with_an_example_that_names_it(name):
    shown = smr(*name.split(), "--help")
    assert shown.exit_code == 0
    assert re.search(rf"Example:\n +smr {name}\b", shown.stdout)
    for option in ("--workspace", "--as", "--json"):
        assert option in shown.stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_command_says_in_one_short_line_what_it_does(name):
    group, _, command = name.rpartition(" ")
    listed = smr(*group.split(), "--help").stdout
    line = re.search(rf"^  {command} +(\S.*)$", listed, re.MULTILINE)
    assert line
    assert not line[1].endswith("...")


@pytest.mark.parametrize("line", LATER_LINES)
def test_what_comes_later_says_so_and_exits_1(line):
    result = smr(*line.split())
    assert result.exit_code == 1
    assert re.match(r"Error: `smr [a-z -]+` comes with a later version of smr\.\n", result.stderr)
    assert result.stdout == ""
    as_json = smr(*line.split(), "--json")
    assert json.loads(as_json.stderr)["error"]["code"] == "not-yet"


def test_the_version_is_printed():
    result = smr("--version")
    assert (result.exit_code, result.stdout) == (0, "smr 0.1.0\n")


@pytest.mark.parametrize(
    "words",
    [["inboxx"], ["approve"], ["inbox", "--wrong"], ["schedule", "next", "many"], ["--jsn"]],
)
def test_wrong_usage_exits_2_with_words_on_stderr_only(words):
    result = smr(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error" in result.stderr
    assert "Traceback" not in result.stderr


# --- a small program of the same make ----------------------------------------------------------


@pytest.fixture
def program():
    root = Group("", "A program.")
    inner = Group("inner", "Inner commands.")

    @root.command("who", "smr who")
    def who(session, text: Annotated[str, typer.Option("--text")] = ""):
        """Say who asks."""
        typer.echo(json.dumps({**jsonable(session.options), "text": text}))

    @inner.command("who", "smr inner who")
    def inner_who(session, names: Annotated[list[str] | None, typer.Argument()] = None):
        """Say who asks."""
        typer.echo(json.dumps({**jsonable(session.options), "names": names}))

    @root.command("fail", "smr fail")
    def fail(session, how: Annotated[str, typer.Argument()]):
        """Fail."""
        if how == "refusal":
            raise Refusal("item-closed", "It is closed.", hint="see smr inbox", where="X.1\x1b[0m")
        if how == "interrupt":
            raise KeyboardInterrupt
        if how == "pipe":
            raise BrokenPipeError
        if how == "status":
            return 3
        message = "password=hunter2"
        raise RuntimeError(message)

    root.add(inner)
    return root.typer


GIVEN = ["--workspace", "here", "--as", "lea", "--json"]


@pytest.mark.parametrize(
    "words",
    [
        [*GIVEN, "who"],
        ["who", *GIVEN],
        ["--json", "who", "--as", "lea", "--workspace", "here"],
        [*GIVEN, "inner", "who"],
        ["inner", *GIVEN, "who"],
        ["inner", "who", *GIVEN],
        ["--as", "lea", "inner", "--json", "who", "--workspace=here"],
    ],
)
def test_global_options_are_taken_before_and_after_a_command(program, words):
    said = json.loads(RUNNER.invoke(program, words).stdout)
    assert (said["workspace"], said["acting"], said["as_json"]) == ("here", "lea", True)


def test_the_option_nearest_to_the_command_wins(program):
    words = ["--as", "far", "--workspace", "a", "inner", "--as", "near", "who", "--as", "nearest"]
    said = json.loads(RUNNER.invoke(program, words).stdout)
    assert (said["workspace"], said["acting"]) == ("a", "nearest")


def test_a_value_that_looks_like_a_global_option_stays_a_value(program):
    said = json.loads(RUNNER.invoke(program, ["who", "--text=--json"]).stdout)
    assert (said["text"], said["as_json"]) == ("--json", False)
    said = json.loads(RUNNER.invoke(program, ["inner", "who", "--", "--json", "--as"]).stdout)
    assert (said["names"], said["as_json"]) == (["--json", "--as"], False)


def test_a_refusal_is_one_harmless_sentence_with_what_to_do_next(program):
    result = RUNNER.invoke(program, ["fail", "refusal"])
    assert result.exit_code == 1
    assert result.stderr == "Error: X.1\\x1b[0m: It is closed.\n  Next: see smr inbox\n"
    assert result.stdout == ""


def test_a_refusal_for_a_program_is_a_json_object_on_stderr(program):
    result = RUNNER.invoke(program, ["fail", "refusal", "--json"])
    error = json.loads(result.stderr)["error"]
    assert (error["code"], error["hint"]) == ("item-closed", "see smr inbox")
    assert result.stdout == ""


def test_an_unexpected_fault_is_told_without_its_text_or_a_traceback(program):
    result = RUNNER.invoke(program, ["fail", "surprise"])
    assert result.exit_code == 1
    assert "RuntimeError" in result.stderr
    assert "hunter2" not in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in RUNNER.invoke(program, ["--debug", "fail", "surprise"]).stderr


@pytest.mark.parametrize(("how", "status"), [("interrupt", 130), ("pipe", 141), ("status", 3)])
def test_other_ways_out_have_their_own_exit_status(program, how, status):
    result = RUNNER.invoke(program, ["fail", how])
    assert (result.exit_code, result.stderr) == (status, "")


def test_paths_reach_a_command_as_paths(program):
    assert Path(json.loads(RUNNER.invoke(program, ["who", *GIVEN]).stdout)["workspace"]).name
