"""The directory as a file: how it becomes a world, and what its digest depends on."""

from __future__ import annotations

import copy
from datetime import date, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.adapters.clock import SystemClock
from smr_engine.adapters.connectors import connector_for
from smr_engine.adapters.connectors.context import ConnectorContext
from smr_engine.adapters.holiday_dates import HolidayDates, KeptHolidayDates
from smr_engine.adapters.shipped import load_schema
from smr_engine.engine.world import Holder, Outsider, World
from smr_engine.errors import Invalid
from smr_engine.playbook.schema_check import schema_problems
from smr_engine.playbook.yaml_source import Located, load
from smr_engine.services.calendar_text import read_calendar, read_hours, read_span, read_weekdays
from smr_engine.services.directory_check import Surroundings, check_directory
from smr_engine.services.directory_text import (
    canonical_directory,
    directory_digest,
    read_directory,
)
from smr_engine.services.ports import Recovery
from smr_engine.settings import SCHEMES

HOLIDAYS = HolidayDates()
YEARS = range(2025, 2032)
SAMPLE = Path(__file__).parents[2] / "smr_engine" / "_sample"
ROLES = (
    *("smr-lead", "comms-director", "comms-writer", "community-manager", "legal", "compliance"),
    *("privacy", "hr", "it-security", "product-owner", "customer-care", "exec-sponsor"),
    *("spokesperson", "scribe", "agency"),
)


@pytest.fixture(scope="module")
def sample() -> Located:
    located, problems = load((SAMPLE / "directory.yaml").read_bytes(), "directory.yaml")
    assert problems == []
    assert located is not None
    return located


def world_of(data: dict) -> World:
    return read_directory(data, HOLIDAYS, YEARS, assurance="session", version=7)


def test_the_sample_company_is_valid_in_every_respect(sample: Located) -> None:
    assert schema_problems(sample, load_schema("directory"), "directory.yaml") == []
    around = Surroundings(HOLIDAYS, SCHEMES)
    assert check_directory(sample.data, around) == []


def test_the_sample_company_has_two_people_for_every_role(sample: Located) -> None:
    world = world_of(sample.data)
    assert set(world.roles) == set(ROLES)
    assert {role: len(world.holders(role)) for role in ROLES} == dict.fromkeys(ROLES, 2)
    assert set(world.groups) == {
        *("all-staff", "all-communicators", "executives", "frontline-care")
    }
    assert {account.id: account.connector for account in world.accounts.values()} == {
        "newsroom": "folder",
        "company-blog": "http",
        "outreach-mailbox": "email",
        "wikipedia-talk": "manual",
    }
    assert world.roles["smr-lead"].deputies == ("ben",)
    assert set(world.members("all-staff")) == set(world.people) - set(world.holders("agency"))


def test_the_sample_company_can_be_reached_and_tested_at_any_hour_of_any_day(
    sample: Located,
) -> None:
    """Quiet hours or a coming absence would let a demo at night wait for the morning."""
    people = world_of(sample.data).people.values()
    assert all(person.quiet is None for person in people)
    assert all(last < date(2026, 11, 1) for person in people for _, last in person.away)


def test_the_sample_accounts_have_settings_that_their_connectors_accept(
    sample: Located, tmp_path: Path
) -> None:
    context = ConnectorContext(tmp_path, SystemClock())
    for account in world_of(sample.data).accounts.values():
        if account.connector != "manual":
            assert connector_for(account, context).recovery in Recovery


def test_the_sample_company_writes_to_nobody_who_exists(sample: Located) -> None:
    world = world_of(sample.data)
    told = [*world.people.values(), *world.contacts.values(), *world.vendors.values()]
    assert all(entry.email.endswith(("@example.test", ".example.test")) for entry in told)


def test_the_sample_policies_are_there_and_say_what_the_register_says(sample: Located) -> None:
    for policy in world_of(sample.data).policies.values():
        text = (SAMPLE / policy.document).read_text()
        assert text.startswith(f"# {policy.title}\n")
        effective = f"{policy.effective:%-d %B %Y}"
        assert f"Version {policy.version}, in force from {effective}." in text
        assert f"Next review: {policy.next_review:%-d %B %Y}." in text


