"""Scenarios: a rehearsal of a playbook as data, read from YAML, with the line of every sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smr_engine.playbook.durations import Duration, DurationKind, parse_duration
from smr_engine.playbook.model import JsonSchema
from smr_engine.playbook.problems import Place, Problem, Problems
from smr_engine.playbook.schema_check import schema_problems
from smr_engine.playbook.yaml_nodes import Located, Node
from smr_engine.playbook.yaml_source import load

SOON = Duration(DurationKind.ELAPSED, 60)
WATCHED = Duration(DurationKind.ELAPSED, 60 * 86_400)
ASKED_FOR = (
    *("completes", "writes", "edits", "decides", "approves", "requests_changes"),
    *("rejects", "recuses", "acknowledges", "repairs", "breaks_glass"),
)
"""Verbs about a step that asks; what follows are those that nobody has to ask for."""
VERBS = (*ASKED_FOR, "signals", "notes", "meets", "scores", "cancels")
SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "ends": ("within", "at"),
    "still": (),
    "severity": (),
    "step": ("outcome", "within", "at", "times"),
    "path": (),
    "published": ("on", "says", "within", "at", "times"),
    "approved": ("by", "within", "at"),
    "reminded": ("of", "within", "at", "times"),
    "warned": ("of", "within", "at", "times"),
    "asked": ("of", "within", "at", "times"),
    "escalated": ("to", "within", "at", "times"),
    "expired": ("within", "at", "times"),
    "clock": ("is", "within", "at"),
    "released": ("by", "within", "at", "times"),
    "ratified": ("within", "at", "times"),
    "told": ("says", "within", "at", "times"),
}
"""What an expectation can be about, and what else it may say then."""
NEEDED = {
    "step": ("outcome", "the step is named, and not how it ended", "add outcome: done, or another"),
    "clock": ("is", "the clock is named, and not what became of it", "add is: started, or met"),
}
"""What an expectation has to say besides: the key, what is wrong without it, what to do."""


@dataclass(frozen=True, slots=True)
class Said:
    """One mapping of the file: its plain values, the line it begins on, and where each stands."""

    values: Mapping[str, Any]
    line: int
    places: Mapping[str, Place]

    def place(self, key: str) -> Place:
        """Return where a value stands, else where the mapping begins."""
        return self.places.get(key) or Place(self.line)


@dataclass(frozen=True, slots=True)
class Act:
    """Somebody does something; `about` is the step, signal or remark of its verb."""

    who: tuple[str, ...]
    verb: str
    about: str
    said: Said
    after: Duration = SOON
    at: str | None = None
    each_time: bool = False
    refused: str = ""

    def get(self, key: str, default: Any = "") -> Any:
        """Return what else was said."""
        return self.said.values.get(key, default)


@dataclass(frozen=True, slots=True)
class Outage:
    """An account, or all `messages`, does not work between two spans after the start."""

    of: str
    start: Duration
    end: Duration | None
    how: str
    said: Said


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that must hold."""

    subject: str
    about: Any
    said: Said

    def get(self, key: str, default: Any = None) -> Any:
        """Return what else was said."""
        return self.said.values.get(key, default)


@dataclass(frozen=True, slots=True)
class Others:
    """What everybody else does: their part after so long; nothing without `after`."""

    after: Duration | None = None
    but_not: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One rehearsal."""

    file: str
    title: str
    playbook: str
    starts: str
    said: Said
    expectations: tuple[Expectation, ...]
    acts: tuple[Act, ...] = ()
    about: str = ""
    sample: bool = False
    by: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    severity: str | None = None
    drill: bool = False
    people: Mapping[str, Said] = field(default_factory=dict)
    others: Others = Others()
    outages: tuple[Outage, ...] = ()
    until: Duration = WATCHED


def is_scenario(data: Any) -> bool:
    """Return whether a file's content means to be a scenario."""
    return isinstance(data, Mapping) and "scenario" in data


