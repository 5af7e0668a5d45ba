"""What the measurements share: workspaces, people who act, percentiles, the bare baseline."""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import Table, create_engine, event, select

from smr_engine.bootstrap import open_workspace
from smr_engine.engine import commands as c
from smr_engine.services import cases, items
from smr_engine.services.legs import LEASE
from smr_engine.services.stored import Claim, ClaimedEffect
from smr_engine.services.transact import Order, apply
from smr_engine.services.workspace import Workspace, actor
from smr_engine.storage.tables import metadata
from tests.support.postgres import drop_database, fresh_database

HERE = Path(__file__).resolve().parent
SAMPLE = HERE.parent.parent / "smr_engine" / "_sample"
PROGRAM = [sys.executable, "-c", "from smr_engine.cli.main import run; run()"]
TEXT = "We have corrected the opening hours on our page. Thank you for telling us."


@contextmanager
def workspace(database: str, playbook: Path = HERE / "approval.yaml") -> Iterator[Workspace]:
    """Open a fresh sample workspace on `sqlite` or `postgresql` with one more playbook."""
    root = Path(mkdtemp(prefix="smr-bench-"))
    shutil.copytree(SAMPLE, root, dirs_exist_ok=True)
    (root / "playbooks").mkdir(exist_ok=True)
    shutil.copy(playbook, root / "playbooks" / f"{playbook.stem}.yaml")
    url = fresh_database() if database == "postgresql" else ""
    if url:
        with (root / "smr.yaml").open("a") as settings:
            settings.write(f"\ndatabase_url: {url}\n")
    try:
        ws = open_workspace(root, {})
        yield ws
        ws.storage.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)
        if url:
            drop_database(url)


def row(what: str, value: str) -> None:
    """Print one line of the table."""
    print(f"| {what} | {value} |", flush=True)


def start(ws: Workspace, count: int) -> list[float]:
    """Open cases; return the seconds that each took."""
    ana = actor(ws, "ana")
    return [timed(lambda: cases.start(ws, ana, "approval", {})) for _ in range(count)]


def draft(ws: Workspace, count: int) -> list[float]:
    """Complete the drafts of open cases; return the seconds that each took."""
    tom = actor(ws, "tom")
    waiting = open_items(ws, "draft")[:count]
    return [timed(lambda i=i: items.revise(ws, tom, i, TEXT, done=True)) for i in waiting]


def approve(ws: Workspace, count: int) -> list[float]:
    """Approve; return the seconds that each took."""
    lea = actor(ws, "lea")
    waiting = open_items(ws, "approval")[:count]
    return [timed(lambda i=i: items.decide(ws, lea, i, "approve")) for i in waiting]


def owe_publications(ws: Workspace, count: int) -> None:
    """Bring so many cases to where each owes its publication, and nothing else is owed."""
    start(ws, count)
    draft(ws, count)
    let_go_of_messages(ws)
    approve(ws, count)


def claimed(ws: Workspace, count: int) -> Sequence[ClaimedEffect]:
    """Claim effects that are owed, as a conductor does."""
    with ws.storage.writing() as unit:
        found = unit.claims.effects("bench", ws.clock.now(), LEASE, count)
        unit.keep()
    return found


def look_through(ws: Workspace) -> None:
    """Let PostgreSQL know how much it holds, as it finds out by itself within a minute."""
    if ws.storage.engine.dialect.name == "postgresql":
        with ws.storage.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")


def open_cases(ws: Workspace) -> int:
    """Return how many cases are open."""
    with ws.storage.reading() as unit:
        return int(unit.queries.counts()["open_cases"])


def open_items(ws: Workspace, kind: str) -> list[str]:
    """Return the ids of open items of a kind, oldest first."""
    with ws.storage.reading() as unit:
        return [row.id for row in unit.queries.items(status="open") if row.kind == kind]


def let_go_of_messages(ws: Workspace) -> None:
    """Settle what is owed now without performing it, so that only what is measured is left."""
    while owed := claimed(ws, 5_000):
        for claim in owed:
            done = c.ReportEffect(claim.id, c.Outcome.DONE, {"told": []})
            held = Claim(claim.id, claim.case, claim.epoch)
            apply(ws, Order(claim.case, done, c.ENGINE, claim.id, claim=held))


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def p50(seconds: list[float]) -> float:
    """Return the median in milliseconds."""
    return statistics.median(seconds) * 1000


def p99(seconds: list[float]) -> float:
    """Return the 99th percentile in milliseconds (the largest of fewer than 100)."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * 0.99))] * 1000


def rate(seconds: list[float]) -> float:
    """Return how many a second."""
    return len(seconds) / sum(seconds)


Rows = dict[Table, list[dict]]


def rows_of_last_command(ws: Workspace) -> Rows:
    """Return the rows that the last command wrote, those it changed included."""
    tables = metadata.tables
    events, contents, items = tables["events"], tables["contents"], tables["items"]
    with ws.storage.engine.connect() as connection:
        last = connection.execute(
            select(events).where(events.c.stream.like("case:%")).order_by(events.c.seq.desc())
        ).first()
        ref = last.stream.removeprefix("case:")
        written = (events.c.stream == last.stream) & (events.c.at == last.at)
        opened = select(items.c.id).where(items.c.case_ref == ref, items.c.opened_at == last.at)
        answered = select(events.c.item).where(written & events.c.item.is_not(None))
        which = {
            tables["cases"]: tables["cases"].c.ref == ref,
            events: written,
            contents: contents.c.event_seq.in_(select(events.c.seq).where(written)),
            items: items.c.id.in_(opened) | items.c.id.in_(answered),
            tables["item_people"]: tables["item_people"].c.item.in_(opened),
            tables["timers"]: tables["timers"].c.item.in_(opened),
            tables["effects"]: (tables["effects"].c.case_ref == ref)
            & (tables["effects"].c.owed_at == last.at),
        }
        found = {t: connection.execute(select(t).where(w)).mappings() for t, w in which.items()}
        rows = {table: [dict(row) for row in mapped] for table, mapped in found.items()}
    return {table: listed for table, listed in rows.items() if listed}


def bare(ws: Workspace, rows: Rows, count: int) -> list[float]:
    """Return the seconds a bare SQLAlchemy transaction takes for such rows, time after time.

    They go into tables of the same form in a database of the same kind, with the same durability,
    one INSERT a table.
    """
    postgres = ws.storage.engine.dialect.name == "postgresql"
    url = fresh_database() if postgres else f"sqlite:///{ws.state / 'bare.db'}"
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    if not postgres:
        event.listen(engine, "connect", _like_ours)
    try:
        metadata.drop_all(engine)
        metadata.create_all(engine)
        return [timed(lambda n=n: _insert(engine, rows, n)) for n in range(1, count + 1)]
    finally:
        engine.dispose()
        if postgres:
            drop_database(url)


def _like_ours(connection, _record) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _insert(engine, rows: Rows, number: int) -> None:
    (case,) = rows[metadata.tables["cases"]]
    with engine.begin() as connection:
        for table, found in rows.items():
            connection.execute(table.insert(), [_again(case["ref"], r, number) for r in found])


def _again(ref: str, row: dict, number: int) -> dict:
    """Return a row as of another case, so that it can be written again and again."""
    changed = {
        name: value.replace(ref, f"{ref}~{number}") if isinstance(value, str) else value
        for name, value in row.items()
    }
    for name in {"seq", "event_seq"} & changed.keys():
        changed[name] += number * 1_000_000
    return changed
