"""Task, draft and decision: one person does, writes or answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from smr_engine.engine import events as e
from smr_engine.engine import flow, forms, who, work
from smr_engine.engine.content import text_digest
from smr_engine.engine.drafts import failed_checks
from smr_engine.engine.problems import StepProblemError
from smr_engine.engine.run import Place, Run
from smr_engine.engine.state import Document, Item
from smr_engine.engine.statuses import ItemKind, ItemStatus
from smr_engine.errors import Invalid, Refusal
from smr_engine.playbook.model import DecisionStep, DraftStep, Outcome, Question, TaskStep

CHANGES_REQUESTED = "changes_requested"
"""The outcome of an approval item that sends the content back to its writers."""


def start_task(run: Run, place: Place) -> None:
    """Put a task in front of people; documents it shows are bound by digest."""
    people = _people(run, place)
    bound = _bound_documents(run, place)
    work.start(run, place)
    for group in people:
        work.open_item(
            run, place, ItemKind.TASK, group, bundle=bound, excluded=_excluded(run, place)
        )


def start_draft(run: Run, place: Place) -> None:
    """Put a draft in front of people, with its template rendered unless there is a text already."""
    step = cast(DraftStep, place.step)
    people = who.assigned(run, place.scope, step)
    home = run.document_scope(place.scope)
    text = None
    known = run.scope(home).documents.get(step.document)
    if known is None or known.stale:
        spec = run.playbook.documents[step.document]
        text = run.text(place.scope, spec.template)
    work.start(run, place)
    if text is not None:
        save_revision(run, home, place.path, step.document, text, source="template")
    work.open_item(
        run,
        place,
        ItemKind.DRAFT,
        people,
        message=_what_to_change(run, place),
        excluded=_excluded(run, place),
    )


def start_decision(run: Run, place: Place) -> None:
    """Decide by table at once, or put the question in front of people."""
    step = cast(DecisionStep, place.step)
    if not step.rows:
        people = who.assigned(run, place.scope, step)
        bound = _bound_documents(run, place)
        work.start(run, place)
        work.open_item(
            run, place, ItemKind.DECISION, people, bundle=bound, excluded=_excluded(run, place)
        )
        return
    matches = [row for row in step.rows if run.evaluate(place.scope, row.when)]
    if not matches:
        message = "no row of the table holds"
        raise StepProblemError(message)
    if step.pick == "worst":
        row = min(matches, key=lambda r: step.worst_first.index(r.outcome))
    else:
        row = matches[0]
    because = run.explain(place.scope, row.when)
    work.start(run, place)
    work.complete(run, place, row.outcome, {"path": [{"when": because, "outcome": row.outcome}]})


# --- answers -----------------------------------------------------------------------------------


def complete_task(run: Run, place: Place, item: Item, values: Mapping[str, Any]) -> None:
    """Take a filled form; an `each` task is over when everybody has done theirs."""
    step = cast(TaskStep, place.step)
    filled = forms.check_values(step.form or forms.NO_FIELDS, values, run.world, item.id)
    need_evidence(step.evidence, item)
    _complete_item(run, place, item, values=filled)
    if not work.open_items_of(run, place):
        all_done(run, place, run.actor.id)


def all_done(run: Run, place: Place, by: str) -> None:
    """Complete a task: nobody is left who was asked and has neither answered nor expired."""
    answers = _answers(run, place)
    each = place.step.assign is not None and place.step.assign.each
    work.complete(run, place, "done", {"answers": answers} if each else answers[-1]["output"], by)
    flow.resume(run, place)


def complete_decision(run: Run, place: Place, item: Item, values: Mapping[str, Any]) -> None:
    """Take the answers to a question tree, or a choice; record the path."""
    step = cast(DecisionStep, place.step)
    need_evidence(step.evidence, item)
    follow = _choice if step.choices else _walk
    outcome, path = follow(step, item, values)
    _complete_item(run, place, item, outcome=outcome, values=dict(values))
    work.complete(run, place, outcome, {"path": path}, run.actor.id)
    flow.resume(run, place)


def complete_draft(run: Run, place: Place, item: Item, override: str) -> None:
    """Finish a draft whose checks pass, or whose writer says why they need not."""
    step = cast(DraftStep, place.step)
    home = run.scope(run.document_scope(place.scope))
    document: Document = home.documents[step.document]
    failed = failed_checks(step.checks, document.text)
    if failed and not override:
        raise Refusal(
            "checks-failed",
            f"the draft is not done: {'; '.join(failed)}",
            hint="change the text, or finish it with --override REASON",
            where=item.id,
        )
    need_evidence(step.evidence, item)
    newest = document.newest
    output = {"document": step.document, "revision": newest.number, "digest": newest.digest}
    _complete_item(run, place, item, values=output)
    work.complete(run, place, "done", output, run.actor.id)
    flow.resume(run, place)


def save_revision(
    run: Run,
    home: str,
    path: str,
    document: str,
    text: str,
    **more: Any,
) -> None:
    """Save a text as the newest revision of a document."""
    known = run.scope(home).documents.get(document)
    run.emit(
        e.DocumentRevised(
            scope=home,
            path=path,
            document=document,
            revision=len(known.revisions) + 1 if known else 1,
            digest=text_digest(text),
            text=text,
            **more,
        )
    )


def need_evidence(wanted: bool, item: Item) -> None:  # noqa: FBT001 - the step's own flag
    """Refuse to complete an item that asks for evidence and has none."""
    if wanted and not item.attachments:
        raise Refusal(
            "evidence-missing",
            "this can only be completed with evidence attached",
            hint=f"smr attach {item.id} FILE",
            where=item.id,
        )


# --- details -----------------------------------------------------------------------------------


def _people(run: Run, place: Place) -> list[tuple[str, ...]]:
    people = who.assigned(run, place.scope, place.step)
    each = place.step.assign is not None and place.step.assign.each
    return [(person,) for person in people] if each else [people]


def _excluded(run: Run, place: Place) -> tuple[str, ...]:
    """Return whom `except` keeps out, also when the item is handed over or escalates."""
    assign = place.step.assign
    if assign is None:
        return ()
    barred = who.excluded(run, place.scope, assign.exclude, place.step.documents)
    return tuple(sorted(barred))


def _bound_documents(run: Run, place: Place) -> list[dict[str, Any]] | None:
    found = []
    for name in place.step.documents:
        document = run.scope(run.find_document(place.scope, name)).documents.get(name)
        if document is None:
            message = f"the document '{name}' has no text yet"
            raise StepProblemError(message)
        newest = document.newest
        found.append({"document": name, "revision": newest.number, "digest": newest.digest})
    return found or None


def _what_to_change(run: Run, place: Place) -> str:
    """Return what reviewers of the round before asked for, else the step's help."""
    document = cast(DraftStep, place.step).document
    asked = [
        item
        for item in run.scope(place.scope).items.values()
        if item.kind is ItemKind.APPROVAL
        and item.outcome == CHANGES_REQUESTED
        and any(entry["document"] == document for entry in item.bundle["documents"])
    ]
    if not asked:
        return run.text(place.scope, place.step.help)
    vote = asked[-1].votes[-1]
    known = run.world.people.get(vote.person)
    return f"{known.name if known else vote.person} asks for changes: {vote.comment}"


