"""The first tables, and the triggers that trip whoever edits the log.

The SQL is written out, because what a migration makes must not change when the program does. The
triggers are tripwires, not the proof: whoever may write the database may also drop them.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LOG = """
CREATE TABLE events (
    seq {number} NOT NULL,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    at {instant} NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    on_behalf_of TEXT NOT NULL,
    roles TEXT NOT NULL,
    assurance TEXT NOT NULL,
    door TEXT NOT NULL,
    path TEXT NOT NULL,
    item TEXT,
    document TEXT,
    command_key TEXT,
    leaf {bytes} NOT NULL,
    leaf_hash {bytes} NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (seq),
    CONSTRAINT uq_events_stream_version UNIQUE (stream, version)
);
CREATE UNIQUE INDEX uq_events_command_key ON events (command_key) WHERE command_key IS NOT NULL;
CREATE UNIQUE INDEX uq_events_decision ON events (item, actor) WHERE kind = 'DecisionRecorded';
CREATE TABLE contents (
    event_seq {number} NOT NULL,
    subject TEXT NOT NULL,
    salt {bytes} NOT NULL,
    value {bytes} NOT NULL,
    CONSTRAINT pk_contents PRIMARY KEY (event_seq, subject),
    CONSTRAINT fk_contents_event_seq FOREIGN KEY(event_seq) REFERENCES events (seq)
);
CREATE TABLE streams (
    stream TEXT NOT NULL,
    events INTEGER NOT NULL,
    head {bytes} NOT NULL,
    CONSTRAINT pk_streams PRIMARY KEY (stream)
)
"""

CASES = """
CREATE TABLE cases (
    ref TEXT NOT NULL,
    playbook TEXT NOT NULL,
    playbook_version TEXT NOT NULL,
    digest TEXT NOT NULL,
    title TEXT NOT NULL,
    severity TEXT,
    status TEXT NOT NULL,
    outcome TEXT,
    requester TEXT NOT NULL,
    drill BOOLEAN NOT NULL,
    parent TEXT NOT NULL,
    opened_at {instant} NOT NULL,
    closed_at {instant},
    events INTEGER NOT NULL,
    head {bytes} NOT NULL,
    header TEXT NOT NULL,
    root TEXT NOT NULL,
    CONSTRAINT pk_cases PRIMARY KEY (ref)
);
CREATE INDEX ix_cases_live ON cases (status) WHERE status IN ('open', 'held');
CREATE INDEX ix_cases_opened_at ON cases (opened_at, ref);
CREATE INDEX ix_cases_parent ON cases (parent) WHERE parent <> '';
CREATE TABLE scopes (
    case_ref TEXT NOT NULL,
    path TEXT NOT NULL,
    state TEXT NOT NULL,
    CONSTRAINT pk_scopes PRIMARY KEY (case_ref, path),
    CONSTRAINT fk_scopes_case_ref FOREIGN KEY(case_ref) REFERENCES cases (ref)
);
CREATE TABLE items (
    id TEXT NOT NULL,
    case_ref TEXT NOT NULL,
    scope TEXT NOT NULL,
    kind TEXT NOT NULL,
    step TEXT NOT NULL,
    path TEXT NOT NULL,
    round INTEGER NOT NULL,
    title TEXT NOT NULL,
    status TEXT NOT NULL,
    opened_at {instant} NOT NULL,
    due_at {instant},
    offered TEXT NOT NULL,
    escalated TEXT NOT NULL,
    subject TEXT NOT NULL,
    bundle_digest TEXT NOT NULL,
    holds BOOLEAN NOT NULL,
    outcome TEXT NOT NULL,
    closed_by TEXT NOT NULL,
    CONSTRAINT pk_items PRIMARY KEY (id),
    CONSTRAINT fk_items_case_ref FOREIGN KEY(case_ref) REFERENCES cases (ref)
);
CREATE INDEX ix_items_case_ref ON items (case_ref);
CREATE INDEX ix_items_open ON items (due_at) WHERE status = 'open';
CREATE TABLE item_people (
    person TEXT NOT NULL,
    item TEXT NOT NULL,
    CONSTRAINT pk_item_people PRIMARY KEY (person, item),
    CONSTRAINT fk_item_people_item FOREIGN KEY(item) REFERENCES items (id)
){compact}

