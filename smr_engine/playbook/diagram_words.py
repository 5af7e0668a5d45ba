"""What stands in the boxes of a diagram: who, by when, what, in few words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

from smr_engine.playbook.check_outcomes import decision_outcomes
from smr_engine.playbook.model import (
    ApprovalStep,
    Assignment,
    CallStep,
    DecisionStep,
    DraftStep,
    DueAt,
    EndStep,
    Expression,
    ForeachStep,
    NotifyStep,
    Option,
    Party,
    PartyKind,
    Playbook,
    PlaybookStep,
    PublishStep,
    QuorumLine,
    RepeatStep,
    Step,
    SwitchStep,
    TaskStep,
    Varied,
    WaitStep,
)

_MOST = 5  # names in a line
T = TypeVar("T")


def condition(when: Expression) -> str:
    """Return a condition as a question."""
    return f"{when.source.strip()}?"


def details(playbook: Playbook, step: Step) -> Iterator[str]:
    """Yield the lines below a step's title."""
    match step:
        case ApprovalStep():
            yield "Approve: " + _listed(map(_quorum_line, step.quorum))
        case PublishStep():
            spec = playbook.documents.get(step.document)
            places = _listed(plain(account.source) for account in step.accounts)
            yield f"{spec.title if spec else step.document} → {places or 'recipients'}"
            if step.requires:
                yield "after: " + _listed(step.requires)
        case NotifyStep():
            yield "to " + _listed(map(_party, step.to))
            if step.acknowledge is not None:
                yield "asks for an acknowledgement"
        case TaskStep() | DraftStep() | DecisionStep():
            yield from _human(playbook, step)
        case _:
            yield from _machine(step)
    if step.due is not None:
        yield "due " + varied(step.due)


def _human(playbook: Playbook, step: TaskStep | DraftStep | DecisionStep) -> Iterator[str]:
    if isinstance(step, DecisionStep) and step.rows:
        yield "by table"
        return
    yield _who(playbook, step.assign)
    if isinstance(step, DecisionStep) and len(step.questions) == 1:
        yield step.questions[0].ask


def _machine(step: Step) -> Iterator[str]:
    match step:
        case WaitStep(signal=str() as signal):
            yield f"waits for {signal}"
        case WaitStep():
            yield "waits " + (varied(step.duration) if step.duration else _until(step))
        case PlaybookStep():
            yield f"opens {step.playbook}"
        case CallStep():
            yield f"calls {step.uses}"
        case EndStep():
            yield f"Ends: {step.outcome}" + (f" (only {step.of})" if step.of else "")
        case SwitchStep(on=str() as decider):
            yield f"by the outcome of {decider}"


def _until(step: WaitStep) -> str:
    return f"until {plain(step.until.source)}" if step.until else ""


def answers_all(step: SwitchStep, decider: Step | None) -> bool:
    """Return whether a switch has an option for everything that may come."""
    if any(option.when is None and option.outcome is None for option in step.options):
        return True
    named = {option.outcome for option in step.options}
    return isinstance(decider, DecisionStep) and named.issuperset(decision_outcomes(decider))


def option_words(option: Option) -> str:
    """Return what leads into an option of a switch."""
    if option.outcome is not None:
        return option.outcome
    return condition(option.when) if option.when is not None else "otherwise"


def title_of_loop(step: ForeachStep | RepeatStep) -> str:
    """Return what a loop goes over, or how often it comes round."""
    if isinstance(step, ForeachStep):
        listed = isinstance(step.elements, Expression)
        whole = step.elements.source if isinstance(step.elements, Expression) else "a list"
        return f"for each {step.name} in {whole}" if listed else f"for each {step.name}"
    pace = f"every {varied(step.every)}" if step.every is not None else "again and again"
    return pace + (f", at most {step.max_rounds} rounds" if step.max_rounds is not None else "")


def until_words(step: RepeatStep) -> str:
    """Return the question that ends a repeat."""
    if step.until is not None:
        return condition(step.until)
    return f"{step.max_rounds} rounds over?" if step.max_rounds is not None else "over?"


def varied(value: Varied[T]) -> str:
    """Return a time that may differ by severity: ``15m (sev1), 1h (sev2), else 4h``."""
    words = [f"{_time(entry)} ({label})" for label, entry in value.by_severity.items()]
    if value.default is not None:
        words.append(("else " if words else "") + _time(value.default))
    return _listed(words)


def _time(value: object) -> str:
    if isinstance(value, DueAt):
        at = plain(value.at.source)
        return f"{value.plus} after {at}" if value.plus else at
    return str(value)


def _who(playbook: Playbook, assign: Assignment | None) -> str:
    if assign is None:
        return f"by {playbook.owner}"
    return ("by each of " if assign.each else "by ") + _listed(map(_party, assign.parties))


def _party(party: Party) -> str:
    if party.kind is PartyKind.DEPUTY_OF:
        return f"deputy of {plain(party.name.source)}"
    return plain(party.name.source)


def _quorum_line(line: QuorumLine) -> str:
    count = "all " if line.need is None else f"{line.need} " if line.need > 1 else ""
    maybe = " (if needed)" if line.when is not None else ""
    return count + " or ".join(line.roles) + maybe


def plain(source: str) -> str:
    """Return a text without the braces of its expressions."""
    return re.sub(r"\{\{\s*(.*?)\s*\}\}", r"\1", source)


def _listed(words: Iterable[str]) -> str:
    known = list(words)
    more = f" and {len(known) - _MOST} more" if len(known) > _MOST else ""
    return ", ".join(known[:_MOST]) + more
