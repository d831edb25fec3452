"""
PostgreSQL's catalog compared with the models.

Two conditions are the same if PostgreSQL plans them to the same expression. So that no wording of
ours, of Django's or of a release of PostgreSQL counts, it is asked to explain both, side by side:
that reads nothing of the table, and can be done on a standby and by a role that may only read.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from audit.protection.expected import Problem, Table, default_problem
from transfers import guards

RELATIONS = """
SELECT relation.relname::text, relation.oid,
    concat_ws(', ',
        CASE WHEN relkind <> 'r' THEN 'it is not an ordinary table' END,
        CASE WHEN relpersistence <> 'p' THEN 'it is not kept through a crash' END,
        CASE WHEN relrowsecurity THEN 'row-level security hides rows of it' END,
        CASE WHEN EXISTS (SELECT FROM pg_inherits WHERE inhparent = relation.oid)
            THEN 'another table inherits from it' END,
        (SELECT string_agg('the rule ' || rulename, ', ') FROM pg_rewrite
            WHERE ev_class = relation.oid AND relkind = 'r'),
        (SELECT string_agg('the trigger ' || tgname, ', ') FROM pg_trigger
            WHERE tgrelid = relation.oid AND NOT tgisinternal AND tgenabled <> 'D'
            AND tgname <> ALL (%(guards)s))
    ) AS between
FROM pg_class relation JOIN pg_namespace space ON space.oid = relnamespace
WHERE quote_ident(nspname) = %(schema)s AND relname = ANY (%(tables)s)
"""
COLUMNS = """
SELECT attname::text, atttypid, atttypmod, atthasdef, attnotnull AND NOT EXISTS (
    -- From PostgreSQL 18 on, NOT NULL may be promised of new rows alone.
    SELECT FROM pg_constraint
    WHERE conrelid = attrelid AND conkey = ARRAY[attnum] AND contype = 'n' AND NOT convalidated)
FROM pg_attribute WHERE attrelid = %(table)s AND attnum > 0 AND NOT attisdropped
"""
CHECKS = """
SELECT conname::text, convalidated, pg_get_expr(conbin, conrelid)
FROM pg_constraint WHERE conrelid = %(table)s AND contype = 'c'
"""
# A foreign key works by triggers on both of its tables, which can be switched off with the others.
REFERENCES = """
SELECT attname::text, target.relname::text
FROM pg_constraint held
JOIN pg_attribute ON attrelid = conrelid AND ARRAY[attnum] = conkey
JOIN pg_class target ON target.oid = confrelid
JOIN pg_index ON indrelid = confrelid AND indisprimary AND ARRAY[indkey[0]] = confkey
WHERE conrelid = %(table)s AND contype = 'f' AND convalidated
    AND confdeltype IN ('a', 'r') AND confupdtype IN ('a', 'r')
    AND NOT EXISTS (
        SELECT FROM pg_trigger WHERE tgconstraint = held.oid AND tgenabled NOT IN ('O', 'A'))
"""
UNIQUES = """
SELECT ARRAY(
        SELECT attname::text FROM pg_attribute
        WHERE attrelid = indrelid AND attnum = ANY ((indkey::int2[])[0:indnkeyatts - 1])),
    coalesce(pg_get_expr(indpred, indrelid), '')
FROM pg_index
WHERE indrelid = %(table)s AND indisunique AND indexprs IS NULL
    AND indisvalid AND indisready AND indimmediate
