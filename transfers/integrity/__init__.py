"""
The audit: recompute every invariant of the ledger from its rows, and report what is off.

``scan`` says what a check is; ``account_checks`` and ``transfer_checks`` are the checks, as data;
``protection`` compares the schema with the models and the guards. ``audit`` runs them all, and
``report`` is what comes out.
"""

from transfers.integrity.audit import check_ledger
from transfers.integrity.report import Finding, Report, Result, TrialBalance

__all__ = ["Finding", "Report", "Result", "TrialBalance", "check_ledger"]
