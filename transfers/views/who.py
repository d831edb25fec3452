"""Who may request each kind of transfer, in the words of the API's documentation."""

from api.operations import owner_or
from transfers.kinds import Kind, Party

OWNERS: dict[tuple[Party, ...], str] = {
    ("source",): "the owner of the source",
    ("dest",): "the owner of the destination",
    ("source", "dest"): "the owners of the source and the destination",
}


# For operations that a permission allows for accounts of others.
MAY_WAIT = (
    " For accounts of others, the operator can demand the approval of a second person from some "
    "amount on: the response is then 202, and the request waits at `/approvals/{id}`."
)


def who_may(kind: Kind, owner: str | None = None) -> str:
    """
    Return ``who`` for the operation that posts transfers of ``kind``, from the rules of the kind.

    :param owner: the words for the owner, if the operation doesn't call them source or destination
    """
    return owner_or(kind.rules.permission, owner or OWNERS[kind.rules.owners])


def who_may_move_cash(kind: Kind) -> str:
    """Return ``who`` for an operation that moves cash in or out of one account."""
    return (
        f"the owner of the account, and users with the permission `{kind.rules.permission}` for "
        "any account. The operator can restrict this to tellers."
    )
