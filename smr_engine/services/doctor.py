"""What is wrong with this installation, and how to mend it.

Each examination looks at one thing and gives findings; a finding that is not `ok` has a hint.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from smr_engine.engine.statuses import MESSAGES, CaseStatus, EffectStatus
from smr_engine.engine.world import World
from smr_engine.errors import SmrError
from smr_engine.services import directory, directory_import, doctor_playbooks, schedules
from smr_engine.services.access import Sight
from smr_engine.services.directory_text import directory_digest
from smr_engine.services.stored import CaseRow, EffectRow, EventFilter, StoredEvent
from smr_engine.services.views import Finding
from smr_engine.services.workspace import Workspace

Probe = Callable[[], Finding]
"""Looks at something the services cannot see (Prefect, a mail server); given by the door."""

LATE = timedelta(minutes=1)
"""A conductor that works is never this late."""
RECENT = timedelta(days=7)
AT_MOST = 5
"""How many names a sentence lists."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the database says, read at once; `person` is who reads."""

    person: str | None
    now: datetime
    world: World
    directory_digest: str
    counts: dict[str, int]
    next_instant: datetime | None
    held: list[CaseRow]
    unknown: list[EffectRow]
    failed: list[EffectRow]
    done: list[StoredEvent]


def examine(
    ws: Workspace, prefect: Probe | None = None, *more: Probe, person: str | None = None
) -> list[Finding]:
    """Return everything that was looked at, good and bad.

    Args:
        ws: the workspace.
        prefect: looks whether the Prefect server answers.
        more: further probes of the door.
        person: who reads: cases they may not see are not named; None sees everything.
    """
    found = [_folder(ws), _privacy(ws)]
    try:
        seen = _look(ws, person)
    except SmrError as error:
        return [*found, Finding("database", False, error.message, error.hint or "smr db upgrade")]
    found.append(_database(seen))
    for examination in _EXAMINATIONS:
        found += examination(ws, seen)
    return [*found, *(probe() for probe in (prefect, *more) if probe is not None)]


def _look(ws: Workspace, person: str | None) -> _Seen:
    now = ws.clock.now()
    recent = now - RECENT
    with ws.storage.reading() as unit:
        sight = Sight(ws, unit, person)
        hidden = sight.hidden
        failures = unit.events.select(
            EventFilter(kinds=("EffectFailed",), since=recent, without=hidden)
        )
        names = {event.facts["effect"] for event in failures}
        cases = {event.case for event in failures}
        effects = [effect for case in cases for effect in unit.queries.effects(case=case)]
        live = [e for e in unit.queries.effects(live=True) if e.status is EffectStatus.UNKNOWN]
        done = EventFilter(kinds=("EffectDone",), since=recent, without=hidden)
        return _Seen(
            person=person,
            now=now,
            world=directory.world(ws, unit),
            directory_digest=unit.directory.version()[1],
            counts=dict(unit.queries.counts(hidden)),
            next_instant=unit.due.next_instant(),
            held=list(unit.queries.cases(status=CaseStatus.HELD, without=hidden)),
            unknown=[e for e in live if sight.sees(e.case)],
            failed=[effect for effect in effects if effect.id in names],
            done=list(unit.events.select(done)),
        )


# --- the machine -------------------------------------------------------------------------------


def _folder(ws: Workspace) -> Finding:
    places = [ws.root, ws.state, *(p for p in (ws.root / "outbox",) if p.exists())]
    closed = [str(p.name or p) for p in places if not os.access(p, os.W_OK | os.X_OK)]
    if closed:
        message = f"cannot write to {', '.join(closed)}"
        return Finding("workspace", False, message, "give this user the right to write there")
    return Finding("workspace", True, f"{ws.root.name} can be written to")


def _privacy(ws: Workspace) -> Finding:
    mode = stat.S_IMODE(ws.state.stat().st_mode)
    if mode & 0o077:
        message = f"others on this machine can look into {ws.state.name} (mode {mode:04o})"
        return Finding("privacy", False, message, f"chmod 700 {ws.state.name}")
    return Finding("privacy", True, f"only this user can look into {ws.state.name}")


def _database(seen: _Seen) -> Finding:
    counts = seen.counts
    message = f"answers: {counts['cases']} cases, {counts['open_cases']} of them open"
    return Finding("database", True, f"{message}, {counts['events']} events")


# --- what was set up ---------------------------------------------------------------------------


def _directory(ws: Workspace, seen: _Seen) -> Iterator[Finding]:
    path = ws.root / directory.FILE
    if not seen.world.people:
        hint = f"fill in {directory.FILE}, then: smr directory import"
        yield Finding("directory", False, "nobody is in the directory", hint)
    elif path.is_file():
        yield _currency(ws, seen)
    else:
        yield Finding("directory", True, f"{len(seen.world.people)} people, without a file")


def _currency(ws: Workspace, seen: _Seen) -> Finding:
    problems, data = directory_import.examine(ws, ws.root / directory.FILE)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors or data is None:
        message = f"{directory.FILE} has {len(errors)} errors, so the last good version counts"
        return Finding("directory", False, message, "smr directory check")
    if directory_digest(data) != seen.directory_digest:
        message = f"{directory.FILE} has changes that have not been taken over"
        return Finding("directory", False, message, "smr directory import")
    return Finding("directory", True, f"{len(seen.world.people)} people, as in {directory.FILE}")


