"""Which scopes enclose a place: cutting paths like `mobilise/freeze` at their slashes."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import CTE, BindParameter, ColumnElement, String, func, literal, select, union_all

from smr_engine.storage.tables import effects, items, timers


def with_enclosing(paths: Iterable[str]) -> list[str]:
    """Return paths and all that may enclose them, without the root (which is always loaded)."""
    found: dict[str, None] = {}
    for path in paths:
        parts = path.split("/") if path else []
        found.update({"/".join(parts[: n + 1]): None for n in range(len(parts))})
    return list(found)


def chain_of(name: BindParameter[str]) -> CTE:
    """Return a query for the scope of an item, effect or timer and all paths that enclose it."""
    tables = (items, effects, timers)
    places = [select(t.c.scope.label("path")).where(t.c.id == name) for t in tables]
    start = union_all(*places).subquery()
    chain = select(start.c.path).cte("chain", recursive=True)
    outer = select(_outer(chain.c.path)).where(chain.c.path != "")
    return chain.union_all(outer)


def _outer(path: ColumnElement[str]) -> ColumnElement[str]:
    """Cut a path at its last slash: trim all that is no slash from its end, then the slash."""
    no_slash = func.replace(path, literal("/"), literal(""), type_=String)
    return func.rtrim(func.rtrim(path, no_slash), literal("/"), type_=String)
