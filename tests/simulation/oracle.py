"""A second opinion on everything that happens, from the log, the rows and the world outside alone.

It shares no code with the engine. `Oracle` follows the events as they are committed and keeps its
own small picture of each case; `rows.py` compares that picture with the tables. Whatever is wrong
raises AssertionError with a sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from smr_engine.services.ports import Message
from smr_engine.services.stored import StoredEvent
from tests.simulation.outside import Post
from tests.simulation.picture import (
    AFTER_THE_END,
    FIRED,
    STEP_ENDS,
    Asked,
    Owed,
    Staff,
    Told,
    digest_of,
    instant,
)
from tests.simulation.town import ACCOUNTS, DEPENDS, GLASS, QUORUM


class Oracle:
    """Follows all cases of one house."""

    def __init__(self, staff: Staff) -> None:
        self.staff = staff
        self.cases: dict[str, Told] = {}
        self.items: dict[str, Asked] = {}
        self.effects: dict[str, Owed] = {}
        self.keys: dict[str, str] = {}  # key -> effect
        self.timers: dict[str, tuple[datetime, str]] = {}  # pending -> instant and item
        self.fired: set[str] = set()
        self.texts: dict[tuple[str, str, str], list[tuple[str, str]]] = {}  # digest, author
        self.granted: dict[tuple[str, str, str], Asked] = {}
        self.not_sent: Counter[tuple[str, str]] = Counter()
        self._reminding: str | None = None  # the item whose reminder is owed next

    def follow(self, events: Iterable[StoredEvent]) -> None:
        """Take newly committed events, in the order of the log."""
        for event in events:
            if event.case:
                self._follow(event)

    def open_items(self, case: str = "") -> list[Asked]:
        """Return what waits for people, oldest first."""
        return [i for i in self.items.values() if i.status == "open" and case in {"", i.case}]

    # --- every event ---

    def _follow(self, event: StoredEvent) -> None:
        case = self.cases.setdefault(event.case, Told())
        assert event.at >= case.last_at, f"{event.case} goes back in time: {event.kind}"
        case.last_at = event.at
        over = case.status in {"completed", "cancelled"}
        late = event.kind in AFTER_THE_END or event.kind.startswith("Effect")
        late |= not over or self._ratifies(event)
        assert late, f"{event.kind} in {event.case}, which is {case.status}"
        self._timers(event)
        if event.kind != "EffectOwed":
            self._reminding = None
        if event.kind in STEP_ENDS or event.kind in {"StepStarted", "StepReopened"}:
            self._step(event, case)
        if handler := self._handlers().get(event.kind):
            handler(event)

    def _ratifies(self, event: StoredEvent) -> bool:
        """Return whether it is about a ratification: those outlive their case."""
        item = self.items.get(event.facts.get("item", ""))
        return bool(event.facts.get("ratifies") or (item and (item.released or item.ratifies)))

    def _handlers(self) -> Mapping[str, Callable[[StoredEvent], None]]:
        return {
            "CaseOpened": self._opened,
            "SeverityChanged": self._rescored,
            "CaseHeld": self._held,
            "CaseReleased": self._released,
            "CaseCompleted": self._closed,
            "CaseCancelled": self._closed,
            "SignalAwaited": self._awaited,
            "ItemOpened": self._item_opened,
            "ItemRescheduled": self._item_rescheduled,
            "ItemReassigned": self._item_reassigned,
            "ItemEscalated": self._item_escalated,
            "ItemReminded": self._item_reminded,
            "ItemWarned": self._item_reminded,
            "ItemCompleted": self._item_completed,
            "ItemClosed": self._item_closed,
            "DecisionRecorded": self._decided,
            "GlassBroken": self._glass_broken,
            "DocumentRevised": self._revised,
            "EffectOwed": self._owed,
            "PublicationStarted": self._begun,
            "EffectDone": self._effect_ended,
            "EffectFailed": self._effect_ended,
            "EffectUnknown": self._effect_ended,
            "EffectCancelled": self._effect_ended,
            "EffectResumed": self._effect_again,
            "EffectDeferred": self._effect_again,
        }

    # --- cases and steps ---

    def _opened(self, event: StoredEvent) -> None:
        drill, parent = event.facts.get("drill", False), event.facts.get("parent", "")
        assert not parent or self.cases[parent].drill == drill, f"{event.case} is not as {parent}"
        self.cases[event.case].drill = drill
        self.cases[event.case].severity = event.facts.get("severity") or ""

    def _rescored(self, event: StoredEvent) -> None:
        self.cases[event.case].severity = event.facts["after"]

    def _held(self, event: StoredEvent) -> None:
        self.cases[event.case].status = "held"

    def _released(self, event: StoredEvent) -> None:
        assert self.cases[event.case].status == "held", f"{event.case} was not held"
        self.cases[event.case].status = "open"

    def _closed(self, event: StoredEvent) -> None:
        self.cases[event.case].status = event.kind.removeprefix("Case").lower()

    def _awaited(self, event: StoredEvent) -> None:
        facts = event.facts
        self.cases[event.case].waits.append((facts["signal"], facts.get("key", "")))

    def _step(self, event: StoredEvent, case: Told) -> None:
        """No step begins twice or ends twice in one round; only what was over begins anew."""
        round_, status = case.steps.get(event.path, (1, "waiting"))
        wrong = f"{event.kind} of {event.case} {event.path}, which is {status} in round {round_}"
        assert event.facts["round"] == round_ + (event.kind == "StepReopened"), wrong
        if event.kind == "StepStarted":
            assert status == "waiting", wrong
        elif event.kind == "StepReopened":
            assert status != "waiting", wrong
            step = event.path.rsplit("/", 1)[-1]
            self.granted.pop((event.case, event.facts.get("scope", ""), step), None)
        elif event.kind == "StepSkipped":
            assert status in {"waiting", "active", "failed"}, wrong
        elif event.kind == "StepCancelled":
            assert status in {"active", "failed"}, wrong
        else:
            assert status == "active", wrong
        names = {"StepStarted": "active", "StepReopened": "waiting"}
        case.steps[event.path] = (event.facts["round"], names.get(event.kind, "over"))
        if event.kind == "StepFailed":
            case.steps[event.path] = (round_, "failed")

    # --- timers ---

    def _timers(self, event: StoredEvent) -> None:
        """A timer fires once, and never before its instant."""
        facts = event.facts
        if event.kind in FIRED:
            timer = facts["timer"]
            assert timer not in self.fired, f"the timer {timer} fires twice"
            assert timer in self.timers, f"nobody set the timer {timer}"
            at, _ = self.timers.pop(timer)
            assert event.at >= at, f"the timer {timer} fires {at - event.at} too early"
            self.fired.add(timer)
        elif "timer" in facts and "at" in facts:
            self.timers.pop(facts["timer"], None)
            self.timers[facts.get("becomes", facts["timer"])] = (instant(facts["at"]), "")
        elif event.kind == "ItemRescheduled":
            self.timers = {t: set_ for t, set_ in self.timers.items() if set_[1] != facts["item"]}
        rules = [*facts.get("timers", ()), *([facts["next"]] if facts.get("next") else [])]
        for rule in rules:
            self.timers[rule["id"]] = (instant(rule["at"]), facts.get("item", ""))

    # --- items ---

    def _item_opened(self, event: StoredEvent) -> None:
        facts = event.facts
        expires = facts.get("expires_at")
        self.items[facts["item"]] = Asked(
            id=facts["item"],
            case=event.case,
            scope=facts.get("scope", ""),
            kind=facts["kind_of"],
            step=facts["step"],
            lines=list(facts.get("lines", ())),
            excluded=set(facts.get("excluded", ())),
            asked=[*facts["offered"], *facts.get("escalated", ())],
            digest=facts.get("bundle_digest", ""),
            bundle=event.content.get("bundle") or {},
            expires_at=instant(expires) if expires else None,
            effect=facts.get("effect", ""),
            subject=event.content.get("subject", ""),
            holds=facts["holds"],
            ratifies=facts.get("ratifies", ""),
        )
        item = self.items[facts["item"]]
        if item.kind == "publish":
            self._covered(event, item, item.bundle["account"], item.bundle["text"])

    def _item_rescheduled(self, event: StoredEvent) -> None:
        item, expires = self._open(event), event.facts.get("expires_at")
        item.lines = list(event.facts.get("lines", ()))
        item.asked = [*event.facts["offered"], *item.asked]
        item.expires_at = instant(expires) if expires else None

    def _item_reassigned(self, event: StoredEvent) -> None:
        item = self._open(event)
        assert event.facts["to"] not in item.excluded
        item.asked = [event.facts["to"]]

    def _item_escalated(self, event: StoredEvent) -> None:
        item = self._open(event)
        assert not set(event.facts["people"]) & item.excluded, "escalated to somebody kept out"
        item.asked += event.facts["people"]

    def _item_reminded(self, event: StoredEvent) -> None:
        item = self._open(event)
        answered = set(event.facts["people"]) & (item.answered | item.excluded)
        self._reminding = item.id if event.facts["people"] else None
        assert not answered, f"{event.kind} of {item.id} to {answered}, who have answered"

    def _item_completed(self, event: StoredEvent) -> None:
        item = self._open(event)
        item.status = "completed"
        by_person = event.actor in self.staff.roles
        if by_person and item.expires_at is not None:
            assert event.at < item.expires_at, f"{item.id} was answered after it had expired"
        assert event.actor not in item.excluded or item.kind == "repair"
        if item.ratifies and event.facts["outcome"] == "ratified":
            assert item.is_full(item.lines), f"{item.id} was ratified without its quorum"
        if item.kind == "approval" and event.facts["outcome"] == "approved":
            assert not item.ratifies, f"{item.id} only ratifies, and was granted"
            assert item.released or item.is_full(item.lines), (
                f"{item.id} was granted without its quorum"
            )
            for entry in item.bundle["documents"]:
                saved = self.texts[item.case, entry["scope"], entry["document"]]
                assert saved[-1][0] == entry["digest"], "what was approved is not the newest text"
                assert not item.answered & {author for _, author in saved}, "an author decided"
            self.granted[item.case, item.scope, item.step] = item
        if item.kind == "repair" and event.facts["outcome"] == "not_sent":
            self.not_sent[item.case, self.effects[item.effect].account] += 1

    def _item_closed(self, event: StoredEvent) -> None:
        item = self._open(event)
        item.status = event.facts["status"]
        if item.status == "expired":
            assert item.expires_at is not None
            assert event.at >= item.expires_at, f"{item.id} expires too early"

    def _open(self, event: StoredEvent) -> Asked:
        item = self.items[event.facts["item"]]
        assert item.status == "open", f"{event.kind} of {item.id}, which is {item.status}"
        return item

    # --- decisions ---

    def _decided(self, event: StoredEvent) -> None:
        item = self._open(event)
        facts = event.facts
        assert facts["digest"] == item.digest, "somebody decided on other content"
        assert event.actor not in item.answered, f"{event.actor} decides twice on {item.id}"
        assert not {event.actor, facts.get("on_behalf_of", "")} & item.excluded
        for role in facts["roles"]:
            assert self.staff.may_claim(event.actor, role), f"{event.actor} is no {role}"
        if item.expires_at is not None:
            assert event.at < item.expires_at, f"{item.id} was decided after it had expired"
        item.votes.append(event)

    def _glass_broken(self, event: StoredEvent) -> None:
        """One person releases exactly what the others are asked about."""
        item, facts = self._open(event), event.facts
        assert not item.ratifies, f"{item.id} only ratifies, and is released"
        assert facts["digest"] == item.digest, "somebody released other content"
        assert not {event.actor, facts.get("on_behalf_of", "")} & item.excluded
        assert self.staff.may_claim(event.actor, GLASS[item.step]), f"{event.actor} may not release"
        item.released = True

    # --- documents and effects ---

    def _revised(self, event: StoredEvent) -> None:
        facts = event.facts
        key = (event.case, facts.get("scope", ""), facts["document"])
        saved = self.texts.setdefault(key, [])
        text = event.content["text"]
        assert digest_of(text) == facts["digest"], "a revision has another text's digest"
        assert len(saved) + 1 == facts["revision"], "a revision is missing or there twice"
        saved.append((facts["digest"], facts.get("author", "")))

    def _owed(self, event: StoredEvent) -> None:
        facts = event.facts
        effect = Owed(
            id=facts["effect"],
            case=event.case,
            scope=facts.get("scope", ""),
            kind=facts["kind_of"],
            step=facts["step"],
            reminds=self._reminding == facts.get("item", ""),
            item=facts.get("item", ""),
            account=facts.get("account", ""),
            digest=facts.get("digest", ""),
            payload=event.content["payload"],
        )
        assert effect.id not in self.effects
        assert facts["key"] not in self.keys, "two effects share an idempotency key"
        self.effects[effect.id] = effect
        self.keys[facts["key"]] = effect.id

    def _begun(self, event: StoredEvent) -> None:
        effect = self.effects[event.facts["effect"]]
        assert effect.status == "owed", f"{effect.id} begins and is {effect.status}"
        effect.status = "sending"
        effect.begun += 1
        assert not self.cases[effect.case].drill, f"{effect.id} is to leave the house in a drill"
        self._covered(event, effect, effect.account, effect.payload["text"])

    def _effect_ended(self, event: StoredEvent) -> None:
        effect = self.effects[event.facts["effect"]]
        before = {"owed", "sending"} | ({"unknown"} if event.kind != "EffectUnknown" else set())
        assert effect.status in before, f"{event.kind} of {effect.id}, which is {effect.status}"
        effect.status = event.kind.removeprefix("Effect").lower()

    def _effect_again(self, event: StoredEvent) -> None:
        effect = self.effects[event.facts["effect"]]
        assert effect.status in {"owed", "sending", "unknown"}, f"{effect.id} is {effect.status}"
        effect.status = "owed"

    def _covered(self, event: StoredEvent, what: Asked | Owed, account: str, text: str) -> None:
        """What goes out was approved word for word, for this account and by now, and is newest."""
        case, scope, step = what.case, what.scope, what.step
        approval = self.granted.get((case, scope, DEPENDS[step]))
        assert approval is not None, f"{case} {step} goes out without its approval"
        lines = QUORUM.get((DEPENDS[step], self.cases[case].severity), approval.lines)
        assert approval.released or approval.is_full(lines), f"{case} {step}: too few approved"
        entries = approval.bundle["documents"]
        assert [e["digest"] for e in entries] == [digest_of(text)], f"{case} {step}: other words"
        places = [p for p in approval.bundle["publications"] if p["step"] == step]
        assert any(account in p["accounts"] for p in places), f"{account} was not approved"
        early = [p["at"] for p in places if p.get("at") and event.at < instant(p["at"])]
        assert not early, f"{case} {step} begins at {event.at}, and was approved for {early}"
        for entry in entries:
            assert self.texts[case, entry["scope"], entry["document"]][-1][0] == entry["digest"]

    # --- the world outside ---

    def check_call(self, key: str) -> None:
        """Another system hears nothing of a drill."""
        effect = self.effects[self.keys[key]]
        assert not self.cases[effect.case].drill, f"{effect.id} is called in a drill"

    def check_letter(self, message: Message) -> None:
        """A letter reminds nobody of what they have answered, or what nobody is asked any more.

        One from a drill says so, and goes to nobody outside.
        """
        to = message.recipient.id
        if message.case:
            assert message.drill == self.cases[message.case].drill, f"{message.key}: which is it?"
        assert not message.drill or to in self.staff.roles, f"{to} gets a letter from a drill"
        for item in self.reminds_of(to, message.body):
            assert self.cases[item.case].drill == message.drill, f"{item.id}: which is it?"
            assert to not in item.answered, f"{to} is reminded of {item.id}, and has answered"
            assert item.status == "open", f"{to} is reminded of {item.id}, which is {item.status}"

    def reminds_of(self, to: str, text: str) -> list[Asked]:
        """Return the items that a letter reminds somebody of; it may hold several reminders."""
        return [
            self.items[effect.item]
            for effect in self.effects.values()
            if effect.reminds
            and {"kind": "person", "id": to} in effect.payload["to"]
            and effect.payload["body"] in text
        ]

    def check_posts(self, posts: Iterable[Post], frozen: Mapping[str, int]) -> None:
        """What is out had begun, says what was owed, and is out once.

        Args:
            posts: all that ever arrived.
            frozen: how often a performer stood still on its way to each account; where no key
                holds it up, what it sends afterwards arrives beside that of whoever took over.
        """
        times: Counter[tuple[str, str, str, str, str]] = Counter()
        for post in posts:
            effect = self.effects[self.keys[post.key]]
            assert not self.cases[effect.case].drill, f"{effect.id} went out in a drill"
            assert effect.begun, f"{effect.id} went out and had not begun"
            assert digest_of(post.text) == effect.digest, f"{effect.id} says other words"
            assert effect.account == post.account
            place = (effect.case, effect.scope, effect.step, effect.account, effect.digest)
            times[place] += not post.again
        for place, n in times.items():
            case, _, _, account, _ = place  # nobody could know, or somebody said it was not sent
            again = self.not_sent[case, account] + frozen[account]
            again *= ACCOUNTS[account] != "key"
            assert n <= 1 + again, f"{place} went out {n} times"
