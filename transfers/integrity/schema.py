"""The audit as OpenAPI shows it (see ``accounts.schema``)."""

from rest_framework import serializers

from accounts.schema import FOR_STAFF, Operation


class TrialBalanceSerializer(serializers.Serializer):
    """The totals of one currency, in minor units."""

    currency = serializers.CharField()
    accounts = serializers.IntegerField(help_text="How many accounts customers have.")
    externals = serializers.IntegerField(help_text="How many EXTERNAL accounts there are: one.")
    debits = serializers.IntegerField()
    credits = serializers.IntegerField()
    customers = serializers.IntegerField(help_text="The sum of the customers' balances.")
    held = serializers.IntegerField()
    external = serializers.IntegerField(help_text="The outside world's balance.")


class FindingSerializer(serializers.Serializer):
    """What is wrong with one account, entry, transfer or currency."""

    subject = serializers.CharField(help_text="Its id, or the currency's code.")
    problem = serializers.CharField()


class CheckSerializer(serializers.Serializer):
    """What became of one check."""

    name = serializers.CharField()
    description = serializers.CharField(help_text="What must hold.")
    ok = serializers.BooleanField()
    findings = serializers.IntegerField(help_text="How often it doesn't hold.")
    examples = FindingSerializer(many=True, help_text="The first few findings.")


class IntegritySerializer(serializers.Serializer):
    """What an audit has found."""

    ok = serializers.BooleanField(help_text="Whether every check holds.")
    checked_at = serializers.DateTimeField()
    accounts = serializers.IntegerField()
    transfers = serializers.IntegerField()
    entries = serializers.IntegerField()
    currencies = TrialBalanceSerializer(many=True)
    checks = CheckSerializer(many=True)


INTEGRITY = {
    "retrieve": Operation(
        id="get_integrity",
        summary="Audit the ledger",
        tag="Integrity",
        description="Recomputes every invariant from the history. The same report comes with 503 "
        f"when a check fails. {FOR_STAFF}",
        response=IntegritySerializer,
        answers={
            "All in order": {
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
        },
    ),
}
