"""The one error type that people meet: what went wrong, where, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


class SmrError(Exception):
    """A refusal or a fault that is told to a person in one sentence.

    Args:
        code: stable, kebab-case; programs may test for it (``item-closed``).
        message: one sentence, what is wrong.
        hint: what to do next; empty if there is nothing to do.
        where: file with line, case, item or setting that it is about; empty if none.

    It carries no exit status and no HTTP status: each door has one table for that.
    """

    def __init__(self, code: str, message: str, *, hint: str = "", where: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.where = where

    def __str__(self) -> str:
        """Return the message with its place and hint, as a person reads it."""
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{advice}"


class Refusal(SmrError):
    """A command that was understood and is not allowed now; nothing has changed."""


class NotFound(SmrError):
    """A case, item, playbook, person or document that does not exist for the asker."""


class Invalid(SmrError):
    """Content that does not have the form that is asked for (form values, files, options).

    Args:
        fields: what is wrong with single values, by where they stand (``contacts[0].name``).
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str = "",
        where: str = "",
        fields: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(code, message, hint=hint, where=where)
        self.fields = fields
