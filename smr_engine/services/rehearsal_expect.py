"""Whether what must hold held in a rehearsal, and what happened instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from smr_engine.engine.statuses import CLOSED_CASES, ItemStatus
from smr_engine.playbook.durations import parse_duration
from smr_engine.playbook.index import index_of
from smr_engine.services.preview import instant_at
from smr_engine.services.rehearsal import Played
from smr_engine.services.rehearsal_acts import names
from smr_engine.services.scenario import Expectation
from smr_engine.services.stored import StoredEvent

MOST_TOLD = 6
ENDED = {
    "StepCompleted": "outcome",
    "StepSkipped": "skipped",
    "StepFailed": "outcome",
    "StepCancelled": "cancelled",
}

CLOCKS = {"ClockStarted": "started", "ClockMet": "met", "ClockNotNeeded": "not_needed"}


@dataclass(frozen=True, slots=True)
class Match:
    """Something that happened: when, what in a few words, and whether it is what was expected."""

    at: datetime
    words: str
    fits: bool


@dataclass(frozen=True, slots=True)
class Unmet:
    """An expectation that did not hold: its line, what it says, what happened instead."""

    line: int
    expected: str
    instead: str


def unmet(played: Played) -> list[Unmet]:
    """Return the expectations that did not hold, in the order of the file."""
    look = _Look(played)
    found = ((each, look.why_not(each)) for each in played.script.scenario.expectations)
    return [Unmet(each.said.line, _said(each), why) for each, why in found if why]


@dataclass(frozen=True, slots=True)
class _Look:
    played: Played

    def why_not(self, expected: Expectation) -> str:
        """Return what happened instead; nothing where it holds."""
        if not self.played.case:
            return "the case did not open"
        if expected.subject == "path":
            return self._path(expected.about)
        if expected.subject in {"still", "severity"}:
            return self._at_the_end(expected)
        matches = list(_FOUND[expected.subject](self, expected))
        fitting = [match for match in matches if match.fits]
        return self._count(expected, fitting, matches) or self._when(expected, fitting)

    # --- how often, and when ---

    def _count(self, expected: Expectation, fitting: list[Match], found: list[Match]) -> str:
        times = expected.get("times")
        if times is None and fitting:
            return ""
        if times is not None and len(fitting) == times:
            return ""
        if fitting:
            return f"this happened {len(fitting)} times: {self._listed(fitting)}"
        if expected.subject == "ends":
            return self._how_it_stands(found)
        return self._listed(found) or "nothing of the kind happened"

    def _when(self, expected: Expectation, fitting: list[Match]) -> str:
        script = self.played.script
        within, at = expected.get("within"), expected.get("at")
        if within is not None and fitting:
            latest = script.after(script.start, parse_duration(within))
            late = [match for match in fitting[:1] if match.at > latest]
            if late:
                return f"it came later: {self._listed(late)}"
        if at is not None:
            minute = self._minute(instant_at(at, script.zone))
            if all(self._minute(match.at) != minute for match in fitting):
                return f"it came at another time: {self._listed(fitting)}"
        return ""

    def _minute(self, at: datetime) -> str:
        return f"{at.astimezone(ZoneInfo(self.played.script.zone)):%a %Y-%m-%d %H:%M}"

    def _listed(self, found: Iterable[Match]) -> str:
        told = [f"{match.words} ({self._minute(match.at)})" for match in found]
        more = f" and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
        return ", ".join(told[:MOST_TOLD]) + more

    # --- the end ---

    def _at_the_end(self, expected: Expectation) -> str:
        header = self.played.cases[self.played.case].header
        found = header.status.value if expected.subject == "still" else header.severity
        if found == expected.about:
            return ""
        return self._how_it_stands([]) if expected.subject == "still" else f"it is {found}"

    def _how_it_stands(self, found: list[Match]) -> str:
        if found:
            return self._listed(found)
        case = self.played.cases[self.played.case]
        if case.header.status in CLOSED_CASES:
            return f"the case is {case.header.status}: {case.header.outcome}"
        waits = [
            item.title
            for each in self.played.cases.values()
            for scope in each.scopes.values()
            for item in scope.items.values()
            if item.status is ItemStatus.OPEN
        ]
        return f"the case is {case.header.status} and waits for: {'; '.join(waits) or 'nobody'}"

    def _path(self, wanted: list[str]) -> str:
        began = [(e, self._playbook(e)) for e in self._events("StepStarted")]
        left = iter(began)
        for name in wanted:
            if not any(names(name, playbook, event.path) for event, playbook in left):
                steps = [event.path.rsplit("/", 1)[-1] for event, _ in began]
                return f"{name} did not begin where it should; these began: {', '.join(steps)}"
        return ""

    # --- what happened ---

    def _events(self, *kinds: str) -> Iterator[StoredEvent]:
        return (event for event in self.played.events if event.kind in kinds)

    def _playbook(self, event: StoredEvent) -> str:
        return self.played.cases[event.case].header.playbook

    def _about(self, event: StoredEvent, step: str | None) -> bool:
        return step is None or names(step, self._playbook(event), event.path)

    def ends(self, expected: Expectation) -> Iterator[Match]:
        """Yield how the case ended."""
        for event in self._events("CaseCompleted", "CaseCancelled"):
            if event.case == self.played.case:
                outcome = event.data.get("outcome", "cancelled")
                yield Match(event.at, f"it ended: {outcome}", outcome == expected.about)

    def step(self, expected: Expectation) -> Iterator[Match]:
        """Yield how a step ended."""
        for event in self._events(*ENDED):
            if self._about(event, expected.about):
                outcome = event.data.get(ENDED[event.kind], ENDED[event.kind])
                yield Match(event.at, f"{outcome}", outcome == expected.get("outcome"))

    def published(self, expected: Expectation) -> Iterator[Match]:
        """Yield what was published."""
        on, says = expected.get("on"), expected.get("says", "")
        for posted in self.played.posted:
            fits = posted.document == expected.about and on in {None, posted.account}
            words = f"{posted.document} on {posted.account}"
            yield Match(posted.at, words, fits and says in posted.text)

    def approved(self, expected: Expectation) -> Iterator[Match]:
        """Yield the last approval of a document, and who gave it."""
        last: dict[str, StoredEvent] = {}
        for event in self._events("StepCompleted"):
            if event.data.get("outcome") == "approved":
                last[event.case + event.path] = event
        by = expected.get("by")
        for event in last.values():
            step = event.path.rsplit("/", 1)[-1]
            documents = self._documents(self._playbook(event), step)
            if expected.about in documents:
                people = (event.data.get("output") or {}).get("approved_by", [])
                words = f"approved by {', '.join(people)}"
                yield Match(event.at, words, by is None or set(by) == set(people))

    def _documents(self, playbook: str, step: str) -> tuple[str, ...]:
        return index_of(self.played.script.books[playbook]).of(step).step.documents

    def reminded(self, expected: Expectation) -> Iterator[Match]:
        """Yield who was reminded, of an item or of a clock."""
        yield from self._people(expected, "ItemReminded", "people")
        for event in self._clock_told("remind", expected.get("of")):
            people = event.data["people"]
            words = f"{', '.join(people)} of {event.data['clock']}"
            yield Match(event.at, words, expected.about in people)

    def _clock_told(self, purpose: str, clock: str | None) -> Iterator[StoredEvent]:
        for event in self._events("ClockTold"):
            if event.data["purpose"] == purpose and clock in {None, event.data["clock"]}:
                yield event

    def warned(self, expected: Expectation) -> Iterator[Match]:
        """Yield who was warned."""
        return self._people(expected, "ItemWarned", "people")

    def asked(self, expected: Expectation) -> Iterator[Match]:
        """Yield who was asked: at once, as a deputy, or because others were late."""
        yield from self._people(expected, "ItemOpened", "offered")
        yield from self._people(expected, "ItemEscalated", "people")

    def _people(self, expected: Expectation, kind: str, key: str) -> Iterator[Match]:
        for event in self._events(kind):
            people = event.data.get(key) or ()
            if self._about(event, expected.get("of")):
                step = event.path.rsplit("/", 1)[-1]
                words = f"{', '.join(people)} of {step}"
                yield Match(event.at, words, expected.about in people)

    def escalated(self, expected: Expectation) -> Iterator[Match]:
        """Yield who was told that others are late."""
        to = set(expected.get("to") or ())
        late = (e for e in self._events("ItemEscalated") if self._about(e, expected.about))
        for event in (*late, *self._clock_told("escalate", expected.about)):
            people = event.data.get("people") or ()
            yield Match(event.at, f"to {', '.join(people)}", to <= set(people))

    def expired(self, expected: Expectation) -> Iterator[Match]:
        """Yield what nobody answered in time."""
        for event in self._events("ItemClosed", "StepFailed"):
            late = event.data.get("status") == "expired" or event.data.get("outcome") == "expired"
            if late and self._about(event, expected.about):
                yield Match(event.at, f"{event.path} expired", fits=True)

    def clock(self, expected: Expectation) -> Iterator[Match]:
        """Yield what became of a clock."""
        for event in self._events(*CLOCKS):
            if event.data["clock"] == expected.about:
                became = CLOCKS[event.kind]
                yield Match(event.at, f"it was {became}", became == expected.get("is"))

    def released(self, expected: Expectation) -> Iterator[Match]:
        """Yield who broke the glass."""
        by = expected.get("by")
        for event in self._events("GlassBroken"):
            if self._about(event, expected.about):
                person = event.data["person"]
                yield Match(event.at, f"released by {person}", by in (None, [person]))

    def ratified(self, expected: Expectation) -> Iterator[Match]:
        """Yield what became of what was released."""
        for event in self._events("Ratified", "Unratified"):
            if self._about(event, expected.about):
                why = event.data.get("why")
                yield Match(event.at, f"unratified: {why}" if why else "ratified", not why)

    def told(self, expected: Expectation) -> Iterator[Match]:
        """Yield the messages that went out to somebody."""
        says = expected.get("says", "")
        for sent in self.played.sent:
            if sent.to == expected.about:
                fits = says in sent.subject or says in sent.body
                yield Match(sent.at, f"'{sent.subject}'", fits)


_FOUND: Mapping[str, Callable[[_Look, Expectation], Iterator[Match]]] = {
    name: getattr(_Look, name)
    for name in (
        *("ends", "step", "published", "approved", "reminded", "warned", "asked"),
        *("escalated", "expired", "clock", "released", "ratified", "told"),
    )
}


def _said(expected: Expectation) -> str:
    """Return an expectation as it is written."""
    return ", ".join(f"{key}: {_value(value)}" for key, value in expected.said.values.items())


def _value(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
