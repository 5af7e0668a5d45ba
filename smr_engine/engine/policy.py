"""Who may do what: one function per question, each with a verdict and a sentence for people.

Every door asks here. Roles are judged at the moment of the act, absences and deputies included.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from smr_engine.engine import quorum
from smr_engine.engine.commands import ASSURANCES, TOKEN_DOOR, Actor
from smr_engine.engine.quorum import Voice
from smr_engine.engine.state import CaseHeader, Item, Line
from smr_engine.engine.statuses import CLOSED_CASES, ItemKind, ItemStatus
from smr_engine.engine.world import World
from smr_engine.errors import Refusal
from smr_engine.playbook.model import Playbook

AUDITOR, ADMINISTRATOR = "auditor", "administrator"
STEERING = frozenset({"operator", ADMINISTRATOR})
"""The access of those who may start cases, and steer those that they own."""
AUDITING = frozenset({AUDITOR, ADMINISTRATOR})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a person may, the sentence that says why not, and in which roles they would act.

    `over`: nobody may any more.
    """

    may: bool
    why_not: str = ""
    roles: tuple[str, ...] = ()
    on_behalf_of: str = ""
    over: bool = False

    def refusal(self, code: str, item: str, hint: str = "") -> Refusal:
        """Return the refusal of an act on an item: `code`, or `item-closed` where that is over."""
        known = "item-closed" if self.over else code
        return Refusal(known, self.why_not, hint=hint, where=item)


YES = Verdict(may=True)


def no(sentence: str, *, over: bool = False) -> Verdict:
    """Return a refusal with its reason."""
    return Verdict(may=False, why_not=sentence, over=over)


def today(world: World, person: str, now: datetime) -> date:
    """Return the local date of a person."""
    return world.today(person, now)


def acting_roles(world: World, person: str, now: datetime) -> dict[str, str]:
    """Return the roles a person may act in now, each with whom they act for ("" = themselves)."""
    held = dict.fromkeys(world.roles_of(person), "")
    for role in world.roles.values():
        if role.id not in held and person in role.deputies:
            for holder in world.acting_at(role.id, now):
                if holder.person == person:
                    held[role.id] = holder.on_behalf_of
    return held


def people_acting_in(world: World, roles: Iterable[str], now: datetime) -> tuple[str, ...]:
    """Return who acts in any of these roles now, in a stable order, deputies for those away."""
    found: dict[str, None] = {}
    for role in roles:
        for holder in world.acting_at(role, now):
            found.setdefault(holder.person)
    return tuple(found)


def owns(world: World, playbook: Playbook, person: str, now: datetime) -> Verdict:
    """Return whether a person steers the playbook's cases: its owner role and its deputies do."""
    if not _is_owner(world, playbook, person, now):
        owner = f"{title_of(world, playbook.owner)} (the owner of '{playbook.title}')"
        name = name_of(world, person)
        return no(f"only {owner} and deputies may do this; {name} is neither")
    steering = steers(world, person)
    return Verdict(may=True, roles=world.roles_of(person)) if steering.may else steering


def _is_owner(world: World, playbook: Playbook, person: str, now: datetime) -> bool:
    role = world.roles.get(playbook.owner)
    deputies = role.deputies if role else ()
    return playbook.owner in acting_roles(world, person, now) or person in deputies


def steers(world: World, person: str) -> Verdict:
    """Return whether a person's access lets them start and steer cases at all."""
    known = world.people.get(person)
    if known is None:
        return no(f"'{person}' is not in the directory")
    if known.access in STEERING:
        return YES
    return no(f"{known.name} answers what is asked, and starts and steers no case: {known.access}")


def may_start(world: World, playbook: Playbook, person: str, now: datetime) -> Verdict:
    """Return whether a person may open a case of a playbook."""
    seen = may_see(world, playbook, person, now)
    return steers(world, person) if seen.may else seen


def may_note(world: World, playbook: Playbook, person: str, now: datetime) -> Verdict:
    """Return whether a person may write a remark into a case: who sees it, but for auditors."""
    known = world.people.get(person)
    if known is not None and known.access == AUDITOR:
        return no(f"{known.name} sees everything and changes nothing: {AUDITOR}")
    return may_see(world, playbook, person, now)


def may_audit(world: World, person: str) -> Verdict:
    """Return whether a person may read the log across cases, and verify it."""
    known = world.people.get(person)
    if known is not None and known.access in AUDITING:
        return YES
    name = name_of(world, person)
    return no(f"the log of all cases is for auditors and administrators; {name} is neither")