def _complete_item(
    run: Run,
    place: Place,
    item: Item,
    *,
    outcome: str = "done",
    values: Any = None,
) -> None:
    run.emit(
        e.ItemCompleted(
            scope=place.scope,
            path=place.path,
            item=item.id,
            outcome=outcome,
            by=run.actor.id,
            values=values,
        )
    )


def _answers(run: Run, place: Place) -> list[dict[str, Any]]:
    items = work.items_of(run, place, ItemKind.TASK)
    done = (item for item in items if item.status is ItemStatus.COMPLETED)
    return [{"by": item.closed_by, "output": item.output} for item in done]


def _choice(
    step: DecisionStep, item: Item, values: Mapping[str, Any]
) -> tuple[str, list[dict[str, Any]]]:
    chosen = str(values.get("choice", ""))
    titles = {choice.id: choice.title or choice.id for choice in step.choices}
    if chosen not in titles or len(values) != 1:
        raise Invalid(
            "form-invalid",
            f"choose one of {', '.join(titles)}",
            hint=f"-o choice={next(iter(titles))}",
            fields={"choice": "choose one"},
        )
    return chosen, [{"ask": item.title, "answer": titles[chosen], "outcome": chosen}]


def _walk(
    step: DecisionStep, item: Item, values: Mapping[str, Any]
) -> tuple[str, list[dict[str, Any]]]:
    """Follow the answers from the root question to an outcome; every question needs an answer."""
    questions = {question.id: question for question in step.questions}
    here: str | Outcome = step.questions[0].id
    path: list[dict[str, Any]] = []
    while not isinstance(here, Outcome):
        question = questions[here]
        yes = _yes(question, values, item.id)
        path.append({"id": question.id, "ask": question.ask, "answer": "yes" if yes else "no"})
        here = question.if_yes if yes else question.if_no
    stray = sorted(set(values) - {str(entry["id"]) for entry in path})
    if stray:
        raise Invalid(
            "form-invalid", f"{', '.join(stray)} is not on the path of your answers", where=item.id
        )
    path.append({"outcome": here.id, "title": here.title})
    return here.id, path


def _yes(question: Question, values: Mapping[str, Any], where: str) -> bool:
    answers = {"yes": True, "no": False, True: True, False: False}
    given = values.get(question.id)
    if not isinstance(given, str | bool) or given not in answers:
        raise Invalid(
            "form-invalid",
            f"'{question.ask}' needs yes or no",
            hint=f"-o {question.id}=yes",
            where=where,
            fields={question.id: "answer yes or no"},
        )
    return answers[given]
