"""Items for people: the inbox, and all that somebody needs to act on one of them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from smr_engine.cli.forms import FormField, fields_of
from smr_engine.cli.output import (
    FAINT,
    GOOD,
    LATE,
    STRONG,
    WARN,
    Styled,
    facts,
    framed,
    heading,
    table,
    write,
    write_raw,
)
from smr_engine.cli.session import Session
from smr_engine.services.text import counted, due_words, instant, listed, shortened
from smr_engine.services.views import ItemRow, ItemView

VERBS: Mapping[str, str] = {
    "task": "Do",
    "draft": "Write",
    "decision": "Decide",
    "approval": "Approve",
    "publish": "Post",
    "acknowledgement": "Acknowledge",
    "repair": "Settle",
    "clock": "See to",
}
_CHECKS: Mapping[str, Callable[[Any], str]] = {
    "max_words": lambda most: f"have at most {counted(most, 'word')}",
    "must_contain": lambda words: f"contain {listed([repr(word) for word in words])}",
    "must_not_contain": lambda words: f"not contain {listed([repr(word) for word in words], 'or')}",
    "reading_grade": lambda most: f"read at grade {most} or below",
    "no_promised_times": lambda wanted: "promise no times" if wanted else "",
}


# --- the inbox ---------------------------------------------------------------------------------


def inbox(session: Session, rows: list[ItemRow], *, everybody: bool) -> None:
    """Write what waits, most urgent first as the service sorts it, each with what to type next."""
    whom = "anybody" if everybody or not session.person else session.name_of(session.person)
    if not rows:
        write(f"Nothing waits for {whom}.")
        return
    waits = "things wait" if len(rows) > 1 else "thing waits"
    write(Styled(f"{len(rows)} {waits} for {whom}", STRONG), "")
    columns = ("Due", "What", "Case", "Next")
    table(columns, (_inbox_row(session, row) for row in rows), fixed=(0, 2, 3))


def _inbox_row(session: Session, row: ItemRow) -> tuple[str, str, str, str]:
    what = f"{VERBS.get(row.kind, 'Act')}: {shortened(row.title, 120)}"
    if row.kind == "clock":
        line = typed(session, "clock", row.case, row.step, "--met")
        return _due(session, row), what, row.case, line if row.may else Styled(line, FAINT)
    if row.may:
        return _due(session, row), what, row.case, typed(session, "item", row.item)
    names = listed([session.name_of(person) for person in row.waiting_for], "or")
    waits = f"waits for {names}" if names else row.why_not
    about = Styled(f"{what} ({waits})" if waits else what, FAINT)
    return _due(session, row), about, row.case, Styled(typed(session, "item", row.item), FAINT)


def _due(session: Session, row: ItemRow | ItemView) -> str:
    words = due_words(row.due, session.now)
    return Styled(words, LATE) if row.overdue else words


# --- one item ----------------------------------------------------------------------------------


def item(session: Session, view: ItemView) -> None:
    """Write everything that a person needs to act on an item, and the commands to type."""
    write(Styled(f"{VERBS.get(view.kind, 'Act')}: {view.title}", STRONG))
    facts(_heads(session, view))
    if view.message:
        write("", view.message)
    _form(view)
    _questions(view)
    _content(view)
    _changes(view)
    _destinations(session, view)
    _quorum(session, view)
    _votes(session, view)
    _attachments(view)
    _what_to_type(session, view)


def _heads(session: Session, view: ItemView) -> Iterator[tuple[str, str]]:
    yield "Item", view.item
    yield "Case", view.case
    yield "Step", view.path or view.step
    yield "Status", Styled(view.status, "") if view.status == "open" else Styled(view.status, WARN)
    if view.due is not None:
        words = f"{due_words(view.due, session.now)} ({instant(view.due, session.zone)})"
        late = view.overdue and view.status == "open"
        yield "Due", Styled(words, LATE) if late else words
    if view.expires is not None and view.status == "open":
        yield "Until", f"{instant(view.expires, session.zone)}: it cannot be answered after that"
    yield "Asked", listed([session.name_of(person) for person in view.offered])
    yield "Replaces", f"{view.previous}, which no longer counts" if view.previous else ""
    checks = [_CHECKS[rule](value) for check in view.checks for rule, value in check.items()]
    yield "Must", listed([words for words in checks if words])
    if view.evidence and not view.attachments:
        yield "Needs", Styled("a file as evidence, attached before it is completed", WARN)


def _form(view: ItemView) -> None:
    found = [] if view.questions or view.choices else fields_of(view.form)
    if not found:
        return
    heading("What to fill in")
    table(("Field", "What", "How"), (_field_row(each) for each in found), fixed=(0,))


def _field_row(each: FormField) -> tuple[str, str, str]:
    needed = each.words if each.required else f"{each.words}, may be left out"
    about = f"{each.title}: {each.help}" if each.help else each.title
    return each.name, about, needed


def _questions(view: ItemView) -> None:
    if view.questions:
        heading("Questions, from the first on")
        columns = ("Question", "Asks", "If yes", "If no")
        table(columns, ((q.id, q.ask, q.if_yes, q.if_no) for q in view.questions), fixed=(0,))
    if view.choices:
        heading("Choose one")
        table(("Choice", "Means"), ((c["id"], c.get("title") or "") for c in view.choices))


def _content(view: ItemView) -> None:
    for entry in view.content:
        version = f", version {entry['revision']}" if entry.get("revision") else ""
        digest = f", SHA-256 {str(entry['digest'])[:12]}" if entry.get("digest") else ""
        write("")
        framed(str(entry.get("text") or ""), f"{_titled(entry)}{version}{digest}")


def _titled(entry: Mapping[str, Any]) -> str:
    """Return a document by its title and, for commands, its name."""
    title, name = str(entry.get("title") or ""), str(entry["document"])
    return f"{title} ({name})" if title and title != name else name


def _changes(view: ItemView) -> None:
    for entry in view.changes:
        since = entry.get("since") or view.previous or "the last round"
        heading(f"What changed in {_titled(entry)} since {since}")
        write_raw(str(entry.get("diff") or "nothing"))


def _destinations(session: Session, view: ItemView) -> None:
    if not view.destinations:
        return
    heading("Where it goes")
    facts(("  -", _destination(session, entry)) for entry in view.destinations)


def _destination(session: Session, entry: Mapping[str, Any]) -> str:
    """Return one place in words: what goes to which account and people, in reply to what."""
    title, account = str(entry.get("title") or ""), str(entry.get("account") or "")
    place = f"{title} ({account})" if title and title != account else account
    words = [f"{entry.get('document') or 'the text'} to {place or 'nowhere yet'}"]
    recipients = [_recipient(to) for to in entry.get("to") or ()]
    if recipients:
        words.append(f"addressed to {listed(recipients)}")
    if entry.get("audience"):
        words.append(f"for: {entry['audience']}")
    if entry.get("in_reply_to"):
        words.append(f"in reply to {entry['in_reply_to']}")
    if entry.get("replaces"):
        words.append(f"in place of {entry['replaces']}")
    if entry.get("at"):
        words.append(f"not before {instant(datetime.fromisoformat(entry['at']), session.zone)}")
    if entry.get("instructions"):
        words.append(f"how: {entry['instructions']}")
    return ", ".join(words)


def _recipient(to: Any) -> str:
    if isinstance(to, Mapping):
        return str(to.get("name") or to.get("id") or to.get("email") or "")
    return str(to)


def _quorum(session: Session, view: ItemView) -> None:
    if not view.quorum:
        return
    heading("Who has to approve")
    rows = []
    for line in view.quorum:
        filled = line.have >= line.need
        state = (
            Styled("filled", GOOD) if filled else Styled(f"{line.need - line.have} missing", WARN)
        )
        due = "" if filled else due_words(line.due, session.now)
        rows.append((session.names.line(line.role), f"{line.have} of {line.need}", state, due))
    table(("Role", "Approved", "Is", "Due"), rows)


def _votes(session: Session, view: ItemView) -> None:
    if not view.votes:
        return
    heading("Decisions so far")
    rows = []
    for vote in view.votes:
        decision = str(vote.get("decision") or "").replace("_", " ")
        roles = listed([session.names.role(str(role)) for role in vote.get("roles") or ()])
        person = session.name_of(str(vote.get("person") or ""))
        rows.append((person, roles, decision, str(vote.get("comment") or "")))
    table(("Who", "As", "Decision", "Comment"), rows)


def _attachments(view: ItemView) -> None:
    if not view.attachments:
        return
    heading("Evidence")
    for entry in view.attachments:
        size = counted(entry["size"], "byte") if entry.get("size") else ""
        parts = [str(entry.get("name") or ""), str(entry.get("url") or ""), size]
        write(f"  {', '.join(part for part in parts if part)}")


# --- what to type ------------------------------------------------------------------------------


def _what_to_type(session: Session, view: ItemView) -> None:
    if view.status != "open":
        return
    if not view.may:
        write("", Styled(f"You cannot act on this: {view.why_not}", WARN))
        _break_glass(session, view)
        return
    if view.kind == "repair":
        heading("What to type, one of")
        table(("To", "Type"), _repairs(session, view), fixed=(1,))
        return
    heading("What to type")
    for line in commands_for(session, view):
        write_raw(f"  {line}")
    _break_glass(session, view)


def _break_glass(session: Session, view: ItemView) -> None:
    if view.may_break_glass:
        line = typed(session, "break-glass", view.item, "--reason", "WHY")
        write("", f"You may release it before its approval, to be ratified: {line}")


def commands_for(session: Session, view: ItemView) -> list[str]:
    """Return the command lines that answer an item, ready to be completed and typed."""
    name = view.item
    if view.kind == "approval":
        why = ("--comment", "WHY")
        others = ("request-changes", "reject", "recuse")
        return [
            typed(session, "approve", name),
            *(typed(session, verb, name, *why) for verb in others),
        ]
    if view.kind == "acknowledgement":
        return [typed(session, "ack", name)]
    if view.kind == "draft":
        return [
            typed(session, "document", view.case, _document_name(view)) + " > draft.md",
            typed(session, "revise", name, "--file", "draft.md", "--done"),
        ]
    needs_file = view.evidence and not view.attachments
    attach = [typed(session, "attach", name, "FILE")] if needs_file else []
    return [*attach, typed(session, "complete", name, *_answers(view))]


def _repairs(session: Session, view: ItemView) -> list[tuple[str, str]]:
    answers = (
        ("try the step again", "--retry"),
        ("go on without it", "--skip"),
        ("stop the case", "--cancel"),
        ("say that it did go out, where that is unknown", "--sent URL"),
        ("say that it did not, and send it", "--not-sent"),
    )
    return [
        (words, typed(session, "repair", view.item, *answer.split(), "--reason", "WHY"))
        for words, answer in answers
    ]


def _document_name(view: ItemView) -> str:
    scope = view.content[0].get("scope") if view.content else ""
    return f"{view.document or 'NAME'}@{scope}" if scope else view.document or "NAME"


def _answers(view: ItemView) -> Iterator[str]:
    if view.questions:
        left = {question.id: question for question in view.questions}
        here = left.pop(view.questions[0].id, None)
        while here is not None:  # all questions of one path have to be answered
            yield from ("-o", f"{here.id}=yes")
            here = left.pop(here.if_yes, None)
        return
    for each in fields_of(view.form):
        if each.required:
            yield from ("-o", f"{each.name}={each.example}")


def typed(session: Session, *words: str) -> str:
    """Return a command line as it has to be typed by whoever reads it."""
    acting = ("--as", session.options.acting) if session.options.acting else ()
    return shlex.join(["smr", *words, *acting])
