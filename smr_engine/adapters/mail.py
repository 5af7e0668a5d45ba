"""E-mail: letters that headers cannot be smuggled into, and the SMTP server that takes them."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import re
import smtplib
import ssl
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage

from smr_engine.adapters.environment_secrets import fill_in
from smr_engine.adapters.mail_page import mail_page
from smr_engine.services.ports import (
    EffectAmbiguousError,
    EffectRefusedError,
    EffectUnavailableError,
)

EXERCISE = "EXERCISE"
EXERCISE_NOTE = "EXERCISE. This is a drill: nothing in this message is real. EXERCISE."
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
MESSAGE_ID = re.compile(r"<[\x21-\x3b=\x3f-\x7e]+@[\x21-\x3b=\x3f-\x7e]+>")
SMTPS_PORT = 465  # RFC 8314: TLS from the first byte
DIRECTION_MARKS = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
LONGEST_SUBJECT = 200  # characters


@dataclass(frozen=True, slots=True)
class MailConfig:
    """The settings' mail server; without a host, mail goes to the outbox.

    `user` and `password` may be `${ENV_NAME}`.
    """

    host: str = ""
    port: int = 587
    starttls: bool = True
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = "smr@localhost"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Somebody's name (may be empty) and mail address."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail before it is put into its form.

    `key` makes its Message-ID, so that a second try is the same mail to the reader's program.
    `case` threads it with the other mail of the case; empty for mail to the outside. `notice`
    marks it as written by a program (RFC 3834), so that absence notes do not answer it. With a
    `link` there is an HTML part beside the text, with one button.
    """

    key: str
    sender: str
    to: tuple[Mailbox, ...]
    subject: str
    text: str
    date: datetime
    case: str = ""
    drill: bool = False
    notice: bool = True
    in_reply_to: str = ""
    link: str = ""


def as_exercise(subject: str, text: str) -> tuple[str, str]:
    """Return a drill's subject and text, so marked that nobody takes them for real."""
    return f"{EXERCISE}: {subject}", f"{EXERCISE_NOTE}\n\n{text}\n\n{EXERCISE_NOTE}\n"


def flat(text: str) -> str:
    """Return a text on one line: line breaks, controls and writing-direction marks are gone."""
    kept = "".join(
        " " if unicodedata.category(letter) in {"Cc", "Zl", "Zp", "Cs"} else letter
        for letter in text
        if letter not in DIRECTION_MARKS
    )
    return " ".join(kept.split())


def checked_address(text: str, whose: str = "A recipient") -> str:
    """Return a mail address that is safe in a header and an SMTP command.

    Args:
        text: what may be an address.
        whose: whom the error is about.

    Raises:
        EffectRefusedError: it is not of the usual form; the address is not shown, because texts
            of errors reach Prefect.
    """
    if not ADDRESS.fullmatch(text):
        raise EffectRefusedError(f"{whose} has no usable mail address")
    return text


def message_id(key: str, sender: str) -> str:
    """Return the Message-ID that belongs to a key."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"<{digest[:32]}@{sender.rpartition('@')[2]}>"


def compose(letter: Letter) -> EmailMessage:
    """Return the letter as a message (RFC 5322): one visible recipient, several hidden ones.

    Raises:
        EffectRefusedError: there is no recipient, or one without a usable address.
    """
    if not letter.to:
        raise EffectRefusedError("There is nobody to send the mail to")
    sender = checked_address(letter.sender, "The sender")
    subject, text = letter.subject, letter.text
    if letter.drill:
        subject, text = as_exercise(subject, text)
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = Address("SMR engine" if letter.notice else "", addr_spec=sender)
    _address(message, letter.to)
    message["Subject"] = flat(subject)[:LONGEST_SUBJECT]
    message["Date"] = letter.date
    message["Message-ID"] = message_id(letter.key, sender)
    _thread(message, letter, sender)
    if letter.notice:
        message["Auto-Submitted"] = "auto-generated"
    message.set_content(
        text.encode("utf-8", "replace").decode(), charset="utf-8", cte="quoted-printable"
    )
    if letter.link:
        page = mail_page(subject, text, letter.link, drill=letter.drill)
        message.add_alternative(page, subtype="html", charset="utf-8", cte="quoted-printable")
    return message


def _address(message: EmailMessage, to: Sequence[Mailbox]) -> None:
    mailboxes = [Address(flat(box.name), addr_spec=checked_address(box.address)) for box in to]
    if len(mailboxes) == 1:
        message["To"] = mailboxes[0]
    else:
        message["To"] = "undisclosed-recipients:;"
        message["Bcc"] = mailboxes


def _thread(message: EmailMessage, letter: Letter, sender: str) -> None:
    """Tie a case's mail together by a common ancestor that was never sent."""
    ancestor = letter.in_reply_to if MESSAGE_ID.fullmatch(letter.in_reply_to) else ""
    if letter.case:
        message["X-SMR-Case"] = flat(letter.case)
        ancestor = ancestor or message_id(f"case {letter.case}", sender)
    if ancestor:
        message["In-Reply-To"] = ancestor
        message["References"] = ancestor


