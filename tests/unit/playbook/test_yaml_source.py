"""How YAML is read: what stays text, what is refused, and where everything stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.adapters.shipped import load_schema
from smr_engine.playbook.parse import parse_playbook
from smr_engine.playbook.problems import Place
from smr_engine.playbook.yaml_source import MAX_BYTES, load
from tests.support.timing import within

pytestmark = pytest.mark.untraced


def data(text: str | bytes) -> object:
    located, problems = load(text, "f.yaml")
    assert located is not None, problems
    return located.data


def codes(text: str | bytes) -> list[str]:
    return [problem.code for problem in load(text, "f.yaml")[1]]


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "NO",
        "yes",
        "on",
        "off",
        "y",
        "n",
        "12:30",
        "12:30:45",
        "2026-11-23",
        "1_000",
        "=",
        "<<",
    ],
)
def test_what_yaml_1_1_takes_for_something_else_stays_text(text):
    assert data(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("-12", -12),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.10", 1.1),
        (".5", 0.5),
        ("6.02e+3", 6020.0),
        ("9007199254740991", 9007199254740991),
    ],
)
def test_core_scalars_have_their_values(text, value):
    assert data(f"a: {text}") == {"a": value}


@pytest.mark.parametrize(
    "number", [".nan", ".inf", "-.INF", "1e999", "9007199254740992", "9" * 5000]
)
def test_a_number_that_json_cannot_carry_is_to_be_quoted(number):
    assert codes(f"a: {number}") == ["quote-it"]


def test_quoted_scalars_are_text():
    assert data("a: '1.10'\nb: \"true\"\nc: |\n  12\n") == {"a": "1.10", "b": "true", "c": "12\n"}


def test_text_in_brackets_may_hold_a_question_mark():
    assert data("a: [Is it neutral?, Is it true?]") == {"a": ["Is it neutral?", "Is it true?"]}


def test_every_value_has_its_place():
    located, _ = load("a:\n  - b: ü, and more\n    c: |\n      text\n", "f.yaml")

    assert located.place(("a",)) == Place(2, 3)
    assert located.place(("a", 0, "b")) == Place(2, 8)
    assert located.key_place(("a", 0), "c") == Place(3, 5)
    assert located.node(("a", 0, "c")).text_line == 4


def test_a_path_that_does_not_exist_is_where_it_would_have_to_be():
    located, _ = load("a:\n  - b: 1\n", "f.yaml")

    assert located.place(("a", 0, "missing", 3)) == Place(2, 5)
    assert located.place(("a", 7)) == Place(2, 3)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("title: Check the #ad label", [(1, 18)]),
        ("title: #ad campaign", [(1, 8)]),
        ("- a\n- b #c\n", [(2, 5)]),
        ("title: plain # a comment", []),
        ("title: 'quoted' #comment", []),
        ("title:  # a comment\n  a: b", []),
        ("#comment\ntitle: C#sharp", []),
    ],
)
def test_text_that_a_comment_swallowed_is_warned_of(text, places):
    located, problems = load(text, "f.yaml")

    assert located is not None
    assert [(p.line, p.column) for p in problems] == places
    assert {p.code for p in problems} <= {"text-lost"}
    assert {p.severity for p in problems} <= {"warning"}


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: @newsroom", "leading-at", (1, 4)),
        ("a: {{ inputs.x }}", "unquoted-template", (1, 4)),
        ("a:\n  - {{ inputs.x }} and", "unquoted-template", (2, 5)),
        ("a: [Say {{ x }}]", "unquoted-template", (1, 9)),
        ("a: b: c", "yaml-syntax", (1, 5)),
        ("a:\n\tb: c", "yaml-tab", (2, 1)),
        ("a: *b", "alias", (1, 4)),
        ("a: &b c", "anchor", (1, 4)),
        ("a: !!python/name:os.system x", "tag", (1, 4)),
        ("a: ! x", "tag", (1, 4)),
        ("a: 1\nb: 2\na: 3", "duplicate-key", (3, 1)),
        ("1: a", "quote-it", (1, 1)),
        ("true: a", "quote-it", (1, 1)),
        ("? [a]\n: b", "yaml-syntax", (1, 3)),
        ("a: 1\n---\nb: 2", "several-documents", (2, 1)),
        ("", "empty-file", (1, 1)),
        ("a: \x07", "control-character", (1, 4)),
        ('a: "\\0"', "control-character", (1, 4)),
        ("a: 1\nb: \ud800", "control-character", (2, 4)),
    ],
)
def test_what_the_subset_lacks_is_refused_where_it_stands(text, code, place):
    _, problems = load(text, "f.yaml")

    assert [(p.code, p.severity) for p in problems] == [(code, "error")]
    assert (problems[0].line, problems[0].column) == place


def test_bytes_that_are_no_text_are_refused_with_their_line():
    _, problems = load(b"a: 1\nb: \xff\xfe\n", "f.yaml")

    assert [(p.code, p.line) for p in problems] == [("not-utf8", 2)]


def test_a_byte_order_mark_does_no_harm():
    assert data(b"\xef\xbb\xbfa: 1") == {"a": 1}


def test_of_two_equal_keys_the_first_is_kept_and_reading_goes_on():
    located, problems = load("need: 2\nneed: {deep: [0]}\nrole: legal\n", "f.yaml")

    assert located.data == {"need": 2, "role": "legal"}
    assert [p.message for p in problems] == ["`need` stands here twice, first on line 1"]


HOSTILE = {
    "ten megabytes": "a: " + "x" * 10_000_000,
    "open brackets": "[" * 5000,
    "open braces": "{" * 5000,
    "brackets in a value": "a: " + "[" * 250_000,
    "dashes": "- " * 130_000,
    "question marks": "? " * 130_000,
    "colons": ": " * 130_000,
    "tabs after colons": ":\t" * 130_000,
    "nested mappings": "\n".join(" " * depth + "a:" for depth in range(600)),
    "a million laughs": "a: &a [x]\n" + "".join(f"b{n}: [*a, *a]\n" for n in range(9000)),
    "anchors": "&a " * 80_000,
    "tags": "!<" * 130_000,
    "many values": "a: [" + "1," * 130_000 + "]",
    "many values of two types": "labels: [" + "1,a," * 60_000 + "]",
    "many keys": "".join(f"k{n}: v\n" for n in range(25_000)),
    "one key again and again": "a:\n" * 80_000,
    "one number": "a: " + "9" * 250_000,
    "one quotation mark": "'" * 200_001,
    "escapes": 'a: "' + "\\x41" * 60_000 + '"',
    "hash signs": "a: b" + " #x" * 80_000,
    "templates": "a: " + "{{ " * 80_000,
    "wide text": "a: " + "é" * 130_000,
    "spaces": " " * 250_000,
    "line breaks": "\r" * 250_000,
    "unknown keys of a playbook": "".join(f"playbok{n}: x\n" for n in range(9_000)),
    "steps of nothing": "steps:\n" + "  - {}\n" * 18_000,
    "steps of one wrong kind": "steps:\n" + "  - {id: a, kind: tsk}\n" * 6_000,
    "a long misspelt kind": "steps:\n  - {id: a, kind: " + "aproval" * 30_000 + "}\n",
    "long names": "playbook: " + "a-" * 120_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_answered_within_a_second_and_with_a_line(name):
    text = HOSTILE[name].encode()

    with within(1):
        playbook, problems = parse_playbook(text, "f.yaml", load_schema("playbook"))

    assert playbook is None
    assert problems
    assert all(problem.line >= 1 and problem.column >= 1 for problem in problems)
    assert all(len(problem.message) < 1000 for problem in problems)


def test_the_limit_is_a_quarter_of_a_mebibyte():
    assert codes(b"a: " + b"x" * (MAX_BYTES - 3)) == []
    assert codes(b"a: " + b"x" * (MAX_BYTES - 2)) == ["too-large"]


def test_depth_32_is_read_and_33_is_not():
    assert codes("[" * 32 + "]" * 32) == []
    assert codes("[" * 33 + "]" * 33) == ["too-deep"]


YAML_LIKE = st.text(st.sampled_from("ab1 \n\t:-[]{}#&*!|>'\"%@`?,.\\~{}é\u2028\r"), max_size=80)


@given(
    st.one_of(
        st.binary(max_size=200),
        YAML_LIKE.map(str.encode),
        st.text().map(lambda text: text.encode("utf-8", "surrogatepass")),
    )
)
def test_no_bytes_make_the_parser_raise(text):
    playbook, problems = parse_playbook(text, "f.yaml", load_schema("playbook"))

    assert playbook is not None or problems


LINES = (
    "playbook: example\nversion: 1.0.0\ntitle: Example\nowner: smr-lead\nlabels: [crisis]\n"
    "inputs:\n  fields: {title: text, urls: {type: list, of: url, min: 1}}\n"
    "severity: {levels: [sev1, sev2], initial: \"{{ 'sev1' }}\"}\n"
    "documents:\n  holding: {title: Holding, audience: public}\n"
    "steps:\n  - {id: write, kind: draft, document: holding, due: {by_severity: {sev1: 15m}}}\n"
    "  - id: approve\n    kind: approval\n    documents: [holding]\n    quorum:\n"
    "      - {role: legal, need: 1}\n"
    "  - id: ways\n    kind: switch\n    options:\n"
    "      - {when: inputs.title, steps: [{id: say, kind: task, checklist: [Yes]}]}\n"
)
JUNK = st.sampled_from(
    ["", "x", "1", "null", "[]", "{}", "[1, x]", "{a: b}", "true", "'{{ x }}'", "-", ":", "\n", " "]
)


@given(st.data())
def test_no_damage_to_a_good_playbook_makes_the_parser_raise(data):
    start = data.draw(st.integers(0, len(LINES)))
    end = data.draw(st.integers(start, min(len(LINES), start + 30)))
    text = LINES[:start] + data.draw(JUNK) + LINES[end:]

    playbook, problems = parse_playbook(text.encode(), "f.yaml", load_schema("playbook"))

    assert playbook is not None or any(problem.severity == "error" for problem in problems)
