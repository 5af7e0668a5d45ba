#!/bin/sh
# A role and a database for Prefect beside the cases' own: whoever has the one cannot read the other.
# PostgreSQL's image runs this once, in a shell of its own or in its own shell, so it sets no options.
psql --set ON_ERROR_STOP=1 --set password="${PREFECT_PASSWORD:?}" --username "$POSTGRES_USER" \
    --dbname "$POSTGRES_DB" --set cases="$POSTGRES_DB" <<'SQL'
CREATE ROLE prefect LOGIN PASSWORD :'password';
CREATE DATABASE prefect OWNER prefect;
REVOKE CONNECT ON DATABASE :"cases" FROM PUBLIC;
SQL
