"""POST /transfers and GET /transfers/{id}."""

import pytest

from accounts import services as account_services
from api.tests.contract import (
    MONEY_MAX,
    NOWHERE,
    account_document,
    assert_invalid,
    assert_problem,
    transfer_document,
)
from transfers.models import Transfer
from transfers.tests.orders import hold_order, transfer_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(source, dest):
    """Return a function that returns a body for a transfer from alice to bob."""

    def make(**members):
        parties = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk)}
        return {**parties, "amount": 3_00, **members}

    return make


def test_a_transfer_returns_its_location_and_the_accounts_visible_to_the_payer(
    api, source, dest, order
):
    response = api.post("/transfers", order(memo="rent", metadata={"ref": "7"}))

    posted = Transfer.objects.get(kind="TRANSFER")
    assert response.status_code == 201
    assert response["Content-Type"] == "application/json"
    assert response["Location"] == f"/transfers/{posted.pk}"
    assert response.json() == {
        **transfer_document(posted),
        "source": account_document(source),
        "dest": {"id": str(dest.pk)},
    }
    assert (posted.source_id, posted.dest_id, posted.amount) == (source.pk, dest.pk, 3_00)
    assert (posted.memo, posted.metadata, posted.currency) == ("rent", {"ref": "7"}, "USD")
    assert account_document(source)["balance"] == 7_00
    assert account_document(dest)["balance"] == 3_00


def test_a_transfer_without_memo_and_metadata_has_null_and_an_empty_object(api, order):
    response = api.post("/transfers", order())

    assert response.status_code == 201
    assert (response.json()["memo"], response.json()["metadata"]) == (None, {})


def test_the_owner_of_both_accounts_gets_both_in_their_new_state(
    api, alice, funded_account, source
):
    savings = funded_account(alice)
    body = {"source_account_id": str(source.pk), "dest_account_id": str(savings.pk), "amount": 1}

    response = api.post("/transfers", body)

    assert response.json()["source"] == account_document(source)
    assert response.json()["dest"] == account_document(savings)
    assert (response.json()["source"]["balance"], response.json()["dest"]["balance"]) == (999, 1)


def test_staff_can_transfer_for_any_account_and_see_both_accounts(
    client_for, staff, source, dest, order
):
    response = client_for(staff).post("/transfers", order())

    assert response.status_code == 201
    assert response.json()["source"] == account_document(source)
    assert response.json()["dest"] == account_document(dest)


def test_account_ids_in_upper_case_are_accepted(api, source, dest, order):
    body = order(source_account_id=str(source.pk).upper(), dest_account_id=str(dest.pk).upper())

    response = api.post("/transfers", body)

    assert response.status_code == 201
    assert response.json()["source_account_id"] == str(source.pk)
    assert response.json()["dest_account_id"] == str(dest.pk)


def test_a_transfer_beyond_what_is_available_is_refused_and_changes_nothing(
    api, alice, source, dest, order
):
    hold_order(source, dest, 8_00, actor=alice)
    before = account_document(source), account_document(dest)

    response = api.post("/transfers", order(amount=3_00))

    assert_problem(
        response,
        409,
        "insufficient_funds",
        account_id=str(source.pk),
        available=2_00,
        required=3_00,
        shortfall=1_00,
    )
    assert (account_document(source), account_document(dest)) == before
    assert Transfer.objects.filter(kind="TRANSFER").count() == 0


def test_the_owner_of_a_destination_is_told_that_it_would_exceed_its_limit(
    api, alice, funded_account, order
):
    full = funded_account(alice, MONEY_MAX)

    response = api.post("/transfers", order(dest_account_id=str(full.pk), amount=1))

    assert_problem(
        response, 409, "balance_limit_exceeded", account_id=str(full.pk), limit=MONEY_MAX
    )


@pytest.mark.parametrize("kind", [{}, {"hold": True}])
def test_a_transfer_between_two_currencies_is_refused(api, bob, funded_account, order, kind):
    euros = funded_account(bob, currency="EUR")

    response = api.post("/transfers", order(dest_account_id=str(euros.pk), **kind))

    assert_problem(response, 400, "currency_mismatch", source_currency="USD", dest_currency="EUR")


@pytest.mark.parametrize("kind", [{}, {"hold": True}])
@pytest.mark.parametrize("side", ["source", "dest"])
@pytest.mark.parametrize("state", ["frozen", "closed"])
def test_an_owner_is_told_which_of_their_accounts_is_not_open(
    api, alice, staff, funded_account, order, kind, side, state
):
    account = funded_account(alice)
    change = account_services.freeze if state == "frozen" else account_services.close
    change(account_id=account.pk, actor=staff)

    response = api.post("/transfers", order(**{f"{side}_account_id": str(account.pk)}, **kind))

    assert_problem(response, 409, f"account_{state}", account_id=str(account.pk))


@pytest.mark.parametrize("kind", [{}, {"hold": True}])
def test_a_source_of_another_owner_is_not_found(api, dest, order, kind):
    foreign = api.post("/transfers", order(source_account_id=str(dest.pk), **kind))
    missing = api.post("/transfers", order(source_account_id=str(NOWHERE), **kind))
    no_dest = api.post("/transfers", order(dest_account_id=str(NOWHERE), **kind))

    for response in (foreign, missing, no_dest):
        assert_problem(response, 404, "account_not_found")
    assert foreign.content.replace(str(dest.pk).encode(), b"") == missing.content.replace(
        str(NOWHERE).encode(), b""
    )
    assert missing.content == no_dest.content


def test_all_errors_of_a_body_are_reported_at_once(api):
    response = api.post("/transfers", {"source_account_id": 5, "amount": "5", "hold": 1})

    assert_invalid(
        response,
        ("#/source_account_id", "invalid"),
        ("#/dest_account_id", "required"),
        ("#/amount", "invalid"),
        ("#/hold", "invalid"),
    )


@pytest.mark.parametrize("who", ["alice", "bob", "staff"])
def test_both_owners_and_staff_can_read_a_transfer(client_for, request, alice, source, dest, who):
    posted = transfer_order(source, dest, 1_00, actor=alice, memo="rent")
    client = client_for(request.getfixturevalue(who))

    response = client.get(f"/transfers/{posted.pk}")
    in_upper_case = client.get(f"/transfers/{str(posted.pk).upper()}")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response.json() == transfer_document(posted)
    assert in_upper_case.json() == response.json()


def test_the_transfer_of_other_owners_is_not_found(client_for, make_user, alice, source, dest):
    posted = transfer_order(source, dest, 1_00, actor=alice)
    client = client_for(make_user())

    foreign = client.get(f"/transfers/{posted.pk}")
    missing = client.get(f"/transfers/{NOWHERE}")

    assert_problem(foreign, 404, "transfer_not_found")
    assert_problem(missing, 404, "transfer_not_found")
    assert foreign.content.replace(str(posted.pk).encode(), b"") == missing.content.replace(
        str(NOWHERE).encode(), b""
    )


def test_transfers_require_a_token_even_with_public_reads(
    client_for, alice, source, dest, settings
):
    settings.PUBLIC_READS = True
    posted = transfer_order(source, dest, 1_00, actor=alice)

    for path in (f"/transfers/{posted.pk}", "/transfers", f"/accounts/{source.pk}/balance"):
        response = client_for(None).get(path)

        assert_problem(response, 401, "not_authenticated")
