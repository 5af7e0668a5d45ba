"""Sentences about cases, their steps, and what belongs to no case."""

from __future__ import annotations

from collections.abc import Mapping

from smr_engine.services.names import words
from smr_engine.services.sentence_parts import (
    Memory,
    Sentence,
    actor,
    item_title,
    people,
    silent,
    step_name,
    they_were,
)
from smr_engine.services.text import counted, listed
from smr_engine.services.views import EventRow


def _case_opened(event: EventRow, memory: Memory) -> str:
    data = event.data
    drill = "the EXERCISE " if data.get("drill") else ""
    severity = f", {data['severity']}" if data.get("severity") else ""
    title = f": {data['title']}" if data.get("title") else ""
    playbook = f"{memory.names.playbook(data['ref'], data['playbook'])} {data['version']}"
    return f"{actor(event, memory)} opened {drill}{data['ref']} ({playbook}{severity}){title}"


def _case_held(event: EventRow, memory: Memory) -> str:
    return f"The case is held until {item_title(event, memory)} is answered"


def _case_ending(event: EventRow, _: Memory) -> str:
    return f"The case has ended ({words(event.data['outcome'])}) and waits for what was released"


def _case_completed(event: EventRow, _: Memory) -> str:
    closed = f"The case is closed: {words(event.data['outcome'])}"
    problems = event.data.get("problems")
    if not problems:
        return closed
    return f"{closed} ({counted(len(problems), 'result')} not computed: {'; '.join(problems)})"


def _case_cancelled(event: EventRow, memory: Memory) -> str:
    return f"{actor(event, memory)} cancelled the case"


def _note(event: EventRow, memory: Memory) -> str:
    return f"{actor(event, memory)} noted"


def _signal(event: EventRow, memory: Memory) -> str:
    key = f" for {event.data['key']}" if event.data.get("key") else ""
    return f"{actor(event, memory)} sent the signal {words(event.data['signal'])}{key}"


def _child_opened(event: EventRow, memory: Memory) -> str:
    waits = ", and waits for it" if event.data.get("waits") else ""
    return f"{step_name(event, memory)} opened {event.data['child']}{waits}"


def _child_ended(event: EventRow, _: Memory) -> str:
    return f"{event.data['child']} ended: {words(event.data['outcome'])}"


def _skipped(event: EventRow, memory: Memory) -> str:
    return f"{step_name(event, memory)} was skipped"


_ENDED = {
    "elapsed": "the time has passed",
    "signalled": "the signal has come",
    "until": "no further round is needed",
    "exhausted": "all rounds are used up",
}
"""Outcomes of waits and repeats, which no playbook gives a title."""


def _step_completed(event: EventRow, memory: Memory) -> str:
    """Tell the end of steps that no person ended and no effect has told already."""
    kind = memory.kinds.get((event.case, event.path), "")
    if event.data.get("by") or kind not in {"decision", "wait", "repeat", "set"}:
        return ""
    if kind == "set":
        values = event.data.get("output") or {}
        known = listed(list(map(words, values)))
        return f"{step_name(event, memory)} recorded {known}" if known else ""
    outcome = event.data["outcome"]
    ended = _ENDED.get(outcome) or memory.names.outcome(event.case or "", event.path, outcome)
    return f"{step_name(event, memory)} ended: {ended}"


def _step_failed(event: EventRow, memory: Memory) -> str:
    return f"{step_name(event, memory)} failed"


def _reopened(event: EventRow, memory: Memory) -> str:
    return f"{step_name(event, memory)} begins round {event.data['round']}: {event.data['why']}"


def _option(event: EventRow, memory: Memory) -> str:
    return f"{step_name(event, memory)} took '{words(event.data['option'])}'"


def _round_planned(event: EventRow, memory: Memory) -> str:
    missed = event.data.get("missed")
    return f"{step_name(event, memory)} missed {counted(missed, 'beat')}" if missed else ""


def _timer_set(event: EventRow, memory: Memory) -> str:
    if event.data.get("purpose") != "publish":
        return ""
    at = memory.names.times(event.data["at"])
    return f"{step_name(event, memory)} is approved for {at} and waits until then"


# --- severity ----------------------------------------------------------------------------------


def _severity(event: EventRow, memory: Memory) -> str:
    data = event.data
    return f"{actor(event, memory)} scored the case {data['after']} (was {data['before']})"


def _item_moved(event: EventRow, memory: Memory) -> str:
    return f"{item_title(event, memory)} moved: {_moves(event, memory)}"


def _clock_moved(event: EventRow, memory: Memory) -> str:
    return f"{_clock(event, memory)} moved: {_moves(event, memory)}"


def _timer_moved(event: EventRow, memory: Memory) -> str:
    times, data = memory.names.times, event.data
    return (
        f"{step_name(event, memory)} now waits until {times(data['at'])}"
        f" (was {times(data['before'])})"
    )


def _moves(event: EventRow, memory: Memory) -> str:
    """Return due times, quorum and so on; what follows for reminders is left out."""
    told = [m for m in event.data["moves"] if not m["what"].startswith(("remind", "escalate"))]
    return listed([_move(move, memory) for move in told])


