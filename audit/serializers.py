"""The schema and examples of an audit's report, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from accounts.examples import ACCOUNT_ID
from api.fields import InstantField


class TrialBalanceSerializer(serializers.Serializer):
    """The totals of one currency, in minor units."""

    currency = serializers.CharField()
    accounts = serializers.IntegerField(help_text="The number of customer accounts.")
    externals = serializers.IntegerField(help_text="The number of EXTERNAL accounts: always 1.")
    debits = serializers.IntegerField(help_text="The sum of all debits.")
    credits = serializers.IntegerField(help_text="The sum of all credits. Equal to `debits`.")
    customers = serializers.IntegerField(help_text="The sum of the customers' balances.")
    held = serializers.IntegerField(help_text="The sum of all pending holds.")
    external = serializers.IntegerField(
        help_text="The balance of the EXTERNAL account: `customers` with the opposite sign."
    )


class FindingSerializer(serializers.Serializer):
    """Something wrong with an account, entry, transfer or currency, or with the schema."""

    subject = serializers.CharField(help_text="An id, a currency code, or a part of the schema.")
    problem = serializers.CharField(help_text="What is wrong with the subject.")


class CheckSerializer(serializers.Serializer):
    """The result of one check."""

    name = serializers.CharField(help_text="The stable name of the check.")
    description = serializers.CharField(help_text="What the check verifies.")
    ok = serializers.BooleanField(help_text="Whether the check passed.")
    findings = serializers.IntegerField(help_text="The number of violations found.")
    examples = FindingSerializer(many=True, help_text="The first few violations.")


class IntegritySerializer(serializers.Serializer):
    """The report of an audit."""

    ok = serializers.BooleanField(help_text="Whether every check passed.")
    checked_at = InstantField(help_text="When the audit ran, in UTC.")
    accounts = serializers.IntegerField(help_text="The number of accounts.")
    transfers = serializers.IntegerField(help_text="The number of transfers of any kind.")
    entries = serializers.IntegerField(help_text="The number of entries.")
    currencies = TrialBalanceSerializer(many=True, help_text="The trial balance of each currency.")
    checks = CheckSerializer(many=True, help_text="The result of each check.")


REPORT: dict[str, Any] = {
    "ok": True,
    "checked_at": "2026-01-31T12:00:00.000000Z",
    "accounts": 1,
    "transfers": 1,
    "entries": 2,
    "currencies": [
        {
            "currency": "USD",
            "accounts": 1,
            "externals": 1,
            "debits": 25_00,
            "credits": 25_00,
            "customers": 25_00,
            "held": 0,
            "external": -25_00,
        }
    ],
    "checks": [
        {
            "name": "account_balance_is_its_entries",
            "description": "A customer's balance is the sum of its entries",
            "ok": True,
            "findings": 0,
            "examples": [],
        }
    ],
}
FAILED_REPORT = {
    **REPORT,
    "ok": False,
    "checks": [
        {
            **REPORT["checks"][0],
            "ok": False,
            "findings": 1,
            "examples": [
                {"subject": ACCOUNT_ID, "problem": "balance 2500, but its entries sum to 2400"}
            ],
        }
    ],
}
