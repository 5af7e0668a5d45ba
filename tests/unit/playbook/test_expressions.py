"""What expressions and templates mean."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.sandbox import ImmutableSandboxedEnvironment

from smr_engine.playbook.expressions import (
    FILTERS,
    FUNCTIONS,
    TESTS,
    ExpressionError,
    compile_expression,
    compile_template,
    explain,
)

NAMES: dict[str, Any] = {
    "inputs": {
        "type": "outage",
        "reach": [30, 10, 20],
        "urls": ["https://a.example.test", "https://b.example.test"],
        "note": None,
        "safety_risk": True,
        "first_seen": "2026-11-23T09:00:00Z",
        "later": "2026-11-23T11:30:00+01:00",
        "launch": "2026-12-01",
        "creators": [
            {"name": "Zoe", "reach": 900, "paid": True},
            {"name": "adam", "reach": None, "paid": False},
            {"name": "Mia", "reach": 1200, "paid": True},
        ],
    },
    "steps": {"vet": {"output": {"ok": True}, "outcome": "done"}},
    "members": {"all-staff": ["ben", "ana"]},
}


def value(source: str) -> Any:
    return compile_expression(source).evaluate(NAMES)


def text(source: str) -> Any:
    return compile_template(source).evaluate(NAMES)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("inputs.type == 'outage'", True),
        ("inputs['type'] != 'outage'", False),
        ("inputs.type in ['breach', 'outage']", True),
        ("'out' in inputs.type", True),
        ("'type' in inputs", True),
        ("inputs.type not in ('breach',)", True),
        ("'yes' if inputs.safety_risk else 'no'", "yes"),
        ("'yes' if inputs.note", None),
        ("inputs.reach[0] + inputs.reach[-1] * 2", 70),
        ("inputs.reach[9]", None),
        ("inputs.reach[1:]", [10, 20]),
        ("7 // 2 ** 1 % 2 - -1", 2),
        ("inputs.type ~ ' since ' ~ inputs.note ~ 1", "outage since 1"),
        ("10 < inputs.reach[0] <= 30", True),
        ("not inputs.note and steps.vet.output.ok", True),
        ("inputs.note or 'nothing'", "nothing"),
        ("{'a': [1, none], 'b': true}", {"a": [1, None], "b": True}),
        ("inputs.note is defined", False),
        ("inputs.note is none", True),
        ("inputs.reach[0] is ge 30", True),
        ("inputs.type is in ['outage']", True),
        ("inputs.type is not eq 'breach'", True),
        ("inputs.note.anything.at_all", None),
        ("inputs.no_such_key", None),
    ],
)
def test_an_expression_has_the_value_that_a_reader_expects(source, expected):
    assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("inputs.note|default('none yet')", "none yet"),
        ("''|default('empty', true)", "empty"),
        ("''|default('empty')", ""),
        ("inputs.reach|first", 30),
        ("inputs.reach|last", 20),
        ("[]|first", None),
        ("inputs.reach|length + inputs.note|length", 3),
        ("inputs.reach|sort", [10, 20, 30]),
        ("inputs.creators|map(attribute='name')|sort|list", ["adam", "Mia", "Zoe"]),
        ("inputs.creators|sort(attribute='reach')|map(attribute='name')", ["Zoe", "Mia", "adam"]),
        ("inputs.creators|selectattr('paid')|map(attribute='name')|join(', ')", "Zoe, Mia"),
        ("inputs.creators|rejectattr('paid')|join('', attribute='name')", "adam"),
        ("inputs.creators|selectattr('name', 'eq', 'Mia')|length", 1),
        ("inputs.creators|sum(attribute='reach')", 2100),
        ("(inputs.creators|max(attribute='reach')).name", "Mia"),
        ("inputs.reach|min", 10),
        ("inputs.reach|select('gt', 10)", [30, 20]),
        ("inputs.reach|reject('gt', 10)", [10]),
        ("['a', 'A', 'b']|unique", ["a", "b"]),
        ("['a', 'b']|map('upper')", ["A", "B"]),
        ("{'b': 1, 'a': 2}|items", [["b", 1], ["a", 2]]),
        ("{'b': 1, 'a': 2}|list", ["b", "a"]),
        ("2.5|round", 2),
        ("2.456|round(2)", 2.46),
        ("2.1|round(0, 'ceil')", 3),
        ("'42'|int + 'x'|int(7)", 49),
        ("'1.5'|float", 1.5),
        ("5|string", "5"),
        ("true|string", "yes"),
        ("'Ab'|lower ~ 'Ab'|upper ~ 'ab cd'|title", "abABAb Cd"),
        ("'  a '|trim", "a"),
        ("'a-b-c'|replace('-', '+', 1)", "a+b-c"),
        ("'one two three'|truncate(10)", "one..."),
        ("{'b': 'ä', 'a': [1]}|tojson", '{"a": [1], "b": "ä"}'),
        ("members('all-staff')", ["ana", "ben"]),
    ],
)
def test_filters_and_functions_do_what_their_help_says(source, expected):
    assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("inputs.first_seen|date", "23 November 2026"),
        ("inputs.launch|date('Europe/Berlin')", "1 December 2026"),
        ("inputs.first_seen|datetime('Europe/Berlin')", "23 November 2026, 10:00 CET"),
        ("inputs.first_seen|time", "09:00 UTC"),
        ("inputs.first_seen|datetime_format('%a %d.%m.%y', 'UTC')", None),
        (
            "inputs.first_seen|datetime_format('%a %d.%m.%Y %H:%M', 'Asia/Tokyo')",
            "Mon 23.11.2026 18:00",
        ),
        ("inputs.note|date", None),
        ("5400|duration", "1 hour 30 minutes"),
        ("'PT1H'|duration", "1 hour"),
        ("'4 business hours'|duration", "4 business hours"),
        ("plus(inputs.first_seen, '72h')", "2026-11-26T09:00:00Z"),
        ("minus(inputs.launch, '7d')", "2026-11-24"),
        ("plus(inputs.note, '1d')", None),
        ("seconds_between(inputs.first_seen, inputs.later)", 5400),
        ("inputs.first_seen < inputs.later", True),
        ("'2026-11-23T10:00:00+02:00' < '2026-11-23T09:00:00Z'", True),
        ("[inputs.later, inputs.first_seen]|min", "2026-11-23T09:00:00Z"),
    ],
)
def test_instants_and_durations_are_read_written_and_compared_as_times(source, expected):
    if expected is None and "%y" in source:
        with pytest.raises(ExpressionError, match="'%y' is not a format code"):
            value(source)
        return
    assert value(source) == expected


def test_null_is_neither_less_nor_more_than_anything():
    assert [value(f"inputs.note {sign} 3") for sign in ("<", ">", "<=", ">=")] == [False] * 4


def test_a_template_that_is_one_expression_keeps_the_type():
    assert text("{{ inputs.reach }}") == [30, 10, 20]
    assert text("{{ inputs.safety_risk }}\n") is True
    assert text("{{ inputs.note }}") is None


def test_any_other_template_is_text_in_words_for_people():
    source = "{{ inputs.safety_risk }}, {{ inputs.note }}, {{ inputs.reach }}, {{ 1.5 }}"
    assert text(source) == "yes, , 30, 10, 20, 1.5"
    assert text("no braces") == "no braces"


def test_rendering_gives_text_with_its_spacing_even_for_a_single_expression():
    assert compile_template("{{ inputs.reach|length }}\n").render(NAMES) == "3\n"


def test_if_and_for_leave_no_empty_lines_behind():
    source = (
        "Dear {{ inputs.creators[0].name }},\n"
        "{% for c in inputs.creators if c.paid %}\n"
        "{{ loop.index }}/{{ loop.length }} {{ c.name }}{% if not loop.last %};{% endif %}\n"
        "{% else %}\n"
        "nobody\n"
        "{% endfor %}\n"
        "{% if inputs.note %}\n{{ inputs.note }}\n"
        "{% elif inputs.safety_risk %}\nSafe\n{% endif %}\n"
        "  {% if 3 % 2 %}- in{% endif %}\n{% if 3 % 2 %}\nend{% endif %}"
    )
    assert text(source) == "Dear Zoe,\n1/2 Zoe;\n2/2 Mia\nSafe\n  - in\nend"
    assert text("{% for x in inputs.note %}x{% else %}none{% endfor %}") == "none"
    assert text("{% for k, v in {'a': 1}|items %}{{ k }}{{ v }}{% endfor %}") == "a1"


def test_a_loop_variable_hides_a_name_only_inside_its_loop():
    source = "{% for inputs in inputs.reach %}{{ inputs }} {% endfor %}{{ inputs.type }}"
    assert text(source) == "30 10 20 outage"


def test_what_is_returned_can_be_changed_without_changing_the_names():
    found = value("inputs.reach")
    found.append(99)
    assert NAMES["inputs"]["reach"] == [30, 10, 20]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("inputs.type", {("inputs", "type")}),
        ("inputs['type']", {("inputs", "type")}),
        ("steps.vet.output.ok and x", {("steps", "vet", "output", "ok"), ("x",)}),
        ("inputs.creators[0].name", {("inputs", "creators", "*", "name")}),
        ("(inputs.creators|selectattr('paid')|first).name", {("inputs", "creators", "*", "name")}),
        ("inputs[inputs.type]", {("inputs",), ("inputs", "type")}),
        ("members('all-staff')", {("members",)}),
        ("1 + 1", set()),
    ],
)
def test_the_names_that_an_expression_needs_are_known_before_it_runs(source, expected):
    assert compile_expression(source).references == expected


def test_the_names_of_a_template_include_what_loop_variables_stand_for():
    compiled = compile_template("{% for c in inputs.creators %}{{ c.name }}{% endfor %}")
    assert compiled.references == {("inputs", "creators"), ("inputs", "creators", "*", "name")}


def test_an_expression_that_is_only_a_name_says_which():
    assert compile_expression("inputs.creators").path == ("inputs", "creators")
    assert compile_template("{{ inputs.creators|first }}").path == ("inputs", "creators", "*")
    assert compile_expression("inputs.reach|sum").path is None
    assert compile_template("a {{ inputs.type }}").path is None


def test_groups_and_comparisons_with_constants_are_known_too():
    compiled = compile_expression("'ana' in members('x') and steps.a.outcome == 'done'")
    assert compiled.groups == {"x"}
    assert compiled.comparisons == {(("steps", "a", "outcome"), "done")}
    assert compile_expression("inputs.t in ['a', 'b']").comparisons == {
        (("inputs", "t"), "a"),
        (("inputs", "t"), "b"),
    }


def test_two_expressions_mean_the_same_whatever_their_spacing():
    same = compile_expression("inputs.type=='a  b'"), compile_expression(" inputs.type == 'a  b' ")
    assert same[0].meaning == same[1].meaning
    assert same[0].meaning != compile_expression("inputs.type == 'a b'").meaning


def test_an_explanation_says_what_the_expression_saw():
    compiled = compile_expression("inputs.type == 'breach'")
    assert explain(compiled, NAMES) == "inputs.type == 'breach' (inputs.type is \"outage\")"
    assert explain(compile_expression("1 < 2"), NAMES) == "1 < 2"
    long = explain(compile_expression("inputs.creators|length"), NAMES)
    assert len(long) < 120
    assert long.endswith("...)")


@pytest.mark.parametrize("table", [FILTERS, TESTS, FUNCTIONS])
def test_every_helper_has_a_line_of_help_and_the_table_is_in_order(table):
    assert list(table) == sorted(table)
    assert all(helper.name == name for name, helper in table.items())
    assert all(5 < len(helper.help) < 100 and "\n" not in helper.help for helper in table.values())


def test_the_language_has_every_helper_that_its_page_promises():
    promised = (
        "default first last length list map select reject selectattr rejectattr sum min max sort "
        "unique join round int float string lower upper title trim replace truncate tojson"
    )
    assert set(promised.split()) <= set(FILTERS)
    assert {"defined", "none", "eq", "ne", "lt", "le", "gt", "ge", "in"} <= set(TESTS)
    assert "members" in FUNCTIONS


# --- laws ----------------------------------------------------------------------------------------

DATA = {"a": 7, "b": -3, "t": "abc", "yes": True, "none": None, "xs": [3, 1, 2], "m": {"k": 5}}
numbers = st.sampled_from(["a", "b", "m.k", "xs[0]", "4", "0", "2.5"])


def _arithmetic(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%"]), inner).map(
        lambda parts: f"({' '.join(parts)})"
    )


sums = st.recursive(numbers, _arithmetic, max_leaves=6)
comparisons = st.tuples(
    sums, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), sums
).map(" ".join)  # fmt: skip
atoms = st.one_of(
    comparisons,
    st.sampled_from(["yes", "(none is none)", "'b' in t", "a in xs", "xs|length == 3", "t == 'x'"]),
)
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda p: f"({' '.join(p)})"),
        inner.map(lambda part: f"(not {part})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
    ),
    max_leaves=6,
)


class _Keys(dict[str, Any]):
    """Lets Python's own dots reach keys, so that Python itself is the oracle."""

    __getattr__ = dict.__getitem__


