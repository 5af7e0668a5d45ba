"""Checks of a playbook beyond its schema: what passes them does what it says.

Pure: the directory and the other playbooks are passed in as facts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from smr_engine.playbook.check_children import check_children, check_trigger_inputs
from smr_engine.playbook.check_flow import check_flow
from smr_engine.playbook.check_inspection import CheckContext, DirectoryFacts, Inspection
from smr_engine.playbook.check_names import check_names
from smr_engine.playbook.check_people import check_people, roles_used, unused_roles
from smr_engine.playbook.check_publish import check_documents, check_publications
from smr_engine.playbook.check_quorum import check_quorums
from smr_engine.playbook.check_timing import check_timing
from smr_engine.playbook.model import Playbook, ScheduleTrigger
from smr_engine.playbook.problems import Problem

__all__ = [
    "CheckContext",
    "DirectoryFacts",
    "check_playbook",
    "check_trigger",
    "roles_used",
    "unused_roles",
]

_CHECKS: tuple[Callable[[Inspection], None], ...] = (
    check_names,
    check_flow,
    check_publications,
    check_documents,
    check_people,
    check_quorums,
    check_timing,
    check_children,
)


def check_playbook(playbook: Playbook, context: CheckContext) -> list[Problem]:
    """Return every problem of meaning that a playbook has, in the order of the file.

    Args:
        playbook: what `parse.parse_playbook` returned.
        context: the directory (None skips checks of people), other playbooks, the file's name.

    Returns:
        Errors, which keep the playbook from being started, and warnings. The same problems for
        the same arguments; nothing in a playbook makes it raise.
    """
    inspection = Inspection(playbook, context)
    for check in _CHECKS:
        check(inspection)
    return inspection.problems.sorted()


def check_trigger(playbook: Playbook, trigger: ScheduleTrigger) -> list[Problem]:
    """Return why the cases of a schedule could not be opened, as if its playbook brought it.

    Args:
        playbook: one without problems of its own.
        trigger: what opens it.
    """
    inspection = Inspection(replace(playbook, triggers=(trigger,)), CheckContext())
    check_names(inspection)
    check_trigger_inputs(inspection)
    return inspection.problems.sorted()