def test_a_directory_becomes_a_world() -> None:
    world = world_of(
        {
            "people": [
                {"id": "ana", "name": "Ana Ruiz", "roles": ["smr-lead"], "quiet": "20:00-07:00"},
                {
                    "id": "ben",
                    "name": "Ben Okafor",
                    "email": "ben@example.test",
                    "timezone": "Europe/London",
                    "notify": ["slack://${BEN_SLACK}"],
                    "away": [{"from": "2026-12-24", "until": date(2027, 1, 2)}],
                    "access": "viewer",
                },
            ],
            "roles": {"smr-lead": {"title": "SMR lead", "deputies": ["ben"]}},
            "groups": {"all": {"title": "All", "members": ["ben", {"role": "smr-lead"}]}},
            "accounts": {"blog": {"connector": "http", "settings": {"url": "u"}, "owner": "x"}},
            "contacts": [{"id": "desk", "name": "Desk", "email": "desk@example.test"}],
            "vendors": [
                {"id": "listen", "title": "Listenpost", "contact": "desk@example.test"},
            ],
            "policies": [{"id": "blogging", "title": "Blogging", "effective": "2026-01-15"}],
            "calendars": {
                "default": {
                    "timezone": "Europe/Berlin",
                    "hours": {"mon-thu": ["09:00-12:00", "13:00-17:00"], "fri": "09:00-24:00"},
                    "holidays": {"country": "DE", "subdivision": "BE"},
                    "closed": ["2026-12-24"],
                }
            },
        }
    )
    ana, ben = world.people["ana"], world.people["ben"]
    assert (ana.timezone, ana.quiet) == ("Europe/Berlin", (time(20), time(7)))
    assert (ben.timezone, ben.access) == ("Europe/London", "viewer")
    assert ben.away == ((date(2026, 12, 24), date(2027, 1, 2)),)
    assert ben.notify == ("slack://${BEN_SLACK}",)
    assert world.acting("smr-lead", date(2026, 11, 23)) == (Holder("ana"),)
    assert world.members("all") == ("ana", "ben")
    assert world.accounts["blog"].settings == {"url": "u"}
    assert world.vendors["listen"] == Outsider(
        "listen", "Listenpost", "desk@example.test", "Listenpost"
    )
    assert world.contacts["desk"].email == "desk@example.test"
    assert world.policies["blogging"].effective == date(2026, 1, 15)
    calendar = world.calendars["default"]
    assert calendar.hours[0] == ((time(9), time(12)), (time(13), time(17)))
    assert calendar.hours[4] == ((time(9), time.max),)
    assert calendar.closed >= {date(2026, 12, 24), date(2026, 12, 25), date(2031, 3, 8)}
    assert (world.version, world.assurance) == (7, "session")


def test_the_least_directory_is_an_empty_one() -> None:
    assert world_of({}) == World(version=7, assurance="session")


def test_a_calendar_may_do_without_holidays() -> None:
    calendars = {"night": {"timezone": "Asia/Kolkata", "hours": {"sat-sun": "00:00-24:00"}}}
    calendar = world_of({"calendars": calendars}).calendars["night"]
    assert (calendar.timezone, calendar.closed) == ("Asia/Kolkata", frozenset())
    assert calendar.hours == dict.fromkeys((5, 6), ((time(0), time.max),))


def test_days_without_a_year_come_every_year_and_those_with_one_go_before_them() -> None:
    entry = {
        "timezone": "America/Chicago",
        "hours": {"mon-sun": ["09:00-12:00", "13:00-17:00"]},
        "closed": ["02-29", "2027-11-26"],
        "half_days": {"2027-12-24": ["09:00-10:00", "11:00-12:00"], "12-24": "09:00-12:00"},
    }
    calendar = read_calendar("chicago", entry, HOLIDAYS, YEARS)
    assert calendar.closed == {date(2028, 2, 29), date(2027, 11, 26)}
    assert sorted(calendar.half_days) == [date(year, 12, 24) for year in YEARS]
    assert calendar.hours_on(date(2026, 12, 24)) == ((time(9), time(12)),)
    assert calendar.hours_on(date(2027, 12, 24)) == ((time(9), time(10)), (time(11), time(12)))


def test_a_half_day_opens_no_holiday_no_closed_day_and_no_day_without_hours() -> None:
    entry = {
        "timezone": "Europe/Berlin",
        "hours": {"mon-fri": "09:00-17:00"},
        "holidays": {"country": "DE", "subdivision": "BE"},
        "closed": ["12-31"],
        "half_days": dict.fromkeys(("12-25", "12-31", "12-26", "12-30"), "09:00-12:00"),
    }
    calendar = read_calendar("berlin", entry, HOLIDAYS, YEARS)
    days = (date(2026, 12, day) for day in (25, 26, 30, 31))
    assert [bool(calendar.hours_on(day)) for day in days] == [False, False, True, False]
    assert calendar.holidays[date(2026, 12, 25)] == "Christmas Day"


def test_people_work_by_their_own_calendar_or_by_that_of_their_roles_and_in_its_zone() -> None:
    hours = {"hours": {"mon-fri": "09:00-17:00"}}
    zones = {"default": "Europe/Berlin", "chicago": "America/Chicago", "care": "Asia/Tokyo"}
    people = [
        {"id": "plain", "name": "P", "roles": ["legal"]},
        {"id": "own", "name": "O", "calendar": "chicago", "roles": ["care"]},
        {"id": "by_role", "name": "R", "roles": ["legal", "care"]},
        {"id": "torn", "name": "T", "roles": ["care", "night"]},
        {"id": "moved", "name": "M", "roles": ["care"], "timezone": "Europe/Paris"},
    ]
    roles = {"legal": {}, "care": {"calendar": "care"}, "night": {"calendar": "chicago"}}
    calendars = {name: {"timezone": zone, **hours} for name, zone in zones.items()}
    world = world_of({"people": people, "roles": roles, "calendars": calendars})
    assert {p.id: (p.calendar, p.timezone) for p in world.people.values()} == {
        "plain": ("", "Europe/Berlin"),
        "own": ("chicago", "America/Chicago"),
        "by_role": ("care", "Asia/Tokyo"),
        "torn": ("", "Europe/Berlin"),
        "moved": ("care", "Europe/Paris"),
    }


