"""An item in words: what is asked, where texts go, what came of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from smr_engine.services.text import counted, instant, listed
from smr_engine.services.views import ItemView

KINDS: Mapping[str, str] = {
    "task": "Task",
    "draft": "Draft",
    "decision": "Decision",
    "approval": "Approval",
    "publish": "Posting by hand",
    "acknowledgement": "Message",
    "repair": "Repair",
}
REPAIRS: Mapping[str, tuple[str, str]] = {
    "retry": ("Try it again", "The step begins again."),
    "skip": ("Go on without it", "The step is skipped; so are publications that need it."),
    "sent": ("It did go out", "Say where it is; the case goes on."),
    "not_sent": ("It did not go out", "It is sent now."),
    "cancel": ("Stop the whole case", "Nothing that was published is taken back."),
}
DECISIONS: Mapping[str, str] = {
    "approve": "approved",
    "request_changes": "asked for changes",
    "reject": "rejected",
    "recuse": "stepped back",
}
_CAME_OF: Mapping[str, str] = {
    "approved": "Approved.",
    "ratified": "Ratified.",
    "rejected": "Rejected.",
    "refused": "Not ratified.",
    "changes_requested": "Changes were requested: it went back to its writers.",
}
_CLOSED: Mapping[str, str] = {
    "superseded": "The content changed, so this no longer counts.",
    "expired": "Nobody answered in time.",
    "cancelled": "It is no longer needed.",
}
_CHECKS: Mapping[str, Callable[[Any], str]] = {
    "max_words": lambda most: f"has at most {counted(most, 'word')}",
    "must_contain": lambda words: f"says {listed([f'“{word}”' for word in words])}",
    "must_not_contain": lambda words: (
        f"does not say {listed([f'“{word}”' for word in words], 'or')}"
    ),
    "reading_grade": lambda most: f"reads at grade {most} or below",
    "no_promised_times": lambda wanted: "promises no times" if wanted else "",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What a page says about an item besides its own texts."""

    kind: str
    waits_for: str
    came_of: str  # once it is closed
    mine: Mapping[str, Any] | None  # the reader's decision, if they took one
    places: list[list[tuple[str, str]]]  # where it goes, each as names with values
    checks: list[str]


def about(view: ItemView, person: str, zone: tzinfo) -> Words:
    """Return what is said about an item to one reader."""
    checks = [_CHECKS[rule](value) for check in view.checks for rule, value in check.items()]
    return Words(
        kind="Ratification" if view.ratifies and view.kind == "approval" else KINDS[view.kind],
        waits_for=listed([view.names.get(name, name) for name in view.waiting_for], "or"),
        came_of=_came_of(view),
        mine=next((vote for vote in view.votes if vote["person"] == person), None),
        places=[place(each, zone) for each in view.destinations],
        checks=[words for words in checks if words],
    )


def _came_of(view: ItemView) -> str:
    if view.status == "open":
        return ""
    if view.status in _CLOSED:
        return _CLOSED[view.status]
    if view.outcome in _CAME_OF and view.kind == "approval":
        return _CAME_OF[view.outcome]
    by = f" by {view.names[view.closed_by]}" if view.closed_by in view.names else ""
    if view.kind == "repair" and view.outcome in REPAIRS:
        return f"Settled{by}: {REPAIRS[view.outcome][0].lower()}."
    titles = {choice["id"]: choice["title"] for choice in view.choices}
    if view.kind == "decision":
        return f"Decided{by}: {titles.get(view.outcome, view.outcome)}."
    return f"Done{by}."


def place(entry: Mapping[str, Any], zone: tzinfo) -> list[tuple[str, str]]:
    """Return one destination as names with values, those that say something."""
    at = entry.get("at")
    found = [
        ("To", f"{entry['title']} ({entry['platform']})" if entry["platform"] else entry["title"]),
        ("Audience", entry.get("audience") or ""),
        ("Recipients", listed([to["name"] or to["id"] for to in entry["to"]])),
        ("In reply to", entry.get("in_reply_to") or ""),
        ("In place of", entry.get("replaces") or ""),
        ("Not before", instant(datetime.fromisoformat(at), zone) if at else ""),
        ("How", entry.get("instructions") or ""),
    ]
    return [(name, str(value)) for name, value in found if value]
