"""A case's history in sentences: who did what, in the order in which it happened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smr_engine.services.names import Names
from smr_engine.services.sentence_parts import Memory, Sentence, actor
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


def tell(
    events: Iterable[EventRow],
    names: Names,
    *,
    besides: Iterable[EventRow] = (),
    newest_first: bool = False,
) -> Iterator[Told]:
    """Yield what happened, without the steps of the machinery (`smr audit log` shows all).

    Args:
        events: of some cases, in order.
        names: what all is called for whoever reads.
        besides: what they refer to and is not among them; it is not told.
        newest_first: tell them from the end.
    """
    memory = Memory(names)
    for event in besides:
        memory.learn(event)
    gathered = list(memory.gather(list(events)))
    last = None
    for event in reversed(gathered) if newest_first else gathered:
        sentence = one_line(_sentence(event, memory))
        line = event.case, event.path, event.at, sentence, _said(event)
        if sentence and line != last:  # a step's items that move together say the same
            yield Told(event, sentence, _said(event))
            last = line


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


_CAPITAL = re.compile("(?=[A-Z])")
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
    "StepSkipped": "reason",
    "OptionTaken": "because",
    "ClockNotNeeded": "because",
    "ClockMet": "note",
}


def _unknown(event: EventRow, memory: Memory) -> str:
    return f"{actor(event, memory)}: {_CAPITAL.sub(' ', event.kind).strip().lower()}"


SENTENCES: Mapping[str, Sentence] = {**OF_CASES, **OF_ITEMS, **OF_ACCOUNTS}
"""What to say about each kind of event."""
