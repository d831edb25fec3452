"""
Compare the CHECKs, unique keys and foreign keys in the catalog of PostgreSQL with the models.

Two conditions are the same if PostgreSQL plans them as the same expression. An EXPLAIN of both
shows that, however Django or a release of PostgreSQL words them. It reads no rows, and works on a
standby and for a role that may only read.
"""

import json
from collections.abc import Iterator
from typing import Any

from audit.protection.expected import (
    UNKNOWN_CHECK,
    UNKNOWN_KEY,
    UNKNOWN_REFERENCE,
    Problem,
    Table,
    refuses_more,
)
from audit.protection.implied import is_implied
from audit.protection.new_rows import NewRows, Refused

CHECKS = """
SELECT conname::text, convalidated, pg_get_expr(conbin, conrelid),
    -- From PostgreSQL 18 on, a CHECK may be NOT ENFORCED.
    coalesce((to_jsonb(pg_constraint) ->> 'conenforced')::boolean, true)
FROM pg_constraint WHERE conrelid = %(table)s AND contype = 'c'
"""
# PostgreSQL enforces a foreign key by triggers on both tables, which can be disabled.
REFERENCES = """
SELECT conname::text, ARRAY(
        SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey)),
    target.relname::text,
    confdeltype IN ('a', 'r') AND confupdtype IN ('a', 'r'),
    convalidated AND EXISTS (
        SELECT FROM pg_index
        WHERE indrelid = confrelid AND indisprimary AND ARRAY[indkey[0]] = confkey)
    AND NOT EXISTS (
        SELECT FROM pg_trigger WHERE tgconstraint = held.oid AND tgenabled NOT IN ('O', 'A')),
    format('EXISTS (SELECT FROM %%s target WHERE (%%s) = (%%s))', confrelid::regclass,
        (SELECT string_agg(format('target.%%I', attname), ', ' ORDER BY place)
            FROM unnest(confkey) WITH ORDINALITY keys (number, place)
            JOIN pg_attribute ON attrelid = confrelid AND attnum = number),
        (SELECT string_agg(format('fresh.%%I', attname), ', ' ORDER BY place)
            FROM unnest(conkey) WITH ORDINALITY keys (number, place)
            JOIN pg_attribute ON attrelid = conrelid AND attnum = number))
FROM pg_constraint held JOIN pg_class target ON target.oid = confrelid
WHERE conrelid = %(table)s AND contype = 'f'
"""
# From PostgreSQL 15 on, a unique key may treat two NULLs as equal (NULLS NOT DISTINCT).
UNIQUES = """
SELECT relname::text, ARRAY(
        SELECT attname::text FROM pg_attribute
        WHERE attrelid = indrelid AND attnum = ANY ((indkey::int2[])[0:indnkeyatts - 1])),
    coalesce(pg_get_expr(indpred, indrelid), ''),
    indisvalid AND indisready AND indimmediate AND indexprs IS NULL,
    -- Whether it also refuses rows whose columns aren't equal.
    indisexclusion OR of_all_nulls OR EXISTS (
        SELECT FROM pg_collation
        WHERE pg_collation.oid = ANY (indcollation) AND NOT collisdeterministic),
    of_all_nulls,
    ARRAY(SELECT pg_get_indexdef(indexrelid, place, false)
        FROM generate_series(1, indnkeyatts) place)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
CROSS JOIN LATERAL (
    SELECT coalesce((to_jsonb(pg_index) ->> 'indnullsnotdistinct')::boolean, false) AS of_all_nulls
) nulls
WHERE indrelid = %(table)s AND (indisunique OR indisexclusion)
"""


def of_references(cursor: Any, oid: int, table: Table, new: NewRows) -> Iterator[Problem]:
    cursor.execute(REFERENCES, {"table": oid})
    found = cursor.fetchall()
    whole = {
        (columns[0], target)
        for _, columns, target, keeps, holds, _ in found
        if keeps and holds and len(columns) == 1
    }
    reported = {each for each in table.references.items() if each not in whole}
    for column, target in sorted(reported):
        problem = f"the foreign key to {target} is missing, altered, not validated or disabled"
        yield "schema_has_every_constraint", f"{table.name}.{column}", problem
    for name, columns, target, keeps, _, exists in found:
        key = columns[0], target
        is_wanted = len(columns) == 1 and key in table.references.items()
        if (is_wanted and key in reported) or (is_wanted and keeps):
            continue
        # A foreign key on columns that the models don't have only matters if it changes rows, or
        # refuses their defaults.
        is_ours = not new.columns.keys() >= set(columns)
        if not keeps or is_ours or not new.meet_reference(columns, exists):
            subject = f"{table.name}.{name}"
            yield "schema_has_every_constraint", subject, UNKNOWN_REFERENCE


