"""Values that somebody types as YAML (or JSON, which is YAML)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smr_engine.errors import Invalid
from smr_engine.playbook.yaml_source import load

MOST = 5
"""How many problems are named."""


def values_of(text: str, name: str) -> dict[str, Any]:
    """Return the values in a text; none where it is empty.

    Args:
        text: `title: Fire in hall 3`, a line each.
        name: what people call it.

    Raises:
        Invalid: `bad-values`: it is not YAML, or holds no keys.
    """
    if not text.strip():
        return {}
    located, problems = load(text.encode(errors="replace"), name)
    errors = [str(problem) for problem in problems if problem.severity == "error"]
    data = located.data if located is not None else None
    if errors or not isinstance(data, Mapping):
        hint = "write lines such as `title: Fire in hall 3`"
        message = "; ".join(errors[:MOST]) or f"{name}: keys and values are wanted"
        raise Invalid("bad-values", message, hint=hint)
    return dict(data)
