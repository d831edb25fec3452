"""The admin site as a whole, and its pages of users."""

import re
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.contrib.staticfiles import finders
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts import services
from accounts.tests.admin_pages import column, field, queries_of
from ledger_project.models import LoginAttempt


def test_the_admin_is_titled_with_the_service_name(client, db):
    response = client.get("/admin/login/")

    assert response.context["site_header"] == settings.APP_NAME == "Mini Ledger API"


def test_tokens_and_login_attempts_are_not_registered():
    hidden = (OutstandingToken, BlacklistedToken, LoginAttempt)

    assert [admin.site.is_registered(model) for model in hidden] == [False, False, False]


def test_only_these_models_are_registered():
    shown = [model._meta.label for model in apps.get_models() if admin.site.is_registered(model)]

    assert sorted(shown) == [
        "accounts.Account",
        "accounts.AccountChange",
        "approvals.Approval",
        "auth.Group",
        "auth.User",
        "events.Event",
        "idempotency.IdempotencyKey",
        "service_keys.ServiceKey",
        "transfers.LedgerEntry",
        "transfers.Transfer",
        "webhooks.Delivery",
        "webhooks.Endpoint",
    ]


def test_the_admin_has_its_own_icon_and_style_sheet(client, db):
    html = client.get("/admin/login/").content.decode()

    icon, style = "ledger_project/favicon.svg", "ledger_project/admin.css"
    assert re.findall(r'<link rel="icon"[^>]* href="([^"]*)"', html) == [f"/static/{icon}"]
    assert f'href="/static/{style}"' in html
    assert None not in (finders.find(icon), finders.find(style))


def test_times_are_shown_with_their_time_zone(admin_client, alice, funded_account):
    account = funded_account(alice)
    instant = datetime(2026, 1, 31, 9, 5, 7, tzinfo=UTC)
    type(account).objects.filter(pk=account.pk).update(created_at=instant)

    page = admin_client.get(f"/admin/accounts/account/{account.pk}/change/")

    assert "2026-01-31 09:05:07 UTC" in page.content.decode()


def test_the_pages_of_entries_and_changes_show_times_like_all_others(
    admin_client, alice, staff, funded_account
):
    account = funded_account(alice, 100)
    services.freeze(account_id=account.pk, actor=staff)
    entry, change = account.entries.get(), account.changes.get()
    paths = [f"transfers/ledgerentry/{entry.pk}", f"accounts/accountchange/{change.pk}"]

    shown = [field(admin_client.get(f"/admin/{path}/change/"), "time") for path in paths]

    assert shown == [f"{time:%Y-%m-%d %H:%M:%S} UTC" for time in (entry.ts, change.at)]


@pytest.fixture
def page_of_alice(alice) -> str:
    return f"/admin/auth/user/{alice.pk}/change/"


def test_a_user_cannot_be_deleted_and_the_page_says_what_to_do(admin_client, alice, page_of_alice):
    page = admin_client.get(page_of_alice).content.decode()
    deleted = admin_client.post(page_of_alice.replace("change", "delete"), {"post": "yes"})
    form = {"action": "delete_selected", "_selected_action": alice.pk, "post": "yes"}
    admin_client.post("/admin/auth/user/", form)

    assert "Users can't be deleted, because the ledger's history names them." in page
    assert "deletelink" not in page
    assert deleted.status_code == 403
    assert User.objects.filter(pk=alice.pk).exists()


def test_a_user_can_be_deactivated(admin_client, alice, page_of_alice):
    form = admin_client.get(page_of_alice).context["adminform"].form
    joined = form.initial["date_joined"]
    kept = {
        "username": "alice",
        "date_joined_0": f"{joined:%Y-%m-%d}",
        "date_joined_1": f"{joined:%H:%M:%S}",
    }

    admin_client.post(page_of_alice, kept)

    alice.refresh_from_db()
    assert (alice.is_active, alice.username) == (False, "alice")


def test_the_list_of_users_shows_who_is_active(admin_client, admin_user, alice):
    User.objects.filter(pk=alice.pk).update(is_active=False)

    html = admin_client.get("/admin/auth/user/").content.decode()

    active = re.findall(r'<td class="field-is_active"><img [^>]*alt="(\w+)"', html)
    assert dict(zip(re.findall(r'field-username">.*?>(\w+)</a>', html), active, strict=True)) == {
        "admin": "True",
        "alice": "False",
    }


def test_the_list_of_users_shows_their_groups_with_as_many_queries_for_three(
    admin_client, admin_user, alice, bob
):
    groups = [Group.objects.get(name=name) for name in ("Support", "Operations")]
    alice.groups.add(*groups)
    one = queries_of(admin_client, "/admin/auth/user/")
    bob.groups.add(groups[0])

    shown = column(admin_client.get("/admin/auth/user/"), "groups_shown")

    assert shown == ["\N{EN DASH}", "Operations, Support", "Support"]
    assert queries_of(admin_client, "/admin/auth/user/") == one
