"""What every event is, and how its erasable content is marked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def content(subject: str = "case", **options: Any) -> Any:
    """Mark a field as erasable content of a subject: `case` or `actor`."""
    return field(metadata={"content": subject}, **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a case. `path` names the step or scope it happened to."""

    path: str = ""
    scope: str = ""

    @classmethod
    def kind(cls) -> str:
        """Return the name under which the event is stored (contract)."""
        return cls.__name__
