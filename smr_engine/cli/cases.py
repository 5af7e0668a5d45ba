"""Cases: opening, looking at them, remarks, signals, stopping."""

from __future__ import annotations

from typing import Annotated

import typer

from smr_engine.cli.commands import Group
from smr_engine.cli.output import write_json, write_raw
from smr_engine.cli.session import Session

GROUP = Group("", "Cases")

CaseArgument = Annotated[
    str, typer.Argument(metavar="CASE", help="A case such as CRISIS-2026-0007.")
]


@GROUP.command(
    "start",
    "smr start holding-statement -i title='Smoke in hall 3' -i type=safety --severity sev2",
    "smr start crisis-response --inputs facts.yaml --drill",
)
def start(
    session: Session,
    playbook: Annotated[str, typer.Argument(metavar="PLAYBOOK", help="See: smr playbooks")],
    given: Annotated[
        list[str] | None,
        typer.Option(
            "-i", "--input", metavar="K=V", help="One input; again for more, or for a list."
        ),
    ] = None,
    inputs: Annotated[
        str | None,
        typer.Option("--inputs", metavar="FILE", help="Inputs as JSON or YAML; - reads stdin."),
    ] = None,
    severity: Annotated[
        str | None, typer.Option("--severity", metavar="L", help="One of the playbook's levels.")
    ] = None,
    drill: Annotated[
        bool, typer.Option("--drill", help="An exercise: nothing leaves the house.")
    ] = False,
    key: Annotated[
        str,
        typer.Option(
            "--idempotency-key", metavar="K", help="The same key again opens no second case."
        ),
    ] = "",
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Open nothing; show what would come if nobody answered."),
    ] = False,
) -> None:
    """Open a case from a playbook."""
    from smr_engine.cli import rehearsing, render_cases
    from smr_engine.cli.files import read_inputs
    from smr_engine.cli.values import values_from
    from smr_engine.services import cases
    from smr_engine.services.preview import Ask

    schema = cases.input_schema(session.ws, playbook)
    file_values = read_inputs(inputs, playbook) if inputs else {}
    values = values_from(given or (), schema, file_values, session.zone)
    if preview:
        asked = Ask(playbook, None, values, severity, session.person or "")
        rehearsing.show_preview(session, asked)
        return
    opening = cases.Opening(severity=severity, drill=drill, key=key)
    view = cases.start(session.ws, session.actor, playbook, values, opening)
    if session.as_json:
        write_json(view)
    else:
        render_cases.started(session, view)


@GROUP.command("cases", "smr cases", "smr cases --status held --json")
def cases_(
    session: Session,
    status: Annotated[
        str | None,
        typer.Option("--status", metavar="S", help="open, held, completed or cancelled."),
    ] = None,
    playbook: Annotated[
        str | None, typer.Option("--playbook", metavar="P", help="Only cases of this playbook.")
    ] = None,
) -> None:
    """List cases."""
    from smr_engine.cli import render_cases
    from smr_engine.services import reading

    rows = reading.case_list(session.ws, status=status, playbook=playbook, person=session.reader)
    if session.as_json:
        write_json(rows)
    else:
        render_cases.cases(session, rows)


@GROUP.command("show", "smr show CRISIS-2026-0007")
def show(session: Session, case: CaseArgument) -> None:
    """Show one case.

    Its steps, open items, documents, and what was sent or is still owed.
    """
    from smr_engine.cli import render_cases
    from smr_engine.services import reading

    local = session.reader is None
    view = reading.case_view(session.ws, case, session.person, local=local)
    if session.as_json:
        write_json(view)
    else:
        render_cases.case(session, view)


@GROUP.command("timeline", "smr timeline CRISIS-2026-0007")
def timeline(session: Session, case: CaseArgument) -> None:
    """Tell a case's history in sentences."""
    from smr_engine.cli import render_cases
    from smr_engine.services import histories, reading

    if session.as_json:
        write_json(reading.timeline(session.ws, case, session.reader))
    else:
        told = histories.history(session.ws, case, session.reader, session.zone)
        render_cases.timeline(session, case, told)


