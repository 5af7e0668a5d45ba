"""What the checks say, in words, and what they let pass."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.playbook.check import (
    CheckContext,
    DirectoryFacts,
    check_playbook,
    roles_used,
    unused_roles,
)
from smr_engine.playbook.check_quorum import fit
from smr_engine.playbook.check_timing import why_no_rule
from smr_engine.playbook.model import (
    EndStep,
    Expression,
    ForeachStep,
    Playbook,
    PublishStep,
    QuorumLine,
    SetStep,
    Template,
)
from smr_engine.playbook.parse import parse_playbook

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "schemas/playbook.schema.json").read_text())
SHIPPED = sorted((ROOT / "playbooks").glob("*.yaml"))

ROLES = (
    *("smr-lead", "comms-director", "comms-writer", "community-manager", "legal", "compliance"),
    *("privacy", "hr", "it-security", "product-owner", "customer-care", "exec-sponsor"),
    *("spokesperson", "scribe", "agency"),
)
GROUPS = ("all-staff", "all-communicators", "executives", "frontline-care")


def company(holders: dict[str, tuple[str, ...]]) -> DirectoryFacts:
    people = frozenset(person for found in holders.values() for person in found)
    return DirectoryFacts(
        people=people,
        holders=holders,
        deputies={"comms-director": ("dora",), "legal": ("lars",)},
        groups=dict.fromkeys(GROUPS, tuple(people)),
        accounts={
            "newsroom": "folder",
            "company-blog": "http",
            "outreach-mailbox": "email",
            "wikipedia-talk": "manual",
        },
        contacts=frozenset({"regulator-desk"}),
        vendors=frozenset({"monitoring-vendor"}),
        calendars=frozenset({"default"}),
    )


LARGE = company({role: (f"{role}-1", f"{role}-2") for role in ROLES})
SMALL = company(
    {role: (("ana", "ben", "cem")[number % 3],) for number, role in enumerate(sorted(ROLES))}
)


def read(text: str) -> Playbook:
    playbook, problems = parse_playbook(text.encode(), "test.yaml", SCHEMA)
    assert playbook is not None, [str(problem) for problem in problems]
    return playbook


def steps(*lines: str, top: str = "") -> Playbook:
    head = "playbook: sample\nversion: 1.0.0\ntitle: Sample\nowner: smr-lead\n"
    return read(f"{head}{top}steps:\n" + "\n".join(lines) + "\n")


def said(playbook: Playbook, directory: DirectoryFacts | None = LARGE) -> list[str]:
    return [str(found) for found in check_playbook(playbook, CheckContext(directory))]


NOTE = "documents: {note: {title: Note, template: We are sorry.}}\n"
DRAFT = "  - {id: draft_note, kind: draft, document: note, assign: {role: comms-writer}}"
APPROVE = "  - {id: approve_note, kind: approval, documents: [note], quorum: [{role: legal}]}"
PUBLISH = (
    "  - {id: publish_note, kind: publish, document: note, requires: [approve_note], "
    "account: newsroom}"
)


# --- what passes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_playbook_has_no_problem_in_a_company_with_two_people_per_role(path):
    playbooks = {known.name: known for known in (read(p.read_text()) for p in SHIPPED)}
    found = check_playbook(read(path.read_text()), CheckContext(LARGE, playbooks, path.name))
    assert [str(problem) for problem in found] == []


@pytest.mark.parametrize(
    "body",
    [
        (DRAFT, APPROVE, PUBLISH),
        (
            DRAFT,
            APPROVE.replace("quorum", "when: inputs.risky, quorum"),
            PUBLISH.replace("account", "when: '  inputs . risky ', account"),
        ),
        (
            DRAFT,
            "  - {id: prepare, kind: section, steps: [",
            APPROVE.replace("  - ", "    ") + "]}",
            PUBLISH,
        ),
        (
            DRAFT,
            "  - {id: at_once, kind: parallel, branches: [",
            "    {id: one, steps: [" + APPROVE.replace("  - ", "") + "]},",
            "    {id: two, steps: [{id: watch, kind: set, values: {x: 1}}]}]}",
            PUBLISH,
        ),
        (
            DRAFT,
            APPROVE,
            "  - {id: by_risk, kind: switch, options: [{when: inputs.risky, steps: [",
            PUBLISH.replace("  - ", "    ") + "]}]}",
        ),
        (
            DRAFT,
            "  - {id: by_risk, kind: switch, options: [{when: inputs.risky, steps: [",
            APPROVE.replace("  - ", "    ") + ",",
            PUBLISH.replace("  - ", "    ") + "]}]}",
        ),
        (
            DRAFT,
            APPROVE,
            "  - {id: beat, kind: repeat, max_rounds: 2, steps: [",
            PUBLISH.replace("  - ", "    ") + "]}",
        ),
        (DRAFT, APPROVE.replace("quorum", "when: 'true', quorum"), PUBLISH),
        (
            DRAFT,
            APPROVE.replace("quorum", "when: inputs.risky, quorum"),
            "  - {id: by_risk, kind: switch, options: [{when: inputs.risky, steps: [",
            PUBLISH.replace("  - ", "    ") + "]}]}",
        ),
        (
            DRAFT,
            APPROVE.replace("quorum", "expires: 2d, on_expiry: skip, quorum"),
            "  - {id: by_answer, kind: switch, on: approve_note, options: {approved: [",
            PUBLISH.replace("  - ", "    ") + "]}}",
        ),
        (
            DRAFT,
            APPROVE.replace("quorum", "when: inputs.risky, quorum"),
            PUBLISH.replace("account", "when: steps.approve_note.outcome == 'approved', account"),
        ),
        (
            "  - {id: rescore, kind: set, severity: high, reason: It spreads.}",
            DRAFT,
            APPROVE.replace("quorum", "when: case.severity.rank == 1, quorum"),
            PUBLISH.replace("account", "when: case.severity.rank == 1, account"),
        ),
    ],
    ids=[
        "same list",
        "identical when",
        "earlier section",
        "every branch",
        "inside an option",
        "same option",
        "inside a repeat",
        "a when that always holds",
        "option with the identical when",
        "option of the approval's outcome",
        "when it was approved",
        "severity set before both",
    ],
)
def test_a_publication_whose_approval_is_certain_passes(body):
    top = "inputs: {fields: {risky: yes_no}}\nseverity: {levels: [high, low]}\n" + NOTE
    found = said(steps(*body, top=top))
    assert [problem for problem in found if "missing-outcome" not in problem] == []


def test_names_that_are_certain_resolve_everywhere_they_may_stand():
    playbook = steps(
        "  - {id: vet, kind: task, fields: {ok: yes_no}, checklist: [Two sources agree]}",
        "  - {id: listen, kind: wait, signal: reply}",
        "  - {id: phase, kind: section, when: steps.vet.output.done_1, steps: [",
        "     {id: pick, kind: decision, choice: [now, later]}]}",
        "  - {id: each_creator, kind: foreach, in: inputs.creators, as: creator, steps: [",
        "     {id: note, kind: set, values: {who: '{{ creator.handle }}'},",
        "      when: steps.pick.outcome == 'now' and steps.listen.output.anything.at.all},",
        "     {id: beat, kind: repeat, max_rounds: 3, until: steps.round_task.output.ok and",
        "      previous.round_task.output.ok, steps: [",
        "       {id: round_task, kind: task, fields: {ok: yes_no}, when: round < 3}]}]}",
        "  - {id: sum_up, kind: set, values: {",
        "     first: '{{ steps.each_creator.results[0].note.output.who }}',",
        "     open: \"{{ steps.each_creator.results|rejectattr('ended')|length }}\",",
        "     by: '{{ steps.vet.completed_by }} {{ steps.vet.completed_at|date }}',",
        "     due: '{{ clocks.answer.due_at }}', staff: \"{{ members('all-staff') }}\"}}",
        top=(
            "inputs: {fields: {seen: datetime, creators: {type: list, of: {type: object, "
            "fields: {handle: text}}}}}\n"
            "severity: {levels: [sev1, sev2],\n"
            "  initial: \"{{ 'sev1' if inputs.seen else 'sev2' }}\"}\n"
            "clocks: {answer: {runs_from: '{{ steps.vet.completed_at }}', due: 72h, "
            "when: case.severity.rank == 1, met_by: vet}}\n"
            "results: {all: '{{ steps.each_creator.results }}'}\n"
        ),
    )
    assert said(playbook) == []


def test_inputs_given_as_a_json_schema_are_followed_into_what_they_are_composed_of():
    inputs = {
        "type": "object",
        "properties": {
            "anything": {"type": "object"},
            "either": {"anyOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]},
            "scores": {"type": "object", "additionalProperties": {"type": "number"}},
        },
    }
    good = "{{ inputs.anything.goes }}{{ inputs.either.a ~ inputs.either.b ~ inputs.scores.x }}"
    texts = ("{{ inputs.either.c }}", "{{ inputs.scores.x.y }}")
    made = [SetStep(id=f"s{n}", values={"x": Template(t)}) for n, t in enumerate((good, *texts))]
    playbook = Playbook("p", "1.0.0", "P", "smr-lead", "", tuple(made), inputs=inputs)
    assert [found.message for found in check_playbook(playbook, CheckContext())] == [
        "`inputs.either` has no `c`",
        "`inputs.scores.x` is a number and has no `y`",
    ]


def test_without_a_directory_people_are_not_checked():
    assert said(steps("  - {id: a, kind: task, assign: {role: nobody-knows}}"), None) == []


# --- what is said --------------------------------------------------------------------------------


def test_a_misspelt_name_is_answered_with_the_nearest_right_one_and_its_place():
    playbook = steps(
        "  - {id: assess, kind: task, fields: {aware_at: datetime}}",
        "  - {id: a, kind: set, values: {x: '{{ steps.assess.output.awareat }}'}}",
        "  - {id: b, kind: set, values: {x: '{{ steps.asess.output.aware_at }}'}}",
    )
    output, step = said(playbook)
    assert output == (
        "playbook:7:36: error unknown-name `steps.assess.output` has no `awareat` "
        "(did you mean `aware_at`?)"
    )
    assert step == (
        "playbook:8:36: error unknown-name there is no step `asess` (did you mean `assess`?)"
    )


def test_a_name_that_is_not_certain_is_told_why():
    playbook = steps(
        "  - {id: each, kind: foreach, in: [1, 2], as: one, steps: [",
        "     {id: inner, kind: set, values: {x: 1}}]}",
        "  - {id: a, kind: set, values: {x: '{{ steps.inner.output.x }}'}}",
    )
    (found,) = said(playbook)
    assert found == (
        "playbook:8:36: error unknown-name `steps.inner` cannot be used here: it runs once per "
        "element of `each`: from outside see steps.each.results "
        "(use only steps that are certain to have ended)"
    )


def test_a_three_person_company_is_told_what_it_cannot_meet_and_what_would_save_it():
    playbook = steps(
        DRAFT.replace("comms-writer", "comms-director"),
        "  - id: approve_note",
        "    kind: approval",
        "    documents: [note]",
        "    quorum: [{role: comms-director}, {role: legal}]",
        top=NOTE,
    )
    (found,) = said(playbook, SMALL)
    assert found == (
        "playbook:11:13: error quorum-too-large the quorum of `approve_note` cannot be met: it needs "
        "1 of comms-director, and nobody may decide (ben kept out) "
        "(dora is a deputy: give them the role `comms-director`; give `comms-director` to more "
        "people in directory.yaml, or add break_glass: {role: exec-sponsor, ratify_within: 4h})"
    )


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_quorum_that_a_three_person_company_cannot_meet_names_a_way_out(path):
    playbooks = {known.name: known for known in (read(p.read_text()) for p in SHIPPED)}
    found = check_playbook(read(path.read_text()), CheckContext(SMALL, playbooks))
    quorums = [problem for problem in found if problem.code.startswith("quorum")]
    assert all("give" in problem.hint or "break_glass" in problem.hint for problem in quorums)
    assert {problem.code for problem in found} <= {"quorum-too-large", "quorum-may-be-too-large"}


def test_break_glass_that_is_there_is_named_as_what_helps_meanwhile():
    glass = APPROVE.replace("}]}", "}], break_glass: {role: exec-sponsor, ratify_within: 4h}}")
    playbook = steps(DRAFT, glass.replace("role: legal", "role: legal, need: 5"), top=NOTE)
    assert "until then break_glass lets exec-sponsor-1, exec-sponsor-2 release" in said(playbook)[0]


def test_an_author_who_would_block_the_quorum_is_named():
    one_lawyer = replace(LARGE, holders={**LARGE.holders, "legal": ("lea",)})
    draft = DRAFT.replace("role: comms-writer", "group: all-staff")
    staff = replace(one_lawyer, groups={**LARGE.groups, "all-staff": ("lea", "tom")})
    found = said(steps(draft, APPROVE, top=NOTE), staff)
    assert len(found) == 1
    assert "warning quorum-may-be-too-large if lea wrote the text" in found[0]


def test_a_publication_without_any_requirement_is_an_error_even_if_the_schema_were_silent():
    playbook = steps(DRAFT, APPROVE, PUBLISH, top=NOTE)
    bare = tuple(
        replace(step, requires=()) if isinstance(step, PublishStep) else step
        for step in playbook.steps
    )
    found = check_playbook(replace(playbook, steps=bare), CheckContext(LARGE))
    assert [problem.code for problem in found] == ["unapproved-publish"]


def test_roles_that_nothing_uses_are_found_for_the_directory():
    playbook = steps(DRAFT, APPROVE, top=NOTE)
    used = {playbook.owner, *roles_used(playbook.steps)}
    assert used == {"smr-lead", "comms-writer", "legal"}
    assert unused_roles(LARGE, used) == sorted(set(ROLES) - used)


# --- rules and laws ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO", ""),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", ""),
        ("FREQ=DAILY;COUNT=3", ""),
        ("freq=weekly;byday=MO,WE", ""),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never fires"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1", "never fires"),
        ("FREQ=HOURLY", "fires too often"),
        ("FREQ=DAILY;BYHOUR=9,17", "`at` says the time"),
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "fires too often"),
        ("FREQ=DAILY;INTERVAL=00", "INTERVAL of 0"),
        ("FREQ=DAILY;UNTIL=20300101", "may not say UNTIL"),
        ("FREQ=DAILY;BYDAY=8XX", "is no recurrence rule"),
        ("FREQ=DAILY;BYMONTH=77", "never fires"),
        ("FREQ=YEARLY;INTERVAL=30", ""),
        ("INTERVAL=3", "is no recurrence rule"),
        ("DTSTART:20260101\nRRULE:FREQ=DAILY", "is no recurrence rule"),
        ("FREQ=DAILY;" * 90 + "COUNT=1", "is no recurrence rule"),
    ],
)
def test_a_recurrence_rule_is_tried_out_before_it_is_trusted(rule, reason):
    found = why_no_rule(rule, "09:00")
    assert reason in found
    assert bool(found) == bool(reason)


names = st.sampled_from(["ana", "ben", "cem", "dua"])
roles = st.sampled_from(["one", "two", "three"])
lines = st.lists(
    st.builds(
        QuorumLine,
        roles=st.lists(roles, min_size=1, max_size=2, unique=True).map(tuple),
        need=st.integers(1, 2),
    ),
    min_size=1,
    max_size=3,
)
holders = st.dictionaries(roles, st.sets(names).map(tuple), min_size=3)


def _brute_force(directory: DirectoryFacts, quorum: list[QuorumLine]) -> int:
    """The most seats that distinct people can take, by trying everything."""

    def most(at: int, left: frozenset[str]) -> int:
        if at == len(quorum):
            return 0
        line = quorum[at]
        able = {p for role in line.roles for p in directory.holders.get(role, ())} & left
        ways = [c for size in range((line.need or 0) + 1) for c in combinations(sorted(able), size)]
        return max(len(way) + most(at + 1, left - set(way)) for way in ways)

    return most(0, frozenset({"ana", "ben", "cem", "dua"}))


@given(holders, lines)
def test_no_other_way_of_seating_people_fills_more_of_a_quorum(held, quorum):
    directory = DirectoryFacts(holders=held)
    assert sum(fit(directory, quorum, ()).have) == _brute_force(directory, quorum)


@given(
    st.lists(st.sampled_from(["{{ a.b }}", "{{", "{% for", "x", "{{ steps }}", "{{ steps[x] }}"])),
    st.lists(st.text(max_size=12), max_size=3),
)
def test_no_text_in_a_playbook_makes_the_check_raise(templates, expressions):
    made = [
        SetStep(id=f"s{n}", values={"x": Template(source)}) for n, source in enumerate(templates)
    ]
    looped = [
        ForeachStep(
            id=f"f{n}",
            elements=Expression(source),
            name=source,
            when=Expression(source),
            steps=(EndStep(id=f"e{n}", outcome=source, of=source),),
        )
        for n, source in enumerate(expressions)
    ]
    playbook = Playbook("p", "1.0.0", "P", "smr-lead", "", (*made, *looped))
    for problem in check_playbook(playbook, CheckContext(LARGE, {"p": playbook})):
        assert problem.line >= 1
