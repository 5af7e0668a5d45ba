"""What accounts have in common: their stream of events, tokens, and who may keep them."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from smr_engine.engine import policy
from smr_engine.engine.world import World
from smr_engine.errors import NotFound, Refusal
from smr_engine.services import directory
from smr_engine.services.stored import Envelope
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.workspace import Actor, Workspace

STREAM = "accounts"


def record(ws: Workspace, unit: UnitOfWork, actor: Actor, kind: str, **facts: Any) -> None:
    """Append what happened; ids, numbers and times only: no secret, name or address."""
    envelope = Envelope(
        ws.clock.now(),
        actor.id,
        roles=directory.world(ws, unit).roles_of(actor.id),
        assurance=actor.assurance,
        door=actor.door,
        os_user=actor.os_user,
    )
    unit.events.append(STREAM, kind, facts, {}, envelope)


def themselves(person: str, assurance: str = "session") -> Actor:
    """Return somebody who acts on their own account, through the pages."""
    return Actor(person, assurance, "web")


def new_token(ws: Workspace) -> str:
    """Return 256 unpredictable bits as text that fits into addresses and cookies."""
    return base64.urlsafe_b64encode(ws.entropy.salt()).rstrip(b"=").decode()


def hash_of(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def known(world: World, person: str) -> None:
    """Refuse a person who is not in the directory.

    Raises:
        NotFound: `unknown-person`.
    """
    if person not in world.people:
        hint = "see: smr people"
        raise NotFound("unknown-person", f"'{person}' is not in the directory", hint=hint)


def require_keeper(world: World, actor: Actor) -> None:
    """Refuse whoever may not let people in.

    Raises:
        Refusal: `may-not-act`.
    """
    verdict = policy.keeps_accounts(world, actor)
    if not verdict.may:
        raise Refusal("may-not-act", verdict.why_not)
