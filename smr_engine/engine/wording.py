"""What the engine says to people, in one place. Plain words: what is asked, why, until when."""

from __future__ import annotations

from datetime import datetime

from smr_engine.engine.run import Run
from smr_engine.engine.state import ClockState, Item
from smr_engine.engine.statuses import ItemKind

ASKS = {
    ItemKind.TASK: "Please do",
    ItemKind.DRAFT: "Please write",
    ItemKind.DECISION: "Please decide",
    ItemKind.APPROVAL: "Please approve",
    ItemKind.PUBLISH: "Please post",
    ItemKind.ACKNOWLEDGEMENT: "Please acknowledge",
    ItemKind.REPAIR: "Please settle",
}


def subject(run: Run, words: str) -> str:
    """Return a subject line: the case first, so that mail sorts by case."""
    return f"[{run.header.ref}] {words}"


def asked(run: Run, item: Item) -> tuple[str, str]:
    """Return subject and body of the message that puts an item in front of people."""
    return _about(run, item, f"{ASKS[item.kind]}: {item.title}", [item.message])


def reminder(run: Run, item: Item) -> tuple[str, str]:
    """Return subject and body of a reminder."""
    late = item.due_at is not None and item.due_at <= run.now
    word = "Overdue" if late else "Reminder"
    return _about(run, item, f"{word}: {item.title}", [f"Waiting since {_time(item.opened_at)}."])


def warning(run: Run, item: Item, then: str) -> tuple[str, str]:
    """Return subject and body of a warning before an item expires: when, and what it means."""
    when = _time(item.expires_at or run.now)
    body = [f"It can be answered until {when}. After that {then}."]
    return _about(run, item, f"Expires {when}: {item.title}", body)


def expired(run: Run, item: Item, then: str) -> tuple[str, str]:
    """Return subject and body for those who did not answer an item in time."""
    words = f"Expired: {item.title}"
    body = [f"It was not answered by {_time(item.expires_at or run.now)}: {then}."]
    return subject(run, words), "\n".join([*body, _case_line(run)])


def escalation(run: Run, item: Item, waiting_for: str) -> tuple[str, str]:
    """Return subject and body of an escalation: why they are told, and that they may act."""
    may = "You may act on it as well."
    if item.kind is ItemKind.APPROVAL:
        may = "Please see that it is decided; deputies of those asked may decide themselves."
    why = f"This waits for {waiting_for} since {_time(item.opened_at)}. {may}"
    return _about(run, item, f"Escalated to you: {item.title}", [why])


def unreachable(run: Run, item: Item, why: str) -> tuple[str, str]:
    """Return subject and body of an escalation of an approval that nobody is left to grant."""
    return _about(run, item, f"Escalated to you: {item.title}", [f"It is held: {why}."])


def to_ratify(run: Run, released: Item) -> str:
    """Return what those who are to ratify a release are told."""
    broken = released.broken
    if broken is None:
        return ""
    known = run.world.people.get(broken.person)
    name = known.name if known else broken.person
    return (
        f"{name} released this at {_time(broken.at)} before its approval: {broken.reason}\n"
        "Decide whether that was right. Nothing is retracted by itself."
    )


def unratified(reason: str) -> str:
    """Return what the owner is told of a release that was not ratified."""
    return (
        f"What was released before its approval is unratified: {reason}. Nothing was retracted. "
        "Decide what to do about it (a correction, for instance), then answer this with --skip."
    )


def superseded(run: Run, old: Item, new: str) -> tuple[str, str]:
    """Return subject and body for those who had decided on content that has changed since."""
    words = f"The content you decided on has changed: {old.title}"
    body = [
        f"{old.id} no longer counts. Item {new} shows the new revision and the difference.",
        f"Read it with: smr item {new}",
    ]
    return subject(run, words), "\n".join([*body, _case_line(run)])


def withdrawn(run: Run, titles: list[str], why: str) -> tuple[str, str]:
    """Return subject and body for people whose items were closed without them."""
    lines = [f"- {title}" for title in titles]
    return subject(run, "No longer needed"), "\n".join(
        [f"Closed ({why}):", *lines, _case_line(run)]
    )


def although_stopped(run: Run, what: str) -> tuple[str, str]:
    """Return subject and body about a publication under way whose step was cancelled or skipped."""
    lines = [
        f"{what}.",
        "Its step was cancelled or skipped meanwhile: please look.",
        _case_line(run),
    ]
    return subject(run, what), "\n".join(lines)


def clock(run: Run, name: str, state: ClockState, *, escalated: bool) -> tuple[str, str]:
    """Return subject and body about a clock that runs."""
    due = state.due_at or run.now
    late = due <= run.now
    word = "Escalated to you" if escalated else "Overdue" if late else "Reminder"
    words = f"{word}: {state.title}"
    counted = _time(state.runs_from or due)
    body = [
        f"It {'was' if late else 'is'} due {_time(due)}, counted from {counted}.",
        f"Once it is done: smr clock {run.header.ref} {name} --met",
    ]
    return subject(run, words), "\n".join([*body, _case_line(run)])


def clocks_left(run: Run, left: list[ClockState]) -> tuple[str, str]:
    """Return subject and body for the owner of a case that closes with clocks that were not met."""
    lines = [f"- {state.title}, due {_time(state.due_at or run.now)}" for state in left]
    words = "Closed, and not met"
    return subject(run, words), "\n".join(
        ["The case is closed. Nobody is reminded of this any more:", *lines, _case_line(run)]
    )


def rescored(run: Run, before: str, lines: list[str]) -> tuple[str, str]:
    """Return subject and body for those whose items are due at other times now."""
    words = f"Severity is now {run.severity} (was {before})"
    body = ["What you were asked is due at other times:", *(f"- {line}" for line in lines)]
    return subject(run, words), "\n".join([*body, _case_line(run)])


def moved(item: Item, before: Item) -> str:
    """Return to when the due time of an item has moved."""
    was = f" (was {_time(before.due_at)})" if before.due_at else ""
    due = f"due {_time(item.due_at)}" if item.due_at else "without a due time"
    return f"{item.title}: {due}{was}, smr item {item.id}"


def _about(run: Run, item: Item, words: str, more: list[str]) -> tuple[str, str]:
    lines = [words, ""]
    lines += [text for text in more if text]
    if item.due_at is not None:
        lines.append(f"Due: {_time(item.due_at)}")
    lines += [
        f"Due for {' or '.join(line.roles)}: {_time(line.due_at)}"
        for line in item.lines
        if line.due_at is not None
    ]
    if item.expires_at is not None:
        lines.append(f"Can be answered until: {_time(item.expires_at)}")
    lines += [f"Open it with: smr item {item.id}", _case_line(run)]
    return subject(run, words), "\n".join(lines)


def _case_line(run: Run) -> str:
    return f"\n{run.playbook.title}, case {run.header.ref}: {run.header.title}"


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")
