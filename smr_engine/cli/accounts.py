"""Letting people and programs in: invitations, passwords, second factors, API tokens."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from smr_engine.cli.commands import Group
from smr_engine.cli.files import STDIN, read_text
from smr_engine.cli.output import say, table, write, write_json, write_raw
from smr_engine.cli.session import Session
from smr_engine.services.text import instant

if TYPE_CHECKING:
    from smr_engine.settings import Settings

GROUP = Group("", "Letting people in")
PASSWORD = Group("password", "Passwords for signing in to the pages.")
SECOND_FACTOR = Group("second-factor", "One-time codes for signing in to the pages.")
TOKEN = Group("token", "Tokens for programs; none of them ever approves.")
for _group in (PASSWORD, SECOND_FACTOR, TOKEN):
    GROUP.add(_group)

PersonArgument = Annotated[str, typer.Argument(metavar="PERSON", help="See: smr people")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of the token, in kebab-case.")]


class Scope(StrEnum):
    """What a token may do."""

    READ = "read"
    START = "start"
    NOTE = "note"
    SIGNAL = "signal"


@GROUP.command("invite", "smr invite lea")
def invite(session: Session, person: PersonArgument) -> None:
    """Make a one-time link by which somebody sets a password."""
    from smr_engine.services import accounts

    made = accounts.invite(session.ws, session.actor, person)
    link = f"{address_of(session.settings)}{made.path}"
    if session.as_json:
        told = {"person": person, "token": made.token, "url": link, "expires_at": made.expires_at}
        write_json(told)
        return
    write_raw(link)
    until = instant(made.expires_at, session.zone)
    say(f"For {session.name_of(person)} only, once, until {until}. An earlier link is void now.")


@PASSWORD.command("set", "smr password set lea", "smr password set lea < password.txt")
def set_password(session: Session, person: PersonArgument) -> None:
    """Set a password: typed twice, or from standard input."""
    from smr_engine.services import accounts

    accounts.set_password(session.ws, session.actor, person, _typed())
    if session.as_json:
        write_json({"person": person})
    else:
        write(f"{session.name_of(person)} has a new password; their sessions have ended.")


@SECOND_FACTOR.command("remove", "smr second-factor remove lea")
def remove_second_factor(session: Session, person: PersonArgument) -> None:
    """Remove the one-time codes of somebody who lost them."""
    from smr_engine.services import second_factor

    second_factor.remove_of(session.ws, session.actor, person)
    if session.as_json:
        write_json({"person": person})
    else:
        write(f"{session.name_of(person)} signs in by password alone; their sessions have ended.")


@TOKEN.command("create", "smr token create monitoring --for ben --scope start --days 90")
def create(
    session: Session,
    name: NameArgument,
    person: Annotated[str, typer.Option("--for", metavar="PERSON", help="Whom it acts for.")],
    scopes: Annotated[list[Scope], typer.Option("--scope", help="What it may do; repeatable.")],
    days: Annotated[
        int, typer.Option("--days", metavar="N", help="Until it expires, 1 to 365.")
    ] = 90,
) -> None:
    """Make a token for a program; it is shown only now."""
    from smr_engine.services import tokens

    grant = tokens.Grant(person, [scope.value for scope in scopes], days)
    made = tokens.make(session.ws, session.actor, name, grant)
    if session.as_json:
        write_json(made)
        return
    write_raw(made.text)
    say(f"Good until {instant(made.expires_at, session.zone)}. It is not shown again.")


@TOKEN.command("revoke", "smr token revoke monitoring")
def revoke(session: Session, name: NameArgument) -> None:
    """Take a token back."""
    from smr_engine.services import tokens

    tokens.revoke(session.ws, session.actor, name)
    if session.as_json:
        write_json({"token": name, "status": "revoked"})
    else:
        write(f"{name} is refused from now on.")


@TOKEN.command("list", "smr token list")
def list_(session: Session) -> None:
    """List the tokens; their secrets are not kept."""
    from smr_engine.services import tokens

    rows = tokens.list_(session.ws, session.actor)
    if session.as_json:
        write_json(rows)
        return
    columns = ("Token", "For", "Scopes", "Status", "Expires")
    table(
        columns,
        (
            (
                row.token,
                session.name_of(row.person),
                " ".join(row.scopes),
                row.status,
                instant(row.expires_at, session.zone),
            )
            for row in rows
        ),
        fixed=(0,),
    )


def address_of(settings: Settings) -> str:
    """Return where people find the pages: the public address, else that of this machine."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = settings.web.host
    host = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    return (
        f"http://[{host}]:{settings.web.port}"
        if ":" in host
        else f"http://{host}:{settings.web.port}"
    )


def _typed() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return read_text(STDIN).partition("\n")[0]
