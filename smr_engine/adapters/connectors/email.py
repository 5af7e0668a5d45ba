"""`email`: sends a document to its recipients, from the account's own mailbox."""

from __future__ import annotations

from smr_engine.adapters.connectors.context import AccountSettings, ConnectorContext
from smr_engine.adapters.mail import (
    ADDRESS,
    Letter,
    Mailbox,
    SmtpMailer,
    checked_address,
    compose,
    message_id,
)
from smr_engine.adapters.outbox import Outbox
from smr_engine.engine.world import Account
from smr_engine.services.ports import (
    EffectRefusedError,
    Publication,
    Published,
    Recipient,
    Recovery,
)

SETTINGS = frozenset({"from", "to"})


class EmailConnector:
    """Publishes by mail (implements `services.ports.Connector`).

    Settings of the account: `from` (its address; the workspace's when left out), `to` (addresses
    for publications that name no recipients). Several recipients do not see each other. With a
    mail server an outcome that was lost stays unknown; the outbox is idempotent.
    """

    def __init__(self, account: Account, context: ConnectorContext) -> None:
        settings = AccountSettings(account, SETTINGS)
        self._mail = context.mail
        self._environ = context.environ
        self._clock = context.clock
        self._sender = settings.get("from", str, context.mail.sender)
        if not ADDRESS.fullmatch(self._sender):
            raise settings.wrong("from", "is no mail address like press@example.test")
        self._to = tuple(str(address) for address in settings.get("to", list, []))
        self._outbox = Outbox(context.workspace)
        self.recovery = Recovery.NONE if context.mail.host else Recovery.KEY

    def publish(self, publication: Publication, timeout_s: float) -> Published:
        """Send to all recipients or to none.

        Raises:
            EffectRefusedError, EffectUnavailableError, EffectAmbiguousError: as `SmtpMailer.send`
                and `Outbox.put`; refused too when a recipient has no address.
        """
        letter = self._letter(publication)
        receipt = {"message_id": message_id(publication.key, self._sender).strip("<>")}
        if not self._mail.host:
            return Published(self._outbox.put(letter, _label(publication)), receipt)
        to = [box.address for box in letter.to]
        mailer = SmtpMailer(self._mail, self._environ)
        mailer.send(compose(letter), to, timeout_s, sender=self._sender)
        return Published(f"mid:{receipt['message_id']}", receipt)  # RFC 2392

    def look_up(self, publication: Publication, timeout_s: float) -> Published | None:
        """Return the letter in the outbox, if it is there."""
        name = self._outbox.name(publication.key, _label(publication))
        if self._mail.host or not self._outbox.holds(name):
            return None
        return Published(name)

    def read_back(
        self, publication: Publication, published: Published, timeout_s: float
    ) -> str | None:
        """Return the text of the letter in the outbox; None for mail that is out.

        Mail knows one line end only and every line has one (RFC 5322); a text that differs from
        the approved one in nothing else is returned as approved.
        """
        if self._mail.host:
            return None
        live = self._outbox.text(self._outbox.name(publication.key, _label(publication))) or ""
        return publication.text if _lines(live) == _lines(publication.text) else live

    def _letter(self, publication: Publication) -> Letter:
        listed = tuple(Mailbox("", address) for address in self._to)
        named = tuple(_mailbox(recipient) for recipient in publication.recipients)
        return Letter(
            key=publication.key,
            sender=self._sender,
            to=named or listed,
            subject=publication.title,
            text=publication.text,
            date=self._clock.now(),
            notice=False,
            in_reply_to=publication.in_reply_to,
        )


def _mailbox(recipient: Recipient) -> Mailbox:
    address = recipient.email or (recipient.id if recipient.kind == "address" else "")
    if not address:
        raise EffectRefusedError(f"The {recipient.kind} {recipient.id} has no mail address")
    return Mailbox(recipient.name, checked_address(address))


def _label(publication: Publication) -> str:
    return f"{publication.case} {publication.document}"


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
