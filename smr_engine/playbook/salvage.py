"""Reads as much of a faulty file as makes sense, so that all its problems come at once.

What the schema refuses is taken out, a misspelt key is read as the one that was meant, and the
meaning of the rest can be checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from smr_engine.playbook.build import build_playbook
from smr_engine.playbook.model import JsonSchema, Playbook
from smr_engine.playbook.problems import Problem
from smr_engine.playbook.schema_check import schema_findings
from smr_engine.playbook.schema_faults import Finding
from smr_engine.playbook.yaml_nodes import Located, Node
from smr_engine.playbook.yaml_source import load

_MOST_TIMES = 8  # taking something out can leave its surroundings incomplete, and so on outwards

_STAND_INS = {"playbook": "not-said", "version": "0.0.0", "title": "Not said", "owner": "not-said"}


@dataclass(frozen=True, slots=True)
class Salvaged:
    """The part of a playbook that could be read, and every name that went with the rest."""

    playbook: Playbook
    lost: frozenset[str]

    def caused(self, problem: Problem) -> bool:
        """Return whether a problem of the part may be there only because the rest is missing."""
        said = set(problem.message.split("`")[1::2])
        words = {word for text in said for word in text.replace(":", " ").replace(".", " ").split()}
        return problem.severity == "warning" or bool(self.lost & (said | words))


def salvage(text: bytes, file: str, schema: JsonSchema) -> Salvaged | None:
    """Return what can be read of a playbook that has errors; None if nothing can.

    Args:
        text: the file's bytes.
        file: the name to use in problems.
        schema: the playbook schema.
    """
    located, _ = load(text, file)
    if located is None:
        return None
    lost: set[str] = set()
    for _ in range(_MOST_TIMES):
        findings = schema_findings(located, schema)
        if not findings:
            playbook = build_playbook(located.root, sha256(text).hexdigest())
            return Salvaged(playbook, frozenset(lost))
        for finding in sorted(findings, key=_inner_and_later_first, reverse=True):
            lost |= _mend(located.root, finding)
        located = Located(located.root.plain(), located.root)
    return None


def _inner_and_later_first(finding: Finding) -> tuple[int, list[int]]:
    """Order findings so that taking one out does not move the place of another."""
    return len(finding.path), [part if isinstance(part, int) else -1 for part in finding.path]


def _mend(root: Node, finding: Finding) -> set[str]:
    """Take out what is at fault, or say what was meant; return the names that are lost with it."""
    path = finding.path if finding.key is None else (*finding.path, finding.key)
    if not path:
        return _stand_in(root, finding)
    *outer, last = path
    holder = _at(root, outer)
    if holder is None or _at(holder, [last]) is None:
        return set()  # it went with something else
    gone: Node = holder.value.pop(last)
    if finding.suggested and finding.suggested not in holder.value:
        holder.value[finding.suggested] = gone
        return set()
    return {str(last), *_names(gone)}


def _stand_in(root: Node, finding: Finding) -> set[str]:
    """Write something for the keys at the top that every playbook needs."""
    if not isinstance(root.value, dict):
        return set()
    for key in set(finding.wanted) & _STAND_INS.keys():
        root.value[key] = Node(_STAND_INS[key], root.place)
    return set(_STAND_INS.values())


def _at(node: Node, path: Sequence[str | int]) -> Node | None:
    """Return the node at a path, None if there is none."""
    for part in path:
        inside = node.value if isinstance(node.value, dict | list) else []
        known = part in inside if isinstance(inside, dict) else part in range(len(inside))
        if not known:
            return None
        node = inside[part]  # type: ignore[index]
    return node


def _names(node: Node) -> Iterator[str]:
    """Yield every text in a part of a file, and every key."""
    if isinstance(node.value, str):
        yield node.value
    elif isinstance(node.value, list):
        for entry in node.value:
            yield from _names(entry)
    elif isinstance(node.value, dict):
        yield from node.value
        for entry in node.value.values():
            yield from _names(entry)
