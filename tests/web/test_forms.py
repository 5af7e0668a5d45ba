"""Forms: fields made from a schema, and what was typed made into values again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import FormData

from smr_engine.engine.forms import check_values
from smr_engine.engine.world import World
from smr_engine.errors import Invalid
from smr_engine.playbook.fields import expand, with_checklist
from smr_engine.web import form_fields, forms
from smr_engine.web.render import TEMPLATES
from tests.support.html_forms import sent_from

BERLIN = ZoneInfo("Europe/Berlin")
HOSTILE = [
    "{{ 7 * 7 }}{% for x in [1] %}",
    "<script>alert(1)</script>\"'>&amp;</textarea><input name=csrf>",
    "\u202eright to left\u202c \x07 \x1b[31m",
    "=cmd|'/c calc'!A1",
    "👩🏽‍🚒 ünïcödé",
    "x" * 10_000,
]


def rendered(schema: dict[str, Any], typed: forms.Typed, **more: Any) -> str:
    """Return the page's fields."""
    macros = TEMPLATES.get_template("form_fields.html").module
    return str(macros.form_fields(form_fields.fields(schema, typed, **more)))


def sent_back(schema: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return values after they were shown in a form and sent unchanged."""
    page = rendered(schema, forms.filled_in(schema, values, BERLIN))
    typed = forms.typed_in(schema, sent_from(page))
    return forms.values_from(schema, typed, BERLIN)


# --- the law -----------------------------------------------------------------------------------

LETTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\x00")
LINES = st.characters(exclude_categories=("Cs",), exclude_characters="\r\x00")
WALL_TIMES = st.datetimes(*map(datetime.fromisoformat, ("2001-01-01", "2098-12-31"))).filter(
    lambda at: (
        at.replace(tzinfo=BERLIN).utcoffset() == at.replace(tzinfo=BERLIN, fold=1).utcoffset()
    )
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.text(LETTERS, min_size=1),
    "long_text": st.text(LINES, min_size=1),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "integer": st.integers(-(10**40), 10**40),
    "yes_no": st.booleans(),
    "date": st.dates().map(str),
    "datetime": WALL_TIMES.map(lambda at: at.replace(tzinfo=BERLIN).isoformat()),
    "duration": st.sampled_from(["30m", "4h", "2 business days", "PT30M"]),
    "url": st.sampled_from(["https://example.test/a?b=1&c=%20#d", "http://[::1]:8080/"]),
    "email": st.sampled_from(["ana@example.test", "o.b+c@xn--bcher-kva.example"]),
    "file": st.text(LETTERS, min_size=1).map(str.strip).filter(bool),
    "person": st.sampled_from(["ana", "lea"]),
    "account": st.sampled_from(["newsroom", "company-blog"]),
    "case": st.just("CRISIS-2026-0007"),
}
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True)
CHOICES = st.lists(st.text(LETTERS, min_size=1, max_size=9), min_size=1, max_size=4, unique=True)


def plain() -> st.SearchStrategy[tuple[Any, st.SearchStrategy[Any]]]:
    """Return field types of one value, each with its values."""
    simple = st.sampled_from(sorted(VALUES)).map(lambda kind: (kind, VALUES[kind]))
    return simple | CHOICES.map(lambda options: (options, st.sampled_from(options)))


def several(options: list[str]) -> tuple[Any, st.SearchStrategy[Any]]:
    subsets = st.sets(st.sampled_from(options), min_size=1)
    return {"type": "list", "of": options}, subsets.map(lambda s: sorted(s, key=options.index))


def listed(entry: tuple[Any, st.SearchStrategy[Any]]) -> tuple[Any, st.SearchStrategy[Any]]:
    kind, values = entry
    if isinstance(kind, list):
        return several(kind)
    return {"type": "list", "of": kind}, st.lists(values, min_size=1, max_size=4)


def grouped(
    inner: dict[str, tuple[Any, st.SearchStrategy[Any]]],
) -> tuple[Any, st.SearchStrategy[Any]]:
    kinds = {name: kind for name, (kind, _) in inner.items()}
    values = st.fixed_dictionaries({name: each for name, (_, each) in inner.items()})
    return {"type": "object", "fields": kinds}, values


KINDS = st.recursive(
    plain(),
    lambda inner: (
        inner.map(listed) | st.dictionaries(NAMES, inner, min_size=1, max_size=3).map(grouped)
    ),
    max_leaves=6,
)


@st.composite
def forms_with_values(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    found = draw(st.dictionaries(NAMES, KINDS, max_size=5))
    said = {name: kind for name, (kind, _) in found.items()}
    left_out = {name for name in found if draw(st.booleans())}
    for name in left_out:
        head = said[name] if isinstance(said[name], dict) else {"type": said[name]}
        said[name] = {**head, "optional": True}
    points = draw(st.lists(st.just("Two sources agree"), max_size=2))
    values = {
        name: draw(each)
        for name, (_, each) in found.items()
        if name not in left_out or draw(st.booleans())
    }
    ticked = {f"done_{number}": True for number in range(1, len(points) + 1)}
    return with_checklist(expand(said), points), {**values, **ticked}


@settings(max_examples=100)
@given(forms_with_values())
def test_what_a_form_shows_comes_back_unchanged(form: tuple[dict[str, Any], dict[str, Any]]):
    schema, values = form
    assert sent_back(schema, values) == values


# --- examples ----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str):
    schema = expand({"said": "text", "long": "long_text", "rows": {"type": "list", "of": "text"}})
    values = {"said": text, "long": text, "rows": [text]}
    page = rendered(schema, forms.filled_in(schema, values, BERLIN))
    assert "<script" not in page
    assert page.count("<textarea") == page.count("</textarea>")
    assert sent_back(schema, values) == values


def test_times_are_the_readers_and_become_instants():
    schema = expand({"seen": "datetime"})
    typed = forms.typed_in(schema, FormData([("/seen", "2026-07-01T16:11")]))
    assert forms.values_from(schema, typed, BERLIN) == {"seen": "2026-07-01T16:11:00+02:00"}
    page = rendered(schema, forms.filled_in(schema, {"seen": "2026-12-24T20:00:00Z"}, BERLIN))
    assert 'value="2026-12-24T21:00"' in page


def test_the_hour_that_comes_twice_is_its_first():
    schema = expand({"seen": "datetime"})
    typed = forms.typed_in(schema, FormData([("/seen", "2026-10-25T02:30")]))
    [at] = forms.values_from(schema, typed, BERLIN).values()
    assert datetime.fromisoformat(at).utcoffset() == timedelta(hours=2)


def test_rows_left_empty_are_no_entries():
    schema = expand({"urls": {"type": "list", "of": "url"}})
    form = FormData([("/urls/0", ""), ("/urls/1", "https://a.example.test/"), ("/urls/2", " ")])
    typed = forms.typed_in(schema, form)
    values = {"urls": ["https://a.example.test/"]}
    assert forms.values_from(schema, typed, BERLIN) == values


def test_another_row_keeps_what_was_typed():
    contact = {"type": "object", "fields": {"name": "text", "told": "yes_no"}}
    schema = expand({"people": {"type": "list", "of": contact}, "note": "long_text"})
    form = FormData(
        [
            ("/people#rows", "2"),
            ("/people/1/name", "Ana"),
            ("/people/1/told", "no"),
            ("/note", "one\r\ntwo"),
            ("add", "/people"),
        ]
    )
    assert forms.wants_row(form)
    [people, note] = form_fields.fields(schema, forms.typed_in(schema, form))
    assert [[part.text for part in row.parts] for row in people.parts] == [
        ["", ""],
        ["Ana", "no"],
        ["", ""],
    ]
    assert note.text == "one\ntwo"


def test_a_hostile_number_of_rows_is_bounded():
    schema = expand({"urls": {"type": "list", "of": "url"}})
    form = FormData([("/urls#rows", "9999"), ("/urls/99999999999", "x"), ("add", "/urls")])
    assert len(forms.typed_in(schema, form)["urls"]) == forms.MOST_ROWS


def test_what_is_wrong_stands_beside_its_field():
    contact = {"type": "object", "fields": {"name": "text", "mail": "email"}}
    schema = with_checklist(
        expand(
            {
                "seen": "datetime",
                "count": {"type": "integer", "min": 1},
                "who": "person",
                "kind": ["a", "b"],
                "people": {"type": "list", "of": contact},
                "urls": {"type": "list", "of": "url", "min": 2},
                "facts": {"type": "list", "of": "text", "min": 1},
            }
        ),
        ["Two sources agree"],
    )
    form = FormData(
        [
            ("/seen", "yesterday"),
            ("/count", "many"),
            ("/who", "mallory"),
            ("/people/0/name", ""),
            ("/people/1/mail", "no address"),
            ("/urls/0", "https://example.test/"),
        ]
    )
    typed = forms.typed_in(schema, form)
    values = forms.values_from(schema, typed, BERLIN)
    with pytest.raises(Invalid) as refused:
        check_values(schema, values, World(), "CRISIS-2026-0001.1")
    shown = form_fields.fields(schema, typed, faults=refused.value.fields)
    found = {each.name: each.fault for each in form_fields.at_fault(shown)}
    assert list(found) == [
        "/seen",
        "/count",
        "/who",
        "/kind",
        "/people/0/name",
        "/people/0/mail",
        "/urls",
        "/facts",
        "/done_1",
    ]
    assert found["/who"] == "'mallory' is not in the directory"
    assert found["/people/0/name"] == "Fill this in."
    assert found["/facts"] == "Fill in at least one."
    assert found["/done_1"] == "Tick this once it is done."
    assert form_fields.stray_faults(shown, refused.value) == []
    page = rendered(schema, typed, faults=refused.value.fields)
    assert page.count('aria-invalid="true"') == len(found)
    assert "mallory" in page  # what was typed is kept


def test_a_schema_that_no_field_fits_is_asked_as_json():
    schema = {"type": "object", "properties": {"any": {"anyOf": [{"type": "string"}]}}}
    typed = forms.typed_in(schema, FormData([("/any", '{"a": [1]}')]))
    assert forms.values_from(schema, typed, BERLIN) == {"any": {"a": [1]}}
    half = {"any": ['"\\ud800"']}  # JSON can say it, nothing can keep it: it stays what was typed
    assert forms.values_from(schema, half, BERLIN) == {"any": '"\\ud800"'}


def test_defaults_stand_in_the_fields():
    schema = {"type": "object", "properties": {"tone": {"type": "string", "default": "calm"}}}
    assert 'value="calm"' in rendered(schema, forms.filled_in(schema, {}, BERLIN))


def test_every_field_has_a_label_or_a_legend():
    every = {name: name for name in VALUES}
    schema = expand({**every, "pick": ["a", "b"], "some": {"type": "list", "of": ["a", "b"]}})
    page = rendered(schema, forms.filled_in(schema, {}, BERLIN))
    for name in (*VALUES, "pick"):
        if name != "yes_no":
            assert f'for="f/{name}"' in page
    assert page.count("<legend>") == 2
