"""What the engine says to people, in one place. Plain words: what is asked, why, until when.

Words are composed for a reader: times are in their own zone, and whoever is asked for somebody who
is away is told so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import wraps
from typing import Concatenate, ParamSpec

from smr_engine.engine import policy
from smr_engine.engine.run import Run
from smr_engine.engine.state import ClockState, Effect, Item
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

Args = ParamSpec("Args")


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom words are composed: their zone, and the names of those whom they stand in for."""

    zone: tzinfo = UTC
    stands_in_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """Subject and body, composed for a reader; `asks` are words that ask to answer an item."""

    compose: Callable[[Reader], tuple[str, str]]
    asks: bool


@dataclass(frozen=True, slots=True)
class Ahead:
    """What happens to an item that nobody answers: its next escalation, and its expiry."""

    escalates_at: datetime | None = None
    to: str = ""
    expiry: str = ""


def _words(
    *, asks: bool
) -> Callable[[Callable[Concatenate[Reader, Args], tuple[str, str]]], Callable[Args, Words]]:
    """Let a function that composes words for a reader return them for any reader."""

    def decorated(
        compose: Callable[Concatenate[Reader, Args], tuple[str, str]],
    ) -> Callable[Args, Words]:
        @wraps(compose)
        def words(*args: Args.args, **named: Args.kwargs) -> Words:
            return Words(lambda reader: compose(reader, *args, **named), asks)

        return words

    return decorated


def subject(run: Run, words: str) -> str:
    """Return a subject line: the case first, so that mail sorts by case."""
    return f"[{run.header.ref}] {words}"


@_words(asks=True)
def asked(reader: Reader, run: Run, item: Item) -> tuple[str, str]:
    """Return subject and body of the message that puts an item in front of people."""
    return _about(reader, run, item, f"{ASKS[item.kind]}: {item.title}", [item.message])


@_words(asks=True)
def reminder(reader: Reader, run: Run, item: Item, ahead: Ahead) -> tuple[str, str]:
    """Return subject and body of a reminder: since when it waits, and what happens next."""
    late = item.due_at is not None and item.due_at <= run.now
    word = "Overdue" if late else "Reminder"
    return _about(reader, run, item, f"{word}: {item.title}", _waiting(reader, item, ahead))


@_words(asks=True)
def warning(reader: Reader, run: Run, item: Item, ahead: Ahead) -> tuple[str, str]:
    """Return subject and body of a warning before an item expires: when, and what it means."""
    when = _time(reader, item.expires_at or run.now)
    return _about(reader, run, item, f"Expires {when}: {item.title}", _waiting(reader, item, ahead))


@_words(asks=False)
def expired(reader: Reader, run: Run, item: Item, then: str) -> tuple[str, str]:
    """Return subject and body for those who did not answer an item in time."""
    words = f"Expired: {item.title}"
    body = [f"It was not answered by {_time(reader, item.expires_at or run.now)}: {then}."]
    return subject(run, words), "\n".join([*body, _case_line(run)])


@_words(asks=True)
def escalation(reader: Reader, run: Run, item: Item, waiting_for: str) -> tuple[str, str]:
    """Return subject and body of an escalation: why they are told, and that they may act."""
    may = "You may act on it as well."
    if item.kind is ItemKind.APPROVAL:
        may = "Please see that it is decided; deputies of those asked may decide themselves."
    why = f"This waits for {waiting_for} since {_time(reader, item.opened_at)}. {may}"
    return _about(reader, run, item, f"Escalated to you: {item.title}", [why])


@_words(asks=False)
def unreachable(reader: Reader, run: Run, item: Item, why: str) -> tuple[str, str]:
    """Return subject and body of an escalation of an approval that nobody is left to grant."""
    return _about(reader, run, item, f"Escalated to you: {item.title}", [f"It is held: {why}."])


def deed(run: Run, effect: Effect) -> str:
    """Return what an effect does, for whoever is told that it did not happen, or did after all."""
    document = run.playbook.documents.get(effect.document)
    account = run.world.accounts.get(effect.account)
    if document is None or account is None:
        return effect.name
    return f"The publication of {document.title} on {account.title}"


def to_ratify(run: Run, released: Item) -> str:
    """Return what those who are to ratify a release are told."""
    broken = released.broken
    if broken is None:
        return ""
    known = run.world.people.get(broken.person)
    name = known.name if known else broken.person
    at = _time(Reader(), broken.at)
    return (
        f"{name} released this at {at} before its approval: {broken.reason}\n"
        "Decide whether that was right. Nothing is retracted by itself."
    )


def unratified(reason: str) -> str:
    """Return what the owner is told of a release that was not ratified."""
    return (
        f"What was released before its approval is unratified: {reason}. Nothing was retracted. "
        "Decide what to do about it (a correction, for instance), then skip this with the reason."
    )


@_words(asks=False)
def superseded(reader: Reader, run: Run, old: Item, new: str) -> tuple[str, str]:
    """Return subject and body for those who had decided on content that has changed since."""
    words = f"The content you decided on has changed: {old.title}"
    body = [
        "Your decision on it no longer counts.",
        *_item(run, "See the new version, and what changed,", new),
    ]
    return subject(run, words), "\n".join([*body, _case_line(run)])


