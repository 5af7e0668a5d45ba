"""What somebody may do with an item besides answering it: tried on the case as it is, not kept.

The engine alone knows what it would refuse; asking it keeps pages from offering what cannot work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from smr_engine.engine import commands as c
from smr_engine.engine.drafts import failed_checks
from smr_engine.engine.statuses import ItemKind
from smr_engine.errors import NotFound, SmrError
from smr_engine.playbook.model import DraftCheck
from smr_engine.services.transact import Order, case_of, foresee
from smr_engine.services.views import ItemView
from smr_engine.services.workspace import Actor, Workspace

_TRIED = "tried"


@dataclass(frozen=True, slots=True)
class Acts:
    """What may be done with an item as of now; `repairs` are the answers that would be taken."""

    reassign: bool = False
    attach: bool = False
    revise: bool = False
    repairs: tuple[str, ...] = ()


def possible(ws: Workspace, actor: Actor, view: ItemView) -> Acts:
    """Return what an actor may do with an item that they see."""
    item, kind = view.item, ItemKind(view.kind)
    if view.status != "open" and kind is not ItemKind.DRAFT:
        return Acts()

    def accepted(command: c.Command) -> bool:
        try:
            foresee(ws, Order(case_of(item), command, actor, item))
        except SmrError:
            return False
        return True

    return Acts(
        reassign=kind is not ItemKind.APPROVAL and accepted(c.Reassign(item, actor.id)),
        attach=kind in _WITH_FILES and accepted(c.Attach(item, "", _TRIED, 0)),
        revise=kind is ItemKind.DRAFT and accepted(c.ReviseDocument(item, _other_text(view))),
        repairs=_repairs(item, accepted) if kind is ItemKind.REPAIR else (),
    )


def failed(view: ItemView, text: str) -> list[str]:
    """Return which checks of a draft a text would not pass, a sentence each. Pure."""
    checks = (DraftCheck(rule, value) for check in view.checks for rule, value in check.items())
    return failed_checks(checks, text)


def attached(ws: Workspace, view: ItemView, digest: str) -> tuple[str, bytes]:
    """Return the name and the bytes of a file that an item shows.

    Raises:
        NotFound: `no-such-file`: the item shows none of that digest, or it is a mere address.
    """
    shown: Mapping[str, str] = {each["digest"]: each["name"] for each in view.attachments}
    data = ws.attachments.get(digest) if digest in shown else None
    if data is None:
        raise NotFound("no-such-file", f"{view.item} has no such file", where=view.item)
    return shown[digest], data


_WITH_FILES = frozenset({ItemKind.TASK, ItemKind.DRAFT, ItemKind.DECISION, ItemKind.PUBLISH})


def _other_text(view: ItemView) -> str:
    """Return a text that is not the newest: saving what is there already is never refused."""
    return f"{view.content[0]['text'] if view.content else ''} {_TRIED}"


def _repairs(item: str, accepted: Callable[[c.Command], bool]) -> tuple[str, ...]:
    answers = (c.Repair(item, answer, _TRIED) for answer in c.RepairAnswer)
    return tuple(each.answer.value for each in answers if accepted(each))
