"""World: one frozen snapshot of the directory, as decisions see it.

Services build it from the directory and cache it by version; calendars arrive expanded to dates,
so that nothing here asks a library for holidays. What a decision took from it is in its events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

Hours = tuple[tuple[time, time], ...]
"""When a day is open, in local time: spans in order; `time.max` is the midnight at its end."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working hours in local time: by weekday (0 = Monday), less closed days; half days differ."""

    name: str
    timezone: str
    hours: Mapping[int, Hours]
    closed: frozenset[date] = frozenset()
    half_days: Mapping[date, Hours] = field(default_factory=dict)
    holidays: Mapping[date, str] = field(default_factory=dict)  # closed days that have a name

    @property
    def zone(self) -> ZoneInfo:
        """Return the calendar's time zone."""
        return ZoneInfo(self.timezone)

    def hours_on(self, day: date) -> Hours:
        """Return the hours of a local day: none if it is closed, also where it is a half day."""
        usual = self.hours.get(day.weekday(), ())
        if not usual or day in self.closed:
            return ()
        return self.half_days.get(day, usual)


ALWAYS_OPEN = Calendar(
    "always", "UTC", {day: ((time(0), time(23, 59, 59, 999_999)),) for day in range(7)}
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the company (or an agency) who can be asked."""

    id: str
    name: str
    email: str = ""
    roles: tuple[str, ...] = ()
    timezone: str = "UTC"
    notify: tuple[str, ...] = ()  # Apprise addresses; secrets still by ${ENV_NAME}
    quiet: tuple[time, time] | None = None  # local time; may wrap midnight
    away: tuple[tuple[date, date], ...] = ()  # first and last day, local, inclusive
    access: str = "operator"
    calendar: str = ""  # their own, else that of their roles; empty: none, or roles that differ

    def is_away(self, day: date) -> bool:
        """Return whether the person is away on a (local) day."""
        return any(first <= day <= last for first, last in self.away)


@dataclass(frozen=True, slots=True)
class Role:
    """A role; deputies are asked when a holder is away."""

    id: str
    title: str
    deputies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """People by id and by role."""

    id: str
    title: str
    people: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """A place where the company speaks."""

    id: str
    title: str
    platform: str
    connector: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    owner: str = ""
    backup: str = ""


@dataclass(frozen=True, slots=True)
class Outsider:
    """A contact or a vendor: somebody outside who can be told."""

    id: str
    name: str
    email: str = ""
    organisation: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """An entry of the register of policies."""

    id: str
    title: str
    version: str = ""
    owner: str = ""
    effective: date | None = None
    next_review: date | None = None
    document: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who may act in a role: as its holder, or for one who is away."""

    person: str
    on_behalf_of: str = ""


@dataclass(frozen=True)
class World:
    """The directory at one version; `assurance` is the workspace's floor.

    `public_url` is where people find the pages, for links in messages; empty if nowhere.
    """

    version: int = 0
    people: Mapping[str, Person] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    accounts: Mapping[str, Account] = field(default_factory=dict)
    contacts: Mapping[str, Outsider] = field(default_factory=dict)
    vendors: Mapping[str, Outsider] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    assurance: str = "asserted"
    public_url: str = ""

    def calendar(self, name: str | None) -> Calendar:
        """Return a calendar by name; `default`, else always open, when there is none."""
        found = self.calendars.get(name or "default") or self.calendars.get("default")
        return found or ALWAYS_OPEN

    def shared_calendar(self, people: Iterable[str]) -> str:
        """Return the name of the calendar that all these people have; empty if there is none."""
        known = (self.people.get(person) for person in people)
        names = {person.calendar if person else "" for person in known}
        return names.pop() if len(names) == 1 else ""

    def holders(self, role: str) -> tuple[str, ...]:
        """Return the ids of those who hold a role, away or not, sorted."""
        return tuple(sorted(p.id for p in self.people.values() if role in p.roles))

    def members(self, group: str) -> tuple[str, ...]:
        """Return the sorted ids of a group's people, roles resolved."""
        found = self.groups.get(group)
        if found is None:
            return ()
        by_role = {person for role in found.roles for person in self.holders(role)}
        return tuple(sorted(by_role | {p for p in found.people if p in self.people}))

    def acting(self, role: str, day: date) -> tuple[Holder, ...]:
        """Return who acts in a role on a day: holders present, and deputies for those away.

        A role nobody holds is acted in by its deputies. Deputies who are away are left out. Of
        several absent holders each has a deputy before any has a second.
        """
        return self._acting(role, lambda person: self.people[person].is_away(day))

    def acting_at(self, role: str, now: datetime) -> tuple[Holder, ...]:
        """Return who acts in a role at an instant, by each person's own date; see `acting`."""
        return self._acting(role, lambda p: self.people[p].is_away(self.today(p, now)))

    def today(self, person: str, now: datetime) -> date:
        """Return the local date of a person; that of UTC for somebody unknown."""
        known = self.people.get(person)
        return now.astimezone(ZoneInfo(known.timezone if known else "UTC")).date()

    def _acting(self, role: str, away: Callable[[str], bool]) -> tuple[Holder, ...]:
        holders = self.holders(role)
        absent = [p for p in holders if away(p)]
        present = [p for p in holders if p not in absent]
        known = self.roles.get(role)
        if known is None or (holders and not absent):
            return tuple(map(Holder, present))
        free = [d for d in known.deputies if d in self.people and d not in holders and not away(d)]
        stands_for = absent or [""]
        deputies = [Holder(d, stands_for[n % len(stands_for)]) for n, d in enumerate(free)]
        return (*map(Holder, present), *deputies)

    def roles_of(self, person: str) -> tuple[str, ...]:
        """Return the roles a person holds, sorted; none for somebody unknown."""
        known = self.people.get(person)
        return tuple(sorted(known.roles)) if known else ()
