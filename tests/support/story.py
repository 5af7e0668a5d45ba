"""People of the sample company who answer whatever comes up, through the command line.

A story is a table from step ids to answers. Everybody looks at an item before they act, approvers
into their inbox as well, and it has to be theirs to answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from tests.support.program import House

Row = dict[str, Any]
Answer = Callable[[House, Row], None]

PATIENCE = timedelta(seconds=10)
MOST_ACTS = 400


def fills(person: str, **values: Any) -> Answer:
    """Somebody completes a task with the values of its form; checklists are ticked."""

    def answer(house: House, row: Row) -> None:
        form = _asked(house, row, person)["form"]
        points = [name for name, spec in form["properties"].items() if spec.get("const") is True]
        given = json.dumps({**dict.fromkeys(points, True), **values})
        house.done("complete", row["item"], "--output", "-", who=person, text=given)

    return answer


def chooses(person: str, *answers: str) -> Answer:
    """Somebody takes a decision: `question=yes` for each question, or `choice=id`."""

    def answer(house: House, row: Row) -> None:
        _asked(house, row, person)
        options = [word for each in answers for word in ("-o", each)]
        house.done("complete", row["item"], *options, who=person)

    return answer


def writes(person: str, text: str = "") -> Answer:
    """Somebody finishes a draft with a text of their own, or with what the template made."""

    def answer(house: House, row: Row) -> None:
        (start,) = _asked(house, row, person)["content"]
        words = text or start["text"]
        house.done("revise", row["item"], "--file", "-", "--done", who=person, text=words)

    return answer


def approves(*people: str) -> Answer:
    """Some people approve one after the other; the last of them completes the quorum."""

    def answer(house: House, row: Row) -> None:
        for person in people:
            _asked(house, row, person)
            vote = house.ask("approve", row["item"], who=person)
            assert vote["granted"] is (person == people[-1]), (row["step"], person, vote)

    return answer


def says(person: str, verb: str, why: str) -> Answer:
    """Somebody decides otherwise: `request-changes`, `reject` or `recuse`, with a reason."""

    def answer(house: House, row: Row) -> None:
        _asked(house, row, person)
        house.done(verb, row["item"], "--comment", why, who=person)

    return answer


def in_turn(*answers: Answer) -> Answer:
    """The first time the first answer, the second time the next; the last one ever after."""
    left = list(answers)

    def answer(house: House, row: Row) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(house, row)

    return answer


def acknowledges(house: House, row: Row) -> None:
    """Whoever was told says so; for somebody outside the owner records it."""
    house.done("ack", row["item"], who=row["waiting_for"][0])


def play(house: House, case: str, answers: Mapping[str, Answer]) -> Row:
    """Let people answer whatever comes up in the house until a case is closed.

    Returns:
        The case as `smr show` has it.
    """
    for _ in range(MOST_ACTS):
        house.work()
        waiting = house.items()
        broken = [row["title"] for row in waiting if row["kind"] == "repair"]
        assert not broken, house.done("timeline", case)
        told = [row for row in waiting if row["kind"] == "acknowledgement"]
        asked = [row for row in waiting if row["step"] in answers]
        for row in told or asked[:1]:
            answers.get(row["step"], acknowledges)(house, row)
        if told or asked:
            continue
        shown: Row = house.ask("show", case)
        if shown["status"] in {"completed", "cancelled"}:
            return shown
        house.wait_until_due(PATIENCE)
    message = f"{case} does not come to an end:\n{house.done('timeline', case)}"
    raise AssertionError(message)


def _asked(house: House, row: Row, person: str) -> Row:
    """Return an item as somebody sees it whom it waits for, and who may answer it."""
    if row["kind"] == "approval":
        inbox = {each["item"]: each["may"] for each in house.ask("inbox", who=person)}
        assert inbox.get(row["item"]), f"{row['step']} is not {person}'s to answer: {row}"
    seen: Row = house.ask("item", row["item"], who=person)
    assert seen["may"], seen["why_not"]
    return seen
