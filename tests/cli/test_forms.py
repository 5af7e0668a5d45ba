"""Forms in words: what a person reads has to be what a person can type."""

from __future__ import annotations

import shlex
from datetime import UTC

from jsonschema import Draft202012Validator

from smr_engine.cli.forms import fields_of
from smr_engine.cli.values import values_from

ENTRY = {
    "type": "object",
    "properties": {
        "group": {"type": "string"},
        "state": {"enum": ["told", "acted"], "type": "string"},
        "calls": {"type": "integer"},
        "done": {"type": "boolean"},
        "note": {"type": "string"},
    },
    "required": ["group", "state", "calls", "done"],
    "additionalProperties": False,
}
FORM = {
    "type": "object",
    "properties": {
        "seen_at": {"type": "string", "format": "date-time"},
        "contact": {
            "title": "Contact",
            "type": "object",
            "properties": {"name": {"title": "Name", "type": "string"}, "vip": {"type": "boolean"}},
            "required": ["name"],
        },
        "groups": {"type": "array", "items": ENTRY},
        "extra": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    },
    "required": ["seen_at", "contact", "groups"],
}


def test_the_example_of_every_field_that_is_needed_fits_its_form():
    words = [f"{each.name}={each.example}" for each in fields_of(FORM) if each.required]
    typed = shlex.split(shlex.join(words))
    found = values_from(typed, FORM, {}, UTC)
    Draft202012Validator(FORM).validate(found)


def test_the_fields_of_an_object_are_asked_one_by_one():
    found = {each.name: each for each in fields_of(FORM)}
    assert list(found) == ["seen_at", "contact.name", "contact.vip", "groups", "extra.a"]
    assert (found["contact.name"].title, found["contact.name"].required) == ("Contact: Name", True)
    assert not found["contact.vip"].required
    assert not found["extra.a"].required


def test_an_entry_of_a_list_says_what_it_is_made_of():
    (groups,) = [each for each in fields_of(FORM) if each.name == "groups"]
    wanted = "an object in JSON: group, state, calls, done and note; again for each further one"
    assert groups.words == wanted
