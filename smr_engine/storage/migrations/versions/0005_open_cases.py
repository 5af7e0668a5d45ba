"""The open cases of a severity are found, counted and paged by one index."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OPEN = (
    "DROP INDEX ix_cases_live",
    """
    CREATE INDEX ix_cases_live ON cases (digest, severity, opened_at, ref)
    WHERE status IN ('open', 'held')
    """,
)


def upgrade() -> None:
    """Make the index anew: it held nothing but the status before."""
    for statement in OPEN:
        op.get_bind().exec_driver_sql(statement)
