"""Checks that every quorum can be met by the people of the directory, whoever wrote the text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

from smr_engine.playbook.check_inspection import DirectoryFacts, Inspection
from smr_engine.playbook.check_people import people_of
from smr_engine.playbook.model import (
    ApprovalStep,
    DecisionStep,
    DraftStep,
    Exclusion,
    ExclusionKind,
    QuorumLine,
    Step,
    TaskStep,
)

_MOST_COMBINATIONS = 500  # of people who may have done what excludes them
_MOST_NAMES = 4  # in a message
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fit:
    """How far lines can be filled: per line how many are needed, and how many fit at once."""

    need: tuple[int, ...]
    have: tuple[int, ...]

    @property
    def complete(self) -> bool:
        """Whether every line is filled."""
        return self.need == self.have


def check_quorums(inspection: Inspection) -> None:
    """Report quorums that cannot be met, with the deputy or break-glass that would save them."""
    for step in inspection.steps():
        if not isinstance(step, ApprovalStep):
            continue
        if all(line.when is not None for line in step.quorum):
            message = f"`{step.id}` fails if no line of its quorum applies"
            hint = "keep one line without `when`"
            inspection.warning("quorum-may-be-empty", step.line_of("quorum"), message, hint)
        if inspection.directory is not None:
            _Quorum(inspection, inspection.directory, step).check()


def fit(directory: DirectoryFacts, lines: Sequence[QuorumLine], barred: Collection[str]) -> Fit:
    """Return how far lines can be filled by distinct people (maximum matching).

    Args:
        directory: who holds which role.
        lines: the lines that apply; `all` needs every holder of its roles.
        barred: people who may not decide.
    """
    matching = _Matching(
        [_holders(directory, line) - frozenset(barred) for line in lines],
        [_needed(directory, line) for line in lines],
    )
    return Fit(tuple(matching.need), tuple(map(len, matching.run())))


class _Matching:
    """Distinct people to lines by augmenting paths; a line takes as many as it needs."""

    def __init__(self, fitting: list[frozenset[str]], need: list[int]) -> None:
        self.fitting = fitting
        self.need = need
        self.taken: list[set[str]] = [set() for _ in need]

    def run(self) -> list[set[str]]:
        for person in sorted(NOBODY.union(*self.fitting)):
            self._place(person, set())
        return self.taken

    def _place(self, person: str, tried: set[int]) -> bool:
        for line, people in enumerate(self.fitting):
            if person not in people or line in tried:
                continue
            tried.add(line)
            if len(self.taken[line]) < self.need[line]:
                self.taken[line].add(person)
                return True
            for other in sorted(self.taken[line]):
                if self._place(other, tried):
                    self.taken[line] ^= {other, person}
                    return True
        return False


def _holders(directory: DirectoryFacts, line: QuorumLine) -> frozenset[str]:
    return NOBODY.union(*(directory.acting(role) for role in line.roles))


def _needed(directory: DirectoryFacts, line: QuorumLine) -> int:
    return line.need if line.need is not None else max(1, len(_holders(directory, line)))


class _Quorum:
    """The quorum of one approval against the directory."""

    def __init__(
        self, inspection: Inspection, directory: DirectoryFacts, step: ApprovalStep
    ) -> None:
        self.inspection = inspection
        self.directory = directory
        self.step = step
        self.combinations = self._barred()

    def check(self) -> None:
        """Check the lines that always apply, then each that may come on top."""
        always = [line for line in self.step.quorum if line.when is None]
        if not self._check_lines(always, self.step.line_of("quorum"), ""):
            return
        for line in self.step.quorum:
            if line.when is not None:
                condition = f" when {line.when.source}"
                self._check_lines([*always, line], line.line or self.step.line, condition)

    def _check_lines(self, lines: list[QuorumLine], place: int, condition: str) -> bool:
        """Report lines that cannot all be filled; say whether they can."""
        if any(role not in self.directory.holders for line in lines for role in line.roles):
            return True  # reported as unknown roles
        fits = {barred: fit(self.directory, lines, barred) for barred in self.combinations}
        failing = [barred for barred, found in fits.items() if not found.complete]
        if not failing:
            return True
        barred = max(failing, key=lambda people: sum(fits[people].have))
        message = self._message(lines, fits[barred], barred) + condition
        hint = self._saviours(lines, fits[barred], barred)
        if len(failing) == len(fits):
            self.inspection.error("quorum-too-large", place, message, hint)
            return False
        culprits = NOBODY.union(*failing) - frozenset.intersection(*fits)
        who = _names(culprits, " or ")
        message = f"if {who} wrote the text (or did what `except` names), {message}"
        self.inspection.warning("quorum-may-be-too-large", place, message, hint)
        return True

    # --- who is kept out -----------------------------------------------------------------------

    def _barred(self) -> list[frozenset[str]]:
        """Return every set of people that the exclusions may keep out."""
        sources = [
            alternatives
            for exclusion in self.step.exclude
            for alternatives in self._alternatives(exclusion)
        ]
        combined = (NOBODY.union(*people) for people in product(*sources))
        return list(dict.fromkeys(islice(combined, _MOST_COMBINATIONS)))

    def _alternatives(self, exclusion: Exclusion) -> Iterable[list[frozenset[str]]]:
        if exclusion.kind is ExclusionKind.ROLE:
            yield [frozenset(self.directory.holders.get(exclusion.name, ()))]
        elif exclusion.kind is ExclusionKind.DID:
            position = self.inspection.index.by_id.get(exclusion.name)
            if position is not None:
                yield self._who_may_do(position.step)
        elif exclusion.kind is ExclusionKind.AUTHOR:
            for step in self.inspection.steps():
                if isinstance(step, DraftStep) and step.document in self.step.documents:
                    yield self._who_may_do(step)

    def _who_may_do(self, step: Step) -> list[frozenset[str]]:
        """Return the sets of people who may turn out to have done a step."""
        if not isinstance(step, TaskStep | DraftStep | DecisionStep):
            return [NOBODY]
        if step.assign is None:
            people: frozenset[str] | None = self.directory.acting(self.inspection.playbook.owner)
        else:
            people = people_of(self.directory, step.assign.parties)
        if not people:
            return [NOBODY]
        if step.assign is not None and step.assign.each:
            return [people]
        return [frozenset({person}) for person in sorted(people)]

    # --- words ---------------------------------------------------------------------------------

    def _message(self, lines: list[QuorumLine], found: Fit, barred: frozenset[str]) -> str:
        short = _short(found)
        line, need = lines[short], found.need[short]
        holders = _holders(self.directory, line)
        left = holders - barred
        roles = " or ".join(line.roles)
        wanted = f"the quorum of `{self.step.id}` cannot be met: it needs {need} of {roles}"
        if len(left) >= need:
            return f"{wanted}, but {_names(left)} must fill another line, and nobody counts twice"
        rest = f"only {_names(left)} may decide" if left else "nobody may decide"
        kept_out = holders & barred
        return f"{wanted}, and {rest}" + (f" ({_names(kept_out)} kept out)" if kept_out else "")

    def _saviours(self, lines: list[QuorumLine], found: Fit, barred: frozenset[str]) -> str:
        short = lines[_short(found)]
        hints = [*self._deputies(lines, short, barred), self._break_glass(short)]
        return "; ".join(hints)

    def _deputies(
        self, lines: list[QuorumLine], short: QuorumLine, barred: frozenset[str]
    ) -> Iterable[str]:
        """Name the deputies with whom, as holders, the quorum could be met."""
        for role in short.roles:
            deputies = frozenset(self.directory.deputies.get(role, ())) - barred
            new = deputies - frozenset(self.directory.holders.get(role, ()))
            more = {**self.directory.holders, role: (*self.directory.holders.get(role, ()), *new)}
            if new and fit(replace(self.directory, holders=more), lines, barred).complete:
                yield f"{_names(new)} is a deputy: give them the role `{role}`"

    def _break_glass(self, short: QuorumLine) -> str:
        glass = self.step.break_glass
        if glass is not None:
            who = _names(self.directory.acting(glass.role))
            return f"until then break_glass lets {who} release the text"
        others = {"exec-sponsor", self.inspection.playbook.owner} - set(short.roles)
        held = next((role for role in sorted(others) if self.directory.acting(role)), "")
        saved = f", or add break_glass: {{role: {held}, ratify_within: 4h}}" if held else ""
        return f"give `{short.roles[0]}` to more people in directory.yaml{saved}"


def _short(found: Fit) -> int:
    pairs = zip(found.need, found.have, strict=True)
    return next(number for number, (need, have) in enumerate(pairs) if have < need)


def _names(people: Collection[str], between: str = ", ") -> str:
    shown = sorted(people)[:_MOST_NAMES]
    more = len(people) - len(shown)
    return between.join(shown) + (f" and {more} more" if more else "") or "nobody"
