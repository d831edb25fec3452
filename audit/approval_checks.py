"""
The checks of approvals: two people, and a result that is what was asked for.

The SQL deliberately repeats the constraints of the model and the guards in
``transfers/approvals/guards``, so that the audit can find what was written while they were missing.
"""

from collections.abc import Iterator

from audit.report import EXAMPLES, Finding, Result
from audit.rows import fetch, uuid_text

# By name: what is checked, the condition of a violation, and its message.
CHECKS = {
    "approval_by_two_people": (
        "Every approval was decided by a user other than its requester, or withdrawn by them",
        """approval.status <> 'PENDING' AND (approval.decided_by_id IS NULL
            OR (approval.decided_by_id = approval.requested_by_id)
                <> (approval.status = 'WITHDRAWN'))""",
        "{status}, but decided by the wrong person or by nobody",
    ),
    "approval_has_its_result": (
        "Everything that was approved was carried out exactly as it was asked for, and nothing else"
        " was",
        """CASE WHEN approval.status <> 'APPROVED'
            THEN approval.transfer_id IS NOT NULL OR approval.change_id IS NOT NULL
            WHEN approval.kind = 'OVERDRAFT_LIMIT'
            THEN approval.transfer_id IS NOT NULL OR change.id IS NULL
                OR change.account_id <> approval.account_id
                OR change.action <> 'SET_OVERDRAFT_LIMIT'
                OR change.after <> CAST(approval.amount AS text)
            ELSE approval.change_id IS NOT NULL OR done.id IS NULL
                OR done.kind <> approval.kind OR done.amount <> approval.amount
                OR done.currency <> approval.currency OR done.source_id <> approval.source_id
                OR done.dest_id <> approval.dest_id
                OR done.created_by_id IS NULL OR done.created_by_id <> approval.requested_by_id
                OR coalesce(done.memo, '') <> coalesce(approval.memo, '')
                OR (done.reverses_id IS NULL) <> (approval.reverses_id IS NULL)
                OR done.reverses_id <> approval.reverses_id
            END""",
        "{status}, but the transfer or change that it names isn't what was asked for",
    ),
}

ROWS = """
    FROM approvals_approval approval
    LEFT JOIN transfers_transfer done ON done.id = approval.transfer_id
    LEFT JOIN accounts_accountchange change ON change.id = approval.change_id
"""


def approval_results() -> Iterator[Result]:
    """Yield the result of each check of approvals."""
    for name, (description, violation, problem) in CHECKS.items():
        result = Result(name, description)
        violations = f"{ROWS} WHERE {violation}"
        [row] = fetch(f"SELECT count(*) AS found {violations}")
        result.findings = row["found"]
        if result.findings:
            result.examples = [
                Finding(uuid_text(row["id"]), problem.format(status=row["status"]))
                for row in fetch(
                    "SELECT approval.id AS id, CAST(approval.status AS text) AS status"
                    f" {violations} ORDER BY 1 LIMIT {EXAMPLES}"
                )
            ]
        yield result
