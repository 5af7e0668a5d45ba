"""The audit trail: the log, who approved which response, and whether it verifies."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from smr_engine.cli.cases import CaseArgument
from smr_engine.cli.commands import Group
from smr_engine.cli.failures import UNPROVEN, not_yet
from smr_engine.cli.output import write_json, write_json_list
from smr_engine.cli.session import Session

GROUP = Group("audit", "Who did what, and whether the record still says so.")


class LogFormat(StrEnum):
    """How the log is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@GROUP.command(
    "log",
    "smr audit log --case CRISIS-2026-0007",
    "smr audit log --actor lea --since 2026-11-01 --format csv > november.csv",
)
def log(
    session: Session,
    case: Annotated[str | None, typer.Option("--case", metavar="CASE", help="Of one case.")] = None,
    actor: Annotated[
        str | None, typer.Option("--actor", metavar="PERSON", help="Done by somebody.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="Like DecisionRecorded.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="From this date or instant on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="T", help="Before this date or instant.")
    ] = None,
    form: Annotated[LogFormat | None, typer.Option("--format", help="How it is written.")] = None,
) -> None:
    """Print the audit trail, oldest event first."""
    from smr_engine.cli import render_audit
    from smr_engine.services import auditing

    events = auditing.log(
        session.ws,
        session.reader,
        case=case,
        actor=actor,
        kind=kind,
        since=_instant(session, since),
        until=_instant(session, until),
    )
    if form is LogFormat.CSV:
        render_audit.log_csv(events)
    elif form is LogFormat.JSON or (session.as_json and form is None):
        write_json_list(events)
    else:
        render_audit.log_lines(session.zone, events)


def _instant(session: Session, text: str | None) -> datetime | None:
    """Return the instant a person wrote; a date is its midnight, both in their zone."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as fault:
        message = f"'{text}' is no date or instant: write 2026-11-23 or 2026-11-23T14:05"
        raise typer.BadParameter(message) from fault
    return at if at.tzinfo else at.replace(tzinfo=session.zone)


@GROUP.command(
    "who", "smr audit who CRISIS-2026-0007", "smr audit who CRISIS-2026-0007 holding_statement"
)
def who(
    session: Session,
    case: CaseArgument,
    document: Annotated[
        str | None, typer.Argument(metavar="DOCUMENT", help="Only this document.")
    ] = None,
) -> None:
    """Show who approved which response, and what counts.

    One block per version: who decided, in which role, when, and where it was published.
    """
    from smr_engine.cli import render_audit
    from smr_engine.services import auditing, histories

    rows = auditing.who(session.ws, case, document, session.reader)
    if session.as_json:
        write_json(rows)
    else:
        names = histories.names_in(session.ws, (row.case for row in rows), session.zone)
        render_audit.who(session, case, rows, names)


@GROUP.command("verify", "smr audit verify")
def verify(
    session: Session,
    checkpoint: Annotated[
        str | None, typer.Option("--checkpoint", metavar="FILE", help="Comes with a later version.")
    ] = None,
) -> int:
    """Check that the audit log still holds; exits 3 if not.

    Recomputes every leaf and chain, folds every case again and compares all that is shown.
    """
    from smr_engine.cli import render_audit
    from smr_engine.services import auditing

    if checkpoint is not None:
        raise not_yet("smr audit verify --checkpoint", "smr audit verify checks all that is here")
    view = auditing.verify(session.ws)
    if session.as_json:
        write_json(view)
    else:
        render_audit.verified(view)
    return 0 if view.ok else UNPROVEN
