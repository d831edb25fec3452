"""Recompute every invariant of the ledger, and print what is wrong."""

import json
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError
from tqdm import tqdm

from accounts.money import figure
from audit.ledger import Progress, check_ledger
from audit.report import Report, Result, TrialBalance
from audit.verdict import store
from database.postgresql.replay import READS, on_current_standby

# For how long to wait for the standby to replay everything that is committed.
STANDBY_SECONDS = 60


class Command(BaseCommand):
    help = (
        "Recompute every invariant of the ledger and check the database schema. "
        "The exit status is 1 if a check fails."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print the report as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        # disable=None shows the progress bar only on a terminal.
        with tqdm(desc="Checking", unit=" rows", unit_scale=True, disable=None) as bar:

            def show(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            report = self._report(show)
        self._store(report)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict(), indent=2))
        else:
            self._print(report)
        if not report.ok:
            sys.exit(1)

    def _report(self, show: Progress) -> Report:
        if READS in settings.DATABASES:
            try:
                with on_current_standby(STANDBY_SECONDS):
                    return check_ledger(show)
            except DatabaseError as error:
                self.stderr.write(f"The standby can't be verified, so the primary is: {error}")
        return check_ledger(show)

    def _store(self, report: Report) -> None:
        try:
            store(report)
        except DatabaseError as error:
            # A standby can be verified too, although nothing can be stored there.
            self.stderr.write(f"The report couldn't be stored for GET /integrity: {error}")

    def _print(self, report: Report) -> None:
        self.stdout.write(
            f"{report.accounts:,} accounts, {report.transfers:,} transfers, "
            f"{report.entries:,} entries\n\n"
        )
        names = ("debits", "credits", "customers", "held", "external")
        self.stdout.write("currency" + "".join(f"{name:>24}" for name in names))
        for currency in report.currencies:
            self.stdout.write(self._balance(currency, names))
        self.stdout.write("")
        for check in report.checks:
            self._print_check(check)
        self.stdout.write("")
        if not report.ok:
            self.stdout.write("Amounts in findings are in minor units.")
        self.stdout.write(self._verdict(report))

    def _verdict(self, report: Report) -> str:
        if report.ok:
            return self.style.SUCCESS(f"All {len(report.checks)} checks passed.")
        broken = [check.findings for check in report.checks if not check.ok]
        findings = f"{sum(broken):,} finding{'s' if sum(broken) > 1 else ''}"
        checks = f"{len(broken)} check{'s' if len(broken) > 1 else ''}"
        return self.style.ERROR(f"{findings} in {checks}.")

    def _balance(self, currency: TrialBalance, names: tuple[str, ...]) -> str:
        figures = "".join(
            f"{figure(getattr(currency, name), currency.currency):>24}" for name in names
        )
        return f"{currency.currency:<8}{figures}"

    def _print_check(self, check: Result) -> None:
        verdict = self.style.SUCCESS("  ok") if check.ok else self.style.ERROR("FAIL")
        self.stdout.write(f"{verdict}  {check.name:<40} {check.description}")
        for example in check.examples:
            self.stdout.write(f"        {example.subject}: {example.problem}")
        if check.findings > len(check.examples):
            self.stdout.write(f"        and {check.findings - len(check.examples):,} more")