@GROUP.command("note", "smr note CRISIS-2026-0007 'The mayor called, wants to be told first'")
def note(
    session: Session,
    case: CaseArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The remark; - reads stdin.")],
) -> None:
    """Write a remark into a case's history."""
    from smr_engine.cli.files import STDIN, read_text
    from smr_engine.services import cases

    said = read_text(STDIN).rstrip("\n") if text == STDIN else text
    cases.note(session.ws, session.actor, case, said)
    if session.as_json:
        write_json({"case": case})
    else:
        write_raw(f"Noted in {case}.")


@GROUP.command("signal", "smr signal OUTREACH-2026-0003 reply --key mira -o answer=yes")
def signal(
    session: Session,
    case: CaseArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the waiting step listens for.")],
    key: Annotated[
        str,
        typer.Option(
            "--key",
            metavar="K",
            help="Who or what it is about; a wait for another key does not hear it.",
        ),
    ] = "",
    output: Annotated[
        list[str] | None,
        typer.Option("-o", "--output-value", metavar="K=V", help="One value of the payload."),
    ] = None,
) -> None:
    """Deliver a signal to steps that wait for it."""
    from smr_engine.cli.values import values_from
    from smr_engine.services import cases

    payload = values_from(output or (), {}, {}, session.zone)
    view = cases.signal(session.ws, session.actor, case, name, key=key, payload=payload)
    if session.as_json:
        write_json(view)
    else:
        write_raw(f"{name} was delivered to {case}; the case is {view.status}.")


@GROUP.command(
    "severity",
    "smr severity CRISIS-2026-0007 sev1 --reason 'A regulator called'",
    "smr severity CRISIS-2026-0007 sev1 --reason 'A regulator called' --dry-run",
)
def severity(
    session: Session,
    case: CaseArgument,
    level: Annotated[str, typer.Argument(metavar="LEVEL", help="One of the playbook's levels.")],
    reason: Annotated[str, typer.Option("--reason", metavar="R", help="Why; it is recorded.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would move.")] = False,
) -> None:
    """Score a case again.

    Due times, reminders, quorums and clocks of all that is open move with it.
    """
    from smr_engine.cli import render_cases
    from smr_engine.services import cases

    view = cases.rescore(session.ws, session.actor, case, level, reason, dry_run=dry_run)
    if session.as_json:
        write_json(view.moved if dry_run else view)
    else:
        render_cases.rescored(session, view, dry_run=dry_run)


@GROUP.command(
    "clock", "smr clock CRISIS-2026-0007 gdpr_72h --met --note 'Notified by phone, reference 4711'"
)
def clock(
    session: Session,
    case: CaseArgument,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A clock; `smr show CASE` lists them.")
    ],
    met: Annotated[bool, typer.Option("--met", help="What it asks for was done.")] = False,
    note: Annotated[str, typer.Option("--note", metavar="N", help="How; it is recorded.")] = "",
) -> None:
    """Say that a clock was met."""
    from smr_engine.errors import Invalid
    from smr_engine.services import cases

    if not met:
        raise Invalid("nothing-said", "say that the clock was met", hint="--met")
    view = cases.meet_clock(session.ws, session.actor, case, name, note)
    if session.as_json:
        write_json(view)
    else:
        write_raw(f"{name} of {case} is met.")


@GROUP.command("cancel", "smr cancel CRISIS-2026-0007 --reason 'A false alarm, confirmed by IT'")
def cancel(
    session: Session,
    case: CaseArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="R", help="Why; it is recorded.")],
) -> None:
    """Stop a case and the cases it opened.

    Nothing that was published is taken back.
    """
    from smr_engine.services import cases

    view = cases.cancel(session.ws, session.actor, case, reason)
    if session.as_json:
        write_json(view)
    else:
        write_raw(f"{case} is {view.status}.")