def _roles(ws: Workspace, seen: _Seen) -> Iterator[Finding]:
    world = seen.world
    empty = [name for name in sorted(world.roles) if not world.holders(name)]
    if empty:
        message = f"nobody holds {_listed(empty)}"
        yield Finding("roles", False, message, f"give the role to somebody in {directory.FILE}")
    else:
        yield Finding("roles", True, f"each of the {len(world.roles)} roles is held by somebody")


def _playbooks(ws: Workspace, seen: _Seen) -> Iterator[Finding]:
    return doctor_playbooks.examine(ws, seen.world)


def _schedules(ws: Workspace, seen: _Seen) -> Iterator[Finding]:
    rows = schedules.list_(ws, seen.person)
    for row in rows:
        if row.problem:
            first = row.problem.splitlines()[0].rstrip(":")
            message = f"a start of {row.schedule} was due and failed: {first}"
            hint = f"smr validate shows what is wrong in {row.playbook}; mended, it opens by itself"
            yield Finding("schedules", False, message, hint)
    yield Finding(
        "schedules", True, f"looked at: {_listed(row.schedule for row in rows) or 'none'}"
    )


# --- what goes on ------------------------------------------------------------------------------


def _conductor(ws: Workspace, seen: _Seen) -> Iterator[Finding]:
    instants = [i for i in (seen.next_instant, schedules.next_instant(ws)) if i is not None]
    late = [instant for instant in instants if instant < seen.now - LATE]
    if late:
        minutes = int((seen.now - min(late)).total_seconds() // 60)
        who, hint = "no conductor is running", "smr work, or smr up"
        if ws.waker.listeners():
            who, hint = "the conductor that runs does not do it", "see what it writes to its log"
        yield Finding("conductor", False, f"work has been waiting for {minutes} min: {who}", hint)
    else:
        yield Finding("conductor", True, "nothing is due that was not done")


def _held(ws: Workspace, seen: _Seen) -> Iterator[Finding]:
    if seen.held:
        cases = _listed(case.ref for case in seen.held)
        message = f"{len(seen.held)} cases wait for a repair item: {cases}"
        yield Finding("held cases", False, message, "smr inbox --all shows the repair items")
    else:
        yield Finding("held cases", True, "no case is held")


def _unknown(ws: Workspace, seen: _Seen) -> Iterator[Finding]:
    if seen.unknown:
        message = f"nobody knows whether these went out: {_named(seen.unknown)}"
        hint = "look, then answer the repair item: smr repair ITEM --sent URL or --not-sent"
        yield Finding("publications", False, message, hint)
    else:
        yield Finding("publications", True, "the outcome of each is known")


def _failed(ws: Workspace, seen: _Seen) -> Iterator[Finding]:
    messages = [e for e in seen.failed if e.kind in MESSAGES]
    failed = [e for e in messages if e.status is EffectStatus.FAILED]
    if failed:
        message = f"{len(failed)} notifications failed in the last 7 days: {_named(failed)}"
        yield Finding("notifications", False, message, "smr show CASE says why")
    else:
        yield Finding("notifications", True, "none has failed in the last 7 days")


def _without_prefect(ws: Workspace, seen: _Seen) -> Iterator[Finding]:
    """Say what was performed outside flow runs; only what a flow run may perform says so."""
    results = [(event.case, event.content.get("result")) for event in seen.done]
    bare = [case for case, result in results if _has_no_run(result)]
    if bare:
        cases = _listed(dict.fromkeys(bare))
        message = f"{len(bare)} effects of the last 7 days went out without a flow run: {cases}"
        yield Finding("flow runs", False, message, "Prefect did not answer in time; see its logs")
    else:
        yield Finding("flow runs", True, "every effect of the last 7 days had its flow run")


def _has_no_run(result: Any) -> bool:
    return isinstance(result, dict) and "flow_run" in result and result["flow_run"] is None


def _outbox(ws: Workspace, seen: _Seen) -> Iterator[Finding]:
    folder = ws.root / "outbox"
    files = sum(1 for _ in folder.glob("*.eml")) if folder.is_dir() else 0
    if files:
        message = f"{files} messages lie in outbox/ as files: no mail server took them"
        hint = "set mail.host in smr.yaml to have mail sent"
        yield Finding("mail", True, message, hint)
    else:
        yield Finding("mail", True, "no message lies in outbox/")


_EXAMINATIONS: tuple[Callable[[Workspace, _Seen], Iterable[Finding]], ...] = (
    _directory,
    _roles,
    _playbooks,
    _schedules,
    _conductor,
    _held,
    _unknown,
    _failed,
    _without_prefect,
    _outbox,
)


def _named(effects: Iterable[EffectRow]) -> str:
    return _listed(f"{effect.name} ({effect.case})" for effect in effects)


def _listed(names: Iterable[str], at_most: int = AT_MOST) -> str:
    found = list(names)
    more = f" and {len(found) - at_most} more" if len(found) > at_most else ""
    return f"{', '.join(found[:at_most])}{more}"
