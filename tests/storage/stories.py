"""A crisis as a history of events, told through the storage one command at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from smr_engine.engine import events as e
from smr_engine.engine.evolve import evolve
from smr_engine.engine.state import Case, Line
from smr_engine.engine.statuses import DecisionKind, EffectKind, ItemStatus, ScopeKind
from smr_engine.services.stored import Envelope, Saved
from smr_engine.services.storing import Storage, UnitOfWork

MORNING = datetime(2026, 11, 23, 8, 30, 0, 250_000, tzinfo=UTC)
TEXT = "We are aware of a post on our account that we did not write. – The newsroom 🛈"
DIGEST = "5f" * 32


def at(minutes: float) -> datetime:
    """An instant, so many minutes after the morning began."""
    return MORNING + timedelta(minutes=minutes)


def envelope(actor: str = "ana", minutes: float = 0, **more: object) -> Envelope:
    usual = {"roles": ("smr-lead",), "assurance": "asserted", "door": "cli", "os_user": "aruiz"}
    return Envelope(at(minutes), actor, **{**usual, **more})


def opening(ref: str, **more: object) -> e.CaseOpened:
    usual = {
        "playbook": "crisis-response",
        "version": "1.0.0",
        "digest": "ab" * 32,
        "pins": {"holding-statement": "cd" * 32},
        "requester": "ana",
        "severity": "sev2",
        "title": "False post on the newsroom's account",
        "inputs": {"what": "A post we did not write", "reach": 120000, "share": 0.25, "whole": 2.0},
    }
    return e.CaseOpened(ref=ref, **{**usual, **more})


def task(ref: str, number: int, scope: str = "", step: str = "verify") -> tuple[e.Event, ...]:
    """A task with a reminder and an escalation, and the notification that announces it."""
    path = f"{scope}/{step}" if scope else step
    timers = (
        e.TimerRule(id=f"{ref}.{number + 1}", at=at(30), purpose="remind"),
        e.TimerRule(id=f"{ref}.{number + 2}", at=at(60), purpose="escalate"),
    )
    return (
        e.StepStarted(path=path, scope=scope, kind_of="task", round=1),
        e.ItemOpened(
            path=path,
            scope=scope,
            item=f"{ref}.{number}",
            kind_of="task",
            round=1,
            step=step,
            offered=("ana", "ben"),
            due_at=at(60),
            timers=timers,
            title="Is it true?",
            message="Ask the product owner.",
        ),
        owed(ref, number + 3, scope=scope, step=step, item=f"{ref}.{number}"),
    )


def owed(ref: str, number: int, **more: object) -> e.EffectOwed:
    usual = {
        "effect": f"{ref}.{number}",
        "kind_of": EffectKind.NOTIFICATION,
        "name": "notify ana, ben",
        "step": "verify",
        "path": str(more.get("step", "verify")),
        "round": 1,
        "key": f"{ref}/{number}",
        "leg": 1,
        "after": "start",
        "payload": {"to": ["ana", "ben"], "subject": "Is it true?"},
    }
    return e.EffectOwed(**{**usual, **more})


def approval(ref: str, number: int) -> tuple[e.Event, ...]:
    return (
        e.StepStarted(path="approve", kind_of="approval", round=1),
        e.ItemOpened(
            path="approve",
            item=f"{ref}.{number}",
            kind_of="approval",
            round=1,
            step="approve",
            offered=("lea", "carl"),
            bundle_digest=DIGEST,
            bundle={"documents": [{"document": "holding", "text": TEXT}]},
            lines=(Line(("legal",), 1), Line(("comms-director",), 1)),
            excluded=("ana",),
            title="Approve the holding statement",
        ),
    )


def vote(ref: str, number: int, person: str, role: str) -> e.DecisionRecorded:
    return e.DecisionRecorded(
        path="approve",
        item=f"{ref}.{number}",
        person=person,
        decision=DecisionKind.APPROVE,
        digest=DIGEST,
        roles=(role,),
        comment="Fine by me.",
    )


@dataclass
class Story:
    """A case that goes on by hand; every `go` is one command in one unit of work."""

    storage: Storage
    ref: str = "CRISIS-2026-0001"
    told: list[tuple[e.Event, datetime, str]] = field(default_factory=list)

    def go(self, *events: e.Event, actor: str = "ana", minutes: float = 0, key: str = "") -> Saved:
        with self.storage.writing() as unit:
            saved = tell(unit, self.ref, events, envelope(actor, minutes), key)
            unit.keep()
        self.told += [(event, at(minutes), actor) for event in events]
        return saved

    def loaded(self, **how: object) -> Case:
        with self.storage.reading() as unit:
            return unit.cases.load(self.ref, **how)

    def folded(self) -> Case:
        case = None
        for event, when, actor in self.told:
            case = evolve(case, event, when, actor)
        assert case is not None
        return case


def tell(
    unit: UnitOfWork,
    ref: str,
    events: tuple[e.Event, ...],
    who: Envelope,
    key: str = "",
    **load: object,
) -> Saved:
    """Load what the events touch, fold them in, save."""
    opens = isinstance(events[0], e.CaseOpened)
    how = load or {"paths": [event.scope for event in events]}
    before = None if opens else unit.cases.load(ref, **how)
    after = before
    for event in events:
        after = evolve(after, event, who.at, who.actor)
    assert after is not None
    return unit.cases.save(before, after, events, who, key)


def whole_story(storage: Storage, ref: str = "CRISIS-2026-0001") -> Story:
    """A case with every kind of row: branches, open and closed items, votes, timers, effects."""
    story = Story(storage, ref)
    story.go(opening(ref), *task(ref, 1), key=f"start {ref}")
    story.go(
        e.ItemCompleted(path="verify", item=f"{ref}.1", by="ben", values={"true": False}),
        e.StepCompleted(path="verify", round=1, outcome="done", by="ben", output={"true": False}),
        e.StepStarted(path="mobilise", kind_of="parallel", round=1),
        e.ScopeOpened(path="mobilise/freeze", kind_of=ScopeKind.BRANCH, local={}),
        *task(ref, 5, "mobilise/freeze", "stop_posts"),
        e.ScopeOpened(path="mobilise/tell", kind_of=ScopeKind.BRANCH, local={}),
        *task(ref, 9, "mobilise/tell", "tell_staff"),
        actor="ben",
        minutes=10,
    )
    story.go(
        e.EffectDone(path="verify", effect=f"{ref}.4", result={"channel": "outbox"}),
        actor="engine",
        minutes=11,
    )
    story.go(
        e.DocumentRevised(
            path="draft", document="holding", revision=1, digest=DIGEST, author="ana", text=TEXT
        ),
        *approval(ref, 13),
        minutes=12,
    )
    story.go(vote(ref, 13, "lea", "legal"), actor="lea", minutes=15)
    story.go(
        vote(ref, 13, "carl", "comms-director"),
        e.ItemCompleted(path="approve", item=f"{ref}.13", outcome="granted"),
        e.StepCompleted(path="approve", round=1, outcome="granted", output=None),
        e.StepStarted(path="publish", kind_of="publish", round=1),
        owed(
            ref,
            14,
            kind_of=EffectKind.PUBLICATION,
            name="publish holding -> newsroom",
            step="publish",
            account="newsroom",
            digest=DIGEST,
            leg=2,
        ),
        actor="carl",
        minutes=20,
    )
    story.go(
        e.EffectDeferred(path="publish", effect=f"{ref}.14", at=at(40), reason="not reachable"),
        e.ItemClosed(
            path="mobilise/tell/tell_staff",
            scope="mobilise/tell",
            item=f"{ref}.9",
            status=ItemStatus.CANCELLED,
            why="told by telephone",
        ),
        e.ClockStarted(clock="gdpr", title="Tell the authority", runs_from=at(0), due_at=at(4320)),
        e.ClockMet(clock="gdpr", met_at=at(25), by="ana"),
        actor="engine",
        minutes=25,
    )
    return story