def keeps_accounts(world: World, actor: Actor) -> Verdict:
    """Return whether somebody may let people in: administrators, and whoever has the files."""
    if actor.door == "cli":
        return YES
    person, name = world.people.get(actor.id), name_of(world, actor.id)
    if person is None or person.access != ADMINISTRATOR or actor.door == TOKEN_DOOR:
        return no(f"only administrators let people in; {name} is none here")
    if ASSURANCES.index(actor.assurance) < ASSURANCES.index(world.assurance):
        return no(f"letting people in needs the proof of identity '{world.assurance}' here")
    return YES


def may_see(world: World, playbook: Playbook, person: str, now: datetime) -> Verdict:
    """Return whether a person may see the cases of a playbook.

    Restricted ones are seen by the roles that it names, by its owner, and by auditors; by nobody
    else, whatever they may do.
    """
    known = world.people.get(person)
    if known is None:
        return no(f"'{person}' is not in the directory")
    if playbook.visibility is None or known.access == AUDITOR:
        return YES
    acting = acting_roles(world, person, now)
    if set(playbook.visibility) & set(acting) or _is_owner(world, playbook, person, now):
        return YES
    whom = titles_of(world, playbook.visibility)
    return no(f"cases of '{playbook.title}' are restricted to {whom}")


def may_act(world: World, header: CaseHeader, item: Item, actor: Actor, now: datetime) -> Verdict:
    """Return whether somebody may work on an item (everything but deciding an approval)."""
    closed = _closed(header, item, now)
    if closed is not None:
        return closed
    if actor.id not in world.people:
        return no(f"'{actor.id}' is not in the directory")
    if actor.id in item.excluded:
        return no(f"{name_of(world, actor.id)} is kept out of this, so somebody else must do it")
    asked = (*item.offered, *item.escalated)
    if actor.id in asked:
        return Verdict(may=True, roles=world.roles_of(actor.id))
    for person in asked:
        if _stands_in(world, actor.id, person, now):
            return Verdict(may=True, roles=world.roles_of(actor.id), on_behalf_of=person)
    names = ", ".join(name_of(world, p) for p in asked) or "nobody"
    return no(f"this waits for {names}; {name_of(world, actor.id)} was not asked")


def may_decide(
    world: World, header: CaseHeader, item: Item, actor: Actor, now: datetime
) -> Verdict:
    """Return whether somebody may decide on an approval item, and in which roles."""
    closed = _closed(header, item, now)
    if closed is not None:
        return closed
    name = name_of(world, actor.id)
    if actor.id not in world.people:
        return no(f"'{actor.id}' is not in the directory")
    if any(vote.person == actor.id for vote in item.votes):
        return no(f"{name} has decided on this already")
    if actor.id in item.excluded:
        return no(f"{name} had a hand in this content, so somebody else must decide")
    wanted = [role for line in item.lines for role in line.roles]
    acting = acting_on(world, item, actor.id, now)
    standings = standings_in(item.lines, acting, item.excluded)
    if not standings:
        barred = [acting[role] for role in wanted if role in acting]
        if barred:
            whom = name_of(world, barred[0])
            return no(f"{name} would act for {whom}, who had a hand in this content")
        return no(f"this asks for {titles_of(world, wanted)}; {name} holds none of these roles")
    return _too_weak(item, actor, name) or standings[0]


def may_break_glass(
    world: World, header: CaseHeader, item: Item, actor: Actor, now: datetime, *, role: str
) -> Verdict:
    """Return whether somebody may release an approval's content as a holder of a role."""
    closed = _closed(header, item, now)
    if closed is not None:
        return closed
    name = name_of(world, actor.id)
    if actor.id not in world.people:
        return no(f"'{actor.id}' is not in the directory")
    acting = acting_roles(world, actor.id, now)
    if role not in acting:
        return no(
            f"only {title_of(world, role)} may release this before its approval; {name} is not"
        )
    if {actor.id, acting[role]} & set(item.excluded):
        return no(f"{name} had a hand in this content, or would act for somebody who had")
    weak = _too_weak(item, actor, name)
    if weak is not None:
        return weak
    return Verdict(may=True, roles=tuple(sorted(acting)), on_behalf_of=acting[role])


def _too_weak(item: Item, actor: Actor, name: str) -> Verdict | None:
    if ASSURANCES.index(actor.assurance) >= ASSURANCES.index(item.assurance or "asserted"):
        return None
    return no(
        f"this decision needs the proof of identity '{item.assurance}'; "
        f"{name} has only '{actor.assurance}' here"
    )


def acting_on(world: World, item: Item, person: str, now: datetime) -> dict[str, str]:
    """Return the roles somebody may act in on an approval, each with whom they act for.

    Those whom it escalated to may act as deputies also for somebody who is not away.
    """
    return _escalated_roles(world, item, person) | acting_roles(world, person, now)


