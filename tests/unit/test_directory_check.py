"""What is wrong with a directory whose form is right: every fault, its place, its way out."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from smr_engine.adapters.holiday_dates import HolidayDates
from smr_engine.services.directory_check import Fault, Surroundings, check_directory

AROUND = Surroundings(HolidayDates(), ("mailtos", "slack"))
WHOLE: dict[str, Any] = {
    "people": [
        {
            "id": "ana",
            "name": "Ana Ruiz",
            "roles": ["smr-lead"],
            "timezone": "Europe/Madrid",
            "notify": ["mailtos://${ANA_MAIL}"],
            "quiet": "20:00-07:00",
            "away": [{"from": "2026-12-24", "until": "2027-01-02"}],
        },
        {"id": "ben", "name": "Ben Okafor"},
    ],
    "roles": {"smr-lead": {"title": "SMR lead", "deputies": ["ben"]}},
    "groups": {"all": {"title": "All", "members": ["ana", {"role": "smr-lead"}]}},
    "accounts": {
        "newsroom": {"connector": "folder", "owner": "smr-lead", "backup": "blog"},
        "blog": {"connector": "http"},
    },
    "contacts": [{"id": "desk", "name": "Desk", "email": "desk@example.test"}],
    "vendors": [{"id": "listen", "title": "Listenpost", "contact": "duty@example.test"}],
    "policies": [
        {
            "id": "blogging",
            "title": "Blogging",
            "owner": "smr-lead",
            "effective": "2026-01-15",
            "next_review": "2027-01-04",
            "document": "policies/blogging.md",
        }
    ],
    "calendars": {
        "default": {
            "timezone": "Europe/Berlin",
            "hours": {"mon-fri": "09:00-17:30"},
            "holidays": {"country": "DE", "subdivision": "BE"},
            "closed": ["2026-12-24"],
            "half_days": {"12-31": "09:00-12:00"},
        }
    },
}


def faults_with(value: Any, *path: str | int) -> list[Fault]:
    """Return the faults of the whole directory after one value was replaced."""
    data = copy.deepcopy(WHOLE)
    target: Any = data
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = value
    return check_directory(data, AROUND)


def test_a_whole_directory_and_an_empty_one_have_no_fault() -> None:
    assert check_directory(WHOLE, AROUND) == []
    assert check_directory({}, AROUND) == []


@pytest.mark.parametrize(
    ("value", "path", "code", "hint"),
    [
        (["smr-led"], "people/0/roles/0", "unknown-role", "did you mean `smr-lead`?"),
        ("Europe/Madird", "people/0/timezone", "bad-timezone", "did you mean `Europe/Madrid`?"),
        (["slac://x"], "people/0/notify/0", "scheme-not-allowed", "did you mean `slack`?"),
        (["json://x"], "people/0/notify/0", "scheme-not-allowed", "notify.schemes"),
        (["ana@example.test"], "people/0/notify/0", "bad-address", "mailtos://"),
        (["bn"], "roles/smr-lead/deputies/0", "unknown-person", "did you mean `ben`?"),
        (["ann"], "groups/all/members/0", "unknown-person", "did you mean `ana`?"),
        ([{"role": "chief"}], "groups/all/members/0/role", "unknown-role", "known: smr-lead"),
        ("smr_lead", "accounts/newsroom/owner", "unknown-role", "did you mean `smr-lead`?"),
        ("blogg", "accounts/newsroom/backup", "unknown-account", "did you mean `blog`?"),
        ("newsroom", "accounts/newsroom/backup", "bad-backup", "another account"),
        ("nobody", "policies/0/owner", "unknown-role", "known: smr-lead"),
        ("2025-01-01", "policies/0/next_review", "bad-date", "after 2026-01-15"),
        ("../secret.md", "policies/0/document", "outside-workspace", "policies/name.md"),
        ("/etc/passwd", "policies/0/document", "outside-workspace", "policies/name.md"),
        ("Berlin", "calendars/default/timezone", "bad-timezone", ""),
        ({"mon": "17:00-09:00"}, "calendars/default/hours/mon", "bad-hours", ""),
        ({"mun": "09:00-17:00"}, "calendars/default/hours/mun", "bad-hours", ""),
        ({"mon-tue": "09:00-17:00", "tue": []}, "calendars/default/hours", "bad-hours", ""),
        ({"mon": []}, "calendars/default/hours", "calendar-never-open", "mon-fri"),
        ({}, "calendars/default/hours", "calendar-never-open", "mon-fri"),
        ("XX", "calendars/default/holidays/country", "unknown-holidays", "ISO 3166"),
        ("ZZ", "calendars/default/holidays/subdivision", "unknown-holidays", "BB, BE, BW"),
        ("defalt", "people/0/calendar", "unknown-calendar", "did you mean `default`?"),
        ("berlin", "roles/smr-lead/calendar", "unknown-calendar", "known: default"),
        (["02-30"], "calendars/default/closed/0", "bad-day", ""),
    ],
)
def test_each_fault_is_told_once_with_its_place_and_a_way_out(
    value: Any, path: str, code: str, hint: str
) -> None:
    place = tuple(int(part) if part.isdigit() else part for part in path.split("/"))
    whole_value_at = place[:-1] if isinstance(value, list) and place[-1] == 0 else place
    if isinstance(value, list) and place[-1] == "role":
        whole_value_at = place[:-2]
    if isinstance(value, dict):
        whole_value_at = place[: place.index("hours") + 1]
    (fault,) = faults_with(value, *whole_value_at)
    assert (fault.path, fault.code) == (place, code)
    assert hint in fault.hint
    assert fault.message


@pytest.mark.parametrize("section", ["people", "contacts", "vendors", "policies"])
def test_an_id_that_stands_twice_is_told_where_it_comes_again(section: str) -> None:
    twice = [*WHOLE[section], WHOLE[section][0]]
    (fault,) = faults_with(twice, section)
    assert (fault.path, fault.code) == ((section, len(twice) - 1, "id"), "duplicate-id")


@pytest.mark.parametrize(
    ("day", "hours", "code", "why"),
    [
        ("02-30", "09:00-12:00", "bad-half-day", "`02-30` is no day"),
        ("12-30", "12:00-09:00", "bad-half-day", "end before they begin"),
        ("12-30", ["09:00-12:00", "11:00-13:00"], "bad-half-day", "overlap at 11:00"),
        ("2026-12-24", "09:00-12:00", "half-day-closed", "stands under `closed`"),
        ("2026-12-25", "09:00-12:00", "half-day-closed", "public holiday (Christmas Day)"),
        ("2026-12-27", "09:00-12:00", "half-day-closed", "no hours on `sun`"),
    ],
)
def test_a_half_day_that_cannot_be_or_has_no_effect_is_a_fault(
    day: str, hours: Any, code: str, why: str
) -> None:
    (fault,) = faults_with({day: hours}, "calendars", "default", "half_days")
    assert (fault.path, fault.code) == (("calendars", "default", "half_days", day), code)
    assert why in fault.message
    assert fault.hint


def test_a_half_day_of_every_year_may_fall_on_a_closed_day_of_one_year() -> None:
    half = {"12-24": "09:00-12:00", "12-26": "09:00-12:00"}
    assert faults_with(half, "calendars", "default", "half_days") == []
    data = copy.deepcopy(WHOLE)
    data["calendars"]["default"]["closed"] = ["12-31"]
    assert [fault.code for fault in check_directory(data, AROUND)] == ["half-day-closed"]


def test_an_absence_ends_after_it_begins() -> None:
    (fault,) = faults_with([{"from": "2027-01-02", "until": "2026-12-24"}], "people", 0, "away")
    assert (fault.path, fault.code) == (("people", 0, "away", 0), "bad-away")


def test_a_country_without_known_parts_says_to_leave_them_out() -> None:
    (fault,) = faults_with(
        {"country": "LU", "subdivision": "ZZ"}, "calendars", "default", "holidays"
    )
    assert (fault.code, fault.hint) == ("unknown-holidays", "leave it out")


def test_a_secret_in_a_notification_address_is_not_repeated() -> None:
    (fault,) = faults_with(["json://user:hunter2@host"], "people", 0, "notify")
    assert "hunter2" not in " ".join(map(str, fault))
    (fault,) = faults_with(["hunter2"], "people", 0, "notify")
    assert "hunter2" not in " ".join(map(str, fault))


def test_all_faults_come_at_once() -> None:
    data = copy.deepcopy(WHOLE)
    data["people"][0]["roles"] = ["a", "b"]
    data["accounts"]["blog"]["backup"] = "telex"
    data["calendars"]["default"]["hours"] = {}
    codes = [fault.code for fault in check_directory(data, AROUND)]
    assert codes == ["unknown-role", "unknown-role", "unknown-account", "calendar-never-open"]
