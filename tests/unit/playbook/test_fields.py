"""The short form of fields, and the values people fill in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from smr_engine.playbook.fields import NO_FIELDS, expand, with_checklist
from smr_engine.playbook.schema_check import value_problems, without_unfilled

TYPES = {
    "text": "Storm over Berlin",
    "long_text": "One.\n\nTwo.",
    "number": 1.5,
    "integer": 3,
    "yes_no": False,
    "date": "2024-01-09",
    "datetime": "2024-01-09T16:11:00-05:00",
    "duration": "4 business hours",
    "url": "https://example.test/post?id=1#top",
    "email": "ana@example.test",
    "file": "capture.png",
    "person": "ana",
    "account": "newsroom",
    "case": "CRISIS-2026-0007",
}
WRONG = {
    "text": ["", 1, None],
    "long_text": [""],
    "number": ["1.5", True],
    "integer": [1.5, "3"],
    "yes_no": ["yes", 1],
    "date": ["2024-13-01", "9 January", "2024-01-09T00:00:00Z"],
    "datetime": ["2024-01-09", "2024-01-09T16:11:00", "2024-01-09T25:11:00Z"],
    "duration": ["4 hours", "7y", ""],
    "url": [
        "example.test",
        "javascript:alert(1)",
        "https://",
        "https://a b",
        "file:///etc/passwd",
        "https:///path",
        "https://:80",
        "https://a.test:port",
        "http://[x]/",
        "https://a.test\n",
    ],
    "email": ["ana", "ana@", "Ana <ana@example.test>", "a@b@c"],
    "file": ["", " "],
    "person": ["{{ x }}", "../ana", ""],
    "account": ["news room"],
    "case": ["crisis-1", "CRISIS-2026-7\n"],
}


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_takes_what_it_is_for(kind):
    assert value_problems(expand({"it": kind}), {"it": TYPES[kind]}) == []


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8080",
        "HTTPS://EXAMPLE.TEST?q=a%20b",
        "http://[::1]:80/x",
        "https://ex.test/ä",
    ],
)
def test_web_addresses_come_in_several_forms(address):
    assert value_problems(expand({"it": "url"}), {"it": address}) == []


@pytest.mark.parametrize(("kind", "wrong"), [(k, wrong) for k in WRONG for wrong in WRONG[k]])
def test_every_type_refuses_what_it_is_not_for(kind, wrong):
    (problem,) = value_problems(expand({"it": kind}), {"it": wrong})

    assert problem.path == "it"
    assert problem.message


def test_the_short_form_expands_to_the_json_schema_that_people_are_shown():
    fields = {
        "title": "text",
        "type": ["safety", "recall"],
        "source_urls": {"type": "list", "of": "url", "min": 1, "max": 9},
        "note": {"type": "long_text", "optional": True, "help": "What else", "title": "A note"},
        "reach": {"type": "integer", "min": 0, "max": 10},
        "creator": {"type": "object", "fields": {"name": {"type": "text", "max": 20}}},
    }

    assert expand(fields) == {
        "type": "object",
        "properties": {
            "title": {"title": "Title", "type": "string", "minLength": 1},
            "type": {"title": "Type", "type": "string", "enum": ["safety", "recall"]},
            "source_urls": {
                "title": "Source urls",
                "type": "array",
                "items": {"type": "string", "format": "uri"},
                "minItems": 1,
                "maxItems": 9,
            },
            "note": {
                "title": "A note",
                "description": "What else",
                "type": "string",
                "format": "smr-long-text",
            },
            "reach": {"title": "Reach", "type": "integer", "minimum": 0, "maximum": 10},
            "creator": {
                "title": "Creator",
                "type": "object",
                "properties": {
                    "name": {"title": "Name", "type": "string", "minLength": 1, "maxLength": 20}
                },
                "required": ["name"],
                "additionalProperties": False,
            },
        },
        "required": ["title", "type", "source_urls", "reach", "creator"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize("kind", ["person", "account", "case"])
def test_names_of_the_directory_and_of_cases_are_texts_with_a_format(kind):
    field = expand({"it": kind})["properties"]["it"]

    assert field == {"title": "It", "type": "string", "format": f"smr-{kind}"}


def test_a_file_is_an_attachment():
    assert expand({"it": "file"})["properties"]["it"]["format"] == "smr-attachment"


def test_a_list_may_hold_lists_and_objects():
    pair = {"type": "list", "of": {"type": "list", "of": ["a", "b"]}}

    assert value_problems(expand({"it": pair}), {"it": [["a"], ["b", "a"]]}) == []
    (problem,) = value_problems(expand({"it": pair}), {"it": [["a"], ["c"]]})
    assert problem.path == "it[1][0]"


def test_a_checklist_is_done_only_when_every_point_is_ticked():
    form = with_checklist(NO_FIELDS, ["Two sources agree", "Evidence is captured"])

    assert value_problems(form, {"done_1": True, "done_2": True}) == []
    problems = value_problems(form, {"done_1": False})
    assert [(problem.path, problem.message) for problem in problems] == [
        ("done_1", "`Two sources agree` must be true"),
        ("", "the form needs `done_2`"),
    ]


def test_a_checklist_leaves_the_form_it_is_added_to_as_it_was():
    form = expand({"note": "text"})

    with_checklist(form, ["One"])

    assert form == expand({"note": "text"})
    assert with_checklist(form, []) == form


def test_a_null_for_what_need_not_be_filled_is_not_filled():
    fields = {
        "note": {"type": "text", "optional": True},
        "title": "text",
        "parts": {
            "type": "list",
            "of": {
                "type": "object",
                "fields": {"name": "text", "age": {"type": "integer", "optional": True}},
            },
        },
    }
    schema = expand(fields)
    values = {"note": None, "title": "x", "parts": [{"name": "a", "age": None}]}

    assert value_problems(schema, values) == []
    assert without_unfilled(schema, values) == {"title": "x", "parts": [{"name": "a"}]}
    assert [p.path for p in value_problems(schema, {**values, "title": None})] == ["title"]


def test_every_fault_of_a_form_is_told_at_once_in_words():
    schema = expand(
        {
            "title": "text",
            "type": ["safety", "recall"],
            "urls": {"type": "list", "of": "url", "min": 1},
        }
    )

    problems = value_problems(schema, {"type": "recal", "urls": [], "titel": "x"})

    assert [(p.path, p.code, p.hint) for p in problems] == [
        ("type", "not-a-choice", "did you mean `recall`?"),
        ("urls", "empty", ""),
        ("titel", "unknown-key", "did you mean `title`?"),
    ]


@pytest.mark.parametrize(
    ("schema", "value", "told"),
    [
        ({"type": "object", "anyOf": [{"minProperties": 2}]}, {}, "the form fits none, or several"),
        ({"items": {"const": 3}}, [3, 4], "entry 2 must be `3`"),
        ({"properties": {"a": {"not": {"const": 1}}}}, {"a": 1}, "`a` is not allowed here"),
        ({"minItems": 2, "items": {}}, ["x"], "the form has too few entries: at least 2"),
        ({"enum": ["a"]}, [1], "the form cannot be this list"),
        ({"enum": ["a"]}, {"a": 1}, "the form cannot be this mapping"),
        ({"const": False}, "x", "the form must be false"),
        ({"type": "integer"}, "12", "the form must be a whole number"),
        ({"multipleOf": 5}, 3, "the form must be a multiple of 5"),
        ({"items": {"items": {"maxLength": 1}}}, [["ab"]], "entry 1 has more than 1 characters"),
    ],
)
def test_a_form_that_is_a_json_schema_is_told_about_in_words_too(schema, value, told):
    (problem,) = value_problems(schema, value)

    assert problem.message.startswith(told)


SIMPLE = st.sampled_from(sorted(TYPES))
CHOICE = st.lists(st.text("abc", min_size=1), min_size=1, max_size=4, unique=True)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
FIELDS = st.recursive(
    st.one_of(SIMPLE, CHOICE, st.fixed_dictionaries({"type": SIMPLE, "optional": st.booleans()})),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"type": st.just("list"), "of": inner}),
        st.fixed_dictionaries(
            {
                "type": st.just("object"),
                "fields": st.dictionaries(NAMES, inner, min_size=1, max_size=3),
            }
        ),
    ),
    max_leaves=8,
)


def example_of(field: object) -> object:
    if isinstance(field, str):
        return TYPES[field]
    if isinstance(field, list):
        return field[0]
    if field["type"] == "list":
        return [example_of(field["of"])]
    if field["type"] == "object":
        return {name: example_of(inner) for name, inner in field["fields"].items()}
    return example_of(field["type"])


@given(st.dictionaries(NAMES, FIELDS, min_size=1, max_size=4))
def test_any_short_form_expands_to_a_valid_schema_that_takes_its_own_examples(fields):
    schema = expand(fields)

    Draft202012Validator.check_schema(schema)
    assert value_problems(schema, {name: example_of(field) for name, field in fields.items()}) == []
