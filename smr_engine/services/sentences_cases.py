"""Sentences about cases, their steps, and what belongs to no case."""

from __future__ import annotations

from collections.abc import Mapping

from smr_engine.services.sentence_parts import (
    Memory,
    Sentence,
    actor,
    item_title,
    people,
    silent,
    step_name,
)
from smr_engine.services.text import counted, listed
from smr_engine.services.views import EventRow


def _case_opened(event: EventRow, memory: Memory) -> str:
    data = event.data
    drill = "the EXERCISE " if data.get("drill") else ""
    severity = f", {data['severity']}" if data.get("severity") else ""
    title = f": {data['title']}" if data.get("title") else ""
    playbook = f"{data['playbook']} {data['version']}"
    return f"{actor(event, memory)} opened {drill}{data['ref']} ({playbook}{severity}){title}"


def _case_held(event: EventRow, memory: Memory) -> str:
    return f"The case is held until {item_title(event, memory)} is answered"


def _case_ending(event: EventRow, _: Memory) -> str:
    return f"The case has ended ({event.data['outcome']}) and waits for what was released"


def _case_completed(event: EventRow, _: Memory) -> str:
    closed = f"The case is closed: {event.data['outcome']}"
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
    return f"{actor(event, memory)} sent the signal {event.data['signal']}{key}"


def _child_opened(event: EventRow, _: Memory) -> str:
    waits = ", and waits for it" if event.data.get("waits") else ""
    return f"{step_name(event)} opened {event.data['child']}{waits}"


def _child_ended(event: EventRow, _: Memory) -> str:
    return f"{event.data['child']} ended: {event.data['outcome']}"


def _skipped(event: EventRow, _: Memory) -> str:
    reason = f": {event.data['reason']}" if event.data.get("reason") else ""
    return f"{step_name(event)} was skipped{reason}"


def _step_completed(event: EventRow, memory: Memory) -> str:
    """Tell the end of steps that no person ended and no effect has told already."""
    kind = memory.kinds.get((event.case, event.path), "")
    if event.data.get("by") or kind not in {"decision", "wait", "repeat", "set"}:
        return ""
    if kind == "set":
        values = event.data.get("output") or {}
        return f"{step_name(event)} recorded {listed(list(values))}" if values else ""
    return f"{step_name(event)} ended: {event.data['outcome']}"


def _step_failed(event: EventRow, _: Memory) -> str:
    return f"{step_name(event)} failed"


def _reopened(event: EventRow, _: Memory) -> str:
    return f"{step_name(event)} begins round {event.data['round']}: {event.data['why']}"


def _option(event: EventRow, _: Memory) -> str:
    because = f", because {event.data['because']}" if event.data.get("because") else ""
    return f"{step_name(event)} took '{event.data['option']}'{because}"


def _round_planned(event: EventRow, _: Memory) -> str:
    missed = event.data.get("missed")
    return f"{step_name(event)} missed {counted(missed, 'beat')}" if missed else ""


def _timer_set(event: EventRow, _: Memory) -> str:
    if event.data.get("purpose") != "publish":
        return ""
    return f"{step_name(event)} is approved for {event.data['at']} and waits until then"


# --- severity ----------------------------------------------------------------------------------


def _severity(event: EventRow, memory: Memory) -> str:
    data = event.data
    return f"{actor(event, memory)} scored the case {data['after']} (was {data['before']})"


def _item_moved(event: EventRow, memory: Memory) -> str:
    return f"{item_title(event, memory)} moved: {_moves(event)}"


def _clock_moved(event: EventRow, _: Memory) -> str:
    return f"The clock '{_clock(event)}' moved: {_moves(event)}"


def _timer_moved(event: EventRow, _: Memory) -> str:
    return f"{step_name(event)} now waits until {event.data['at']} (was {event.data['before']})"


def _moves(event: EventRow) -> str:
    """Return due times, quorum and so on; what follows for reminders is left out."""
    told = [m for m in event.data["moves"] if not m["what"].startswith(("remind", "escalate"))]
    return listed([f"{m['what']} {m['before'] or 'none'} to {m['after'] or 'none'}" for m in told])


# --- clocks ------------------------------------------------------------------------------------


def _clock_started(event: EventRow, _: Memory) -> str:
    return f"The clock '{_clock(event)}' runs from {event.data['runs_from']}: {_due(event)}"


def _clock(event: EventRow) -> str:
    return str(event.data.get("title") or event.data["clock"].replace("_", " "))


def _due(event: EventRow) -> str:
    return f"due {event.data['due_at']}"


def _clock_not_needed(event: EventRow, _: Memory) -> str:
    because = f": {event.data['because']}" if event.data.get("because") else ""
    return f"The clock '{_clock(event)}' is not needed{because}"


def _clock_told(event: EventRow, memory: Memory) -> str:
    who = people(event.data["people"], memory) or "Nobody"
    if event.data["purpose"] == "escalate":
        return f"The clock '{_clock(event)}' was escalated to {who}"
    return f"{who} reminded of the clock '{_clock(event)}'"


def _clock_met(event: EventRow, memory: Memory) -> str:
    note = f": {event.data['note']}" if event.data.get("note") else ""
    who = f", says {actor(event, memory)}" if event.data.get("by") == event.actor else ""
    return f"The clock '{_clock(event)}' is met{who}{note}"


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


def _scheduled_start_failed(event: EventRow, _: Memory) -> str:
    what = f"{event.data['playbook']}, due {event.data['due']}, could not be opened as scheduled"
    return f"{what}: {event.data.get('reason', event.data['code'])}"


def _schedule_owner_told(event: EventRow, _: Memory) -> str:
    return f"Told about it: {listed(event.data.get('told', []))}"


def _schedule_settled(event: EventRow, _: Memory) -> str:
    return f"The schedule's instant {event.data['due']} was {event.data['decision']}"


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
