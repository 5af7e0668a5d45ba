"""Our schedules as Prefect knows them: one authority, whoever comes first.

The clock of the house is set to autumn 2025, when the summer times of Europe and America ended a
week apart; Prefect, whose clock cannot be set, makes its runs of those days as a backfill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from flows import house
from flows.deployments import deploy, drift
from smr_engine.bootstrap import conductor, open_workspace
from smr_engine.services import reading, schedules, triggers
from smr_engine.services.ports import DispatchUnavailableError
from smr_engine.services.workspace import Actor
from tests.flows.office import Office, Prefect
from tests.support.houses import SetClock

pytestmark = pytest.mark.xdist_group("prefect")

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata")
BEGIN = datetime(2025, 10, 15, 12, tzinfo=UTC)
SUNDAYS = [(10, 19), (10, 26), (11, 2)]
DUES = sorted(
    datetime(2025, *day, 9, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    for day in SUNDAYS
    for zone in ZONES
)
LOOK = """
playbook: sunday-look
version: 1.0.0
title: Look at what people say
owner: smr-lead
inputs: {fields: {day: text}}
triggers:
%s
steps:
  - {id: look, kind: task, assign: {role: community-manager}}
"""
TRIGGER = """
  - {on: schedule, rrule: "FREQ=WEEKLY;BYDAY=SU", at: "09:00", timezone: %s, missed: %s,
     inputs: {day: "{{ due | date('UTC') }}"}}
"""


class Away:
    """No Prefect is needed for cases to open."""

    def run_leg(self, leg: Any) -> None:
        raise DispatchUnavailableError("it is not there")

    run_batch = run_leg


@dataclass
class Calendar:
    """A house with a clock that is set, and a Prefect that knows its schedules."""

    office: Office
    prefect: Prefect
    clock: SetClock

    def deployment(self) -> Any:
        with self.prefect.client() as client:
            return client.read_deployment_by_name("open-case/sunday-look")

    def backfill(self, until: datetime = DUES[-1]) -> None:
        """Let Prefect make its runs from now, by the clock of the house, until an instant."""
        with httpx.Client(base_url=self.prefect.api_url) as http:
            times = {"start_time": self.clock.now().isoformat(), "end_time": until.isoformat()}
            place = f"deployments/{self.deployment().id}/schedule"
            asked = {**times, "min_time": 2e6, "min_runs": 20, "max_runs": 50}
            http.post(place, json=asked).raise_for_status()

    def prefect_comes(self) -> None:
        """Execute what Prefect says has come, as the conductor's process does."""
        from flows.serving import _open_due, _Starts

        with self.prefect.client() as client:
            _open_due(self.office.ws, client, _Starts.read(client))

    def conductor_comes(self) -> None:
        conductor(self.office.ws, Away()).run(until_idle=True)

    def opened(self) -> list[datetime]:
        """Return when cases were opened, by the clock of the house."""
        rows = reading.case_list(self.office.ws)
        return sorted(row.opened_at for row in rows if row.playbook == "sunday-look")

    def runs(self) -> list[Any]:
        from prefect.client.schemas.filters import DeploymentFilter

        mine = DeploymentFilter.model_validate({"id": {"any_": [str(self.deployment().id)]}})
        with self.prefect.client() as client:
            found = client.read_flow_runs(deployment_filter=mine, limit=100)
        return sorted(
            (run for run in found if run.expected_start_time < datetime(2026, 1, 1, tzinfo=UTC)),
            key=lambda run: run.expected_start_time,
        )


@pytest.fixture
def make_calendar(make_office, prefect) -> Iterator[Callable[..., Calendar]]:
    @contextmanager
    def removed(office: Office) -> Iterator[None]:
        yield
        with prefect.client() as client:
            found = client.read_deployment_by_name("open-case/sunday-look")
            client.delete_deployment(found.id)

    made = []

    def make(missed: str = "latest", begin: datetime = BEGIN) -> Calendar:
        look = LOOK % "".join(TRIGGER % (zone, missed) for zone in ZONES)
        office = make_office(
            settings="prefect_start: [sunday-look]\nprefect_grace_seconds: 0\n",
            playbooks={"sunday-look": look},
        )
        clock = SetClock(begin)
        office.close()
        office.ws = open_workspace(office.root, {}, clock=clock)
        house.use(office.ws)
        triggers.sync(office.ws)
        assert deploy(office.ws, prefect.api_url) == ["open-case/sunday-look"]
        made.append(removed(office))
        made[-1].__enter__()
        return Calendar(office, prefect, clock)

    yield make
    for each in made:
        each.__exit__(None, None, None)


@pytest.mark.parametrize("who", ["Prefect alone", "conductor alone", "both", "both, the other way"])
def test_one_case_opens_at_each_due_instant_whoever_comes(make_calendar, who):
    calendar = make_calendar()
    calendar.backfill()
    assert [run.expected_start_time for run in calendar.runs()] == DUES
    comes = {
        "Prefect alone": [calendar.prefect_comes],
        "conductor alone": [calendar.conductor_comes],
        "both": [calendar.prefect_comes, calendar.conductor_comes],
        "both, the other way": [calendar.conductor_comes, calendar.prefect_comes],
    }[who]
    for due in DUES:
        calendar.clock.move_to(due - timedelta(seconds=1))
        for come in comes:
            come()
        calendar.clock.move_to(due)
        for come in comes * 2:
            come()
    assert calendar.opened() == DUES
    if who != "conductor alone":
        assert {run.state.name for run in calendar.runs()} == {"Completed"}


