"""Whose eyes the command line looks with: everybody's, unless `--as` says whose."""

from __future__ import annotations

import pytest

SECRET = """
playbook: secret
version: 1.0.0
title: Personnel matter
owner: hr
case_prefix: SECRET
visibility: {restricted: [hr]}
inputs: {fields: {title: text}}
documents: {letter: {title: Letter, audience: internal, template: "About {{ inputs.title }}"}}
steps:
  - {id: write, kind: draft, document: letter, assign: {role: hr}}
"""


@pytest.fixture
def secret(office):
    (office.folder / "playbooks" / "secret.yaml").write_text(SECRET, encoding="utf-8")
    words = ("start", "secret", "-i", "title=the pay of Max", "--json")
    return office.done(*words, who="ruth").json["case"]


@pytest.mark.parametrize(
    "words",
    [
        ("show",),
        ("timeline",),
        ("audit", "who"),
        ("document", "letter"),
        ("audit", "log", "--case"),
    ],
)
def test_a_restricted_case_is_there_for_who_may_see_it_and_for_who_has_the_files(
    office, secret, words
):
    name = words[-1:] if words[0] == "document" else ()
    command = (*(words[:1] if name else words), secret, *name, "--json")
    assert office(*command, who="").exit_code == 0
    assert office(*command, who="ruth").exit_code == 0
    refused = office(*command, who="ana")
    assert (refused.exit_code, refused.error["code"]) == (1, "no-such-case")


def test_lists_leave_it_out_for_whom_as_names(office, secret):
    def listed(who=""):
        return [row["case"] for row in office.done("cases", "--json", who=who).json]

    assert secret in listed()
    assert secret in listed("ruth")
    assert secret in listed("greta")
    assert secret not in listed("ana")
