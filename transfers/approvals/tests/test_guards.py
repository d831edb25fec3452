"""Raw SQL can't approve, change or delete what the services wouldn't."""

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from audit.protection import GUARDS, schema_results
from database.guards import installation
from ledger_project.tests.replacing import plain_session, replace
from transfers.approvals import services
from transfers.approvals.guards import guards
from transfers.approvals.models import Approval
from transfers.approvals.tests.conftest import THRESHOLD
from transfers.models import Transfer

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("threshold")]

TABLE = "approvals_approval"
# A decision by another person, now.
DECIDE = f"""UPDATE {TABLE} SET status = '{{}}', decided_at = requested_at,
    decided_by_id = (SELECT id FROM auth_user WHERE username = '{{}}')"""
OF_PENDING = " WHERE status = 'PENDING'"
COLUMNS = [field.column for field in Approval._meta.concrete_fields]


def insert(**changes: str) -> str:
    """Return the SQL that inserts a copy of the pending approval with other values."""
    values = {name: name for name in COLUMNS} | {"id": NEW_ID} | changes
    columns = ", ".join(values)
    return f"INSERT INTO {TABLE} ({columns}) SELECT {', '.join(values.values())} FROM {TABLE}" + (
        OF_PENDING
    )


NEW_ID = "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
# What the transfer of the approved approval becomes in the pending one, which asks for another.
OTHERS_RESULT = f"(SELECT transfer_id FROM {TABLE} WHERE status = 'APPROVED')"
# A transfer as the pending approval asks for it, but created by its owner.
SIMILAR = "(SELECT id FROM transfers_transfer WHERE memo = 'Similar')"

ATTACKS = {
    "inserting an approval that is already decided": (
        "approval_pending",
        insert(
            status="'DECLINED'",
            decided_at="requested_at",
            decided_by_id=("(SELECT id FROM auth_user WHERE username = 'checker')"),
        ),
    ),
    "deciding once more": (
        "approval_decided_once",
        DECIDE.format("DECLINED", "checker") + ", transfer_id = NULL WHERE status = 'APPROVED'",
    ),
    "making a decision pending again": (
        "approval_decided_once",
        f"UPDATE {TABLE} SET status = 'PENDING', decided_by_id = NULL, decided_at = NULL,"
        " note = '', transfer_id = NULL WHERE status = 'APPROVED'",
    ),
    "naming another person who decided": (
        "approval_decided_once",
        f"UPDATE {TABLE} SET decided_by_id = (SELECT id FROM auth_user WHERE username = 'bob')"
        " WHERE status = 'APPROVED'",
    ),
    "changing the amount that was asked for": (
        "approval_decided_once",
        f"UPDATE {TABLE} SET amount = amount + 1{OF_PENDING}",
    ),
    "changing who gets the money": (
        "approval_decided_once",
        f"UPDATE {TABLE} SET dest_id = source_id{OF_PENDING}",
    ),
    "removing the memo": (
        "approval_decided_once",
        f"UPDATE {TABLE} SET memo = NULL{OF_PENDING}",
    ),
    "changing the requester": (
        "approval_decided_once",
        f"UPDATE {TABLE} SET requested_by_id ="
        f" (SELECT id FROM auth_user WHERE username = 'bob'){OF_PENDING}",
    ),
    "deleting an approval": ("approval_kept", f"DELETE FROM {TABLE}{OF_PENDING}"),
    "naming a transfer that wasn't asked for by this person": (
        "approval_result",
        DECIDE.format("APPROVED", "checker") + f", transfer_id = {SIMILAR}{OF_PENDING}",
    ),
}
if connection.vendor == "postgresql":
    ATTACKS["truncating approvals"] = ("approval_not_truncated", f"TRUNCATE {TABLE}")
else:
    ATTACKS |= {
        "asking for half a cent": ("approval_integers", insert(amount="1.5")),
        "replacing a request by its id": (
            "approval_refuse_replace",
            replace(Approval, "status = 'PENDING'", amount="1"),
        ),
        "replacing a request by its rowid": (
            "approval_refuse_replace",
            replace(Approval, "status = 'PENDING'", rowid="rowid", id=NEW_ID),
        ),
        "replacing an approval by taking its result": (
            "approval_refuse_replace_by_update",
            DECIDE.format("APPROVED", "checker").replace("UPDATE", "UPDATE OR REPLACE")
            + f", transfer_id = {OTHERS_RESULT}{OF_PENDING}",
        ),
        "giving an approval the rowid of another": (
            "approval_refuse_replace_by_update",
            f"UPDATE OR REPLACE {TABLE} SET rowid ="
            f" (SELECT rowid FROM {TABLE} WHERE status = 'APPROVED'){OF_PENDING}",
        ),
    }


@pytest.fixture(autouse=True)
def of_anybody(db) -> Iterator[None]:
    with plain_session():
        yield


