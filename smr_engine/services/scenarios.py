"""Scenarios as use cases: checking them, playing one, testing all of them with their coverage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from smr_engine.engine.world import World
from smr_engine.errors import Invalid, NotFound, SmrError
from smr_engine.playbook.model import Playbook, PlaybookStep, walk
from smr_engine.playbook.problems import Problem
from smr_engine.playbook.suggest import did_you_mean
from smr_engine.playbook.yaml_source import load as load_yaml
from smr_engine.services import coverage, directory, library
from smr_engine.services.directory_text import read_directory
from smr_engine.services.names import Names
from smr_engine.services.preview import instant_at
from smr_engine.services.reading_log import event_row
from smr_engine.services.rehearsal import Played, Rehearsal, Script
from smr_engine.services.rehearsal_expect import unmet
from smr_engine.services.scenario import Scenario, read_scenario
from smr_engine.services.scenario_check import check_scenario
from smr_engine.services.staging import Down, House
from smr_engine.services.views_ahead import (
    Coverage,
    CoverageRow,
    Failure,
    Missed,
    ScenarioResult,
    Story,
    Tested,
)
from smr_engine.services.workspace import Shelf, Workspace

STRONGEST = "passkey"
FOLDER = "tests"
YEARS = 3
"""Calendars of a rehearsal are known from the year before its start for so many years."""


class Houses(Protocol):
    """Opens a house for one rehearsal and throws it away afterwards."""

    def __call__(
        self, shelf: Shelf, data: Mapping[str, Any], now: datetime, down: tuple[Down, ...]
    ) -> AbstractContextManager[House]:
        """Open a workspace with a directory, at a virtual instant, with what does not work."""
        ...


@dataclass(frozen=True, slots=True)
class _Ready:
    """A scenario that can be played, and the directory it is played with."""

    script: Script
    data: Mapping[str, Any]


# --- checking ----------------------------------------------------------------------------------


def problems_of(ws: Shelf, text: bytes, file: str) -> list[Problem]:
    """Return everything that is wrong with a scenario, also where it does not fit its playbook."""
    return _ready(ws, text, file)[1]


def _ready(ws: Shelf, text: bytes, file: str) -> tuple[_Ready | None, list[Problem]]:
    scenario, problems = read_scenario(text, file, ws.schemas("scenario"))
    if scenario is None:
        return None, problems
    if scenario.playbook not in ws.files.names():
        hint = did_you_mean(scenario.playbook, ws.files.names()) or "see: smr playbooks"
        message = f"there is no playbook `{scenario.playbook}`"
        return None, [*problems, _about_playbook(scenario, "unknown-playbook", message, hint)]
    try:
        books = _books(ws, scenario.playbook)
    except SmrError as fault:
        hint = f"smr validate {scenario.playbook}"
        return None, [*problems, _about_playbook(scenario, fault.code, fault.message, hint)]
    data = _directory(ws, scenario)
    world = _world(ws, scenario, data)
    problems = [*problems, *check_scenario(scenario, books, world)]
    usable = all(problem.severity != "error" for problem in problems)
    ready = _Ready(Script(scenario, books, world), data) if usable else None
    return ready, sorted(problems)


def _about_playbook(scenario: Scenario, code: str, message: str, hint: str) -> Problem:
    place = scenario.said.place("playbook")
    return Problem(scenario.file, *place, "error", code, message, hint)


def _books(ws: Shelf, name: str) -> dict[str, Playbook]:
    """Return a playbook and all that it opens, by name.

    Raises:
        SmrError: one of them has errors.
    """
    found: dict[str, Playbook] = {}
    wanted = [name]
    while wanted:
        here = wanted.pop(0)
        if here not in found:
            found[here] = library.read(ws, here)[0]
            inner = walk(found[here].steps)
            wanted += [step.playbook for step in inner if isinstance(step, PlaybookStep)]
    return found


# --- the directory of a rehearsal --------------------------------------------------------------


def _directory(ws: Shelf, scenario: Scenario) -> dict[str, Any]:
    """Return the directory with what the scenario says of people; without their addresses."""
    data = _sample() if scenario.sample else _own(ws) or _sample()
    people = [_person(entry, scenario) for entry in data.get("people", ())]
    return {**data, "people": people}


def _person(entry: Mapping[str, Any], scenario: Scenario) -> dict[str, Any]:
    differs = scenario.people.get(entry["id"])
    reached = {key: value for key, value in entry.items() if key != "notify"}
    return {**reached, **(differs.values if differs else {})}


def _own(ws: Shelf) -> dict[str, Any]:
    if not isinstance(ws, Workspace):
        return {}
    with ws.storage.reading() as unit:
        row = unit.directory.latest()
    return dict(row.data) if row else {}


def _sample() -> dict[str, Any]:
    """Return the directory of the sample company."""
    source = (files("smr_engine") / "_sample" / directory.FILE).read_bytes()
    located = load_yaml(source, directory.FILE)[0]
    return dict(located.data) if located else {}


def _world(ws: Shelf, scenario: Scenario, data: Mapping[str, Any]) -> World:
    try:
        year = instant_at(scenario.starts, "UTC").year
        years = range(year - 1, year + YEARS)
    except Invalid:  # told as a problem of the scenario, which is not played
        years = range(0)
    return read_directory(data, ws.surroundings.holidays, years, assurance=STRONGEST, version=1)


# --- playing -----------------------------------------------------------------------------------


def simulate(ws: Shelf, houses: Houses, path: Path, playbook: str) -> Story:
    """Play one scenario and return all that happened.

    Args:
        ws: the workspace, or what is shipped.
        houses: opens a house for it.
        path: the scenario's file.
        playbook: the playbook it has to be about.

    Raises:
        NotFound: there is no such file.
        Invalid: the scenario has errors, or is about another playbook.
    """
    if not path.is_file():
        raise NotFound("no-such-file", f"there is no file {path}", hint="name a scenario")
    ready, problems = _ready(ws, path.read_bytes(), str(path))
    if ready is None:
        raise _invalid(problems)
    about = ready.script.scenario.playbook
    if about != playbook:
        message = f"{path} rehearses {about}, not {playbook}"
        raise Invalid("other-playbook", message, hint=f"smr simulate {about} --scenario {path}")
    return _story(_play(ws, houses, ready))


def _story(played: Played) -> Story:
    return Story(
        result=result_of(played),
        timezone=played.script.zone,
        names=_names(played),
        events=tuple(event_row(event) for event in played.events),
        sent=played.sent,
        posted=played.posted,
    )


def _names(played: Played) -> Names:
    script = played.script

    def pinned(case: str) -> Playbook | None:
        known = played.cases.get(case)
        return script.books.get(known.header.playbook) if known else None

    return Names(script.world, pinned, ZoneInfo(script.zone))


def _play(ws: Shelf, houses: Houses, ready: _Ready) -> Played:
    script = ready.script
    down = tuple(
        Down(
            outage.of,
            script.after(script.start, outage.start),
            script.after(script.start, outage.end) if outage.end else None,
            outage.how,
        )
        for outage in script.scenario.outages
    )
    with houses(ws, ready.data, script.start, down) as house:
        return Rehearsal(house, script).play()


# --- testing -----------------------------------------------------------------------------------


def test(ws: Shelf, houses: Houses, paths: Iterable[Path]) -> Tested:
    """Play scenarios and say what did not hold, and what of their playbooks none of them takes.

    Raises:
        NotFound: there is no scenario.
        Invalid: a scenario has errors; all are named.
    """
    found = list(_files(paths))
    if not found:
        hint = "write one into playbooks/tests/, see schemas/scenario.schema.json"
        raise NotFound("no-scenarios", "there are no scenarios", hint=hint)
    readies = [_ready(ws, path.read_bytes(), str(path)) for path in found]
    problems = [p for _, each in readies for p in each if p.severity == "error"]
    if problems:
        raise _invalid(problems)
    played = [_play(ws, houses, ready) for ready, _ in readies if ready is not None]
    results = tuple(result_of(each) for each in played)
    return Tested(all(result.ok for result in results), results, tuple(_coverage(played)))


def result_of(played: Played) -> ScenarioResult:
    """Return whether a rehearsal went as expected."""
    scenario = played.script.scenario
    slips = [
        Failure(slip.line, "people do as the scenario says", slip.words) for slip in played.slips
    ]
    missed = [Failure(each.line, each.expected, each.instead) for each in unmet(played)]
    case = played.cases.get(played.case)
    return ScenarioResult(
        file=scenario.file,
        scenario=scenario.title,
        playbook=scenario.playbook,
        ok=not (slips or missed),
        failures=tuple(sorted([*slips, *missed], key=lambda each: each.line)),
        status=case.header.status.value if case else "",
        outcome=case.header.outcome if case else None,
        started=played.script.start,
        ended=played.ended,
        about=scenario.about,
    )


def _coverage(rehearsals: list[Played]) -> Iterator[Coverage]:
    """Yield the coverage of each playbook that a scenario is about."""
    books = {played.script.scenario.playbook: played.script.main for played in rehearsals}
    for name, playbook in sorted(books.items()):
        there = coverage.points(playbook)
        taken = coverage.taken(playbook, rehearsals)
        kinds = (
            CoverageRow(
                kind, sum(p.kind == kind for p in taken), sum(p.kind == kind for p in there)
            )
            for kind in coverage.KINDS
        )
        missed = (
            Missed(p.step, p.kind, p.which, line) for p, line in there.items() if p not in taken
        )
        percent = round(100 * len(taken) / max(1, len(there)), 1)
        yield Coverage(name, percent, tuple(row for row in kinds if row.of), tuple(missed))


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the scenarios under some paths: files, or the `*.yaml` in folders.

    Raises:
        NotFound: a path does not exist.
    """
    for path in paths:
        if path.is_dir():
            inner = path / FOLDER if (path / FOLDER).is_dir() else path
            yield from sorted(inner.glob("*.y*ml"))
        elif path.is_file():
            yield path
        else:
            hint = "name a scenario or a folder of them; smr test alone plays playbooks/tests"
            raise NotFound("no-such-file", f"there is no file {path}", hint=hint)


def _invalid(problems: list[Problem]) -> Invalid:
    errors = [str(problem) for problem in problems if problem.severity == "error"]
    return Invalid("scenario-invalid", "\n".join(errors[:20]), hint="smr validate FILE")
