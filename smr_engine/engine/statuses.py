"""The status enumerations (contract, 1-architecture.md section 3) and who leaves each of them."""

from __future__ import annotations

from enum import StrEnum


class CaseStatus(StrEnum):
    """Where a case stands."""

    OPEN = "open"  # people or effects move it on
    HELD = "held"  # something failed or is unanswerable; a repair item releases it
    COMPLETED = "completed"  # final
    CANCELLED = "cancelled"  # final


class StepStatus(StrEnum):
    """Where a step of a case stands, in its present round."""

    WAITING = "waiting"  # its list has not come to it
    ACTIVE = "active"  # waits for people, effects, time or its inner steps
    COMPLETED = "completed"  # left only by a reopening
    SKIPPED = "skipped"  # left only by a reopening
    FAILED = "failed"  # waits for a repair (retry, skip), unless its on_failure says continue
    CANCELLED = "cancelled"  # an end, a join or a cancel closed it; left only by a reopening


class ItemStatus(StrEnum):
    """Where a piece of work stands."""

    OPEN = "open"
    COMPLETED = "completed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"  # another item asks about newer content
    CANCELLED = "cancelled"


class EffectStatus(StrEnum):
    """Where something owed to the outside world stands."""

    OWED = "owed"
    CLAIMED = "claimed"  # operational: a live lease says so; never in the events
    SENDING = "sending"  # a publication has begun: it may be out
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"  # may or may not have happened; a person settles it
    CANCELLED = "cancelled"


class ItemKind(StrEnum):
    """What an item asks of a person."""

    TASK = "task"
    DRAFT = "draft"
    DECISION = "decision"
    APPROVAL = "approval"
    PUBLISH = "publish"
    ACKNOWLEDGEMENT = "acknowledgement"
    REPAIR = "repair"

    @property
    def words(self) -> str:
        """Return what it is, as people read it: `an approval`."""
        noun = "publication" if self is ItemKind.PUBLISH else self.value
        return f"{'an' if noun.startswith('a') else 'a'} {noun}"


class EffectKind(StrEnum):
    """What is owed; CASE effects stay inside the house (child cases and their answers).

    A REMINDER or an ESCALATION goes to one person and may be told together with others of theirs.
    """

    PUBLICATION = "publication"
    NOTIFICATION = "notification"
    ESCALATION = "escalation"
    REMINDER = "reminder"
    CALL = "call"
    CASE = "case"


TOLD_TOGETHER = frozenset({EffectKind.ESCALATION, EffectKind.REMINDER})
MESSAGES = frozenset({EffectKind.NOTIFICATION, *TOLD_TOGETHER})


class DecisionKind(StrEnum):
    """One person's answer to an approval."""

    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    REJECT = "reject"
    RECUSE = "recuse"


class ScopeKind(StrEnum):
    """What opened a scope."""

    ROOT = "root"
    BRANCH = "branch"
    ELEMENT = "element"
    ROUND = "round"


class ScopeStatus(StrEnum):
    """Where a scope stands."""

    WAITING = "waiting"  # an element whose turn has not come
    RUNNING = "running"
    ENDED = "ended"


class ClockStatus(StrEnum):
    """Where a clock stands; one that has no state waits for its instant."""

    WAITING = "waiting"
    RUNNING = "running"
    MET = "met"
    NOT_NEEDED = "not_needed"

    @property
    def words(self) -> str:
        """Return the status as people read it."""
        return self.value.replace("_", " ")


ENDED_STEPS = frozenset({StepStatus.COMPLETED, StepStatus.SKIPPED, StepStatus.CANCELLED})
CLOSED_CASES = frozenset({CaseStatus.COMPLETED, CaseStatus.CANCELLED})
LIVE_EFFECTS = frozenset({EffectStatus.OWED, EffectStatus.SENDING, EffectStatus.UNKNOWN})
