"""Setting up and keeping running: workspace, conductor, Prefect, database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smr_engine.cli.commands import Group
from smr_engine.cli.failures import REFUSED, tell
from smr_engine.cli.output import say, write_json, write_raw
from smr_engine.cli.serving import Port, pages
from smr_engine.cli.session import Session
from smr_engine.errors import SmrError

if TYPE_CHECKING:
    from smr_engine.services.views import Finding

GROUP = Group("", "Running")
DB = Group("db", "The database.")
GROUP.add(DB)


@GROUP.command("init", "smr init halden --sample", "smr init .")
def init(
    session: Session,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where; made when missing.")],
    sample: Annotated[
        bool, typer.Option("--sample", help="With a sample company to try things out.")
    ] = False,
) -> None:
    """Make a workspace."""
    from smr_engine.adapters.shipped import lay_out_schemas
    from smr_engine.services import setup

    setup.init(folder, sample)
    lay_out_schemas(folder / setup.STATE)
    if session.as_json:
        write_json({"workspace": folder})
        return
    write_raw(f"{folder} is a workspace now.")
    say(f"  Next: cd {folder}")
    say("  Then: smr doctor, smr playbooks" if sample else "  Then: fill in directory.yaml")


@GROUP.command("work", "smr work", "smr work --until-idle --json")
def work(
    session: Session,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="Do what is due and owed now, then exit.")
    ] = False,
) -> None:
    """Run the conductor.

    It fires what is due, sends what is owed, and opens what is scheduled.
    """
    from smr_engine.cli.conducting import conduct

    conduct(session, until_idle=until_idle)


@GROUP.command("up", "smr up", "smr up --no-browser")
def up(
    session: Session,
    port: Port = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open the pages in a browser.")
    ] = False,
) -> None:
    """Run everything: Prefect server, conductor and pages."""
    from smr_engine.adapters.prefect_server import server_status, stop_server
    from smr_engine.cli.conducting import conduct

    ran_before = server_status(session.ws.state).running
    try:
        with pages(session, port, browser=not no_browser) as address:
            _find_prefect(session)
            say(f"Pages at {address}")
            _invite_first(session, address)
            conduct(session)
    finally:
        if not ran_before:
            stop_server(session.ws.state)


def _invite_first(session: Session, address: str) -> None:
    """Say how a first administrator gets in, who then invites the others."""
    from smr_engine.services import accounts
    from smr_engine.services.workspace import local_engine

    standings = accounts.standings(session.ws, local_engine())
    invitations = accounts.invite_first(session.ws, local_engine())
    for invited in invitations:
        name = session.name_of(invited.person)
        say(f"{name} sets a password here, once: {address.rstrip('/')}{invited.path}")
    if not invitations and not any(each.has_password for each in standings):
        say("Nobody has a password yet; should a link be lost: smr invite PERSON prints a new one.")


def _find_prefect(session: Session) -> None:
    """Say where Prefect answers, starting the embedded server if need be; work goes on without."""
    from smr_engine.bootstrap import find_prefect

    say("Starting Prefect (some seconds; a first time takes longer) ...")
    try:
        say(f"Prefect answers at {find_prefect(session.ws, os.environ)}")
    except SmrError as problem:
        tell(problem, as_json=session.as_json)
        say("Going on without Prefect: messages and publications go out directly.")


@GROUP.command("down", "smr down")
def down(session: Session) -> None:
    """Stop the embedded Prefect server."""
    from smr_engine.adapters.prefect_server import stop_server
    from smr_engine.settings import STATE_FOLDER

    stopped = stop_server(session.folder / STATE_FOLDER)
    if session.as_json:
        write_json({"stopped": stopped})
    else:
        write_raw("Stopped." if stopped else "No embedded Prefect server was running.")


@GROUP.command("deploy", "smr deploy")
def deploy(session: Session) -> None:
    """Register flows and playbooks with Prefect.

    Of the playbooks those that `prefect_start` lists, with their schedules, and the work pool if
    the dispatcher is one. Schedules that playbooks bring are taken over too, of all of them.
    """
    from flows.deployments import deploy as register
    from smr_engine.bootstrap import find_prefect, prefect_answers
    from smr_engine.services import triggers

    faulty = triggers.sync(session.ws)
    url = find_prefect(session.ws, os.environ)
    if not prefect_answers(url):
        message = "The Prefect server of the settings does not answer."
        raise SmrError("prefect-away", message, hint="start it, or correct prefect_api_url")
    names = register(session.ws, url, session.settings.work_pool)
    if session.as_json:
        write_json({"deployments": names, "not_scheduled": faulty})
        return
    write_raw(f"Registered: {', '.join(names) or 'nothing, for prefect_start lists no playbook'}.")
    for name in faulty:
        say(f"{name} cannot be started, so it has no schedule: smr validate says why")


@GROUP.command("doctor", "smr doctor")
def doctor(session: Session) -> int:
    """Find what is wrong here, and how to mend it.

    Exits 1 if anything is wrong.
    """
    from smr_engine.bootstrap import prefect_finding
    from smr_engine.cli import render_library
    from smr_engine.services import doctor

    def prefect() -> Finding:
        return prefect_finding(session.ws, os.environ)

    found = doctor.examine(session.ws, prefect, lambda: _deployments_finding(session))
    if session.as_json:
        write_json(found)
    else:
        render_library.findings(found)
    return 0 if all(finding.ok for finding in found) else REFUSED


def _deployments_finding(session: Session) -> Finding:
    """Compare what Prefect may start and execute with what it should; it has to answer for that."""
    from smr_engine.adapters.prefect_server import server_status
    from smr_engine.bootstrap import prefect_answers
    from smr_engine.services.views import Finding

    wanted = session.ws.options.prefect_start or session.settings.work_pool
    url = session.settings.prefect_api_url or server_status(session.ws.state).api_url
    if not wanted or not url or not prefect_answers(url):
        return Finding("deployments", True, "none is wanted, or Prefect does not answer")
    from flows.deployments import drift

    if found := drift(session.ws, url, session.settings.work_pool):
        return Finding("deployments", False, "; ".join(found), "smr deploy")
    return Finding("deployments", True, "Prefect has them as the settings and schedules say")


@DB.command("upgrade", "smr db upgrade")
def db_upgrade(session: Session) -> None:
    """Bring the database to this version's form.

    Opening a workspace does so as well.
    """
    opened = session.ws.root
    if session.as_json:
        write_json({"workspace": opened})
    else:
        write_raw(f"The database of {opened} is up to date.")
