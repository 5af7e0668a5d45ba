"""Checks against the directory: are those who are named there, and is there anybody at all."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from smr_engine.playbook.check_inspection import DirectoryFacts, Inspection, parts, parts_inside
from smr_engine.playbook.check_order import why_not_ended
from smr_engine.playbook.expressions import ExpressionError, compile_template
from smr_engine.playbook.index import Position
from smr_engine.playbook.model import (
    ApprovalStep,
    Assignment,
    BreakGlass,
    Escalation,
    Exclusion,
    ExclusionKind,
    NotifyStep,
    Party,
    PartyKind,
    PublishStep,
    Step,
    Template,
)
from smr_engine.playbook.suggest import did_you_mean

_NAME = re.compile(r"(?:inputs|steps|case|clocks|documents)(?:\.\w+)+")
_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")

OUTSIDE = frozenset({PartyKind.CONTACT, PartyKind.VENDOR, PartyKind.ADDRESS})


def check_people(inspection: Inspection) -> None:
    """Report names that the directory does not have, and work or escalation that reaches nobody."""
    for position in inspection.index.by_id.values():
        for exclusion in parts_inside(position.step, Exclusion):
            _check_exclusion(inspection, position, exclusion)
        if isinstance(position.step, ApprovalStep):
            _check_except(inspection, position.step)
    if inspection.directory is None:
        return
    known = _Names(inspection, inspection.directory)
    known.check_top()
    for step in inspection.steps():
        known.check_step(step)


def constant_of(template: Template) -> str | None:
    """Return the text of a template without names in it, None for any other."""
    try:
        compiled = compile_template(template.source)
        value = compiled.evaluate({}) if compiled.constant else None
    except ExpressionError:
        return None
    return value if isinstance(value, str) else None


def as_expression(text: str) -> str:
    """Return how a text is written that was meant as an expression; empty if it was not."""
    return f'write "{{{{ {text} }}}}"' if _NAME.fullmatch(text) else ""


def people_of(directory: DirectoryFacts, parties: Iterable[Party]) -> frozenset[str] | None:
    """Return the people that parties name; None if a name is known only in a case."""
    found: frozenset[str] = frozenset()
    for party in parties:
        name = constant_of(party.name)
        if name is None or party.kind in OUTSIDE:
            return None
        if party.kind is PartyKind.ROLE:
            found |= directory.acting(name)
        elif party.kind is PartyKind.GROUP:
            found |= frozenset(directory.groups.get(name, ()))
        elif party.kind is PartyKind.DEPUTY_OF:
            found |= frozenset(directory.deputies.get(name, ()))
        else:
            found |= frozenset({name})
    return found


def unused_roles(directory: DirectoryFacts, used: Iterable[str]) -> list[str]:
    """Return the roles of the directory that nothing uses, sorted.

    Args:
        directory: the directory.
        used: the roles that playbooks, groups and accounts name (`roles_used`).
    """
    return sorted(set(directory.holders) - set(used))


def roles_used(steps: Iterable[Step]) -> Iterator[str]:
    """Yield the roles that steps name."""
    for step in steps:
        for _, role in _roles(step):
            yield role


# --- names ---------------------------------------------------------------------------------------


class _Names:
    """Looks up in the directory what a playbook names."""

    def __init__(self, inspection: Inspection, directory: DirectoryFacts) -> None:
        self.inspection = inspection
        self.directory = directory

    def check_top(self) -> None:
        playbook, line = self.inspection.playbook, self.inspection.playbook.line_of
        self._known("role", playbook.owner, self.directory.holders, line("owner"))
        acting = self.directory.acting(playbook.owner)
        self._somebody("the owner", acting, playbook.owner, line("owner"))
        for role in playbook.visibility or ():
            self._known("role", role, self.directory.holders, line("visibility"))
        if playbook.calendar is not None:
            self._known("calendar", playbook.calendar, self.directory.calendars, line("calendar"))
        for clock in playbook.clocks:
            for at, role in _roles_in(parts(clock, Party), clock.line):
                self._known("role", role, self.directory.holders, at)
            self._parties(parts(clock, Party), clock.line)
            self._escalations(parts(clock, Escalation), clock.line)

    def check_step(self, step: Step) -> None:
        for line, role in _roles(step):
            self._known("role", role, self.directory.holders, line)
        self._parties(parts_inside(step, Party), step.line)
        if step.calendar is not None:
            line = step.line_of("calendar")
            self._known("calendar", step.calendar, self.directory.calendars, line)
        if isinstance(step, PublishStep):
            for account in step.accounts:
                self._account(account, account.line or step.line)
        self._escalations(parts_inside(step, Escalation), step.line)
        for assignment in parts_inside(step, Assignment):
            self._assignment(step, assignment)
        for glass in parts_inside(step, BreakGlass):
            who = self.directory.acting(glass.role)
            self._somebody("break_glass", who, glass.role, step.line_of("break_glass"))
        if isinstance(step, NotifyStep):
            self._recipients(step)

    def _known(self, what: str, name: str, names: Collection[str], line: int) -> bool:
        if name in names:
            return True
        message = f"the directory has no {what} `{name}`"
        hint = (
            did_you_mean(name, names)
            or as_expression(name)
            or f"add it to directory.yaml, or name another {what}"
        )
        self.inspection.error(f"unknown-{what}", line, message, hint)
        return False

    def _account(self, account: Template, line: int) -> None:
        name = constant_of(account)
        if name is not None:
            self._known("account", name, self.directory.accounts, line)

    def _parties(self, parties: Iterable[Party], line: int) -> None:
        names: dict[PartyKind, tuple[str, Collection[str]]] = {
            PartyKind.GROUP: ("group", self.directory.groups),
            PartyKind.PERSON: ("person", self.directory.people),
            PartyKind.CONTACT: ("contact", self.directory.contacts),
            PartyKind.VENDOR: ("vendor", self.directory.vendors),
        }
        for party in parties:
            name = constant_of(party.name)
            if name is not None and party.kind in names:
                what, known = names[party.kind]
                self._known(what, name, known, party.line or line)
            elif name is not None and party.kind is PartyKind.ADDRESS:
                self._address(name, party.line or line)

    def _address(self, text: str, line: int) -> None:
        """Report a text that reaches nobody: an id written where an address is meant."""
        if _ADDRESS.fullmatch(text):
            return
        kinds: dict[str, Collection[str]] = {
            "person": self.directory.people,
            "role": self.directory.holders,
            "group": self.directory.groups,
            "contact": self.directory.contacts,
        }
        meant = next((f"write {{{kind}: {text}}}" for kind in kinds if text in kinds[kind]), "")
        hint = meant or as_expression(text) or "write name@example.org, or {role: ...}"
        self.inspection.error("bad-address", line, f"`{text[:60]}` is no address", hint)

    # --- is there anybody ----------------------------------------------------------------------

    def _somebody(self, what: str, people: frozenset[str], name: str, line: int) -> None:
        if not people and name in self.directory.holders:
            message = f"{what} reaches nobody: no one holds `{name}`, and it has no deputies"
            hint = f"give somebody the role `{name}` in directory.yaml"
            self.inspection.error("nobody-to-ask", line, message, hint)

    def _escalations(self, escalations: Iterable[Escalation], line: int) -> None:
        for escalation in escalations:
            people = people_of(self.directory, escalation.to)
            if people is not None and not people and self._all_known(escalation.to):
                message = f"the escalation to {in_words(escalation.to)} reaches nobody"
                place = next((party.line for party in escalation.to if party.line), line)
                hint = "name somebody else, or fill the role or group in directory.yaml"
                self.inspection.error("escalation-to-nobody", place, message, hint)

    def _assignment(self, step: Step, assignment: Assignment) -> None:
        people = people_of(self.directory, assignment.parties)
        if people is None or not self._all_known(assignment.parties):
            return
        barred = (e.name for e in assignment.exclude if e.kind is ExclusionKind.ROLE)
        for role in barred:
            people -= frozenset(self.directory.holders.get(role, ()))
        if not people:
            message = f"`{step.id}` is for {in_words(assignment.parties)}, and that is nobody"
            hint = "name somebody else, or fill the role or group in directory.yaml"
            self.inspection.error("nobody-to-ask", step.line_of("assign"), message, hint)

    def _recipients(self, step: NotifyStep) -> None:
        for party in step.to:
            people = people_of(self.directory, [party])
            if people is not None and not people and self._all_known([party]):
                message = f"`{step.id}` tells {in_words([party])}, and that is nobody"
                self.inspection.warning("nobody-to-tell", party.line or step.line, message)

    def _all_known(self, parties: Iterable[Party]) -> bool:
        """Return whether no name in it was reported as unknown already."""
        for party in parties:
            name = constant_of(party.name) or ""
            groups = party.kind is PartyKind.GROUP
            if name not in (self.directory.groups if groups else self.directory.holders):
                return False
        return True


def in_words(parties: Iterable[Party]) -> str:
    """Return who is named, as an author wrote it."""
    words = {PartyKind.DEPUTY_OF: "deputies of "}
    return " and ".join(f"{words.get(p.kind, p.kind.value + ' ')}{p.name.source}" for p in parties)


def _roles(step: Step) -> Iterator[tuple[int, str]]:
    """Yield every role that a step names, each with its line."""
    yield from _roles_in(parts_inside(step, Party), step.line)
    for exclusion in parts_inside(step, Exclusion):
        if exclusion.kind is ExclusionKind.ROLE:
            yield _excluded_line(step), exclusion.name
    if isinstance(step, ApprovalStep):
        for line in step.quorum:
            yield from ((line.line or step.line, role) for role in line.roles)
        if step.break_glass is not None:
            yield step.line_of("break_glass"), step.break_glass.role


def _roles_in(parties: Iterable[Party], line: int) -> Iterator[tuple[int, str]]:
    for party in parties:
        if party.kind in {PartyKind.ROLE, PartyKind.DEPUTY_OF}:
            yield party.line or line, party.name.source


# --- who is kept out -----------------------------------------------------------------------------


def _excluded_line(step: Step) -> int:
    """Return where a step says whom it keeps out."""
    return step.lines.get("except", step.line_of("assign"))


def _check_exclusion(inspection: Inspection, position: Position, exclusion: Exclusion) -> None:
    if exclusion.kind is not ExclusionKind.DID:
        return
    step = position.step
    if exclusion.name not in inspection.index.by_id:
        hint = did_you_mean(exclusion.name, inspection.index.by_id)
        message = f"`did: {exclusion.name}` names no step"
        inspection.error("unknown-step", _excluded_line(step), message, hint)
    elif reason := why_not_ended(inspection.index, position, exclusion.name):
        message = f"`did: {exclusion.name}` is not known here: the step {reason}"
        inspection.error("unknown-name", _excluded_line(step), message)


def _check_except(inspection: Inspection, step: ApprovalStep) -> None:
    if all(exclusion.kind is not ExclusionKind.AUTHOR for exclusion in step.exclude):
        message = f"whoever wrote the text may approve it in `{step.id}`"
        line = step.line_of("except")
        inspection.warning("author-may-approve", line, message, "add author to `except`")
