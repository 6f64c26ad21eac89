"""Index the text that a search for cases looks into by its runs of three letters, so that a search reads few cases."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20261130n"
down_revision = "20261130m"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Built in, so that no extension is needed: many services may not create one. The spaces at the end let a run of one or
# two letters be found as the beginning of one of three.
POSTGRESQL = """
CREATE OR REPLACE FUNCTION accord_runs(searched text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_to_tsvector(array_agg(DISTINCT substr(searched || '  ', place, 3)))
    FROM generate_series(1, greatest(length(searched), 1)) AS place
$$
"""
# A row of `cases` has no number that stays, so `case_search_ids` gives it one. The triggers keep all three tables.
SQLITE = (
    "CREATE TABLE case_search_ids (number INTEGER PRIMARY KEY, case_id CHAR(32) NOT NULL UNIQUE)",
    """
    CREATE VIRTUAL TABLE case_search USING fts5(
        searched, content='', detail='none', tokenize='trigram case_sensitive 1'
    )
    """,
    "CREATE VIRTUAL TABLE case_search_runs USING fts5vocab('case_search', 'row')",
    """
    CREATE TRIGGER case_search_insert AFTER INSERT ON cases BEGIN
        INSERT INTO case_search_ids (case_id) VALUES (new.id);
        INSERT INTO case_search (rowid, searched)
            SELECT number, new.search || '  ' FROM case_search_ids WHERE case_id = new.id;
    END
    """,
    """
    CREATE TRIGGER case_search_update AFTER UPDATE OF search ON cases WHEN old.search <> new.search BEGIN
        INSERT INTO case_search (case_search, rowid, searched)
            SELECT 'delete', number, old.search || '  ' FROM case_search_ids WHERE case_id = new.id;
        INSERT INTO case_search (rowid, searched)
            SELECT number, new.search || '  ' FROM case_search_ids WHERE case_id = new.id;
    END
    """,
    """
    CREATE TRIGGER case_search_delete AFTER DELETE ON cases BEGIN
        INSERT INTO case_search (case_search, rowid, searched)
            SELECT 'delete', number, old.search || '  ' FROM case_search_ids WHERE case_id = old.id;
        DELETE FROM case_search_ids WHERE case_id = old.id;
    END
    """,
    "INSERT INTO case_search_ids (case_id) SELECT id FROM cases",
    """
    INSERT INTO case_search (rowid, searched)
        SELECT number, search || '  ' FROM case_search_ids JOIN cases ON cases.id = case_search_ids.case_id
    """,
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(POSTGRESQL)
        op.create_index("ix_cases_search", "cases", [sa.text("accord_runs(search)")], postgresql_using="gin")
    else:
        for statement in SQLITE:
            op.execute(statement)
