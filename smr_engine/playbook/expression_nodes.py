"""How each kind of value, operator and condition in an expression is computed."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from jinja2 import nodes

from smr_engine.playbook import expression_operators as ops
from smr_engine.playbook.expression_compiler import Evaluate, ExpressionCompiler, NodeCompiler
from smr_engine.playbook.expression_values import (
    MAX_TEXT,
    ExpressionError,
    Frame,
    kind_of,
    to_number,
    to_text,
    too_long,
)

_TEXT_THAT_CANNOT_BE_KEPT = re.compile("[\x00\ud800-\udfff]")
_OPERATORS: dict[type[nodes.BinExpr], Callable[[Frame, Any, Any], Any]] = {
    nodes.Add: ops.add,
    nodes.Sub: ops.arithmetic("-", operator.sub),
    nodes.Mul: ops.arithmetic("*", operator.mul),
    nodes.Div: ops.arithmetic("/", operator.truediv),
    nodes.FloorDiv: ops.arithmetic("//", operator.floordiv),
    nodes.Mod: ops.arithmetic("%", operator.mod),
    nodes.Pow: ops.arithmetic("**", ops.power),
}
_COMPARISONS: dict[str, Callable[[Frame, Any, Any], bool]] = {
    "eq": ops.equal,
    "ne": lambda frame, left, right: not ops.equal(frame, left, right),
    "lt": ops.ordered(operator.lt),
    "lteq": ops.ordered(operator.le),
    "gt": ops.ordered(operator.gt),
    "gteq": ops.ordered(operator.ge),
    "in": ops.contains,
    "notin": lambda frame, left, right: not ops.contains(frame, left, right),
}


def _name(compiler: ExpressionCompiler, node: nodes.Name) -> Evaluate:
    name = node.name
    if name in compiler.local:
        return lambda frame: frame.local[name]
    return lambda frame: frame.names.get(name)


def _const(_compiler: ExpressionCompiler, node: nodes.Const) -> Evaluate:
    value = node.value
    if isinstance(value, str) and _TEXT_THAT_CANNOT_BE_KEPT.search(value):
        message = "a text may not hold characters that cannot be stored"
        raise ExpressionError(message, line=node.lineno)
    if isinstance(value, int | float):
        to_number(value + 0)  # yes and no are numbers to Python; both pass
    return lambda _frame: value


def _list(compiler: ExpressionCompiler, node: nodes.List | nodes.Tuple) -> Evaluate:
    items = [compiler.value(item) for item in node.items]
    return lambda frame: [item(frame) for item in items]


def _dict(compiler: ExpressionCompiler, node: nodes.Dict) -> Evaluate:
    items = [(compiler.value(pair.key), compiler.value(pair.value)) for pair in node.items]

    def build(frame: Frame) -> dict[str, Any]:
        return {_text_key(key(frame)): value(frame) for key, value in items}

    return build


def _text_key(key: Any) -> str:
    if isinstance(key, str):
        return key
    message = f"a key must be a text, not {kind_of(key)}"
    raise ExpressionError(message)


def _getattr(compiler: ExpressionCompiler, node: nodes.Getattr) -> Evaluate:
    key, member = node.attr, ops.member
    if key.startswith("__"):
        message = f"`{key[:60]}` is no name: dots reach the keys of mappings, nothing else"
        raise ExpressionError(message, line=node.lineno)
    inner = compiler.value(node.node, noted=compiler.path(node) is not None)
    return lambda frame: member(inner(frame), key)


def _getitem(compiler: ExpressionCompiler, node: nodes.Getitem) -> Evaluate:
    inner = compiler.value(node.node, noted=compiler.path(node) is not None)
    if isinstance(node.arg, nodes.Slice):
        return _slice(compiler, inner, node.arg)
    index = compiler.value(node.arg)
    return lambda frame: ops.element_at(inner(frame), index(frame))


def _slice(compiler: ExpressionCompiler, inner: Evaluate, node: nodes.Slice) -> Evaluate:
    bounds = [
        compiler.value(bound) if bound is not None else lambda _frame: None
        for bound in (node.start, node.stop, node.step)
    ]

    def cut(frame: Frame) -> Any:
        whole, places = inner(frame), [bound(frame) for bound in bounds]
        if any(place is not None and type(place) is not int for place in places):
            message = "a slice goes from one whole number to another"
            raise ExpressionError(message, line=node.lineno)
        if isinstance(whole, str):
            return frame.text(whole[slice(*places)])
        return list(frame.items(whole)[slice(*places)])

    return cut


def _condition(compiler: ExpressionCompiler, node: nodes.CondExpr) -> Evaluate:
    test, yes = compiler.value(node.test), compiler.value(node.expr1)
    no: Evaluate = compiler.value(node.expr2) if node.expr2 is not None else lambda _frame: None
    return lambda frame: yes(frame) if test(frame) else no(frame)


def _and(compiler: ExpressionCompiler, node: nodes.And) -> Evaluate:
    left, right = compiler.value(node.left), compiler.value(node.right)
    return lambda frame: left(frame) and right(frame)


def _or(compiler: ExpressionCompiler, node: nodes.Or) -> Evaluate:
    left, right = compiler.value(node.left), compiler.value(node.right)
    return lambda frame: left(frame) or right(frame)


def _not(compiler: ExpressionCompiler, node: nodes.Not) -> Evaluate:
    inner = compiler.value(node.node)
    return lambda frame: not inner(frame)


def _sign(compiler: ExpressionCompiler, node: nodes.Neg | nodes.Pos) -> Evaluate:
    inner, negative = compiler.value(node.node), isinstance(node, nodes.Neg)
    subtract, plus = _OPERATORS[nodes.Sub], _OPERATORS[nodes.Add]
    apply = subtract if negative else plus
    return lambda frame: apply(frame, 0, inner(frame))


def _binary(compiler: ExpressionCompiler, node: nodes.BinExpr) -> Evaluate:
    apply = _OPERATORS[type(node)]
    left, right = compiler.value(node.left), compiler.value(node.right)
    return lambda frame: apply(frame, left(frame), right(frame))


def _concat(compiler: ExpressionCompiler, node: nodes.Concat) -> Evaluate:
    pieces = [compiler.value(piece) for piece in node.nodes]

    def join(frame: Frame) -> str:
        texts = [to_text(piece(frame)) for piece in pieces]
        if sum(map(len, texts)) > MAX_TEXT:
            raise too_long()
        return frame.text("".join(texts))

    return join


def _compare(compiler: ExpressionCompiler, node: nodes.Compare) -> Evaluate:
    _note_comparisons(compiler, node)
    first = compiler.value(node.expr)
    steps = [(_COMPARISONS[step.op], compiler.value(step.expr)) for step in node.ops]
    if len(steps) == 1:
        apply, right = steps[0]
        return lambda frame: apply(frame, first(frame), right(frame))

    def chain(frame: Frame) -> bool:
        left = first(frame)
        for apply, following in steps:
            right_value = following(frame)
            if not apply(frame, left, right_value):
                return False
            left = right_value
        return True

    return chain


def _note_comparisons(compiler: ExpressionCompiler, node: nodes.Compare) -> None:
    if len(node.ops) != 1:
        return
    sides = (node.expr, node.ops[0].expr)
    if node.ops[0].op in {"in", "notin"}:
        path, whole = compiler.path(node.expr), node.ops[0].expr
        items = whole.items if isinstance(whole, nodes.List | nodes.Tuple) else []
    else:
        path = compiler.path(sides[0]) or compiler.path(sides[1])
        items = list(sides) if node.ops[0].op in {"eq", "ne"} else []
    for item in items:
        if path and isinstance(item, nodes.Const):
            compiler.comparisons.add((path, item.value))


VALUES: dict[type[nodes.Node], NodeCompiler] = {
    nodes.Name: _name,
    nodes.Const: _const,
    nodes.List: _list,
    nodes.Tuple: _list,
    nodes.Dict: _dict,
    nodes.Getattr: _getattr,
    nodes.Getitem: _getitem,
    nodes.CondExpr: _condition,
    nodes.And: _and,
    nodes.Or: _or,
    nodes.Not: _not,
    nodes.Neg: _sign,
    nodes.Pos: _sign,
    nodes.Concat: _concat,
    nodes.Compare: _compare,
    **dict.fromkeys(_OPERATORS, _binary),
}
"""The allow-list of values and operators."""
