"""Attacks with HOLDs, CAPTUREs and VOIDs that don't continue the chain of their source."""

from transfers.tests.handwritten_rows import CREATED_AT, id_at


def write_hold(ledger, held: int, hold_sequence: int) -> None:
    """Write a hold of 30 from alice for bob, without updating her row."""
    ledger.insert_transfer(
        id_at(CREATED_AT),
        *("HOLD", ledger.alice.pk, ledger.bob.pk, 30, "USD", None, None),
        chained=(held, hold_sequence),
    )


HOLD_ATTACKS = {
    # The held amount doesn't follow.
    "a hold that isn't added to the held amount": (
        "transfer_held",
        lambda ledger: ledger.hold(30, held=0),
    ),
    "a hold of which a part isn't added to the held amount": (
        "transfer_held",
        lambda ledger: [ledger.hold(30), ledger.hold(30, held=29)],
    ),
    "a capture that keeps the amount held": (
        "transfer_held",
        lambda ledger: ledger.post(
            kind="CAPTURE", amount=30, hold=ledger.committed_hold(30), released=0
        ),
    ),
    "a capture of a part that releases only the part": (
        "transfer_held",
        lambda ledger: ledger.post(
            kind="CAPTURE", amount=20, hold=ledger.committed_hold(30), released=20
        ),
    ),
    "a void that keeps the amount held": (
        "transfer_held",
        lambda ledger: ledger.void(ledger.committed_hold(30), released=0),
    ),
    "a void that releases another hold too": (
        "transfer_held",
        lambda ledger: [ledger.hold(10), ledger.void(ledger.hold(30), released=40)],
    ),
    # The sequence doesn't follow.
    "a first hold with hold_sequence 2": (
        "transfer_held",
        lambda ledger: [
            ledger.update(ledger.alice.pk, "hold_version = hold_version + 1"),
            ledger.hold(30),
        ],
    ),
    "a gap in the hold sequence": (
        "transfer_held",
        lambda ledger: [
            # Voided, so that the next held amount is right even without the one before it.
            ledger.void(ledger.hold(30)),
            ledger.update(ledger.alice.pk, "hold_version = hold_version + 1"),
            ledger.hold(30),
        ],
    ),
    # The row of the account disagrees when the hold is written.
    "a hold without an update of the account": (
        "transfer_held",
        lambda ledger: write_hold(ledger, held=30, hold_sequence=1),
    ),
    "a hold with another held amount in the account until the commit": (
        "transfer_held",
        lambda ledger: [
            ledger.change_held(ledger.alice.pk, 31),
            write_hold(ledger, held=30, hold_sequence=1),
            ledger.update(ledger.alice.pk, "held = 30"),
        ],
    ),
    "a hold with another hold_version in the account until the commit": (
        "transfer_held",
        lambda ledger: [
            ledger.update(ledger.alice.pk, "held = 30, hold_version = 2"),
            write_hold(ledger, held=30, hold_sequence=1),
            ledger.update(ledger.alice.pk, "hold_version = 1"),
        ],
    ),
}