def read_scenario(
    text: bytes, file: str, schema: JsonSchema
) -> tuple[Scenario | None, list[Problem]]:
    """Return the scenario that a YAML text means, and every problem of its form.

    Whether its names fit the playbook and the directory is `scenario_check`'s.

    Args:
        text: the file's bytes.
        file: the name to use in problems.
        schema: the scenario schema.
    """
    located, found = load(text, file)
    problems = Problems(file)
    problems.extend(found)
    if located is None:
        return None, problems.sorted()
    problems.extend(schema_problems(located, schema, file))
    if problems.has_errors:
        return None, problems.sorted()
    acts = tuple(_act(said, problems) for said in _listed(located, "happens"))
    expected = tuple(_expectation(said, problems) for said in _listed(located, "expect"))
    scenario = _scenario(located, file, acts, expected)
    found = problems.sorted()
    usable = all(problem.severity != "error" for problem in found)
    return (scenario if usable else None), found


def _scenario(
    located: Located, file: str, acts: tuple[Act, ...], expected: tuple[Expectation, ...]
) -> Scenario:
    data: Mapping[str, Any] = located.data
    others = data.get("others", {})
    people = located.root.value.get("people")
    return Scenario(
        file=file,
        title=data["scenario"],
        playbook=data["playbook"],
        starts=data["starts"],
        said=_said(located.root),
        expectations=expected,
        acts=acts,
        about=data.get("about", ""),
        sample=data.get("company") == "sample",
        by=data.get("by", ""),
        inputs=data.get("inputs", {}),
        severity=data.get("severity"),
        drill=data.get("drill", False),
        people={name: _said(node) for name, node in people.value.items()} if people else {},
        others=Others(_duration(others, "after"), tuple(others.get("but_not", ()))),
        outages=tuple(_outage(said) for said in _listed(located, "outages")),
        until=_duration(data, "until") or WATCHED,
    )


def _act(said: Said, problems: Problems) -> Act:
    verb = _only(said, VERBS, "what somebody does", problems)
    who = said.values["who"]
    about = said.values.get(verb, "")
    return Act(
        who=(who,) if isinstance(who, str) else tuple(who),
        verb=verb,
        about=about if isinstance(about, str) else "",
        said=said,
        after=_duration(said.values, "after") or SOON,
        at=said.values.get("at"),
        each_time=said.values.get("each_time", False),
        refused=said.values.get("refused", ""),
    )


def _expectation(said: Said, problems: Problems) -> Expectation:
    subject = _only(said, tuple(SUBJECTS), "what must hold", problems)
    for key in said.values.keys() - {subject} - set(SUBJECTS.get(subject, ())):
        if subject and key not in SUBJECTS:
            message = f"`{key}` says nothing about `{subject}`"
            hint = f"beside `{subject}` stand {_words(SUBJECTS[subject])}"
            problems.error("no-effect", message, said.place(key), hint)
    needed = NEEDED.get(subject)
    if needed is not None and needed[0] not in said.values:
        key, message, hint = needed
        problems.error("missing-key", message, said.place(subject), hint)
    return Expectation(subject, said.values.get(subject), said)


def _only(said: Said, keys: tuple[str, ...], what: str, problems: Problems) -> str:
    """Return the one key of these that a mapping has."""
    found = [key for key in said.values if key in keys]
    if len(found) == 1:
        return found[0]
    if found:
        message = f"this says twice {what}: {_words(tuple(found))}"
        problems.error("too-many-keys", message, said.place(found[1]), "make it two entries")
    else:
        problems.error("missing-key", f"this does not say {what}", Place(said.line), _words(keys))
    return found[0] if found else ""


def _outage(said: Said) -> Outage:
    values = said.values
    start = _duration(values, "from") or Duration(DurationKind.ELAPSED, 0)
    return Outage(values["of"], start, _duration(values, "until"), values.get("how", "down"), said)


def _words(keys: tuple[str, ...]) -> str:
    return ", ".join(keys) or "no other keys"


def _duration(values: Mapping[str, Any], key: str) -> Duration | None:
    return parse_duration(values[key]) if key in values else None


def _listed(located: Located, key: str) -> list[Said]:
    node = located.root.value.get(key)
    return [_said(entry) for entry in node.value] if node is not None else []


def _said(node: Node) -> Said:
    places = {key: inner.place for key, inner in node.value.items()}
    return Said(node.plain(), node.line, places)
