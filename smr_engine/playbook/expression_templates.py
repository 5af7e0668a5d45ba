"""Templates: text with `{{ }}`, `{% if %}` and `{% for %}`, compiled to closures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jinja2 import nodes

from smr_engine.playbook.expression_compiler import (
    ELEMENT,
    Evaluate,
    ExpressionCompiler,
    Path,
    refused,
)
from smr_engine.playbook.expression_values import ExpressionError, Frame, kind_of, to_text

Emit = Callable[[Frame, list[str]], None]


def compile_body(compiler: ExpressionCompiler, body: Sequence[nodes.Node]) -> Emit:
    """Return what writes a list of statements.

    Raises:
        ExpressionError: something in it is not allowed, or it is too large.
    """
    parts = [part for statement in body for part in _statement(compiler, statement)]

    def emit(frame: Frame, out: list[str]) -> None:
        for part in parts:
            part(frame, out)

    return emit


def only_expression(template: nodes.Template) -> nodes.Node | None:
    """Return the expression if the template is exactly one `{{ expression }}`, else None."""
    outputs = [node for node in template.body if isinstance(node, nodes.Output)]
    if len(outputs) != len(template.body):
        return None
    pieces = [piece for output in outputs for piece in output.nodes]
    found = [piece for piece in pieces if not isinstance(piece, nodes.TemplateData)]
    blank = all(piece.data.isspace() for piece in pieces if isinstance(piece, nodes.TemplateData))
    return found[0] if len(found) == 1 and blank else None


def _statement(compiler: ExpressionCompiler, node: nodes.Node) -> list[Emit]:
    if isinstance(node, nodes.Output):
        return [_output(compiler, piece) for piece in node.nodes]
    if isinstance(node, nodes.If | nodes.For):
        compiler.enter(node)
        emit = _if(compiler, node) if isinstance(node, nodes.If) else _for(compiler, node)
        compiler.leave()
        return [emit]
    raise refused(node)


def _output(compiler: ExpressionCompiler, node: nodes.Node) -> Emit:
    if isinstance(node, nodes.TemplateData):
        text = node.data
        return lambda frame, out: out.append(frame.write(text))
    value = compiler.value(node)
    return lambda frame, out: out.append(frame.write(to_text(value(frame))))


def _if(compiler: ExpressionCompiler, node: nodes.If) -> Emit:
    ways = [
        (compiler.value(way.test), compile_body(compiler, way.body)) for way in (node, *node.elif_)
    ]
    otherwise = compile_body(compiler, node.else_)

    def emit(frame: Frame, out: list[str]) -> None:
        for test, body in ways:
            if test(frame):
                body(frame, out)
                return
        otherwise(frame, out)

    return emit


def _for(compiler: ExpressionCompiler, node: nodes.For) -> Emit:
    if node.recursive:
        message = "recursive loops are not available"
        raise ExpressionError(message, line=node.lineno)
    elements = compiler.value(node.iter)
    path = compiler.path(node.iter)
    targets = _targets(node.target)
    otherwise = compile_body(compiler, node.else_)
    before, outer = compiler.parts, dict(compiler.local)
    element: Path | None = (*path, ELEMENT) if path and len(targets) == 1 else None
    compiler.local.update(dict.fromkeys(targets, element))
    kept = compiler.value(node.test) if node.test is not None else None
    compiler.local["loop"] = None
    body = compile_body(compiler, node.body)
    compiler.local = outer
    loop = _Loop(targets, kept, body, compiler.parts - before)

    def emit(frame: Frame, out: list[str]) -> None:
        if not loop.run(frame, out, elements(frame)):
            otherwise(frame, out)

    return emit


def _targets(target: nodes.Node) -> tuple[str, ...]:
    names = target.items if isinstance(target, nodes.Tuple) else [target]
    found = tuple(name.name for name in names if isinstance(name, nodes.Name))
    if len(found) != len(names) or "loop" in found:
        raise refused(target)
    return found


class _Loop:
    """One `{% for %}`; its body's size is charged to the meter at each turn."""

    def __init__(
        self, targets: tuple[str, ...], kept: Evaluate | None, body: Emit, size: int
    ) -> None:
        self.targets = targets
        self.kept = kept
        self.body = body
        self.size = size

    def run(self, frame: Frame, out: list[str], whole: Any) -> bool:
        """Write the body once per element; say whether there was any."""
        outer = frame.local
        frame.local = dict(outer)
        elements = [element for element in frame.items(whole) if self._keeps(frame, element)]
        for at, element in enumerate(elements):
            frame.spend(self.size)
            self._bind(frame, element)
            frame.local["loop"] = {
                "index": at + 1,
                "index0": at,
                "first": at == 0,
                "last": at == len(elements) - 1,
                "length": len(elements),
            }
            self.body(frame, out)
        frame.local = outer
        return bool(elements)

    def _keeps(self, frame: Frame, element: Any) -> bool:
        if self.kept is None:
            return True
        frame.spend(self.size)
        self._bind(frame, element)
        return bool(self.kept(frame))

    def _bind(self, frame: Frame, element: Any) -> None:
        if len(self.targets) == 1:
            frame.local[self.targets[0]] = element
            return
        if not isinstance(element, list | tuple) or len(element) != len(self.targets):
            message = f"{kind_of(element)} cannot be taken apart into {', '.join(self.targets)}"
            raise ExpressionError(message)
        frame.local.update(zip(self.targets, element, strict=True))
