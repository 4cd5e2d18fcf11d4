#!/bin/sh
# Run once by PostgreSQL's image: the role through which Superset reads, with the rights that migrations give it.
set -e
psql -v ON_ERROR_STOP=1 -v password="$READER_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
create role tidemark_reader login password :'password';
alter role tidemark_reader set default_transaction_read_only = on;
alter role tidemark_reader set statement_timeout = '30s';
SQL
