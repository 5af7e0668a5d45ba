"""Accounts, sessions and tokens, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Table, delete, select, update

from smr_engine.services.storing_accounts import AccountRow, AttemptsRow, SessionRow, TokenRow
from smr_engine.storage.tables import accounts, api_tokens, sessions, sign_in_attempts
from smr_engine.storage.transaction import Transaction


class SqlAccounts:
    """Accounts in one unit of work (implements `services.storing_accounts.Accounts`)."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def get(self, person: str) -> AccountRow | None:
        """Return somebody's account; see the port."""
        row = self._one(select(accounts).where(accounts.c.person == person))
        return AccountRow(**row) if row else None

    def all(self) -> Sequence[AccountRow]:
        """Return all accounts; see the port."""
        asked = select(accounts).order_by(accounts.c.person)
        return [AccountRow(**r) for r in self._transaction.connection.execute(asked).mappings()]

    def invited(self, invitation: bytes) -> AccountRow | None:
        """Return the account with this open invitation; see the port."""
        row = self._one(select(accounts).where(accounts.c.invitation == invitation))
        return AccountRow(**row) if row else None

    def put(self, account: AccountRow) -> None:
        """Add an account or replace it; see the port."""
        self._put(accounts, asdict(account))

    def take_step(self, person: str, step: int) -> bool:
        """Note that a time step's code was used; see the port."""
        mine = (accounts.c.person == person) & (accounts.c.totp_step < step)
        return self._changed(update(accounts).where(mine).values(totp_step=step)) == 1

    def attempts(self, first: AttemptsRow) -> AttemptsRow:
        """Return the failures in a row under a key; see the port."""
        if self._transaction.insert_new(sign_in_attempts, asdict(first)):
            return first
        return self.counter(first.key) or first

    def counter(self, key: str) -> AttemptsRow | None:
        """Return the failures in a row under a key; see the port."""
        row = self._one(select(sign_in_attempts).where(sign_in_attempts.c.key == key))
        return AttemptsRow(**row) if row else None

    def put_attempts(self, row: AttemptsRow) -> None:
        """Replace failures in a row; see the port."""
        self._put(sign_in_attempts, asdict(row))

    def drop_attempts(self, key: str) -> None:
        """Forget the failures under a key; see the port."""
        self._changed(delete(sign_in_attempts).where(sign_in_attempts.c.key == key))

    def prune_attempts(self, kind: str, person: str, before: datetime, most: int) -> None:
        """Forget older failures; see the port."""
        c = sign_in_attempts.c
        concerned = (c.person == person) & c.key.startswith(kind)
        newest = select(c.last_at).where(concerned).order_by(c.last_at.desc())
        last_kept = self._transaction.connection.execute(newest.offset(most).limit(1)).scalar()
        until = max(before, last_kept) if last_kept else before
        self._changed(delete(sign_in_attempts).where(concerned, c.last_at <= until))

    def session(self, token: bytes) -> SessionRow | None:
        """Return a session; see the port."""
        row = self._one(select(sessions).where(sessions.c.hash == token))
        return SessionRow(**row) if row else None

    def add_session(self, row: SessionRow) -> None:
        """Add a session; see the port."""
        self._transaction.insert(sessions, asdict(row))

    def saw(self, token: bytes, at: datetime) -> None:
        """Note that a session was used; see the port."""
        self._changed(update(sessions).where(sessions.c.hash == token).values(seen_at=at))

    def end_session(self, token: bytes) -> bool:
        """End a session; see the port."""
        return self._changed(delete(sessions).where(sessions.c.hash == token)) == 1

    def end_sessions(self, person: str, before: datetime | None = None) -> int:
        """End somebody's sessions; see the port."""
        ended = delete(sessions).where(sessions.c.person == person)
        return self._changed(ended.where(sessions.c.expires_at < before) if before else ended)

    def token(self, token: str) -> TokenRow | None:
        """Return an API token by its id; see the port."""
        row = self._one(select(api_tokens).where(api_tokens.c.id == token))
        return TokenRow(**row) if row else None

    def tokens(self) -> Sequence[TokenRow]:
        """Return all API tokens; see the port."""
        asked = select(api_tokens).order_by(api_tokens.c.id)
        return [TokenRow(**r) for r in self._transaction.connection.execute(asked).mappings()]

    def put_token(self, row: TokenRow) -> None:
        """Add an API token or replace it; see the port."""
        self._put(api_tokens, asdict(row))

    def _one(self, asked: Select[Any]) -> dict[str, Any] | None:
        """Return a row, locked where this unit of work may write."""
        asked = asked.with_for_update() if self._transaction.writes else asked
        row = self._transaction.connection.execute(asked).mappings().one_or_none()
        return dict(row) if row else None

    def _put(self, table: Table, row: dict[str, Any]) -> None:
        self._transaction.require_writing()
        keys = [column.name for column in table.primary_key]
        changed = {name: value for name, value in row.items() if name not in keys}
        statement = self._transaction.dialect.insert(table).values(row)
        upsert = statement.on_conflict_do_update(index_elements=keys, set_=changed)
        self._transaction.connection.execute(upsert)

    def _changed(self, statement: Any) -> int:
        self._transaction.require_writing()
        return int(self._transaction.connection.execute(statement).rowcount)
