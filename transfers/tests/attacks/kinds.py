"""Attacks with transfers that their kind, their accounts or the accounts' status forbid."""

from accounts.models import external_account_id

KIND_ATTACKS = {
    "a currency of neither account": (
        "transfer_kind",
        lambda ledger: ledger.post(currency="EUR"),
    ),
    "a transfer across currencies": (
        "transfer_kind",
        lambda ledger: ledger.post(dest=ledger.euros),
    ),
    "a transfer from an account of another currency": (
        "transfer_kind",
        lambda ledger: ledger.post(source=ledger.euros),
    ),
    "a transfer to an external account": (
        "transfer_kind",
        lambda ledger: ledger.post(kind="WITHDRAWAL", as_kind="TRANSFER"),
    ),
    "a withdrawal to a customer": (
        "transfer_kind",
        lambda ledger: ledger.post(as_kind="WITHDRAWAL"),
    ),
    "a hold for an external account": (
        "transfer_kind",
        lambda ledger: ledger.hold(30, dest_id=external_account_id("USD")),
    ),
    "a deposit from a customer": ("transfer_kind", lambda ledger: ledger.post(as_kind="DEPOSIT")),
    "a transfer from an external account": (
        "transfer_kind",
        lambda ledger: ledger.post(kind="DEPOSIT", as_kind="TRANSFER"),
    ),
    "a capture above its hold": (
        "transfer_kind",
        lambda ledger: ledger.post(kind="CAPTURE", amount=31, hold=ledger.hold(30), released=30),
    ),
    "a capture of a hold that has expired": (
        "transfer_kind",
        lambda ledger: ledger.post(
            kind="CAPTURE",
            amount=30,
            hold=ledger.hold(30, expires_at="2019-01-01 00:00Z"),
            released=30,
        ),
    ),
    "a capture at the expiry of its hold": (
        "transfer_kind",
        lambda ledger: ledger.post(
            kind="CAPTURE",
            amount=30,
            hold=ledger.hold(30, expires_at="2020-01-02 00:00Z"),
            released=30,
            created_at="2020-01-02 00:00Z",
        ),
    ),
    "a capture from another account": (
        "transfer_kind",
        lambda ledger: [
            ledger.post(kind="CAPTURE", amount=30, hold=held, source=third, released=30)
            for third in [ledger.third(overdraft_limit=100)]
            for held, _ in [(ledger.hold(30), ledger.hold(30, source=third))]
        ],
    ),
    "a void by another party": (
        "transfer_kind",
        lambda ledger: ledger.void(ledger.hold(30), dest=ledger.third()),
    ),
    "a void without a user before the hold expires": (
        "transfer_kind",
        lambda ledger: ledger.void(
            ledger.hold(30, expires_at="2020-01-02 00:00Z"),
            created_at="2020-01-01 23:59:59.999999Z",
            by_nobody=True,
        ),
    ),
    "a void of a transfer that isn't a hold": (
        "transfer_kind",
        lambda ledger: [ledger.hold(30), ledger.void(ledger.post(), amount=7, released=7)],
    ),
    "a transfer without a user": ("transfer_kind", lambda ledger: ledger.post(by_nobody=True)),
    "a capture by another party": (
        "transfer_kind",
        lambda ledger: ledger.post(
            kind="CAPTURE", amount=30, hold=ledger.hold(30), released=30, dest=ledger.third()
        ),
    ),
    "a void of a part": (
        "transfer_kind",
        lambda ledger: ledger.void(ledger.hold(30), amount=29),
    ),
    "a capture of a transfer that isn't a hold": (
        "transfer_kind",
        lambda ledger: [
            ledger.hold(30),
            ledger.post(kind="CAPTURE", hold=ledger.post(), released=7),
        ],
    ),
    "a reversal that doesn't mirror its original": (
        "transfer_kind",
        lambda ledger: ledger.post(kind="REVERSAL", reverses=ledger.post()),
    ),
    "a reversal of a reversal": (
        "transfer_kind",
        lambda ledger: ledger.reverse(ledger.reverse(ledger.post())),
    ),
    "a reversal of a part": (
        "transfer_kind",
        lambda ledger: ledger.reverse(ledger.post(), amount=6),
    ),
    "a reversal of a hold": (
        "transfer_kind",
        lambda ledger: ledger.reverse(ledger.hold(30), amount=30),
    ),
    "a reversal of a void": (
        "transfer_kind",
        lambda ledger: ledger.reverse(ledger.void(ledger.hold(30)), amount=30),
    ),
    "a transfer from a frozen account": (
        "transfer_kind",
        lambda ledger: [ledger.set_status(ledger.alice.pk, "FROZEN"), ledger.post()],
    ),
    "a transfer to a frozen account": (
        "transfer_kind",
        lambda ledger: [ledger.set_status(ledger.bob.pk, "FROZEN"), ledger.post()],
    ),
    "a deposit to a frozen account": (
        "transfer_kind",
        lambda ledger: [ledger.set_status(ledger.bob.pk, "FROZEN"), ledger.post(kind="DEPOSIT")],
    ),
    "a hold for a frozen account": (
        "transfer_kind",
        lambda ledger: [ledger.set_status(ledger.bob.pk, "FROZEN"), ledger.hold(30)],
    ),
    "a hold for a closed account": (
        "transfer_kind",
        lambda ledger: ledger.hold(30, dest_id=ledger.closed()),
    ),
}
