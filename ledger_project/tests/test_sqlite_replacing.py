"""No unique key of the tables that keep history can be used to replace a row (SQLite)."""

import pytest
from django.db import connection
from django.db.models import UniqueConstraint

from accounts.models import Account, AccountChange
from events.models import Event
from transfers.approvals.models import Approval
from transfers.models import LedgerEntry, Transfer

# An EXTERNAL account has the id of its currency, and a new approval has no transfer.
IMPLIED = {(Account, ("currency",)), (Approval, ("transfer_id",))}


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Account, AccountChange, Transfer, LedgerEntry, Event, Approval])
def test_every_unique_key_is_in_the_guard_of_its_table(model):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = %s AND name LIKE '%%_refuse_replace'",
            [model._meta.db_table],
        )
        [(guard,)] = cursor.fetchall()
    keys = {(field.column,) for field in model._meta.concrete_fields if field.unique}
    for constraint in model._meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            keys.add(tuple(model._meta.get_field(name).column for name in constraint.fields))

    for key in keys:
        assert (model, key) in IMPLIED or " AND ".join(
            f"{column} = NEW.{column}" for column in key
        ) in guard
    # A key of text leaves the table its rowid.
    assert "rowid = NEW.rowid" in guard or model._meta.pk.get_internal_type() == "BigAutoField"
