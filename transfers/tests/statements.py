"""Statements with some entries, read as JSON."""

from transfers import services
from transfers.tests.orders import transfer_order


def with_five_entries(alice, bob, funded_account):
    """Return an account of alice's with five entries: +100, -30, +50, -20, +5."""
    account, other = funded_account(alice, 100), funded_account(bob, 100)
    services.withdraw(account_id=account.pk, amount=30, actor=alice, memo="cash")
    transfer_order(other, account, 50, actor=bob, memo="rent")
    transfer_order(account, other, 20, actor=alice, memo="")
    services.deposit(account_id=account.pk, amount=5, actor=alice)
    return account


def entry(account, sequence: int):
    return account.entries.get(sequence=sequence)


def statement(client, account, **query):
    query = {{"since": "from"}.get(name, name): value for name, value in query.items()}
    response = client.get(f"/accounts/{account.pk}/statement", query)
    assert response.status_code == 200, response.content
    return response.json()


def sequences(page) -> list[int]:
    return [item["sequence"] for item in page["items"]]
