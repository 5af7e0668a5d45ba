"""Checks of times and severities: known labels, offsets with a due time, schedules that fire."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from smr_engine.playbook.check_inspection import Inspection, parts, parts_inside
from smr_engine.playbook.check_people import as_expression, constant_of
from smr_engine.playbook.durations import Anchor, Offset
from smr_engine.playbook.formats import FORMATS
from smr_engine.playbook.model import (
    Acknowledge,
    ApprovalStep,
    DecisionStep,
    DraftStep,
    DueAt,
    NotifyStep,
    PublishStep,
    ScheduleTrigger,
    SetStep,
    Step,
    TaskStep,
    Template,
    Varied,
    WaitStep,
)
from smr_engine.playbook.suggest import did_you_mean

_CRISIS = "crisis"
_FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY")
_NOT_HERE = frozenset({"UNTIL", "DTSTART", "BYEASTER", "BYHOUR", "BYMINUTE", "BYSECOND"})
# The calendar repeats every 400 years, and the search for an instant ends with the year 9999: from
# here a rule that never fires is found out after 16 years, four of them leap years, not after 8000.
_SEARCH_FROM = 9984
_LONGEST_RULE = 300
_RULE = re.compile(r"[A-Z]+=[A-Z0-9,+-]+(?:;[A-Z]+=[A-Z0-9,+-]+)*")


def check_timing(inspection: Inspection) -> None:
    """Report labels, offsets, schedules and time zones that mean nothing."""
    playbook = inspection.playbook
    for whole, line in (
        (playbook.assurance, playbook.line_of("assurance")),
        *((clock, clock.line) for clock in playbook.clocks),
    ):
        for varied in parts(whole, Varied):
            _check_varied(inspection, varied, line)
    for clock in playbook.clocks:
        _check_instant(inspection, clock.runs_from)
    _check_severity(inspection)
    for step in inspection.steps():
        _check_step(inspection, step)
    for trigger in playbook.triggers:
        _check_trigger(inspection, trigger)


def _check_step(inspection: Inspection, step: Step) -> None:
    for varied in parts_inside(step, Varied):
        _check_varied(inspection, varied, step.line)
    instants = [due.at for due in parts_inside(step, DueAt)]
    instants += [step.until] if isinstance(step, WaitStep) and step.until else []
    instants += [step.at] if isinstance(step, PublishStep) and step.at else []
    for instant in instants:
        _check_instant(inspection, instant)
    if isinstance(step, SetStep) and step.severity is not None:
        label = constant_of(step.severity)
        if label is not None and inspection.playbook.severity is not None:
            _check_label(inspection, label, step.severity.line or step.line)
    asked = step.acknowledge if isinstance(step, NotifyStep) else step
    if asked is not None:
        _check_due(inspection, step, asked)


def _check_instant(inspection: Inspection, written: Template) -> None:
    """Report a text that can never be an instant: a name without its braces."""
    text = constant_of(written)
    if text is None:
        return
    for known in ("date-time", "date"):
        try:
            FORMATS[known](text)
        except ValueError:
            continue
        return
    hint = as_expression(text) or "write 2026-01-15T16:11:00+01:00, or a name in {{ }}"
    inspection.error("bad-instant", written.line, f"`{text[:60]}` is no instant", hint)


def _check_varied(inspection: Inspection, varied: Varied[object], line: int) -> None:
    for label in varied.by_severity:
        if inspection.playbook.severity is None:
            message = "`by_severity` needs severity levels, and the playbook has none"
            inspection.error("no-severity", line, message, "declare `severity` at the top")
            return
        _check_label(inspection, label, line)


def _check_label(inspection: Inspection, label: str, line: int) -> None:
    scale = inspection.playbook.severity
    if scale is not None and label not in scale.levels:
        message = f"there is no severity `{label}`"
        hint = did_you_mean(label, scale.levels) or f"there are: {', '.join(scale.levels)}"
        inspection.error("unknown-severity", line, message, hint)


def _check_severity(inspection: Inspection) -> None:
    scale = inspection.playbook.severity
    if scale is None:
        return
    for label in scale.override_quiet:
        _check_label(inspection, label, inspection.playbook.line_of("severity"))
    initial = constant_of(scale.initial) if scale.initial.source else None
    if initial is not None:
        _check_label(inspection, initial, scale.initial.line)


def _check_due(inspection: Inspection, step: Step, asked: Step | Acknowledge) -> None:
    """Report items without a due time where one is wanted or counted from."""
    if asked.due is not None:
        return
    people = isinstance(asked, Acknowledge | TaskStep | DraftStep | ApprovalStep)
    if isinstance(step, DecisionStep):
        people = not step.rows
    if people and _CRISIS in inspection.playbook.labels:
        message = f"`{step.id}` asks people in a crisis and has no `due`"
        inspection.warning("no-due", step.line, message, "say by when, so that they are reminded")
    counted = [
        offset
        for offset in (*parts(asked.remind, Offset), *parts(asked.escalate, Offset))
        if offset.percent is not None or offset.anchor is Anchor.DUE
    ]
    if counted:
        message = f"`{step.id}` reminds or escalates by its due time and has no `due`"
        inspection.warning("offset-without-due", step.line, message, "add `due`")


# --- schedules -----------------------------------------------------------------------------------


def _check_trigger(inspection: Inspection, trigger: ScheduleTrigger) -> None:
    if not is_zone(trigger.timezone):
        message = f"`{trigger.timezone[:60]}` is no time zone"
        hint = "write a name like Europe/Berlin"
        inspection.error("bad-timezone", trigger.line, message, hint)
    if reason := why_no_rule(trigger.rrule, trigger.at):
        message = f"the rule `{trigger.rrule[:80]}` {reason}"
        hint = "write it like FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO (RFC 5545)"
        inspection.error("bad-rrule", trigger.line, message, hint)


def is_zone(name: str) -> bool:
    """Return whether a name is an IANA time zone."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_+/-]{0,40}", name) or name.endswith("/"):
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def why_no_rule(rule: str, at: str) -> str:
    """Return why a recurrence rule cannot be used; empty if it can.

    Args:
        rule: an RFC 5545 RRULE without DTSTART.
        at: the local time of day, ``HH:MM``.
    """
    keys = dict(re.findall(r"([A-Z]+)=([A-Z0-9,+-]+)", rule.upper()))
    if len(rule) > _LONGEST_RULE or not _RULE.fullmatch(rule.upper()) or "FREQ" not in keys:
        return "is no recurrence rule"
    if keys["FREQ"] not in _FREQUENCIES:
        return f"fires too often or is misspelt: FREQ is one of {', '.join(_FREQUENCIES)}"
    if not keys.get("INTERVAL", "1").strip("0"):
        return "may not have an INTERVAL of 0"
    if refused := sorted(_NOT_HERE & keys.keys()):
        return f"may not say {refused[0]}: `at` says the time, and schedules end by command"
    hour, minute = map(int, at.split(":"))
    start = datetime(_SEARCH_FROM, 1, 1, hour, minute)  # noqa: DTZ001 - local time (RFC 5545)
    try:
        first = next(iter(rrulestr(rule, dtstart=start)), None)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as fault:
        return f"is no recurrence rule: {fault}"
    return "" if first is not None else "never fires"
