"""GET /accounts/{id}/statement as CSV."""

import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import Account, external_account_id
from api.tests.contract import assert_invalid, assert_problem, instant, statement_of
from transfers import services
from transfers.export import CHUNK
from transfers.kinds import Kind
from transfers.posting import Draft
from transfers.recording import record
from transfers.services import Order
from transfers.tests.exports import HEADER, REF, export, rows_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(alice, funded_account):
    """An account of alice's with three entries: +100, -30, +50."""
    account = funded_account(alice, 100)
    services.withdraw(account_id=account.pk, amount=30, actor=alice, memo='Rent, "May"\nand June')
    services.deposit(account_id=account.pk, amount=50, actor=alice, memo="Zoë")
    return account


def sequences(response) -> list[str]:
    return [row[HEADER.index("sequence")] for row in rows_of(response)]


def expected_rows(account) -> list[list[str]]:
    return [
        ["" if item[name] is None else str(item[name]) for name in HEADER]
        for item in statement_of(account)
    ]


def test_an_export_has_every_entry_newest_first(api, account):
    response = export(api, account)

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="statement-{account.pk}.csv"'
    assert rows_of(response) == expected_rows(account)
    assert [row[REF] for row in expected_rows(account)] == ["Zoë", 'Rent, "May"\nand June', ""]


def test_lines_and_quoted_cells_follow_rfc_4180(api, account):
    lines = text_of(export(api, account)).split("\r\n")

    assert lines[0] == ",".join(HEADER)
    external = external_account_id("USD")
    assert lines[1].endswith(f",CREDIT,50,120,3,Zoë,DEPOSIT,{external},USD")
    assert lines[2].endswith(f',DEBIT,30,70,2,"Rent, ""May""\nand June",WITHDRAWAL,{external},USD')
    assert lines[3].endswith(f",CREDIT,100,100,1,,DEPOSIT,{external},USD")
    assert lines[4:] == [""]


def test_the_export_of_an_account_without_entries_has_only_the_header(api, alice, funded_account):
    response = export(api, funded_account(alice))

    assert text_of(response) == ",".join(HEADER) + "\r\n"


@pytest.mark.parametrize(
    "query",
    ["?limit=1", "?limit=0", "?limit=x", "?cursor=forged", "?cursor=", "?limit=1&cursor=x"],
)
def test_limit_and_cursor_are_ignored_in_an_export(api, account, query):
    response = export(api, account, query)

    assert sequences(response) == ["3", "2", "1"]


def test_an_export_can_be_filtered_like_the_statement(api, account):
    second = instant(account.entries.get(sequence=2).ts)

    assert sequences(export(api, account, f"?from={second}")) == ["3", "2"]
    assert sequences(export(api, account, f"?to={second}")) == ["1"]
    assert sequences(export(api, account, "?type=DEBIT")) == ["2"]
    assert sequences(export(api, account, f"?from={second}&type=CREDIT")) == ["3"]


def test_an_export_of_more_than_one_chunk_has_every_line_once(api, alice, account, funded_account):
    savings = funded_account(alice, 1_000)
    order = Order(source_id=savings.pk, dest_id=account.pk, amount=1)
    services.post_batch(orders=[order] * 1_000, actor=alice)

    response = export(api, account)

    assert sequences(response) == [str(sequence) for sequence in range(1_003, 0, -1)]


def test_an_export_excludes_entries_posted_after_it_began(api, alice, account):
    response = export(api, account)

    services.deposit(account_id=account.pk, amount=1, actor=alice)

    assert sequences(response) == ["3", "2", "1"]


@pytest.mark.parametrize("accept", ["text/csv", "text/csv; charset=utf-8", "text/*"])
def test_csv_must_be_requested(api, account, accept):
    response = export(api, account, accept=accept)

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert sequences(response) == ["3", "2", "1"]


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/*"])
def test_a_statement_is_json_by_default(api, account, accept):
    response = export(api, account, accept=accept)

    assert response["Content-Type"] == "application/json"
    assert response.json()["items"] == statement_of(account)


def test_the_errors_of_an_export_are_problem_documents(api, client_for, bob, account):
    unknown = export(api, account, "?surprise=1")
    wrong = export(api, account, "?type=x&from=2026-01-01")
    foreign = export(client_for(bob), account)
    anonymous = export(client_for(None), account)
    other = export(api, account, accept="application/pdf")

    assert_invalid(unknown, ("#/surprise", "unknown_parameter"))
    assert_invalid(wrong, ("#/type", "invalid_choice"), ("#/from", "invalid_instant"))
    assert_problem(foreign, 404, "account_not_found")
    assert_problem(anonymous, 401, "not_authenticated")
    assert_problem(other, 406, "not_acceptable")


def test_an_export_can_be_read_without_a_token_with_public_reads(client_for, account, settings):
    settings.PUBLIC_READS = True

    response = export(client_for(None), account)

    assert rows_of(response) == expected_rows(account)


@pytest.mark.parametrize("count", [1, 3])
def test_an_export_takes_a_constant_number_of_queries(
    api, alice, funded_account, django_assert_num_queries, count
):
    account = funded_account(alice)
    for _ in range(count):
        services.deposit(account_id=account.pk, amount=1, actor=alice)

    # One query each for the user, the account, the entries, and the end of the entries.
    with django_assert_num_queries(4):
        response = export(api, account)
        exported = sequences(response)

    assert len(exported) == count


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_an_export_that_fails_midway_returns_503_and_no_truncated_file(api, account, nth):
    deposits = [Draft(Kind.DEPOSIT, external_account_id("USD"), account.pk, 1)] * CHUNK
    with transaction.atomic():
        record(Account.objects.locked(account.pk), deposits, account.owner)
    asked = []

    def fail_at_the_nth(execute, sql, parameters, many, context):
        if "transfers_ledgerentry" in sql:
            asked.append(sql)
            if len(asked) == nth:
                raise OperationalError("The disk is gone.")
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(fail_at_the_nth):
        response = export(api, account)

    assert_problem(response, 503, "temporarily_unavailable")
    assert response["Retry-After"] == "1"


def test_an_export_has_a_content_length(api, account):
    response = export(api, account)

    assert int(response["Content-Length"]) == len(text_of(response).encode())