def standings_in(
    lines: Iterable[Line], acting: Mapping[str, str], barred: Collection[str]
) -> tuple[Verdict, ...]:
    """Return in which roles, and for whom, somebody may decide on lines; none if they may not.

    Args:
        lines: of the quorum.
        acting: the roles they may act in, each with whom they act for ("" = themselves).
        barred: people who may not decide; nobody may do it for them either.

    Own roles count together with those held for one absent person: there is a way to decide for
    each whom a line needs that no own role fits.
    """
    free = {role: whom for role, whom in acting.items() if whom not in barred}
    own = {role for role, whom in free.items() if not whom}
    fitting = [[role for role in line.roles if role in free] for line in lines]
    if not any(fitting):
        return ()
    for_others = (free[r] for roles in fitting if not own.intersection(roles) for r in roles)
    return tuple(
        Verdict(
            may=True,
            roles=tuple(sorted(role for role, other in free.items() if other in {"", whom})),
            on_behalf_of=whom,
        )
        for whom in dict.fromkeys(for_others) or [""]
    )


def awaited(world: World, item: Item, asked: Iterable[str], now: datetime) -> tuple[str, ...]:
    """Return who of those asked has not answered and still could bring an item nearer to its end.

    Of an approval whoever could fill a place of its quorum that is free: who holds a role that has
    spoken already is not waited for.
    """
    settled = {vote.person for vote in item.votes} | set(item.excluded)
    people = [person for person in dict.fromkeys(asked) if person not in settled]
    if item.kind is not ItemKind.APPROVAL or not item.lines:
        return tuple(people)
    voices = quorum.approving(item.votes)
    missing = quorum.reachable(item.lines, voices, world).remaining

    def helps(person: str) -> bool:
        acting = acting_on(world, item, person, now)
        return any(
            quorum.reachable(
                item.lines, [*voices, Voice(person, way.roles, way.on_behalf_of)], world
            ).remaining
            < missing
            for way in standings_in(item.lines, acting, item.excluded)
        )

    return tuple(filter(helps, people))


def _escalated_roles(world: World, item: Item, person: str) -> dict[str, str]:
    """Return the roles in which somebody whom an item escalated to may decide: as their deputy."""
    if person not in item.escalated:
        return {}
    voted = {name for vote in item.votes for name in (vote.person, vote.on_behalf_of)}
    roles = [role for line in item.lines for role in line.roles]
    found: dict[str, str] = {}
    for role in roles:
        free = [p for p in world.holders(role) if p not in voted and p not in item.excluded]
        if role in world.roles and person in world.roles[role].deputies and free:
            found[role] = free[0]
    return found


def has_expired(item: Item, now: datetime) -> bool:
    """Return whether it is too late to answer an item, whether its timer has fired yet or not."""
    return item.expires_at is not None and item.expires_at <= now


def _closed(header: CaseHeader, item: Item, now: datetime) -> Verdict | None:
    if item.status is ItemStatus.SUPERSEDED:
        return no(f"{item.id} was superseded by newer content: decide on the new item", over=True)
    if item.status is not ItemStatus.OPEN:
        return no(f"{item.id} is {item.status} already", over=True)
    if header.status in CLOSED_CASES and item.kind is not ItemKind.REPAIR:
        return no(f"{header.ref} is {header.status}", over=True)
    if has_expired(item, now):
        return no(
            f"{item.id} expired at {item.expires_at:%Y-%m-%d %H:%M} UTC: it is too late", over=True
        )
    return None


def stand_ins(world: World, asked: str, now: datetime) -> tuple[str, ...]:
    """Return who may act for somebody asked who is away today: deputies in any of their roles."""
    known = world.people.get(asked)
    if known is None or not known.is_away(today(world, asked, now)):
        return ()
    roles = (world.roles[role] for role in known.roles if role in world.roles)
    found = dict.fromkeys(person for role in roles for person in role.deputies)
    return tuple(person for person in found if person in world.people)


def _stands_in(world: World, person: str, asked: str, now: datetime) -> bool:
    return person in stand_ins(world, asked, now)


def name_of(world: World, person: str) -> str:
    """Return what a person is called; an id that the directory does not know as it is."""
    known = world.people.get(person)
    return known.name if known else person


def titles_of(world: World, roles: Iterable[str]) -> str:
    """Return any of some roles by their titles."""
    return " or ".join(title_of(world, role) for role in dict.fromkeys(roles))


def title_of(world: World, role: str) -> str:
    """Return what a role is called; one that the directory does not know as it is."""
    known = world.roles.get(role)
    return known.title if known else role
