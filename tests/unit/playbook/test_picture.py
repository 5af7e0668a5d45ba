"""What a picture shows, that nothing lies over anything else, and that no text becomes markup."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.playbook.model import (
    ApprovalStep,
    EndStep,
    Option,
    Playbook,
    SwitchStep,
    TaskStep,
    Template,
    walk,
)
from smr_engine.playbook.parse import parse_playbook
from smr_engine.playbook.picture import picture
from smr_engine.playbook.picture_text import Font, width_of, wrapped
from tests.support.generated_playbooks import generated

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "schemas/playbook.schema.json").read_text())
PLAYBOOKS = [*sorted((ROOT / "playbooks").glob("*.yaml")), ROOT / "tests/bench/approval.yaml"]
PLAYBOOKS += [ROOT / "tests/examples/valid/every-key.yaml"]
SVG = "{http://www.w3.org/2000/svg}"
PARTS = {"svg", "title", "desc", "style", "defs", "marker", "path", "rect", "g", "text"}
SAID = {"id", "class", "d", "x", "y", "width", "height", "rx", "marker-end", "role"}
SAID |= {"viewBox", "aria-labelledby", "refX", "refY", "orient"}
SAID |= {"markerWidth", "markerHeight", "markerUnits"}
FONT = Font("detail", 12, 16)


def read(path: Path) -> Playbook:
    playbook, _ = parse_playbook(path.read_bytes(), path.name, SCHEMA)
    assert playbook is not None
    return playbook


@dataclass(frozen=True)
class Box:
    """A box of a picture, with the boxes inside it."""

    name: str
    left: float
    top: float
    right: float
    bottom: float
    inside: tuple[Box, ...]
    lines: tuple[str, ...]

    def holds(self, other: Box) -> bool:
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom

    def lies_over(self, other: Box) -> bool:
        """Return whether two boxes share more than an edge; numbers are rounded to a tenth."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return across > 0.15 and down > 0.15


def boxes(root: Element) -> tuple[Box, ...]:
    return tuple(map(box, root.findall(f"{SVG}g")))


def box(group: Element) -> Box:
    (rect,) = group.findall(f"{SVG}rect")
    x, y, width, height = (float(rect.get(name, "")) for name in ("x", "y", "width", "height"))
    lines = tuple(text.text or "" for text in group.findall(f"{SVG}text"))
    name = group.findtext(f"{SVG}title") or ""
    return Box(name, x, y, x + width, y + height, boxes(group), lines)


def below(found: tuple[Box, ...]) -> Iterator[Box]:
    for each in found:
        yield each
        yield from below(each.inside)


def drawn(playbook: Playbook) -> Element:
    """Return the picture of a playbook, after a look at its layout and its parts."""
    root = fromstring(picture(playbook))
    width, height = (float(root.get(name, "")) for name in ("width", "height"))
    paper = Box("paper", 0, 0, width, height, boxes(root), ())
    for parent in (paper, *below(paper.inside)):
        assert all(map(parent.holds, parent.inside)), parent.name
        for one, other in combinations(parent.inside, 2):
            assert not one.lies_over(other), (parent.name, one.name, other.name)
    for part in root.iter():
        assert part.tag.removeprefix(SVG) in PARTS
        assert set(part.keys()) <= SAID, "no link, no script, no style of its own"
    return root


def titles(root: Element) -> list[str]:
    return [title.text or "" for title in root.iter(f"{SVG}title")]


def words(root: Element) -> str:
    return " ".join(text.text or "" for text in root.iter(f"{SVG}text"))


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_picture_has_the_title_of_every_step_and_nothing_lies_over_anything(path):
    playbook = read(path)
    shown = titles(drawn(playbook))
    assert shown[0] == playbook.title
    for step in walk(playbook.steps):
        assert step.title.blank in shown
    assert picture(playbook) == picture(read(path)), "the same for the same playbook"


@given(st.integers(0, 10_000))
def test_nothing_lies_over_anything_in_any_playbook(seed):
    playbook = generated(seed, 25)
    shown = titles(drawn(playbook))
    assert {step.title.blank or step.id for step in walk(playbook.steps)} <= set(shown)


