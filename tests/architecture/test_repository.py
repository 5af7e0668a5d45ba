"""What strangers and robots rely on in the files around the code."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
PYPROJECT = (ROOT / "pyproject.toml").read_text()
TARGETS = {
    *("demo", "up", "test", "check", "bench", "soak"),
    *("fmt", "lock", "readme", "pictures", "clean", "help"),
}

# Written so that this file does not hold what it looks for.
INDEX_ADDRESS = re.compile(r"https?://[^\s\"']*/simple\b|--?inde[x]-url|registry *= *\"?https?:")
HOME = re.compile(r"(?<![\w./-])/(?:home|Users|root)/[A-Za-z.]")


def _kept_files() -> list[Path]:
    """Every text file that is tracked, or would be with the next `git add`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in files if path.is_file() and b"\0" not in path.read_bytes()]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    found = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in _kept_files()}
    assert "pyproject.toml" in found
    return found


def _holding(texts: dict[str, str], pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_package_index(texts):
    assert _holding(texts, INDEX_ADDRESS) == []


def test_no_file_holds_a_path_of_somebodys_machine(texts):
    checkout = ROOT if ROOT.parent == Path("/") else ROOT.parent
    assert _holding(texts, re.compile(re.escape(f"{checkout}/"))) == []
    assert _holding(texts, HOME) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (INDEX_ADDRESS, "https://pypi.example.test" + "/simple/"),
        (INDEX_ADDRESS, "pip install --extra-index-" + "url X"),
        (HOME, "see /ho" + "me/ana/notes"),
        (HOME, "/ro" + "ot/.cache"),
    ],
)
def test_such_a_line_would_be_found(pattern, line):
    assert pattern.search(line)


def test_every_make_target_has_a_line_of_help():
    targets = re.findall(r"^([a-z][a-z-]*):(.*)$", MAKEFILE, re.MULTILINE)
    assert {name for name, _ in targets} == TARGETS
    assert [name for name, rest in targets if not re.search(r"## \S+", rest)] == []


def test_make_alone_prints_every_target():
    printed = subprocess.run(["make", "-s"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert set(re.findall(r"^  make (\S+) +\S", printed.stdout, re.MULTILINE)) == TARGETS


def test_the_ci_runs_the_test_command_and_nothing_else():
    lines = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line[:1] != "#"]
    assert lines == ["set -eu", 'cd "$(dirname "$0")/.."', "exec make test"]


def test_every_dependency_says_why_it_is_here():
    project = tomllib.loads(PYPROJECT)["project"]
    entries = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    explained = set(re.findall(r'^ {4}"([^"]+)", *# \S+', PYPROJECT, re.MULTILINE))
    assert [entry for entry in entries if entry not in explained] == []


def test_constraints_pin_names_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.!+]*", pin)] == []
    assert pins == sorted(set(pins))


def test_constraints_pin_everything_that_the_project_names():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {line.partition("==")[0] for line in lines if not line.startswith("#")}
    project = tomllib.loads(PYPROJECT)["project"]
    entries = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    named = {re.match(r"[\w.-]+", entry)[0].lower().replace("_", "-") for entry in entries}
    assert named - pinned == set()
