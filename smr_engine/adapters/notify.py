"""Notifications: a person's own addresses through Apprise, else e-mail, else the outbox."""

from __future__ import annotations

import functools
import logging
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from smr_engine.adapters.connection_watch import Watch, only_allowed_connections
from smr_engine.adapters.environment_secrets import fill_in
from smr_engine.adapters.mail import (
    Letter,
    Mailbox,
    MailConfig,
    SmtpMailer,
    as_exercise,
    compose,
    flat,
)
from smr_engine.adapters.network_guard import NetworkGuard
from smr_engine.adapters.outbox import Outbox
from smr_engine.services.ports import (
    Clock,
    EffectAmbiguousError,
    EffectRefusedError,
    EffectUnavailableError,
    Message,
    Recipient,
)

# They talk to this machine's desktop, or connect from threads where no guard sees them.
NEVER_ALLOWED = frozenset(
    {"apprise", "apprises", "aprs", "blink1", "dbus", "glib", "gio", "gnome", "kde", "macosx"}
    | {"mqtt", "mqtts", "qt", "rsyslog", "smpp", "smpps", "syslog", "windows", "xmpp", "xmpps"}
)
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+-]{0,19})://")
# They make Apprise read a file of this machine into the message.
FILE_OPTIONS = re.compile(r"[?&](attach|keyfile|pgpkey|subfile|template)=", re.IGNORECASE)
REMOTE_STATUS = re.compile(r"error=(\d{3})")
# How requests and smtplib word a failure before anything was sent.
NOT_CONNECTED = re.compile(
    r"Max retries exceeded|Connection refused|Errno -\d|timed out connecting"
)


@dataclass(frozen=True, slots=True)
class NotifierConfig:
    """What the notifier takes from the settings.

    `schemes` are the kinds of Apprise addresses that people may use (`mailtos`, `slack`);
    `allow_inside` as `NetworkGuard`; `environ` is where `${NAME}` is looked up.
    """

    workspace: Path
    schemes: frozenset[str] = frozenset()
    allow_inside: tuple[str, ...] = ()
    mail: MailConfig = field(default_factory=MailConfig)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