class SmtpMailer:
    """Hands messages to an SMTP server.

    Args:
        config: the server.
        environ: where `${NAME}` in user and password is looked up.
    """

    def __init__(self, config: MailConfig, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ

    def send(
        self, message: EmailMessage, to: Sequence[str], timeout_s: float, sender: str = ""
    ) -> None:
        """Send one message to all recipients or to none.

        Args:
            message: as `compose` makes it; its `Bcc` header is not sent.
            to: the checked addresses of the envelope.
            timeout_s: for each answer of the server, in seconds.
            sender: the envelope's sender; the configured one when empty.

        Raises:
            EffectRefusedError: the server said no for good (5xx).
            EffectUnavailableError: not reached, or "not now" (4xx); nothing was sent.
            EffectAmbiguousError: the connection was lost when the text had been sent.
        """
        user = fill_in(self._config.user, self._environ)
        password = fill_in(self._config.password, self._environ)
        try:
            with _session(self._config, timeout_s) as server:
                if user:
                    server.login(user, password)
                _envelope(server, sender or self._config.sender, to)
                _data(server, message)
        except smtplib.SMTPAuthenticationError:
            raise EffectRefusedError("The mail server refused the user or password") from None
        except smtplib.SMTPNotSupportedError:
            raise EffectRefusedError("The mail server offers no STARTTLS or no log-in") from None
        except (smtplib.SMTPException, OSError):
            # Not chained: the library's texts quote addresses and what the server said.
            raise EffectUnavailableError("The mail server cannot be reached") from None


@contextmanager
def _session(config: MailConfig, timeout_s: float) -> Iterator[smtplib.SMTP]:
    """Connect, encrypted as configured; how the goodbye goes says nothing about the mail."""
    own_name = config.sender.rpartition("@")[2]  # looking up this machine's name can take seconds
    if config.port == SMTPS_PORT:
        tls = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            config.host, config.port, own_name, timeout=timeout_s, context=tls
        )
    else:
        server = smtplib.SMTP(config.host, config.port, own_name, timeout=timeout_s)
    try:
        if config.starttls and config.port != SMTPS_PORT:
            server.starttls(context=ssl.create_default_context())
        yield server
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()
    finally:
        server.close()


def _envelope(server: smtplib.SMTP, sender: str, to: Sequence[str]) -> None:
    server.ehlo_or_helo_if_needed()
    _expect(server.mail(sender), "the sender")
    for number, address in enumerate(to, start=1):
        _expect(server.rcpt(address), f"recipient {number} of {len(to)}")


def _expect(answer: tuple[int, bytes], what: str) -> None:
    """Raise unless the server agreed; its words are left out, they often quote the address."""
    code = answer[0]
    if code >= 500:
        raise EffectRefusedError(f"The mail server refused {what} ({code})")
    if code >= 300:
        raise EffectUnavailableError(f"The mail server put off {what} ({code})")


def _data(server: smtplib.SMTP, message: EmailMessage) -> None:
    """Send the text; from here on a lost connection leaves the outcome open."""
    posted = copy.copy(message)
    del posted["Bcc"]
    try:
        _expect(server.data(posted.as_bytes()), "the message")
    except smtplib.SMTPDataError as problem:
        _expect((problem.smtp_code, b""), "the message")
    except (smtplib.SMTPServerDisconnected, OSError):
        raise EffectAmbiguousError("The mail server was lost after sending") from None
