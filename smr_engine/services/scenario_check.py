"""Whether the names of a scenario fit its playbooks and its directory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smr_engine.engine.world import World
from smr_engine.errors import Invalid
from smr_engine.playbook.fields import NO_FIELDS
from smr_engine.playbook.model import (
    ApprovalStep,
    DecisionStep,
    DraftStep,
    NotifyStep,
    Playbook,
    PublishStep,
    Step,
    TaskStep,
    walk,
)
from smr_engine.playbook.problems import Place, Problem, Problems
from smr_engine.playbook.schema_check import value_problems
from smr_engine.playbook.suggest import did_you_mean
from smr_engine.services import placeholders
from smr_engine.services.preview import hints, instant_at
from smr_engine.services.scenario import ASKED_FOR, Act, Expectation, Said, Scenario

MESSAGES = "messages"
KINDS: Mapping[str, tuple[tuple[type[Step], ...], str]] = {
    "completes": ((TaskStep, PublishStep), "a task or a posting by hand"),
    "writes": ((DraftStep,), "a draft"),
    "edits": ((DraftStep,), "a draft"),
    "decides": ((DecisionStep,), "a decision"),
    "approves": ((ApprovalStep,), "an approval"),
    "requests_changes": ((ApprovalStep,), "an approval"),
    "rejects": ((ApprovalStep,), "an approval"),
    "recuses": ((ApprovalStep,), "an approval"),
    "acknowledges": ((NotifyStep,), "a message"),
    "repairs": ((Step,), "a step"),
    "breaks_glass": ((ApprovalStep,), "an approval"),
}
REPAIRS = ("retry", "skip", "cancel", "sent", "not_sent")
NEED_A_REASON = {
    *("requests_changes", "rejects", "recuses", "repairs", "breaks_glass"),
    *("scores", "cancels"),
}


def step_of(path: str) -> str:
    """Return the id of the step at a path of a case (`updates[3]/draft`)."""
    return path.rsplit("/", 1)[-1].split("[", maxsplit=1)[0]


def check_scenario(
    scenario: Scenario, books: Mapping[str, Playbook], world: World
) -> list[Problem]:
    """Return everything in a scenario that does not fit, in the order of the file.

    Args:
        scenario: as it was read.
        books: its playbook and those that it opens, by name.
        world: the directory of the rehearsal.
    """
    check = _Check(scenario, books, world, Problems(scenario.file))
    check.head()
    for act in scenario.acts:
        check.act(act)
    for expectation in scenario.expectations:
        check.expectation(expectation)
    return check.problems.sorted()


@dataclass
class _Check:
    scenario: Scenario
    books: Mapping[str, Playbook]
    world: World
    problems: Problems

    @property
    def main(self) -> Playbook:
        return self.books[self.scenario.playbook]

    @property
    def steps(self) -> dict[str, Step]:
        """All steps; where two playbooks name one alike, that of the outer one."""
        inner = (book for book in self.books.values() if book is not self.main)
        found = {s.id: s for book in inner for s in walk(book.steps)}
        return {**found, **{s.id: s for s in walk(self.main.steps)}}

    @property
    def clocks(self) -> set[str]:
        """All clocks."""
        return {clock.id for book in self.books.values() for clock in book.clocks}

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels of severity."""
        return self.main.severity.levels if self.main.severity else ()

    # --- the head ---

    def head(self) -> None:
        """Check all that stands outside the lists."""
        scenario, said = self.scenario, self.scenario.said
        self.instant(scenario.starts, said.place("starts"))
        self.known("person", scenario.by, self.world.people, said.place("by"))
        if scenario.severity is not None:
            self.known("severity", scenario.severity, self.levels, said.place("severity"))
        for name, person in scenario.people.items():
            self.known("person", name, self.world.people, Place(person.line))
            for role in person.values.get("roles", ()):
                self.known("role", role, self.world.roles, person.place("roles"))
        for outage in scenario.outages:
            accounts = (*self.world.accounts, MESSAGES)
            self.known("account", outage.of, accounts, outage.said.place("of"))
        for name in scenario.others.but_not:
            known = {*self.world.people, *self.steps}
            self.known("person or step", name, known, said.place("others"))
        self.inputs()

    def inputs(self) -> None:
        """Check the inputs as the start will, with what is made up."""
        scenario = self.scenario
        try:
            now = instant_at(scenario.starts, self.world.calendar(self.main.calendar).timezone)
        except Invalid:
            return
        schema = self.main.inputs or NO_FIELDS
        values, _ = placeholders.filled(schema, scenario.inputs, hints(self.world, "", now))
        for found in value_problems(schema, values):
            message = f"{found.path}: {found.message}" if found.path else found.message
            self.problems.error(found.code, message, scenario.said.place("inputs"), found.hint)

    # --- acts ---

    def act(self, act: Act) -> None:
        """Check one sentence of what people do."""
        for person in act.who:
            self.known("person", person, self.world.people, act.said.place("who"))
        if act.at is not None:
            self.instant(act.at, act.said.place("at"))
        if act.verb in NEED_A_REASON and not act.get("because"):
            message = f"who `{act.verb}` gives a reason"
            self.problems.error("missing-key", message, Place(act.said.line), "add because: ...")
        if act.verb in ASKED_FOR:
            self.asked_for(act)
        elif act.verb == "meets":
            self.known("clock", act.about, self.clocks, act.said.place("meets"))
        elif act.verb == "scores":
            self.known("severity", act.about, self.levels, act.said.place("scores"))

    def asked_for(self, act: Act) -> None:
        """Check that a verb fits its step, and the answer both."""
        step = self.step(act.about, act.said.place(act.verb))
        if step is None:
            return
        kinds, words = KINDS[act.verb]
        if not isinstance(step, kinds):
            message = f"`{act.about}` is not {words}, but of kind {step.kind}"
            self.problems.error("wrong-kind", message, act.said.place(act.verb), _other(step))
        elif act.verb == "decides" and isinstance(step, DecisionStep):
            self.answer(act, step)
        elif act.verb == "repairs":
            self.known("answer", act.get("answer"), REPAIRS, act.said.place("answer"))

    def answer(self, act: Act, step: DecisionStep) -> None:
        """Check that a decision knows the answer."""
        answer, place = act.get("answer"), act.said.place("answer")
        questions = {question.id for question in step.questions}
        if isinstance(answer, Mapping):
            for question in answer:
                self.known("question", question, questions, place)
        elif step.choices:
            self.known("answer", answer, [choice.id for choice in step.choices], place)
        elif len(questions) == 1:
            self.known("answer", answer, ("yes", "no"), place)
        else:
            message = f"`{step.id}` asks several questions"
            hint = f"answer: {{{', '.join(f'{q.id}: yes' for q in step.questions)}}}"
            self.problems.error("wrong-answer", message, place, hint)

    # --- expectations ---

    def expectation(self, expected: Expectation) -> None:
        """Check one sentence of what must hold."""
        said = expected.said
        for key, kind, known in self._tables():
            for name in _each(said.values.get(key)):
                if not (key == "told" and "@" in name):
                    self.known(kind, name, known, said.place(key))
        self.steps_in(said)
        if "at" in said.values:
            self.instant(said.values["at"], said.place("at"))
        if "outcome" in said.values:
            self.outcome(expected)

    def steps_in(self, said: Said) -> None:
        """Check the steps that an expectation names; some keys name a clock as well."""
        for key in ("step", "expired", "released", "ratified", "path", "of", "escalated"):
            clocks = self.clocks if key in {"of", "escalated"} else set()
            kind = "step or clock" if clocks else "step"
            for path in _each(said.values.get(key)):
                self.known(kind, step_of(path), {*self.steps, *clocks}, said.place(key))

    def outcome(self, expected: Expectation) -> None:
        """Check that a decision can end so."""
        step = self.steps.get(step_of(expected.about))
        if isinstance(step, DecisionStep):
            known = {*outcomes_of(step), "skipped", "failed", "expired", "cancelled"}
            self.known("outcome", expected.get("outcome"), known, expected.said.place("outcome"))

    def _tables(self) -> Iterator[tuple[str, str, Collection[str]]]:
        world = self.world
        everybody = {*world.people, *world.contacts, *world.vendors}
        documents = {name for book in self.books.values() for name in book.documents}
        yield from ((key, "person", world.people) for key in ("reminded", "warned", "asked"))
        yield from ((key, "person", world.people) for key in ("by", "to"))
        yield from ((key, "document", documents) for key in ("published", "approved"))
        yield "on", "account", world.accounts
        yield "clock", "clock", self.clocks
        yield "told", "person", everybody
        yield "severity", "severity", self.levels

    # --- shared ---

    def step(self, path: str, place: Place) -> Step | None:
        """Return the step that a path leads to, or say that there is none."""
        name = step_of(path)
        self.known("step", name, self.steps, place)
        return self.steps.get(name)

    def known(self, kind: str, name: str, known: Collection[str], place: Place) -> None:
        """Say where a name is not among those known."""
        if name and name in known:
            return
        if not name and kind == "person":
            return  # nobody was named
        few = ", ".join(sorted(known)[:12])
        hint = did_you_mean(str(name), known) or (f"known: {few}" if few else "")
        code = f"unknown-{kind.replace(' ', '-')}"
        self.problems.error(code, f"there is no {kind} `{name}`", place, hint)

    def instant(self, text: str, place: Place) -> None:
        """Say where a text names no instant."""
        try:
            instant_at(text, "UTC")
        except Invalid as problem:
            self.problems.error(problem.code, problem.message, place, problem.hint)


def outcomes_of(step: DecisionStep) -> tuple[str, ...]:
    """Return the outcomes that a decision declares."""
    if step.choices:
        return tuple(choice.id for choice in step.choices)
    if step.rows:
        return tuple(dict.fromkeys(row.outcome for row in step.rows))
    ways: list[Any] = [way for q in step.questions for way in (q.if_yes, q.if_no)]
    return tuple(dict.fromkeys(way.id for way in ways if not isinstance(way, str)))


def _each(value: Any) -> list[str]:
    if value is None:
        return []
    return value if isinstance(value, list) else [str(value)]


def _other(step: Step) -> str:
    """Return which verbs fit a step."""
    fitting = [verb for verb, (kinds, _) in KINDS.items() if isinstance(step, kinds)]
    return f"write {' or '.join(fitting)}"