@pytest.fixture
def approvals(ask, checker, source, dest):
    """A pending approval, an approved one, and a transfer like the pending one by its owner."""
    from transfers import services as transfers
    from transfers.movements import Order

    approved, pending = ask(), ask()
    services.approve(approval_id=approved.pk, actor=checker)
    order = Order(source_id=source.pk, dest_id=dest.pk, amount=THRESHOLD, memo="Similar")
    transfers.transfer(order=order, actor=source.owner)
    return approved, pending


def run(sql: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table can't be truncated while deferred triggers are pending.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(sql)
        assert cursor.rowcount != 0
        transaction.set_rollback(True)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_by_its_guard(approvals, name):
    guard, attack = ATTACKS[name]

    with pytest.raises(IntegrityError) as refusal:
        run(attack)

    if connection.vendor == "postgresql":
        assert refusal.value.__cause__.diag.constraint_name == guard
    else:
        assert str(refusal.value).startswith(f"{guard}: ")


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_succeeds_without_its_guard(approvals, name):
    guard, attack = ATTACKS[name]
    guards.drop(connection, guard)

    run(attack)


def test_every_guard_has_an_attack():
    assert {guard for guard, _ in ATTACKS.values()} == set(guards.names(connection))


def test_a_correct_handwritten_decision_is_accepted(approvals):
    run(DECIDE.format("DECLINED", "checker") + OF_PENDING)
    run(DECIDE.format("WITHDRAWN", "staff") + OF_PENDING)


def test_a_correct_handwritten_approval_is_accepted(approvals, staff, source, dest):
    from transfers import services as transfers
    from transfers.approvals.models import Approval

    [pending] = Approval.objects.filter(status="PENDING")
    transfer = transfers.transfer(order=pending.order, actor=staff, is_approved=True)
    key = Transfer._meta.pk.get_db_prep_value(transfer.pk, connection)

    run(DECIDE.format("APPROVED", "checker") + f", transfer_id = '{key}'{OF_PENDING}")


def test_a_correct_handwritten_request_is_accepted(approvals):
    run(insert())


CONSTRAINTS = {
    "approving one's own request": (
        "approval_by_two_people",
        DECIDE.format("APPROVED", "staff") + f", transfer_id = {SIMILAR}{OF_PENDING}",
    ),
    "declining one's own request": (
        "approval_by_two_people",
        DECIDE.format("DECLINED", "staff") + OF_PENDING,
    ),
    "withdrawing somebody else's request": (
        "approval_by_two_people",
        DECIDE.format("WITHDRAWN", "checker") + OF_PENDING,
    ),
    "a decision by nobody": (
        "approval_decision_is_complete",
        f"UPDATE {TABLE} SET status = 'DECLINED', decided_at = requested_at{OF_PENDING}",
    ),
    "a decision without a time": (
        "approval_decision_is_complete",
        f"UPDATE {TABLE} SET status = 'DECLINED', decided_by_id ="
        f" (SELECT id FROM auth_user WHERE username = 'checker'){OF_PENDING}",
    ),
    "a pending request that somebody has decided": (
        "approval_decision_is_complete",
        DECIDE.format("PENDING", "checker") + OF_PENDING,
    ),
    "an approval without a result": (
        "approval_has_its_result",
        DECIDE.format("APPROVED", "checker") + OF_PENDING,
    ),
    "a refusal with a result": (
        "approval_has_its_result",
        DECIDE.format("DECLINED", "checker") + f", transfer_id = {SIMILAR}{OF_PENDING}",
    ),
    "the same result twice": (
        "transfer_id",
        DECIDE.format("APPROVED", "checker") + f", transfer_id = {OTHERS_RESULT}{OF_PENDING}",
    ),
    "an unknown status": (
        "approval_status_known",
        DECIDE.format("DONE", "checker") + OF_PENDING,
    ),
    "an unknown kind": ("approval_kind_known", insert(kind="'GIFT'")),
    "an amount of 0": ("approval_amount_within_bounds", insert(amount="0")),
    "a transfer without a source": ("approval_has_what_its_kind_needs", insert(source_id="NULL")),
    "a transfer that reverses another": (
        "approval_has_what_its_kind_needs",
        insert(reverses_id=SIMILAR),
    ),
    "a limit of a transfer's accounts": (
        "approval_has_what_its_kind_needs",
        insert(kind="'OVERDRAFT_LIMIT'"),
    ),
    "a hold that doesn't expire": ("approval_expires_only_if_hold", insert(kind="'HOLD'")),
    "a transfer that expires": ("approval_expires_only_if_hold", insert(expires_in="5")),
}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_an_inconsistent_approval_is_refused_without_any_guard(approvals, name):
    constraint, attack = CONSTRAINTS[name]
    guards.drop(connection)

    with pytest.raises(IntegrityError, match=constraint):
        run(attack)


@pytest.mark.parametrize("name", guards.names(connection))
def test_a_missing_guard_is_reported_and_reinstalled_by_migrate(name):
    guards.drop(connection, name)

    [error] = installation.check("approvals", guards, databases=["default"])
    [found] = [result for result in schema_results(connection) if result.name == GUARDS]
    call_command("migrate", verbosity=0)

    assert error.id == "approvals.E001"
    assert [finding.subject for finding in found.examples] == [name]
    assert guards.missing(connection) == []
