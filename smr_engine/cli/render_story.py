"""A rehearsal told as a story: who did what, and what went out, in company time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from smr_engine.cli.output import GOOD, LATE, STRONG, Styled, write, write_raw
from smr_engine.services.sentences import tell
from smr_engine.services.staging import Sent
from smr_engine.services.text import harmless, listed, one_line
from smr_engine.services.views import EventRow
from smr_engine.services.views_ahead import Story

MOST_NAMES = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a story; `text` is what was written or published, word for word."""

    at: datetime
    kind: str  # event, message, publication
    case: str
    words: str
    text: str = ""


def lines(story: Story) -> list[Line]:
    """Return all that happened, in order; what went out stands where the case heard of it."""
    messages, posted = deque(_messages(story)), deque(_publications(story))
    found: list[Line] = []
    for each in tell(story.events, story.names):
        caught = {"told": messages, "url": posted}.get(_what_went_out(each.event))
        if caught is None:
            found.append(
                Line(each.event.at, "event", each.event.case or "", each.sentence, each.said)
            )
        elif caught:
            found.append(caught.popleft())
    return sorted([*found, *messages, *posted], key=lambda line: line.at)


def as_data(story: Story) -> dict[str, Any]:
    """Return a story for programs."""
    return {"result": story.result, "timezone": story.timezone, "story": lines(story)}


def story(view: Story) -> None:
    """Write a story, and at its end what did not hold."""
    zone, result = ZoneInfo(view.timezone), view.result
    write(Styled(f"{result.scenario} ({result.playbook}), times in {zone}", STRONG))
    write(*([result.about] if result.about else []), "")
    first = next((line.case for line in lines(view)), "")
    for line in lines(view):
        child = f"{line.case}: " if line.case not in {"", first} else ""
        sign = "" if line.kind == "event" else "-> "
        write_raw(f"{line.at.astimezone(zone):%a %d %b %H:%M}  {sign}{child}{line.words}")
        for text in harmless(line.text).splitlines():
            write_raw(f"{' ' * 18}| {text}")
    write("")
    for failure in result.failures:
        write(Styled(f"{result.file}:{failure.line}: expected {failure.expected}", LATE))
        write(f"but {failure.instead}")
    if result.ok:
        write(Styled("All that was expected held.", GOOD))


def _what_went_out(event: EventRow) -> str:
    """Return `told` or `url` where an event says that something went out: it was caught."""
    result = event.data.get("result")
    if event.kind != "EffectDone" or not isinstance(result, dict):
        return ""
    return next((key for key in ("told", "url") if key in result), "")


def _publications(view: Story) -> Iterator[Line]:
    for posted in view.posted:
        text = view.names.document(posted.case, posted.document)
        words = f"{text} is published on {view.names.account(posted.account)}"
        yield Line(posted.at, "publication", posted.case, words, posted.text)


def _messages(view: Story) -> Iterator[Line]:
    """Yield the messages, one line for all who got the same at one instant."""
    for (at, case, subject), alike in groupby(view.sent, key=_what):
        names = [sent.name or view.names.person(sent.to) for sent in alike]
        more = len(names) - MOST_NAMES
        to = listed([*names[:MOST_NAMES], f"{more} more"] if more > 0 else names)
        yield Line(at, "message", case, f"to {to}: {one_line(subject)}")


def _what(sent: Sent) -> tuple[datetime, str, str]:
    return sent.at, sent.case, sent.subject
