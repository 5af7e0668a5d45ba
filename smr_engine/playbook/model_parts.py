"""Values that many steps are made of: expressions, who, when."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from smr_engine.playbook.durations import Duration, Offset

JsonSchema = Mapping[str, Any]
Lines = Mapping[str, int]
"""Where the value of every key that was written begins."""
T = TypeVar("T")
_NAMES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Expression:
    """A bare Jinja expression (`when`, `until`, `in`); its value keeps its type."""

    source: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Template:
    """Text with `{{ }}`; a text that is exactly one expression yields that value with its type."""

    source: str
    line: int = 0

    @property
    def blank(self) -> str:
        """The text with a gap for each name, for places where no case fills it in."""
        return _NAMES.sub("…", self.source)


Value = Any
"""A JSON value in which every text is a `Template` (inputs, `with`, `set.values`)."""


@dataclass(frozen=True, slots=True)
class Varied(Generic[T]):
    """A value that may differ by severity label; `default` serves every label not named."""

    default: T | None = None
    by_severity: Mapping[str, T] = field(default_factory=dict)

    def at(self, label: str | None) -> T | None:
        """Return the value for a severity label, or the default."""
        return self.by_severity.get(label or "", self.default)


@dataclass(frozen=True, slots=True)
class DueAt:
    """A due time anchored to a recorded instant: `{at: "{{ ... }}", plus: 7d}`."""

    at: Template
    plus: Duration | None = None


Due = Duration | DueAt


# --- who ---------------------------------------------------------------------------------------


class PartyKind(StrEnum):
    """What a name in `assign`, `to` or `escalate` refers to."""

    ROLE = "role"
    GROUP = "group"
    PERSON = "person"
    DEPUTY_OF = "deputy_of"
    CONTACT = "contact"
    VENDOR = "vendor"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody: a role, a group, a person (template), a contact, a vendor or an address."""

    kind: PartyKind
    name: Template  # roles, groups, contacts and vendors are plain names without {{ }}
    line: int = 0


class ExclusionKind(StrEnum):
    """Who is kept from an item although a role would allow it."""

    AUTHOR = "author"  # everyone who saved a revision of a bound document
    REQUESTER = "requester"  # who started the case
    DID = "did"  # whoever completed the named step
    ROLE = "role"  # whoever holds the named role


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One entry of `except`; `name` is the step or role for DID and ROLE, else empty."""

    kind: ExclusionKind
    name: str = ""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who is asked: any one of the parties, or with `each` every person of them separately."""

    parties: tuple[Party, ...]
    each: bool = False
    exclude: tuple[Exclusion, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalation:
    """At this offset these parties are told why and may act too."""

    at: Offset
    to: tuple[Party, ...]