def _python(source: str) -> Any:
    plain = source.replace("(none is none)", "(none is None)").replace("xs|length", "len(xs)")
    names = {**DATA, "m": _Keys(DATA["m"]), "len": len}
    return eval(plain, {"__builtins__": {}}, names)  # our own small grammar


def _both(ours: Any, theirs: Any) -> tuple[Any, Any]:
    results = []
    for compute in (ours, theirs):
        try:
            results.append(compute())
        except (ExpressionError, ZeroDivisionError):
            results.append("refused")
    return results[0], results[1]


@given(st.one_of(sums, conditions))
def test_generated_expressions_agree_with_python(source):
    ours, theirs = _both(lambda: compile_expression(source).evaluate(DATA), lambda: _python(source))
    assert ours == theirs
    assert type(ours) is type(theirs)


pipelines = st.tuples(
    st.sampled_from(["xs", "[3, 1, 3, 2]", "['b', 'A', 'c', 'a']", "[]"]),
    st.lists(
        st.sampled_from(
            [
                "sort",
                "unique|list",
                "list",
                "sort(reverse=true)",
                "map('string')|list",
                "select|list",
            ]
        ),
        max_size=3,
    ),
    st.sampled_from(["first", "last", "length", "join('-')", "list", "max", "min"]),
).map(lambda parts: "|".join([parts[0], *parts[1], parts[2]]))

_JINJA = ImmutableSandboxedEnvironment()


@given(pipelines)
def test_filters_agree_with_the_ones_that_jinja_ships(source):
    theirs = _JINJA.compile_expression(source, undefined_to_none=True)(**DATA)
    assert compile_expression(source).evaluate(DATA) == theirs


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        ("inputs.a && inputs.b", "write `and` instead of `&&`"),
        ("inputs.a || inputs.b", "write `or` instead of `||`"),
        ("inputs.a === 3", "write `==` or `!=`"),
        ("inputs.a = 3", "write `==` to compare"),
        ("!inputs.a", "write `not` instead of `!`"),
        ("inputs.a ? 1 : 2", "write `a if condition else b`"),
        ("inputs.a >", ""),
    ],
)
def test_signs_of_other_languages_are_answered_with_the_word_that_is_meant(source, hint):
    with pytest.raises(ExpressionError) as caught:
        compile_expression(source)
    assert caught.value.hint == hint
