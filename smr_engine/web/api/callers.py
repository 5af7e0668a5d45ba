"""Who calls the API: somebody's session, or a program with a token that acts for somebody.

A token reads, starts cases, writes remarks and delivers signals, as far as its scopes go. It never
answers for its person: whatever decides needs a session, and the header `X-CSRF-Token`, which only
our own pages know.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer

from smr_engine.services import sessions, tokens
from smr_engine.services.sessions import Visitor
from smr_engine.services.tokens import Bearer
from smr_engine.services.workspace import Actor, Workspace
from smr_engine.web.failures import NotAllowed, NotSignedIn
from smr_engine.web.security import SAFE
from smr_engine.web.visit import COOKIE, SignInNeededError, visit, workspace_of

_TOKEN = HTTPBearer(
    auto_error=False, scheme_name="token", description="An API token: `smr token create`."
)
_SESSION = APIKeyCookie(
    name=COOKIE,
    auto_error=False,
    scheme_name="session",
    description="Of somebody who is signed in; what changes something needs X-CSRF-Token too. "
    "Over HTTPS it is called `__Host-smr_session`, below a prefix `__Secure-smr_session`.",
)


@dataclass(frozen=True, slots=True)
class Caller:
    """One request to the API; `who` has a name, access, roles, time zone and assurance."""

    ws: Workspace
    who: Visitor | Bearer
    actor: Actor

    @property
    def person(self) -> str:
        """Return whose request it is."""
        return self.who.person


def identify(request: Request) -> Caller:
    """Return who calls.

    Raises:
        NotSignedIn: nobody, or with a token that is not good.
        NotAllowed: something would change, and it did not come from a page of ours.
    """
    ws = workspace_of(request)
    credentials = request.headers.get("authorization")
    if credentials is not None:
        scheme, _, text = credentials.partition(" ")
        bearer = tokens.recognise_token(ws, text) if scheme.lower() == "bearer" else None
        if bearer is None:
            raise NotSignedIn("bad-token", "This token is unknown, expired or revoked")
        return Caller(ws, bearer, tokens.actor_of_token(bearer))
    try:
        visitor = visit(request).visitor
    except SignInNeededError as nobody:
        hint = "send an API token, or the cookie of a session"
        raise NotSignedIn("not-signed-in", "Say who you are", hint=hint) from nobody
    sent = request.headers.get("x-csrf-token", "")
    if request.method not in SAFE and not hmac.compare_digest(sent.encode(), visitor.csrf.encode()):
        hint = "send the token of the session's forms as X-CSRF-Token"
        raise NotAllowed("foreign-form", "This did not come from a page of ours", hint=hint)
    return Caller(ws, visitor, sessions.actor_of(visitor))


def require_scope(caller: Caller, scope: str) -> None:
    """Refuse a token without a scope.

    Raises:
        NotAllowed: `token-may-not`.
    """
    if isinstance(caller.who, Bearer) and scope not in caller.who.scopes:
        raise _no_token(f"This token does not have the scope '{scope}'")


def _caller(
    request: Request,
    _token: Annotated[object, Depends(_TOKEN)],  # both only describe what `identify` reads
    _session: Annotated[object, Depends(_SESSION)],
) -> Caller:
    return identify(request)


def _within(scope: str) -> Callable[..., Caller]:
    def allowed(known: Annotated[Caller, Depends(_caller)]) -> Caller:
        require_scope(known, scope)
        return known

    return allowed


def _in_person(known: Annotated[Caller, Depends(_caller)]) -> Caller:
    if isinstance(known.who, Bearer):
        raise _no_token("A token does not answer for its person: sign in")
    return known


def _no_token(message: str) -> NotAllowed:
    return NotAllowed("token-may-not", message)


Reading = Annotated[Caller, Depends(_within("read"))]
Starting = Annotated[Caller, Depends(_within("start"))]
Noting = Annotated[Caller, Depends(_within("note"))]
Signalling = Annotated[Caller, Depends(_within("signal"))]
InPerson = Annotated[Caller, Depends(_in_person)]
