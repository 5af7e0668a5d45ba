"""What a person reads when a playbook is wrong."""

from __future__ import annotations

import pytest

from smr_engine.adapters.shipped import load_schema
from smr_engine.playbook.parse import parse_data, parse_playbook

HEAD = "playbook: example\nversion: 1.0.0\ntitle: Example\nowner: smr-lead\n"
STEPS = "steps:\n  - {id: first, kind: task}\n"


def messages(text: str) -> list[str]:
    _, problems = parse_playbook(text.encode(), "f.yaml", load_schema("playbook"))
    return [str(problem).removeprefix("f.yaml:") for problem in problems]


def step(text: str) -> list[str]:
    return messages(f"{HEAD}steps:\n  - {{id: a, {text}}}\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "kind: aproval",
            "6:19: error unknown-kind `aproval` is not a kind of step (did you mean `approval`?)",
        ),
        (
            "kind: task, asign: {role: legal}",
            "6:25: error unknown-key unknown key `asign` (did you mean `assign`?)",
        ),
        (
            "kind: task, when: 12",
            '6:31: error quote-it `when` must be text, but 12 is a number (quote it: "12")',
        ),
        (
            "kind: task, when: \"{{ inputs.type == 'breach' }}\"",
            (
                "6:31: error template-in-expression `when`: this key takes a bare expression, "
                "without {{ }} (write inputs.type == 'breach')"
            ),
        ),
        (
            "kind: approval, documents: [d], quorum: 2",
            (
                "6:53: error wrong-type `quorum` must be a list "
                "(for example [{role: comms-director, need: 1}, {role: legal, need: 1}])"
            ),
        ),
        (
            "kind: approval, documents: d, quorum: [{role: legal}]",
            "6:40: error wrong-type `documents` must be a list (write it as a list: [d])",
        ),
        ("kind: draft", "6:5: error missing-key draft `a` needs `document`"),
        (
            "kind: task, evidence: yes",
            "6:35: error wrong-type `evidence` must be true or false (write true)",
        ),
        (
            "kind: approval, documents: [d], quorum: [{role: legal}], on_expiry: approve",
            (
                "6:81: error not-a-choice `on_expiry` cannot be `approve` "
                "(write reject or fail or skip or escalate)"
            ),
        ),
        (
            "kind: task, assign: legal",
            (
                "6:33: error wrong-type `assign` must be a mapping of keys to values or a list "
                "(for example {role: community-manager})"
            ),
        ),
        (
            "kind: decision",
            "6:5: error choose-one decision `a` needs one of `ask`, `tree`, `choice`, `table`",
        ),
        (
            "kind: end, outcome: stood down",
            (
                "6:33: error bad-format `stood down`: a label has only letters, digits, "
                "`-` and `_`, like `stand_down` (write `stood_down`)"
            ),
        ),
    ],
)
def test_a_fault_is_told_with_what_to_do(text, told):
    assert step(text) == [told]


def test_a_number_is_quoted_as_its_author_wrote_it():
    text = HEAD.replace("1.0.0", "1.10") + STEPS

    assert messages(text) == [
        '2:10: error quote-it `version` must be text, but 1.10 is a number (quote it: "1.10")'
    ]


def test_all_problems_of_a_file_come_at_once_in_the_order_of_the_file():
    text = (
        "playbook: Crisis Response\nversion: 1.0\ntitel: Crisis\nowner: smr-lead\nowner: legal\n"
        "steps:\n  - {id: draft-a, kind: draft, due: soon}\n  - {id: b, kind: aproval}\n"
        "  - id: b\n    kind: task\n    help: Check #ad\n"
    )

    codes = [line.split()[2] for line in messages(text)]

    assert codes == [
        *("bad-format", "quote-it", "unknown-key", "duplicate-key"),
        *("missing-key", "bad-format", "bad-duration", "unknown-kind"),
        *("duplicate-id", "text-lost"),
    ]


def test_a_misspelt_key_is_not_also_called_missing():
    assert len(step("kind: draft, documnt: d")) == 1
    assert len(step("kind: decision, as: Over?, tre: []")) == 2


@pytest.mark.parametrize(
    "key", ["extends", "insert", "logs", "freeze", "injects", "cleared", "languages"]
)
def test_a_key_reserved_for_later_is_refused_as_such(key):
    found = messages(f"{HEAD}{key}: x\n{STEPS}")

    assert found == [
        f"5:1: error reserved-key `{key}` is reserved for later and does nothing yet (leave it out)"
    ]


@pytest.mark.parametrize(
    "key",
    ["on_silence: approve", "auto_approve: true", "default: approve", "on_timeout: approve"],
)
def test_no_key_lets_silence_approve(key):
    found = step(f"kind: approval, documents: [d], quorum: [{{role: legal}}], {key}")

    assert [line.split()[2] for line in found] == ["unknown-key"]


@pytest.mark.parametrize("expiry", ["approve", "approved", "grant", "publish"])
def test_an_expiry_cannot_approve(expiry):
    quorum = "documents: [d], quorum: [{role: legal}], expires: 1h"

    found = step(f"kind: approval, {quorum}, on_expiry: {expiry}")

    assert [line.split()[2] for line in found] == ["not-a-choice"]


def test_settings_and_directories_are_told_about_in_the_same_words():
    _, problems = parse_data(b"dispatcher: inlin\n", "smr.yaml", load_schema("settings"))
    assert [str(problem) for problem in problems] == [
        "smr.yaml:1:13: error not-a-choice `dispatcher` cannot be `inlin` (did you mean `inline`?)"
    ]

    text = b"people:\n  - {id: ana, name: Ana Ruiz, email: ana at example.test, role: legal}\n"
    _, problems = parse_data(text, "directory.yaml", load_schema("directory"))
    assert [str(problem) for problem in problems] == [
        (
            "directory.yaml:2:38: error bad-format `email`: `ana at example.test` is not an email "
            "address: write name@example.org"
        ),
        "directory.yaml:2:59: error unknown-key unknown key `role` (did you mean `roles`?)",
    ]


def test_a_settings_file_of_comments_only_is_a_file_of_defaults():
    assert parse_data(b"# nothing yet\n", "smr.yaml", load_schema("settings")) == ({}, [])


def test_an_empty_directory_is_a_mistake():
    data, problems = parse_data(b"# nobody yet\n", "directory.yaml", load_schema("directory"))

    assert data is None
    assert [problem.code for problem in problems] == ["empty-file"]
