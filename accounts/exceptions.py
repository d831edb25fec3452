"""The refusals of an account. Each names the rule broken and says what to do about it."""

from api.errors import LedgerError


class AccountNotFound(LedgerError):
    code = "account_not_found"
    status = 404

    def __init__(self, account_id: object) -> None:
        super().__init__(f"No account {account_id} is open to you. Check the id.")


class AccountFrozen(LedgerError):
    code = "account_frozen"

    def __init__(self, account_id: object) -> None:
        super().__init__(
            f"Account {account_id} is frozen. Ask an operator to unfreeze it.",
            account_id=account_id,
        )


class AccountClosed(LedgerError):
    code = "account_closed"

    def __init__(self, account_id: object) -> None:
        super().__init__(
            f"Account {account_id} is closed for good. Use another account.", account_id=account_id
        )


class AccountNotEmpty(LedgerError):
    code = "account_not_empty"

    def __init__(self, account_id: object, balance: int, held: int) -> None:
        super().__init__(
            f"Account {account_id} still has a balance or a hold. Move the balance out and "
            "resolve its holds, then close it.",
            account_id=account_id,
            balance=balance,
            held=held,
        )


class OverdraftInUse(LedgerError):
    """Raised in the admin only: no route of the API sets a limit."""

    code = "overdraft_in_use"

    def __init__(self, account_id: object, used: int, limit: int) -> None:
        super().__init__(
            f"Account {account_id} already uses {used} of its overdraft. Set the limit to at "
            "least that.",
            account_id=account_id,
            used=used,
            limit=limit,
        )
