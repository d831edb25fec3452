"""The documents that the API contract prescribes, with which tests compare whole responses."""

import uuid
from datetime import datetime
from typing import Any

from django.conf import settings

from accounts.models import Account
from transfers.models import LedgerEntry, Transfer

JSON = "application/json"
MONEY_MAX = 2**53 - 1
# An id that doesn't exist.
NOWHERE = uuid.UUID("00000000-0000-4000-8000-000000000001")


def instant(value: datetime) -> str:
    """Return an instant in UTC as the API writes it."""
    return f"{value:%Y-%m-%dT%H:%M:%S.%fZ}"


def account_document(account: Account) -> dict[str, Any]:
    """Return the document of an account, with its current values in the database."""
    account.refresh_from_db()
    return {
        "id": str(account.pk),
        "owner_name": account.owner_name,
        "currency": account.currency,
        "status": account.status,
        "balance": account.balance,
        "held": account.held,
        "available": account.balance - account.held + account.overdraft_limit,
        "overdraft_limit": account.overdraft_limit,
        "version": account.version,
        "metadata": account.metadata,
        "created_at": instant(account.created_at),
    }


def transfer_document(transfer: Transfer, status: str = "POSTED") -> dict[str, Any]:
    """Return the document of a transfer with this ``status``."""
    return {
        "id": str(transfer.pk),
        "kind": transfer.kind,
        "status": status,
        "amount": transfer.amount,
        "currency": transfer.currency,
        "memo": transfer.memo,
        "metadata": transfer.metadata,
        "source_account_id": str(transfer.source_id),
        "dest_account_id": str(transfer.dest_id),
        "hold_id": transfer.hold_id and str(transfer.hold_id),
        "reverses_id": transfer.reverses_id and str(transfer.reverses_id),
        "expires_at": transfer.expires_at and instant(transfer.expires_at),
        "created_at": instant(transfer.created_at),
    }


def statement_item(entry: LedgerEntry) -> dict[str, Any]:
    """Return the statement item for ``entry``, with its members in the order of the contract."""
    transfer = entry.transfer
    parties = {transfer.source_id, transfer.dest_id}
    return {
        "id": str(entry.pk),
        "ts": instant(entry.ts),
        "account_id": str(entry.account_id),
        "transfer_id": str(entry.transfer_id),
        "type": entry.type,
        "amount": entry.amount,
        "balance": entry.balance,
        "sequence": entry.sequence,
        "ref": transfer.memo,
        "kind": transfer.kind,
        "counterparty_id": str(next(iter(parties - {entry.account_id}))),
        "currency": transfer.currency,
    }


def statement_of(account: Account) -> list[dict[str, Any]]:
    """Return all items of an account's statement, newest first."""
    return [statement_item(entry) for entry in account.entries.order_by("-sequence")]


def assert_problem(response: Any, status: int, code: str, **more: Any) -> None:
    """Check that the response is exactly the problem document of ``code`` with ``more``."""
    document = response.json()
    assert response.status_code == status, document
    assert response["Content-Type"] == "application/problem+json"
    title, detail = document.get("title"), more.pop("detail", document.get("detail"))
    for text in (title, detail):
        assert isinstance(text, str), document
        assert text, document
    assert document == {
        "type": f"{settings.PROBLEM_DOCS_URL}#{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": response.request["PATH_INFO"],
        **more,
    }


def assert_invalid(response: Any, *errors: tuple[str, str]) -> None:
    """Check that the response is 422 with exactly these (pointer, code) pairs, in this order."""
    found = response.json().get("errors", [])
    assert [(each["pointer"], each["code"]) for each in found] == list(errors), response.json()
    assert [set(each) for each in found] == [{"pointer", "code", "detail"}] * len(errors)
    assert all(isinstance(each["detail"], str) and each["detail"] for each in found)
    assert_problem(response, 422, "validation_failed", errors=found)
