"""Builds decision steps: one question, a tree, a choice or a table."""

from __future__ import annotations

from typing import Any

from smr_engine.playbook import build_values as read
from smr_engine.playbook.build_values import Keys, optional
from smr_engine.playbook.fields import title_of
from smr_engine.playbook.model import DecisionStep, Outcome, Question, TableRow
from smr_engine.playbook.yaml_nodes import Node

YES, NO = Outcome("yes", "Yes"), Outcome("no", "No")


def decision(keys: Keys, common: dict[str, Any], levels: tuple[str, ...]) -> DecisionStep:
    """Return a decision step; `levels` are the severity labels, worst first."""
    if "ask" in keys:
        question = Question(common["id"], read.text(keys["ask"]), if_yes=YES, if_no=NO)
        return DecisionStep(**common, questions=(question,))
    if "tree" in keys:
        return DecisionStep(**common, questions=tuple(map(_question, keys["tree"].value)))
    if "choice" in keys:
        return DecisionStep(**common, choices=tuple(map(_outcome, keys["choice"].value)))
    return _table(keys["table"].value, common, levels)


def _question(node: Node) -> Question:
    keys = node.value
    return Question(
        id=read.text(keys["id"]),
        ask=read.text(keys["ask"]),
        if_yes=_way(keys["if_yes"]),
        if_no=_way(keys["if_no"]),
    )


def _way(node: Node) -> str | Outcome:
    return node.value if isinstance(node.value, str) else _outcome(node)


def _outcome(node: Node) -> Outcome:
    """Return a label alone, or {outcome, title}."""
    if isinstance(node.value, str):
        return Outcome(node.value, title_of(node.value))
    label = read.text(node.value["outcome"])
    return Outcome(label, optional(node.value, "title", read.text, title_of(label)))


def _table(table: Keys, common: dict[str, Any], levels: tuple[str, ...]) -> DecisionStep:
    rows = tuple(
        TableRow(read.expression(row.value["when"]), read.text(row.value["outcome"]))
        for row in table["rows"].value
    )
    pick = optional(table, "pick", read.text, "first")
    order = optional(table, "order", read.texts, levels if pick == "worst" else ())
    return DecisionStep(**common, rows=rows, pick=pick, worst_first=order)
