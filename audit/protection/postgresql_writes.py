"""
What else can prevent the ledger from writing: privileges, ids that are used up, publications.

The privileges to read are here too, because one query asks for all of them.

Each is asked of the database, because a schema that has everything can still refuse every write.
(``sqlite`` finds used-up ids on SQLite. It has no privileges and no publications.)
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper

from audit.protection.expected import Problem, counting_columns
from database import guards
from transfers import writing

CHECK = "schema_takes_writes"

# What the API writes to each table. It reads all tables. The grants in docs/databases.md allow this
# and what the admin and the commands write.
WRITTEN = {
    "accounts_account": ("INSERT", "UPDATE"),
    "accounts_accountchange": ("INSERT",),
    "transfers_transfer": ("INSERT",),
    "transfers_ledgerentry": ("INSERT",),
    "approvals_approval": ("INSERT", "UPDATE"),
    "idempotency_idempotencykey": ("INSERT", "UPDATE"),
    "service_keys_servicekey": ("INSERT", "UPDATE"),
    "webhooks_endpoint": ("INSERT", "UPDATE", "DELETE"),
    "webhooks_delivery": ("INSERT", "UPDATE", "DELETE"),
    # For logins. The user is locked, which needs the privilege to update a column.
    "auth_user": ("UPDATE",),
    "ledger_project_knownnetwork": ("INSERT", "UPDATE", "DELETE"),
    "ledger_project_loginattempt": ("INSERT", "UPDATE", "DELETE"),
    "token_blacklist_blacklistedtoken": ("INSERT",),
    "token_blacklist_outstandingtoken": ("INSERT",),
}
# Guards insert into these with the rights of their owner.
WRITTEN_BY_GUARDS = {"events_event"}
# The columns of these tables that are updated, where a role may be limited to them.
UPDATED = {
    "accounts_account": (
        *(column for column in writing.ACCOUNT.columns if column != "id"),
        *("owner_name", "owner_name_folded", "status", "overdraft_limit", "metadata"),
    ),
    "approvals_approval": (
        *("status", "decided_by_id", "decided_at", "note", "transfer_id", "change_id"),
    ),
    "auth_user": ("last_login",),
    "idempotency_idempotencykey": (
        *("response_status", "response_headers", "response_body", "relied_on"),
    ),
    "service_keys_servicekey": ("last_used_at", "revoked_at", "revoked_by_id", "revoke_reason"),
}


class Privilege(NamedTuple):
    """A privilege on a table, such as ``INSERT``, or ``USAGE`` of a sequence."""

    table: str
    name: str


# An id that an identity column generates needs no privilege, neither on the column nor on the
# sequence.
PRIVILEGES = """
SELECT relation.relname::text, privilege
FROM unnest(%(tables)s::text[], %(columns)s::text[], %(privileges)s::text[])
    needed (called, field, privilege)
JOIN pg_class relation ON relname = called
JOIN pg_namespace space ON space.oid = relnamespace AND quote_ident(nspname) = %(schema)s
LEFT JOIN pg_attribute ON attrelid = relation.oid AND attname = field AND NOT attisdropped
WHERE CASE
    WHEN privilege = 'DELETE' THEN NOT has_table_privilege(relation.oid, privilege)
    WHEN privilege = 'INSERT' AND attidentity <> '' THEN false
    ELSE NOT has_column_privilege(relation.oid, attnum, privilege)
END
GROUP BY 1, 2
ORDER BY 1, 2
"""
# The sequences of columns that the models don't have, as after ADD COLUMN … bigserial.
USAGE = """
SELECT DISTINCT relation.relname::text, counter.relname::text
FROM pg_attrdef
JOIN pg_class relation ON relation.oid = adrelid
JOIN pg_namespace space ON space.oid = relation.relnamespace
JOIN pg_depend ON classid = 'pg_attrdef'::regclass AND objid = pg_attrdef.oid
    AND refclassid = 'pg_class'::regclass
JOIN pg_class counter ON counter.oid = refobjid
WHERE relation.relname = ANY (%(inserted)s) AND quote_ident(nspname) = %(schema)s
    AND CASE counter.relkind WHEN 'S' THEN NOT has_sequence_privilege(counter.oid, 'USAGE, UPDATE')
        ELSE false END
ORDER BY 1, 2
"""
# The last value is NULL if the sequence hasn't been used, or if the role may not read it.
USED_UP = """
SELECT relation.relname::text, attname::text
FROM pg_class relation
JOIN pg_namespace space ON space.oid = relnamespace
JOIN pg_attribute ON attrelid = relation.oid
JOIN pg_depend ON classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass
    AND refobjid = relation.oid AND refobjsubid = attnum AND deptype IN ('a', 'i')
JOIN pg_sequence ON seqrelid = objid
CROSS JOIN LATERAL (
    SELECT CASE WHEN has_sequence_privilege(seqrelid, 'USAGE, SELECT')
        THEN pg_sequence_last_value(seqrelid) END AS last
) used
WHERE relation.relname = ANY (%(counted)s) AND quote_ident(nspname) = %(schema)s AND NOT seqcycle
    AND CASE WHEN seqincrement > 0 THEN last > seqmax - seqincrement
        ELSE last < seqmin - seqincrement END
