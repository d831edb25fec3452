"""Finding accounts and their changes in the admin."""

import pytest
from django.urls import reverse

from accounts import services
from accounts.admin import pages, search
from accounts.models import Account, AccountChange
from accounts.tests.admin_pages import found, messages_of
from transfers.tests.filled import fill, open_accounts, work_of

LIST = reverse("admin:accounts_account_changelist")
CHANGES = reverse("admin:accounts_accountchange_changelist")


@pytest.mark.parametrize(
    "term",
    [
        *("{id}", " {upper} ", "{hex}", "{{{id}}}", "urn:uuid:{id}", "…{end}", "...{end}", "{end}"),
        *("alice", "smith", "ALICE SMITH", "eur smith", "EUR"),
    ],
)
def test_an_account_is_found_by_id_in_any_notation_owner_and_currency(
    reader, alice, bob, funded_account, term
):
    wanted = funded_account(alice, owner_name="Alice Smith", currency="EUR")
    funded_account(bob, owner_name="Bob Jones")
    Account.objects.filter(kind="EXTERNAL", currency="EUR").update(owner_name="Outside")
    written = {"id": wanted.pk, "upper": str(wanted.pk).upper(), "hex": wanted.pk.hex}

    results = found(reader.get(LIST, {"q": term.format(**written, end=wanted.pk.hex[-6:])}))

    assert wanted.pk in results
    assert len(results) == 1 + (term == "EUR"), "the EXTERNAL account has the currency as well"


def test_no_account_is_found_by_words_of_two_owners(reader, alice, bob, funded_account):
    funded_account(alice, owner_name="Alice Smith")
    funded_account(bob, owner_name="Bob Jones")

    assert [found(reader.get(LIST, {"q": q})) for q in ("nobody", "alice jones")] == [[], []]


def test_the_accounts_of_a_user_are_listed_by_a_filter(reader, alice, bob, funded_account):
    accounts = [funded_account(alice) for _ in range(2)]
    funded_account(bob)

    listed = [found(reader.get(LIST, {"owner": name})) for name in ("alice", "nobody")]

    assert listed == [[account.pk for account in reversed(accounts)], []]


def test_of_older_accounts_those_with_the_whole_name_or_username_are_found(
    reader, alice, bob, funded_account, monkeypatch
):
    monkeypatch.setattr(search, "NEWEST", 1)
    old = funded_account(alice, owner_name="Ann Smith")
    new = funded_account(bob, owner_name="Bob Jones")

    responses = {q: reader.get(LIST, {"q": q}) for q in ("smith", "ANN SMITH", "alice", "jones")}

    assert {q: found(response) for q, response in responses.items()} == {
        "smith": [],
        "ANN SMITH": [old.pk],
        "alice": [old.pk],
        "jones": [new.pk],
    }
    assert messages_of(responses["smith"]) == [
        (
            "warning",
            "Only the newest 1 accounts were searched. Search by an owner's complete name or "
            "username, or by id, to find older ones.",
        )
    ]


@pytest.fixture
def changed(alice, bob, staff, admin_user, funded_account):
    """Return the reasons of three changes, oldest first, by their ids."""
    ann, bill = (
        funded_account(alice, owner_name="Ann Smith"),
        funded_account(bob, owner_name="Bill"),
    )
    services.freeze(account_id=ann.pk, actor=staff, reason="Card lost")
    services.unfreeze(account_id=ann.pk, actor=admin_user, reason="Card found")
    services.freeze(account_id=bill.pk, actor=admin_user, reason="Asked by Smith & Sons")
    return dict(AccountChange.objects.values_list("pk", "reason"))


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("smith", ["Asked by Smith & Sons", "Card found", "Card lost"]),
        ("ANN smith", ["Card found", "Card lost"]),
        ("alice", ["Card found", "Card lost"]),
        ("staff", ["Card lost"]),
        ("card", ["Card found", "Card lost"]),
        ("LOST smith staff", ["Card lost"]),
        ("bill card", []),
        ("nothing", []),
    ],
)
def test_changes_are_found_by_owner_reason_and_staff_user(reader, changed, text, reasons):
    assert [changed[pk] for pk in found(reader.get(CHANGES, {"q": text}))] == reasons


