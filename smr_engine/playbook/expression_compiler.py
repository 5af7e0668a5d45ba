"""From Jinja's parse tree to Python closures, by an allow-list of what may stand in a playbook.

Jinja reads the text (its lexer and parser, so the language is Jinja's), but none of its generated
code runs: each allowed node becomes a closure over plain data. There is no attribute access to
intercept, no call but of a helper from our tables, and every loop and text is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import nodes

from smr_engine.playbook.expression_values import MAX_DEPTH, MAX_NODES, ExpressionError, Frame

Evaluate = Callable[[Frame], Any]
Path = tuple[str, ...]
NodeCompiler = Callable[["ExpressionCompiler", Any], Evaluate]
ELEMENT = "*"  # the path segment that stands for any element of a list

_SAME_LIST = frozenset({"list", "reject", "rejectattr", "select", "selectattr", "sort", "unique"})
_ONE_ELEMENT = frozenset({"first", "last", "max", "min"})
_INSTEAD = {
    nodes.Assign: "`{% set %}` is not available: name the value in a step of kind set",
    nodes.AssignBlock: "`{% set %}` is not available: name the value in a step of kind set",
    nodes.Keyword: "arguments by name are not available here",
}


class ExpressionCompiler:
    """Compiles one expression and notes which names it refers to.

    Args:
        allowed: what compiles each kind of node that is allowed; every other kind is refused.

    Attributes:
        references: dotted names that are fixed by the text, ``("steps", "vet", "output", "ok")``;
            ``*`` stands for an element of a list.
        groups: groups that ``members()`` is asked for by a constant.
        comparisons: pairs of a dotted name and a constant that it is compared with.
    """

    def __init__(self, allowed: Mapping[type[nodes.Node], NodeCompiler]) -> None:
        self._allowed = allowed
        self.references: set[Path] = set()
        self.groups: set[str] = set()
        self.comparisons: set[tuple[Path, Any]] = set()
        self.local: dict[str, Path | None] = {}  # loop variables, each with what it is one of
        self._parts = 0
        self._depth = 0

    def value(self, node: nodes.Node, *, noted: bool = False) -> Evaluate:
        """Return what computes a node.

        Args:
            node: part of an expression.
            noted: its name was noted already, as the beginning of a longer one.

        Raises:
            ExpressionError: something in it is not allowed, or it is too large.
        """
        compile_node = self._allowed.get(type(node))
        if compile_node is None:
            raise refused(node)
        self.enter(node)
        path = None if noted else self.path(node)
        if path:
            self.references.add(path)
        compiled = compile_node(self, node)
        self._depth -= 1
        return compiled

    def enter(self, node: nodes.Node) -> None:
        """Count a node; who enters a node that is no value leaves it with `leave`."""
        self._parts += 1
        self._depth += 1
        if self._parts > MAX_NODES or self._depth > MAX_DEPTH:
            message = "this is too long or too deeply nested"
            raise ExpressionError(message, line=node.lineno or 1, hint="split it into set steps")

    def leave(self) -> None:
        """Say that a node counted by `enter` is done."""
        self._depth -= 1

    @property
    def parts(self) -> int:
        """How many nodes were compiled so far."""
        return self._parts

    def path(self, node: nodes.Node) -> Path | None:
        """Return the dotted name that a node is, None if it is computed."""
        if isinstance(node, nodes.Name):
            return self.local.get(node.name, (node.name,))
        if isinstance(node, nodes.Filter):
            inner = self.path(node.node) if node.node is not None else None
            if inner and node.name in _SAME_LIST:
                return inner
            return (*inner, ELEMENT) if inner and node.name in _ONE_ELEMENT else None
        if isinstance(node, nodes.Getattr | nodes.Getitem):
            inner, key = self.path(node.node), _key(node)
            return (*inner, key) if inner and key is not None else None
        return None


def refused(node: nodes.Node) -> ExpressionError:
    """Return the refusal of a node that is not on the allow-list."""
    kind = type(node)
    words = f"`{kind.__name__.lower()}` is not available in expressions and templates"
    return ExpressionError(_INSTEAD.get(kind, words), line=node.lineno or 1)


def _key(node: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node.arg, nodes.Const):
        if isinstance(node.arg.value, str):
            return node.arg.value
        return ELEMENT if isinstance(node.arg.value, int) else None
    return None
