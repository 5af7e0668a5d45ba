"""Canonical JSON: fast where it can be, the same as RFC 8785 everywhere."""

from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.audit.canonical import DEEPEST, canonical
from smr_engine.errors import Invalid

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
LARGEST = 2**53 - 1
numbers = st.integers(-LARGEST, LARGEST) | st.floats(-LARGEST, LARGEST)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_the_bytes_are_those_of_rfc_8785(value):
    assert canonical(value) == rfc8785.dumps(value)


@given(values)
def test_the_bytes_say_what_the_value_said(value):
    assert json.loads(canonical(value)) == value


@given(st.dictionaries(texts, values, max_size=6))
def test_the_order_in_which_names_were_given_does_not_matter(value):
    backwards = dict(reversed(value.items()))
    assert canonical(backwards) == canonical(value)


def test_the_example_of_the_rfc_gives_the_bytes_of_the_rfc():
    value = {  # but for its 1e30, which is beyond what we keep
        "numbers": [333333333.33333329, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(value) == expected.encode()


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (2**53, "beyond 9007199254740991"),
        (-(2**53), "beyond 9007199254740991"),
        (4.154291411865678e16, "beyond 9007199254740991"),
        (float("nan"), "the number nan"),
        (float("-inf"), "the number -inf"),
        ("\ud83d", "half a surrogate pair"),
        ({"\ud83d": 1}, "half a surrogate pair"),
        ([1.5, "\udc00"], "half a surrogate pair"),
        ("a\0b", "U\\+0000"),
        ({"a\0b": 1}, "U\\+0000"),
        ([1.5, "a\0b"], "U\\+0000"),
        ({1: 2}, "key of the kind int"),
        ({1, 2}, "value of the kind set"),
        (b"bytes", "value of the kind bytes"),
    ],
)
@pytest.mark.parametrize("place", [lambda v: v, lambda v: {"deep": [{"é": v}]}, lambda v: (0.5, v)])
def test_what_cannot_be_kept_is_refused_wherever_it_stands(value, why, place):
    with pytest.raises(Invalid, match=why) as caught:
        canonical(place(value))
    assert caught.value.code == "invalid-value"


def nested(levels: int) -> object:
    """Return lists and objects in each other, so many levels of them."""
    value: object = "at the bottom"
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return value


def test_nesting_has_a_bound_that_every_reader_can_follow():
    assert json.loads(canonical(nested(DEEPEST))) == nested(DEEPEST)
    assert json.loads(json.dumps(nested(DEEPEST), indent=2)) == nested(DEEPEST)
    endless: list[object] = []
    endless.append(endless)
    for too_deep in (nested(DEEPEST + 1), endless):
        with pytest.raises(Invalid, match="nested too deeply"):
            canonical(too_deep)
