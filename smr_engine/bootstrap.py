"""The only place where parts are joined: settings and adapters become a workspace."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from smr_engine.adapters.attachments import FolderAttachments
from smr_engine.adapters.clock import SystemClock, VirtualClock
from smr_engine.adapters.entropy import SystemEntropy
from smr_engine.adapters.file_lock import FileLock
from smr_engine.adapters.holiday_dates import HolidayDates, KeptHolidayDates
from smr_engine.adapters.keys import FernetVault
from smr_engine.adapters.mail import MailConfig
from smr_engine.adapters.network_guard import NetworkGuard
from smr_engine.adapters.notify import AppriseNotifier, NotifierConfig
from smr_engine.adapters.passwords import Argon2Passwords
from smr_engine.adapters.playbook_files import FolderPlaybooks
from smr_engine.adapters.prefect_finding import look as prefect_finding_of
from smr_engine.adapters.prefect_health import answers
from smr_engine.adapters.prefect_server import ensure_server, server_status
from smr_engine.adapters.shipped import lay_out_schemas, load_schema, shipped_path
from smr_engine.adapters.stage import Stage
from smr_engine.adapters.wake_socket import SocketWaker, WakeListener
from smr_engine.engine.world import Account
from smr_engine.services import legs
from smr_engine.services.directory_check import Surroundings
from smr_engine.services.directory_sync import sync
from smr_engine.services.keeping import Keeper
from smr_engine.services.ports import Clock, Connector, Dispatcher, Waker
from smr_engine.services.staging import Down, House, directory_json
from smr_engine.services.views import Finding
from smr_engine.services.workspace import Options, Shelf, Workspace
from smr_engine.settings import SCHEMES, Settings, load_settings, read_settings
from smr_engine.storage import PostgresStorage, SqlStorage, open_storage

LOCK_TIMEOUT = timedelta(seconds=30)

if TYPE_CHECKING:
    from smr_engine.services.conductor import Conductor, Listener


def open_workspace(
    root: Path, environ: Mapping[str, str], *, door: str = "cli", clock: Clock | None = None
) -> Workspace:
    """Open a workspace: settings read, database migrated, directory taken over if it changed.

    Whoever opens it closes its storage; one that cannot be opened leaves nothing open.

    Args:
        root: its folder, with `smr.yaml`.
        environ: environment variables.
        door: which door opens it (kept for records).
        clock: another clock than the machine's (simulations).

    Raises:
        SmrError: settings or directory are wrong, or the database cannot be reached.
    """
    settings = load_settings(root, environ, load_schema("settings"))
    state = settings.state_folder
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    lay_out_schemas(state)
    storage = _storage(settings)
    try:
        ws = _joined(root, settings, environ, storage, clock or SystemClock())
        sync(ws)
    except BaseException:
        storage.close()
        raise
    return ws


def open_shelf() -> Shelf:
    """Return the shipped playbooks and schemas, for commands that need no workspace."""
    return _shelf({"shipped": shipped_path("playbooks")}, None)


def conductor(ws: Workspace, dispatcher: Dispatcher) -> Conductor:
    """Return a conductor of the workspace, named after this process."""
    from smr_engine.services.conductor import Conductor  # loads all that performs effects

    name = f"{socket.gethostname()}:{os.getpid()}"
    return Conductor(ws, dispatcher, _listener(ws), name)


def work_pool(ws: Workspace, settings: Settings, environ: Mapping[str, str]) -> Dispatcher:
    """Return the dispatcher that hands legs to the workers of the settings' work pool."""
    from smr_engine.adapters.prefect_pool import WorkPoolDispatcher

    lease = timedelta(seconds=settings.prefect_hand_over_seconds)
    return WorkPoolDispatcher(ws, settings.prefect_api_url, settings.work_pool, lease, environ)


@contextmanager
def rehearsal_house(
    shelf: Shelf, data: Mapping[str, Any], now: datetime, down: tuple[Down, ...]
) -> Iterator[House]:
    """Open a house for one rehearsal: all real, but for the clock and what goes out.

    Args:
        shelf: where playbooks come from.
        data: the directory.
        now: the instant at which the clock stands first.
        down: what does not work, and when.
    """
    clock = VirtualClock(now)
    stage = Stage(clock, down)
    with TemporaryDirectory(prefix="smr-rehearsal-") as folder:
        root = Path(folder)
        (root / "smr.yaml").write_text("{}", encoding="utf-8")
        (root / "directory.yaml").write_text(directory_json(data), encoding="utf-8")
        real = open_workspace(root, {}, clock=clock)
        ws = replace(
            real,
            files=shelf.files,
            notifier=stage,
            connector_for=stage.connector_for,
            callers=dict.fromkeys(real.callers, stage),
        )
        try:
            yield House(ws, clock, stage.sent, stage.posted)
        finally:
            real.storage.close()


def find_prefect(ws: Workspace, environ: Mapping[str, str]) -> str:
    """Return the API address of Prefect: the settings' server, else the embedded one, started.

    Raises:
        SmrError: it cannot be started or does not answer.
    """
    settings = load_settings(ws.root, environ, load_schema("settings"))
    return settings.prefect_api_url or ensure_server(ws.state, environ)


def prefect_answers(api_url: str) -> bool:
    """Return whether a Prefect server answers now."""
    return answers(api_url)


