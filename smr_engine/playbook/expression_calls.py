"""How filters, tests and functions are called: only those of our tables, arguments checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import nodes

from smr_engine.playbook.expression_compiler import (
    Evaluate,
    ExpressionCompiler,
    NodeCompiler,
    refused,
)
from smr_engine.playbook.expression_helpers import FILTERS, FUNCTIONS, TESTS, Helper, named
from smr_engine.playbook.expression_values import ExpressionError, Frame

_TAKES_A_FILTER = frozenset({"map"})
_TAKES_A_TEST = {"select": 0, "reject": 0, "selectattr": 1, "rejectattr": 1}


def _filter(compiler: ExpressionCompiler, node: nodes.Filter) -> Evaluate:
    if node.node is None:
        raise refused(nodes.FilterBlock(lineno=node.lineno))
    helper = _helper(FILTERS, node, "filter")
    inner = compiler.value(node.node, noted=compiler.path(node) is not None)
    _check_names_of_helpers(node)
    return _applied(compiler, helper, node, inner)


def _check_names_of_helpers(node: nodes.Filter) -> None:
    """Find the misspelt `map('uper')` and `select('grater', 3)` before anything runs."""
    at = 0 if node.name in _TAKES_A_FILTER else _TAKES_A_TEST.get(node.name)
    if at is None or len(node.args) <= at or not isinstance(node.args[at], nodes.Const):
        return
    table, kind = (FILTERS, "filter") if node.name in _TAKES_A_FILTER else (TESTS, "test")
    named(table, node.args[at].as_const(), kind)


def _test(compiler: ExpressionCompiler, node: nodes.Test) -> Evaluate:
    return _applied(compiler, _helper(TESTS, node, "test"), node, compiler.value(node.node))


def _helper(table: Mapping[str, Helper], node: nodes.Filter | nodes.Test, kind: str) -> Helper:
    try:
        return named(table, node.name, kind)
    except ExpressionError as fault:
        fault.line = node.lineno
        raise


def _applied(
    compiler: ExpressionCompiler,
    helper: Helper,
    node: nodes.Filter | nodes.Test,
    inner: Evaluate,
) -> Evaluate:
    args, kwargs = _arguments(compiler, helper, node, given=2)
    call = helper.call
    if not args and not kwargs:
        return lambda frame: call(frame, inner(frame))

    def apply(frame: Frame) -> Any:
        named_arguments = {key: value(frame) for key, value in kwargs}
        return call(frame, inner(frame), *[arg(frame) for arg in args], **named_arguments)

    return apply


def _call(compiler: ExpressionCompiler, node: nodes.Call) -> Evaluate:
    if not isinstance(node.node, nodes.Name) or node.node.name in compiler.local:
        message = "only functions can be called, not values"
        hint = f"there are: {', '.join(FUNCTIONS)}; and filters, like value|upper"
        raise ExpressionError(message, line=node.lineno, hint=hint)
    helper = named(FUNCTIONS, node.node.name, "function")
    if helper.name == "members":
        _note_members(compiler, node.args)
    args, kwargs = _arguments(compiler, helper, node, given=1)
    call = helper.call
    return lambda frame: call(
        frame, *[arg(frame) for arg in args], **{key: value(frame) for key, value in kwargs}
    )


def _note_members(compiler: ExpressionCompiler, args: Sequence[nodes.Expr]) -> None:
    compiler.references.add(("members",))
    if args and isinstance(args[0], nodes.Const) and isinstance(args[0].value, str):
        compiler.groups.add(args[0].value)


def _arguments(
    compiler: ExpressionCompiler,
    helper: Helper,
    node: nodes.Filter | nodes.Test | nodes.Call,
    given: int,
) -> tuple[list[Evaluate], list[tuple[str, Evaluate]]]:
    """Compile the arguments, and refuse at once those that the helper does not take."""
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        message = "arguments with * or ** are not available"
        raise ExpressionError(message, line=node.lineno)
    args = [compiler.value(arg) for arg in node.args]
    kwargs = [(str(pair.key), compiler.value(pair.value)) for pair in node.kwargs]
    try:
        helper.signature.bind(*[None] * (given + len(args)), **dict(kwargs))
    except TypeError as fault:
        message = f"`{helper.name}` does not take these arguments: {fault}"
        raise ExpressionError(message, line=node.lineno, hint=helper.help) from None
    return args, kwargs


CALLS: dict[type[nodes.Node], NodeCompiler] = {
    nodes.Filter: _filter,
    nodes.Test: _test,
    nodes.Call: _call,
}
"""The allow-list of calls."""