ORDER BY 1, 2
"""
# PostgreSQL refuses to update a row that it must publish, unless the replica identity of the table
# includes the columns of the publication's row filter and is included in its list of columns. From
# PostgreSQL 15 on, a publication may have either.
PUBLICATIONS = r"""
SELECT DISTINCT relation.relname::text, pub.pubname::text, command
FROM unnest(%(tables)s::text[], %(privileges)s::text[]) needed (called, command)
JOIN pg_class relation ON relname = called
JOIN pg_namespace space ON space.oid = relnamespace AND quote_ident(nspname) = %(schema)s
JOIN pg_publication_tables published ON tablename = relname AND schemaname = nspname
JOIN pg_publication pub ON pub.pubname = published.pubname
LEFT JOIN pg_publication_rel member ON prpubid = pub.oid AND prrelid = relation.oid
CROSS JOIN LATERAL (
    SELECT array_agg(attname::text) AS columns
    FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
    WHERE indrelid = relation.oid AND indisvalid
        AND CASE relreplident WHEN 'd' THEN indisprimary WHEN 'i' THEN indisreplident END
) identity
CROSS JOIN LATERAL (
    SELECT array_agg(attname::text) AS columns
    FROM pg_depend JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
    WHERE classid = 'pg_publication_rel'::regclass AND objid = member.oid
        AND refclassid = 'pg_class'::regclass AND refobjid = relation.oid
        -- The publication depends on the columns of its list in the same way.
        AND to_jsonb(published) ->> 'rowfilter' ~ format('\m%%s\M', attname)
) filtered
WHERE CASE command WHEN 'UPDATE' THEN pubupdate WHEN 'DELETE' THEN pubdelete END
    AND CASE relreplident
        WHEN 'f' THEN to_jsonb(member) ->> 'prattrs' IS NOT NULL
        ELSE identity.columns IS NULL
            OR NOT coalesce(filtered.columns, '{}') <@ identity.columns
            OR NOT identity.columns <@ ARRAY(
                SELECT jsonb_array_elements_text(coalesce(
                    to_jsonb(published) -> 'attnames', to_jsonb(identity.columns))))
    END
ORDER BY 1, 2
"""


def problems(connection: BaseDatabaseWrapper) -> Iterator[Problem]:
    """
    Yield what prevents the ledger from writing.

    Privileges are only reported for a role that may write some of it. A role that may only read
    can audit the ledger as well.
    """
    schema = guards.schema_of(connection)
    with guards.own_names_only(connection) as cursor:
        pairs = [Privilege(name, what) for name, each in WRITTEN.items() for what in each]
        lacking = _lacking(cursor, schema)
        if not set(pairs) <= set(lacking):
            for name, what in lacking:
                yield CHECK, name, f"the role of this connection lacks the privilege {what}"
        for name, column in _used_up(cursor, schema):
            yield CHECK, f"{name}.{column}", "its sequence is used up"
        names, commands = zip(*pairs, strict=True)
        given = {"schema": schema, "tables": list(names), "privileges": list(commands)}
        cursor.execute(PUBLICATIONS, given)
        for name, publication, command in cursor.fetchall():
            yield (
                CHECK,
                name,
                f"{command} fails, because the table's replica identity doesn't fit the "
                f"publication {publication}",
            )


def owns_tables(connection: BaseDatabaseWrapper) -> bool:
    """Return whether the role owns the table of transfers, or may act as its owner."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass(%s)",
            ["transfers_transfer"],
        )
        return cursor.fetchone() == (True,)


def lacking_privileges(connection: BaseDatabaseWrapper) -> list[Privilege]:
    """
    Return the privileges that the role of this connection lacks, those to read first.

    Tables and columns that don't exist are left out.
    """
    schema = guards.schema_of(connection)
    with guards.own_names_only(connection) as cursor:
        lacking = _lacking(cursor, schema)
    return sorted(lacking, key=lambda each: each.name != "SELECT")


def used_up_ids(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    """Return each table and column whose ids are used up, so that no row can be inserted."""
    schema = guards.schema_of(connection)
    with guards.own_names_only(connection) as cursor:
        return _used_up(cursor, schema)


def _used_up(cursor: Any, schema: str) -> list[tuple[str, str]]:
    cursor.execute(USED_UP, {"schema": schema, "counted": sorted(counting_columns())})
    return list(cursor.fetchall())


def _lacking(cursor: Any, schema: str) -> list[Privilege]:
    cursor.execute(PRIVILEGES, {"schema": schema, **_needed()})
    lacking = [Privilege(*row) for row in cursor.fetchall()]
    inserted = [name for name, privileges in WRITTEN.items() if "INSERT" in privileges]
    cursor.execute(USAGE, {"schema": schema, "inserted": inserted})
    for name, counter in cursor.fetchall():
        lacking.append(Privilege(name, f"USAGE of the sequence {counter}"))
    return lacking


@cache
def _needed() -> dict[str, list[str]]:
    """Return the tables, columns and privileges for ``PRIVILEGES``, each as a list."""
    needed = [
        (name, column, privilege)
        for name, columns in _columns().items()
        for privilege in ("SELECT", *WRITTEN.get(name, ()))
        for column in _of_privilege(name, privilege, columns)
    ]
    tables, fields, privileges = zip(*needed, strict=True)
    return {"tables": list(tables), "columns": list(fields), "privileges": list(privileges)}


def _of_privilege(name: str, privilege: str, columns: list[str]) -> list[str]:
    if privilege == "DELETE":
        return [""]
    if privilege == "UPDATE" and name in UPDATED:
        return list(UPDATED[name])
    return columns


def _columns() -> dict[str, list[str]]:
    """Return the columns of each table, by its name."""
    columns = {
        model._meta.db_table: [str(field.column) for field in model._meta.local_concrete_fields]
        for model in apps.get_models(include_auto_created=True)
        if not model._meta.proxy
    }
    # Django has no public model for it.
    return {**columns, "django_migrations": ["id", "app", "name", "applied"]}
