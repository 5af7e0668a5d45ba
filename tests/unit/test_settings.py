"""Settings: the file, the environment over it, and no secret in print."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smr_engine.adapters.shipped import load_schema
from smr_engine.errors import Invalid, NotFound
from smr_engine.settings import (
    ENVIRONMENT,
    SCHEMES,
    Assurance,
    Dispatch,
    LogLevel,
    MailSettings,
    Settings,
    WebSettings,
    find_workspace,
    load_settings,
    read_settings,
)

SCHEMA = load_schema("settings")
SAMPLE = Path(__file__).parents[2] / "smr_engine" / "_sample" / "smr.yaml"
WHOLE_FILE = """\
database_url: postgresql+psycopg://smr@db.example.test/smr
prefect_api_url: http://127.0.0.1:4200/api
prefect_start: [crisis-response]
dispatcher: work-pool
prefect_work_pool: communications
prefect_hand_over_seconds: 20
prefect_grace_seconds: 5
assurance: mfa
as: lea
timezone: Europe/Madrid
mail:
  host: mail.example.test
  port: 2525
  starttls: false
  user: smr
  password: ${SMTP_PASSWORD}
  from: smr@example.test
notify:
  schemes: [mailtos]
  allow_inside: [chat.example.test]
connectors:
  allow_inside: [10.1.0.0/16]
web:
  host: 0.0.0.0
  port: 8443
  trusted_proxies: [10.1.0.7]
  session_idle_minutes: 30
  session_hours: 8