def test_a_picture_reads_like_the_playbook():
    root = drawn(read(ROOT / "tests/examples/valid/correction.yaml"))
    said = words(root)
    for part in (
        "DRAFT Draft correction by comms-writer due 30m (high), else 4 business hours",
        "Approve: comms-director, legal (if needed) due 1h (high), else 1 business day",
        "changes requested: back to Draft correction rejected: ends rejected",
        "PUBLICATION Publish correction Correction → newsroom after: approve_correction",
        "MESSAGE Tell care to frontline-care asks for an acknowledgement",
        "approved",
        "Closed: done",
    ):
        assert part in said
    (back,) = [path for path in root.iter(f"{SVG}path") if path.get("class") == "back"]
    assert back.get("marker-end")


def test_options_branches_loops_and_conditions_are_labelled():
    said = words(drawn(read(ROOT / "tests/examples/valid/every-key.yaml")))
    for part in (
        "Freeze",
        "At once; goes on after the first that ends",
        "only if inputs.type == 'breach'",
        "by the outcome of way ignore",
        "inputs.reach > 5?",
        "otherwise",
        "for each creator in inputs.creators",
        "every 30m (sev1), else 2h, at most 48 rounds",
        "Again, until steps.stand_down.outcome == 'yes'",
        "Ends: skipped_it (only every_creator)",
    ):
        assert part in said


def test_nothing_follows_what_always_ends_and_an_end_under_a_condition_says_otherwise():
    always = EndStep(id="stop", outcome="stopped")
    playbook = read(ROOT / "tests/bench/approval.yaml")
    assert "Closed: done" not in words(drawn(replace(playbook, steps=(always,))))
    condition = next(s.when for s in walk(read(PLAYBOOKS[1]).steps) if s.when is not None)
    maybe = words(drawn(replace(playbook, steps=(replace(always, when=condition),))))
    assert "otherwise Closed: done" in maybe or maybe.endswith("otherwise")


def test_approvals_and_publications_stand_out_in_light_and_dark():
    root = drawn(read(PLAYBOOKS[0]))
    kinds = {group.get("class") for group in root.iter(f"{SVG}g")}
    assert {"step approval", "step publish"} <= kinds
    style = root.findtext(f"{SVG}style") or ""
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for kind in (".approval rect", ".publish rect", ".step rect", " text", ".paper"):
        assert kind in light
        assert kind in dark
    assert "stroke-width: 3" in light
    for outside in ("url(", "@import", "http", "@font-face"):
        assert outside not in style


HOSTILE = '</title><script>alert("1")</script>]]>&amp;{{ 1 }}\u202e\x00\x1b\ufffe <a href="x">'


def test_a_hostile_title_is_text_and_nothing_else():
    playbook = replace(read(PLAYBOOKS[0]), title=HOSTILE, name=HOSTILE, summary=HOSTILE)
    steps = tuple(
        replace(step, title=Template(HOSTILE)) for step in playbook.steps if step.kind == "task"
    )
    text = picture(replace(playbook, steps=steps))
    root = drawn(replace(playbook, steps=steps))
    assert "<script" not in text
    assert "<a " not in text
    assert '</title><script>alert("1")</script>]]>&amp;' in titles(root)[0]
    assert not set("\u202e\x00\x1b\ufffe") & set(text)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_title_or_id_breaks_the_picture(title, name):
    steps = (
        TaskStep(id=name, title=Template(title)),
        ApprovalStep(id="a", title=Template(title)),
        SwitchStep(
            id="choice",
            title=Template(title),
            options=(Option(title, (EndStep(id="a b", outcome=title),), outcome=title),),
        ),
    )
    playbook = Playbook(name, "1.0.0", title, title, "", steps)
    drawn(playbook)
    drawn(replace(playbook, steps=()))


@given(st.text(max_size=300), st.integers(1, 5))
def test_lines_are_as_wide_as_they_may_be_and_no_more_than_asked_for(text, most):
    lines = wrapped(text, FONT, 120, most)
    assert len(lines) <= most
    assert all(width_of(line, FONT) <= 120 for line in lines)


def test_a_long_text_is_cut_with_a_sign_and_a_long_word_is_broken():
    assert wrapped("long " * 50, FONT, 120, 2)[1].endswith("…")
    assert "".join(wrapped("x" * 60, FONT, 120, 9)) == "x" * 60
    assert len(wrapped("危" * 20, FONT, 120, 9)) > len(wrapped("i" * 20, FONT, 120, 9))
