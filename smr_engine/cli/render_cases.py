"""Cases for people: the list, one case, its history, its documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from smr_engine.cli.output import (
    FAINT,
    GOOD,
    LATE,
    STRONG,
    Styled,
    facts,
    heading,
    say,
    table,
    write,
    write_raw,
)
from smr_engine.cli.render_items import typed
from smr_engine.cli.session import Session
from smr_engine.services.sentences import Told
from smr_engine.services.text import clock_time, due_words, harmless, instant, listed, shortened
from smr_engine.services.views import (
    CaseRow,
    CaseView,
    ClockView,
    DocumentView,
    EffectRow,
    ItemRow,
    Rescored,
    Started,
    StepRow,
)

_STYLES = {
    "held": LATE,
    "failed": LATE,
    "unknown": LATE,
    "active": STRONG,
    "open": STRONG,
    "completed": GOOD,
    "done": GOOD,
    "skipped": FAINT,
    "waiting": FAINT,
    "cancelled": FAINT,
}


def status(word: str) -> str:
    """Return a status in its style."""
    return Styled(word, _STYLES.get(word, ""))


def started(session: Session, view: Started) -> None:
    """Write which case was opened and what to look at next."""
    write_raw(f"{view.case} is {view.status} ({view.playbook} {view.version}).")
    write_raw(f"  Look at it: {typed(session, 'show', view.case)}")
    write_raw("  Everybody's work: smr inbox --all")


def cases(session: Session, rows: list[CaseRow]) -> None:
    """Write a list of cases."""
    if not rows:
        write("There are no such cases.")
        return
    columns = ("Case", "Title", "Severity", "Status", "Waits for", "Opened", "Clock")
    table(columns, (_case_row(session, row) for row in rows), fixed=(0,))


def _case_row(session: Session, row: CaseRow) -> tuple[str, ...]:
    title = f"EXERCISE {row.title}" if row.drill else row.title
    ended = f"{row.status}: {row.outcome}" if row.outcome else row.status
    return (
        row.case,
        shortened(title, 120),
        row.severity or "",
        Styled(ended, _STYLES.get(row.status, "")),
        listed([session.name_of(person) for person in row.waiting_for], "or"),
        instant(row.opened_at, session.zone),
        _next_clock(session, row.clocks),
    )


def _next_clock(session: Session, rows: list[ClockView]) -> str:
    """Return the running clock that is due first, in words."""
    if not rows or rows[0].due is None:
        return ""
    words = f"{rows[0].title}: {due_words(rows[0].due, session.now)}"
    return Styled(words, LATE) if rows[0].overdue else words


def case(session: Session, view: CaseView) -> None:
    """Write one case: heads, steps, open items, documents, effects that are not done."""
    drill = "EXERCISE " if view.drill else ""
    write(Styled(f"{drill}{view.case}  {view.title}", STRONG))
    facts(_case_heads(session, view))
    if view.steps:
        heading("Steps")
        table(("Status", "Step", "Kind", "Outcome"), _step_rows(view.steps))
    _open_items(session, [row for row in view.items if row.status == "open"])
    _clocks(session, view.clocks)
    _documents(view)
    _effects(view.effects)


def _case_heads(session: Session, view: CaseView) -> Iterable[tuple[str, str]]:
    ended = f"{view.status}: {view.outcome}" if view.outcome else view.status
    return (
        ("Status", Styled(ended, _STYLES.get(view.status, ""))),
        ("Playbook", f"{view.playbook} {view.version} ({view.digest[:12]})"),
        ("Severity", view.severity or ""),
        ("Opened", f"{instant(view.opened_at, session.zone)} by {session.name_of(view.requester)}"),
        ("Closed", instant(view.closed_at, session.zone)),
        ("Opened by case", view.parent),
        ("Opened cases", listed(view.children)),
        *(("Not computed", problem) for problem in view.problems),
    )


def rescored(session: Session, view: Rescored, *, dry_run: bool) -> None:
    """Write what a new severity moves, or would move."""
    would = "would be" if dry_run else "is"
    write_raw(f"{view.case} {would} {view.severity}.")
    if view.moved:
        rows = (
            (
                str(each.get("item") or each.get("clock") or each.get("step")),
                str(each["what"]),
                _moment(session, each["from"]),
                _moment(session, each["to"]),
            )
            for each in view.moved
        )
        table(("Of", "What", "From", "To"), rows, fixed=(0,))
    else:
        write("Nothing that is open moves.")


def _moment(session: Session, value: str) -> str:
    """Return an instant in the reader's zone; other words as they are."""
    try:
        return instant(datetime.fromisoformat(value), session.zone)
    except ValueError:
        return value


