"""The example that says every key, and what each key means in the model."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from smr_engine.adapters.shipped import load_schema
from smr_engine.playbook import model as m
from smr_engine.playbook.durations import Anchor, Duration, DurationKind, Offset
from smr_engine.playbook.parse import parse_playbook
from tests.support.timing import within

EXAMPLE = Path(__file__).parents[2] / "examples" / "valid" / "every-key.yaml"
TEXT = EXAMPLE.read_bytes()
HEAD = "playbook: example\nversion: 1.0.0\ntitle: Example\nowner: smr-lead\n"
HOUR = Duration(DurationKind.ELAPSED, 3600)


def minutes(count: int) -> Duration:
    return Duration(DurationKind.ELAPSED, 60 * count)


def hours(count: int) -> Duration:
    return Duration(DurationKind.ELAPSED, 3600 * count)


def parsed(text: str | bytes) -> m.Playbook:
    raw = text.encode() if isinstance(text, str) else text
    playbook, problems = parse_playbook(raw, "f.yaml", load_schema("playbook"))
    assert playbook is not None, [str(problem) for problem in problems]
    return playbook


@pytest.fixture(scope="module")
def playbook() -> m.Playbook:
    return parsed(TEXT)


@pytest.fixture(scope="module")
def steps(playbook) -> dict[str, m.Step]:
    return {step.id: step for step in m.walk(playbook.steps)}


def role(name: str, line: int) -> m.Party:
    return m.Party(m.PartyKind.ROLE, m.Template(name, line), line)


def line_of(text: str) -> int:
    return TEXT.decode().split(text)[0].count("\n") + 1


def test_the_head_is_read(playbook):
    assert (playbook.name, playbook.version, playbook.title) == (
        "every-key",
        "2.1.0",
        "Every key of the language",
    )
    assert playbook.summary == "Shows how each key is written."
    assert (playbook.owner, playbook.case_prefix) == ("smr-lead", "EVERY")
    assert playbook.labels == ("crisis", "example")
    assert playbook.calendar == "default"
    assert playbook.retention == Duration(DurationKind.ELAPSED, 7 * 365 * 86_400)
    assert playbook.visibility == ("smr-lead", "legal")
    assert playbook.assurance == m.Varied("asserted", {"sev1": "mfa"})


def test_the_digest_is_that_of_the_bytes(playbook):
    assert playbook.digest == sha256(TEXT).hexdigest()


def test_severity_is_read_worst_first(playbook):
    assert playbook.severity == m.SeverityScale(
        levels=("sev1", "sev2", "sev3"),
        title="Risk",
        initial=m.Template(
            "{{ 'sev1' if inputs.safety_risk else 'sev3' }}", line_of('initial: "{{')
        ),
        override_quiet=("sev1",),
    )
    assert playbook.severity.rank("sev1") == 1


def test_inputs_become_a_json_schema(playbook):
    properties = playbook.inputs["properties"]
    assert properties["type"]["enum"] == ["breach", "outage", "no"]
    assert properties["safety_risk"] == {"title": "Safety risk", "type": "boolean"}
    assert "note" not in playbook.inputs["required"]
    assert properties["creators"]["items"]["properties"]["channel"]["enum"] == ["blog", "video"]


def test_a_playbook_without_inputs_takes_none():
    playbook = parsed(HEAD + "steps:\n  - {id: a, kind: task}\n")

    assert playbook.inputs["additionalProperties"] is False
    assert playbook.inputs["properties"] == {}


def test_inputs_may_be_a_json_schema():
    schema = "inputs: {type: object, required: [title], properties: {title: {type: string}}}\n"

    playbook = parsed(HEAD + schema + "steps:\n  - {id: a, kind: task}\n")

    assert playbook.inputs == {
        "type": "object",
        "required": ["title"],
        "properties": {"title": {"type": "string"}},
    }


def test_clocks_are_read(playbook):
    (clock,) = playbook.clocks
    assert (clock.id, clock.title, clock.met_by) == (
        "gdpr_72h",
        "Notify the authority",
        "notify_authority",
    )
    assert clock.line == line_of("gdpr_72h")
    assert clock.when == m.Expression("inputs.type == 'breach'", clock.line + 2)
    assert clock.runs_from.source == "{{ steps.assess.output.aware_at }}"
    assert clock.due == m.Varied(hours(72))
    assert clock.remind == m.Varied(
        (Offset(sign=-1, delta=hours(24)), Offset(sign=-1, delta=hours(6)))
    )
    assert clock.escalate.default[0].at == Offset(sign=-1, delta=hours(12))
    assert clock.escalate.default[0].to[0].name.source == "exec-sponsor"


def test_triggers_are_read(playbook):
    (trigger,) = playbook.triggers
    assert trigger.rrule == "FREQ=MONTHLY;INTERVAL=3;BYDAY=1MO"
    assert (trigger.at, trigger.timezone) == ("09:00", "Europe/Berlin")
    assert trigger.missed is m.Missed.ALL
    assert trigger.inputs["title"].source == "Review of {{ due }}"
    assert trigger.inputs["reach"] == 1
    assert trigger.line == line_of("- on: schedule")


def test_documents_are_read(playbook):
    document = playbook.documents["holding_statement"]
    assert (document.title, document.audience) == ("Holding statement", "public")
    assert document.template.source.startswith("We are aware of {{ inputs.title }}.\n")
    assert document.line == line_of("  holding_statement:")
    assert playbook.documents["briefing"].title == "Briefing"
    assert playbook.documents["briefing"].audience == "internal"


def test_a_block_text_begins_on_the_line_below_its_sign(playbook):
    template = playbook.documents["holding_statement"].template

    assert template.line == line_of("      We are aware of")


def test_results_are_read(playbook):
    assert list(playbook.results) == ["first_statement_at"]


def test_a_step_says_what_every_step_may_say(steps):
    assess = steps["assess"]
    assert assess.kind == "task"
    assert (assess.title.source, assess.help.source[:4]) == ("Assess the breach", "Take")
    assert assess.line == line_of("- id: assess")
    assert assess.when.source == "inputs.type == 'breach'"
    assert assess.assign == m.Assignment(
        parties=(role("legal", line_of("assign: {role: legal, except")),),
        exclude=(
            m.Exclusion(m.ExclusionKind.REQUESTER),
            m.Exclusion(m.ExclusionKind.ROLE, "agency"),
        ),
    )
    assert assess.due.default.at.source == "{{ inputs.first_seen }}"
    assert assess.due.default.plus == Duration(DurationKind.BUSINESS_TIME, 4 * 3600)
    assert assess.remind.by_severity["sev1"] == (Offset(anchor=Anchor.START, delta=minutes(10)),)
    assert assess.remind.default == (Offset(delta=hours(2), every=True),)
    escalation = assess.escalate.by_severity["sev1"][0]
    assert [party.kind for party in escalation.to] == [m.PartyKind.DEPUTY_OF, m.PartyKind.ROLE]
    assert assess.escalate.default is None
    assert assess.expires.by_severity["sev1"] == Duration(DurationKind.BUSINESS_DAYS, 1)
    assert assess.expires.default == Duration(DurationKind.ELAPSED, 7 * 86_400)
    assert assess.on_expiry is m.OnExpiry.ESCALATE
    assert assess.evidence is True
    assert assess.documents == ("briefing",)
    assert assess.on_failure.parties[0].name.source == "it-security"
    assert assess.calendar == "legal-hours"


def test_a_checklist_is_a_form_of_boxes_that_must_be_ticked(steps):
    form = steps["assess"].form
    assert form["required"] == ["aware_at", "done_1", "done_2"]
    assert form["properties"]["done_2"] == {
        "type": "boolean",
        "const": True,
        "title": "Evidence is captured",
    }
    assert steps["assess"].checklist == ("Two sources agree", "Evidence is captured")


def test_a_form_may_be_a_json_schema(steps):
    assert steps["interview"].form["properties"] == {"said": {"type": "string", "minLength": 3}}


def test_a_list_of_parties_and_each_are_read(steps):
    interview = steps["interview"].assign
    assert [party.kind for party in interview.parties] == [m.PartyKind.PERSON, m.PartyKind.GROUP]
    assert interview.each is False
    everyone = steps["everyone"].assign
    assert everyone.each is True
    assert everyone.parties[0].name.source == "all-staff"
    assert everyone.exclude == (m.Exclusion(m.ExclusionKind.DID, "interview"),)


def test_defaults_reach_every_step_of_their_kind_and_its_own_key_replaces_them(steps):
    assert steps["pause_posts"].due == m.Varied(hours(2))
    assert isinstance(steps["assess"].due.default, m.DueAt)
    approval = steps["approve_holding"]
    assert approval.remind == m.Varied((Offset(percent=100),))
    assert approval.escalate.default[0].at == Offset(percent=150)
    assert steps["over"].due is None


def test_a_draft_is_read(steps):
    draft = steps["draft_holding"]
    assert draft.document == "holding_statement"
    assert draft.checks == (
        m.DraftCheck("max_words", 120),
        m.DraftCheck("must_contain", ["#ad"]),
        m.DraftCheck("must_not_contain", ["guarantee"]),
        m.DraftCheck("reading_grade", 8),
        m.DraftCheck("no_promised_times", value=True),
    )


def test_an_approval_is_read(steps):
    approval = steps["approve_holding"]
    assert approval.documents == ("holding_statement",)
    first, second, third = approval.quorum
    assert (first.roles, first.need) == (("comms-director",), 1)
    assert (second.roles, second.need, second.due) == (("legal",), None, m.Varied(minutes(20)))
    assert (third.roles, third.need) == (("compliance", "privacy"), 2)
    assert third.when.source == "inputs.type == 'breach'"
    assert third.line == line_of("- {any_of: [compliance")
    assert [exclusion.kind.value for exclusion in approval.exclude] == [
        "author",
        "requester",
        "did",
        "role",
    ]
    assert approval.due == m.Varied(hours(4), {"sev1": minutes(15), "sev2": HOUR})
    assert approval.on_changes_requested == m.ReturnTo("draft_holding", 5)
    assert approval.on_rejected == m.EndWith("rejected", "every_creator")
    assert approval.break_glass == m.BreakGlass("exec-sponsor", m.Varied(hours(4)))
    assert approval.assurance == m.Varied("session")


def test_an_approval_keeps_authors_out_unless_it_says_otherwise():
    steps = "steps:\n  - {id: a, kind: approval, documents: [d], quorum: [{role: legal}]}\n"

    (approval,) = parsed(HEAD + steps).steps

    assert approval.exclude == (m.Exclusion(m.ExclusionKind.AUTHOR),)


def test_a_publication_is_read(steps):
    publish = steps["publish_holding"]
    assert (publish.document, publish.requires) == ("holding_statement", ("approve_holding",))
    assert [account.source for account in publish.accounts] == ["newsroom", "{{ inputs.place }}"]
    assert [(party.kind.value, party.name.source) for party in publish.to] == [
        ("contact", "regulator-desk"),
        ("address", "press@example.test"),
    ]
    assert publish.at.source == "{{ inputs.first_seen }}"
    assert publish.in_reply_to.source == "{{ inputs.source_urls[0] }}"
    assert publish.replaces.source == "https://example.test/old"
    assert publish.verify is False
    assert publish.retry == m.Retry(attempts=6, backoff_s=60, timeout_s=20)


def test_one_account_is_the_hub_alone(steps):
    publish = steps["publish_once_more"]
    assert [account.source for account in publish.accounts] == ["company-blog"]
    assert publish.on_failure == "continue"
    assert publish.verify is True


def test_a_notification_is_read(steps):
    notify = steps["tell_all"]
    assert [party.kind.value for party in notify.to] == ["group", "vendor", "deputy_of", "address"]
    assert notify.subject.source == "Crisis: {{ inputs.title }}"
    assert notify.body.source == "Please acknowledge."
    assert notify.acknowledge.due == m.Varied(minutes(10))
    assert notify.acknowledge.remind == m.Varied((Offset(percent=50),))
    assert notify.acknowledge.escalate.default[0].to[0].name.source == "comms-director"
    assert notify.acknowledge.wait is True


def test_one_question_bears_the_name_of_its_step(steps):
    (question,) = steps["over"].questions
    assert question == m.Question(
        "over", "Is the crisis over?", m.Outcome("yes", "Yes"), m.Outcome("no", "No")
    )


def test_a_tree_of_questions_is_read_root_first(steps):
    root, second = steps["triage"].questions
    assert root.if_yes == m.Outcome("let_stand", "Let it stand")
    assert root.if_no == "wrong"
    assert second.if_yes == m.Outcome("correct", "Correct")


def test_a_choice_is_read(steps):
    assert steps["way"].choices == (
        m.Outcome("ignore", "Ignore"),
        m.Outcome("debunk", "Say what is true"),
    )


def test_a_table_is_read(steps):
    tier = steps["tier"]
    assert (tier.pick, tier.worst_first) == ("worst", ("high", "low"))
    assert [(row.when.source, row.outcome) for row in tier.rows] == [
        ("inputs.reach > 100", "high"),
        ("true", "low"),
    ]


def test_the_worst_outcome_of_a_table_goes_by_severity_where_no_order_is_given(steps):
    assert steps["rescore"].worst_first == ("sev1", "sev2", "sev3")


def test_a_switch_on_an_outcome_is_read(steps):
    switch = steps["by_way"]
    assert switch.on == "way"
    assert [(o.name, o.outcome, o.when) for o in switch.options] == [
        ("ignore", "ignore", None),
        ("debunk", "debunk", None),
    ]


def test_a_switch_by_condition_is_read_with_its_else_last(steps):
    first, last = steps["by_reach"].options
    assert (first.when.source, first.outcome) == ("inputs.reach > 5", None)
    assert [step.id for step in first.steps] == ["watch"]
    assert (last.name, last.when, last.outcome) == ("else", None, None)
    assert [step.id for step in last.steps] == ["embargo"]


def test_values_are_templates_at_every_depth(steps):
    values = steps["note_it"].values
    assert values["ignored"] is True
    assert values["why"][0].source == "{{ case.title }}"


def test_a_rescoring_is_read(steps):
    raised = steps["raise"]
    assert raised.severity.source == "sev1"
    assert raised.reason.source == "It spreads."
    assert raised.values == {}


def test_blocks_are_read(steps):
    mobilise = steps["mobilise"]
    assert mobilise.join_any is True
    assert [(b.id, b.title) for b in mobilise.branches] == [
        ("freeze", "Freeze"),
        ("counsel", "Counsel"),
    ]
    creators = steps["every_creator"]
    assert (creators.elements.source, creators.name) == ("inputs.creators", "creator")
    assert creators.at_a_time == 5
    literal = steps["two"].elements
    assert (literal[0].source, literal[2]) == ("first", 3)
    assert literal[1]["name"].source == "{{ inputs.title }}"
    assert (steps["two"].name, steps["two"].at_a_time) == ("element", 20)
    updates = steps["updates"]
    assert updates.every == m.Varied(hours(2), {"sev1": minutes(30)})
    assert updates.until.source == "steps.stand_down.outcome == 'yes'"
    assert updates.max_rounds == 48


def test_the_three_waits_are_read(steps):
    assert steps["watch"].duration == m.Varied(
        Duration(DurationKind.BUSINESS_DAYS, 1), {"sev1": HOUR}
    )
    assert steps["embargo"].until.source == "{{ inputs.first_seen }}"
    signal = steps["await_regulator"]
    assert (signal.signal, signal.key.source) == ("regulator_agreed", "{{ inputs.title }}")
    assert signal.on_expiry is m.OnExpiry.SKIP


def test_a_child_playbook_is_read(steps):
    review = steps["review"]
    assert review.playbook == "after-action"
    assert review.inputs["depth"] == {"level": 2}
    assert review.hands_over == ("holding_statement",)
    assert review.documents == ()
    assert review.wait_until_done is False


def test_a_call_is_read(steps):
    collect = steps["collect"]
    assert collect.uses == "prefect.deployment"
    assert collect.arguments["parameters"]["since"].source == "{{ case.opened_at }}"
    assert collect.retry == m.Retry(attempts=2)


def test_an_end_is_read(steps):
    assert (steps["close"].outcome, steps["close"].of) == ("stood-down", None)
    assert steps["skip_it"].of == "every_creator"


def test_a_step_without_title_is_called_by_its_id_in_words(steps):
    assert steps["pause_posts"].title.source == "Pause posts"


def keys_of(part: object) -> set[str]:
    """Return every key that a schema lets a person write, but those of JSON Schema itself."""
    if isinstance(part, list):
        return set().union(*map(keys_of, part))
    if not isinstance(part, dict):
        return set()
    inner = (value for name, value in part.items() if name not in {"json_schema", "form"})
    return set(part.get("properties", ())).union(*map(keys_of, inner))


def test_the_example_says_every_key_of_the_schema():
    """So that a key added to the schema is also read by the tests above."""
    schema = load_schema("playbook")
    kinds = set(schema["$defs"]["common"]["properties"]["kind"]["enum"])

    written = {key for key in keys_of(schema) if f"{key}:" in TEXT.decode()}

    assert keys_of(schema) - kinds - written == set()


def test_a_playbook_of_300_lines_is_read_at_once():
    extra = "".join(f"  - {{id: more_{n}, kind: task, due: 4h}}\n" for n in range(60))
    text = TEXT.replace(b"results:\n", extra.encode() + b"results:\n")
    assert text.count(b"\n") > 300

    with within(0.5):
        parsed(text)
