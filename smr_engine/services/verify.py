"""Whether the log holds together, and whether the tables say what it says.

Every leaf is hashed again and followed along its stream; the columns beside it and the contents are
compared with what the leaf says; every case is folded again from its events and compared, row by
row and column by column, with its tables. Memory stays within one case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import msgspec

from smr_engine.audit.chain import ChainReader, Link
from smr_engine.audit.leaf import Leaf, commitment
from smr_engine.engine.evolve import evolve
from smr_engine.engine.state import Case
from smr_engine.engine.transitions import IllegalTransitionError
from smr_engine.errors import SmrError
from smr_engine.services.compare_rows import column_problems, table_problems
from smr_engine.services.events_codec import OS_USER, decode
from smr_engine.services.projection import CASE_STREAM, Head, event_row, rows_of
from smr_engine.services.storing import UnitOfWork
from smr_engine.services.storing_lists import Proof
from smr_engine.services.views import VerifyView
from smr_engine.services.workspace import Workspace

_UNFOLDABLE = (
    SmrError,
    IllegalTransitionError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
)
"""What folding raises on events that no decision could have given, whoever wrote them."""

Json = dict[str, Any]
Progress = Callable[[int], None]


def verify(ws: Workspace, progress: Progress = lambda _: None) -> VerifyView:
    """Recompute the whole log, fold every case again, and compare with every projected row.

    All of one snapshot; nothing is written. Erased content is no problem: its commitment stays. A
    case of which something was erased is followed along its chain, but cannot be folded.

    Args:
        ws: the workspace.
        progress: told after each stream how many events have been read; what it raises ends this.

    Returns:
        Counts, and every problem as `{seq, what}` (an event) or `{row, what}` (a table row).
    """
    with ws.storage.reading() as unit:
        return verify_unit(unit, progress)


def verify_unit(unit: UnitOfWork, progress: Progress = lambda _: None) -> VerifyView:
    """Verify within a unit of work; see `verify`."""
    tally = _Tally()
    for stream, rows in groupby(unit.proof.events(), key=lambda row: row["stream"]):
        reader = _StreamReader(str(stream), tally)
        for row in rows:
            reader.read(row)
        reader.end(unit.proof)
        progress(tally.events)
    for stray in unit.proof.strays():
        tally.add_row(stray, "belongs to nothing in the log")
    for playbook in unit.playbooks.all():
        if hashlib.sha256(playbook.source).hexdigest() != playbook.digest:
            tally.add_row(f"playbooks {playbook.digest}", "source does not have this digest")
    return VerifyView(
        ok=not tally.problems,
        events=tally.events,
        cases=tally.cases,
        problems=tally.problems,
        erased=tally.erased,
    )


@dataclass(slots=True)
class _Tally:
    """What has been found so far; `erased` counts events that lost content."""

    events: int = 0
    cases: int = 0
    erased: int = 0
    problems: list[Json] = field(default_factory=list)

    def add_event(self, seq: Any, problems: Iterable[str]) -> None:
        self.problems.extend({"seq": seq, "what": what} for what in problems)

    def add_row(self, row: str, what: str) -> None:
        self.problems.append({"row": row, "what": what})


class _StreamReader:
    """Reads one stream to its end and, if it is a case's, folds it on the way."""

    def __init__(self, stream: str, tally: _Tally) -> None:
        self._stream = stream
        self._tally = tally
        self._chain = ChainReader(stream)
        self._case: Case | None = None
        self._folds = stream.startswith(CASE_STREAM)

    def read(self, row: Mapping[str, Any]) -> None:
        """Check the next event."""
        self._tally.events += 1
        link = Link(row["seq"], row["stream"], row["version"], row["leaf"], row["leaf_hash"])
        checked = self._chain.read(link)
        self._tally.add_event(link.seq, checked.problems)
        if checked.leaf is None:
            self._folds = False
            return
        self._tally.add_event(link.seq, _beside(row, checked.leaf))
        content = self._content(row, checked.leaf)
        if self._folds and content is not None:
            self._fold(checked.leaf, content)
        self._folds &= content is not None

    def end(self, proof: Proof) -> None:
        """Compare with the tables what the whole stream gave."""
        is_case = self._stream.startswith(CASE_STREAM)
        self._tally.cases += is_case
        head = Head(self._chain.version, self._chain.head)
        if self._folds and self._case is not None:
            expected, found = rows_of(self._case, head), proof.rows(self._ref)
            for row, what in table_problems(expected, found):
                self._tally.add_row(row, what)
            return
        name = f"cases {self._ref}" if is_case else f"streams {self._stream}"
        for what in _end_problems(proof.end_of(self._stream), head):
            self._tally.add_row(name, what)

    @property
    def _ref(self) -> str:
        return self._stream.removeprefix(CASE_STREAM)

    def _content(self, row: Mapping[str, Any], leaf: Leaf) -> Json | None:
        """Return all content of an event, merged; None if some of it is erased or not genuine."""
        found = {content["subject"]: content for content in row["contents"]}
        problems = [
            f"content of {s}, which the leaf does not know"
            for s in found
            if s not in leaf.commitments
        ]
        merged: Json = {}
        complete = True
        for subject, committed in leaf.commitments.items():
            if subject not in found:
                complete = False
                continue
            value = _genuine(found[subject], committed)
            if value is None:
                problems.append(f"the content of {subject} is not what the leaf commits to")
            merged |= value or {}
        self._tally.add_event(leaf.seq, problems)
        self._tally.erased += not complete
        merged.pop(OS_USER, None)
        return merged if complete and not problems else None

    def _fold(self, leaf: Leaf, content: Json) -> None:
        try:
            event = decode(leaf.kind, leaf.path, leaf.facts, content)
            at = event_row(leaf)["at"]
            self._case = evolve(self._case, event, at, leaf.actor)
        except _UNFOLDABLE as error:
            self._folds = False
            what = f"{leaf.kind} cannot follow the events before it: {error}"
            self._tally.add_event(leaf.seq, [what])


def _beside(row: Mapping[str, Any], leaf: Leaf) -> Iterator[str]:
    """Yield what is wrong with the columns beside a leaf; its place is the chain's to check."""
    place = ("seq", "stream", "version")
    said = {name: value for name, value in event_row(leaf).items() if name not in place}
    return column_problems(said, row)


def _genuine(content: Mapping[str, Any], committed: str) -> Json | None:
    """Return a subject's content if it is what the leaf commits to."""
    salt, value = content["salt"], content["value"]
    if not (isinstance(salt, bytes) and isinstance(value, bytes)):
        return None
    if commitment(salt, value) != committed:
        return None
    data: Json = msgspec.json.decode(value)
    return data


def _end_problems(end: Mapping[str, Any] | None, head: Head) -> Iterator[str]:
    if end is None:
        return iter(["is missing"])
    return column_problems({"events": head.version, "head": head.leaf_hash}, end)
