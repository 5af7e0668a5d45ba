"""Expressions and templates of playbooks: Jinja2's language over plain JSON data, nothing else.

Pure: the same names give the same value on every machine. See `expression_helpers` for the tables
of filters, tests and functions, and `expression_values` for the limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from jinja2 import TemplateSyntaxError, nodes
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from smr_engine.playbook.expression_calls import CALLS
from smr_engine.playbook.expression_compiler import ELEMENT, Evaluate, ExpressionCompiler, Path
from smr_engine.playbook.expression_helpers import FILTERS, FUNCTIONS, TESTS, Helper
from smr_engine.playbook.expression_nodes import VALUES
from smr_engine.playbook.expression_templates import Emit, compile_body, only_expression
from smr_engine.playbook.expression_values import (
    MAX_SOURCE,
    ExpressionError,
    Frame,
    Names,
    to_json,
    to_plain,
    to_text,
)

__all__ = [
    "ELEMENT",
    "FILTERS",
    "FUNCTIONS",
    "TESTS",
    "Compiled",
    "ExpressionError",
    "Helper",
    "Names",
    "Path",
    "compile_expression",
    "compile_template",
    "explain",
]

_SHOWN = 60  # characters of a value in an explanation

# Lines that hold only {% tags %} leave no empty line behind: people read these texts.
_JINJA = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
)
_ONLY_TAGS = re.compile(r"[ \t]*(?:\{%(?:(?!%\}).)*%\}[ \t]*)+\Z")
_HABITS = (
    ("&&", "`and` instead of `&&`"),
    (r"\|\|", "`or` instead of `||`"),
    ("[=!]==", "`==` or `!=`"),
    ("(?<![=!<>])=(?!=)", "`==` to compare"),
    ("!(?!=)", "`not` instead of `!`"),
    (r"\?", "`a if condition else b`"),
)
_RAW = re.compile(r"\{%[+-]?\s*raw\b")


@dataclass(frozen=True, eq=False)
class Compiled:
    """One expression or template, ready to be evaluated any number of times, by any thread.

    Attributes:
        source: the text it was compiled from.
        references: dotted names fixed by the text, the longest form of each: ``inputs.type`` is
            ``("inputs", "type")``; ``*`` stands for an element of a list; `members()` gives
            ``("members",)``.
        path: the dotted name that the whole expression is, None if it is computed.
        groups: the groups that `members()` is asked for by name.
        comparisons: names compared by ``==``, ``!=`` or ``in`` with constants, with the constants.
        meaning: equal for two expressions that say the same, whatever their spacing.
    """

    source: str
    references: frozenset[Path]
    path: Path | None
    groups: frozenset[str]
    comparisons: frozenset[tuple[Path, Any]]
    meaning: str
    _value: Evaluate = field(repr=False)
    _text: Evaluate = field(repr=False)

    @property
    def constant(self) -> bool:
        """Whether it has the same value whatever the names are."""
        return not self.references

    def evaluate(self, names: Names) -> Any:
        """Return the value as fresh plain JSON data.

        A template that is exactly one ``{{ expression }}`` gives that value with its type, any
        other a text. Missing keys are null.

        Args:
            names: plain data by name; ``members`` maps groups to lists of people.

        Raises:
            ExpressionError: the value cannot be computed within the limits.
        """
        return _guarded(lambda: to_plain(self._value(Frame(names))))

    def holds(self, names: Names) -> bool:
        """Return whether the value counts as true: not null, no, zero or empty.

        Raises:
            ExpressionError: the value cannot be computed within the limits.
        """
        return bool(_guarded(lambda: self._value(Frame(names))))

    def render(self, names: Names) -> str:
        """Return the value as text, all spacing kept: for documents and messages.

        Raises:
            ExpressionError: the text cannot be computed within the limits.
        """
        return str(_guarded(lambda: self._text(Frame(names))))


@lru_cache(maxsize=4096)
def compile_expression(source: str) -> Compiled:
    """Compile a bare expression like ``inputs.type == 'breach'``.

    Raises:
        ExpressionError: it cannot be read; with the line inside the text, and a hint.
    """
    if "{{" in source or "{%" in source:
        message = "this is an expression already"
        raise ExpressionError(message, hint="write it without {{ }}")
    compiler = ExpressionCompiler({**VALUES, **CALLS})
    tree = _guarded(lambda: _parse_expression(source))
    value = _guarded(lambda: compiler.value(tree))
    return _compiled(source, compiler, tree, (value, lambda frame: to_text(value(frame))))


@lru_cache(maxsize=4096)
def compile_template(source: str) -> Compiled:
    """Compile a text with ``{{ }}``, ``{% if %}`` and ``{% for %}``.

    Raises:
        ExpressionError: it cannot be read; with the line inside the text, and a hint.
    """
    compiler = ExpressionCompiler({**VALUES, **CALLS})
    template = _guarded(lambda: _parse_template(source))
    emit = _guarded(lambda: compile_body(compiler, template.body))
    text = _writer(emit)
    only = only_expression(template)
    value = _guarded(lambda: compiler.value(only)) if only is not None else text
    return _compiled(source, compiler, only, (value, text))


def explain(compiled: Compiled, names: Names) -> str:
    """Return what an expression saw: ``inputs.type == 'breach' (inputs.type is "outage")``.

    Raises:
        ExpressionError: a name holds something that is not plain data.
    """
    paths = sorted(path for path in compiled.references if path != ("members",))
    seen = dict.fromkeys(path[: path.index(ELEMENT)] if ELEMENT in path else path for path in paths)
    if not seen:
        return compiled.source.strip()
    facts = [f"{'.'.join(path)} is {_shown(path, names)}" for path in seen]
    return f"{compiled.source.strip()} ({', '.join(facts)})"


def _shown(path: Path, names: Names) -> str:
    value: Any = names
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    text: str = _guarded(lambda: to_json(value))
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _compiled(
    source: str,
    compiler: ExpressionCompiler,
    tree: nodes.Node | None,
    ways: tuple[Evaluate, Evaluate],
) -> Compiled:
    return Compiled(
        source=source,
        references=frozenset(compiler.references),
        path=None if tree is None else compiler.path(tree),
        groups=frozenset(compiler.groups),
        comparisons=frozenset(compiler.comparisons),
        meaning=source if tree is None else repr(tree),
        _value=ways[0],
        _text=ways[1],
    )


def _writer(emit: Emit) -> Evaluate:
    def write(frame: Frame) -> str:
        out: list[str] = []
        emit(frame, out)
        return "".join(out)

    return write


def _parse_expression(source: str) -> nodes.Expr:
    try:
        parser = Parser(_JINJA, _bounded(source), state="variable")
        expression = parser.parse_expression()
    except TemplateSyntaxError as fault:
        words = (fault.message or "").replace("'end of template'", "end")
        message = f"this cannot be read: {words}"
        raise ExpressionError(message, line=fault.lineno, hint=_habit(source)) from None
    if not parser.stream.eos:
        message = f"`{parser.stream.current.value}` is not expected here"
        raise ExpressionError(message, line=parser.stream.current.lineno, hint=_habit(source))
    return expression


def _habit(source: str) -> str:
    """Return what is written here instead of a sign that other languages have."""
    found = next((words for sign, words in _HABITS if re.search(sign, source)), None)
    return f"write {found}" if found else ""


def _parse_template(source: str) -> nodes.Template:
    if _RAW.search(_bounded(source)):
        message = "`{% raw %}` is not available in expressions and templates"
        raise ExpressionError(message)
    return _JINJA.parse("\n".join(map(_marked, source.split("\n"))))


def _marked(line: str) -> str:
    """Mark tags that share their line with text: Jinja then keeps the line's ends as they are."""
    if "{%" not in line or _ONLY_TAGS.match(line):
        return line
    line = re.sub(r"^([ \t]+\{%)(?![+-])", r"\1+", line)
    return re.sub(r"(?<![+-])%\}$", "+%}", line)


def _bounded(source: str) -> str:
    if len(source) <= MAX_SOURCE:
        return source
    message = f"this is longer than {MAX_SOURCE} characters"
    raise ExpressionError(message)


def _guarded(compute: Callable[[], Any]) -> Any:
    """Compute, and turn whatever plain data can make go wrong into an ExpressionError."""
    try:
        return compute()
    except ExpressionError:
        raise
    except TemplateSyntaxError as fault:
        message = f"this cannot be read: {fault.message}"
        raise ExpressionError(message, line=fault.lineno) from None
    except RecursionError:
        message = "this is too deeply nested"
        raise ExpressionError(message) from None
    except (ArithmeticError, LookupError, TypeError, ValueError) as fault:
        message = f"this cannot be computed: {fault}"
        raise ExpressionError(message) from fault