def _move(move: Mapping[str, str], memory: Memory) -> str:
    times = memory.names.times
    before, after = times(move["before"]) or "none", times(move["after"]) or "none"
    return f"{_moved(move['what'], memory)} from {before} to {after}"


def _moved(what: str, memory: Memory) -> str:
    """Return what moved: `line legal or privacy` is whose answers an approval needs."""
    kind, _, line = what.partition(" ")
    if kind != "line":
        return {"assurance": "proof of identity"}.get(what, words(what))
    return f"answers of {memory.names.line(line)}"


# --- clocks ------------------------------------------------------------------------------------


def _clock_started(event: EventRow, memory: Memory) -> str:
    times, data = memory.names.times, event.data
    runs = f"runs from {times(data['runs_from'])}"
    return f"{_clock(event, memory)} {runs}: due {times(data['due_at'])}"


def _clock(event: EventRow, memory: Memory) -> str:
    known = event.data.get("title")
    return f"The clock '{known or memory.names.clock(event.case or '', event.data['clock'])}'"


def _clock_not_needed(event: EventRow, memory: Memory) -> str:
    return f"{_clock(event, memory)} is not needed"


def _clock_told(event: EventRow, memory: Memory) -> str:
    if event.data["purpose"] == "escalate":
        return f"{_clock(event, memory)} was escalated to {people(event.data['people'], memory)}"
    clock = memory.names.clock(event.case or "", event.data["clock"])
    return f"{they_were(event.data['people'], memory)} reminded of the clock '{clock}'"


def _clock_met(event: EventRow, memory: Memory) -> str:
    who = f", says {actor(event, memory)}" if event.data.get("by") == event.actor else ""
    return f"{_clock(event, memory)} is met{who}"


# --- other streams -----------------------------------------------------------------------------


def _directory(event: EventRow, memory: Memory) -> str:
    return f"{actor(event, memory)} imported the directory, version {event.data['version']}"


def _registered(event: EventRow, _: Memory) -> str:
    return f"{event.data['playbook']} {event.data['version']} was registered"


def _schedule_added(event: EventRow, memory: Memory) -> str:
    return f"{actor(event, memory)} added a schedule of {event.data['playbook']}"


def _schedule_changed(event: EventRow, _: Memory) -> str:
    return f"A schedule of {event.data['playbook']} now follows its playbook"


def _schedule_removed(event: EventRow, memory: Memory) -> str:
    return f"{actor(event, memory)} removed a schedule of {event.data['playbook']}"


def _scheduled_start_failed(event: EventRow, memory: Memory) -> str:
    due = memory.names.times(event.data["due"])
    what = f"{event.data['playbook']}, due {due}, could not be opened as scheduled"
    return f"{what}: {event.data.get('reason', event.data['code'])}"


def _schedule_owner_told(event: EventRow, memory: Memory) -> str:
    return f"Told about it: {people(event.data.get('told') or (), memory)}"


def _schedule_settled(event: EventRow, memory: Memory) -> str:
    due = memory.names.times(event.data["due"])
    return f"The schedule's instant {due} was {event.data['decision']}"


OF_CASES: Mapping[str, Sentence] = {
    "CaseOpened": _case_opened,
    "CaseHeld": _case_held,
    "CaseReleased": lambda _, __: "The case goes on",
    "CaseEnding": _case_ending,
    "CaseCompleted": _case_completed,
    "CaseCancelled": _case_cancelled,
    "NoteWritten": _note,
    "SignalAwaited": silent,
    "SignalReceived": _signal,
    "ChildOpened": _child_opened,
    "ChildEnded": _child_ended,
    "SeverityChanged": _severity,
    "ItemRescheduled": _item_moved,
    "ClockRescheduled": _clock_moved,
    "TimerMoved": _timer_moved,
    "ClockStarted": _clock_started,
    "ClockNotNeeded": _clock_not_needed,
    "ClockTold": _clock_told,
    "ClockMet": _clock_met,
    "ScopeOpened": silent,
    "ElementsListed": silent,
    "ScopeStarted": silent,
    "ScopeEnded": silent,
    "StepStarted": silent,
    "StepSkipped": _skipped,
    "StepCompleted": _step_completed,
    "StepFailed": _step_failed,
    "StepCancelled": silent,
    "StepReopened": _reopened,
    "OptionTaken": _option,
    "RoundPlanned": _round_planned,
    "TimerSet": _timer_set,
    "TimerFired": silent,
    "DirectoryImported": _directory,
    "PlaybookRegistered": _registered,
    "ScheduleAdded": _schedule_added,
    "ScheduleChanged": _schedule_changed,
    "ScheduleRemoved": _schedule_removed,
    "ScheduleSettled": _schedule_settled,
    "ScheduledStartFailed": _scheduled_start_failed,
    "ScheduleOwnerTold": _schedule_owner_told,
}
"""Sentences about cases, their steps, and what is no case."""
