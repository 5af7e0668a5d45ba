"""One case that touches everything, and the people in it.

They look at what is open and act on it, one act at a time, the same in every run. After a crash
whoever was not told that their act is done looks again: they act only if it is not there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from smr_engine.engine.state import Item, Scope
from smr_engine.engine.statuses import ItemKind, ItemStatus
from smr_engine.services import cases, items
from smr_engine.services.stored import ItemRow
from smr_engine.services.workspace import Workspace, actor
from tests.crash.sink import posts

TAKEOVER = """
playbook: takeover-answer
version: 1.0.0
title: Answer to a false post on our own account
owner: smr-lead
case_prefix: POST
inputs:
  fields:
    partners: {type: list, of: text}
documents:
  statement:
    title: Statement on the false post
    audience: public
    template: "The post at 16:11 was not ours."
steps:
  - {id: draft_statement, kind: draft, document: statement, assign: {role: comms-writer}}
  - id: approve_statement
    kind: approval
    documents: [statement]
    quorum: [{role: comms-director, need: 1}, {role: legal, need: 1}]
    on_rejected: {end: rejected}
  - id: publish_statement
    kind: publish
    document: statement
    requires: [approve_statement]
    accounts: [newsroom, company-blog, partner-feed, old-board]
  - id: tell_frontline
    kind: notify
    to: {group: frontline}
    message: {subject: The statement is out, body: "{{ steps.publish_statement.output.url }}"}
    acknowledge: {due: 1h, wait: true}
  - {id: let_it_settle, kind: wait, for: 30m}
  - id: watch
    kind: task
    title: Watch what people say
    assign: {role: community-manager}
    due: 1h
    remind: [50%]
    escalate: [{at: 150%, to: {role: smr-lead}}]
  - id: each_partner
    kind: foreach
    in: inputs.partners
    as: partner
    steps:
      - {id: call_partner, kind: task, title: "Call the partner", assign: {role: smr-lead}}
  - {id: look_back, kind: playbook, playbook: look-back}
  - {id: close, kind: end, outcome: answered}
"""
LOOK_BACK = """
playbook: look-back
version: 1.0.0
title: Look back at what happened
owner: smr-lead
case_prefix: BACK
steps:
  - {id: write_down, kind: task, title: Write down what to keep, assign: {role: smr-lead}}
"""
PLACES = {"company-blog": "blog", "partner-feed": "feed", "old-board": "board"}
"""Where the sink keeps what was published to each account that is reached over HTTP."""
PLAYBOOKS = {"takeover-answer": TAKEOVER, "look-back": LOOK_BACK}
FIRST = "The post at 16:11 was not ours. We have locked the account."
FINAL = "The post at 16:11 was not ours. The account is locked; the regulator knows.\n"
PARTNERS = ["Halden Outdoor", "Nordlicht Verlag", "Trail Club"]


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody was told has been done: `kind` is the event that must be in the log for it."""

    kind: str
    person: str
    item: str = ""


class Diary:
    """What people have been told is done; written before they do anything else."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def note(self, act: Act) -> None:
        """Write an act down."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps([act.kind, act.person, act.item]) + "\n")

    def acts(self) -> list[Act]:
        """Return all of them."""
        if not self._file.is_file():
            return []
        return [Act(*json.loads(line)) for line in self._file.read_text("utf-8").splitlines()]


class People:
    """The people of the house, who look before they act."""

    def __init__(self, ws: Workspace, house: Path) -> None:
        self._ws = ws
        self._house = house
        self._diary = Diary(house / "diary")

    def start(self, stories: int = 1) -> None:
        """Open the cases; whoever was not told that one is open asks again under the same key."""
        opened = Act("CaseOpened", "ana")
        for number in range(self._diary.acts().count(opened), stories):
            opening = cases.Opening(key=f"false post {number}")
            inputs = {"partners": PARTNERS}
            cases.start(self._ws, actor(self._ws, "ana"), "takeover-answer", inputs, opening)
            self._diary.note(opened)

    def act(self) -> bool:
        """Do the next thing that waits for somebody; return whether there was one."""
        with self._ws.storage.reading() as unit:
            rows = unit.queries.items(status=ItemStatus.OPEN)
        for row in sorted(rows, key=lambda row: (row.case, int(row.id.rpartition(".")[2]))):
            done = self._answer(row)
            if done is not None:
                self._diary.note(done)
                return True
        return False

    def _answer(self, row: ItemRow) -> Act | None:
        if row.kind is ItemKind.DRAFT:
            return self._revise(row.id, FIRST, done=True)
        if row.kind is ItemKind.APPROVAL:
            return self._decide(self._scope(row).items[row.id])
        if row.kind is ItemKind.REPAIR:
            return self._repair(row)
        if row.step == "watch" and not row.escalated:
            return None  # until somebody is told that it is late
        person = row.offered[0]
        items.complete(self._ws, actor(self._ws, person), row.id, {})
        return Act("ItemCompleted", person, row.id)

    def _decide(self, item: Item) -> Act | None:
        """Legal approves; then the writer changes the text, and both approve the new one."""
        voted = {vote.person for vote in item.votes}
        if "lea" not in voted:
            return self._approve("lea", item.id)
        if not item.previous:
            return self._revise(self._draft(item.id), FINAL)
        return self._approve("carl", item.id)

    def _approve(self, person: str, item: str) -> Act:
        items.decide(self._ws, actor(self._ws, person), item, "approve")
        return Act("DecisionRecorded", person, item)

    def _revise(self, item: str, text: str, *, done: bool = False) -> Act:
        items.revise(self._ws, actor(self._ws, "tom"), item, text, done=done)
        return Act("DocumentRevised", "tom", item)

    def _repair(self, row: ItemRow) -> Act:
        """Look at the old board, as a person would, and say what is there."""
        scope = self._scope(row)
        key = scope.effects[scope.items[row.id].effect].key
        there = any(post.key == key for post in posts(self._house, "board"))
        answer, url = ("sent", "https://board.example.test/1") if there else ("not_sent", "")
        items.repair(self._ws, actor(self._ws, "ana"), row.id, answer, "I have looked", url=url)
        return Act("ItemCompleted", "ana", row.id)

    def _scope(self, row: ItemRow) -> Scope:
        with self._ws.storage.reading() as unit:
            return unit.cases.load(row.case, locate=row.id).scopes[row.scope]

    def _draft(self, item: str) -> str:
        with self._ws.storage.reading() as unit:
            rows = unit.queries.items(case=item.rpartition(".")[0])
        return next(row.id for row in rows if row.kind is ItemKind.DRAFT)
