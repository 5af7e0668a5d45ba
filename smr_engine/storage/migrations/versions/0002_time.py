"""Time: when an open item expires, and the clocks of cases."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = """
ALTER TABLE items ADD COLUMN expires_at {instant};
CREATE TABLE clocks (
    case_ref TEXT NOT NULL,
    clock TEXT NOT NULL,
    title TEXT NOT NULL,
    status TEXT NOT NULL,
    due_at {instant},
    met_at {instant},
    CONSTRAINT pk_clocks PRIMARY KEY (case_ref, clock),
    CONSTRAINT fk_clocks_case_ref FOREIGN KEY(case_ref) REFERENCES cases (ref)
);
CREATE INDEX ix_clocks_running ON clocks (due_at) WHERE status = 'running'
"""
INSTANT = {"sqlite": "VARCHAR(27)", "postgresql": "TIMESTAMP WITH TIME ZONE"}


def upgrade() -> None:
    """Add the column and the table."""
    connection = op.get_bind()
    for statement in TIME.format(instant=INSTANT[connection.dialect.name]).split(";"):
        connection.exec_driver_sql(statement)
