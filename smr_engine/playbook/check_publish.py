"""Checks that nothing goes out unapproved, and that every document is where it is used."""

from __future__ import annotations

from collections.abc import Iterator

from smr_engine.playbook.check_inspection import Inspection
from smr_engine.playbook.check_order import why_not_granted
from smr_engine.playbook.index import Position
from smr_engine.playbook.model import ApprovalStep, DraftStep, PlaybookStep, PublishStep, Step
from smr_engine.playbook.names import Place, View
from smr_engine.playbook.suggest import did_you_mean


def check_publications(inspection: Inspection) -> None:
    """Report publications that could be reached without their approval having been granted."""
    for position in inspection.index.by_id.values():
        if isinstance(position.step, PublishStep):
            _check_publication(inspection, position, position.step)


def _check_publication(inspection: Inspection, position: Position, step: PublishStep) -> None:
    if not step.requires:
        message = f"`{step.id}` publishes without an approval"
        inspection.error("unapproved-publish", step.line, message, "add requires: [approval step]")
        return
    approvals = [
        known.step
        for name in step.requires
        if (known := inspection.index.by_id.get(name)) and isinstance(known.step, ApprovalStep)
    ]
    for name in step.requires:
        _check_required(inspection, position, name)
    covers = any(step.document in approval.documents for approval in approvals)
    if len(approvals) == len(step.requires) and not covers:
        message = f"no approval that `{step.id}` requires is about `{step.document}`"
        hint = f"add {step.document} to the documents of `{step.requires[0]}`"
        inspection.error("unapproved-publish", step.line_of("requires"), message, hint)


def _check_required(inspection: Inspection, position: Position, name: str) -> None:
    step, line = position.step, position.step.line_of("requires")
    known = inspection.index.by_id.get(name)
    approvals = [s.id for s in inspection.steps() if isinstance(s, ApprovalStep)]
    if known is None:
        hint = did_you_mean(name, approvals)
        message = f"`{step.id}` requires `{name}`, and there is no such step"
        inspection.error("unknown-step", line, message, hint)
        return
    if not isinstance(known.step, ApprovalStep):
        hint = f"there are the approvals {', '.join(approvals)}" if approvals else "add an approval"
        message = f"`{step.id}` requires `{name}`, which is a {known.step.kind} and no approval"
        inspection.error("requires-no-approval", line, message, hint)
        return
    if reason := why_not_granted(inspection.index, position, name):
        message = f"`{step.id}` can be reached without `{name}` having been granted: it {reason}"
        hint = "put it after its approval, in the same list, under the same `when` or option"
        inspection.error("unapproved-publish", line, message, hint)


# --- documents -----------------------------------------------------------------------------------


def check_documents(inspection: Inspection) -> None:
    """Report documents that are not declared, not drafted yet, out of scope, or not used."""
    used: set[str] = set()
    for position in inspection.index.by_id.values():
        for document in _used_by(position.step):
            used.add(document)
            _check_use(inspection, position, document)
    _check_homes(inspection)
    for name, spec in inspection.playbook.documents.items():
        if name not in used:
            message = f"no step uses the document `{name}`"
            inspection.warning("unused-document", spec.line, message)


def _used_by(step: Step) -> Iterator[str]:
    yield from step.documents
    if isinstance(step, DraftStep | PublishStep):
        yield step.document
    if isinstance(step, PlaybookStep):
        yield from step.hands_over


def _check_use(inspection: Inspection, position: Position, document: str) -> None:
    step, declared = position.step, inspection.playbook.documents
    line = step.lines.get("document", step.line_of("documents"))
    if document not in declared:
        message = f"there is no document `{document}`"
        inspection.error("unknown-document", line, message, did_you_mean(document, declared))
        return
    if isinstance(step, DraftStep) and step.document == document:
        return
    if reason := inspection.names.why_no_text(Place(View.STEP, position), document):
        message = f"`{document}` is not there yet when `{step.id}` opens: it {reason}"
        hint = "draft it before, in the same list or around it"
        inspection.error("document-not-drafted", line, message, hint)
    bound = isinstance(step, ApprovalStep | PublishStep)
    if bound and document not in inspection.index.documents_drafted_in:
        message = f"no step drafts `{document}`: it is there only if a parent case hands it over"
        inspection.warning("document-not-drafted", line, message)


def _check_homes(inspection: Inspection) -> None:
    for position in inspection.index.by_id.values():
        step = position.step
        if not isinstance(step, DraftStep):
            continue
        home = inspection.index.documents_drafted_in[step.document]
        if home != position.document_home:
            first, second = home or "the case", position.document_home or "the case"
            message = f"`{step.document}` is drafted in `{first}` and again in `{second}`"
            hint = "these would be two texts: give one of them another name"
            inspection.error("document-in-two-scopes", step.line_of("document"), message, hint)
