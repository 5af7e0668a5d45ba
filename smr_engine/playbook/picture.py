"""A playbook as a picture (SVG) that a communications person can read.

It says the same as the Mermaid diagram, laid out here: the language is block-structured, so a list
is a column, and what stands side by side is framed. The file is whole in itself: no script, no font
and no link; light and dark as the reader has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from smr_engine.playbook.diagram_words import (
    answers_all,
    details,
    option_words,
    title_of_loop,
    until_words,
)
from smr_engine.playbook.index import index_of
from smr_engine.playbook.model import (
    ApprovalStep,
    EndStep,
    ForeachStep,
    ParallelStep,
    Playbook,
    RepeatStep,
    SectionStep,
    Step,
    SwitchStep,
)
from smr_engine.playbook.picture_blocks import Block, Card, Column, Frame, Lane, Row
from smr_engine.playbook.picture_style import STYLE
from smr_engine.playbook.picture_text import one_line

_EDGE = 24.0
_BADGES = {"publish": "publication", "notify": "message", "playbook": "other playbook"}
_AFTER = {"approval": "approved", "end": "otherwise"}


def picture(playbook: Playbook) -> str:
    """Return a playbook as SVG; the same text for the same playbook.

    Who does what, and when it is due, stands in the boxes; approvals and publications stand out;
    options and ends are labelled. Nothing in the playbook makes it raise or adds markup.
    """
    column = _Artist(playbook).whole()
    width, height = column.width + 2 * _EDGE, column.height + 2 * _EDGE
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "smr",
            "viewBox": f"0 0 {width:.0f} {height:.0f}",
            "width": f"{width:.0f}",
            "height": f"{height:.0f}",
            "role": "img",
            "aria-labelledby": "smr-title smr-desc",
        },
    )
    SubElement(root, "title", {"id": "smr-title"}).text = one_line(playbook.title) or "Playbook"
    SubElement(root, "desc", {"id": "smr-desc"}).text = one_line(
        f"The steps of {playbook.name} {playbook.version}, from top to bottom. {playbook.summary}"
    )
    SubElement(root, "style").text = STYLE
    _tip(SubElement(root, "defs"))
    SubElement(root, "rect", {"class": "paper", "width": "100%", "height": "100%"})
    column.draw(root, _EDGE, _EDGE)
    indent(root, " ")
    return tostring(root, encoding="unicode") + "\n"


def _tip(into: Element) -> None:
    size = {"viewBox": "0 0 8 8", "refX": "6.5", "refY": "4", "orient": "auto"}
    units = {"markerWidth": "8", "markerHeight": "8", "markerUnits": "userSpaceOnUse"}
    tip = SubElement(into, "marker", {"id": "smr-tip", **size, **units})
    SubElement(tip, "path", {"class": "tip", "d": "M0 0.5L7.5 4L0 7.5z"})


class _Artist:
    def __init__(self, playbook: Playbook) -> None:
        self.playbook = playbook
        self.index = index_of(playbook)

    def whole(self) -> Column:
        start = Row(Card("close", "", self.playbook.title, round=True))
        steps = self.column(self.playbook.steps)
        done = [Row(Card("close", "", "Closed: done", round=True))] if steps.goes_on else []
        back = tuple((a + 1, b + 1) for a, b in steps.back)
        return Column((start, *steps.rows, *done), back)

    def column(self, steps: Sequence[Step]) -> Column:
        return Column(tuple(map(self.row, steps)), tuple(_ways_back(steps)))

    def row(self, step: Step) -> Row:
        asked = f"only if {step.when.source.strip()}" if step.when is not None else ""
        return Row(self.block(step), asked, _AFTER.get(step.kind, ""))

    def block(self, step: Step) -> Block:
        match step:
            case SectionStep():
                inside = self.column(step.steps)
                return Frame("section", _title(step), column=inside, goes_on=inside.goes_on)
            case ForeachStep() | RepeatStep():
                return self.loop(step)
            case ParallelStep():
                return self.parallel(step)
            case SwitchStep():
                return self.switch(step)
            case _:
                return self.card(step)

    def card(self, step: Step) -> Card:
        ends = isinstance(step, EndStep)
        lines = [*details(self.playbook, step), *self.turns(step)]
        badge = "" if ends else _BADGES.get(step.kind, step.kind)
        style = "close" if ends else step.kind
        return Card(style, badge, _title(step), tuple(lines), goes_on=not ends, round=ends)

    def turns(self, step: Step) -> Iterator[str]:
        """Yield what happens when an approval is not given."""
        if not isinstance(step, ApprovalStep):
            return
        back = step.on_changes_requested
        if back is not None:
            place = self.index.by_id.get(back.step)
            yield f"changes requested: back to {_title(place.step) if place else back.step}"
        if step.on_rejected is not None:
            of = f" (only {step.on_rejected.of})" if step.on_rejected.of else ""
            yield f"rejected: ends {step.on_rejected.outcome}{of}"

    def loop(self, step: ForeachStep | RepeatStep) -> Frame:
        footer = (
            f"Again, until {until_words(step).rstrip('?')}" if isinstance(step, RepeatStep) else ""
        )
        inside = self.column(step.steps)
        return Frame("loop", _title(step), (title_of_loop(step),), column=inside, footer=footer)

    def parallel(self, step: ParallelStep) -> Frame:
        lanes = tuple(Lane(b.title or b.id, self.column(b.steps)) for b in step.branches)
        words = "the first that ends" if step.join_any else "all of them"
        return Frame("parallel", _title(step), (f"At once; goes on after {words}",), lanes=lanes)

    def switch(self, step: SwitchStep) -> Frame:
        lanes = [Lane(option_words(o), self.column(o.steps)) for o in step.options]
        decider = self.index.by_id.get(step.on or "")
        if not answers_all(step, decider.step if decider else None):
            lanes.append(Lane("otherwise: goes on", Column(())))
        goes_on = any(lane.column.goes_on for lane in lanes)
        words = tuple(details(self.playbook, step))
        return Frame("switch", _title(step), words, lanes=tuple(lanes), goes_on=goes_on)


def _title(step: Step) -> str:
    return step.title.blank or step.id


def _ways_back(steps: Sequence[Step]) -> Iterator[tuple[int, int]]:
    """Yield the ways back of the approvals of a list, as numbers of its steps."""
    numbers = {step.id: number for number, step in enumerate(steps)}
    for number, step in enumerate(steps):
        back = step.on_changes_requested if isinstance(step, ApprovalStep) else None
        if back is not None and numbers.get(back.step, number) < number:
            yield number, numbers[back.step]
