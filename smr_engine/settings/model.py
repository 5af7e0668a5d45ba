"""The settings of a workspace as values, with their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

STATE_FOLDER = ".smr"
SCHEMES = (  # mail, chat and paging services: nothing that speaks in public, no bare webhooks
    *("mailto", "mailtos", "slack", "workflows", "gchat", "mmost", "mmosts"),
    *("rocket", "rockets", "matrix", "matrixs", "discord", "tgram", "signal", "signals"),
    *("ntfy", "ntfys", "gotify", "gotifys", "pover", "zulip", "webex", "wxteams"),
    *("pagerduty", "opsgenie", "splunk", "twilio", "sns", "ses"),
)


class Dispatch(StrEnum):
    """Where the flow runs of cases execute."""

    INLINE = "inline"  # in the conductor's own warm process
    WORK_POOL = "work-pool"  # on any worker of Prefect's work pool


class LogLevel(StrEnum):
    """The least weight of a line in the log."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Assurance(StrEnum):
    """How people prove who they are, weakest first."""

    ASSERTED = "asserted"
    SESSION = "session"
    MFA = "mfa"
    PASSKEY = "passkey"


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The mail server; without a host, mail goes to the workspace's `outbox/` as files.

    The password is `${NAME}` as long as possible: the mail adapter fills it in as it connects.
    """

    host: str = ""
    port: int = 587
    starttls: bool = True
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = "smr@localhost"  # the key `from`


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Which `notify` addresses of people may be used."""

    schemes: tuple[str, ...] = SCHEMES
    allow_inside: tuple[str, ...] = ()  # hosts or CIDRs inside the house that may be called


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """What publishing and `call` steps may reach."""

    allow_inside: tuple[str, ...] = ()  # hosts or CIDRs inside the house that may be called


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where the pages listen, whom they believe, and how long somebody stays signed in."""

    host: str = "127.0.0.1"
    port: int = 8220
    trusted_proxies: tuple[str, ...] = ()  # addresses or CIDRs whose forwarded headers hold
    session_idle_minutes: int = 120
    session_hours: int = 12


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one workspace; printing them shows no secret."""

    workspace: Path
    database_url: str = field(repr=False)  # may hold a password
    prefect_api_url: str = ""  # empty: the embedded server
    prefect_start: tuple[str, ...] = ()
    dispatcher: Dispatch = Dispatch.INLINE
    prefect_work_pool: str = "smr"
    prefect_hand_over_seconds: int = 60
    prefect_grace_seconds: int = 30
    assurance: Assurance = Assurance.ASSERTED
    acting_person: str = ""  # the key `as`
    timezone: str = ""  # empty: each person's own
    mail: MailSettings = MailSettings()
    notify: NotifySettings = NotifySettings()
    connectors: ConnectorSettings = ConnectorSettings()
    web: WebSettings = WebSettings()
    secret_key: str = field(default="", repr=False)  # empty: a file of this machine
    public_url: str = ""
    log_level: LogLevel = LogLevel.INFO

    @property
    def state_folder(self) -> Path:
        """Return the folder of database, keys and Prefect's home."""
        return self.workspace / STATE_FOLDER

    @property
    def work_pool(self) -> str:
        """Return the work pool whose workers execute flow runs, empty where none does."""
        return self.prefect_work_pool if self.dispatcher is Dispatch.WORK_POOL else ""

    @property
    def is_sqlite(self) -> bool:
        """Return whether the database is a file of this machine."""
        return self.database_url.startswith("sqlite")
