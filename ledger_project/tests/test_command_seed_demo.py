"""manage.py seed_demo creates demo data, but not in a database with real users."""

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from accounts.examples import EMPTY_ACCOUNT_ID, OPENED_AT
from accounts.models import Account, AccountChange
from audit.ledger import check_ledger
from ledger_project.idempotency.models import IdempotencyKey
from ledger_project.idempotency.views import EXAMPLE_KEY
from ledger_project.service_keys.examples import CLIENT_ID, DEMO_SECRET
from transfers import clock
from transfers.models import LedgerEntry, Transfer

pytestmark = pytest.mark.django_db


def seed_demo(*options: str) -> str:
    out = StringIO()
    call_command("seed_demo", *options, stdout=out)
    return out.getvalue()


def test_it_creates_two_users_who_can_log_in(client_for):
    seed_demo()

    users = list(User.objects.order_by("username").values_list("username", "is_superuser"))
    logins = [
        client_for(None).post("/auth/token", {"username": name, "password": name}).status_code
        for name in ("admin", "demo")
    ]
    # Nobody can log in as clerk, who has asked for what waits for approval.
    assert users == [("admin", True), ("clerk", False), ("demo", False)]
    assert not User.objects.get(username="clerk").has_usable_password()
    assert logins == [200, 200]


def test_it_creates_the_same_data_each_time():
    seed_demo()

    accounts = Account.objects.customers().order_by("owner_name")
    assert list(accounts.values_list("owner_name", "currency", "status", "balance", "held")) == [
        ("Corner Grocer", "USD", "OPEN", 321_20, 0),
        ("Demo Everyday", "USD", "OPEN", 4_756_35, 50_00),
        ("Demo Old Card", "USD", "FROZEN", 85_40, 0),
        ("Demo Savings", "USD", "OPEN", 551_27, 0),
        ("Demo Spare", "USD", "OPEN", 0, 0),
        ("Demo Travel", "EUR", "OPEN", 900_00, 240_00),
        ("Harbour Hotel", "EUR", "OPEN", 0, 0),
        ("Maple Street Rentals", "USD", "OPEN", 1_100_00, 0),
        ("Northside Fuel", "USD", "OPEN", 63_45, 0),
    ]
    assert check_ledger().ok


def test_the_data_has_every_kind_of_transfer_and_of_account_change():
    seed_demo()

    kinds = dict.fromkeys(Transfer.objects.values_list("kind", flat=True), 0)
    assert sorted(kinds) == ["CAPTURE", "DEPOSIT", "HOLD", "REVERSAL", "TRANSFER", "WITHDRAWAL"]
    changes = AccountChange.objects.order_by("pk").values_list("action", "reason")
    assert list(changes) == [
        ("SET_OVERDRAFT_LIMIT", "Regular salary"),
        ("FREEZE", "Card reported lost"),
    ]


def test_the_holds_that_were_not_captured_are_pending(client_for):
    seed_demo()

    demo = client_for(User.objects.get(username="demo"))
    pending = demo.get("/transfers", {"status": "PENDING"}).json()["items"]
    assert [hold["memo"] for hold in pending] == ["Hotel, rooms for the choir", "Rainy-day pot"]


def test_the_transfers_of_the_last_month_come_after_the_examples():
    instant = datetime(2026, 3, 31, 12, tzinfo=UTC)

    with clock.at(instant):
        seed_demo()

    entries = LedgerEntry.objects.filter(account__owner_name="Demo Everyday").order_by("sequence")
    days_ago = [(instant - entry.ts).days for entry in entries]
    assert days_ago == [85, 59, 58, 30, 29, 28, 26, 22, 19, 17, 12, 11, 10, 5, 0]
    opened = Account.objects.customers().values_list("created_at", flat=True).distinct()
    assert list(opened) == [OPENED_AT]


def test_each_id_contains_the_time_of_its_row_so_that_ids_sort_by_time():
    with clock.at(datetime(2026, 3, 31, 12, tzinfo=UTC)):
        seed_demo()

    times = [
        *Account.objects.customers().values_list("pk", "created_at"),
        *Transfer.objects.values_list("pk", "created_at"),
        *LedgerEntry.objects.values_list("pk", "ts"),
        *IdempotencyKey.objects.values_list("pk", "created_at"),
    ]
    wrong = {pk: at for pk, at in times if pk.int >> 80 != round(at.timestamp() * 1000)}
    assert wrong == {}
    by_id = Transfer.objects.order_by("-pk").values_list("memo", flat=True)
    by_time = Transfer.objects.order_by("-created_at", "-pk").values_list("memo", flat=True)
    assert list(by_id) == list(by_time)