def test_the_sample_company_works_on_two_continents(sample: Located) -> None:
    world = world_of(sample.data)
    assert {p.timezone for p in world.people.values()} >= {"Europe/Berlin", "America/Chicago"}
    assert world.calendars["chicago"].hours_on(date(2026, 12, 24)) == ((time(8, 30), time(12)),)
    assert world.shared_calendar(world.holders("customer-care")) == "customer-care"
    assert world.shared_calendar(world.holders("legal")) == ""


def test_a_role_whose_holder_is_away_is_acted_in_by_the_deputy(sample: Located) -> None:
    data = copy.deepcopy(sample.data)
    for person in data["people"]:
        if "smr-lead" in person["roles"]:
            person["away"] = [{"from": "2026-11-23", "until": "2026-11-23"}]
    assert world_of(data).acting("smr-lead", date(2026, 11, 23)) == (Holder("ben", "ana"),)


def test_holidays_have_english_names_whatever_the_machine_speaks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LANGUAGE", "de")
    kept = KeptHolidayDates(tmp_path / "holidays.json")
    for source in (HOLIDAYS, kept, kept):
        named = source.named("DE", "BE", range(2026, 2027))
        assert named[date(2026, 5, 1)] == "Labor Day"


def test_holidays_differ_by_subdivision_and_unknown_places_are_refused() -> None:
    womens_day = date(2027, 3, 8)
    assert womens_day in HOLIDAYS.named("DE", "BE", range(2027, 2028))
    assert womens_day not in HOLIDAYS.named("DE", "BY", range(2027, 2028))
    assert date(2027, 12, 25) in HOLIDAYS.named("GB", "", range(2027, 2028))
    for country, subdivision in (("XX", ""), ("DE", "ZZ")):
        with pytest.raises(Invalid, match="No public holidays are known"):
            HOLIDAYS.named(country, subdivision, YEARS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), json_values, min_size=1), st.randoms())
def test_the_digest_does_not_depend_on_the_order_of_keys(data: dict, random: object) -> None:
    keys = list(data)
    random.shuffle(keys)
    assert directory_digest({key: data[key] for key in keys}) == directory_digest(data)


def test_the_digest_depends_on_every_value_and_not_on_how_a_date_is_given() -> None:
    one = {"people": [{"id": "ana", "away": [{"from": date(2026, 12, 24)}]}]}
    same = {"people": [{"id": "ana", "away": [{"from": "2026-12-24"}]}]}
    other = {"people": [{"id": "ana", "away": [{"from": "2026-12-25"}]}]}
    assert directory_digest(one) == directory_digest(same) != directory_digest(other)
    assert canonical_directory(same) == '{"people":[{"away":[{"from":"2026-12-24"}],"id":"ana"}]}'


def test_the_digest_of_what_is_no_data_is_refused() -> None:
    with pytest.raises(TypeError, match="plain data"):
        directory_digest({"people": {1, 2}})


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon", (0,)),
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("Sat - Sun", (5, 6)),
        ("fri-mon", (4, 5, 6, 0)),
    ],
)
def test_weekdays_are_read_as_ranges(text: str, days: tuple[int, ...]) -> None:
    assert read_weekdays(text) == days


@pytest.mark.parametrize("text", ["", "monday", "mon-", "mon-xyz", "mon,tue", "0-4"])
def test_what_names_no_weekdays_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no weekdays"):
        read_weekdays(text)


@pytest.mark.parametrize(
    "text", ["", "9-17", "09:00", "09:00-25:00", "09:00-17:30-18:00", "24:00-09:00", "a-b"]
)
def test_what_is_no_span_of_the_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 09:00-17:30"):
        read_span(text)


@pytest.mark.parametrize(
    ("hours", "fault"),
    [
        ({"mon": "17:00-09:00"}, "end before they begin"),
        ({"mon": "22:00-06:00"}, "split a night at midnight"),
        ({"mon": "09:00-09:00"}, "end before they begin"),
        ({"mon": ["09:00-13:00", "12:00-17:00"]}, "overlap at 12:00"),
        ({"mon-fri": "09:00-17:00", "wed": "09:00-12:00"}, "`wed` has its hours twice"),
    ],
)
def test_hours_that_make_no_sense_are_refused(hours: dict, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_hours(hours)
