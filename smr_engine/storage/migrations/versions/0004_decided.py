"""Who decided where and when is found without reading the log."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

DECIDED = """
CREATE INDEX ix_events_decided ON events (stream, at, actor, on_behalf_of, kind)
WHERE kind IN ('DecisionRecorded', 'GlassBroken')
"""


def upgrade() -> None:
    """Add the index."""
    op.get_bind().exec_driver_sql(DECIDED)
