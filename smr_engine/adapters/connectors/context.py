"""What connectors are made with, and how they read an account's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from smr_engine.adapters.mail import MailConfig
from smr_engine.adapters.network_guard import NetworkGuard
from smr_engine.engine.world import Account
from smr_engine.errors import SmrError
from smr_engine.services.ports import Clock

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class ConnectorContext:
    """The surroundings of every connector; `environ` is where `${NAME}` is looked up."""

    workspace: Path
    clock: Clock
    guard: NetworkGuard = field(default_factory=NetworkGuard)
    mail: MailConfig = field(default_factory=MailConfig)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


class AccountSettings:
    """Reads the settings of one account; unknown and ill-formed ones are refused.

    Args:
        account: the account.
        known: the names its connector knows.

    Raises:
        SmrError: `account-settings`, here and from `get`.
    """

    def __init__(self, account: Account, known: frozenset[str]) -> None:
        self._account = account
        unknown = sorted(set(account.settings) - known)
        if unknown:
            raise self.wrong(unknown[0], f"is none; there are {', '.join(sorted(known))}")

    def get(self, name: str, kind: type[Kind], default: Kind) -> Kind:
        """Return a setting, or the default where it is left out."""
        value: Any = self._account.settings.get(name, default)
        if not isinstance(value, kind):
            raise self.wrong(name, f"has the wrong type, it must be {_in_words(kind)}")
        return value

    def wrong(self, name: str, what: str) -> SmrError:
        """Return the error that says what is wrong with a setting."""
        return SmrError(
            "account-settings",
            f"The setting {name!r} of the account {self._account.id} {what}",
            hint="mend it in directory.yaml, then run `smr validate directory.yaml`",
            where=f"accounts.{self._account.id}.settings.{name}",
        )


def _in_words(kind: type[object]) -> str:
    words = {str: "text", bool: "true or false", dict: "a mapping", list: "a list"}
    return words.get(kind, kind.__name__)