def prefect_finding(ws: Workspace, environ: Mapping[str, str]) -> Finding:
    """Return whether the workspace's Prefect is as it should be; starts nothing."""
    settings = load_settings(ws.root, environ, load_schema("settings"))
    return prefect_finding_of(ws.state, settings.prefect_api_url)


@dataclass(frozen=True)
class _Outside:
    """Connectors and callers, loaded when the first one is used: reading commands need none."""

    root: Path
    clock: Clock
    guard: NetworkGuard
    mail: MailConfig
    environ: Mapping[str, str]

    def connector_for(self, account: Account) -> Connector:
        """Return the connector of an account."""
        from smr_engine.adapters.connectors import connector_for
        from smr_engine.adapters.connectors.context import ConnectorContext

        context = ConnectorContext(self.root, self.clock, self.guard, self.mail, self.environ)
        return connector_for(account, context)

    def call(self, key: str, arguments: Mapping[str, Any], timeout_s: float) -> Mapping[str, Any]:
        """Do one `http.request` (implements `services.ports.Caller`)."""
        from smr_engine.adapters.http_request import HttpRequestCaller

        return HttpRequestCaller(self.guard, self.environ).call(key, arguments, timeout_s)


@dataclass(frozen=True)
class _Deployments:
    """Prefect's deployments, their client loaded when the first one is called."""

    settings: Settings
    environ: Mapping[str, str]

    def call(self, key: str, arguments: Mapping[str, Any], timeout_s: float) -> Mapping[str, Any]:
        """Start one, or look how its run goes (implements `services.ports.Caller`)."""
        from smr_engine.adapters.prefect_deployment import DeploymentCaller

        return DeploymentCaller(self.api_url, self.environ).call(key, arguments, timeout_s)

    def api_url(self) -> str:
        """Return the API address of the settings' server, else of the embedded one if it runs."""
        settings = self.settings
        return settings.prefect_api_url or server_status(settings.state_folder).api_url


# --- parts -------------------------------------------------------------------------------------


def _storage(settings: Settings) -> SqlStorage:
    lock = FileLock(settings.state_folder / "writer.lock")
    url = settings.database_url
    return open_storage(url, SystemEntropy(), lambda: lock.hold(LOCK_TIMEOUT.total_seconds()))


def _joined(
    root: Path, settings: Settings, environ: Mapping[str, str], storage: SqlStorage, clock: Clock
) -> Workspace:
    guard = NetworkGuard(settings.connectors.allow_inside)
    mail = _mail(settings)
    surroundings = _Outside(root, clock, guard, mail, environ)
    shelf = _shelf(
        {"workspace": root / "playbooks", "shipped": shipped_path("playbooks")}, settings
    )
    return Workspace(
        files=shelf.files,
        schemas=shelf.schemas,
        validate_settings=shelf.validate_settings,
        surroundings=shelf.surroundings,
        root=root,
        state=settings.state_folder,
        options=_options(settings),
        storage=storage,
        keeper=Keeper(storage, clock, legs.LEASE),
        clock=clock,
        entropy=SystemEntropy(),
        passwords=Argon2Passwords(),
        vault=FernetVault(settings.state_folder / "keys" / "totp.key", settings.secret_key),
        waker=_waker(settings, storage),
        attachments=FolderAttachments(settings.state_folder / "attachments"),
        notifier=AppriseNotifier(_notifier(settings, mail, environ), clock),
        connector_for=surroundings.connector_for,
        callers={
            "http.request": surroundings,
            "prefect.deployment": _Deployments(settings, environ),
        },
    )


def _waker(settings: Settings, storage: SqlStorage) -> Waker:
    if isinstance(storage, PostgresStorage):
        return storage
    return SocketWaker(settings.state_folder)


def _listener(ws: Workspace) -> Listener:
    if isinstance(ws.storage, PostgresStorage):
        return ws.storage.listener()
    return WakeListener(ws.state)


def _shelf(folders: Mapping[str, Path], settings: Settings | None) -> Shelf:
    schemes = settings.notify.schemes if settings else SCHEMES
    kept = settings.state_folder / "holidays.json" if settings else None
    holidays = KeptHolidayDates(kept) if kept else HolidayDates()
    return Shelf(
        files=FolderPlaybooks(folders),
        schemas=load_schema,
        validate_settings=lambda text, file: read_settings(text, file, load_schema("settings"))[1],
        surroundings=Surroundings(holidays, schemes),
    )


def _options(settings: Settings) -> Options:
    return Options(
        assurance=settings.assurance.value,
        acting_person=settings.acting_person,
        grace_s=settings.prefect_grace_seconds,
        public_url=settings.public_url,
        prefect_api_url=settings.prefect_api_url,
        prefect_start=settings.prefect_start,
        session_idle=timedelta(minutes=settings.web.session_idle_minutes),
        session_length=timedelta(hours=settings.web.session_hours),
    )


def _mail(settings: Settings) -> MailConfig:
    mail = settings.mail
    return MailConfig(mail.host, mail.port, mail.starttls, mail.user, mail.password, mail.sender)


def _notifier(settings: Settings, mail: MailConfig, environ: Mapping[str, str]) -> NotifierConfig:
    return NotifierConfig(
        workspace=settings.workspace,
        schemes=frozenset(settings.notify.schemes),
        allow_inside=settings.notify.allow_inside,
        mail=mail,
        environ=environ,
    )