def test_it_prints_the_created_users_and_accounts():
    lines = seed_demo().splitlines()

    everyday = Account.objects.get(owner_name="Demo Everyday")
    assert lines[0] == "Users      demo / demo, admin / admin (staff, superuser)"
    assert lines[1] == f"Key        {CLIENT_ID} / {DEMO_SECRET}"
    assert lines[2] == (
        f"Account    {everyday.pk}  Demo Everyday        OPEN    4,756.35 USD  (50.00 USD held)"
    )
    assert (len(lines), lines[-1]) == (12, "Transfers  22")


def test_the_printed_service_key_works(client):
    seed_demo()
    grant = {"client_id": CLIENT_ID, "client_secret": DEMO_SECRET}
    grant |= {"grant_type": "client_credentials"}

    answer = client.post("/auth/token", grant, content_type="application/json")

    assert answer.json()["scope"] == "accounts:read transfers:write"


def test_a_database_with_other_users_is_not_changed(alice):
    with pytest.raises(CommandError, match="The database already has users"):
        seed_demo()

    assert list(User.objects.all()) == [alice]


def test_force_adds_the_demo_data_to_a_database_with_other_users(alice):
    seed_demo("--force")

    names = sorted(User.objects.values_list("username", flat=True))
    assert names == ["admin", "alice", "clerk", "demo"]


@pytest.mark.parametrize("options", [(), ("--force",)])
def test_an_existing_admin_keeps_their_password(make_user, options):
    admin = make_user(username="admin")

    with pytest.raises(CommandError, match="A user named demo, admin or clerk already exists"):
        seed_demo(*options)

    assert User.objects.get().password == admin.password


def test_if_empty_does_nothing_if_there_are_users(alice):
    printed = seed_demo("--if-empty")

    assert printed == "The database already has users. Nothing was changed.\n"
    assert list(User.objects.all()) == [alice]


def test_if_empty_seeds_an_empty_database():
    seed_demo("--if-empty")

    assert Account.objects.customers().count() == 9


def test_users_only_creates_users_with_random_passwords(client_for, alice):
    printed = seed_demo("--users-only", "carol", "dave")

    credentials = dict(line.split() for line in printed.splitlines())
    logins = [
        client_for(None).post("/auth/token", {"username": name, "password": password}).status_code
        for name, password in credentials.items()
    ]
    assert (list(credentials), logins) == (["carol", "dave"], [200, 200])
    assert len(set(credentials.values())) == 2
    assert Account.objects.customers().count() == 0


def test_users_only_creates_nobody_if_a_name_is_taken(alice):
    with pytest.raises(CommandError, match="A user named alice already exists"):
        seed_demo("--users-only", "carol", "alice")

    assert list(User.objects.all()) == [alice]


def test_other_currencies_can_be_configured(settings):
    settings.CURRENCIES, settings.DEFAULT_CURRENCY = ["GBP", "JPY"], "GBP"

    seed_demo()

    currencies = Account.objects.customers().values_list("currency", flat=True).distinct()
    assert sorted(currencies) == ["GBP", "JPY"]


def test_nothing_in_the_demo_data_waits_because_of_a_threshold(settings):
    settings.APPROVAL_THRESHOLD = 1

    seed_demo()

    assert Transfer.objects.count() == 22


def test_the_key_in_the_demo_data_replays_the_opening_of_an_account(client_for):
    seed_demo()
    demo = client_for(User.objects.get(username="demo"))

    body = {"owner_name": "Demo Spare", "currency": "USD"}
    replay = demo.post("/accounts", body, key=EXAMPLE_KEY)

    assert (replay.status_code, replay["Idempotent-Replayed"]) == (201, "true")
    assert replay["Location"] == f"/accounts/{EMPTY_ACCOUNT_ID}"
    assert replay.content == demo.get(replay["Location"]).content
    assert demo.get(f"/idempotency-keys/{EXAMPLE_KEY}").json()["response_body"] == replay.json()
