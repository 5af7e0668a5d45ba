"""Accounts: passwords, invitations, second factors, sessions, API tokens."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ACCOUNTS = """
CREATE TABLE accounts (
    person TEXT NOT NULL,
    password TEXT NOT NULL,
    invitation {bytes},
    invitation_until {instant},
    totp {bytes},
    totp_pending {bytes},
    totp_step INTEGER NOT NULL,
    CONSTRAINT pk_accounts PRIMARY KEY (person),
    CONSTRAINT uq_accounts_invitation UNIQUE (invitation)
);
CREATE TABLE sign_in_attempts (
    key TEXT NOT NULL,
    person TEXT NOT NULL,
    failures INTEGER NOT NULL,
    last_at {instant} NOT NULL,
    locked_until {instant},
    CONSTRAINT pk_sign_in_attempts PRIMARY KEY (key)
);
CREATE INDEX ix_sign_in_attempts_strangers ON sign_in_attempts (last_at) WHERE person = '';
CREATE TABLE sessions (
    hash {bytes} NOT NULL,
    person TEXT NOT NULL,
    begun_at {instant} NOT NULL,
    seen_at {instant} NOT NULL,
    expires_at {instant} NOT NULL,
    proved_at {instant},
    pending BOOLEAN NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (hash)
);
CREATE INDEX ix_sessions_person ON sessions (person);
CREATE TABLE api_tokens (
    id TEXT NOT NULL,
    person TEXT NOT NULL,
    scopes TEXT NOT NULL,
    hash {bytes} NOT NULL,
    made_at {instant} NOT NULL,
    made_by TEXT NOT NULL,
    expires_at {instant} NOT NULL,
    revoked_at {instant},
    CONSTRAINT pk_api_tokens PRIMARY KEY (id)
)
"""
TYPES = {
    "sqlite": {"instant": "VARCHAR(27)", "bytes": "BLOB"},
    "postgresql": {"instant": "TIMESTAMP WITH TIME ZONE", "bytes": "BYTEA"},
}


def upgrade() -> None:
    """Add the tables."""
    connection = op.get_bind()
    for statement in ACCOUNTS.format(**TYPES[connection.dialect.name]).split(";"):
        connection.exec_driver_sql(statement)
