"""A case's history in sentences: who did what, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smr_engine.services.sentence_parts import Memory, Name, Sentence, actor
from smr_engine.services.sentences_accounts import OF_ACCOUNTS
from smr_engine.services.sentences_cases import OF_CASES
from smr_engine.services.sentences_items import OF_ITEMS
from smr_engine.services.text import one_line
from smr_engine.services.views import EventRow


@dataclass(frozen=True, slots=True)
class Told:
    """One line of a history; `said` is what somebody wrote or a reason, word for word."""

    event: EventRow
    sentence: str
    said: str = ""


def tell(events: Iterable[EventRow], name: Name) -> Iterator[Told]:
    """Yield what happened, without the steps of the machinery (`smr audit log` shows all).

    Args:
        events: of a case and its children, in order.
        name: how people are called.
    """
    memory = Memory(name)
    for event in memory.gather(list(events)):
        memory.learn(event)
        sentence = _sentence(event, memory)
        if sentence:
            yield Told(event, one_line(sentence), _said(event))


def is_message(event: EventRow) -> bool:
    """Return whether it is about a message that went out: a crisis sends dozens a minute."""
    return event.kind == "EffectDone" and "told" in (event.data.get("result") or {})


def _sentence(event: EventRow, memory: Memory) -> str:
    written = SENTENCES.get(event.kind, _unknown)
    try:
        return written(event, memory)
    except (KeyError, TypeError, AttributeError, IndexError):  # erased, or from a later version
        return _unknown(event, memory)


def _said(event: EventRow) -> str:
    """Return the words that belong to an event, if they are not part of its sentence."""
    data: Mapping[str, Any] = event.data
    return str(data.get(_WORDS.get(event.kind, ""), "") or "")


_WORDS = {
    "DecisionRecorded": "comment",
    "NoteWritten": "text",
    "CaseCancelled": "reason",
    "GlassBroken": "reason",
    "SeverityChanged": "reason",
    "DocumentRevised": "override",
    "StepFailed": "reason",
    "EffectFailed": "reason",
    "EffectUnknown": "reason",
}


def _unknown(event: EventRow, memory: Memory) -> str:
    return f"{actor(event, memory)}: {event.kind}"


SENTENCES: Mapping[str, Sentence] = {**OF_CASES, **OF_ITEMS, **OF_ACCOUNTS}
"""What to say about each kind of event."""
