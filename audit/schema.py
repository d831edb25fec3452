"""The audit as OpenAPI shows it (see ``accounts.schema``)."""

from typing import Any

from rest_framework import serializers

from accounts.examples import ACCOUNT_ID
from api.fields import InstantField
from api.operations import Operation, holders_of


class TrialBalanceSerializer(serializers.Serializer):
    """The totals of one currency, in minor units."""

    currency = serializers.CharField()
    accounts = serializers.IntegerField(help_text="How many accounts customers have.")
    externals = serializers.IntegerField(help_text="How many EXTERNAL accounts there are: one.")
    debits = serializers.IntegerField(help_text="The sum of all debits.")
    credits = serializers.IntegerField(help_text="The sum of all credits: the same.")
    customers = serializers.IntegerField(help_text="The sum of the customers' balances.")
    held = serializers.IntegerField(help_text="The sum of what is held.")
    external = serializers.IntegerField(
        help_text="The outside world's balance: what customers have, negative."
    )


class FindingSerializer(serializers.Serializer):
    """What is wrong with an account, entry, transfer or currency, or with the schema."""

    subject = serializers.CharField(help_text="Its id, the currency's code, or what of the schema.")
    problem = serializers.CharField(help_text="What is wrong with it.")


class CheckSerializer(serializers.Serializer):
    """What became of one check."""

    name = serializers.CharField(help_text="It never changes.")
    description = serializers.CharField(help_text="What must hold.")
    ok = serializers.BooleanField(help_text="Whether it holds.")
    findings = serializers.IntegerField(help_text="How often it doesn't hold.")
    examples = FindingSerializer(many=True, help_text="The first few findings.")


class IntegritySerializer(serializers.Serializer):
    """What an audit has found."""

    ok = serializers.BooleanField(help_text="Whether every check holds.")
    checked_at = InstantField(help_text="When, in UTC.")
    accounts = serializers.IntegerField(help_text="How many accounts there are.")
    transfers = serializers.IntegerField(help_text="How many transfers there are, of any kind.")
    entries = serializers.IntegerField(help_text="How many entries there are.")
    currencies = TrialBalanceSerializer(many=True, help_text="The trial balance of each.")
    checks = CheckSerializer(many=True, help_text="What became of every check.")


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
OUT_OF_ORDER = {
    **REPORT,
    "ok": False,
    "checks": [
        {
            **REPORT["checks"][0],
            "ok": False,
            "findings": 1,
            "examples": [
                {"subject": ACCOUNT_ID, "problem": "balance 2500, but its entries make 2400"}
            ],
        }
    ],
}

INTEGRITY = {
    "retrieve": Operation(
        id="getIntegrity",
        summary="Audit the ledger",
        tag="Integrity",
        who=holders_of("accounts.read_any"),
        description="Recomputes every invariant from the history, and compares the schema with "
        "what it should be. The same report comes with 503 when a check fails. Of a large ledger "
        "it is the last report of `manage.py verify_ledger`; `checked_at` says from when. "
        "The schema is checked at once in any case.",
        response=IntegritySerializer,
        answers={"All in order": REPORT},
        also={503: {"Out of order": OUT_OF_ORDER}},
        codes=("permission_denied",),
    ),
}
