"""The storage ports of registers and listings: what lies beside the cases and over them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from smr_engine.engine.statuses import CaseStatus, ItemStatus
from smr_engine.services.stored import (
    CaseRow,
    ClockRow,
    DecidedFilter,
    DecidedRow,
    DirectoryRow,
    EffectRow,
    ItemRow,
    Measures,
    PlaybookRow,
    ScheduleRow,
    ScheduleRun,
    SeverityRow,
    Standing,
    TimerRow,
)


class Playbooks(Protocol):
    """Registered playbook versions, by digest; never removed."""

    def add(self, playbook: PlaybookRow) -> bool:
        """Register; False if the digest is known already (nothing changes)."""
        ...

    def get(self, digest: str) -> PlaybookRow | None:
        """Return one version."""
        ...

    def all(self) -> Sequence[PlaybookRow]:
        """Return every version, by name and time."""
        ...

    def digests(self) -> Sequence[str]:
        """Return the digests of all versions."""
        ...


class Directory(Protocol):
    """Versions of the directory; never removed."""

    def latest(self) -> DirectoryRow | None:
        """Return the newest version."""
        ...

    def version(self) -> tuple[int, str]:
        """Return number and digest of the newest version; (0, "") before the first."""
        ...

    def add(self, row: DirectoryRow) -> None:
        """Store the next version. Raises Conflict if somebody else stored it meanwhile."""
        ...


class Schedules(Protocol):
    """Recurring starts, and what was decided about each due instant."""

    def put(self, schedule: ScheduleRow) -> None:
        """Add a schedule or replace the one with its id."""
        ...

    def all(self, *, removed: bool = False) -> Sequence[ScheduleRow]:
        """Return the schedules by id; the removed ones too if asked."""
        ...

    def record(self, run: ScheduleRun) -> bool:
        """Record what was decided about a due instant; False if it was decided already.

        What settles nothing (`stored.FAILED`, then `stored.TOLD`) gives way to what does.
        """
        ...

    def standing(self, schedule: str) -> Standing:
        """Return how far a schedule is; its failures by due instant."""
        ...


class Queries(Protocol):
    """Listings over the projected columns; no state is decoded."""

    def cases(
        self,
        *,
        status: CaseStatus | None = None,
        playbook: str = "",
        without: Collection[str] = (),
        words: str = "",
        after: str = "",
        limit: int | None = None,
        among: Collection[str] | None = None,
    ) -> Sequence[CaseRow]:
        """Return cases, newest first; `after` is the last reference of the page before.

        With `words`: those with them in their title (whatever their case) or reference.
        With `among`: those with these references.
        Those opened from playbook versions with the digests in `without` are left out.
        """
        ...

    def severities(self, without: Collection[str] = ()) -> Sequence[SeverityRow]:
        """Return how many are not over, by playbook version, exercise or not, and severity."""
        ...

    def live(self, order: Sequence[SeverityRow], offset: int, limit: int) -> Sequence[CaseRow]:
        """Return some of the cases that are not over: in the given order, then the newest first."""
        ...

    def case(self, ref: str) -> CaseRow | None:
        """Return one case's row."""
        ...

    def children(self, ref: str) -> Sequence[str]:
        """Return the references of all cases under a case, at any depth, parents first."""
        ...

    def items(
        self,
        *,
        case: str = "",
        status: ItemStatus | None = None,
        ids: Sequence[str] | None = None,
        among: Sequence[str] | None = None,
    ) -> Sequence[ItemRow]:
        """Return items: what is due first, then the oldest. What is left out does not narrow.

        Those with `ids`, and those of the cases `among` which one looks.
        """
        ...

    def inbox(self, person: str, limit: int | None = None) -> Sequence[ItemRow]:
        """Return the open items a person may act on: what is due first, then the oldest."""
        ...

    def effects(self, *, case: str = "", live: bool = False) -> Sequence[EffectRow]:
        """Return effects, oldest first; `live`: only owed, sending and unknown ones."""
        ...

    def decided(self, which: DecidedFilter, limit: int) -> Sequence[DecidedRow]:
        """Return cases in which people decided on approvals, the latest decision first."""
        ...

    def running_clocks(self, among: Sequence[str] | None = None) -> Sequence[ClockRow]:
        """Return the clocks that run in cases that are not over (or some), what is due first."""
        ...

    def timers(self, *, case: str = "") -> Sequence[TimerRow]:
        """Return pending timers, the earliest first."""
        ...

    def counts(self, without: Collection[str] = ()) -> Mapping[str, int]:
        """Return how much there is: events, cases, open_cases, open_items, timers, effects_owed.

        What belongs to cases of playbook versions with the digests in `without` does not count.
        """
        ...

    def measures(self, now: datetime) -> Measures:
        """Return the figures that are watched, as of an instant."""
        ...


class Proof(Protocol):
    """Raw rows for `smr audit verify`, as they are, whoever wrote them."""

    def events(self) -> Iterator[Mapping[str, Any]]:
        """Yield every event row by stream and version, with `contents`, the list of its rows."""
        ...

    def strays(self) -> Iterator[str]:
        """Yield a name for each row that belongs to no event, no case or no item."""
        ...

    def end_of(self, stream: str) -> Mapping[str, Any] | None:
        """Return what the tables beside the log say of a stream's end (`events`, `head`)."""
        ...

    def rows(self, ref: str) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Return a case's projected rows by table."""
        ...
