"""Playbooks are found by the names of their files."""

from __future__ import annotations

import pytest

from smr_engine.errors import Invalid
from smr_engine.services import gallery, library, validation
from tests.services.company import Company
from tests.services.playbooks import STATEMENT


def test_a_file_that_is_not_named_after_its_playbook_is_told_and_harms_no_other(company: Company):
    company.playbook("renamed", STATEMENT)  # it holds `playbook: statement`
    library.read(company.ws, "statement")  # the same bytes under their own name are known by now
    with pytest.raises(Invalid, match=r"renamed\.yaml:1:1: error misnamed-file") as refused:
        library.read(company.ws, "renamed")
    assert "call the file statement.yaml, or write `playbook: renamed`" in refused.value.message
    found = validation.validate(company.ws, [company.root / "playbooks/renamed.yaml"])
    assert [problem.code for problem in found] == ["misnamed-file"]
    assert "renamed" in [row.playbook for row in library.playbooks(company.ws)]
    cards = {card.playbook: card.why_not for card in gallery.gallery(company.ws, "ana")}
    assert (bool(cards["renamed"]), cards["statement"]) == (True, "")
