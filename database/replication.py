"""Read rows that a failover to a synchronous standby must not lose."""

from typing import Any, TypeVar

from django.db import connections, transaction
from django.db.models import Func, Model, QuerySet, TextField

Row = TypeVar("Row", bound=Model)

# A message in the WAL that nobody reads. It can't be written on a standby, where nothing waits.
MESSAGE = (
    "CASE WHEN current_setting('synchronous_standby_names') <> ''"
    " AND current_setting('transaction_read_only') = 'off'"
    " THEN pg_logical_emit_message(true, 'ledger', '') END"
)


def confirmed(rows: QuerySet[Row]) -> QuerySet[Any, Row]:
    """
    Let the commit of this transaction wait until the synchronous standbys have the rows it read.

    A row can be visible although no standby has it: if the wait of its own commit was canceled, or
    if the server crashed during that wait and came back. PostgreSQL lets only transactions wait
    that have written something, so this one writes a message for each row. A standby that has the
    message has everything before it. Without synchronous standbys nothing is written.
    """
    if connections[rows.db].vendor != "postgresql":
        return rows
    return rows.annotate(message=Func(template=MESSAGE, output_field=TextField()))


def read_confirmed(rows: QuerySet[Row]) -> list[Row]:
    """Return the rows, in a transaction of their own, once the synchronous standbys have them."""
    if connections[rows.db].vendor != "postgresql":
        return list(rows)
    with transaction.atomic(using=rows.db, durable=True):
        return list(confirmed(rows))
