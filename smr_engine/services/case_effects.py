"""What a case sent, or would have sent: every effect with its words, tries and flow run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smr_engine.engine.statuses import MESSAGES, EffectKind
from smr_engine.engine.world import World
from smr_engine.services.reading_texts import ERASED
from smr_engine.services.views import EffectRow, EventRow

_ENDS = frozenset({"EffectDone", "EffectFailed", "EffectUnknown"})


@dataclass(frozen=True, slots=True)
class EffectLine:
    """One effect of a case or of those under it.

    Args:
        row: as `smr show` gives it.
        words: what it does, for people.
        title: of the document or the message.
        text: the exact words that went out, or would have; empty where it says nothing.
        digest: SHA-256 of a publication's text, hex.
        to: names of those it is for.
        withheld: names of those who are outside and were not told, since this is an exercise.
        kept: nothing of it went out: this is an exercise.
        ended_at: when it was done or given up.
        run: id of the flow run that performed it; empty if none did.
    """

    row: EffectRow
    words: str
    title: str = ""
    text: str = ""
    digest: str = ""
    to: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    kept: bool = False
    ended_at: datetime | None = None
    run: str = ""

    @property
    def publishes(self) -> bool:
        """Return whether it makes something public."""
        return self.row.kind == EffectKind.PUBLICATION.value


def lines(
    rows: Iterable[EffectRow], events: Iterable[EventRow], world: World
) -> tuple[EffectLine, ...]:
    """Return effects with what their events say of them, the newest first."""
    owed: dict[str, EventRow] = {}
    ended: dict[str, EventRow] = {}
    for event in events:
        if event.kind == "EffectOwed":
            owed[event.data["effect"]] = event
        elif event.kind in _ENDS:
            ended[event.data["effect"]] = event
    found = [_line(row, owed[row.effect], ended.get(row.effect), world) for row in rows]
    return tuple(sorted(found, key=lambda line: line.row.owed_at, reverse=True))


def called(ref: Mapping[str, str], world: World) -> str:
    """Return what somebody who is told is called: a person, a contact, a vendor, an address."""
    name = ref["id"]
    register: Mapping[str, Any] = {
        "person": world.people,
        "contact": world.contacts,
        "vendor": world.vendors,
    }.get(ref["kind"], {})
    known = register.get(name)
    return str(known.name) if known else name


def _line(row: EffectRow, owed: EventRow, ended: EventRow | None, world: World) -> EffectLine:
    payload = owed.data.get("payload")
    known: Mapping[str, Any] = payload if isinstance(payload, Mapping) else {}
    result = ended.data.get("result") if ended else None
    outcome: Mapping[str, Any] = result if isinstance(result, Mapping) else {}
    publishes = row.kind == EffectKind.PUBLICATION.value
    speaks = publishes or row.kind in MESSAGES
    return EffectLine(
        row=row,
        words=_words(row, owed.data, known, world),
        title=str(known.get("title" if publishes else "subject") or ""),
        text=str(known.get("text" if publishes else "body", ERASED)) if speaks else "",
        digest=str(owed.data.get("digest") or "") if publishes else "",
        to=_names(known.get("to"), world),
        withheld=_names(known.get("withheld"), world),
        kept=outcome.get("withheld") is True,
        ended_at=ended.at if ended else None,
        run=str(outcome.get("flow_run") or ""),
    )


def _words(
    row: EffectRow, owed: Mapping[str, Any], payload: Mapping[str, Any], world: World
) -> str:
    account = world.accounts.get(str(owed.get("account") or ""))
    if account is not None and payload.get("title"):
        return f"{payload['title']} to {account.title}"
    if payload.get("subject"):
        subject = str(payload["subject"])
        return subject.partition("] ")[2] or subject  # without the case that the page is of
    return row.name.replace(" -> ", " to ").replace("_", " ")


def _names(refs: Any, world: World) -> tuple[str, ...]:
    return tuple(called(ref, world) for ref in refs) if isinstance(refs, list | tuple) else ()
