"""The named forms of text that our schemas and authors' forms assert.

JSON Schema leaves formats as remarks; here they are checked, and with functions of our own: the
library's checkers depend on which other packages happen to be installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime

from jsonschema import FormatChecker

from smr_engine.playbook.durations import YEARS, DurationKind, parse_duration, parse_offset

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})\Z"
)
_EMAIL = re.compile(r"[^\s@<>\"'(),:;\[\]\\]{1,64}@[^\s@<>\"'(),:;\[\]\\]{1,253}\Z")
_DIRECTORY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_CASE = re.compile(r"[A-Z][A-Z0-9]{0,15}-\d{4}-\d{4,9}\Z")
_URL_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0<>\"\\^`{|}]")
_URL = re.compile(
    r"https?://(?:[^/?#@\[\]]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^/?#@:\[\]]+)(?::\d{1,5})?(?:[/?#].*)?\Z",
    re.IGNORECASE,
)
_TEMPLATE_SIGNS = ("{{", "{%", "{#")


def _date(text: str) -> None:
    try:
        found = _DATE.match(text) and date.fromisoformat(text)
    except ValueError:
        found = None
    if not found:
        message = f"`{_short(text)}` is not a date: write 2026-01-15"
        raise ValueError(message)
    _require_year(text)


def _instant(text: str) -> None:
    """Accept RFC 3339 only: a time without its zone means another instant elsewhere."""
    try:
        found = _INSTANT.match(text) and datetime.fromisoformat(text.upper())
    except ValueError:
        found = None
    if not found:
        message = f"`{_short(text)}` is not an instant: write 2026-01-15T16:11:00+01:00 or ...Z"
        raise ValueError(message)
    _require_year(text)


def _require_year(text: str) -> None:
    if int(text[:4]) not in YEARS:
        message = f"`{_short(text)}` is out of reach: years go from {YEARS[0]} to {YEARS[-1]}"
        raise ValueError(message)


def _email(text: str) -> None:
    if not _EMAIL.match(text):
        message = f"`{_short(text)}` is not an email address: write name@example.org"
        raise ValueError(message)


def _uri(text: str) -> None:
    """Accept addresses of the web only: others lead to the machine or run a script."""
    if _URL_UNSAFE.search(text) or not _URL.match(text):
        message = f"`{_short(text)}` is not a web address: write https://example.org/page"
        raise ValueError(message)


def _elapsed(text: str) -> None:
    if parse_duration(text).kind is not DurationKind.ELAPSED:
        message = f"`{_short(text)}` counts business time, and here only elapsed time is possible"
        raise ValueError(message)


def _expression(text: str) -> None:
    """Refuse template signs: the key takes the expression itself."""
    if any(sign in text for sign in _TEMPLATE_SIGNS):
        message = "this key takes a bare expression, without {{ }}"
        raise ValueError(message)


def _directory_id(text: str) -> None:
    if not _DIRECTORY_ID.match(text):
        message = f"`{_short(text)}` is not an id of the directory"
        raise ValueError(message)


def _case(text: str) -> None:
    if not _CASE.match(text):
        message = f"`{_short(text)}` is not a case: write its reference, like CRISIS-2026-0007"
        raise ValueError(message)


def _attachment(text: str) -> None:
    if not text.strip():
        message = "no file is named"
        raise ValueError(message)


def _quiet_hours(text: str) -> None:
    start, _, end = text.partition("-")
    if not (_clock(start) and _clock(end) and start != end):
        message = f"`{_short(text)}` is not a span of the day: write 20:00-07:00"
        raise ValueError(message)


def _open_hours(text: str) -> None:
    start, _, end = text.partition("-")
    if not (_clock(start) and (_clock(end) or end == "24:00")):
        message = f"`{_short(text)}` is not a span of open hours: write 09:00-17:30"
        raise ValueError(message)
    if start >= end:
        message = (
            f"`{text}` does not end after it begins: split what crosses midnight, "
            "22:00-24:00 and 00:00-06:00 of the day after"
        )
        raise ValueError(message)


def _clock(text: str) -> bool:
    return re.fullmatch(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]", text) is not None


def _free(_: str) -> None:
    """Accept any text: the format only says how to ask for it."""


FORMATS: dict[str, Callable[[str], object]] = {
    "date": _date,
    "date-time": _instant,
    "email": _email,
    "uri": _uri,
    "smr-duration": parse_duration,
    "smr-elapsed": _elapsed,
    "smr-retention": lambda text: parse_duration(text, years=True),
    "smr-offset": parse_offset,
    "smr-expression": _expression,
    "smr-person": _directory_id,
    "smr-account": _directory_id,
    "smr-case": _case,
    "smr-attachment": _attachment,
    "smr-long-text": _free,
    "smr-quiet-hours": _quiet_hours,
    "smr-open-hours": _open_hours,
}


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}..."


def _checker() -> FormatChecker:
    checker = FormatChecker(formats=())
    for name, check in FORMATS.items():
        checker.checks(name, raises=ValueError)(_texts_only(check))
    return checker


def _texts_only(check: Callable[[str], object]) -> Callable[[object], bool]:
    def holds(value: object) -> bool:
        if isinstance(value, str):
            check(value)
        return True

    return holds


CHECKER = _checker()
"""Asserts every format of `FORMATS`; other formats are remarks, as JSON Schema has it."""
