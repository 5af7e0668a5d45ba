"""Sentences about documents, items and effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from smr_engine.engine.statuses import MESSAGES, EffectKind
from smr_engine.services.names import words
from smr_engine.services.sentence_parts import (
    Memory,
    Sentence,
    actor,
    effect_name,
    item_title,
    people,
    publication,
    silent,
    subject,
    texts,
    they_were,
    version,
)
from smr_engine.services.text import listed
from smr_engine.services.views import EventRow


def _revised(event: EventRow, memory: Memory) -> str:
    data = event.data
    text = version(event, memory, data["document"], data["revision"])
    if data.get("source") == "template":
        return f"{text}, was made from its template"
    if data.get("source") == "handed_over":
        return f"{text}, was handed over by the parent case"
    past = ", past failed checks" if data.get("override") else ""
    return f"{actor(event, memory)} saved {text}{past}"


_ASKED = {
    "task": "to do",
    "draft": "to write",
    "decision": "to decide",
    "approval": "to approve",
    "publish": "to post",
    "acknowledgement": "to acknowledge",
    "repair": "to settle",
}


def _item_opened(event: EventRow, memory: Memory) -> str:
    data = event.data
    were = they_were(memory.asked(event), memory)
    asked = _ASKED.get(data["kind_of"], "to act on")
    again = " again" if data.get("previous") else ""
    return f"{were} asked{again} {asked} '{data.get('title') or data['item']}'"


_DID = {
    "task": "completed",
    "draft": "finished",
    "publish": "posted",
    "acknowledgement": "acknowledged",
}


def _item_completed(event: EventRow, memory: Memory) -> str:
    data, who, title = event.data, actor(event, memory), item_title(event, memory)
    kind = memory.items.get(data["item"], {}).get("kind_of", "task")
    if kind == "approval":
        granted = data["outcome"] == "approved" and data["item"] not in memory.broken
        return f"{title} is approved: the quorum is filled" if granted else ""
    if kind == "decision":
        outcome = memory.names.outcome(event.case or "", event.path, data["outcome"])
        return f"{who} decided {title}: {outcome}"
    if kind == "repair":
        return f"{who} settled {title}: {words(str(data['outcome']))}"
    counts_for = data.get("by") or ""
    if kind == "acknowledgement" and counts_for not in {"", event.actor}:
        return f"{who} recorded that {memory.names.person(counts_for)} acknowledged {title}"
    return f"{who} {_DID.get(kind, 'completed')} {title}"


def _item_closed(event: EventRow, memory: Memory) -> str:
    data = event.data
    if data["status"] == "superseded":
        return f"{item_title(event, memory)} no longer counts: {data['why']}"
    if data["status"] == "expired":
        return f"{item_title(event, memory)} expired: {data['why']}"
    return f"{item_title(event, memory)} was closed: {data['why']}"


def _reassigned(event: EventRow, memory: Memory) -> str:
    to = memory.names.person(event.data["to"])
    return f"{actor(event, memory)} handed {item_title(event, memory)} over to {to}"


def _reminded(event: EventRow, memory: Memory) -> str:
    """Tell who was reminded: nobody, where those whose time it was have answered."""
    if not event.data["people"] and not event.data.get("later"):
        return ""
    were = they_were(event.data["people"], memory)
    return f"{were} reminded of {item_title(event, memory)}{_later(event, memory)}"


def _warned(event: EventRow, memory: Memory) -> str:
    were = they_were(event.data["people"], memory)
    item = item_title(event, memory)
    return f"{were} warned that {item} is about to expire{_later(event, memory)}"


def _escalated(event: EventRow, memory: Memory) -> str:
    who = people(event.data["people"], memory)
    return f"{item_title(event, memory)} was escalated to {who}{_later(event, memory)}"


def _later(event: EventRow, memory: Memory) -> str:
    late = people(list(event.data.get("later") or ()), memory)
    return f"; told after their quiet hours: {late}" if late else ""


_DECIDED = {
    "approve": "approved",
    "request_changes": "asked for changes to",
    "reject": "rejected",
    "recuse": "stepped back from deciding on",
}


def _decision(event: EventRow, memory: Memory) -> str:
    data = event.data
    roles = listed([memory.names.role(role) for role in data.get("roles") or ()])
    held = f", as {roles}" if roles else ""
    return f"{actor(event, memory)} {_DECIDED[data['decision']]} {texts(event, memory)}{held}"


def _glass_broken(event: EventRow, memory: Memory) -> str:
    what = texts(event, memory)
    return f"{actor(event, memory)} broke the glass: released {what}, before its approval"


def _ratified(event: EventRow, memory: Memory) -> str:
    return f"The release of {item_title(event, memory)} is ratified"


def _unratified(event: EventRow, memory: Memory) -> str:
    reason = f": {event.data['reason']}" if event.data.get("reason") else ""
    return f"The release of {item_title(event, memory)} is UNRATIFIED{reason}"


def _evidence(event: EventRow, memory: Memory) -> str:
    what = event.data.get("name") or event.data.get("url") or "evidence"
    return f"{actor(event, memory)} attached {what} to {item_title(event, memory)}"


# --- effects -----------------------------------------------------------------------------------


def _begun(event: EventRow, memory: Memory) -> str:
    return f"The approval was checked again, and {effect_name(event, memory)} began"


def _effect_done(event: EventRow, memory: Memory) -> str:
    kind = memory.effects.get(event.data["effect"], {}).get("kind_of")
    if kind == EffectKind.CASE.value:
        return ""
    result = event.data.get("result") or {}
    bare = "flow_run" in result and result["flow_run"] is None
    alone = " (without a flow run: Prefect did not answer)" if bare else ""
    told = _message_sent if kind in MESSAGES else _sent
    return f"{told(event, result, memory)}{alone}"


def _message_sent(event: EventRow, result: Mapping[str, Any], memory: Memory) -> str:
    told = people(result.get("told") or (), memory) or "nobody"
    withheld = people(result.get("withheld") or (), memory)
    settled = people(result.get("settled") or (), memory)
    kept = f"; EXERCISE, not told: {withheld}" if withheld else ""
    kept += f"; already settled, so not told: {settled}" if settled else ""
    return f"Told {told}: {subject(event, memory)}{kept}"


def _sent(event: EventRow, result: Mapping[str, Any], memory: Memory) -> str:
    if result.get("withheld"):
        return f"EXERCISE, not sent: {effect_name(event, memory)}"
    if memory.effects.get(event.data["effect"], {}).get("account"):
        return f"Published {publication(event, memory)}: {result.get('url') or ''}"
    return f"Done: {effect_name(event, memory)}"


def _effect(what: str) -> Callable[[EventRow, Memory], str]:
    def sentence(event: EventRow, memory: Memory) -> str:
        return f"{what}: {effect_name(event, memory)}"

    return sentence


def _deferred(event: EventRow, memory: Memory) -> str:
    if not event.data.get("tries", 1):
        return ""
    reason = f" ({event.data['reason']})" if event.data.get("reason") else ""
    return f"Failed for now{reason}, will be tried again: {effect_name(event, memory)}"


def _effect_cancelled(event: EventRow, memory: Memory) -> str:
    """Tell what will not go out; a message is replaced by the next, and nobody misses it."""
    if memory.effects.get(event.data["effect"], {}).get("kind_of") in MESSAGES:
        return ""
    return f"No longer owed: {effect_name(event, memory)}"


OF_ITEMS: Mapping[str, Sentence] = {
    "DecisionRecorded": _decision,
    "DocumentRevised": _revised,
    "EffectFailed": _effect("Failed"),
    "EffectUnknown": _effect("It may or may not have happened"),
    "ItemOpened": _item_opened,
    "ItemCompleted": _item_completed,
    "ItemClosed": _item_closed,
    "ItemReassigned": _reassigned,
    "ItemReminded": _reminded,
    "ItemWarned": _warned,
    "ItemEscalated": _escalated,
    "GlassBroken": _glass_broken,
    "Ratified": _ratified,
    "Unratified": _unratified,
    "EvidenceAttached": _evidence,
    "EffectOwed": silent,
    "PublicationStarted": _begun,
    "EffectDone": _effect_done,
    "EffectDeferred": _deferred,
    "EffectResumed": _effect("Found not to have happened, owed again"),
    "EffectCancelled": _effect_cancelled,
    "OutcomeNoted": _effect("A late answer came"),
}
"""Sentences about documents, items and effects."""
