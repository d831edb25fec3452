"""
django-hordak behind a plain DRF view, with a JWT on each request: read, check, write.

It ignores the Idempotency-Key. hordak adds up the entries of an account for its balance, and locks
nothing, so simultaneous transfers can overdraw an account. ``python -m`` prepares its database and
prints JSON: the ids of its accounts and a token.
"""

import json
import os
from datetime import timedelta
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

ACCOUNTS = 1_000
address = urlsplit(os.environ["PEER_DATABASE_URL"])

settings.configure(
    SECRET_KEY=os.environ["PEER_SECRET_KEY"],
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "mptt",
        "rest_framework",
        "hordak",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": address.path[1:],
            "USER": address.username,
            "PASSWORD": address.password,
            "HOST": address.hostname,
            "PORT": address.port,
            "CONN_MAX_AGE": None,
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [
            "rest_framework_simplejwt.authentication.JWTAuthentication"
        ],
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    },
    SIMPLE_JWT={"ACCESS_TOKEN_LIFETIME": timedelta(days=1)},
    DEFAULT_CURRENCY="USD",
    CURRENCIES=["USD"],
)
django.setup()

# ruff: noqa: E402
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from djmoney.money import Money
from hordak.models import Account, AccountType, Leg, Transaction
from hordak.utilities.currency import Balance
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import AccessToken

DEPOSIT = Money(1_000_000, "USD")


class TransferSerializer(serializers.Serializer):
    source_account_id = serializers.UUIDField()
    dest_account_id = serializers.UUIDField()
    amount = serializers.IntegerField(min_value=1)
    memo = serializers.CharField(allow_blank=True, required=False)


class TransferView(APIView):
    @transaction.atomic
    def post(self, request: Request) -> Response:
        serializer = TransferSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        order = serializer.validated_data
        source = get_object_or_404(Account, uuid=order["source_account_id"])
        dest = get_object_or_404(Account, uuid=order["dest_account_id"])
        amount = Money(order["amount"], "USD") / 100
        if source.get_simple_balance() < Balance([amount]):
            return Response({"detail": "Insufficient funds"}, status=409)
        posted = source.transfer_to(dest, amount, description=order.get("memo", ""))
        return Response({**serializer.data, "id": str(posted.uuid)}, status=201)


def ready(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [path("transfers", TransferView.as_view()), path("readyz", ready)]
application = get_wsgi_application()


def prepare() -> dict[str, object]:
    """Create the tables, the accounts and a user."""
    call_command("migrate", verbosity=0)
    accounts = [
        Account.objects.create(
            name=f"Account {number}",
            code=str(number),
            type=AccountType.asset,
            currencies=["USD"],
        )
        for number in range(ACCOUNTS)
    ]
    _deposit(accounts)
    token = AccessToken.for_user(User.objects.create_user("load"))
    return {"accounts": [str(account.uuid) for account in accounts], "token": str(token)}


@transaction.atomic
def _deposit(accounts: list[Account]) -> None:
    equity = Account.objects.create(
        name="Equity", code=str(ACCOUNTS), type=AccountType.equity, currencies=["USD"]
    )
    opening = Transaction.objects.create(description="Opening deposits")
    for account in accounts:
        Leg.objects.create(transaction=opening, account=account, debit=DEPOSIT)
    Leg.objects.create(transaction=opening, account=equity, credit=DEPOSIT * ACCOUNTS)


if __name__ == "__main__":
    print(json.dumps(prepare()))
