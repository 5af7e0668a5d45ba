"""The directory: who is in it, and taking over its file."""

from __future__ import annotations

from smr_engine.cli.commands import Group
from smr_engine.cli.failures import REFUSED
from smr_engine.cli.output import say, write_json, write_raw
from smr_engine.cli.session import Session

GROUP = Group("", "The directory")
DIRECTORY = Group("directory", "People, roles, groups, accounts and calendars.")
GROUP.add(DIRECTORY)


@GROUP.command("people", "smr people")
def people(session: Session) -> None:
    """List who is in the directory."""
    from smr_engine.cli import render_library
    from smr_engine.services import directory

    rows = directory.people(session.ws)
    if session.as_json:
        write_json(rows)
    else:
        render_library.people(rows)


@DIRECTORY.command("check", "smr directory check")
def check(session: Session) -> int:
    """Find all problems of the workspace's directory.yaml."""
    from smr_engine.cli import render_library
    from smr_engine.services import directory_import

    found = directory_import.check(session.ws)
    if session.as_json:
        write_json(found)
    else:
        render_library.problems(found)
        if not found:
            say("No problems.")
    return REFUSED if any(problem.severity == "error" for problem in found) else 0


@DIRECTORY.command("import", "smr directory import")
def import_(session: Session) -> None:
    """Take over directory.yaml as the newest version of the directory."""
    from smr_engine.services import directory_import

    digest = directory_import.import_(session.ws, session.actor)
    if session.as_json:
        write_json({"digest": digest})
    else:
        write_raw(f"The directory is now that of directory.yaml ({digest[:12]}).")


@DIRECTORY.command("export", "smr directory export > directory.yaml")
def export(session: Session) -> None:
    """Print the newest version of the directory as YAML."""
    from smr_engine.services import directory

    written = directory.export(session.ws)
    if session.as_json:
        write_json({"directory": written})
    else:
        write_raw(written)
