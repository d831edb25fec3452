"""Finding accounts in the admin."""

import pytest
from django.urls import reverse

from accounts.admin import pages, search
from accounts.models import Account
from accounts.tests.admin_pages import found, messages_of
from transfers.tests.filled import fill, open_accounts, work_of

LIST = reverse("admin:accounts_account_changelist")


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
]


@pytest.mark.no_cover
def test_no_list_reads_more_rows_of_a_ledger_with_more_accounts(reader, alice, bob, monkeypatch):
    monkeypatch.setattr(search, "NEWEST", 200)
    monkeypatch.setattr(search, "MOST_FOUND", 200)
    monkeypatch.setattr(pages, "MOST_COUNTED", 200)
    own = open_accounts(alice, 10)

    def costs() -> list[int]:
        return [work_of(lambda page=page: reader.get(*page)) for page in PAGES]

    open_accounts(bob, 1_000)
    fill(own, 10)  # It also runs ANALYZE.
    smaller = costs()
    for _ in range(MANY // 1_000):
        open_accounts(bob, 1_000)
    fill(own, 10)
    larger = costs()

    dearer = {
        str(page): (before, after)
        for page, before, after in zip(PAGES, smaller, larger, strict=True)
        if after > before + MANY / 2
    }
    assert dearer == {}
