"""What is wrong with an installation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from smr_engine.adapters.wake_socket import WakeListener
from smr_engine.bootstrap import open_workspace
from smr_engine.engine.world import Account
from smr_engine.errors import SmrError
from smr_engine.services import doctor, items, setup, triggers
from smr_engine.services.ports import EffectAmbiguousError, EffectRefusedError, Message
from smr_engine.services.views import Finding
from smr_engine.services.workspace import Actor, Workspace
from tests.services.company import Company


def findings(company: Company, *probes: doctor.Probe) -> dict[str, Finding]:
    """Return what was found; of several findings about one thing, the first bad one."""
    found: dict[str, Finding] = {}
    for finding in doctor.examine(company.ws, *probes):
        if finding.what not in found or found[finding.what].ok:
            found[finding.what] = finding
    return found


def under_approval(company: Company) -> str:
    case = company.start("statement", title="the fire in hall 3")
    company.write(company.item(case, "write"), "We know of the fire in hall 3.")
    return case


def test_a_new_sample_is_well(company: Company):
    found = doctor.examine(company.ws)
    assert [finding for finding in found if not finding.ok] == []
    assert {finding.what for finding in found} == {
        "workspace",
        "privacy",
        "database",
        "directory",
        "roles",
        "playbooks",
        "schedules",
        "conductor",
        "held cases",
        "publications",
        "notifications",
        "flow runs",
        "mail",
    }


def test_everything_that_is_wrong_has_a_way_to_mend_it(company: Company):
    company.ws.state.chmod(0o755)
    company.playbook("broken", "playbook: broken\n")
    company.directory("  agency: {title: Agency}", "  agency: {title: Agency}\n  press-officer: {}")
    under_approval(company)
    company.clock.move(minutes=5)
    bad = [finding for finding in doctor.examine(company.ws) if not finding.ok]
    assert {finding.what for finding in bad} >= {"privacy", "playbooks", "roles", "conductor"}
    assert all(finding.hint for finding in bad)


def test_a_state_folder_that_others_can_look_into_is_found(company: Company):
    company.ws.state.chmod(0o750)
    found = findings(company)["privacy"]
    assert (found.ok, found.hint) == (False, "chmod 700 .smr")
    assert "mode 0750" in found.message


def test_a_directory_that_was_changed_and_not_taken_over_is_found(company: Company):
    path = company.root / "directory.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("Ana Ruiz", "Ana Maria Ruiz"), encoding="utf-8")
    assert findings(company)["directory"].hint == "smr directory import"
    path.write_text(text.replace("roles: [hr]", "roles: [hrr]"), encoding="utf-8")
    found = findings(company)["directory"]
    assert (found.ok, found.hint) == (False, "smr directory check")


def test_a_role_that_nobody_holds_is_found(company: Company):
    company.directory(
        "  agency: {title: Agency}", "  agency: {title: Agency}\n  press-officer: {title: Press}"
    )
    assert findings(company)["roles"].message == "nobody holds press-officer"


def test_a_playbook_with_errors_is_found(company: Company):
    company.playbook("broken", "playbook: broken\n")
    found = findings(company)["playbooks"]
    assert not found.ok
    assert "broken" in found.message


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Workspace]:
    """A new workspace of one person, without the sample company."""
    setup.init(tmp_path / "plain", sample=False)
    ws = open_workspace(tmp_path / "plain", {})
    yield ws
    ws.storage.close()


def test_shipped_playbooks_that_nobody_uses_are_no_fault_and_it_is_said_once_what_they_need(plain):
    found = doctor.examine(plain)
    assert [finding for finding in found if not finding.ok] == []
    said = [f.message for f in found if f.what == "playbooks" and "not in use" in f.message]
    assert len(said) == 1
    for part in ("crisis-response, holding-statement", "the roles agency, comms-director"):
        assert part in said[0]
    assert "the groups all-communicators, all-staff" in said[0]


def test_a_conductor_warns_only_of_playbooks_that_are_in_use(plain, caplog):
    text = "playbook: own\nversion: 1.0.0\ntitle: Own\nowner: nobody\nsteps: []\n"
    (plain.root / "playbooks/own.yaml").write_text(text, encoding="utf-8")
    assert triggers.sync(plain) == ["own"]
    assert caplog.messages == ["own cannot be started: smr validate own says why"]


def test_a_shipped_playbook_that_is_used_must_be_startable(plain):
    own = (
        "playbook: own\nversion: 1.0.0\ntitle: Own\nowner: smr-lead\n"
        "steps: [{id: state, kind: playbook, playbook: holding-statement, wait_until_done: false,"
        " inputs: {title: Fire, type: other}}]\n"
    )
    (plain.root / "playbooks/own.yaml").write_text(own, encoding="utf-8")
    listed = replace(plain, options=replace(plain.options, prefect_start=("policy-review",)))
    wrong = {finding.hint for finding in doctor.examine(listed) if not finding.ok}
    assert wrong == {"smr validate holding-statement", "smr validate policy-review"}


def test_work_that_nobody_does_is_found(company: Company):
    under_approval(company)
    assert findings(company)["conductor"].ok, "a conductor has a minute"
    company.clock.move(minutes=5)
    found = findings(company)["conductor"]
    assert "for 5 min: no conductor is running" in found.message
    assert "smr work" in found.hint
    listener = WakeListener(company.ws.state)
    assert "the conductor that runs does not do it" in findings(company)["conductor"].message
    listener.close()
    company.work()
    assert findings(company)["conductor"].ok


def test_a_held_case_is_found(company: Company):
    case = under_approval(company)
    for person in ("carl", "nora"):
        company.vote(company.item(case, "approve"), person, "recuse", "I know them.")
    assert case in findings(company)["held cases"].message


def test_a_publication_whose_outcome_is_unknown_is_found(company: Company):
    class Lost:
        """A connector whose answer never comes."""

        def __init__(self, connector):
            self.recovery = connector.recovery

        def publish(self, publication, timeout_s):
            raise EffectAmbiguousError("the connection was lost after sending")

    case = under_approval(company)
    item = company.item(case, "approve")
    company.vote(item, "carl")
    company.vote(item, "lea")
    known = company.ws.connector_for

    def lost(account: Account) -> Lost:
        return Lost(known(account))

    company.change(connector_for=lost)
    company.work()
    found = findings(company)["publications"]
    assert f"publish statement -> newsroom ({case})" in found.message
    repair = company.item(case, "publish")
    assert repair
    items.repair(company.ws, Actor("ana"), repair, "sent", "I looked.", url="newsroom/fire.md")
    assert findings(company)["publications"].ok


def test_a_notification_that_failed_is_found_for_a_week(company: Company):
    class Refusing:
        """A mail server that wants nothing."""

        def send(self, message: Message, timeout_s: float) -> str:
            raise EffectRefusedError("550 no such mailbox")

    company.change(notifier=Refusing())
    case = under_approval(company)
    company.work()
    found = findings(company)["notifications"]
    assert not found.ok
    assert case in found.message
    company.clock.move(days=8)
    assert findings(company)["notifications"].ok


def test_effects_performed_without_a_flow_run_are_found(company: Company):
    case = under_approval(company)
    company.work(run="")
    found = findings(company)["flow runs"]
    assert not found.ok
    assert case in found.message


def test_effects_performed_by_flow_runs_are_well(company: Company):
    under_approval(company)
    company.work(run="7f1c")
    assert findings(company)["flow runs"].ok


def test_messages_that_became_files_are_told_without_alarm(company: Company):
    under_approval(company)
    company.work()
    found = findings(company)["mail"]
    assert found.ok
    assert "lie in outbox/ as files" in found.message
    assert "mail.host" in found.hint


def test_probes_of_the_door_are_asked_too(company: Company):
    def prefect() -> Finding:
        return Finding("prefect", False, "does not answer", "smr up")

    assert findings(company, prefect)["prefect"].hint == "smr up"


def test_a_database_that_fails_is_a_finding_like_others(
    company: Company, monkeypatch: pytest.MonkeyPatch
):
    def gone() -> None:
        raise SmrError("database-gone", "the database does not answer", hint="start it")

    monkeypatch.setattr(company.ws.storage, "reading", gone)
    found = findings(company)
    assert (found["database"].ok, found["database"].hint) == (False, "start it")
    assert "playbooks" not in found
