"""What a JSON Schema cannot say about a directory: names that fit, hours, zones, dates in order."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from zoneinfo import available_timezones

from smr_engine.playbook.suggest import did_you_mean
from smr_engine.services.calendar_text import (
    DEFAULT_TIMEZONE,
    WEEKDAYS,
    HolidaySource,
    is_of_every_year,
    read_days,
    read_hours,
    read_spans,
)
from smr_engine.services.directory_text import Data, read_date

DataPath = tuple[str | int, ...]
LISTS = ("people", "contacts", "vendors", "policies")
IN_ORDER = "write each opening once: ['09:00-12:00', '13:00-17:30']"
NO_YEARS = range(0)


class Fault(NamedTuple):
    """Something wrong at one place of a directory; `path` leads to the value in the data."""

    path: DataPath
    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What a directory may refer to that it does not say itself.

    Args:
        holidays: the countries and subdivisions whose holidays are known.
        schemes: what a `notify` address may begin with (``mailtos``); the settings' allow-list.
    """

    holidays: HolidaySource
    schemes: Collection[str]


def check_directory(data: Data, around: Surroundings) -> list[Fault]:
    """Return all faults of a directory that is valid against its schema, in the file's order.

    The order is that of sections and entries; a caller with line numbers may sort by those.
    """
    return [
        *_doubles(data),
        *_people(data, around),
        *_roles_and_groups(data),
        *_accounts(data),
        *_policies(data),
        *_calendars(data, around),
    ]


def _doubles(data: Data) -> Iterator[Fault]:
    for section in LISTS:
        seen: set[str] = set()
        for at, entry in _entries(data, section):
            if entry["id"] in seen:
                message = f"`{entry['id']}` stands twice among the {section}"
                yield Fault((*at, "id"), "duplicate-id", message, "give each its own id")
            seen.add(entry["id"])


def _people(data: Data, around: Surroundings) -> Iterator[Fault]:
    roles, calendars = data.get("roles") or {}, data.get("calendars") or {}
    for at, person in _entries(data, "people"):
        for n, role in enumerate(person.get("roles", ())):
            yield from _unknown((*at, "roles", n), "role", role, roles)
        for n, address in enumerate(person.get("notify", ())):
            yield from _scheme((*at, "notify", n), address, around.schemes)
        yield from _timezone(at, person)
        yield from _calendar(at, person, calendars)
        yield from _away(at, person)


def _scheme(at: DataPath, address: str, schemes: Collection[str]) -> Iterator[Fault]:
    """Check what stands before `://`; the rest may be a secret and is not repeated."""
    scheme, mark, _ = address.partition("://")
    if not mark:
        message = "this is no notification address"
        yield Fault(at, "bad-address", message, "write one as Apprise has it, mailtos://...")
    elif scheme.lower() not in schemes:
        message = f"addresses that begin with `{scheme[:20]}://` are not allowed here"
        hint = did_you_mean(scheme, schemes) or "add the scheme to notify.schemes in smr.yaml"
        yield Fault(at, "scheme-not-allowed", message, hint)


def _away(at: DataPath, person: Data) -> Iterator[Fault]:
    for n, away in enumerate(person.get("away", ())):
        first, last = read_date(away["from"]), read_date(away["until"])
        if first > last:
            message = f"`{person['id']}` is away from {first} until {last}, which is earlier"
            yield Fault((*at, "away", n), "bad-away", message, "the last day comes after the first")


def _roles_and_groups(data: Data) -> Iterator[Fault]:
    roles, people = data.get("roles") or {}, _ids(data, "people")
    for name, role in roles.items():
        for n, deputy in enumerate(role.get("deputies", ())):
            yield from _unknown(("roles", name, "deputies", n), "person", deputy, people)
        yield from _calendar(("roles", name), role, data.get("calendars") or {})
    for name, group in (data.get("groups") or {}).items():
        for n, member in enumerate(group.get("members", ())):
            at: DataPath = ("groups", name, "members", n)
            if isinstance(member, str):
                yield from _unknown(at, "person", member, people)
            else:
                yield from _unknown((*at, "role"), "role", member["role"], roles)


def _accounts(data: Data) -> Iterator[Fault]:
    accounts: Mapping[str, Data] = data.get("accounts") or {}
    for name, account in accounts.items():
        at: DataPath = ("accounts", name)
        yield from _owner(at, account, data)
        if not account.get("backup"):
            continue
        if account["backup"] == name:
            message = f"`{name}` is its own backup"
            yield Fault((*at, "backup"), "bad-backup", message, "name another account")
        yield from _unknown((*at, "backup"), "account", account["backup"], accounts)


def _policies(data: Data) -> Iterator[Fault]:
    for at, policy in _entries(data, "policies"):
        yield from _owner(at, policy, data)
        effective, review = policy.get("effective"), policy.get("next_review")
        if effective and review and read_date(review) < read_date(effective):
            message = f"the next review of `{policy['id']}` comes before it takes effect"
            yield Fault((*at, "next_review"), "bad-date", message, f"a date after {effective}")
        document = PurePosixPath(policy.get("document", ""))
        if document.is_absolute() or ".." in document.parts:
            message = f"the document of `{policy['id']}` lies outside the workspace"
            yield Fault((*at, "document"), "outside-workspace", message, "write policies/name.md")


