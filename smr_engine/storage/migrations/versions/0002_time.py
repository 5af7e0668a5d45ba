"""When an open item expires: from then on it can no longer be answered."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = {"sqlite": "VARCHAR(27)", "postgresql": "TIMESTAMP WITH TIME ZONE"}


def upgrade() -> None:
    """Add the column."""
    connection = op.get_bind()
    instant = INSTANT[connection.dialect.name]
    connection.exec_driver_sql(f"ALTER TABLE items ADD COLUMN expires_at {instant}")
