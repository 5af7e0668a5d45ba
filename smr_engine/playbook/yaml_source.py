"""Reads a strict subset of YAML, and remembers where every value stands.

The subset: one document, core scalars of YAML 1.2, no tags, anchors, aliases or duplicate keys,
keys are text, bounded in bytes, depth and values.
"""

from __future__ import annotations

from smr_engine.playbook.problems import Place, Problem, Problems
from smr_engine.playbook.yaml_composer import Composer
from smr_engine.playbook.yaml_nodes import Located, Node
from smr_engine.playbook.yaml_scalars import CONTROL

__all__ = ["MAX_BYTES", "Located", "Node", "load"]

MAX_BYTES = 256 * 1024


def load(text: bytes | str, file: str) -> tuple[Located | None, list[Problem]]:
    """Return the content of a YAML text with its places, and all problems of its form.

    Args:
        text: the file's bytes (UTF-8), or its text.
        file: the name to use in problems.

    Returns:
        The content, or None where it is unusable; and the problems, warnings among them. With
        content there may still be errors (a duplicate key), so that later checks can add theirs.
    """
    problems = Problems(file)
    source = _decoded(text, problems)
    if source is None:
        return None, problems.sorted()
    root = Composer(source, problems).compose()
    if root is None:
        return None, problems.sorted()
    return Located(root.plain(), root), problems.sorted()


def _decoded(text: bytes | str, problems: Problems) -> str | None:
    if len(text) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024} KiB"
        problems.error("too-large", message, Place(1), "split it into several files")
        return None
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError as fault:
        place = Place(fault.object.count(b"\n", 0, fault.start) + 1)
        problems.error("not-utf8", "the file is not UTF-8 text", place, "save it as UTF-8")
        return None
    decoded = decoded.removeprefix("\ufeff")
    found = CONTROL.search(decoded)
    if found is None:
        return decoded
    line = decoded.count("\n", 0, found.start()) + 1
    column = found.start() - decoded.rfind("\n", 0, found.start())
    message = f"the file contains the control character U+{ord(found[0]):04X}"
    problems.error("control-character", message, Place(line, column), "delete it")
    return None