"""

OWED = """
CREATE TABLE timers (
    id TEXT NOT NULL,
    case_ref TEXT NOT NULL,
    scope TEXT NOT NULL,
    at {instant} NOT NULL,
    purpose TEXT NOT NULL,
    item TEXT NOT NULL,
    CONSTRAINT pk_timers PRIMARY KEY (id),
    CONSTRAINT fk_timers_case_ref FOREIGN KEY(case_ref) REFERENCES cases (ref)
);
CREATE INDEX ix_timers_at ON timers (at);
CREATE INDEX ix_timers_case_ref ON timers (case_ref);
CREATE TABLE effects (
    id TEXT NOT NULL,
    case_ref TEXT NOT NULL,
    scope TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    leg INTEGER NOT NULL,
    "after" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    account TEXT NOT NULL,
    digest TEXT NOT NULL,
    owed_at {instant} NOT NULL,
    not_before {instant},
    due_at {instant},
    attempts INTEGER NOT NULL,
    retry_attempts INTEGER NOT NULL,
    backoff_s INTEGER NOT NULL,
    timeout_s INTEGER NOT NULL,
    CONSTRAINT pk_effects PRIMARY KEY (id),
    CONSTRAINT fk_effects_case_ref FOREIGN KEY(case_ref) REFERENCES cases (ref),
    CONSTRAINT uq_effects_key UNIQUE ("key")
);
CREATE INDEX ix_effects_case_ref ON effects (case_ref);
CREATE INDEX ix_effects_due ON effects (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE leases (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    expires_at {instant} NOT NULL,
    CONSTRAINT pk_leases PRIMARY KEY (kind, id)
){compact};
CREATE TABLE counters (
    prefix TEXT NOT NULL,
    year INTEGER NOT NULL,
    n INTEGER NOT NULL,
    CONSTRAINT pk_counters PRIMARY KEY (prefix, year)
)
"""

REGISTERS = """
CREATE TABLE playbooks (
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    title TEXT NOT NULL,
    source {bytes} NOT NULL,
    registered_at {instant} NOT NULL,
    shipped BOOLEAN NOT NULL,
    CONSTRAINT pk_playbooks PRIMARY KEY (digest)
);
CREATE TABLE directory (
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    data TEXT NOT NULL,
    at {instant} NOT NULL,
    CONSTRAINT pk_directory PRIMARY KEY (version)
);
CREATE TABLE schedules (
    id TEXT NOT NULL,
    playbook TEXT NOT NULL,
    rrule TEXT NOT NULL,
    at TEXT NOT NULL,
    timezone TEXT NOT NULL,
    dtstart {instant} NOT NULL,
    missed TEXT NOT NULL,
    source TEXT NOT NULL,
    created_by TEXT NOT NULL,
    added_at {instant} NOT NULL,
    inputs TEXT NOT NULL,
    removed_at {instant},
    CONSTRAINT pk_schedules PRIMARY KEY (id)
);
CREATE TABLE schedule_runs (
    schedule TEXT NOT NULL,
    due {instant} NOT NULL,
    decision TEXT NOT NULL,
    case_ref TEXT NOT NULL,
    CONSTRAINT pk_schedule_runs PRIMARY KEY (schedule, due),
    CONSTRAINT fk_schedule_runs_schedule FOREIGN KEY(schedule) REFERENCES schedules (id)
)
"""

TYPES = {
    "sqlite": {
        "number": "INTEGER",  # the only spelling that makes it the row number
        "instant": "VARCHAR(27)",
        "bytes": "BLOB",
        "compact": " WITHOUT ROWID",
    },
    "postgresql": {
        "number": "BIGINT",
        "instant": "TIMESTAMP WITH TIME ZONE",
        "bytes": "BYTEA",
        "compact": "",
    },
}

# INSERT OR REPLACE deletes the row in its way without firing a trigger on DELETE. So whatever would
# be in the way of any unique key is refused before.
SQLITE = (
    """CREATE TRIGGER events_no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END""",
    """CREATE TRIGGER events_no_delete BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END""",
    """CREATE TRIGGER events_at_the_end BEFORE INSERT ON events
    WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM events)
    BEGIN SELECT RAISE(ABORT, 'events are only added at the end'); END""",
    """CREATE TRIGGER events_at_the_end_of_their_stream BEFORE INSERT ON events
    WHEN NEW.version IS NOT
        (SELECT coalesce(max(version), 0) + 1 FROM events WHERE stream = NEW.stream)
    BEGIN SELECT RAISE(ABORT, 'events are only added at the end of their stream'); END""",
    """CREATE TRIGGER events_one_per_command_key BEFORE INSERT ON events
    WHEN EXISTS (SELECT 1 FROM events WHERE command_key = NEW.command_key)
    BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: events.command_key'); END""",
    """CREATE TRIGGER events_one_decision_each BEFORE INSERT ON events
    WHEN NEW.kind = 'DecisionRecorded' AND EXISTS (SELECT 1 FROM events
        WHERE kind = 'DecisionRecorded' AND item = NEW.item AND actor = NEW.actor)
    BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: events.item, events.actor'); END""",
    """CREATE TRIGGER contents_no_update BEFORE UPDATE ON contents
    BEGIN SELECT RAISE(ABORT, 'contents are erased or left as they are'); END""",
    """CREATE TRIGGER contents_no_replace BEFORE INSERT ON contents
    WHEN EXISTS (SELECT 1 FROM contents
        WHERE event_seq = NEW.event_seq AND subject = NEW.subject)
    BEGIN SELECT RAISE(ABORT, 'contents are erased or left as they are'); END""",
)

