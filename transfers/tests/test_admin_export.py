"""CSV files of transfers and statements from the admin."""

import csv
import re
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.urls import reverse

from accounts.models import external_account_id
from accounts.tests.admin_pages import messages_of
from api.instants import instant
from transfers import clock, services
from transfers.services import Order

EXPORT = reverse("admin:transfers_transfer_export")
MARCH = {"first": "2026-03-01", "last": "2026-03-31"}


@pytest.fixture
def paid(alice, bob, funded_account):
    """Return three transfers: in February, at the last moment of March, and in April."""
    with clock.at(datetime(2026, 2, 1, tzinfo=UTC)):
        source = funded_account(alice, 5_000_00, owner_name="=Ada", created_at=clock.now())
        dest = funded_account(bob, owner_name="Ben", created_at=clock.now())
    made = []
    for moment in ("2026-02-28T23:59:59", "2026-03-31T23:59:59.999999", "2026-04-01T00:00:00"):
        with clock.at(datetime.fromisoformat(moment).replace(tzinfo=UTC)):
            order = Order(
                source_id=source.pk, dest_id=dest.pk, amount=1_234_56, memo="@Rent, and more"
            )
            made.append(services.transfer(order=order, actor=alice))
    return made


def rows_of(response) -> list[dict[str, str]]:
    content = b"".join(response.streaming_content)
    assert int(response["Content-Length"]) == len(content)
    return list(csv.DictReader(StringIO(content.decode(), newline="")))


def statement(account_id) -> str:
    return reverse("admin:accounts_account_statement", args=[account_id])


def test_the_button_says_that_filters_do_not_apply(reader, paid):
    account = reverse("admin:accounts_account_change", args=[paid[1].dest_id])

    texts = [reader.get(path).text for path in ("/admin/transfers/transfer/?q=nothing", account)]

    assert "Download all transfers as CSV" in texts[0]
    assert "Download the statement as CSV" in texts[1]


def test_the_transfers_of_a_range_of_days_are_exported(reader, paid):
    response = reader.get(EXPORT, MARCH)

    wanted = paid[1]
    assert response["Content-Disposition"] == (
        'attachment; filename="transfers-2026-03-01-2026-03-31.csv"'
    )
    assert rows_of(response) == [
        {
            "id": str(wanted.pk),
            "created_at": "2026-03-31T23:59:59.999999Z",
            "kind": "TRANSFER",
            "amount": "1234.56",
            "currency": "USD",
            "memo": "'@Rent, and more",
            "source_id": str(wanted.source_id),
            "source_name": "'=Ada",
            "dest_id": str(wanted.dest_id),
            "dest_name": "Ben",
            "hold_id": "",
            "reverses_id": "",
            "created_by": "alice",
        }
    ]


def test_all_transfers_of_a_range_are_exported_newest_first(reader, paid, monkeypatch):
    monkeypatch.setattr("transfers.export.CHUNK", 2)

    rows = rows_of(reader.get(EXPORT, {"first": "2026-02-02", "last": "2026-04-01"}))

    assert [row["id"] for row in rows] == [str(transfer.pk) for transfer in reversed(paid)]


def test_the_statement_of_a_range_of_days_is_exported(reader, paid):
    response = reader.get(statement(paid[0].dest_id), MARCH)

    entry = paid[1].entries.get(type="CREDIT")
    name = f"statement-{paid[0].dest_id}-2026-03-01-2026-03-31.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert rows_of(response) == [
        {
            "sequence": "2",
            "ts": instant(entry.ts),
            "kind": "TRANSFER",
            "type": "CREDIT",
            "amount": "1234.56",
            "balance": "2469.12",
            "currency": "USD",
            "ref": "'@Rent, and more",
            "counterparty_id": str(paid[1].source_id),
            "counterparty_name": "'=Ada",
            "transfer_id": str(paid[1].pk),
            "id": str(entry.pk),
        }
    ]


def test_the_pages_offer_the_current_month(reader, paid):
    today = clock.now().date()
    pages = {
        EXPORT: reader.get(reverse("admin:transfers_transfer_changelist")),
        statement(paid[0].dest_id): reader.get(
            reverse("admin:accounts_account_change", args=[paid[0].dest_id])
        ),
    }

    for action, response in pages.items():
        [form] = re.findall(f'<form class="export" action="{action}">(.*?)</form>',
                            response.content.decode(), re.S)  # fmt: skip
        assert re.findall(r'<input type="date" name="(\w+)" value="([^"]*)"', form) == [
            ("first", f"{today:%Y-%m}-01"),
            ("last", f"{today:%Y-%m-%d}"),
        ]


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ({"first": "2026-04-01", "last": "2026-03-01"}, "The last day comes before the first one."),
        ({"first": "yesterday"}, "Enter a valid date."),
        ({"first": "0001-01-01"}, "Enter days in the years 1971 to 9998."),
        ({"last": "9999-12-31"}, "Enter days in the years 1971 to 9998."),
    ],
)
def test_invalid_days_are_refused_on_the_page(reader, paid, days, why):
    responses = [reader.get(path, days) for path in (EXPORT, statement(paid[0].dest_id))]

    assert [response.status_code for response in responses] == [302, 302]
    # Nothing has shown the first message yet.
    assert messages_of(responses[1]) == [("error", f"Nothing was exported. {why}")] * 2


def test_only_readers_get_a_file(client, newcomer, paid):
    client.force_login(newcomer)

    assert [
        client.get(path, MARCH).status_code for path in (EXPORT, statement(paid[0].dest_id))
    ] == [
        403,
        403,
    ]


@pytest.mark.parametrize("account_id", [external_account_id("USD"), "nonsense"])
def test_an_external_or_unknown_account_has_no_statement(reader, account_id):
    assert reader.get(statement(account_id), MARCH).status_code == 404
