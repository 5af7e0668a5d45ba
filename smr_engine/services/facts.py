"""What the checks of playbooks need to know of the directory."""

from __future__ import annotations

from smr_engine.engine.world import World
from smr_engine.playbook.check import DirectoryFacts


def directory_facts(world: World) -> DirectoryFacts | None:
    """Return the facts of a directory; None before there is one (nothing to check against)."""
    if not world.people:
        return None
    return DirectoryFacts(
        people=frozenset(world.people),
        holders={role: world.holders(role) for role in world.roles},
        deputies={role.id: role.deputies for role in world.roles.values() if role.deputies},
        groups={name: world.members(name) for name in world.groups},
        accounts={account.id: account.connector for account in world.accounts.values()},
        contacts=frozenset(world.contacts),
        vendors=frozenset(world.vendors),
        calendars=frozenset(world.calendars),
    )