@_words(asks=False)
def withdrawn(reader: Reader, run: Run, titles: list[str], why: str) -> tuple[str, str]:
    """Return subject and body for people whose items were closed without them."""
    lines = [f"- {title}" for title in titles]
    return subject(run, "No longer needed"), "\n".join(
        [f"Closed ({why}):", *lines, _case_line(run)]
    )


@_words(asks=False)
def although_stopped(reader: Reader, run: Run, what: str) -> tuple[str, str]:
    """Return subject and body about a publication under way whose step was cancelled or skipped."""
    lines = [
        f"{what}.",
        "Its step was cancelled or skipped meanwhile: please look.",
        _case_line(run),
    ]
    return subject(run, what), "\n".join(lines)


@_words(asks=False)
def clock(
    reader: Reader, run: Run, name: str, state: ClockState, *, escalated: bool
) -> tuple[str, str]:
    """Return subject and body about a clock that runs."""
    due = state.due_at or run.now
    late = due <= run.now
    word = "Escalated to you" if escalated else "Overdue" if late else "Reminder"
    words = f"{word}: {state.title}"
    counted = _time(reader, state.runs_from or due)
    body = [
        f"It {'was' if late else 'is'} due {_time(reader, due)}, counted from {counted}.",
        *_way(
            run,
            "Once it is done, say so",
            page=f"cases/{run.header.ref}",
            command=f"smr clock {run.header.ref} {name} --met",
        ),
    ]
    return subject(run, words), "\n".join([*body, _case_line(run)])


@_words(asks=False)
def clocks_left(reader: Reader, run: Run, left: list[ClockState]) -> tuple[str, str]:
    """Return subject and body for the owner of a case that closes with clocks that were not met."""
    lines = [f"- {state.title}, due {_time(reader, state.due_at or run.now)}" for state in left]
    words = "Closed, and not met"
    return subject(run, words), "\n".join(
        ["The case is closed. Nobody is reminded of this any more:", *lines, _case_line(run)]
    )


@_words(asks=False)
def rescored(reader: Reader, run: Run, before: str, lines: list[str]) -> tuple[str, str]:
    """Return subject and body for those whose items are due at other times now."""
    words = f"Severity is now {run.severity} (was {before})"
    body = ["What you were asked is due at other times:", *(f"- {line}" for line in lines)]
    return subject(run, words), "\n".join([*body, _case_line(run)])


def moved(reader: Reader, item: Item, before: Item) -> str:
    """Return to when the due time of an item has moved."""
    was = f" (was {_time(reader, before.due_at)})" if before.due_at else ""
    due = f"due {_time(reader, item.due_at)}" if item.due_at else "without a due time"
    return f"{item.title}: {due}{was}, smr item {item.id}"


def _waiting(reader: Reader, item: Item, ahead: Ahead) -> list[str]:
    lines = [item.message, f"Waiting since {_time(reader, item.opened_at)}."]
    if ahead.escalates_at is not None:
        at = _time(reader, ahead.escalates_at)
        lines.append(f"Unless it is answered, {ahead.to} will be told at {at}.")
    if item.expires_at is not None:
        until = _time(reader, item.expires_at)
        lines.append(f"It can be answered until {until}. After that {ahead.expiry}.")
    return lines


def _about(reader: Reader, run: Run, item: Item, words: str, more: list[str]) -> tuple[str, str]:
    lines = [words, ""]
    lines += [text for text in more if text]
    if reader.stands_in_for:
        lines.append(f"You are asked in place of {' and '.join(reader.stands_in_for)} (away).")
    if item.due_at is not None:
        lines.append(f"Due: {_time(reader, item.due_at)}")
    lines += [
        f"Due for {policy.titles_of(run.world, line.roles)}: {_time(reader, line.due_at)}"
        for line in item.lines
        if line.due_at is not None
    ]
    if item.expires_at is not None:
        lines.append(f"Can be answered until: {_time(reader, item.expires_at)}")
    lines += _item(run, "Open it", item.id)
    return subject(run, words), "\n".join([*lines, _case_line(run)])


def _item(run: Run, do: str, item: str) -> list[str]:
    return _way(run, do, page=f"items/{item}", command=f"smr item {item}")


def _way(run: Run, do: str, *, page: str, command: str) -> list[str]:
    """Return where people do something: on a page, if there are any, or in a terminal."""
    if not run.world.public_url:
        return [f"{do} with: {command}"]
    address = f"{run.world.public_url.rstrip('/')}/{page}"
    return [f"{do} here: {address}", f"Or in a terminal: {command}"]


def _case_line(run: Run) -> str:
    header = run.header
    by = policy.name_of(run.world, header.requester)
    if header.parent:  # who reads this may not know of it
        by = "another case"
    return f"\n{run.playbook.title}, case {header.ref}: {header.title} (opened by {by})"


def _time(reader: Reader, at: datetime) -> str:
    return at.astimezone(reader.zone).strftime("%Y-%m-%d %H:%M %Z")
