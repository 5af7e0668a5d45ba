"""What a JSON Schema cannot say about a file: names used twice, questions that lead nowhere.

Works on nodes, not on the model, and tolerates whatever the schema has already refused, so that
its problems come together with the schema's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from smr_engine.playbook.problems import Problems
from smr_engine.playbook.suggest import did_you_mean
from smr_engine.playbook.yaml_nodes import Node

_ITEM_KEYS = ("assign", "due", "remind", "escalate", "expires", "evidence", "retry", "documents")
_WITHOUT_ITEM = {"section", "switch", "parallel", "foreach", "repeat", "set", "end"}


def check_structure(root: Node, problems: Problems) -> None:
    """Add everything that is wrong with how the parts of a playbook fit together."""
    steps = list(_steps_below(root.value))
    _refuse_doubles([_get(step, "id") for step in steps], "step", problems)
    for step in steps:
        for check in _CHECKS:
            check(step, root, problems)
    for fields in _fields_below(root):
        _check_bounds(fields, problems)


def _refuse_doubles(names: list[Node | None], what: str, problems: Problems) -> None:
    first: dict[str, Node] = {}
    for node in names:
        if node is None or not isinstance(node.value, str):
            continue
        earlier = first.setdefault(node.value, node)
        if earlier is not node:
            message = f"the {what} `{node.value}` is there already, on line {earlier.line}"
            problems.error("duplicate-id", message, node.place, "give one of them another name")


def _check_branch_ids(step: Node, _: Node, problems: Problems) -> None:
    branches = [_get(branch, "id") for branch in _entries(_get(step, "branches"))]
    _refuse_doubles(branches, "branch", problems)


def _check_choice(step: Node, _: Node, problems: Problems) -> None:
    chosen = _entries(_get(step, "choice"))
    labels = [entry if isinstance(entry.value, str) else _get(entry, "outcome") for entry in chosen]
    _refuse_doubles(labels, "outcome", problems)


# --- trees of questions ------------------------------------------------------------------------


def _check_tree(step: Node, _: Node, problems: Problems) -> None:
    questions = _entries(_get(step, "tree"))
    names = [_get(question, "id") for question in questions]
    _refuse_doubles(names, "question", problems)
    known = {_text(name): question for name, question in zip(names, questions, strict=True)}
    for question in questions:
        for way in _ways(question):
            if way.value not in known:
                message = f"no question of this tree is called `{way.value}`"
                hint = did_you_mean(way.value, known) or "an outcome is written {outcome: name}"
                problems.error("unknown-question", message, way.place, hint)
    if questions:
        _walk_tree(questions[0], known, problems)


def _walk_tree(root: Node, known: dict[str, Node], problems: Problems) -> None:
    """Report circles, and questions that no path reaches (depth first, with our own stack)."""
    done: set[str] = set()
    trail: set[str] = set()
    stack: list[tuple[str, bool]] = [(_text(_get(root, "id")), False)]
    while stack:
        name, leaving = stack.pop()
        if leaving:
            trail.discard(name)
            done.add(name)
            continue
        if name in done or name not in known:
            continue
        trail.add(name)
        stack.append((name, True))
        for way in _ways(known[name]):
            if way.value in trail:
                message = f"`{way.value}` is asked again: the tree goes in a circle"
                problems.error("circular-tree", message, way.place, "lead it to an outcome")
            else:
                stack.append((way.value, False))
    for name in known.keys() - done:
        message = f"no answer leads to the question `{name}`"
        problems.warning("unreached-question", message, known[name].place)


def _ways(question: Node) -> list[Node]:
    ways = (_get(question, "if_yes"), _get(question, "if_no"))
    return [way for way in ways if way is not None and isinstance(way.value, str)]


# --- tables, checklists, keys without effect ---------------------------------------------------


def _check_table(step: Node, root: Node, problems: Problems) -> None:
    table = _get(step, "table")
    if table is None or _text(_get(table, "pick")) != "worst":
        return
    order = _entries(_get(table, "order")) or _entries(_get(_get(root, "severity"), "levels"))
    ordered = [entry.value for entry in order]
    for row in _entries(_get(table, "rows")):
        outcome = _get(row, "outcome")
        if outcome is not None and outcome.value not in ordered:
            message = f"`{outcome.value}` has no place among the outcomes, and the worst is picked"
            hint = "list all outcomes, worst first, under `order`"
            problems.error("outcome-without-order", message, outcome.place, hint)


def _check_checklist(step: Node, _: Node, problems: Problems) -> None:
    points = len(_entries(_get(step, "checklist")))
    taken = {f"done_{number}" for number in range(1, points + 1)}
    for fields in (_get(step, "fields"), _get(_get(step, "form"), "properties")):
        keys = fields.keys if fields is not None else {}
        for name in taken & keys.keys():
            message = f"`{name}` is the name of a point of the checklist"
            problems.error("duplicate-id", message, keys[name], "give the field another name")


def _check_effect(step: Node, _: Node, problems: Problems) -> None:
    kind = _text(_get(step, "kind"))
    if kind not in _WITHOUT_ITEM:
        return
    for key in _ITEM_KEYS:
        if key in step.keys:
            message = f"`{key}` has no effect on a step of kind {kind}"
            hint = "say it on the steps that people or effects wait for"
            problems.warning("no-effect", message, step.keys[key], hint)


def _check_bounds(fields: Node, problems: Problems) -> None:
    for field in fields.value.values():
        least, most = _get(field, "min"), _get(field, "max")
        if least is None or most is None:
            continue
        numbers = isinstance(least.value, int | float) and isinstance(most.value, int | float)
        if numbers and least.value > most.value:
            message = "`min` is greater than `max`: nothing could be filled in"
            problems.error("empty-range", message, least.place)


_CHECKS: tuple[Callable[[Node, Node, Problems], None], ...] = (
    _check_branch_ids,
    _check_choice,
    _check_tree,
    _check_table,
    _check_checklist,
    _check_effect,
)


# --- ways through the file ---------------------------------------------------------------------


def _get(node: Node | None, key: str) -> Node | None:
    if node is None or not isinstance(node.value, dict):
        return None
    found: Node | None = node.value.get(key)
    return found


def _entries(node: Node | None) -> list[Node]:
    return node.value if node is not None and isinstance(node.value, list) else []


def _text(node: Node | None) -> str:
    return node.value if node is not None and isinstance(node.value, str) else ""


def _steps_below(value: Any) -> Iterator[Node]:
    """Yield every step under the `steps` of a block, outer before inner, in file order."""
    steps = value.get("steps") if isinstance(value, dict) else None
    for step in _entries(steps):
        yield step
        yield from _inside(step)


def _inside(step: Node) -> Iterator[Node]:
    yield from _steps_below(step.value)
    for branch in _entries(_get(step, "branches")):
        yield from _steps_below(branch.value)
    options = _get(step, "options")
    for option in _entries(options):
        yield from _steps_below(option.value)
    if options is not None and isinstance(options.value, dict):
        for listed in options.value.values():
            yield from _steps_below({"steps": listed})
    yield from _steps_below({"steps": _get(step, "else")})


def _fields_below(node: Node) -> Iterator[Node]:
    """Yield every mapping that stands under a key `fields`."""
    if isinstance(node.value, list):
        for entry in node.value:
            yield from _fields_below(entry)
    elif isinstance(node.value, dict):
        for key, below in node.value.items():
            if key == "fields" and isinstance(below.value, dict):
                yield below
            yield from _fields_below(below)
