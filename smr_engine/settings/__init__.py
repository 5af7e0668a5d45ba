"""Settings of a workspace: `smr.yaml`, overridden by the environment. Nothing else reads either.

Every key, its default and its variable stand in `ENVIRONMENT` and in schemas/settings.schema.json.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from smr_engine.errors import Invalid, NotFound
from smr_engine.playbook.model import JsonSchema
from smr_engine.playbook.problems import Problem, Problems
from smr_engine.playbook.schema_check import schema_problems
from smr_engine.playbook.suggest import did_you_mean
from smr_engine.playbook.yaml_source import Located, load
from smr_engine.settings.model import (
    SCHEMES,
    STATE_FOLDER,
    Assurance,
    ConnectorSettings,
    Dispatch,
    LogLevel,
    MailSettings,
    NotifySettings,
    Settings,
    WebSettings,
)

__all__ = [
    "ENVIRONMENT",
    "SCHEMES",
    "SETTINGS_FILE",
    "STATE_FOLDER",
    "Assurance",
    "ConnectorSettings",
    "Dispatch",
    "LogLevel",
    "MailSettings",
    "NotifySettings",
    "Settings",
    "Variable",
    "WebSettings",
    "find_workspace",
    "load_settings",
    "read_settings",
]

SETTINGS_FILE = "smr.yaml"
SHORTEST_SECRET = 32
_PLACE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable that overrides a key of `smr.yaml`.

    Args:
        key: of the setting, with a dot before a nested one.
        read: turns the text into the setting's value; raises ValueError with what is wanted.
        default: what holds if neither says anything, in words.
        meaning: one line.
    """

    key: str
    read: Callable[[str], Any]
    default: str
    meaning: str

    @property
    def name(self) -> str:
        """Return the variable's name: ``mail.host`` is SMR_MAIL_HOST."""
        return f"SMR_{self.key.upper().replace('.', '_')}"


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _number(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
            message = f"a whole number from {lowest} to {highest}"
            raise ValueError(message)
        return int(text)

    return read


def _one_of(kind: type[StrEnum]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in list(kind):
            message = f"one of {', '.join(kind)}"
            raise ValueError(message)
        return text

    return read


def _yes_no(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        message = "true or false"
        raise ValueError(message)
    return text.lower() == "true"


ENVIRONMENT: tuple[Variable, ...] = (
    Variable("database_url", str, "SQLite, .smr/smr.db", "SQLAlchemy address of the database"),
    Variable("prefect_api_url", str, "an embedded server", "API address of the Prefect server"),
    Variable("prefect_start", _names, "none", "playbooks that Prefect's own form may start"),
    Variable("dispatcher", _one_of(Dispatch), "inline", "where flow runs execute"),
    Variable("prefect_work_pool", str, "smr", "Prefect's work pool, for the dispatcher work-pool"),
    Variable("prefect_hand_over_seconds", _number(10, 3_600), "60", "wait for a worker to begin"),
    Variable("prefect_grace_seconds", _number(0, 86_400), "30", "wait for an absent Prefect"),
    Variable("assurance", _one_of(Assurance), "asserted", "least proof of identity to decide"),
    Variable("as", str, "nobody", "person who acts where no --as is given"),
    Variable("timezone", str, "each person's own", "time zone in which times are shown"),
    Variable("mail.host", str, "none: files in outbox/", "mail server"),
    Variable("mail.port", _number(1, 65_535), "587", "its port"),
    Variable("mail.starttls", _yes_no, "true", "encrypt with STARTTLS, or do not send"),
    Variable("mail.user", str, "none", "user name at the mail server"),
    Variable("mail.password", str, "none", "password at the mail server"),
    Variable("mail.from", str, "smr@localhost", "sender of our mail"),
    Variable("notify.schemes", _names, "mail, chat, paging", "beginnings of notify addresses"),
    Variable("notify.allow_inside", _names, "none", "inside hosts that messages may reach"),
    Variable("connectors.allow_inside", _names, "none", "inside hosts that publishing may reach"),
    Variable("web.host", str, "127.0.0.1", "address on which the pages listen"),
    Variable("web.port", _number(1, 65_535), "8220", "their port"),
    Variable("web.trusted_proxies", _names, "none", "proxies whose forwarded headers hold"),
    Variable("web.session_idle_minutes", _number(5, 1_440), "120", "unused, a session ends then"),
    Variable("web.session_hours", _number(1, 168), "12", "a session ends then in any case"),
    Variable("secret_key", str, "a file in .smr/keys", "encrypts secrets, for several machines"),
    Variable("public_url", str, "none", "address of the pages, for links in messages"),
    Variable("log_level", _one_of(LogLevel), "info", "least weight of a line in the log"),
)
"""Every variable but SMR_WORKSPACE, which says where `smr.yaml` is."""


def find_workspace(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """Return the workspace's folder: the one named, else SMR_WORKSPACE, else the nearest above.

    Args:
        explicit: what `--workspace` says.
        environ: environment variables.
        cwd: the present folder; a relative path starts there.

    Raises:
        NotFound: ``no-workspace``, there is no `smr.yaml` there.
    """
    named = explicit or (Path(environ["SMR_WORKSPACE"]) if environ.get("SMR_WORKSPACE") else None)
    candidates = [cwd / named] if named else [cwd, *cwd.parents]
    for folder in candidates:
        if (folder / SETTINGS_FILE).is_file():
            return folder.resolve()
    place = str(named) if named else "this folder and those above it"
    raise NotFound(
        "no-workspace",
        f"There is no workspace in {place}: no {SETTINGS_FILE} was found.",
        hint="make one with `smr init DIR --sample`, or name one with --workspace DIR",
    )


def load_settings(workspace: Path, environ: Mapping[str, str], schema: JsonSchema) -> Settings:
    """Return the settings of a workspace, the environment's word last.

    Args:
        workspace: a folder with `smr.yaml`.
        environ: environment variables; an empty one counts as not set.
        schema: the settings' JSON Schema.

    Raises:
        Invalid: ``bad-settings``, the file or a variable is wrong; says where.
        NotFound: ``no-workspace``, the file is not there.
    """
    path = workspace / SETTINGS_FILE
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound("no-workspace", f"There is no {SETTINGS_FILE} in {workspace}.") from error
    located, problems = read_settings(text, SETTINGS_FILE, schema)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors or located is None:
        raise _bad_file(errors)
    return _settings(workspace, _overridden(located.data, environ), environ)


def read_settings(
    text: bytes, file: str, schema: JsonSchema
) -> tuple[Located | None, list[Problem]]:
    """Return a settings file's content and all its problems, in the order of the file.

    Args:
        text: the file's bytes.
        file: the name to use in problems.
        schema: the settings' JSON Schema.
    """
    if not re.search(rb"^[ \t]*[^#\s]", text, re.MULTILINE):  # all of it comments: all defaults
        text = b"{}"
    located, problems = load(text, file)
    if located is None:
        return None, problems
    found = Problems(file)
    found.extend(problems)
    found.extend(schema_problems(located, schema, file))
    if not found.has_errors:
        _check_meaning(located, found)
    return located, found.sorted()


def _check_meaning(located: Located, found: Problems) -> None:
    """Add what a schema cannot say."""
    timezone = located.data.get("timezone")
    if timezone and timezone not in available_timezones():
        message, hint = _bad_timezone(timezone)
        found.error("bad-timezone", message, located.place(("timezone",)), hint)
    hint = "write ${NAME} and set that environment variable"
    if _is_spelt_out(located.data.get("mail", {}).get("password", "")):
        message = "a password stands in the settings file"
        found.error("secret-in-file", message, located.place(("mail", "password")), hint)
    if _is_spelt_out(located.data.get("secret_key", "")):
        message = "a secret key stands in the settings file"
        found.error("secret-in-file", message, located.place(("secret_key",)), hint)


def _is_spelt_out(secret: str) -> bool:
    return bool(secret) and not _PLACE.fullmatch(secret)


def _bad_timezone(name: str) -> tuple[str, str]:
    hint = did_you_mean(name, available_timezones()) or "write one like Europe/Berlin"
    return f"`{name}` is no time zone", hint


def _bad_file(errors: list[Problem]) -> Invalid:
    first = errors[0]
    more = f"; {len(errors) - 1} more: run `smr validate {SETTINGS_FILE}`" if errors[1:] else ""
    return Invalid(
        "bad-settings",
        f"{first.message}{more}",
        hint=first.hint,
        where=f"{first.file}:{first.line}:{first.column}",
    )


def _overridden(data: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the file's data with the environment's values in their places."""
    merged = {key: dict(value) if isinstance(value, dict) else value for key, value in data.items()}
    for variable in ENVIRONMENT:
        if text := environ.get(variable.name, "").strip():
            section, _, key = variable.key.rpartition(".")
            target = merged.setdefault(section, {}) if section else merged
            target[key] = _read(variable, text)
    return merged


def _read(variable: Variable, text: str) -> Any:
    try:
        return variable.read(text)
    except ValueError as fault:
        message = f"The environment variable {variable.name} must be {fault}."
        raise Invalid("bad-settings", message, where=variable.name) from fault


def _settings(workspace: Path, data: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    timezone = data.get("timezone", "")
    if timezone and timezone not in available_timezones():
        message, hint = _bad_timezone(timezone)
        raise Invalid("bad-settings", message, hint=hint, where="SMR_TIMEZONE")
    if data.get("dispatcher") == Dispatch.WORK_POOL and not data.get("prefect_api_url"):
        message = "The dispatcher work-pool needs prefect_api_url."
        hint = "name a Prefect server that conductors and workers reach"
        raise Invalid("bad-settings", message, hint=hint, where="prefect_api_url")
    prefect = ("api_url", "work_pool", "hand_over_seconds", "grace_seconds")
    plain = (*(f"prefect_{key}" for key in prefect), "timezone", "public_url")
    return Settings(
        workspace=workspace,
        database_url=_database_url(workspace, data.get("database_url", ""), environ),
        acting_person=data.get("as", ""),
        prefect_start=tuple(data.get("prefect_start", ())),
        dispatcher=Dispatch(data.get("dispatcher", Dispatch.INLINE)),
        assurance=Assurance(data.get("assurance", Assurance.ASSERTED)),
        log_level=LogLevel(data.get("log_level", LogLevel.INFO)),
        mail=_mail(data.get("mail", {})),
        notify=NotifySettings(**_tuples(data.get("notify", {}))),
        connectors=ConnectorSettings(**_tuples(data.get("connectors", {}))),
        web=WebSettings(**_web(data.get("web", {}))),
        secret_key=_secret_key(data.get("secret_key", ""), environ),
        **{key: data[key] for key in plain if key in data},
    )


def _mail(data: Mapping[str, Any]) -> MailSettings:
    return MailSettings(**{"sender" if key == "from" else key: data[key] for key in data})


def _tuples(data: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(value) for key, value in data.items()}


def _web(data: Mapping[str, Any]) -> dict[str, Any]:
    return {**data, "trusted_proxies": tuple(data.get("trusted_proxies", ()))}


def _secret_key(key: str, environ: Mapping[str, str]) -> str:
    key = _filled_in(key, "secret_key", environ)
    if key and len(key) < SHORTEST_SECRET:
        message = f"The secret key must have at least {SHORTEST_SECRET} signs."
        raise Invalid("bad-settings", message, where="secret_key")
    return key


def _filled_in(text: str, key: str, environ: Mapping[str, str]) -> str:
    """Return a setting's text with the environment's secrets in their places."""

    def secret(found: re.Match[str]) -> str:
        if not environ.get(found[1]):
            message = f"The environment variable {found[1]} is not set, and {key} needs it."
            raise Invalid("bad-settings", message, where=key)
        return environ[found[1]]

    return _PLACE.sub(secret, text)


def _database_url(workspace: Path, url: str, environ: Mapping[str, str]) -> str:
    """Return the database's address, secrets filled in; a relative file lies in the workspace."""
    url = _filled_in(url or f"sqlite:///{STATE_FOLDER}/smr.db", "database_url", environ)
    scheme, separator, file = url.partition(":///")
    if scheme.startswith("sqlite") and separator and not file.startswith(("/", ":memory:")):
        return f"{scheme}:///{workspace / file}"
    return url
