"""Advance sequences that are behind the ids of their tables, as after a logical replication."""

from django.db.backends.base.base import BaseDatabaseWrapper

from database import guards

# The columns of these tables whose values come from a sequence, and that sequence. Tables that
# don't exist are ignored.
SEQUENCES = """
    SELECT relname, attname, pg_get_serial_sequence(quote_ident(relname), attname)
    FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE relname = ANY(%s) AND relkind IN ('r', 'p') AND pg_table_is_visible(pg_class.oid)
        AND attnum > 0 AND NOT attisdropped
        AND pg_get_serial_sequence(quote_ident(relname), attname) IS NOT NULL
    ORDER BY relname
"""


def raise_sequences(connection: BaseDatabaseWrapper) -> list[str]:
    """
    Advance each sequence to the largest id of its table, and return the tables that needed it.

    Logical replication copies rows but not sequences, so the next insert would use an existing id.
    No sequence is set back, so that the id of a deleted row isn't used again. On Citus each node
    has a range of ids of its own, so nothing is advanced.
    """
    if guards.is_distributed(connection, guards.schema_of(connection)):
        return []
    tables = connection.introspection.django_table_names(include_views=False)
    tables.append("django_migrations")
    raised = []
    quoted = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(SEQUENCES, [tables])
        for table, column, sequence in cursor.fetchall():
            largest = f"max({quoted(column)})"
            cursor.execute(
                f"SELECT setval(%s::regclass, {largest}) FROM {quoted(table)}"
                f" HAVING {largest} > coalesce(pg_sequence_last_value(%s::regclass), 0)",
                [sequence, sequence],
            )
            if cursor.fetchone():
                raised.append(table)
    return raised
