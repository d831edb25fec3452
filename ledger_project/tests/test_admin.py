"""The admin as a whole: its name, and what it leaves out."""

from django.conf import settings
from django.contrib import admin
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from ledger_project.models import LoginAttempt


def test_the_admin_has_the_name_of_the_service(client, db):
    response = client.get("/admin/login/")

    assert response.context["site_header"] == settings.APP_NAME == "Mini Ledger API"


def test_neither_tokens_nor_login_attempts_are_shown():
    hidden = (OutstandingToken, BlacklistedToken, LoginAttempt)

    assert [admin.site.is_registered(model) for model in hidden] == [False, False, False]


def test_the_admin_shows_these_tables_and_no_others():
    shown = sorted(model._meta.label for model in admin.site._registry)

    assert shown == [
        "accounts.Account",
        "accounts.AccountChange",
        "auth.Group",
        "auth.User",
        "idempotency.IdempotencyKey",
        "transfers.LedgerEntry",
        "transfers.Transfer",
    ]
