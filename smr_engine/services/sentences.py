"""A case's history in sentences: who did what, in the order in which it happened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from smr_engine.services.names import Names
from smr_engine.services.reasons import in_words
from smr_engine.services.sentence_parts import Memory, Sentence, actor
from smr_engine.services.sentences_accounts import OF_ACCOUNTS
from smr_engine.services.sentences_cases import OF_CASES
from smr_engine.services.sentences_items import OF_ITEMS
from smr_engine.services.text import one_line
from smr_engine.services.views import EventRow


@dataclass(frozen=True, slots=True)
class Told:
    """One line of a history; `said` is what somebody wrote, word for word, or a reason."""

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
    ordered = reversed(gathered) if newest_first else gathered
    lines = (
        Told(event, one_line(_sentence(event, memory)), _said(event, names)) for event in ordered
    )
    yield from _once(line for line in lines if line.sentence)


def _once(lines: Iterable[Told]) -> Iterator[Told]:
    """Yield lines in a row that are alike within a minute once: one for each of many items."""
    for _, (first, *more) in groupby(lines, _alike):
        times = f" ({len(more) + 1} times)" if more else ""
        yield replace(first, sentence=f"{first.sentence}{times}")


def _alike(line: Told) -> object:
    minute = line.event.at.replace(second=0, microsecond=0)
    return minute, line.event.case, line.event.actor, line.sentence, line.said


def is_message(event: EventRow) -> bool:
    """Return whether it is about a message that went out: a crisis sends dozens a minute."""
    return event.kind == "EffectDone" and "told" in (event.data.get("result") or {})


def _sentence(event: EventRow, memory: Memory) -> str:
    written = SENTENCES.get(event.kind, _unknown)
    try:
        return written(event, memory)
    except (KeyError, TypeError, AttributeError, IndexError):  # erased, or from a later version
        return _unknown(event, memory)


def _said(event: EventRow, names: Names) -> str:
    """Return the words that belong to an event, if they are not part of its sentence."""
    data: Mapping[str, Any] = event.data
    said = str(data.get(_WORDS.get(event.kind, ""), "") or "")
    return in_words(said, event.case or "", names) if event.kind in _RULES else said


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
_RULES = frozenset({"StepSkipped", "OptionTaken", "ClockNotNeeded"})
"""Of these it may be a rule of the playbook."""


def _unknown(event: EventRow, memory: Memory) -> str:
    return f"{actor(event, memory)}: {_CAPITAL.sub(' ', event.kind).strip().lower()}"


SENTENCES: Mapping[str, Sentence] = {**OF_CASES, **OF_ITEMS, **OF_ACCOUNTS}
"""What to say about each kind of event."""