def test_what_prefect_executes_late_is_opened_or_left_as_missed_says(make_calendar):
    calendar = make_calendar("latest")
    calendar.backfill()
    calendar.clock.move_to(DUES[-1] + timedelta(hours=1))
    calendar.prefect_comes()
    assert len(calendar.opened()) == len(ZONES)  # the latest of each, and not all nine
    words = [run.state.message for run in calendar.runs()]
    assert sum(words_.startswith("nothing was opened") for words_ in words) == 6
    calendar.conductor_comes()
    assert len(calendar.opened()) == len(ZONES)


def test_an_instant_that_only_prefect_knows_opens_nothing(make_calendar):
    from prefect.client.schemas.schedules import CronSchedule

    calendar = make_calendar()
    found = calendar.deployment()
    with calendar.prefect.client() as client:  # somebody thinks that once a day is better
        client.update_deployment_schedule(
            found.id, found.schedules[0].id, schedule=CronSchedule(cron="0 4 * * *")
        )
    calendar.backfill()
    calendar.clock.move_to(datetime(2025, *SUNDAYS[0], 4, 30, tzinfo=UTC))
    calendar.prefect_comes()
    refused = [run for run in calendar.runs() if run.state.name == "Failed"]
    assert {run.state.message for run in refused} == {"not-due"}
    assert calendar.opened() == [
        calendar.clock.now() for due in DUES if due <= calendar.clock.now()
    ]


def test_what_people_change_in_prefect_is_told_and_put_right(make_calendar):
    from prefect.client.schemas.schedules import CronSchedule

    calendar = make_calendar()
    ws, url = calendar.office.ws, calendar.prefect.api_url
    assert drift(ws, url) == []
    before = calendar.deployment()
    changed, paused, removed = before.schedules
    with calendar.prefect.client() as client:
        cron = CronSchedule(cron="0 4 * * *")
        client.update_deployment_schedule(before.id, changed.id, schedule=cron)
        client.update_deployment_schedule(before.id, paused.id, active=False)
        client.delete_deployment_schedule(before.id, removed.id)
        client.create_deployment_schedules(before.id, [(cron, True)])  # their own: nobody's drift
    told = drift(ws, url)
    assert len(told) == 3
    assert sum("was changed in Prefect" in words for words in told) == 2
    assert sum("is missing in Prefect" in words for words in told) == 1
    deploy(ws, url)
    assert drift(ws, url) == []
    after = {each.slug: each.schedule for each in calendar.deployment().schedules}
    assert after.pop(None) == cron
    assert after == {each.slug: each.schedule for each in before.schedules}


def test_a_schedule_that_is_removed_here_goes_there_and_one_that_is_added_comes(make_calendar):
    calendar = make_calendar()
    ws, url = calendar.office.ws, calendar.prefect.api_url
    rule = schedules.Rule("FREQ=MONTHLY;BYMONTHDAY=1", "08:00", "UTC")
    added = schedules.add(
        ws, Actor("ana"), "sunday-look", rule, {"day": "Sonderling Numero Eins"}
    ).schedule
    gone = schedules.list_(ws)[0].schedule
    schedules.remove(ws, Actor("ana"), gone)
    assert set(drift(ws, url)) == {
        f"the schedule {added} is missing in Prefect",
        f"the schedule {gone} is in Prefect only",
    }
    deploy(ws, url)
    slugs = {each.slug for each in calendar.deployment().schedules}
    assert f"smr-{added}" in slugs
    assert f"smr-{gone}" not in slugs
    assert calendar.prefect.keeps("Sonderling Numero Eins") == []  # what it asks for is ours


def test_a_wall_time_that_is_skipped_opens_once_and_at_our_instant(make_calendar):
    """Summer time begins at 01:00 UTC; there is no 02:30 in Berlin on that day."""
    calendar = make_calendar(begin=datetime(2025, 3, 29, 12, tzinfo=UTC))
    ws, ours = calendar.office.ws, datetime(2025, 3, 30, 1, 30, tzinfo=UTC)
    rule = schedules.Rule("FREQ=DAILY", "02:30", "Europe/Berlin")
    schedules.add(ws, Actor("ana"), "sunday-look", rule, {"day": "today"})
    deploy(ws, calendar.prefect.api_url)
    calendar.backfill(ours)
    calendar.clock.move_to(ours - timedelta(hours=1))
    calendar.prefect_comes()
    assert [(r.expected_start_time, r.state.message) for r in calendar.runs()] == [
        (ours - timedelta(hours=1), "not-due")
    ]
    calendar.clock.move_to(ours)
    calendar.prefect_comes()
    calendar.conductor_comes()
    assert calendar.opened() == [ours]
