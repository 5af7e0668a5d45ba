"""A small company, and short words for the steps of its playbooks, for tests of the pure engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from smr_engine.engine.world import Account, Calendar, Group, Outsider, Person, Role, World
from smr_engine.playbook.durations import parse_duration, parse_offset
from smr_engine.playbook.model import (
    ApprovalStep,
    Assignment,
    Branch,
    CallStep,
    Clock,
    DecisionStep,
    DocumentSpec,
    DraftStep,
    EndStep,
    EndWith,
    Escalation,
    Exclusion,
    ExclusionKind,
    Expression,
    ForeachStep,
    NotifyStep,
    Option,
    ParallelStep,
    Party,
    PartyKind,
    Playbook,
    PlaybookStep,
    PublishStep,
    Question,
    QuorumLine,
    RepeatStep,
    ReturnTo,
    SectionStep,
    SetStep,
    SeverityScale,
    Step,
    SwitchStep,
    TaskStep,
    Template,
    Varied,
    WaitStep,
)
from smr_engine.playbook.model import Outcome as Choice

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)

_PEOPLE: Mapping[str, tuple[str, ...]] = {
    "sam": ("smr-lead",),
    "ben": (),  # deputy of the SMR lead
    "wendy": ("comms-writer",),
    "will": ("comms-writer",),
    "cora": ("comms-director",),
    "carl": ("comms-director",),
    "lea": ("legal",),
    "luis": ("legal",),
    "mo": ("compliance", "privacy"),
    "eve": ("exec-sponsor",),
    "dora": (),  # deputy of the comms directors and of legal
    "dirk": (),  # second deputy of legal
}
_DEPUTIES = {
    "smr-lead": ("ben",),
    "comms-director": ("dora",),
    "legal": ("dora", "dirk"),
}
_OPEN = ((time(9), time(17)),)
_NAMES = {"sam": "Sam Okafor", "lea": "Lea Brandt", "cora": "Cora Lindqvist"}


def company(**away: tuple[date, date]) -> World:
    """Return the company; `away` says who is absent from and until which day."""
    people = {
        name: Person(
            name,
            _NAMES.get(name, name.capitalize()),
            f"{name}@example.test",
            roles,
            away=(away[name],) if name in away else (),
        )
        for name, roles in _PEOPLE.items()
    }
    roles = sorted({role for held in _PEOPLE.values() for role in held})
    return World(
        version=1,
        people=people,
        roles={r: Role(r, r.replace("-", " "), _DEPUTIES.get(r, ())) for r in roles},
        groups={
            "frontline": Group("frontline", "Front line", ("wendy", "will", "lea")),
            "executives": Group("executives", "Executives", (), ("exec-sponsor",)),
            "nobody": Group("nobody", "Nobody"),
        },
        accounts={
            "newsroom": Account("newsroom", "Newsroom", "website", "folder"),
            "company-blog": Account("company-blog", "Company blog", "website", "http"),
            "partner-mail": Account("partner-mail", "Partner mail", "email", "email"),
            "wikipedia-talk": Account(
                "wikipedia-talk", "Talk page", "wikipedia", "manual", owner="comms-writer"
            ),
        },
        contacts={"regulator-desk": Outsider("regulator-desk", "Regulator", "desk@example.test")},
        vendors={"monitoring": Outsider("monitoring", "Monitoring", "watch@example.test")},
        calendars={
            "default": Calendar(
                "default",
                "Europe/Berlin",
                dict.fromkeys(range(5), _OPEN),
                frozenset({date(2026, 12, 24), date(2026, 12, 25)}),
            ),
            "never": Calendar("never", "UTC", {}),
        },
    )


def with_person(world: World, name: str, **changes: Any) -> World:
    """Return the world after a change of one person (`roles`, `away`, ...)."""
    return replace(world, people={**world.people, name: replace(world.people[name], **changes)})


# --- playbooks ---------------------------------------------------------------------------------


def playbook(*steps: Step, name: str = "response", **more: Any) -> Playbook:
    """Return a playbook of these steps; every document they draft is declared."""
    drafted = [s for s in _all(steps) if isinstance(s, DraftStep)]
    bound = [name for s in _all(steps) for name in s.documents]
    names = dict.fromkeys([*(s.document for s in drafted), *bound])
    documents = {
        d: DocumentSpec(d, d, "public", Template(f"The first words of {d}.")) for d in names
    }
    fields: dict[str, Any] = {
        "version": "1.0.0",
        "title": "Response",
        "owner": "smr-lead",
        "digest": f"digest-of-{name}",
        "case_prefix": name.upper(),
        "inputs": {"type": "object"},
        "severity": SeverityScale(("sev1", "sev2"), initial=Template("sev2")),
        **more,
    }
    fields["documents"] = {**documents, **fields.get("documents", {})}
    return Playbook(name=name, steps=steps, **fields)


def _all(steps: Iterable[Step]) -> list[Step]:
    from smr_engine.playbook.model import walk

    return list(walk(tuple(steps)))


def who(*names: str, each: bool = False, barred: tuple[Exclusion, ...] = ()) -> Assignment:
    """Return an assignment: roles, or `group:x`, `person:x`, `deputy_of:x`."""
    return Assignment(parties(*names), each, barred)


def parties(*names: str) -> tuple[Party, ...]:
    """Return parties: roles, or `group:x`, `person:x`, `contact:x` and so on."""
    found = []
    for name in names:
        kind, _, rest = name.rpartition(":")
        found.append(Party(PartyKind(kind or "role"), Template(rest)))
    return tuple(found)


def did(step: str) -> Exclusion:
    """Return the exclusion of whoever completed a step."""
    return Exclusion(ExclusionKind.DID, step)


AUTHOR = Exclusion(ExclusionKind.AUTHOR)
REQUESTER = Exclusion(ExclusionKind.REQUESTER)


def lasting(text: str, **by_severity: str) -> Varied[Any]:
    """Return a duration, which may differ by severity."""
    return Varied(
        parse_duration(text), {label: parse_duration(t) for label, t in by_severity.items()}
    )


def at(*texts: str) -> Varied[Any]:
    """Return reminders."""
    return Varied(tuple(parse_offset(text) for text in texts))


def escalating(**rules: str) -> Varied[Any]:
    """Return escalations: `due="exec-sponsor"`, `late="..."` (150 %)."""
    offsets = {"due": "at due", "late": "150%", "often": "every 1h after due"}
    return Varied(
        tuple(
            Escalation(parse_offset(offsets[when]), parties(*to.split()))
            for when, to in rules.items()
        )
    )


def clock(name: str, runs_from: str, due: str = "72h", **more: Any) -> Clock:
    """Return a clock; it is called as it is named."""
    return Clock(name, name, Template(runs_from), lasting(due), **more)


def when(source: str) -> Expression:
    """Return a bare expression."""
    return Expression(source)


# --- steps -------------------------------------------------------------------------------------


def task(name: str, *assigned: str, **more: Any) -> TaskStep:
    """Return a task, for the writers unless somebody is named."""
    assign = more.pop("assign", who(*(assigned or ("comms-writer",))))
    return TaskStep(id=name, title=Template(name), assign=assign, **more)


def form(**fields: str) -> dict[str, Any]:
    """Return the schema of a form: names with JSON types, all required."""
    properties = {name: {"type": kind} for name, kind in fields.items()}
    return {"type": "object", "properties": properties, "required": list(fields)}


def draft(name: str, document: str = "statement", *assigned: str, **more: Any) -> DraftStep:
    """Return a draft, written by the writers unless somebody is named."""
    return DraftStep(
        id=name,
        title=Template(name),
        document=document,
        assign=who(*(assigned or ("comms-writer",))),
        **more,
    )


def line(*roles: str, need: int | None = 1, **more: Any) -> QuorumLine:
    """Return a line of a quorum; several roles mean any of them."""
    return QuorumLine(roles, need, **more)


def approval(name: str, *lines: QuorumLine | str, **more: Any) -> ApprovalStep:
    """Return an approval of `statement`; a line may be given as its role."""
    whole = tuple(line(each) if isinstance(each, str) else each for each in lines)
    fields: dict[str, Any] = {"documents": ("statement",), **more}
    return ApprovalStep(id=name, title=Template(name), quorum=whole or (line("legal"),), **fields)


def back_to(step: str, rounds: int | None = None) -> ReturnTo:
    """Return the way back of a request for changes."""
    return ReturnTo(step, rounds)


def ending(outcome: str, of: str | None = None) -> EndWith:
    """Return what a rejection ends."""
    return EndWith(outcome, of)


def publish(name: str, *accounts: str, requires: Iterable[str] = (), **more: Any) -> PublishStep:
    """Return a publication of `statement`, in the newsroom unless accounts are named."""
    fields: dict[str, Any] = {"document": "statement", **more}
    return PublishStep(
        id=name,
        title=Template(name),
        requires=tuple(requires),
        accounts=tuple(Template(a) for a in accounts or ("newsroom",)),
        **fields,
    )


def notify(name: str, *to: str, **more: Any) -> NotifyStep:
    """Return a message to the front line unless somebody is named."""
    fields: dict[str, Any] = {"subject": Template("News"), "body": Template("Read this."), **more}
    return NotifyStep(
        id=name, title=Template(name), to=parties(*(to or ("group:frontline",))), **fields
    )


def choice(name: str, *outcomes: str, **more: Any) -> DecisionStep:
    """Return a decision among named outcomes, taken by the SMR lead."""
    fields: dict[str, Any] = {"assign": who("smr-lead"), **more}
    return DecisionStep(
        id=name, title=Template(name), choices=tuple(map(Choice, outcomes)), **fields
    )


def question(name: str, **more: Any) -> DecisionStep:
    """Return a decision by one question with the outcomes yes and no."""
    asked = Question(name, f"{name}?", Choice("yes"), Choice("no"))
    return DecisionStep(
        id=name, title=Template(name), questions=(asked,), assign=who("smr-lead"), **more
    )


def switch(name: str, *options: Option, on: str | None = None, **more: Any) -> SwitchStep:
    """Return a switch."""
    return SwitchStep(id=name, title=Template(name), options=options, on=on, **more)


def option(name: str, *steps: Step, **more: Any) -> Option:
    """Return an option: by `when`, by `outcome`, or neither for the `else`."""
    return Option(name, steps, **more)


def section(name: str, *steps: Step, **more: Any) -> SectionStep:
    """Return a section."""
    return SectionStep(id=name, title=Template(name), steps=steps, **more)


def parallel(name: str, *, join_any: bool = False, **branches: Step | tuple[Step, ...]) -> Step:
    """Return a parallel; each branch is a step or several."""
    opened = tuple(
        Branch(branch, steps if isinstance(steps, tuple) else (steps,))
        for branch, steps in branches.items()
    )
    return ParallelStep(id=name, title=Template(name), branches=opened, join_any=join_any)


def foreach(
    block: str, source: str, *steps: Step, named: str = "one", at_a_time: int = 20
) -> ForeachStep:
    """Return a foreach over an expression; its elements are `named`."""
    return ForeachStep(
        id=block,
        title=Template(block),
        elements=Expression(source),
        name=named,
        steps=steps,
        at_a_time=at_a_time,
    )


def repeat(name: str, *steps: Step, every: str | None = None, **more: Any) -> RepeatStep:
    """Return a repeat."""
    beat = lasting(every) if every else None
    return RepeatStep(id=name, title=Template(name), steps=steps, every=beat, **more)


def wait(name: str, duration: str | None = None, **more: Any) -> WaitStep:
    """Return a wait for a time or, with `signal` or `until`, for something else."""
    return WaitStep(
        id=name, title=Template(name), duration=lasting(duration) if duration else None, **more
    )


def child(name: str, opened: str, **more: Any) -> PlaybookStep:
    """Return a step that opens another playbook's case."""
    return PlaybookStep(id=name, title=Template(name), playbook=opened, **more)


def call(name: str, **more: Any) -> CallStep:
    """Return a call of another system."""
    return CallStep(id=name, title=Template(name), uses="http.request", **more)


def let(name: str, **values: str) -> SetStep:
    """Return a step that names values (each a template)."""
    return SetStep(
        id=name, title=Template(name), values={k: Template(v) for k, v in values.items()}
    )


def end(name: str, outcome: str, of: str | None = None, **more: Any) -> EndStep:
    """Return an end of the case, or of what `of` names."""
    return EndStep(id=name, title=Template(name), outcome=outcome, of=of, **more)