def _calendars(data: Data, around: Surroundings) -> Iterator[Fault]:
    for name, calendar in (data.get("calendars") or {}).items():
        at: DataPath = ("calendars", name)
        yield from _timezone(at, calendar)
        yield from _closed((*at, "closed"), calendar)
        faults = [
            *_hours((*at, "hours"), name, calendar.get("hours") or {}),
            *_holidays((*at, "holidays"), calendar.get("holidays"), around.holidays),
        ]
        yield from faults or _half_days((*at, "half_days"), calendar, around.holidays)


def _hours(at: DataPath, name: str, hours: Mapping[str, Any]) -> Iterator[Fault]:
    for days, texts in hours.items():
        try:
            read_hours({days: texts})
        except ValueError as fault:
            yield Fault((*at, days), "bad-hours", str(fault), IN_ORDER)
            return
    try:
        spans = read_hours(hours)
    except ValueError as fault:
        yield Fault(at, "bad-hours", str(fault), IN_ORDER)
        return
    if not any(spans.values()):
        message = f"calendar `{name}` is never open, so that business time would never pass"
        yield Fault(at, "calendar-never-open", message, "write mon-fri: '09:00-17:30'")


def _holidays(at: DataPath, public: Data | None, holidays: HolidaySource) -> Iterator[Fault]:
    if not public:
        return
    country, part = public["country"], public.get("subdivision", "")
    if country not in holidays.countries():
        message = f"no public holidays are known for the country `{country}`"
        hint = "write its ISO 3166 code, such as DE"
        yield Fault((*at, "country"), "unknown-holidays", message, hint)
    elif part and part not in holidays.subdivisions(country):
        message = f"no public holidays are known for `{part}` in {country}"
        known = ", ".join(sorted(holidays.subdivisions(country)))
        hint = f"one of {known}" if known else "leave it out"
        yield Fault((*at, "subdivision"), "unknown-holidays", message, hint)


def _closed(at: DataPath, calendar: Data) -> Iterator[Fault]:
    for n, day in enumerate(calendar.get("closed", ())):
        try:
            read_days(day, NO_YEARS)
        except ValueError as fault:
            yield Fault((*at, n), "bad-day", str(fault))


def _half_days(at: DataPath, calendar: Data, holidays: HolidaySource) -> Iterator[Fault]:
    """Check half days of a calendar whose hours and holidays can be read."""
    for day, texts in (calendar.get("half_days") or {}).items():
        try:
            read_days(day, NO_YEARS)
            read_spans(texts)
        except ValueError as fault:
            yield Fault((*at, day), "bad-half-day", str(fault), "write 12-24: 09:00-12:00")
            continue
        if closed := _why_closed(day, calendar, holidays):
            message = f"the half day `{day}` has no effect: {closed}"
            yield Fault((*at, day), "half-day-closed", message, "take one of the two out")


def _why_closed(day: str, calendar: Data, holidays: HolidaySource) -> str:
    """Return why a day is closed; of a day of every year only what holds in each of them."""
    closed = {str(value) for value in calendar.get("closed", ())}
    if closed & {day, day[-len("12-24") :]}:
        return "it stands under `closed`, too"
    if is_of_every_year(day):
        return ""
    date = read_date(day)
    if not read_hours(calendar["hours"]).get(date.weekday()):
        return f"there are no hours on `{WEEKDAYS[date.weekday()]}`"
    public = calendar.get("holidays")
    years = range(date.year, date.year + 1)
    named = (
        holidays.named(public["country"], public.get("subdivision", ""), years) if public else {}
    )
    return f"it is a public holiday ({named[date]})" if date in named else ""


def _calendar(at: DataPath, entry: Data, calendars: Collection[str]) -> Iterator[Fault]:
    if entry.get("calendar"):
        yield from _unknown((*at, "calendar"), "calendar", entry["calendar"], calendars)


def _timezone(at: DataPath, entry: Data) -> Iterator[Fault]:
    name = entry.get("timezone", DEFAULT_TIMEZONE)
    if name not in _timezones():
        message = f"`{name}` is no time zone"
        hint = did_you_mean(name, _timezones()) or "write one like Europe/Berlin"
        yield Fault((*at, "timezone"), "bad-timezone", message, hint)


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())  # reads a folder: some milliseconds


def _owner(at: DataPath, entry: Data, data: Data) -> Iterator[Fault]:
    if entry.get("owner"):
        yield from _unknown((*at, "owner"), "role", entry["owner"], data.get("roles") or {})


def _unknown(at: DataPath, kind: str, name: str, known: Collection[str]) -> Iterator[Fault]:
    if name not in known:
        few = ", ".join(sorted(known)[:12])
        hint = did_you_mean(name, known) or (f"known: {few}" if few else f"add the {kind}")
        yield Fault(at, f"unknown-{kind}", f"there is no {kind} `{name}`", hint)


def _entries(data: Data, section: str) -> Iterator[tuple[DataPath, Data]]:
    for n, entry in enumerate(data.get(section) or ()):
        yield (section, n), entry


def _ids(data: Data, section: str) -> list[str]:
    return [entry["id"] for _, entry in _entries(data, section)]