# ALWAYS: session_replication_role = replica skips ordinary triggers.
POSTGRESQL = (
    "CREATE SEQUENCE events_seq AS bigint OWNED BY events.seq",
    """CREATE FUNCTION smr_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE USING MESSAGE = lower(TG_OP) || ' of ' || TG_TABLE_NAME || ' is refused'; END $$""",
    """CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION smr_refuse()""",
    "ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only",
    """CREATE TRIGGER contents_never_changed BEFORE UPDATE OR TRUNCATE ON contents
    FOR EACH STATEMENT EXECUTE FUNCTION smr_refuse()""",
    "ALTER TABLE contents ENABLE ALWAYS TRIGGER contents_never_changed",
    """CREATE FUNCTION smr_wake() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_notify('smr_wake', ''); RETURN NULL; END $$""",
    """CREATE TRIGGER timers_wake AFTER INSERT ON timers
    FOR EACH STATEMENT EXECUTE FUNCTION smr_wake()""",
    """CREATE TRIGGER effects_wake AFTER INSERT ON effects
    FOR EACH STATEMENT EXECUTE FUNCTION smr_wake()""",
    """CREATE TRIGGER effects_wake_again AFTER UPDATE ON effects
    FOR EACH ROW WHEN (NEW.due_at IS DISTINCT FROM OLD.due_at AND NEW.due_at IS NOT NULL)
    EXECUTE FUNCTION smr_wake()""",
)


def upgrade() -> None:
    """Make everything."""
    connection = op.get_bind()
    name = connection.dialect.name
    for tables in (LOG, CASES, OWED, REGISTERS):
        for statement in tables.format(**TYPES[name]).split(";"):
            connection.exec_driver_sql(statement)
    for statement in SQLITE if name == "sqlite" else POSTGRESQL:
        connection.exec_driver_sql(statement)
