"""Open exercises are told from what is real by the index that finds open cases."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OPEN = (
    "DROP INDEX ix_cases_live",
    """
    CREATE INDEX ix_cases_live ON cases (digest, drill, severity, opened_at, ref)
    WHERE status IN ('open', 'held')
    """,
)


def upgrade() -> None:
    """Make the index anew."""
    for statement in OPEN:
        op.get_bind().exec_driver_sql(statement)
