"""Finding accounts in the admin."""

import pytest
from django.urls import reverse

from accounts.models import Account
from accounts.tests.admin_pages import found

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
