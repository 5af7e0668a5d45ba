"""The shipped schemas: valid themselves, and telling an editor everything it could show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from smr_engine.adapters.shipped import load_schema, shipped_path
from smr_engine.errors import NotFound
from smr_engine.playbook.formats import FORMATS
from smr_engine.playbook.parse import parse_data
from smr_engine.playbook.schema_messages import WORDS

SCHEMAS = ("playbook", "directory", "settings", "scenario")
SILENT = {"if", "then", "else", "allOf", "not", "$ref", "properties", "items", "propertyNames"}
REMARKS = {
    *("$schema", "$id", "$defs", "title", "description", "examples", "default"),
    *("patternErrorMessage", "errorMessage", "enumDescriptions"),
}


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every subschema."""
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword in ("properties", "$defs"):
        for part in schema.get(keyword, {}).values():
            yield from parts(part)
    for keyword in ("allOf", "anyOf", "oneOf"):
        for part in schema.get(keyword, ()):
            yield from parts(part)
    for keyword in ("items", "propertyNames", "additionalProperties", "if", "then", "else", "not"):
        yield from parts(schema.get(keyword))


def properties(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every key that a person may write; not the conditions on keys said elsewhere."""
    for part in parts(schema):
        if part.get("additionalProperties") is False:
            for name, meaning in part.get("properties", {}).items():
                if isinstance(meaning, dict):
                    yield name, meaning


def resolved(meaning: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = meaning.get("$ref")
    named = schema["$defs"][reference.rpartition("/")[2]] if reference else {}
    return {**named, **meaning}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_shipped_schema_is_a_valid_json_schema_2020_12(name):
    schema = load_schema(name)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_has_a_title_and_a_description(name):
    schema = load_schema(name)

    keys = list(properties(schema))
    bare = [
        key for key, said in keys if not {"title", "description"} <= resolved(said, schema).keys()
    ]

    assert len(keys) > 20
    assert bare == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_of_text_shows_how_it_is_written(name):
    """Free text needs no example; what has a form of its own does."""
    schema = load_schema(name)
    formed = ("pattern", "format")

    for key, said in properties(schema):
        whole = resolved(said, schema)
        if any(word in whole for word in formed):
            assert whole.get("examples") or whole.get("default") or whole.get("enum"), key


@pytest.mark.parametrize("name", ["playbook", "directory"])
def test_every_key_of_ours_shows_an_example_a_default_or_its_choices(name):
    """The keywords of JSON Schema itself, which authors may use in forms, need no example."""
    schema = load_schema(name)
    foreign = schema["$defs"].get("json_schema", {}).get("properties", {}).values()
    keys = [(key, said) for key, said in properties(schema) if said not in list(foreign)]
    shown = ("examples", "default", "enum")

    bare = [
        key
        for key, said in keys
        if not any(word in resolved(said, schema) for word in shown)
        and resolved(said, schema).get("type") != "boolean"
    ]

    assert bare == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_examples_and_defaults_are_valid_themselves(name):
    schema = load_schema(name)
    for key, meaning in properties(schema):
        shown = [
            *meaning.get("examples", ()),
            *([meaning["default"]] if "default" in meaning else ()),
        ]
        for value in shown:
            wrapped = {**meaning, "$defs": schema["$defs"]}
            faults = [error.message for error in Draft202012Validator(wrapped).iter_errors(value)]
            assert (key, value, faults) == (key, value, [])


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_keyword_of_a_schema_has_words_for_its_faults(name):
    keywords = {keyword for part in parts(load_schema(name)) for keyword in part}

    assert (
        keywords - SILENT - REMARKS - {"required", "additionalProperties"} - WORDS.keys() == set()
    )


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_format_of_a_schema_is_asserted(name):
    named = {part["format"] for part in parts(load_schema(name)) if "format" in part}
    offered = {name for name in named if isinstance(name, str)}

    assert offered <= FORMATS.keys()


def test_the_formats_that_authors_may_use_are_asserted():
    offered = load_schema("playbook")["$defs"]["json_schema"]["properties"]["format"]["enum"]

    assert set(offered) <= FORMATS.keys()


@pytest.mark.parametrize("name", SCHEMAS)
def test_references_stay_inside_the_schema(name):
    references = {part["$ref"] for part in parts(load_schema(name)) if "$ref" in part}

    assert references
    assert all(reference.startswith("#/$defs/") for reference in references)


def test_what_is_shipped_is_found():
    assert (shipped_path("schemas") / "playbook.schema.json").is_file()
    assert shipped_path("playbooks").is_dir()


def test_a_schema_that_is_not_shipped_is_said_to_be_missing():
    with pytest.raises(NotFound, match="there is no schema `novel`"):
        load_schema("novel")
    with pytest.raises(NotFound, match="has no shipped novels"):
        shipped_path("novels")


DIRECTORY = """
people:
  - id: ana
    name: Ana Ruiz
    email: ana@example.test
    roles: [smr-lead]
    timezone: Europe/Madrid
    notify: ["mailtos://${MAIL_USER}:${MAIL_PASSWORD}@mail.example.test"]
    quiet: "20:00-07:00"
    away: [{from: 2026-12-24, until: 2027-01-02}]
    access: operator
roles:
  smr-lead: {title: Social media relations lead, deputies: [ben]}
groups:
  all-communicators: {title: All communicators, members: [ana, {role: comms-writer}]}
accounts:
  newsroom:
    title: Newsroom
    platform: website
    connector: folder
    settings: {path: newsroom}
    owner: smr-lead
    backup: company-blog
contacts:
  - {id: regulator-desk, name: Duty desk, email: desk@regulator.test, organisation: Regulator}
vendors:
  - id: monitoring-vendor
    title: Listening Post
    contact: desk@listening.test
    services: [monitoring]
policies:
  - id: blogging-policy
    title: Blogging
    version: "3"
    owner: smr-lead
    effective: 2026-01-15
    next_review: 2027-01-04
    document: policies/blogging.md
calendars:
  default:
    timezone: Europe/Berlin
    hours: {mon-fri: "09:00-17:30", sat: ["09:00-12:00", "13:00-14:00"]}
    holidays: {country: DE, subdivision: BE}
    closed: [2026-12-24]
"""
SETTINGS = """
database_url: postgresql+psycopg://smr:${SMR_DB_PASSWORD}@db.example.test/smr
prefect_api_url: https://prefect.example.test/api
prefect_start: [policy-review]
dispatcher: work-pool
prefect_work_pool: communications
prefect_hand_over_seconds: 60
prefect_grace_seconds: 30
assurance: session
as: ana
timezone: Europe/Berlin
mail:
  host: mail.example.test
  port: 587
  starttls: true
  user: smr
  password: ${SMR_MAIL_PASSWORD}
  from: smr@example.test
notify: {schemes: [mailtos, slack], allow_inside: [chat.example.test]}
connectors: {allow_inside: [10.1.0.0/16]}
web: {host: 127.0.0.1, port: 8220, trusted_proxies: [10.1.0.1], session_idle_minutes: 120, session_hours: 12}
secret_key: ${SMR_SECRET_KEY}
log_level: info
public_url: https://smr.example.test
"""


@pytest.mark.parametrize(("name", "text"), [("directory", DIRECTORY), ("settings", SETTINGS)])
def test_a_file_that_says_every_key_is_right(name, text):
    data, problems = parse_data(text.encode(), "f.yaml", load_schema(name))

    assert problems == []
    assert set(data) == set(load_schema(name)["properties"])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("  - {id: Ana, name: Ana, email: ana@example.test}", "bad-format"),
        ("  - {id: ana, name: Ana}", "choose-one"),
        ("  - {id: ana, name: Ana, email: ana@example.test, quiet: 20:00}", "bad-format"),
        ("  - {id: ana, name: Ana, email: ana@example.test, access: root}", "not-a-choice"),
        ("  - {id: ana, name: Ana, email: a@b.test, away: [{from: 2026-12-24}]}", "missing-key"),
        ("  - {id: ana, name: Ana, email: a@b.test, roles: smr-lead}", "wrong-type"),
        ("  - {id: ana, name: Ana, email: a@b.test, roles: [legal, legal]}", "duplicate"),
    ],
)
def test_a_directory_that_is_wrong_is_refused(line, code):
    _, problems = parse_data(f"people:\n{line}\n".encode(), "f.yaml", load_schema("directory"))

    assert [problem.code for problem in problems] == [code]


@pytest.mark.parametrize(
    "hours", ["17:30-09:00", "9:00-17:30", "09:00", "09:00-24:30", "09:00-09:00"]
)
def test_open_hours_are_a_span_within_one_day(hours):
    text = DIRECTORY.replace("09:00-17:30", hours)

    _, problems = parse_data(text.encode(), "f.yaml", load_schema("directory"))

    assert [problem.code for problem in problems] == ["bad-format"]
