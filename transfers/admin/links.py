"""Links to transfers, and rows of entries, for the admin's pages."""

from typing import Any

from django.urls import reverse
from django.utils.html import format_html

from accounts.admin.pages import DASH, account_link, badge, money_shown, time_shown
from transfers.models import LedgerEntry, Transfer
from transfers.posting import EntryType
from transfers.querysets import TransferStatus

# The colours of badges.
TONES = {
    TransferStatus.POSTED: "good",
    TransferStatus.REVERSED: "quiet",
    TransferStatus.PENDING: "wait",
    TransferStatus.CAPTURED: "good",
    TransferStatus.VOIDED: "quiet",
    TransferStatus.EXPIRED: "quiet",
}


def transfer_link(transfer: Transfer | None) -> str:
    """Return a link to a transfer's page, with its kind and id; a dash for None."""
    if transfer is None:
        return DASH
    link = '<a class="nowrap" href="{}">{} {}</a>'
    return format_html(link, _page_of(transfer), transfer.get_kind_display(), transfer.pk)


def transfer_in_words(transfer: Transfer) -> str:
    """Return a link to a transfer's page, with its time, memo and id below it."""
    told = (time_shown(transfer.created_at), memo_of(transfer))
    return format_html(
        '<a href="{}">{} of {}</a><br> {}<br> <span class="id">{}</span>',
        _page_of(transfer),
        transfer.get_kind_display(),
        money_shown(transfer.amount, transfer.currency),
        " · ".join(filter(None, told)),
        transfer.pk,
    )


def kind_link(transfer: Transfer) -> str:
    """Return a link to a transfer's page, with only its kind, for a column of a list."""
    return format_html('<a href="{}">{}</a>', _page_of(transfer), transfer.get_kind_display())


def memo_of(transfer: Transfer) -> str:
    """Return a transfer's memo. A CAPTURE or VOID without one has the memo of its hold."""
    return transfer.memo or (transfer.hold.memo if transfer.hold else None) or ""


def entry_row(entry: LedgerEntry, transfer: Transfer) -> dict[str, Any]:
    """Return the cells of an entry's row in a table, by name."""
    amount = money_shown(entry.amount, transfer.currency)
    is_debit = entry.type == EntryType.DEBIT
    return {
        "entry": entry,
        "kind": kind_link(transfer),
        "counterparty": account_link(transfer.dest if is_debit else transfer.source),
        "memo": memo_of(transfer),
        "debit": amount if is_debit else "",
        "credit": "" if is_debit else amount,
        "signed": f"-{amount}" if is_debit else f"+{amount}",
        "balance": money_shown(entry.balance, transfer.currency),
    }


def status_badge(transfer: Transfer) -> str:
    """Return the status of a transfer fetched ``with_resolution`` as a badge."""
    return badge(transfer.status.title(), TONES[transfer.status])


def transfer_row(transfer: Transfer) -> dict[str, Any]:
    """Return the cells of a transfer's row in a table, by name."""
    return {
        "transfer": transfer,
        "kind": kind_link(transfer),
        "source": account_link(transfer.source),
        "dest": account_link(transfer.dest),
        "amount": money_shown(transfer.amount, transfer.currency),
        "memo": memo_of(transfer),
    }


def _page_of(transfer: Transfer) -> str:
    return reverse("admin:transfers_transfer_change", args=[transfer.pk])
