"""Attacks with entries that don't continue their account's chain or don't match their transfer."""

from django.db import connection
from uuid_utils.compat import uuid7

from transfers.guards import guards

ENTRY_ATTACKS = {
    # The chain of an account's entries.
    "an entry with a wrong balance": ("entry_chain", lambda ledger: ledger.post(debit_jump=1)),
    "a gap in the sequence": ("entry_chain", lambda ledger: ledger.post(debit_gap=1)),
    "a first entry with sequence 2": (
        "entry_chain",
        lambda ledger: ledger.post(dest=ledger.third(), credit_gap=1),
    ),
    "an entry without a sequence": (
        "entry_chain",
        lambda ledger: ledger.post(debit_unsequenced=True),
    ),
    "a running balance of an external account": (
        "entry_chain",
        lambda ledger: ledger.post(kind="DEPOSIT", external_balance=-7),
    ),
    "an entry earlier than the one before it": (
        "entry_chain",
        lambda ledger: ledger.post(ts="2020-01-01 00:00Z"),
    ),
    "entries without an update of the account": (
        "entry_chain",
        lambda ledger: ledger.post(update_accounts=False),
    ),
    "entries that cancel out without an update of the account": (
        "entry_chain",
        lambda ledger: ledger.there_and_back(
            7, ledger.alice.pk, ledger.bob.pk, update_accounts=False
        ),
    ),
    "an account inserted after its entries, which was overdrawn in between": (
        "entry_chain",
        lambda ledger: ledger.there_and_back(7, uuid7(), ledger.alice.pk, comes_later=True),
    ),
    "spending more than the balance and returning it": (
        "entry_chain",
        lambda ledger: ledger.there_and_back(150, ledger.alice.pk, ledger.bob.pk),
    ),
    "spending more than the overdraft and returning it": (
        "entry_chain",
        lambda ledger: [
            ledger.set_limit(ledger.alice.pk, 49),
            ledger.there_and_back(150, ledger.alice.pk, ledger.bob.pk),
        ],
    ),
    "money through a closed account": (
        "entry_chain",
        lambda ledger: ledger.there_and_back(7, ledger.alice.pk, ledger.closed()),
    ),
    # The entries of a transfer.
    "a transfer without entries": ("transfer_legs", lambda ledger: ledger.post(legs=())),
    "a transfer with one entry": ("transfer_legs", lambda ledger: ledger.post(legs=("DEBIT",))),
    "entries with another amount": (
        "transfer_legs",
        lambda ledger: ledger.post(debited=8, credited=8),
    ),
    "a debit of 7 and a credit of 100": (
        "transfer_legs",
        lambda ledger: ledger.post(credited=100),
    ),
    "a debit of 1 and a credit of 7": ("transfer_legs", lambda ledger: ledger.post(debited=1)),
    "a debit of another account": (
        "transfer_legs",
        lambda ledger: ledger.post(debit_from=ledger.third(overdraft_limit=100)),
    ),
    "a capture that debits another account": (
        "transfer_legs",
        lambda ledger: ledger.post(
            kind="CAPTURE",
            amount=30,
            hold=ledger.hold(30),
            released=30,
            debit_from=ledger.third(overdraft_limit=100),
        ),
    ),
    "a credit in another currency": (
        "transfer_legs",
        lambda ledger: ledger.post(credit_to=ledger.euros),
    ),
    "a credit to another account": (
        "transfer_legs",
        lambda ledger: ledger.post(credit_to=ledger.third()),
    ),
    "a transfer later than its entries": (
        "transfer_legs",
        lambda ledger: ledger.post(created_at="2200-01-01 00:00Z"),
    ),
    # The other guard that would refuse this is dropped: it can't see a concurrent transaction.
    "a hold that has moved money": (
        "transfer_legs",
        lambda ledger: [
            guards.drop(connection, "entry_transfer"),
            ledger.hold(30, with_legs=True),
        ],
    ),
    "a void that has moved money": (
        "transfer_legs",
        lambda ledger: [
            guards.drop(connection, "entry_transfer"),
            ledger.post(
                kind="CAPTURE", as_kind="VOID", amount=30, hold=ledger.hold(30), released=30
            ),
        ],
    ),
    "a void that moves money": (
        "entry_transfer",
        lambda ledger: [
            guards.drop(connection, "transfer_legs"),
            ledger.post(
                kind="CAPTURE", as_kind="VOID", amount=30, hold=ledger.hold(30), released=30
            ),
        ],
    ),
    "a hold that moves money": (
        "entry_transfer",
        lambda ledger: [
            guards.drop(connection, "transfer_legs"),
            ledger.hold(30, with_legs=True),
        ],
    ),
}
