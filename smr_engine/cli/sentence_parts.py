"""What the sentences of a history are made of: who, which item, which effect, which step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smr_engine.cli.text import counted, listed
from smr_engine.services.views import EventRow

Name = Callable[[str], str]
"""Returns how people call somebody, by id."""


@dataclass(slots=True)
class Memory:
    """What earlier events said about items, effects and steps, by case and id."""

    name: Name
    items: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    effects: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    kinds: dict[tuple[str | None, str], str] = field(default_factory=dict)

    def learn(self, event: EventRow) -> None:
        """Remember what later events refer to."""
        if event.kind == "ItemOpened":
            self.items[event.data["item"]] = event.data
        elif event.kind == "EffectOwed":
            self.effects[event.data["effect"]] = event.data
        elif event.kind == "StepStarted":
            self.kinds[event.case, event.path] = event.data["kind_of"]


def actor(event: EventRow, memory: Memory) -> str:
    """Return who did something, and for whom."""
    kind, colon, rest = event.actor.partition(":")
    if event.actor == "engine":
        return "The engine"
    if colon:
        return {"schedule": f"Schedule {rest}", "prefect": f"Prefect ({rest})"}.get(
            kind, f"{kind.capitalize()} {rest}"
        )
    acted_for = f" (for {memory.name(event.on_behalf_of)})" if event.on_behalf_of else ""
    return memory.name(event.actor) + acted_for


def people(ids: Iterable[str], memory: Memory) -> str:
    """Return people by name as a sentence lists them; many are counted."""
    found = [memory.name(each) for each in ids]
    return listed(found) if len(found) <= 4 else counted(len(found), "person", "people")


def item_title(event: EventRow, memory: Memory) -> str:
    """Return the title of the item that an event is about, in quotation marks."""
    known = memory.items.get(event.data["item"], {})
    return f"'{known.get('title') or event.data['item']}'"


def effect_name(event: EventRow, memory: Memory) -> str:
    """Return what the effect that an event is about does, such as publish x -> y."""
    return str(memory.effects.get(event.data["effect"], {}).get("name") or event.data["effect"])


def step_name(event: EventRow) -> str:
    """Return a step by the last part of its path, in words."""
    return f"'{event.path.rsplit('/', 1)[-1].replace('_', ' ')}'"


def silent(_: EventRow, __: Memory) -> str:
    """Return nothing: the event is machinery, and `smr audit log` shows it."""
    return ""


Sentence = Callable[[EventRow, Memory], str]
"""Says what happened; an empty sentence is left out of a history."""
