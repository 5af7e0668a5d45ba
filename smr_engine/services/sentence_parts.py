"""What the sentences of a history are made of: who, which item, which effect, which step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from smr_engine.engine.statuses import MESSAGES, EffectKind
from smr_engine.services.case_boxes import element_name
from smr_engine.services.names import Names, words
from smr_engine.services.text import counted, listed
from smr_engine.services.views import EventRow

MOST_NAMES = 6


@dataclass(slots=True)
class Memory:
    """What events said about items, effects and steps, by case and id, and how all is called."""

    names: Names
    items: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    effects: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    kinds: dict[tuple[str | None, str], str] = field(default_factory=dict)
    elements: dict[tuple[str | None, str], list[str]] = field(default_factory=dict)
    together: dict[str, list[str]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)  # items released before their approval

    def learn(self, event: EventRow) -> None:
        """Remember what later events refer to."""
        if event.kind == "ItemOpened":
            self.items[event.data["item"]] = event.data
        elif event.kind == "EffectOwed":
            self.effects[event.data["effect"]] = event.data
        elif event.kind == "GlassBroken":
            self.broken.add(event.data["item"])
        elif event.kind == "StepStarted":
            self.kinds[event.case, event.path] = event.data["kind_of"]
        elif event.kind == "ElementsListed":
            names = map(element_name, event.data.get("elements") or ())
            self.elements[event.case, event.path] = list(names)

    def gather(self, events: Sequence[EventRow]) -> Iterator[EventRow]:
        """Learn from events and yield them, the items that one step opened in a row as one."""
        for _, alike in groupby(events, _opening):
            first, *more = alike
            for each in (first, *more):
                self.learn(each)
            if more and first.kind == "ItemOpened":
                everybody = [
                    who for each in (first, *more) for who in each.data.get("offered") or ()
                ]
                self.together[first.data["item"]] = everybody
                yield first
            else:
                yield from (first, *more)

    def which(self, event: EventRow) -> str:
        """Return in brackets in which element or round an event happened; empty if in none."""
        block, bracket, rest = event.path.rpartition("[")
        if not bracket:
            return ""
        at = int(rest.partition("]")[0])
        names = self.elements.get((event.case, block), [])
        return f" ({(names[at] if at < len(names) else '') or f'number {at + 1}'})"

    def asked(self, event: EventRow) -> list[str]:
        """Return whom an item, and those opened together with it, were offered to."""
        together = self.together.get(event.data["item"])
        return together or list(event.data.get("offered") or ())


def _opening(event: EventRow) -> object:
    """Return what is the same for items that belong together; other events stand alone."""
    if event.kind != "ItemOpened":
        return id(event)
    return event.case, event.path, event.at, event.data.get("kind_of"), event.data.get("previous")


def actor(event: EventRow, memory: Memory) -> str:
    """Return who did something, and for whom."""
    kind, colon, rest = event.actor.partition(":")
    if event.actor == "engine":
        return "The engine"
    if colon:
        return {"schedule": f"Schedule {rest}", "prefect": f"Prefect ({rest})"}.get(
            kind, f"{kind.capitalize()} {rest}"
        )
    person = memory.names.person
    acted_for = f" (for {person(event.on_behalf_of)})" if event.on_behalf_of else ""
    return person(event.actor) + acted_for


def people(ids: Iterable[str], memory: Memory) -> str:
    """Return people by name as a sentence lists them; many are counted."""
    found = [memory.names.person(each) for each in ids]
    return listed(found) if len(found) <= MOST_NAMES else counted(len(found), "person", "people")


def they_were(ids: Iterable[str], memory: Memory) -> str:
    """Return people as a sentence begins that says what was done to them: nobody was, two were."""
    asked = list(ids)
    return f"{people(asked, memory) or 'Nobody'} {'was' if len(asked) < 2 else 'were'}"


def item_title(event: EventRow, memory: Memory) -> str:
    """Return the title of the item that an event is about, in quotation marks."""
    known = memory.items.get(event.data["item"], {})
    return f"'{known.get('title') or event.data['item']}'"


def texts(event: EventRow, memory: Memory) -> str:
    """Return the versions that an approval is about; its title where they were erased."""
    bundle = memory.items.get(event.data["item"], {}).get("bundle") or {}
    bound = bundle.get("documents") or ()
    found = [version(event, memory, each["document"], each["revision"]) for each in bound]
    return listed(found) or item_title(event, memory)


def version(event: EventRow, memory: Memory, document: str, revision: int) -> str:
    """Return a document with one of its versions, such as `Letter (Signe Dahl), version 2`."""
    return f"{_document(event, memory, document)}, version {revision}"


def _document(event: EventRow, memory: Memory, document: str) -> str:
    return f"{memory.names.document(event.case or '', document)}{memory.which(event)}"


def effect_name(event: EventRow, memory: Memory) -> str:
    """Return what the effect that an event is about does, such as publishing x to y."""
    owed = memory.effects.get(event.data["effect"], {})
    kind = owed.get("kind_of")
    if kind == EffectKind.PUBLICATION.value:
        return f"publishing {publication(event, memory)}"
    if kind in MESSAGES:
        return f"the message '{subject(event, memory)}'"
    if kind == EffectKind.CALL.value:
        return f"the call of {step_name(event, memory)}"
    return words(str(owed.get("name") or event.data["effect"]))


def publication(event: EventRow, memory: Memory) -> str:
    """Return which text the publication that an event is about brings where."""
    owed = memory.effects[event.data["effect"]]
    text = _document(event, memory, owed["document"])
    return f"{text} to {memory.names.account(owed['account'])}"


def subject(event: EventRow, memory: Memory) -> str:
    """Return what a message was about, without the case that the history is of."""
    owed = memory.effects.get(event.data["effect"], {})
    written = str((owed.get("payload") or {}).get("subject") or "")
    about = f"about {step_name(event, memory)}" if event.path else "about the case"
    return written.partition("] ")[2] or written or about


def step_name(event: EventRow, memory: Memory) -> str:
    """Return the step that an event is about by its title, and which of several alike it is."""
    return f"'{memory.names.step(event.case or '', event.path)}'{memory.which(event)}"


def silent(_: EventRow, __: Memory) -> str:
    """Return nothing: the event is machinery, and `smr audit log` shows it."""
    return ""


Sentence = Callable[[EventRow, Memory], str]
"""Says what happened; an empty sentence is left out of a history."""
