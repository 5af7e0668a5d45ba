"""Decisions on approvals, and the documents they are about."""

from __future__ import annotations

from typing import Annotated

import typer

from smr_engine.cli.cases import CaseArgument
from smr_engine.cli.commands import Group
from smr_engine.cli.items import ItemArgument
from smr_engine.cli.output import write_json, write_raw
from smr_engine.cli.session import Session
from smr_engine.services.text import counted

GROUP = Group("", "Decisions")

Comment = Annotated[
    str, typer.Option("--comment", metavar="C", help="Why; required for all but approve.")
]


@GROUP.command(
    "approve", "smr approve CRISIS-2026-0007.12", "smr approve CRISIS-2026-0007.12 --as lea"
)
def approve(session: Session, item: ItemArgument, comment: Comment = "") -> None:
    """Approve exactly what `smr item` shows."""
    _decide(session, item, "approve", comment)


@GROUP.command(
    "request-changes",
    "smr request-changes CRISIS-2026-0007.12 --comment 'Name the product, not the supplier'",
)
def request_changes(session: Session, item: ItemArgument, comment: Comment = "") -> None:
    """Send the content back to its writers."""
    _decide(session, item, "request_changes", comment)


@GROUP.command("reject", "smr reject CRISIS-2026-0007.12 --comment 'We will not comment on this'")
def reject(session: Session, item: ItemArgument, comment: Comment = "") -> None:
    """Reject the content for good."""
    _decide(session, item, "reject", comment)


@GROUP.command("recuse", "smr recuse CRISIS-2026-0007.12 --comment 'My brother works there'")
def recuse(session: Session, item: ItemArgument, comment: Comment = "") -> None:
    """Step back from deciding, with the reason."""
    _decide(session, item, "recuse", comment)


_SAID = {
    "approve": "approved",
    "request_changes": "asked for changes to",
    "reject": "rejected",
    "recuse": "stepped back from",
}


def _decide(session: Session, item: str, decision: str, comment: str) -> None:
    from smr_engine.services import items

    actor = session.actor
    view = items.decide(session.ws, actor, item, decision, comment)
    if session.as_json:
        write_json(view)
        return
    words = f"{session.name_of(actor.id)} {_SAID[decision]} {item} (content {view.digest[:12]})"
    if view.granted:
        write_raw(f"{words}. The approval is granted.")
    elif decision in {"approve", "recuse"}:
        write_raw(f"{words}; {counted(view.remaining, 'more approval')} needed.")
    else:
        write_raw(f"{words}.")


@GROUP.command(
    "break-glass", "smr break-glass CRISIS-2026-0007.12 --reason 'Lives at risk, Legal asleep'"
)
def break_glass(
    session: Session,
    item: ItemArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="R", help="Why; it is recorded.")],
) -> None:
    """Release content before its approval.

    It goes out at once; the quorum is asked afterwards whether that was right.
    """
    from smr_engine.services import items

    view = items.break_glass(session.ws, session.actor, item, reason)
    if session.as_json:
        write_json(view)
        return
    asked = f"asked in {view.ratification}" if view.ratification else "impossible: see smr inbox"
    write_raw(f"{item} is released (content {view.digest[:12]}). Ratification is {asked}.")


@GROUP.command(
    "document",
    "smr document CRISIS-2026-0007 holding_statement",
    "smr document CRISIS-2026-0007 update@updates[2] --revision 1",
    "smr document CRISIS-2026-0007 holding_statement --diff 1 2",
)
def document(
    session: Session,
    case: CaseArgument,
    name: Annotated[
        str, typer.Argument(metavar="NAME[@SCOPE]", help="A document; `smr show CASE` lists them.")
    ],
    revision: Annotated[
        int | None, typer.Option("--revision", metavar="N", help="Not the newest but this one.")
    ] = None,
    diff: Annotated[
        tuple[int, int] | None,
        typer.Option("--diff", metavar="N M", help="What changed from version N to M."),
    ] = None,
) -> None:
    """Print a document, or what changed in it."""
    from smr_engine.cli import render_cases
    from smr_engine.services import reading

    plain, _, scope = name.partition("@")
    view = reading.document(
        session.ws, case, plain, scope, revision=revision, diff=diff, person=session.reader
    )
    if session.as_json:
        write_json(view)
    else:
        render_cases.document(session, view)
