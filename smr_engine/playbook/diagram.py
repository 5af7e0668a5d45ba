"""A playbook as a Mermaid flowchart that a communications person can read.

Shapes and colours say what kind of step it is; every text from the playbook is escaped, so that a
title can neither break the diagram nor smuggle markup into a page that shows it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from smr_engine.playbook.diagram_words import (
    answers_all,
    condition,
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

_LONGEST = 120  # characters of one line in a box
_SHAPES = {
    "task": ("[", "]"),
    "draft": ("[/", "/]"),
    "approval": ("{{", "}}"),
    "publish": ("[[", "]]"),
    "notify": (">", "]"),
    "decision": ("{", "}"),
    "switch": ("{", "}"),
    "wait": ("([", "])"),
    "playbook": ("[[", "]]"),
    "call": ("[[", "]]"),
    "set": ("[", "]"),
    "end": ("([", "])"),
}
_CLASSES = {
    "approval": "fill:#fff3cd,stroke:#b8860b,stroke-width:3px,color:#000",
    "publish": "fill:#d4edda,stroke:#1e7e34,stroke-width:4px,color:#000",
    "decision": "fill:#e2e3f3,stroke:#4b4f9c,color:#000",
    "notify": "fill:#e8f4fd,stroke:#31708f,color:#000",
    "quiet": "fill:#f5f5f5,stroke:#999999,color:#333",
    "close": "fill:#eeeeee,stroke:#333333,stroke-width:2px,color:#000",
}
_CLASS_OF = {
    "switch": "decision",
    "wait": "quiet",
    "set": "quiet",
    "call": "quiet",
    "end": "close",
}
_ROUND = ("([", "])")
_CIRCLE = ("((", "))")
_DIAMOND = ("{", "}")

Exit = tuple[str, str]  # a node, and what to write on the edge that leaves it


def mermaid(playbook: Playbook) -> str:
    """Return a Mermaid flowchart of a playbook; the same text for the same playbook.

    Who does what stands in the boxes; approvals and publications stand out; options, conditions
    and ways back are labelled; sections, branches and loops are frames. Nothing in the playbook
    makes it raise.
    """
    return _Drawing(playbook).draw()


def escape(text: str, longest: int = _LONGEST) -> str:
    """Return a text as it may stand between double quotes in Mermaid: one line, no markup."""
    plain = " ".join(text.split())
    plain = "".join(c for c in plain if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"})
    if len(plain) > longest:
        plain = plain[: longest - 1].rstrip() + "…"
    return "".join(c if c.isalnum() or c in _HARMLESS else f"#{ord(c)};" for c in plain)


_HARMLESS = frozenset(" .,:!?'()/+-=_…→≤€")


class _Drawing:
    def __init__(self, playbook: Playbook) -> None:
        self.playbook = playbook
        self.lines: list[str] = []
        self.edges: list[str] = []  # written last: an edge inside a frame would pull its ends in
        self.depth = 1
        self.nodes: dict[str, str] = {}  # by step id
        self.taken: set[str] = set()
        self.ended: dict[str, list[Exit]] = {}  # ends `of` a block or branch, by its name

    def draw(self) -> str:
        self.write("flowchart TD")
        self.depth = 2
        start = self.node("start", _ROUND, [self.playbook.title], "close")
        exits = self.steps(self.playbook.steps, [(start, "")])
        if exits:
            done = self.node("done", _ROUND, ["Closed: done"], "close")
            self.join(exits, done)
        self.write(*self.edges)
        self.write(*(f"classDef {name} {style};" for name, style in _CLASSES.items()))
        return "\n".join(self.lines) + "\n"

    # --- lists and steps -------------------------------------------------------------------------

    def steps(self, steps: Sequence[Step], into: list[Exit]) -> list[Exit]:
        """Draw a list of steps; return how it is left."""
        for step in steps:
            skipped: list[Exit] = []
            if step.when is not None:
                asked = self.node(f"{step.id}_when", _DIAMOND, [condition(step.when)], "quiet")
                self.join(into, asked)
                into, skipped = [(asked, "yes")], [(asked, "no")]
            into = [*self.step(step, into), *skipped]
        return into

    def step(self, step: Step, into: list[Exit]) -> list[Exit]:
        match step:
            case SectionStep():
                return self.framed(step.id, step.title.blank, step.steps, into)
            case ParallelStep():
                return self.parallel(step, into)
            case ForeachStep() | RepeatStep():
                return self.loop(step, into)
            case SwitchStep():
                return self.switch(step, into)
            case _:
                return self.plain(step, into)

    def plain(self, step: Step, into: list[Exit]) -> list[Exit]:
        box = self.box(step)
        self.join(into, box)
        if isinstance(step, EndStep):
            if step.of is not None:
                self.ended.setdefault(step.of, []).append((box, ""))
            return []
        if isinstance(step, ApprovalStep):
            self.ways_back(step, box)
            return [(box, "approved")]
        return [(box, "")]

    def ways_back(self, step: ApprovalStep, box: str) -> None:
        back = step.on_changes_requested
        if back is not None and back.step in self.nodes:
            self.edges.append(f'{box} -. "changes requested" .-> {self.nodes[back.step]}')
        if step.on_rejected is not None:
            words = [f"Ends: {step.on_rejected.outcome}"]
            end = self.node(f"{step.id}_rejected", _ROUND, words, "close")
            self.edges.append(f'{box} -. "rejected" .-> {end}')
            if step.on_rejected.of is not None:
                self.ended.setdefault(step.on_rejected.of, []).append((end, ""))

    def switch(self, step: SwitchStep, into: list[Exit]) -> list[Exit]:
        box = self.box(step)
        self.join(into, box)
        exits: list[Exit] = []
        for option in step.options:
            exits += self.steps(option.steps, [(box, option_words(option))])
        decider = index_of(self.playbook).by_id.get(step.on or "")
        if not answers_all(step, decider.step if decider else None):
            exits.append((box, "otherwise"))
        return exits

    def parallel(self, step: ParallelStep, into: list[Exit]) -> list[Exit]:
        self.open(step.id, step.title.blank)
        fork = self.node(f"{step.id}_fork", _CIRCLE, ["at once"], "quiet")
        exits: list[Exit] = []
        for branch in step.branches:
            name = f"{step.id}_{branch.id}"
            exits += self.framed(name, branch.title, branch.steps, [(fork, "")])
            exits += self.ended.pop(branch.id, [])
        words = "the first that ends" if step.join_any else "all of them"
        join = self.node(f"{step.id}_join", _CIRCLE, [words], "quiet")
        self.join(exits, join)
        self.close()
        self.join(into, fork)
        return [(join, "")]

    def loop(self, step: ForeachStep | RepeatStep, into: list[Exit]) -> list[Exit]:
        self.open(step.id, f"{step.title.blank}: {title_of_loop(step)}")
        turn = "round" if isinstance(step, RepeatStep) else "each"
        begin = self.node(f"{step.id}_begin", _CIRCLE, [turn], "quiet")
        exits = [*self.steps(step.steps, [(begin, "")]), *self.ended.pop(step.id, [])]
        if isinstance(step, RepeatStep):
            again = self.node(f"{step.id}_until", _DIAMOND, [until_words(step)], "quiet")
            self.join(exits, again)
            self.edges.append(f'{again} -. "no, again" .-> {begin}')
            exits = [(again, "yes")]
        self.close()
        self.join(into, begin)
        return exits

    def framed(self, name: str, title: str, steps: Sequence[Step], into: list[Exit]) -> list[Exit]:
        self.open(name, title)
        exits = self.steps(steps, into)
        self.close()
        return exits

    # --- Mermaid ---------------------------------------------------------------------------------

    def box(self, step: Step) -> str:
        kind = step.kind
        words = [step.title.blank or step.id, *details(self.playbook, step)]
        drawn = self.node(step.id, _SHAPES[kind], words, _CLASS_OF.get(kind, kind))
        self.nodes[step.id] = drawn
        return drawn

    def node(self, name: str, shape: tuple[str, str], words: Sequence[str], style: str) -> str:
        """Write a node and return its id; styles without a class are left plain."""
        node = self.free(f"s_{name}")
        label = "<br/>".join(filter(None, map(escape, words))) or " "
        styled = f":::{style}" if style in _CLASSES else ""
        self.write(f'{node}{shape[0]}"{label}"{shape[1]}{styled}')
        return node

    def open(self, name: str, title: str) -> None:
        self.write(f'subgraph {self.free(f"g_{name}")}["{escape(title) or escape(name) or " "}"]')
        self.depth += 1

    def close(self) -> None:
        self.depth -= 1
        self.write("end")

    def join(self, exits: Sequence[Exit], node: str) -> None:
        for before, label in exits:
            words = escape(label, 60)
            arrow = f'-- "{words}" -->' if words else "-->"
            self.edges.append(f"{before} {arrow} {node}")

    def free(self, wanted: str) -> str:
        """Return an id that Mermaid can read and that no other node has."""
        safe = re.sub(r"[^A-Za-z0-9_]", "_", wanted)[:80]
        name, number = safe, 1
        while name in self.taken:
            number += 1
            name = f"{safe}_{number}"
        self.taken.add(name)
        return name

    def write(self, *lines: str) -> None:
        self.lines += ["  " * (self.depth - 1) + line for line in lines]
