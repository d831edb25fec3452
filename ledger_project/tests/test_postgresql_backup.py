"""A backup by pg_dump, made while money is posted, can be restored into a new cluster."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from django.contrib.auth.models import User
from django.db import connection

from accounts.models import Account
from events.models import Event
from ledger_project.tests.postgresql_servers import connected_to, manage
from ledger_project.tests.posting import posting, require_guarded_history
from tools.with_postgres import Server
from transfers.services import deposit

pytestmark = pytest.mark.django_db(transaction=True)

MOVED = "The event log comes from another server. Run `manage.py migrate` to continue it."

# So that the ids of transactions in the backup are ahead of those in the new cluster.
USE_IDS = """
    DO $$ BEGIN
        FOR turn IN 1..5000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP;
    END $$
"""


class Cluster(Server):
    """A cluster with a ledger, which can be dumped and restored as docs/databases.md says."""

    def __init__(self) -> None:
        super().__init__(fsync="off")

    def dump(self) -> None:
        self._run("pg_dump", "--format=custom", "--file=backup", self.url)

    def restore(self, backup: "Cluster") -> None:
        shutil.copy(backup.directory / "backup", self.directory / "backup")
        (self.directory / "backup").chmod(0o644)
        self._run("pg_restore", "--exit-on-error", f"--dbname={self.url}", "backup")


@pytest.fixture
def clusters() -> Iterator[tuple[Cluster, Cluster]]:
    with ExitStack() as stack:
        yield stack.enter_context(closing(Cluster())), stack.enter_context(closing(Cluster()))


def test_a_restored_backup_is_clean_guarded_and_can_be_used(client, clusters):
    def readiness() -> tuple[int, str | None]:
        response = client.get("/readyz")
        return response.status_code, response.json().get("detail")

    old, new = clusters
    assert manage(old.url, "migrate", "--verbosity", "0").returncode == 0
    with connected_to(old.url):
        with connection.cursor() as cursor:
            cursor.execute(USE_IDS)
        ann = User.objects.create_superuser("ann")
        account = Account.objects.create(owner=ann, owner_name="Ann", currency="USD")
        with posting(account, ann):
            old.dump()

    new.restore(old)
    with connected_to(new.url):
        before = readiness()
    migrated = manage(new.url, "migrate", "--verbosity", "0")
    verified = manage(new.url, "verify_ledger")
    with connected_to(new.url):
        after = readiness()
        restored = Account.objects.get(pk=account.pk).balance
        posted = deposit(account_id=account.pk, amount=7, actor=ann)
        newest = list(Event.objects.in_order())[-1]
        balance = Account.objects.get(pk=account.pk).balance
        require_guarded_history()

    assert (before, after) == ((503, MOVED), (200, None))
    assert (migrated.returncode, verified.returncode) == (0, 0), verified.stdout
    assert restored > 0
    assert balance == restored + 7
    assert newest.transfer_id == posted.pk
