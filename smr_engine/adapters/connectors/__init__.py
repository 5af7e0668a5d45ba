"""Connectors: one file per way to publish."""

from __future__ import annotations

from collections.abc import Callable

from smr_engine.adapters.connectors.context import ConnectorContext
from smr_engine.adapters.connectors.email import EmailConnector
from smr_engine.adapters.connectors.folder import FolderConnector
from smr_engine.adapters.connectors.http import HttpConnector
from smr_engine.adapters.connectors.manual import MANUAL
from smr_engine.engine.world import Account
from smr_engine.errors import SmrError
from smr_engine.services.ports import Connector

_MAKERS: dict[str, Callable[[Account, ConnectorContext], Connector]] = {
    "folder": FolderConnector,
    "http": HttpConnector,
    "email": EmailConnector,
}


def connector_for(account: Account, context: ConnectorContext) -> Connector:
    """Return the connector of an account, its settings checked.

    Raises:
        SmrError: `account-settings` when a setting is missing, unknown or of a wrong form;
            `no-connector` for an unknown one, and for `manual`, where a person publishes.
    """
    maker = _MAKERS.get(account.connector)
    if maker is not None:
        return maker(account, context)
    by_hand = account.connector == MANUAL
    raise SmrError(
        "no-connector",
        f"The account {account.id} is published to by a person, not by the engine"
        if by_hand
        else f"The account {account.id} names the connector {account.connector!r}, which is none",
        hint=f"connectors are {', '.join(sorted([*_MAKERS, MANUAL]))}",
        where=f"accounts.{account.id}.connector",
    )
