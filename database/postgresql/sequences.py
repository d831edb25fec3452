"""Sequences that are behind the ids of their tables, as after a copy of the rows alone."""

from django.db.backends.base.base import BaseDatabaseWrapper

# Each column of these tables whose ids come from a sequence. A table that isn't there has none.
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
    Let each sequence go on after the largest id of its table; return the tables that needed it.

    Logical replication copies rows and not sequences, and the next insert would take an id that is
    taken. None is set back: an id is not given out twice, also if its row is gone.
    """
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
