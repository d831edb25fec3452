"""
The building blocks of the audit: scans and checks.

A ``Scan`` is a query that returns one row for each account, entry or transfer in a range of keys. A
``Check`` is a condition that each of these rows must meet; NULL counts as not met. The SQL works on
both PostgreSQL 14 and SQLite 3.35, or is written for each. The checks rely neither on the
constraints nor on the guards of the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from api.fields import METADATA_MAX_BYTES, METADATA_MAX_MEMBERS

SCANS = Path(__file__).parent / "scans"

# How far the time in the id of a row may be from the row's own time. The ledger takes both from one
# reading of the database's clock, but an application that chooses ids uses its own clock.
APART_MINUTES = 10


@dataclass(frozen=True, slots=True)
class Check:
    """
    One invariant of the rows of a scan.

    :param rule: the condition in SQL; or one for each database, by Django's name of its vendor.
    :param problem: describes a violation; a format string with the columns of the row.
    """

    name: str
    description: str
    rule: str | Mapping[str, str]
    problem: str

    def rule_on(self, vendor: str) -> str:
        return self.rule if isinstance(self.rule, str) else self.rule[vendor]


@dataclass(frozen=True, slots=True)
class Scan:
    """
    A query whose rows are checked, each with a ``subject`` (its id) and a ``currency``.

    :param sums: totals to compute during the scan: SQL expressions by name.

    In SQL, ``%(most)s`` is the largest amount, in minor units.
    """

    name: str
    sums: dict[str, str]
    checks: tuple[Check, ...]

    @property
    def rows(self) -> str:
        """The query in ``scans/``, for the keys from ``%(first)s`` to ``%(last)s``."""
        return (SCANS / f"{self.name}.sql").read_text()


def integers(*columns: str) -> str:
    """Return the rule that columns hold integers or NULL: SQLite also accepts 1.5 and 'abc'."""
    return " AND ".join(f"({each} IS NULL OR {each} = CAST({each} AS bigint))" for each in columns)


def strings(column: str) -> dict[str, str]:
    """Return the rule that a column holds a JSON object whose values are strings."""
    return {
        # Strict, because a lax path unwraps an array and would compare its items.
        "postgresql": f"""jsonb_typeof({column}) = 'object'
            AND NOT {column} @? 'strict $.* ? (@.type() <> "string")'""",
        "sqlite": f"""CASE WHEN typeof({column}) = 'text' AND json_valid({column})
            THEN json_type({column}) = 'object'
                AND NOT EXISTS (SELECT 1 FROM json_each({column}) WHERE type <> 'text')
            ELSE 0 END""",
    }


def within_metadata_limits(column: str) -> dict[str, str]:
    """
    Return the rule that metadata is as small as the API allows.

    Another rule reports metadata that isn't an object.
    """
    most = f"""count(*) <= {METADATA_MAX_MEMBERS}
                AND coalesce(sum(octets), 0) <= {METADATA_MAX_BYTES}"""
    return {
        "postgresql": f"""CASE WHEN {column} = '{{}}' OR jsonb_typeof({column}) <> 'object'
            THEN TRUE
            ELSE (SELECT {most} FROM (
                SELECT octet_length(key) + octet_length(value) AS octets
                FROM jsonb_each_text({column})) sizes)
            END""",
        "sqlite": f"""CASE WHEN {column} = '{{}}' OR typeof({column}) <> 'text'
            OR NOT json_valid({column}) OR json_type({column}) <> 'object' THEN 1
            ELSE (SELECT {most} FROM (
                SELECT length(CAST(key AS blob)) + length(CAST(value AS blob)) AS octets
                FROM json_each({column})) sizes)
            END""",
    }


def id_of_the_time(column: str) -> dict[str, str]:
    """Return the rule that a row's id is a UUIDv7 whose time is near the one in ``column``."""
    return {
        "postgresql": f"""{column} IS NULL OR substr(CAST(subject AS text), 15, 1) = '7'
            AND to_timestamp(CAST(CAST(
                'x' || translate(left(CAST(subject AS text), 13), '-', '') AS bit(48)) AS bigint)
                / 1000.0)
            BETWEEN {column} - interval '{APART_MINUTES} minutes'
            AND {column} + interval '{APART_MINUTES} minutes'""",
        "sqlite": f"""{column} IS NULL OR substr(subject, 13, 1) = '7' AND substr(subject, 1, 12)
            BETWEEN {_sqlite_id_at(column, -APART_MINUTES)}
            AND {_sqlite_id_at(column, APART_MINUTES)}""",
    }


def not_before(column: str, *earlier: str) -> dict[str, str]:
    """
    Return the rule that ``column`` is before none of ``earlier`` that isn't NULL.

    The tolerance is for a standby that has taken over and whose clock is behind.
    """
    return {
        "postgresql": " AND ".join(
            f"({each} IS NULL OR {column} >= {each} - interval '{APART_MINUTES} minutes')"
            for each in earlier
        ),
        "sqlite": " AND ".join(
            f"({each} IS NULL"
            f" OR julianday({column}) >= julianday({each}) - {APART_MINUTES} / 1440.0)"
            for each in earlier
        ),
    }


def _sqlite_id_at(column: str, minutes: int) -> str:
    milliseconds = f"(julianday({column}) - 2440587.5) * 86400000 + {minutes * 60_000}"
    return f"printf('%%012x', CAST({milliseconds} AS integer))"
