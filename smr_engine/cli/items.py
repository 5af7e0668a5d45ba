"""Items: what waits for people, and their answers."""

from __future__ import annotations

from typing import Annotated

import typer

from smr_engine.cli.commands import Group
from smr_engine.cli.files import STDOUT
from smr_engine.cli.ics import OutOption, write_feed
from smr_engine.cli.output import write_json, write_raw
from smr_engine.cli.session import Session

GROUP = Group("", "Items")

ItemArgument = Annotated[
    str, typer.Argument(metavar="ITEM", help="An item such as CRISIS-2026-0007.12.")
]


@GROUP.command(
    "inbox",
    "smr inbox",
    "smr inbox --as lea",
    "smr inbox --all --json",
    "smr inbox --as lea --ics --out lea.ics",
)
def inbox(
    session: Session,
    everybody: Annotated[
        bool, typer.Option("--all", help="What waits for anybody, not only for you.")
    ] = False,
    ics: Annotated[
        bool, typer.Option("--ics", help="Due times for a calendar program: titles only.")
    ] = False,
    out: OutOption = STDOUT,
) -> None:
    """List what waits for you."""
    if ics:
        from smr_engine.services import feeds

        write_feed(session, feeds.inbox_feed(session.ws, session.person, all_items=everybody), out)
        return
    from smr_engine.cli import render_items
    from smr_engine.services import reading

    rows = reading.inbox(session.ws, session.person, all_items=everybody)
    if session.as_json:
        write_json(rows)
    else:
        render_items.inbox(session, rows, everybody=everybody)


@GROUP.command("item", "smr item CRISIS-2026-0007.12")
def item(session: Session, item: ItemArgument) -> None:
    """Show all that you need to act on an item.

    The form, the exact content, what changed, where it goes, who has to approve, what to type.
    """
    from smr_engine.cli import render_items
    from smr_engine.services import reading

    view = reading.item_view(session.ws, item, session.person)
    if session.as_json:
        write_json(view)
    else:
        render_items.item(session, view)


@GROUP.command(
    "complete",
    "smr complete CRISIS-2026-0007.3 -o confirmed='Hall 3 was evacuated' -o done_1=yes",
    "smr complete CRISIS-2026-0007.5 -o apologises=no",
    "smr complete CRISIS-2026-0007.9 -o url=https://example.org/post/1",
)
def complete(
    session: Session,
    item: ItemArgument,
    output: Annotated[
        list[str] | None,
        typer.Option("-o", metavar="K=V", help="One value; again for more, or for a list."),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option("--output", metavar="FILE", help="Values as JSON or YAML; - reads stdin."),
    ] = None,
) -> None:
    """Complete a task, a decision or a manual publication."""
    from smr_engine.cli.files import read_values
    from smr_engine.cli.values import values_from
    from smr_engine.services import items, reading

    view = reading.item_view(session.ws, item, session.person)
    file_values = read_values(file) if file else {}
    values = values_from(output or (), view.form or {}, file_values, session.zone)
    done = items.complete(session.ws, session.actor, item, values)
    if session.as_json:
        write_json(done)
    else:
        write_raw(f"{done.item} is {done.status}: {view.title}")


@GROUP.command(
    "revise",
    "smr revise CRISIS-2026-0007.6 --file statement.md",
    "smr revise CRISIS-2026-0007.6 --file - --done < statement.md",
)
def revise(
    session: Session,
    item: ItemArgument,
    file: Annotated[
        str, typer.Option("--file", metavar="F", help="The text, UTF-8; - reads stdin.")
    ],
    done: Annotated[bool, typer.Option("--done", help="The draft is finished as well.")] = False,
    override: Annotated[
        str, typer.Option("--override", metavar="REASON", help="Finish past failed checks: why.")
    ] = "",
) -> None:
    """Save a version of a draft.

    Also after the draft was finished, until its publication begins; approvals are asked again.
    """
    from smr_engine.cli.files import read_text
    from smr_engine.services import items

    text = read_text(file)
    view = items.revise(session.ws, session.actor, item, text, done=done, override=override)
    if session.as_json:
        write_json(view)
    else:
        status = f"; {item} is {view.status}" if view.status else ""
        write_raw(f"Saved {view.document} version {view.revision} ({view.digest[:12]}){status}.")


@GROUP.command("ack", "smr ack CRISIS-2026-0007.14 --as ben")
def ack(session: Session, item: ItemArgument) -> None:
    """Acknowledge that you have been told."""
    from smr_engine.services import items

    view = items.acknowledge(session.ws, session.actor, item)
    if session.as_json:
        write_json(view)
    else:
        write_raw(f"{view.item} is acknowledged.")


@GROUP.command("reassign", "smr reassign CRISIS-2026-0007.3 mira")
def reassign(
    session: Session,
    item: ItemArgument,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Who does it; see: smr people")],
) -> None:
    """Hand an item over to one person."""
    from smr_engine.services import items

    view = items.reassign(session.ws, session.actor, item, person)
    if session.as_json:
        write_json(view)
    else:
        write_raw(f"{view.item} was handed over to {session.name_of(person)}.")


@GROUP.command(
    "attach",
    "smr attach CRISIS-2026-0007.3 capture.png --url https://example.org/post/1",
)
def attach(
    session: Session,
    item: ItemArgument,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The evidence; - reads stdin.")],
    url: Annotated[str, typer.Option("--url", metavar="U", help="Where it was captured.")] = "",
) -> None:
    """Attach a file to an item as evidence."""
    from pathlib import PurePath

    from smr_engine.cli.files import read_bytes
    from smr_engine.services import items

    data = read_bytes(file, items.MAX_ATTACHMENT_BYTES)
    name = PurePath(file).name
    view = items.attach(session.ws, session.actor, item, name, data, url=url)
    if session.as_json:
        write_json(view)
    else:
        write_raw(f"{name} is attached to {view.item}.")


@GROUP.command(
    "repair",
    "smr repair CRISIS-2026-0007.21 --retry --reason 'The mail server is back'",
    "smr repair CRISIS-2026-0007.21 --sent https://example.org/p/1 --reason 'It is live'",
)
def repair(
    session: Session,
    item: ItemArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="R", help="Why; it is recorded.")],
    retry: Annotated[bool, typer.Option("--retry", help="Try the step again.")] = False,
    skip: Annotated[bool, typer.Option("--skip", help="Go on without the step.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Stop the case.")] = False,
    sent: Annotated[
        str, typer.Option("--sent", metavar="URL", help="It did go out; this is where it is.")
    ] = "",
    not_sent: Annotated[
        bool, typer.Option("--not-sent", help="It did not go out: send it now.")
    ] = False,
) -> None:
    """Answer a repair item.

    Say how the case goes on, or whether a publication went out.
    """
    from smr_engine.services import items

    flags = {
        "retry": retry,
        "skip": skip,
        "cancel": cancel,
        "sent": bool(sent),
        "not_sent": not_sent,
    }
    chosen = [name for name, given in flags.items() if given]
    if len(chosen) != 1:
        message = "say exactly one of --retry, --skip, --cancel, --sent URL and --not-sent"
        raise typer.BadParameter(message)
    view = items.repair(session.ws, session.actor, item, chosen[0], reason, url=sent)
    if session.as_json:
        write_json(view)
    else:
        write_raw(f"{view.item} is {view.status}.")