def _clocks(session: Session, rows: list[ClockView]) -> None:
    if rows:
        heading("Clocks")
        cells = ((status(row.status), row.title, _clock_due(session, row)) for row in rows)
        table(("Status", "What", "Due"), cells)


def _clock_due(session: Session, row: ClockView) -> str:
    if row.met_at is not None:
        return f"met {instant(row.met_at, session.zone)}"
    if row.due is None:
        return ""
    words = f"{due_words(row.due, session.now)} ({instant(row.due, session.zone)})"
    return Styled(words, LATE) if row.overdue else words


def _step_rows(rows: Iterable[StepRow]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of steps, with the name of each element and round above its steps."""
    inside = ""
    for row in rows:
        opened = row.path.rpartition("]/")[0]
        if not inside.startswith(opened):
            indent = "  " * opened.count("/")
            yield "", f"{indent}{opened.rsplit('/', 1)[-1]}]", "", ""
        inside = opened
        yield _step_row(row)


def _step_row(row: StepRow) -> tuple[str, ...]:
    indent = "  " * row.path.count("/")
    again = f" (round {row.round})" if row.round > 1 else ""
    name = row.title or row.path.rsplit("/", 1)[-1]
    outcome = row.outcome or ""
    if row.reason:
        outcome = f"{outcome}: {shortened(row.reason, 160)}" if outcome else row.reason
    return status(row.status), f"{indent}{name}{again}", row.kind, outcome


def _open_items(session: Session, rows: list[ItemRow]) -> None:
    if not rows:
        return
    heading("Waiting for people")
    table(("Item", "What", "Due", "For"), (_item_row(session, row) for row in rows), fixed=(0,))


def _item_row(session: Session, row: ItemRow) -> tuple[str, ...]:
    words = due_words(row.due, session.now)
    waits = listed([session.name_of(person) for person in row.waiting_for], "or")
    return row.item, row.title, Styled(words, LATE) if row.overdue else words, waits


def _documents(view: CaseView) -> None:
    if not view.documents:
        return
    heading("Documents")
    rows = (
        (f"{d.document}@{d.scope}" if d.scope else d.document, str(d.revision), d.digest[:12])
        for d in view.documents
    )
    table(("Document", "Version", "SHA-256"), rows, fixed=(0,))


def _effects(rows: list[EffectRow]) -> None:
    """Write publications, and everything that is not simply done."""
    shown = [row for row in rows if row.kind == "publication" or row.status != "done"]
    if not shown:
        return
    heading("Sent, and owed to the outside world")
    cells = ((status(row.status), row.name, row.url or row.reason) for row in shown)
    table(("Status", "What", "Where, or why"), cells)


def timeline(session: Session, case_ref: str, history: list[Told]) -> None:
    """Write a case's history in sentences, with what people said in their own words."""
    write(Styled(f"{case_ref}, times in {session.zone}", STRONG), "")
    for told in history:
        of_child = f"{told.event.case}: " if told.event.case not in {None, "", case_ref} else ""
        write_raw(f"{clock_time(told.event.at, session.zone)}  {of_child}{told.sentence}")
        for line in harmless(told.said).splitlines():
            write_raw(f"{' ' * 19}| {line}")


def document(session: Session, view: DocumentView) -> None:
    """Write a document's text, or the difference of two versions, and nothing else, to stdout."""
    write_raw(view.diff if view.diff is not None else view.text)
    if view.diff is None:
        author = session.name_of(view.author) if view.author else "a template"
        note = f"version {view.revision} by {author}, SHA-256 {view.digest}"
        say(f"{view.document} {note}")
