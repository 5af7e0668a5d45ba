"""What commands cost: starts and decisions beside bare transactions, claims, many elements."""

from __future__ import annotations

from functools import partial

from smr_engine.services import cases, items
from smr_engine.services.workspace import Workspace, actor
from tests.bench import ground
from tests.bench.ground import HERE, p50, p99, rate, row


def throughput(database: str, many: int, samples: int) -> None:
    """Starts and decisions a second with few and with many open cases, beside the bare rows."""
    with ground.workspace(database) as ws:
        ground.start(ws, 10)
        _rates(database, ws, 10, samples)
        before = _bytes_of(ws)
        ground.start(ws, many)
        size = (_bytes_of(ws) - before) / many
        _rates(database, ws, many, samples)
    row(f"{database}: disk per waiting case", f"{size / 1024:.1f} KiB")


def _rates(database: str, ws: Workspace, waiting: int, samples: int) -> None:
    """Start, draft and approve some cases; compare with the rows that the last one wrote."""
    started = ground.start(ws, samples)
    bare_start = ground.bare(ws, ground.rows_of_last_command(ws), samples)
    ground.draft(ws, samples)
    decided = ground.approve(ws, samples)
    bare_decision = ground.bare(ws, ground.rows_of_last_command(ws), samples)
    for what, ours, theirs in (
        ("starts", started, bare_start),
        ("decisions", decided, bare_decision),
    ):
        row(
            f"{database}: {what}/s, {waiting:,} open cases",
            f"{rate(ours):.0f} ({rate(ours) / rate(theirs):.2f} of a bare transaction's"
            f" {rate(theirs):.0f})",
        )


def _bytes_of(ws: Workspace) -> float:
    if ws.storage.engine.dialect.name == "sqlite":
        return sum(f.stat().st_size for f in ws.state.glob("smr.db*"))
    with ws.storage.engine.connect() as connection:
        query = "SELECT pg_database_size(current_database())"
        return float(connection.exec_driver_sql(query).scalar())


def engine_share(database: str, samples: int) -> None:
    """From the call of `decide` to the publication it owes being claimed."""
    with ground.workspace(database) as ws:
        ground.start(ws, samples)
        ground.draft(ws, samples)
        ground.let_go_of_messages(ws)
        lea, waiting = actor(ws, "lea"), ground.open_items(ws, "approval")
        seconds = [ground.timed(lambda i=i: _decide_and_claim(ws, lea, i)) for i in waiting]
    row(
        f"{database}: decision to effect claimed, p50 / p99",
        f"{p50(seconds):.1f} / {p99(seconds):.1f} ms",
    )


def _decide_and_claim(ws: Workspace, lea, item: str) -> None:
    items.decide(ws, lea, item, "approve")
    if not ground.claimed(ws, 10):
        message = f"nothing was owed after {item}"
        raise RuntimeError(message)


def foreach(database: str) -> None:
    """What a command in one element costs with 10, 100 and 500 elements."""
    costs = []
    for count in (10, 100, 500):
        with ground.workspace(database, HERE / "foreach.yaml") as ws:
            names = [f"creator {n}" for n in range(count)]
            cases.start(ws, actor(ws, "ana"), "foreach", {"names": names})
            tom = actor(ws, "tom")
            firsts = ground.open_items(ws, "task")[:10]
            work = [partial(items.complete, ws, tom, item, {}) for item in firsts]
            costs.append(p50([ground.timed(one) for one in work]))
    shown = ", ".join(f"{cost:.1f} ms" for cost in costs)
    row(
        f"{database}: element-local command, 10, 100, 500 elements",
        f"{shown} ({costs[2] / costs[0]:.1f} x)",
    )
