"""The report of an audit: the trial balance of each currency and the result of each check."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from api.instants import instant

# How many findings of a check are shown. All of them are counted.
EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with an account, entry, transfer or currency, or with the schema."""

    subject: str
    problem: str


@dataclass(slots=True)
class Result:
    """The result of a check: the number of findings, and the first few of them."""

    name: str
    description: str
    findings: int = 0
    examples: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.findings == 0

    def as_dict(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}

    def add(self, finding: Finding) -> None:
        self.findings += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(finding)


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """The totals of a currency, in minor units. ``external`` is the EXTERNAL account's balance."""

    currency: str
    accounts: int
    externals: int
    debits: int
    credits: int
    customers: int
    held: int
    external: int


@dataclass(slots=True)
class Report:
    """The report of an audit."""

    checked_at: datetime
    accounts: int = 0
    transfers: int = 0
    entries: int = 0
    currencies: list[TrialBalance] = field(default_factory=list)
    checks: list[Result] = field(default_factory=list)
    # The customers' balances at the end of each day, by currency (see `audit.days`).
    days: dict[str, list[int]] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as ``GET /integrity`` sends it."""
        columns = asdict(self)
        del columns["days"]
        return {
            "ok": self.ok,
            **columns,
            "checked_at": instant(self.checked_at),
            "checks": [check.as_dict() for check in self.checks],
        }

    def as_stored(self) -> dict[str, Any]:
        """Return the report as it is stored, from which ``report_of`` makes it again."""
        return {**self.as_dict(), "days": self.days}


def report_of(document: Any) -> Report | None:
    """
    Return the report that was stored as ``document``, or None if it isn't exactly a report.

    The stored document may have been edited, or written by an earlier version.
    """
    try:
        report = Report(
            datetime.fromisoformat(document["checked_at"]),
            accounts=document["accounts"],
            transfers=document["transfers"],
            entries=document["entries"],
            currencies=[TrialBalance(**each) for each in document["currencies"]],
            checks=[_result_of(**each) for each in document["checks"]],
            days=_days_of(**document["days"]),
        )
        is_same = report.as_stored() == document
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        return None
    rows = [report, *report.currencies, *report.checks]
    rows += [finding for check in report.checks for finding in check.examples]
    return report if is_same and report.checks and all(map(_is_typed, rows)) else None


def _result_of(ok: bool, examples: list[dict[str, str]], **columns: Any) -> Result:
    return Result(**columns, examples=[Finding(**each) for each in examples])


def _days_of(**days: list[int]) -> dict[str, list[int]]:
    if len({len(sums) for sums in days.values()}) > 1:
        raise ValueError("Each currency must have the same number of days.")
    if not all(type(each) is int for sums in days.values() for each in sums):
        raise TypeError("The sums must be integers.")
    return days


def _is_typed(row: Any) -> bool:
    return all(
        isinstance(getattr(row, each.name), each.type)
        for each in fields(row)
        if each.type in (int, str)
    )


def trial_balance(currency: str, sums: Mapping[str, int]) -> TrialBalance:
    return TrialBalance(
        currency,
        accounts=sums["accounts"],
        externals=sums["externals"],
        debits=sums["debits"],
        credits=sums["credits"],
        customers=sums["customers"],
        held=sums["held"],
        external=sums["external_credits"] - sums["external_debits"],
    )


def currency_results(currencies: list[TrialBalance]) -> list[Result]:
    debits = Result("currency_debits_equal_credits", "In each currency, debits equal credits")
    zero = Result(
        "currency_sums_to_zero",
        "In each currency, the balances of customers and of the EXTERNAL account sum to 0",
    )
    external = Result("currency_has_one_external", "Each currency has exactly one EXTERNAL account")
    for each in currencies:
        if each.debits != each.credits:
            problem = f"debits {each.debits}, credits {each.credits}"
            debits.add(Finding(each.currency, problem))
        if each.customers + each.external:
            problem = f"customers' balances {each.customers}, external balance {each.external}"
            zero.add(Finding(each.currency, problem))
        if each.externals != 1:
            problem = f"EXTERNAL accounts: {each.externals}"
            external.add(Finding(each.currency, problem))
    return [debits, zero, external]
