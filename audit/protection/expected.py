"""What each table must have, derived from the models: there is no other list of it."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

# The apps whose tables are checked: the books, the approvals, the event log with its webhooks, the
# idempotency keys, and the service keys.
APPS = (
    *("accounts", "transfers", "approvals", "audit", "events", "webhooks", "idempotency"),
    "service_keys",
)

# Additions to the schema that refuse or change rows that the ledger writes.
UNKNOWN_COLUMN = "the models don't have this column, and it requires a value"
UNKNOWN_DEFAULT = "the models don't have this column, and its default is refused"
UNKNOWN_CHECK = "the models don't have this CHECK"
UNKNOWN_KEY = "the models don't have this unique key"
UNKNOWN_REFERENCE = "the models don't have this foreign key"

# The name of the failed check, the subject of the finding, and the problem.
Problem = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """What a table must have. Conditions are SQL without the surrounding parentheses."""

    name: str
    # For each column: its type, whether it may be NULL, and the SQL of its default or "".
    columns: dict[str, tuple[str, bool, str]]
    # The condition of each CHECK, by name.
    checks: dict[str, str]
    # The columns and the condition, or "", of each unique key, by name.
    uniques: dict[str, tuple[frozenset[str], str]]
    # The table that each foreign key refers to, by column.
    references: dict[str, str]
    # The columns whose values the database generates by counting.
    counted: frozenset[str]


def tables(connection: BaseDatabaseWrapper) -> list[Table]:
    """Return what each table of the ledger must have on this database."""
    return [
        _table(model, connection) for app in APPS for model in apps.get_app_config(app).get_models()
    ]


def counting_columns() -> dict[str, str]:
    """Return the column of each table whose values the database generates by counting."""
    return {
        model._meta.db_table: str(model._meta.pk.column)
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and model._meta.pk.get_internal_type().endswith("AutoField")
    }


def default_problem(wanted: str, found: str) -> str:
    """Return the problem of a column whose default is missing, altered or shouldn't exist."""
    if wanted:
        return "the column has another default" if found else "the default is missing"
    return "the column has a default"


def refuses_more(columns: frozenset[str], table: Table) -> bool:
    """
    Whether a unique key on ``columns`` of all rows refuses rows that the models allow.

    It doesn't if it contains all columns of a key of the models.
    """
    wanted = (key for key, condition in table.uniques.values() if not condition)
    return not any(key <= columns for key in wanted)


def _table(model: type[models.Model], connection: BaseDatabaseWrapper) -> Table:
    editor = connection.schema_editor()
    columns: dict[str, tuple[str, bool, str]] = {}
    checks: dict[str, str] = {}
    uniques: dict[str, tuple[frozenset[str], str]] = {}
    references: dict[str, str] = {}
    for field in model._meta.local_concrete_fields:
        column = _column(field)
        kind: Any = field.db_parameters(connection)
        columns[column] = kind["type"], field.null, _default(field, editor)
        if kind["check"]:
            checks[column] = kind["check"]
        if field.unique:
            uniques[column] = frozenset([column]), ""
        if field.remote_field and getattr(field, "db_constraint", True):
            references[column] = field.remote_field.model._meta.db_table
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.CheckConstraint):
            sql = str(constraint.constraint_sql(model, editor))
            checks[constraint.name] = sql.partition(" CHECK (")[2][:-1]
        elif isinstance(constraint, models.UniqueConstraint):
            condition = str(constraint.create_sql(model, editor)).partition(" WHERE ")[2]
            named = [_column(model._meta.get_field(name)) for name in constraint.fields]
            uniques[constraint.name] = frozenset(named), condition
    counted = frozenset(
        _column(field)
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.AutoField | models.BigAutoField)
    )
    return Table(model._meta.db_table, columns, checks, uniques, references, counted)


def _default(field: Any, editor: Any) -> str:
    if not field.has_db_default():
        return ""
    sql, parameters = editor.db_default_sql(field)
    if parameters:
        sql %= tuple(editor.quote_value(parameter) for parameter in parameters)
    # Neither database stores the parentheses around an expression.
    return sql[1:-1] if sql.startswith("(") else sql


def _column(field: Any) -> str:
    return field.column