def test_changes_are_found_by_the_id_of_the_account(reader, changed, bob):
    account = bob.accounts.get()

    for text in (str(account.pk), account.pk.hex, f"…{account.pk.hex[-6:]}"):
        assert [changed[pk] for pk in found(reader.get(CHANGES, {"q": text}))] == [
            "Asked by Smith & Sons"
        ]


def test_filters_apply_to_a_search_of_changes(reader, changed):
    response = reader.get(CHANGES, {"q": "smith", "action__exact": "UNFREEZE"})

    assert [changed[pk] for pk in found(response)] == ["Card found"]


def test_older_changes_are_left_out_of_a_search_and_the_page_says_so(reader, changed, monkeypatch):
    monkeypatch.setattr(search, "NEWEST", 1)

    response = reader.get(CHANGES, {"q": "card"})

    assert found(response) == []
    [(_, text)] = messages_of(response)
    assert text.startswith(
        "Only the newest 1 account changes were searched. Search by the complete id of an account "
        "to find older ones. Owners were searched among the newest 1 accounts"
    )


def test_the_search_of_all_tables_finds_changes(reader, changed):
    html = reader.get("/admin/find/", {"q": "ann lost"}).text

    assert "Ann Smith · Card lost · by staff" in html


def test_a_column_sorts_the_newest_accounts(reader, alice, funded_account, monkeypatch):
    _, *newest = [funded_account(alice, balance) for balance in (9, 1, 5, 3)]
    monkeypatch.setattr(search, "NEWEST", 3)
    by_balance = [account.pk for account in (newest[1], newest[2], newest[0])]

    # The third column of a reader, who has no checkboxes.
    assert found(reader.get(LIST, {"o": "-2"})) == by_balance


MANY = 6_000
QUERIES = [
    *({"q": text} for text in ("jones", "bob", "USD", "abcdef")),
    *({"status__exact": status} for status in ("FROZEN", "OPEN")),
    *({"currency": "JPY"}, {"kind__exact": "EXTERNAL"}, {"kind__exact": "CUSTOMER"}),
    *({"o": "2"}, {"o": "-0"}, {"owner": "alice"}, {}),
]
PAGES = [
    *((LIST, query) for query in QUERIES),
    (reverse("admin:transfers_transfer_changelist"), {"q": "bob lunch"}),
    (CHANGES, {"q": "bob lost"}),
]


def record_changes(accounts: list[Account]) -> None:
    """Insert a change of each account."""
    values = {"action": "FREEZE", "before": "OPEN", "after": "FROZEN", "reason": "Card lost"}
    AccountChange.objects.bulk_create(
        AccountChange(account=account, actor=account.owner, **values) for account in accounts
    )


@pytest.mark.no_cover
def test_no_list_reads_more_rows_of_a_ledger_with_more_accounts(reader, alice, bob, monkeypatch):
    monkeypatch.setattr(search, "NEWEST", 200)
    monkeypatch.setattr(search, "MOST_FOUND", 200)
    monkeypatch.setattr(pages, "MOST_COUNTED", 200)
    own = open_accounts(alice, 10)

    def costs() -> list[int]:
        return [work_of(lambda page=page: reader.get(*page)) for page in PAGES]

    record_changes(open_accounts(bob, 1_000))
    fill(own, 10)  # It also runs ANALYZE.
    smaller = costs()
    for _ in range(MANY // 1_000):
        record_changes(open_accounts(bob, 1_000))
    fill(own, 10)
    larger = costs()

    dearer = {
        str(page): (before, after)
        for page, before, after in zip(PAGES, smaller, larger, strict=True)
        if after > before + MANY / 2
    }
    assert dearer == {}