"""
# Of this connection, and of all that a role or the database begins.
REPLICATION_ROLE = """
SELECT 'this connection' WHERE current_setting('session_replication_role') = 'replica'
UNION ALL
SELECT coalesce('the role ' || rolname, 'the database')
FROM pg_db_role_setting LEFT JOIN pg_roles ON pg_roles.oid = setrole
WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND 'session_replication_role=replica' = ANY (setconfig)
"""


def problems(connection: BaseDatabaseWrapper, tables: list[Table]) -> Iterator[Problem]:
    """Yield what the schema of the ledger lacks, or has too much."""
    schema = guards.schema_of(connection)
    with guards.own_names_only(connection) as cursor:
        yield from _of_settings(cursor)
        names = [table.name for table in tables]
        given = {"schema": schema, "tables": names, "guards": guards.names(connection)}
        cursor.execute(RELATIONS, given)
        relations = {name: (oid, between) for name, oid, between in cursor.fetchall()}
        for table in tables:
            if table.name not in relations:
                yield "schema_has_every_column", table.name, "the table is missing"
                continue
            oid, between = relations[table.name]
            if between:
                yield "schema_has_nothing_in_between", table.name, between
            columns = list(_of_columns(cursor, oid, table))
            yield from columns
            yield from _of_references(cursor, oid, table)
            if not columns:  # Else their conditions may not even be asked about.
                yield from _of_conditions(cursor, oid, table, f"{schema}.{table.name}")


def _of_settings(cursor: Any) -> Iterator[Problem]:
    cursor.execute(REPLICATION_ROLE)
    for (whose,) in cursor.fetchall():
        problem = "session_replication_role is replica: no guard and no foreign key speaks"
        yield "schema_is_enforced", whose, problem


def _of_columns(cursor: Any, oid: int, table: Table) -> Iterator[Problem]:
    cursor.execute(COLUMNS, {"table": oid})
    found = {name: of_column for name, *of_column in cursor.fetchall()}
    cursor.execute(
        "SELECT kind::regtype::oid FROM unnest(%s::text[]) WITH ORDINALITY wanted (kind, place)"
        " ORDER BY place",
        [[kind for kind, *_ in table.columns.values()]],
    )
    types = [kind for (kind,) in cursor.fetchall()]
    for (name, (kind, nullable, has_default)), type_ in zip(
        table.columns.items(), types, strict=True
    ):
        subject = f"{table.name}.{name}"
        if name not in found:
            yield "schema_has_every_column", subject, "the column is missing"
            continue
        found_type, modifier, found_default, is_required = found[name]
        if (found_type, modifier) != (type_, _modifier(kind)):
            yield "schema_has_every_column", subject, f"the column is not of the type {kind}"
        if not is_required and not nullable:
            yield "schema_has_every_column", subject, "NOT NULL is missing or not validated"
        if found_default != has_default:
            yield "schema_has_every_column", subject, default_problem(has_default)


def _modifier(kind: str) -> int:
    """Return what PostgreSQL keeps of the 20 in ``varchar(20)``: 4 bytes of a head beside it."""
    length = re.search(r"\((\d+)\)", kind)
    return int(length[1]) + 4 if length else -1


def _of_references(cursor: Any, oid: int, table: Table) -> Iterator[Problem]:
    cursor.execute(REFERENCES, {"table": oid})
    found = set(cursor.fetchall())
    for column, target in table.references.items():
        if (column, target) not in found:
            problem = f"the foreign key to {target} is missing, not validated, altered or off"
            yield "schema_has_every_constraint", f"{table.name}.{column}", problem


def _of_conditions(cursor: Any, oid: int, table: Table, relation: str) -> Iterator[Problem]:
    cursor.execute(CHECKS, {"table": oid})
    checks = cursor.fetchall()
    cursor.execute(UNIQUES, {"table": oid})
    uniques = cursor.fetchall()
    plain = _planned(
        cursor,
        relation,
        {
            *table.checks.values(),
            *(sql for _, _, sql in checks),
            *(sql for _, sql in table.uniques.values() if sql),
            *(sql for _, sql in uniques if sql),
        },
    )
    valid = {plain[sql] for _, is_valid, sql in checks if is_valid}
    there = {name for name, _, _ in checks}
    for name, sql in table.checks.items():
        if plain[sql] not in valid:
            state = "is not validated, or has another condition" if name in there else "is missing"
            yield "schema_has_every_constraint", f"{table.name}.{name}", f"the CHECK {state}"
    keys = {(frozenset(columns), sql and plain[sql]) for columns, sql in uniques}
    for name, (columns, sql) in table.uniques.items():
        if (columns, sql and plain[sql]) not in keys:
            problem = "the unique key is missing, not valid, deferrable or altered"
            yield "schema_has_every_constraint", f"{table.name}.{name}", problem


def _planned(cursor: Any, relation: str, conditions: set[str]) -> dict[str, str]:
    """Return what PostgreSQL makes of each condition on rows of ``relation``."""
    if not conditions:
        return {}
    each = sorted(conditions)
    columns = ", ".join(f"({sql})" for sql in each)
    cursor.execute(f"EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) SELECT {columns} FROM {relation}")
    [plan] = cursor.fetchone()
    [explained] = json.loads(plan) if isinstance(plan, str) else plan
    return dict(zip(each, explained["Plan"]["Output"], strict=True))
