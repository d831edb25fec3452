"""
What a check of the audit is.

A ``Scan`` is a query with one row for each account, entry or transfer in a range of keys; a
``Check`` is a condition that each of its rows must meet. A condition that comes out as NULL isn't
met. The SQL is what PostgreSQL 14 and SQLite 3.35 have in common, or there is one for each; neither
the constraints nor the guards of the database are relied on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SCANS = Path(__file__).parent / "scans"

# How far the time in the id of a row may be from the row's own. The ledger takes both from one
# reading of the database's clock; an application that gives its orders ids uses a clock of its own.
APART_MINUTES = 10


@dataclass(frozen=True, slots=True)
class Check:
    """
    One invariant: ``rule`` is SQL, and ``problem`` tells what is wrong from a row's columns.

    Where the databases have no SQL in common, ``rule`` has one for each, by Django's name of it.
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
    Rows to check, each with a ``subject`` (its id) and a ``currency``.

    ``sums`` are totals to take on the way, as SQL by name. ``%(most)s`` is the largest amount.
    """

    name: str
    sums: dict[str, str]
    checks: tuple[Check, ...]

    @property
    def rows(self) -> str:
        """The query of ``scans/``; it reads the keys from ``%(first)s`` to ``%(last)s``."""
        return (SCANS / f"{self.name}.sql").read_text()


def integers(*columns: str) -> str:
    """Return the rule that columns hold integers or NULL: SQLite takes 1.5 and 'abc' as well."""
    return " AND ".join(f"({each} IS NULL OR {each} = CAST({each} AS bigint))" for each in columns)


def strings(column: str) -> dict[str, str]:
    """Return the rule that a column holds a JSON object whose members are all strings."""
    return {
        # Strict, because a lax path takes the items of an array for the array.
        "postgresql": f"""jsonb_typeof({column}) = 'object'
            AND NOT {column} @? 'strict $.* ? (@.type() <> "string")'""",
        "sqlite": f"""CASE WHEN typeof({column}) = 'text' AND json_valid({column})
            THEN json_type({column}) = 'object'
                AND NOT EXISTS (SELECT 1 FROM json_each({column}) WHERE type <> 'text')
            ELSE 0 END""",
    }


def id_of_the_time(column: str) -> dict[str, str]:
    """Return the rule that a row's id is a UUIDv7 of about the time in ``column``, if any."""
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


def not_before(column: str, earlier: str) -> dict[str, str]:
    """
    Return the rule that ``column`` is no older than ``earlier``, if that is known.

    A standby whose clock is behind may honestly have taken over in between.
    """
    return {
        "postgresql": f"""{earlier} IS NULL
            OR {column} >= {earlier} - interval '{APART_MINUTES} minutes'""",
        "sqlite": f"""{earlier} IS NULL
            OR julianday({column}) >= julianday({earlier}) - {APART_MINUTES} / 1440.0""",
    }


def _sqlite_id_at(column: str, minutes: int) -> str:
    milliseconds = f"(julianday({column}) - 2440587.5) * 86400000 + {minutes * 60_000}"
    return f"printf('%%012x', CAST({milliseconds} AS integer))"