secret_key: ${SMR_KEY_OF_THE_HOUSE}
public_url: https://smr.example.test
log_level: debug
"""
KEY = {"SMR_KEY_OF_THE_HOUSE": "thirty-two signs and a few more, x"}
ONE_OF_EACH = {
    "SMR_DATABASE_URL": "sqlite:///other.db",
    "SMR_PREFECT_API_URL": "http://prefect.example.test/api",
    "SMR_PREFECT_START": "policy-review, blogger-outreach",
    "SMR_DISPATCHER": "inline",
    "SMR_PREFECT_WORK_POOL": "other",
    "SMR_PREFECT_HAND_OVER_SECONDS": "90",
    "SMR_PREFECT_GRACE_SECONDS": "0",
    "SMR_ASSURANCE": "passkey",
    "SMR_AS": "ben",
    "SMR_TIMEZONE": "Asia/Kolkata",
    "SMR_MAIL_HOST": "other.example.test",
    "SMR_MAIL_PORT": "25",
    "SMR_MAIL_STARTTLS": "true",
    "SMR_MAIL_USER": "other",
    "SMR_MAIL_PASSWORD": "correct horse",
    "SMR_MAIL_FROM": "other@example.test",
    "SMR_NOTIFY_SCHEMES": "slack,ntfys",
    "SMR_NOTIFY_ALLOW_INSIDE": "10.0.0.0/8",
    "SMR_CONNECTORS_ALLOW_INSIDE": "cms.example.test",
    "SMR_WEB_HOST": "::1",
    "SMR_WEB_PORT": "9000",
    "SMR_WEB_TRUSTED_PROXIES": "10.2.0.0/16,10.3.0.1",
    "SMR_WEB_SESSION_IDLE_MINUTES": "5",
    "SMR_WEB_SESSION_HOURS": "24",
    "SMR_SECRET_KEY": "another secret of more than 32 signs",
    "SMR_PUBLIC_URL": "https://other.example.test",
    "SMR_LOG_LEVEL": "error",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "smr.yaml").write_text("as: ana\n")
    return tmp_path


def load(workspace: Path, text: str | None = None, **environ: str) -> Settings:
    if text is not None:
        (workspace / "smr.yaml").write_text(text)
    return load_settings(workspace, environ, SCHEMA)


def refusal(workspace: Path, text: str | None = None, **environ: str) -> Invalid:
    with pytest.raises(Invalid) as caught:
        load(workspace, text, **environ)
    assert caught.value.code == "bad-settings"
    return caught.value


def test_an_empty_file_means_every_default(workspace: Path) -> None:
    for text in ("", "# only words\n", "{}"):
        settings = load(workspace, text)
        assert settings == Settings(workspace, f"sqlite:///{workspace}/.smr/smr.db")
    assert settings.dispatcher is Dispatch.INLINE
    assert settings.prefect_grace_seconds == 30
    assert settings.assurance is Assurance.ASSERTED
    assert settings.state_folder == workspace / ".smr"


def test_every_key_of_the_file_arrives(workspace: Path) -> None:
    settings = load(workspace, WHOLE_FILE, **KEY)
    assert settings.database_url == "postgresql+psycopg://smr@db.example.test/smr"
    assert not settings.is_sqlite
    assert settings.prefect_api_url == "http://127.0.0.1:4200/api"
    assert settings.prefect_start == ("crisis-response",)
    assert settings.dispatcher is Dispatch.WORK_POOL
    assert settings.prefect_work_pool == "communications"
    assert settings.prefect_hand_over_seconds == 20
    assert settings.prefect_grace_seconds == 5
    assert settings.assurance is Assurance.MFA
    assert settings.acting_person == "lea"
    assert settings.timezone == "Europe/Madrid"
    assert settings.mail == MailSettings(
        "mail.example.test", 2525, False, "smr", "${SMTP_PASSWORD}", "smr@example.test"
    )
    assert settings.notify.schemes == ("mailtos",)
    assert settings.notify.allow_inside == ("chat.example.test",)
    assert settings.connectors.allow_inside == ("10.1.0.0/16",)
    assert settings.web == WebSettings("0.0.0.0", 8443, ("10.1.0.7",), 30, 8)
    assert settings.secret_key == KEY["SMR_KEY_OF_THE_HOUSE"]
    assert settings.public_url == "https://smr.example.test"
    assert settings.log_level is LogLevel.DEBUG


def test_every_variable_overrides_its_key(workspace: Path) -> None:
    assert set(ONE_OF_EACH) == {variable.name for variable in ENVIRONMENT}
    settings = load(workspace, WHOLE_FILE, **ONE_OF_EACH)
    assert settings.database_url == f"sqlite:///{workspace}/other.db"
    assert settings.is_sqlite
    assert settings.prefect_api_url == "http://prefect.example.test/api"
    assert settings.prefect_start == ("policy-review", "blogger-outreach")
    assert settings.dispatcher is Dispatch.INLINE
    assert settings.prefect_work_pool == "other"
    assert settings.prefect_hand_over_seconds == 90
    assert settings.prefect_grace_seconds == 0
    assert settings.assurance is Assurance.PASSKEY
    assert settings.acting_person == "ben"
    assert settings.timezone == "Asia/Kolkata"
    assert settings.mail == MailSettings(
        "other.example.test", 25, True, "other", "correct horse", "other@example.test"
    )
    assert settings.notify.schemes == ("slack", "ntfys")
    assert settings.notify.allow_inside == ("10.0.0.0/8",)
    assert settings.connectors.allow_inside == ("cms.example.test",)
    assert settings.web == WebSettings("::1", 9000, ("10.2.0.0/16", "10.3.0.1"), 5, 24)
    assert settings.secret_key == ONE_OF_EACH["SMR_SECRET_KEY"]
    assert settings.public_url == "https://other.example.test"
    assert settings.log_level is LogLevel.ERROR


def test_a_work_pool_needs_a_prefect_that_its_workers_can_reach(workspace: Path) -> None:
    with pytest.raises(Invalid, match="prefect_api_url") as refused:
        load(workspace, "dispatcher: work-pool\n")
    assert refused.value.code == "bad-settings"
    there = load(workspace, "", SMR_DISPATCHER="work-pool", SMR_PREFECT_API_URL="http://p.test/api")
    assert there.work_pool == "smr"
    assert load(workspace, "").work_pool == ""


def test_the_table_of_variables_names_every_key_of_the_schema_and_its_default() -> None:
    assert {variable.key for variable in ENVIRONMENT} == keys_of(SCHEMA)
    defaults = Settings(Path(), "sqlite:///.smr/smr.db")
    for variable in ENVIRONMENT:
        said = property_of(variable.key).get("default")
        if isinstance(said, bool | int):
            assert variable.default == str(said).lower()
    assert property_of("prefect_grace_seconds")["default"] == defaults.prefect_grace_seconds
    assert property_of("prefect_work_pool")["default"] == defaults.prefect_work_pool
    hand_over = property_of("prefect_hand_over_seconds")
    assert hand_over["default"] == defaults.prefect_hand_over_seconds
    assert property_of("mail.port")["default"] == defaults.mail.port
    assert property_of("mail.starttls")["default"] == defaults.mail.starttls
    for key in ("host", "port", "session_idle_minutes", "session_hours"):
        assert property_of(f"web.{key}")["default"] == getattr(defaults.web, key)
    assert property_of("dispatcher")["default"] == defaults.dispatcher
    assert property_of("assurance")["default"] == defaults.assurance
    assert property_of("log_level")["default"] == defaults.log_level
    assert tuple(property_of("notify.schemes")["default"]) == SCHEMES
    assert property_of("mail.from")["default"] == defaults.mail.sender
    assert defaults.database_url == property_of("database_url")["default"]


def test_the_sample_settings_name_every_key_and_are_valid(workspace: Path) -> None:
    text = SAMPLE.read_text()
    assert load(workspace, text).acting_person == "ana"
    for variable in ENVIRONMENT:
        key = variable.key.rpartition(".")[2]
        assert re.search(rf"^(# *)?{key}:", text, re.MULTILINE), variable.key
    every_key = re.sub(r"^# (\s*(?:[a-z_]+:(?: |$)))", r"\1", text, flags=re.MULTILINE)
    located, problems = read_settings(every_key.encode(), "smr.yaml", SCHEMA)
    assert problems == []
    assert located is not None
    assert {*located.data, *located.data["mail"]} >= {"log_level", "mail", "password", "as"}


def test_an_empty_variable_counts_as_not_set(workspace: Path) -> None:
    assert load(workspace, SMR_AS="", SMR_MAIL_PORT=" ").acting_person == "ana"


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("SMR_MAIL_PORT", "smtp", "a whole number from 1 to 65535"),
        ("SMR_MAIL_PORT", "0", "a whole number"),
        ("SMR_MAIL_PORT", "70000", "a whole number"),
        ("SMR_PREFECT_GRACE_SECONDS", "-1", "a whole number from 0"),
        ("SMR_PREFECT_GRACE_SECONDS", "٣", "a whole number"),
        ("SMR_DISPATCHER", "kubernetes", "one of inline, work-pool"),
        ("SMR_ASSURANCE", "password", "one of asserted, session, mfa, passkey"),
        ("SMR_MAIL_STARTTLS", "1", "true or false"),
        ("SMR_LOG_LEVEL", "loud", "one of debug"),
        ("SMR_TIMEZONE", "Europe/Berln", "no time zone"),
    ],
)
def test_a_wrong_variable_is_refused_by_name(
    workspace: Path, name: str, text: str, wanted: str
) -> None:
    error = refusal(workspace, **{name: text})
    assert error.where == name
    assert wanted in error.message


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("dispacher: inline\n", "smr.yaml:1:1"),
        ("as: ana\nmail: {port: many}\n", "smr.yaml:2:14"),
        ("as: ana\nas: ben\n", "smr.yaml:2:1"),
        ("- as\n", "smr.yaml:1:1"),
        ("as: [ana\n", "smr.yaml:1:1"),
        ("timezone: Europe/Berln\n", "smr.yaml:1:11"),
        ("assurance: password\n", "smr.yaml:1:12"),
        ("mail:\n  password: hunter2\n", "smr.yaml:2:13"),
        ("prefect_start: crisis-response\n", "smr.yaml:1:16"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(workspace: Path, text: str, where: str) -> None:
    error = refusal(workspace, text)
    assert error.where == where
    assert "hunter2" not in str(error)


def test_several_faults_are_counted_and_all_of_them_can_be_had(workspace: Path) -> None:
    text = "dispacher: inline\nassurance: none\n"
    assert "1 more" in refusal(workspace, text).message
    _, problems = read_settings(text.encode(), "smr.yaml", SCHEMA)
    assert [problem.line for problem in problems] == [1, 2]
    assert "dispatcher" in problems[0].hint


def test_no_secret_is_printed(workspace: Path) -> None:
    secrets = {
        "SMR_MAIL_PASSWORD": "correct horse",
        "SMR_DATABASE_URL": "postgresql://smr:battery@db/smr",
    }
    shown = repr(load(workspace, **secrets)) + str(load(workspace, **secrets))
    assert "correct horse" not in shown
    assert "battery" not in shown


@pytest.mark.parametrize(
    ("url", "resolved"),
    [
        ("sqlite:///cases.db", "sqlite:///{}/cases.db"),
        ("sqlite:////var/lib/smr/cases.db", "sqlite:////var/lib/smr/cases.db"),
        ("sqlite+pysqlite:///cases.db", "sqlite+pysqlite:///{}/cases.db"),
        ("postgresql+psycopg:///smr", "postgresql+psycopg:///smr"),
    ],
)
def test_a_relative_database_file_lies_in_the_workspace_wherever_the_program_was_started(
    workspace: Path, url: str, resolved: str
) -> None:
    assert load(workspace, SMR_DATABASE_URL=url).database_url == resolved.format(workspace)


def test_the_workspace_is_the_one_named_then_the_variables_then_the_nearest_above(
    workspace: Path,
) -> None:
    named, other, below = (workspace / name for name in ("named", "other", "below"))
    for folder in (named, other):
        folder.mkdir()
        (folder / "smr.yaml").touch()
    (below / "deep").mkdir(parents=True)
    environ = {"SMR_WORKSPACE": str(other)}
    assert find_workspace(named, environ, below) == named.resolve()
    assert find_workspace(Path("../named"), {}, below) == named.resolve()
    assert find_workspace(None, environ, below) == other.resolve()
    assert find_workspace(None, {"SMR_WORKSPACE": ""}, below / "deep") == workspace.resolve()


def test_a_secret_in_the_databases_address_comes_from_the_environment(workspace: Path) -> None:
    text = "database_url: postgresql+psycopg://smr:${DB_PASSWORD}@db.example.test/smr\n"
    settings = load(workspace, text, DB_PASSWORD="battery")
    assert settings.database_url == "postgresql+psycopg://smr:battery@db.example.test/smr"
    error = refusal(workspace, text)
    assert "DB_PASSWORD is not set" in error.message


def test_a_workspace_that_is_named_and_not_there_is_not_searched_elsewhere(
    workspace: Path,
) -> None:
    empty = workspace / "empty"
    empty.mkdir()
    for explicit, environ in ((empty, {}), (None, {"SMR_WORKSPACE": str(empty)})):
        with pytest.raises(NotFound, match=r"no smr.yaml") as caught:
            find_workspace(explicit, environ, workspace)
        assert "smr init" in caught.value.hint
    with pytest.raises(NotFound):
        load_settings(empty, {}, SCHEMA)


def keys_of(schema: dict) -> set[str]:
    keys = set()
    for name, entry in schema["properties"].items():
        nested = entry.get("properties")
        keys |= {f"{name}.{key}" for key in nested} if nested else {name}
    return keys


def property_of(key: str) -> dict:
    found = SCHEMA
    for part in key.split("."):
        found = found["properties"][part]
    return found
