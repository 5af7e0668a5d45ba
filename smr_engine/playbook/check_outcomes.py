"""The words in which a step can end, by the contract of the language."""

from __future__ import annotations

from collections.abc import Mapping

from smr_engine.playbook.model import (
    ApprovalStep,
    DecisionStep,
    EndStep,
    Playbook,
    PlaybookStep,
    PublishStep,
    RepeatStep,
    Step,
    WaitStep,
    walk,
)

ALWAYS = ("skipped", "failed", "expired", "cancelled")
"""Outcomes that any step may have."""

RESERVED_OUTCOMES = frozenset(
    {
        *ALWAYS,
        *("done", "approved", "rejected", "published", "elapsed", "signalled"),
        *("until", "exhausted"),
    }
)
"""Outcomes that a decision may not declare for itself."""


def own_outcomes(step: Step, playbooks: Mapping[str, Playbook]) -> list[str]:
    """Return the outcomes that a step of this kind ends in when nothing stops it.

    Args:
        step: any step.
        playbooks: the playbooks that it may open, by name; of one that is not there, or not waited
            for, the outcomes are not known, and the list is empty.
    """
    if isinstance(step, DecisionStep):
        return decision_outcomes(step)
    if isinstance(step, PlaybookStep):
        child = playbooks.get(step.playbook) if step.wait_until_done else None
        return case_outcomes(child) if child is not None else []
    if isinstance(step, WaitStep):
        return ["signalled"] if step.signal is not None else ["elapsed"]
    if isinstance(step, RepeatStep):
        ways = {"until": step.until, "exhausted": step.max_rounds}
        return [word for word, said in ways.items() if said is not None] or ["until"]
    if isinstance(step, ApprovalStep):
        return ["approved", "rejected"]
    return ["published"] if isinstance(step, PublishStep) else ["done"]


def possible_outcomes(step: Step, playbooks: Mapping[str, Playbook]) -> list[str]:
    """Return every outcome that a step can have; empty if they are not known."""
    own = own_outcomes(step, playbooks)
    return [*own, *(word for word in ALWAYS if word not in own)] if own else []


def decision_outcomes(step: DecisionStep) -> list[str]:
    """Return the outcomes that a decision declares, each once, in the order of the file."""
    ways = [way for question in step.questions for way in (question.if_yes, question.if_no)]
    found = [way.id for way in ways if not isinstance(way, str)]
    found += [choice.id for choice in step.choices] + [row.outcome for row in step.rows]
    return list(dict.fromkeys(found))


def case_outcomes(playbook: Playbook) -> list[str]:
    """Return the outcomes with which a case of a playbook can close."""
    found = ["done"]
    for step in walk(playbook.steps):
        if isinstance(step, EndStep) and step.of is None:
            found.append(step.outcome)
        if isinstance(step, ApprovalStep) and step.on_rejected and step.on_rejected.of is None:
            found.append(step.on_rejected.outcome)
    return list(dict.fromkeys([*found, "cancelled"]))
