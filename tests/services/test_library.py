"""Playbooks are found by the names that they say, whatever their files are called."""

from __future__ import annotations

from smr_engine.services import gallery, library, validation
from tests.services.company import Company
from tests.services.playbooks import STATEMENT


def test_a_playbook_is_found_by_its_name_in_whatever_file(company: Company):
    company.playbook("renamed", STATEMENT)  # it holds `playbook: statement`
    assert validation.validate(company.ws, [company.root / "playbooks/renamed.yaml"]) == []
    names = [row.playbook for row in library.playbooks(company.ws)]
    assert ("statement" in names, "renamed" in names) == (True, False)
    cards = {card.playbook: card.why_not for card in gallery.gallery(company.ws, "ana")}
    assert cards["statement"] == ""
    assert company.start("statement", title="Stoves").startswith("CASE-")


def test_of_two_that_say_the_same_name_the_one_whose_file_is_called_so_counts(company: Company):
    company.playbook("a-copy", STATEMENT.replace("title: ", "title: A copy of ", 1))
    company.playbook("statement", STATEMENT)
    assert "copy" not in library.read(company.ws, "statement")[0].title


def test_a_file_that_says_no_name_or_a_scenario_shadows_no_playbook(company: Company):
    company.playbook("notes", "just: notes\n")
    company.playbook("rehearsal", "scenario: The good day\nplaybook: crisis-response\n")
    assert company.ws.files.names()["crisis-response"] == "shipped"
    assert {"notes", "rehearsal"} <= set(company.ws.files.names())


def test_a_file_that_cannot_be_read_keeps_no_other_playbook_away(company: Company):
    (company.root / "playbooks" / "broken.yaml").symlink_to("/proc/self/mem")  # for root as well
    assert library.read(company.ws, "holding-statement")[0].name == "holding-statement"
    assert company.ws.files.names()["broken"] == "workspace"
