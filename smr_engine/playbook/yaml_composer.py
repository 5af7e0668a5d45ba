"""Composes the nodes of a YAML document from its events, and refuses what the subset lacks.

With a stack of our own, so that no input can exhaust Python's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from smr_engine.playbook.problems import Place, Problems
from smr_engine.playbook.yaml_hints import explain, place_of, text_lost, unquoted_template
from smr_engine.playbook.yaml_nodes import Node
from smr_engine.playbook.yaml_scalars import CONTROL, resolve

MAX_DEPTH = 32
MAX_VALUES = 20_000  # a playbook of 3,000 lines has half as many; more is a bomb or a mistake

# libyaml reads plain text in brackets as YAML 1.2 does ("[Is it neutral?, other]"), and is fast
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StopError(Exception):
    """Nothing sensible can be read from here on; the problem has been recorded."""


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet; `key` waits for its value."""

    node: Node
    key: str | None = None
    key_is_next: bool = True
    dropped: bool = False  # the value that comes belongs to a key that cannot be kept


class Composer:
    """Turns the events of one document into nodes."""

    def __init__(self, source: str, problems: Problems) -> None:
        self._source = source
        self._lines = source.splitlines()
        self._problems = problems
        self._stack: list[_Open] = []
        self._root: Node | None = None
        self._count = 0

    def compose(self) -> Node | None:
        """Return the root, or None where the text cannot be read."""
        try:
            for event in self._events():
                self._take(event)
        except _StopError:
            return None
        if self._root is None:
            self._problems.error("empty-file", "the file is empty", Place(1, 1))
        return self._root

    def _events(self) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(self._source, Loader=_LOADER)
        except yaml.YAMLError as fault:
            raise self._syntax_error(fault) from fault

    def _syntax_error(self, fault: yaml.YAMLError) -> _StopError:
        """Stop with the advice that the faulty line, or the one it began on, calls for."""
        begun: Any = getattr(fault, "context_mark", None)
        mark: Any = getattr(fault, "problem_mark", None) or begun
        problem = str(getattr(fault, "problem", "") or "")
        if "end of stream" in problem and begun is not None:
            mark = begun  # a quote that is never closed: where it was opened
        line, column = (mark.line, mark.column) if mark else (0, 0)
        advice = explain(self._line(line), column, problem)
        if begun is not None and advice.code == "yaml-syntax":
            for earlier in dict.fromkeys((begun.line, line - 1)):
                other = explain(self._line(earlier), 0, "")
                if other.code in {"unquoted-template", "text-lost"}:
                    advice, line = other, earlier
                    column = place_of(other, self._line(earlier))
                    break
        place = Place(min(line, max(len(self._lines) - 1, 0)) + 1, column + 1)
        return self._stop(*advice[:2], place, advice.hint)

    def _line(self, number: int) -> str:
        return self._lines[number] if 0 <= number < len(self._lines) else ""

    def _stop(self, code: str, message: str, place: Place, hint: str = "") -> _StopError:
        self._problems.error(code, message, place, hint)
        return _StopError()

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.NodeEvent):
            self._take_node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._stack.pop()
        elif isinstance(event, yaml.DocumentStartEvent) and self._root is not None:
            message = "a second document begins here"
            hint = "keep one playbook in a file, without `---` between parts"
            raise self._stop("several-documents", message, _place(event), hint)

    def _take_node(self, event: yaml.NodeEvent) -> None:
        self._count += 1
        if self._count > MAX_VALUES:
            message = f"the file has more than {MAX_VALUES:,} values"
            raise self._stop("too-many-values", message, _place(event))
        self._refuse_reuse(event)
        if isinstance(event, yaml.ScalarEvent):
            self._take_scalar(event)
        else:
            self._open_collection(event)

    def _refuse_reuse(self, event: yaml.NodeEvent) -> None:
        if isinstance(event, yaml.AliasEvent):
            message = f"`*{event.anchor}` is an alias, and aliases are not read"
            hint = "write the value out, or put the text in quotes"
            raise self._stop("alias", message, _place(event), hint)
        if event.anchor is not None:
            message = f"`&{event.anchor}` is an anchor, and anchors are not read"
            hint = "delete it, or put the text in quotes"
            self._problems.error("anchor", message, _place(event), hint)
        if getattr(event, "tag", None) is not None:
            message = "a `!` before a value is a tag, and tags are not read"
            hint = "delete it, or put the text in quotes"
            self._problems.error("tag", message, _place(event), hint)

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        place = _place(event)
        value: Any = event.value
        block = event.style in {"|", ">"}
        if event.style == '"' and (found := CONTROL.search(event.value)):
            message = f"an escape makes the control character U+{ord(found[0]):04X}"
            self._problems.error("control-character", message, place, "delete it")
        if not event.style:
            self._warn_of_lost_text(event)
            value = self._resolved(event.value, place)
        if self._stack and isinstance(self._stack[-1].node.value, dict):
            frame = self._stack[-1]
            if frame.key_is_next:
                self._take_key(frame, value, event.value, place)
                return
        self._add(Node(value, place, place.line + block, event.value[:60]))

    def _resolved(self, text: str, place: Place) -> Any:
        try:
            return resolve(text)
        except ValueError as fault:
            self._problems.error("quote-it", str(fault), place, f'write "{text[:40]}" in quotes')
            return text

    def _warn_of_lost_text(self, event: yaml.ScalarEvent) -> None:
        end: Any = event.end_mark
        lost = text_lost(self._line(end.line)[end.column :])
        if lost is not None:
            message = f"the text ends before `{lost[:30]}`: the rest is read as a comment"
            place = Place(end.line + 1, end.column + 2)
            self._problems.warning("text-lost", message, place, "put this text in quotes")

    def _take_key(self, frame: _Open, value: Any, text: str, place: Place) -> None:
        frame.key_is_next = False
        frame.key = text
        if not isinstance(value, str):
            message = f"`{text[:40]}` is not text, and a key must be"
            self._problems.error("quote-it", message, place, f'write "{text[:40]}" in quotes')
        if text in frame.node.keys:
            message = f"`{text[:40]}` stands here twice, first on line {frame.node.keys[text].line}"
            self._problems.error("duplicate-key", message, place, "keep one of them")
            frame.dropped = True
            return
        frame.node.keys[text] = place

    def _open_collection(self, event: yaml.NodeEvent) -> None:
        place = _place(event)
        frame = self._stack[-1] if self._stack else None
        if frame is not None and isinstance(frame.node.value, dict) and frame.key_is_next:
            raise self._collection_as_key(frame, place)
        if len(self._stack) >= MAX_DEPTH:
            message = f"values are nested more than {MAX_DEPTH} deep"
            raise self._stop("too-deep", message, place, "move the inner part out")
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        node = Node(value, place, place.line)
        self._add(node)
        self._stack.append(_Open(node))

    def _collection_as_key(self, frame: _Open, place: Place) -> _StopError:
        line = self._line(place.line - 1)
        outer = frame.node.place
        if line[outer.column - 1 : outer.column + 1] == "{{":
            advice = unquoted_template()
            return self._stop(*advice[:2], outer, advice.hint)
        message = "a list or mapping stands where a key must"
        return self._stop("yaml-syntax", message, place, "put this text in quotes")

    def _add(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        if isinstance(frame.node.value, list):
            frame.node.value.append(node)
            return
        if not frame.dropped:
            frame.node.value[frame.key] = node
        frame.key, frame.key_is_next, frame.dropped = None, True, False


def _place(event: yaml.Event) -> Place:
    mark: Any = event.start_mark
    return Place(mark.line + 1, mark.column + 1)
