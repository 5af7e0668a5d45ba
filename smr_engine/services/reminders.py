"""Reminders and escalations: what comes together is one message to each, the most overdue first."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from smr_engine.engine import commands as c
from smr_engine.services import effects, legs, notifications
from smr_engine.services.ports import Message
from smr_engine.services.stored import Claim
from smr_engine.services.trying import Job, Try
from smr_engine.services.workspace import Workspace

log = logging.getLogger("smr.reminders")

NEVER = datetime.max.replace(tzinfo=UTC)
RULE = "\n\n" + "-" * 40 + "\n\n"


def perform(ws: Workspace, claims: Iterable[Claim], run: str = "") -> list[str]:
    """Perform reminders and escalations: send each person one message about all, and report each.

    Whatever meets a fault is performed again after a while and keeps nobody else waiting. A person
    is told twice at worst, if a process ends between a message and its report.

    Args:
        ws: the workspace.
        claims: the leases they are performed under.
        run: id of the flow run.

    Returns:
        The effects that did not happen.
    """
    failed: list[str] = []
    for group in _by_person(ws, claims):
        try:
            done = _perform(ws, group, run)
        except Exception:
            log.exception("reminders met a fault; they are tried again later")
            legs.put_off(ws, "effect", group)
            done = False
        failed += [] if done else [claim.id for claim in group]
    return failed


def _by_person(ws: Workspace, claims: Iterable[Claim]) -> list[list[Claim]]:
    """Return reminders grouped by whom they go to; an exercise is never mixed with real work."""
    groups: dict[tuple[str, bool], list[Claim]] = {}
    for claim in claims:
        job = effects.job(ws, claim)
        if job is not None:
            person = job.effect.payload["to"][0]["id"]
            groups.setdefault((person, job.case.header.drill), []).append(claim)
    return list(groups.values())


def _perform(ws: Workspace, claims: Sequence[Claim], run: str) -> bool:
    """Send one message about several reminders, and report each; those settled since say so."""
    # Looked at again: while others were told, somebody may have answered.
    jobs = {claim: job for claim in claims if (job := effects.job(ws, claim)) is not None}
    wanted = {claim: job for claim, job in jobs.items() if notifications.wanted(job)}
    told = _tell(ws, list(wanted.values())) if wanted else Try(c.Outcome.DONE)
    for claim, job in jobs.items():
        others = [other.id for other in wanted if other != claim]
        tried = Try(c.Outcome.DONE, {"told": [], **notifications.settled(job)})
        if claim in wanted:
            tried = Try(told.outcome, {**told.result, "together_with": others}, told.reason)
        effects.report(ws, claim, tried, run=run)
    return told.outcome is c.Outcome.DONE


def _tell(ws: Workspace, jobs: Sequence[Job]) -> Try:
    """Send what several reminders say to the one person they are for."""
    ordered = sorted(jobs, key=lambda job: (_due(job), job.effect.id))
    first = ordered[0]
    person = first.effect.payload["to"][0]
    subject, body = _words(ordered, ws.clock.now())
    cases = {job.case.header.ref for job in ordered}
    message = Message(
        key=key_of((job.effect.key for job in ordered), person["id"]),
        case=cases.pop() if len(cases) == 1 else "",
        recipient=notifications.recipient(first.world, person),
        subject=subject,
        body=body,
        drill=first.case.header.drill,
        link=notifications.page_of(ws, first.effect.item if len(jobs) == 1 else ""),
    )
    timeout_s = max(job.effect.timeout_s for job in ordered)
    return notifications.told_of(ws, message, timeout_s)


def _words(jobs: Sequence[Job], now: datetime) -> tuple[str, str]:
    payloads = [job.effect.payload for job in jobs]
    if len(payloads) == 1:
        return payloads[0]["subject"], payloads[0]["body"]
    late = sum(_due(job) <= now for job in jobs)
    overdue = f", {late} of them overdue" if late else ""
    listed = "\n".join(f"- {payload['subject']}" for payload in payloads)
    return f"{len(payloads)} things wait for you{overdue}", RULE.join(
        [f"These wait for you, the most overdue first:\n\n{listed}", *(p["body"] for p in payloads)]
    )


def _due(job: Job) -> datetime:
    due = job.effect.payload["due"]
    return datetime.fromisoformat(due) if due else NEVER


def key_of(keys: Iterable[str], person: str) -> str:
    """Return the key of the message about reminders with these keys; of one alone its own."""
    first, *others = sorted(keys)
    if not others:
        return f"{first}-{person}"
    digest = hashlib.sha256("|".join([first, *others]).encode()).hexdigest()
    return f"together-{digest[:32]}-{person}"