def of_conditions(
    cursor: Any, oid: int, table: Table, relation: str, new: NewRows
) -> Iterator[Problem]:
    cursor.execute(CHECKS, {"table": oid})
    checks = cursor.fetchall()
    cursor.execute(UNIQUES, {"table": oid})
    uniques = cursor.fetchall()
    plain = planned(
        new,
        relation,
        {
            *table.checks.values(),
            *(sql for _, _, sql, _ in checks),
            *(sql for _, sql in table.uniques.values() if sql),
            *(sql for _, _, sql, *_ in uniques if sql),
        },
    )
    yield from _of_checks(checks, table, plain, new)
    yield from _of_uniques(uniques, table, plain, new)


def _of_checks(
    checks: list[Any], table: Table, plain: dict[str, str], new: NewRows
) -> Iterator[Problem]:
    valid = {plain[sql] for _, is_valid, sql, _ in checks if is_valid}
    there = {name for name, *_ in checks}
    reported = set()
    for name, sql in table.checks.items():
        if plain[sql] not in valid:
            reported.add(name)
            state = "isn't validated or has another condition" if name in there else "is missing"
            yield "schema_has_every_constraint", f"{table.name}.{name}", f"the CHECK {state}"
    wanted = {plain[sql] for sql in table.checks.values()}
    for name, _, sql, is_enforced in checks:
        is_known = plain[sql] in wanted or name in reported or not is_enforced
        if not (is_known or new.pass_check(sql) or is_implied(sql, table, new)):
            yield "schema_has_every_constraint", f"{table.name}.{name}", UNKNOWN_CHECK


def _of_uniques(
    uniques: list[Any], table: Table, plain: dict[str, str], new: NewRows
) -> Iterator[Problem]:
    keys = {
        (frozenset(columns), sql and plain[sql])
        for _, columns, sql, is_whole, is_stricter, *_ in uniques
        if is_whole and not is_stricter
    }
    wanted = {(columns, sql and plain[sql]) for columns, sql in table.uniques.values()}
    reported = set()
    for name, (columns, sql) in table.uniques.items():
        if (columns, sql and plain[sql]) not in keys:
            reported.add(name)
            problem = "the unique key is missing, altered, not valid or deferrable"
            yield "schema_has_every_constraint", f"{table.name}.{name}", problem
    for name, columns, sql, _, is_stricter, nulls_are_equal, parts in uniques:
        key = frozenset(columns), sql and plain[sql]
        is_harmless = not is_stricter and (key in wanted or not refuses_more(key[0], table))
        if name in reported or is_harmless:
            continue
        if not new.never_conflict(parts, sql, nulls_are_equal):
            yield "schema_has_every_constraint", f"{table.name}.{name}", UNKNOWN_KEY


def planned(new: NewRows, relation: str, expressions: set[str]) -> dict[str, str]:
    """
    Return what PostgreSQL plans for each expression on the columns of ``relation``, or on none.

    An expression that can't be planned, such as ``1 / 0``, is returned as it is.
    """
    if not expressions:
        return {}
    each = sorted(expressions)
    columns = ", ".join(f"({sql})" for sql in each)
    # Not from the table itself, because of a distributed one Citus shows no expressions.
    source = f"FROM unnest('{{}}'::{relation}[]) AS stored" if relation else ""
    query = f"EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) SELECT {columns} {source}"
    try:
        found = new.fetch(query)
    except Refused:
        found = None
    if found is None:
        if len(each) == 1:
            return {each[0]: each[0]}
        return {sql: plan for one in each for sql, plan in planned(new, relation, {one}).items()}
    [[plan]] = found
    [explained] = json.loads(plan) if isinstance(plan, str) else plan
    return dict(zip(each, explained["Plan"]["Output"], strict=True))
