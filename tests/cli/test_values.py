"""`key=value` words become what a JSON Schema asks for."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.cli.values import parsed_json, values_from
from smr_engine.errors import Invalid

BERLIN = ZoneInfo("Europe/Berlin")
FORM = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "type": {"type": "string", "enum": ["safety", "breach"]},
        "risk": {"type": "boolean"},
        "hurt": {"type": "integer"},
        "share": {"type": "number"},
        "urls": {"type": "array", "items": {"type": "string", "format": "uri"}},
        "counts": {"type": "array", "items": {"type": "integer"}},
        "first_seen": {"type": "string", "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "contact": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "calls": {"type": "integer"}},
        },
        "maybe": {"type": ["integer", "null"]},
        "level": {"enum": [1, 2, "high"]},
    },
}


def values(*pairs, schema=FORM, given=None):
    return values_from(pairs, schema, given or {}, BERLIN)


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("title=5", "5"),
        ("title=", ""),
        ("title=a=b", "a=b"),
        ("title=no", "no"),
        ("type=safety", "safety"),
        ("risk=yes", True),
        ("risk=No", False),
        ("risk=true", True),
        ("hurt=12", 12),
        ("hurt=-3", -3),
        ("share=0.25", 0.25),
        ("share=2", 2),
        ("counts=[1, 2]", [1, 2]),
        ("urls=https://example.test/a", ["https://example.test/a"]),
        ("first_seen=2026-01-15T16:11:00Z", "2026-01-15T16:11:00+00:00"),
        ("first_seen=2026-01-15 16:11", "2026-01-15T16:11:00+01:00"),
        ("first_seen=2026-07-15 16:11", "2026-07-15T16:11:00+02:00"),
        ("first_seen=2026-01-15", "2026-01-15"),
        ("first_seen=noon", "noon"),
        ("day=2026-01-15", "2026-01-15"),
        ("maybe=null", None),
        ("maybe=4", 4),
        ("level=2", 2),
        ("level=high", "high"),
        ("level=low", "low"),
    ],
)
def test_a_value_gets_the_type_its_schema_asks_for(pair, value):
    name = pair.partition("=")[0]
    assert values(pair) == {name: value}


def test_a_key_given_again_adds_to_a_list():
    assert values("counts=1", "counts=2", "counts=1") == {"counts": [1, 2, 1]}


def test_dots_lead_into_objects():
    found = values("contact.name=Ana Ruiz", "contact.calls=2")
    assert found == {"contact": {"name": "Ana Ruiz", "calls": 2}}


def test_objects_and_lists_of_objects_are_written_as_json():
    schema = {"properties": {"actions": {"type": "array", "items": {"type": "object"}}}}
    found = values('actions={"what": "call"}', 'actions={"what": "write"}', schema=schema)
    assert found == {"actions": [{"what": "call"}, {"what": "write"}]}


def test_words_lie_over_the_values_of_a_file():
    below = {"title": "old", "contact": {"name": "Ana", "calls": 1}, "hurt": 0}
    found = values("title=new", "contact.calls=2", given=below)
    assert found == {"title": "new", "contact": {"name": "Ana", "calls": 2}, "hurt": 0}
    assert below["contact"]["calls"] == 1


def test_all_values_of_the_wrong_type_are_named_at_once():
    with pytest.raises(Invalid) as refused:
        values("risk=perhaps", "hurt=many", "share=nan", "contact=Ana", "title=fine")
    assert refused.value.message == (
        "risk must be yes or no, not `perhaps`; hurt must be a whole number, not `many`; "
        "share must be a number, not `nan`; contact must be an object in JSON, not `Ana`."
    )
    assert "title" in refused.value.hint


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (("title",), "not of the form key=value"),
        (("=x",), "not of the form key=value"),
        (("a..b=x",), "not of the form key=value"),
        ((".".join("abcdefghi") + "=x",), "not of the form key=value"),
        (("title=a", "title=b"), "takes one value"),
        (("title=a", "title.x=b"), "because title is filled in itself"),
        (("contact.name=Ana", "contact={}"), "filled in twice"),
        (("share=1_000.5",), "must be a number"),
        (("share=inf",), "must be a number"),
        (("hurt=" + "9" * 301,), "must be a whole number"),
        (("counts=[1,",), "must be a list in JSON"),
        (("counts=1", "counts=x"), "must be a whole number"),
    ],
)
def test_what_cannot_be_understood_is_refused_in_a_sentence(pairs, words):
    with pytest.raises(Invalid, match=words):
        values(*pairs)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-0.5", -0.5),
        ("true", True),
        ("null", None),
        ('"5"', "5"),
        ('["a"]', ["a"]),
        ("1.10", "1.10"),
        ("007", "007"),
        ("1e3", "1e3"),
        ("NaN", "NaN"),
        ("yes", "yes"),
        ("", ""),
        ("{broken", "{broken"),
    ],
)
def test_without_a_schema_only_json_in_its_shortest_form_is_more_than_text(text, value):
    assert values(f"x={text}", schema={}) == {"x": value}


scalars = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20)


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.lists(scalars, max_size=5), max_size=4
    )
)
def test_lists_written_as_json_come_back_as_they_were(lists):
    schema = {"properties": {name: {"type": "array"} for name in lists}}
    pairs = [f"{name}={json.dumps(value)}" for name, value in lists.items()]
    assert values(*pairs, schema=schema) == lists


@given(st.text())
def test_text_for_a_text_is_never_changed(text):
    assert values(f"title={text}") == {"title": text}


@given(st.lists(st.text(max_size=30), max_size=6), st.sampled_from([{}, FORM]))
def test_whatever_is_typed_becomes_json_or_is_refused(words, schema):
    try:
        found = values(*words, schema=schema)
    except Invalid:
        return
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 5_000, "."),
        ("[" * 40 + "]" * 40, "levels deep"),
        ('{"a": 1, "a": 2}', "twice"),
        ("[NaN]", "not JSON"),
        ('["\\ud800"]', "surrogates"),
    ],
)
def test_json_that_could_do_harm_is_refused(text, words):
    with pytest.raises(ValueError, match=words):
        parsed_json(text)


@pytest.mark.parametrize(
    ("key", "written", "read"),
    [
        ("risk", "yes", True),
        ("risk", "No", False),
        ("risk", "perhaps", "perhaps"),
        ("hurt", "5", "5"),
        ("type", "Breach", "breach"),
        ("title", "yes", "yes"),
        ("first_seen", "2026-11-23 08:40", "2026-11-23T08:40:00+01:00"),
        ("first_seen", "2026-11-23", "2026-11-23"),
    ],
)
def test_what_a_person_writes_in_a_file_is_read_like_a_word(key, written, read):
    assert values(given={key: written}) == {key: read}


def test_words_for_yes_and_no_are_read_within_lists_and_objects_of_a_file():
    entry = {"type": "object", "properties": {"done": {"type": "boolean"}}}
    form = {"type": "object", "properties": {"acts": {"type": "array", "items": entry}}}
    found = values(schema=form, given={"acts": [{"done": "yes"}, {"done": False}]})
    assert found == {"acts": [{"done": True}, {"done": False}]}


def test_a_choice_may_be_typed_in_any_case():
    assert values("type=Safety") == {"type": "safety"}
    assert values("type=Fire") == {"type": "Fire"}
