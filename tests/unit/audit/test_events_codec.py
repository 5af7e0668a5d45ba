"""Events to facts and content and back."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smr_engine.audit.canonical import canonical
from smr_engine.engine.events import (
    EVENTS,
    ItemOpened,
    Move,
    NoteWritten,
    TimerRule,
    content_fields,
)
from smr_engine.engine.state import Line
from smr_engine.engine.statuses import DecisionKind, EffectKind, ItemStatus, ScopeKind
from smr_engine.errors import SmrError
from smr_engine.services.events_codec import OS_USER, decode, encode

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
names = st.lists(texts, max_size=2).map(tuple)
rules = st.builds(TimerRule, id=texts, at=instants, purpose=texts, rule=st.integers(0, 9))
lines = st.builds(Line, roles=names, need=st.none() | st.integers(1, 9))
moves = st.builds(Move, what=texts, before=texts, after=texts)
BY_TYPE = {
    "str": texts,
    "str | None": st.none() | texts,
    "int": st.integers(-(2**53) + 1, 2**53 - 1),
    "bool": st.booleans(),
    "datetime": instants,
    "datetime | None": st.none() | instants,
    "Json": json_values,
    "dict[str, Any]": st.dictionaries(texts, json_values, max_size=2),
    "dict[str, datetime]": st.dictionaries(texts, instants, max_size=2),
    "dict[str, str]": st.dictionaries(texts, texts, max_size=2),
    "list[Any]": st.lists(json_values, max_size=2),
    "tuple[str, ...]": names,
    "tuple[TimerRule, ...]": st.lists(rules, max_size=2).map(tuple),
    "TimerRule | None": st.none() | rules,
    "tuple[Move, ...]": st.lists(moves, max_size=2).map(tuple),
    "tuple[Line, ...]": st.lists(lines, max_size=2).map(tuple),
    **{c.__name__: st.sampled_from(c) for c in (DecisionKind, EffectKind, ItemStatus, ScopeKind)},
}


def events(cls):
    """Any event of a kind."""
    return st.builds(cls, **{f.name: BY_TYPE[f.type] for f in fields(cls)})


def merged(encoded):
    return {name: v for value in encoded.content.values() for name, v in value.items()}


@pytest.mark.parametrize("kind", sorted(EVENTS))
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_event_comes_back_from_what_is_stored(kind, data):
    event = data.draw(events(EVENTS[kind]))
    encoded = encode(event, "CRISIS-2026-0001", "ana")
    canonical(encoded.facts)
    canonical(encoded.content)
    assert decode(kind, encoded.path, encoded.facts, merged(encoded)) == event
    assert not encoded.facts.keys() & content_fields(EVENTS[kind]).keys()


@pytest.mark.parametrize(
    ("actor", "subject"),
    [("ana", "person:ana"), ("engine", "case:X-2026-0001"), ("schedule:q", "case:X-2026-0001")],
)
def test_what_an_actor_said_belongs_to_the_person_if_it_is_one(actor, subject):
    encoded = encode(NoteWritten(text="hello"), "X-2026-0001", actor)
    assert encoded.content == {subject: {"text": "hello"}}


def test_optional_fields_that_are_empty_are_left_out():
    opened = ItemOpened(
        item="a.1", kind_of="task", round=1, step="ask", offered=(), title="", holds=False
    )
    encoded = encode(opened, "a", "ana")
    facts = {"item": "a.1", "kind_of": "task", "round": 1, "step": "ask", "offered": ()}
    assert encoded.facts == {**facts, "holds": False}
    assert encoded.content == {"case:a": {"title": ""}}


def test_the_key_of_the_operating_systems_user_is_no_field_of_an_event():
    assert all(OS_USER not in {f.name for f in fields(cls)} for cls in EVENTS.values())


@pytest.mark.parametrize(
    ("kind", "facts", "content", "why"),
    [
        ("SomethingElse", {}, {}, "No event is called SomethingElse"),
        ("NoteWritten", {}, {}, "missing required field"),
        ("NoteWritten", {}, {"text": 1}, "Expected `str`"),
        ("NoteWritten", {"more": 1}, {"text": "a"}, "has no more"),
    ],
)
def test_what_is_no_event_is_told(kind, facts, content, why):
    with pytest.raises(SmrError, match=why) as caught:
        decode(kind, "", facts, content)
    assert caught.value.code == "unreadable-event"