class AppriseNotifier:
    """Tells one recipient on every channel they have (implements `services.ports.Notifier`).

    Args:
        config: from the settings.
        clock: for the date of mail.

    Raises:
        SmrError: `bad-allow-list`, see `NetworkGuard`.
    """

    def __init__(self, config: NotifierConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._guard = NetworkGuard(config.allow_inside)
        self._outbox = Outbox(config.workspace)

    def send(self, message: Message, timeout_s: float) -> str:
        """Send one message; return the channels that took it (`slack`, `email`, `outbox`).

        With several addresses one is enough. Mail has the Message-ID of `message.key`, so a
        second try does not show twice; the outbox is idempotent.

        Raises:
            EffectRefusedError: no channel takes it, now or later; a drill's message to somebody
                outside.
            EffectUnavailableError: it was not sent and may be later.
            EffectAmbiguousError: it may have been sent.
        """
        recipient = message.recipient
        if message.drill and recipient.kind != "person":
            raise EffectRefusedError("A drill tells nobody outside")
        if recipient.notify:
            return self._by_apprise(message, timeout_s)
        return self._by_mail(message, recipient, timeout_s)

    def _by_mail(self, message: Message, recipient: Recipient, timeout_s: float) -> str:
        mail = self._config.mail
        address = recipient.email or (recipient.id if recipient.kind == "address" else "")
        letter = Letter(
            key=message.key,
            sender=mail.sender,
            to=(Mailbox(recipient.name, address),),
            subject=message.subject,
            text=message.body,
            date=self._clock.now(),
            case=message.case,
            drill=message.drill,
            link=message.link,
        )
        if not mail.host:
            self._outbox.put(letter, f"{message.case} {recipient.id}")
            return "outbox"
        SmtpMailer(mail, self._config.environ).send(compose(letter), [address], timeout_s)
        return "email"

    def _by_apprise(self, message: Message, timeout_s: float) -> str:
        """Try every address; succeed when one took it, else raise the mildest failure."""
        subject, body = flat(message.subject), message.body
        if message.drill:
            subject, body = as_exercise(subject, body)
        taken: list[str] = []
        failures: list[Exception] = []
        for address in message.recipient.notify:
            try:
                taken.append(self._one(address, (subject, body), timeout_s))
            except (EffectAmbiguousError, EffectUnavailableError, EffectRefusedError) as failure:
                failures.append(failure)
        if taken:
            return ", ".join(dict.fromkeys(taken))
        raise _weightiest(failures)

    def _one(self, address: str, text: tuple[str, str], timeout_s: float) -> str:
        """Send to one Apprise address; return its scheme."""
        full = fill_in(address, self._config.environ, in_address=True)
        found = SCHEME.match(full)
        scheme = found.group(1).lower() if found else ""
        if scheme not in self._config.schemes - NEVER_ALLOWED:
            raise EffectRefusedError(f"The settings do not allow notify addresses of {scheme!r}")
        channel = _channel(full, timeout_s)
        if channel is None:
            raise EffectRefusedError(f"A notify address of {scheme!r} is not complete")
        with _silence.listening() as log, only_allowed_connections(self._guard) as watch:
            sent = channel.notify(body=text[1], title=text[0])
        if sent:
            return scheme
        raise _failure(scheme, "\n".join(log), watch)


def _channel(address: str, timeout_s: float) -> Any:
    """Return Apprise's channel for an address, tied down; None if the address is not valid."""
    if FILE_OPTIONS.search(unquote(address)):
        return None
    apprise = _apprise()
    asset = apprise.AppriseAsset(
        app_id="SMR engine",
        app_desc="SMR engine",
        async_mode=False,
        http_redirects=False,
        secure_logging=True,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    channel = apprise.Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    if not isinstance(channel, apprise.NotifyBase):
        return None
    channel.redirects = False  # an address may not turn them on again
    channel.verify_certificate = True
    channel.socket_connect_timeout = channel.socket_read_timeout = timeout_s
    return channel


@functools.cache
def _apprise() -> Any:
    """Return the library; late, because loading it and its plugins takes a third of a second."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of what its plugins import
        import apprise

        apprise.Apprise.instantiate("json://localhost")

    logger = logging.getLogger("apprise")
    logger.addFilter(_silence)
    logger.setLevel(logging.DEBUG)  # only there it says whether a connection was made
    return apprise


class _Silence(logging.Filter):
    """Keeps Apprise's log from every handler: it quotes addresses, and addresses hold tokens.

    The thread that sends may listen, to learn how it went.
    """

    def __init__(self) -> None:
        super().__init__()
        self._heard = threading.local()

    @contextmanager
    def listening(self) -> Iterator[list[str]]:
        """Yield the list of what is said in this thread within the block."""
        lines: list[str] = []
        self._heard.lines = lines
        try:
            yield lines
        finally:
            self._heard.lines = None

    def filter(self, record: logging.LogRecord) -> bool:
        lines: list[str] | None = getattr(self._heard, "lines", None)
        if lines is not None:
            lines.append(record.getMessage())
        return False


_silence = _Silence()


def _failure(scheme: str, log: str, watch: Watch) -> Exception:
    """Tell from what was seen whether a message was refused, may be tried again, or may be out."""
    if watch.refused:
        return EffectRefusedError(f"The host of a {scheme!r} address lies inside the network")
    status = REMOTE_STATUS.search(log)
    if status:
        code = int(status.group(1))
        told = f"A {scheme!r} channel answered with status {code}"
        refused = 300 <= code < 500 and code not in {408, 425, 429}
        return EffectRefusedError(told) if refused else EffectUnavailableError(told)
    if not watch.attempted or NOT_CONNECTED.search(log):
        return EffectUnavailableError(f"A {scheme!r} channel cannot be reached")
    return EffectAmbiguousError(f"A {scheme!r} channel did not say whether it took the message")


def _weightiest(failures: list[Exception]) -> Exception:
    """Return the failure that says most: perhaps sent, then worth another try, then refused."""
    for kind in (EffectAmbiguousError, EffectUnavailableError):
        for failure in failures:
            if isinstance(failure, kind):
                return failure
    return failures[0]
