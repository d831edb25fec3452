"""Export a statement as CSV and read the file."""

import csv
import io

HEADER = [
    "id",
    "ts",
    "account_id",
    "transfer_id",
    "type",
    "amount",
    "balance",
    "sequence",
    "ref",
    "kind",
    "counterparty_id",
    "currency",
]


REF = HEADER.index("ref")


def export(client, account, query: str = "", accept: str = "text/csv"):
    return client.get(f"/accounts/{account.pk}/statement{query}", headers={"Accept": accept})


def text_of(response) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def rows_of(response) -> list[list[str]]:
    """Return the rows below the header."""
    header, *rows = csv.reader(io.StringIO(text_of(response), newline=""))
    assert header == HEADER
    return rows
