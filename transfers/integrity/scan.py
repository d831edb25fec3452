"""
What a check of the audit is.

A ``Scan`` is a query with one row for each account, entry or transfer in a range of keys; a
``Check`` is a condition that each of its rows must meet. A condition that comes out as NULL isn't
met. The SQL is what PostgreSQL 14 and SQLite 3.35 have in common; neither the constraints nor the
guards of the database are relied on.
"""

from dataclasses import dataclass
from pathlib import Path

SCANS = Path(__file__).parent / "scans"


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant: ``rule`` is SQL, and ``problem`` tells what is wrong from a row's columns."""

    name: str
    description: str
    rule: str
    problem: str


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
