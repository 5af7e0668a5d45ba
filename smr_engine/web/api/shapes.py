"""What goes over the wire: parameters, bodies, pages, problems. Views go out as they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Header, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from smr_engine.errors import Invalid

V1 = "/api/v1"
T = TypeVar("T")
_VISIBLE = r"^[^\x00-\x1f\x7f]*$"

CaseRef = Annotated[
    str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$", description="CRISIS-2026-0007")
]
ItemId = Annotated[
    str,
    Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+\.[0-9]{1,9}$", description="CRISIS-2026-0007.12"),
]
Name = Annotated[str, Path(max_length=80, pattern=r"^[A-Za-z0-9_-]+$")]
Word = Annotated[str, Query(max_length=80, pattern=_VISIBLE)]
Limit = Annotated[int, Query(ge=1, le=200, description="How many rows at most.")]
After = Annotated[
    str, Query(max_length=120, pattern=_VISIBLE, description="`next` of the page before.")
]
Filter = Annotated[str, Field(max_length=80, pattern=_VISIBLE)]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=200,
        pattern=r"^[\x20-\x7e]*$",
        description="The same request again, under the same key, changes nothing again.",
    ),
]
AT_ONCE = 50


class Page(BaseModel, Generic[T]):
    """A page of a list; `next` is the `after` of the next one, null on the last."""

    rows: list[T]
    next: str | None = None


def page_of(rows: Sequence[T], name: Callable[[T], str], after: str, limit: int) -> Page[T]:
    """Return the page of a list that begins after the row of a name.

    Raises:
        Invalid: `bad-cursor`: there is no such row (any more).
    """
    names = [name(row) for row in rows]
    if after and after not in names:
        raise bad_cursor(after)
    first = names.index(after) + 1 if after else 0
    shown = rows[first : first + limit]
    more = first + limit < len(rows)
    return Page(rows=list(shown), next=name(shown[-1]) if more else None)


def bad_cursor(after: str) -> Invalid:
    """Return what is said of a cursor that leads nowhere."""
    return Invalid("bad-cursor", f"There is no row '{after}' to go on after", hint="begin again")


class Body(BaseModel):
    """What is sent; unknown fields are refused, so that a slip of the pen is not overlooked."""

    model_config = ConfigDict(extra="forbid")


def _whole_texts(values: dict[str, Any]) -> dict[str, Any]:
    """Refuse halves of surrogate pairs: JSON can say them, and nothing can keep them."""
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        raise ValueError("a text holds half of a surrogate pair, or lies too deep") from None
    return values


Text = Annotated[str, Field(max_length=100_000)]
Short = Annotated[str, Field(max_length=200)]
Values = Annotated[dict[str, Any], AfterValidator(_whole_texts)]


class NewCase(Body):
    """A case to open."""

    playbook: Short
    inputs: Values = {}
    severity: Short | None = None
    drill: bool = False


class Note(Body):
    """A remark."""

    text: Text


class Reason(Body):
    """Why."""

    reason: Text


class Severity(Body):
    """Another severity; with `dry_run` nothing changes."""

    level: Short
    reason: Text
    dry_run: bool = False


class Signal(Body):
    """A signal for the steps that wait for it."""

    name: Short
    key: Short = ""
    payload: Values = {}


class Met(Body):
    """That what a clock asks for was done, and how."""

    note: Text = ""


class Completion(Body):
    """The values of a filled form."""

    values: Values = {}


class Decision(Body):
    """One person's decision; `seen` is the `bundle_digest` of what they read."""

    decision: Literal["approve", "request_changes", "reject", "recuse"]
    seen: Annotated[str, Field(min_length=1, max_length=100)]
    comment: Text = ""


class Revision(Body):
    """A text; `done` finishes the draft, past failed checks with a reason."""

    text: Annotated[str, Field(max_length=300_000)]
    done: bool = False
    override: Text = ""


class Release(Body):
    """Breaking the glass; `seen` is the `bundle_digest` of what was read."""

    reason: Text
    seen: Annotated[str, Field(min_length=1, max_length=100)]


class Handover(Body):
    """Who does it from now on."""

    person: Short


class RepairAnswer(Body):
    """How a case goes on; `url` with `sent`: where the publication is."""

    answer: Literal["retry", "skip", "cancel", "sent", "not_sent"]
    reason: Text
    url: Annotated[str, Field(max_length=2_000)] = ""


class NewSchedule(Body):
    """A case to open again and again, by a rule of RFC 5545 at a local time."""

    playbook: Short
    rrule: Annotated[str, Field(max_length=500)]
    at: Annotated[str, Field(pattern=r"^[0-9]{2}:[0-9]{2}$")]
    timezone: Short
    missed: Literal["latest", "all", "skip"] = "latest"
    inputs: Values = {}


class Noted(BaseModel):
    """The case that was written into."""

    case: str


class Removed(BaseModel):
    """The schedule that is gone."""

    schedule: str


class Me(BaseModel):
    """Who the request counts for; `scopes` are those of a token, null in a session."""

    person: str
    name: str
    access: str
    roles: list[str]
    timezone: str
    assurance: str
    scopes: list[str] | None


class Verification(BaseModel):
    """How far a verification of the audit log is, and what the last one found."""

    running: bool
    begun_at: datetime | None
    ended_at: datetime | None
    done: int
    of: int
    ok: bool | None
    events: int | None
    cases: int | None
    problems: list[Any]
    fault: str


class Health(BaseModel):
    """That is all it says."""

    status: Literal["ok", "ready"]


class Problem(BaseModel):
    """A problem document (RFC 9457); `code` is stable, `hint` says what to do."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str | None = None
    where: str | None = None
