"""Prints the figures of the README, each as soon as it is measured.

Takes about fifteen minutes; with `--quick`, a tenth of the sizes, three to four. Names of sections
measure these alone: `python -m tests.bench timers pool`.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench import cold, deciding, inline, instants, pages, pool
from tests.support.postgres import postgres_session

DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    many: int = 10_000
    waiting: int = 2_000
    samples: int = 200
    asked: int = 400
    changes: int = 20
    legs: int = 60
    pooled: int = 12
    days: int = 365
    idle_s: float = 20.0


QUICK = Sizes(
    many=1_000, waiting=200, samples=40, asked=40, changes=4, legs=20, pooled=2, days=60, idle_s=6.0
)


def commands(sizes: Sizes) -> None:
    """Starts, decisions, claims, and commands in one of many elements."""
    for database in DATABASES:
        deciding.throughput(database, sizes.many, sizes.samples)
        deciding.engine_share(database, sizes.samples)
        deciding.foreach(database)


def timers(sizes: Sizes) -> None:
    """Firing what is due, finding it, and waking who looks."""
    for database in DATABASES:
        instants.due_timers(database, sizes.many)
        instants.finding_what_is_due(database, 1_000, 10 * sizes.many)
        instants.waking_up(database)


def days(sizes: Sizes) -> None:
    """Days on a virtual clock."""
    instants.living(sizes.days)


def processes(sizes: Sizes) -> None:
    """Commands from a cold process."""
    cold.restart(sizes.waiting)
    cold.commands()


def web(sizes: Sizes) -> None:
    """Pages and decisions of a served application, and how fast open pages hear of changes."""
    for database in DATABASES:
        pages.pages(database, 10, sizes.many, sizes.asked)
        pages.told(database, sizes.changes)


def legs(sizes: Sizes) -> None:
    """Legs in the conductor's own process, and a conductor that has nothing to do."""
    with inline.embedded_server() as server:
        for waiting in (10, sizes.waiting):
            inline.approve_to_published(server, waiting)
        inline.drained(server, sizes.waiting, sizes.legs)
        inline.idle(server, sizes.waiting, sizes.idle_s)


def workers(sizes: Sizes) -> None:
    """Legs on one and on two workers of a pool."""
    pool.legs_beside_raw_runs(sizes.pooled)


SECTIONS: dict[str, Callable[[Sizes], None]] = {
    "commands": commands,
    "timers": timers,
    "days": days,
    "cold": processes,
    "web": web,
    "inline": legs,
    "pool": workers,
}


def main() -> None:
    """Measure what is asked for; everything by default."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes")
    parser.add_argument("sections", nargs="*", help=", ".join(SECTIONS))
    asked = parser.parse_args()
    if unknown := set(asked.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    print("| figure | value |\n|---|---|", flush=True)
    with postgres_session(durable=True):
        for name, measure in SECTIONS.items():
            if name in asked.sections or not asked.sections:
                measure(QUICK if asked.quick else Sizes())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n(peak memory of the measuring process {peak:.0f} MiB)")


if __name__ == "__main__":
    main()
