"""Fixtures for the tests of all apps. Test money is deposited through the services."""

import gc
import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from coverage import Coverage
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import TransactionTestCase
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken
from whitenoise.middleware import WhiteNoiseMiddleware

from accounts.models import Account
from api.errors import LedgerError
from ledger_project.tests.emptying import emptying
from transfers import services
from transfers.clock import at
from transfers.kinds import Kind

# Leave out the tests of the other database.
collect_ignore_glob = [
    "*/tests/test_postgresql*.py" if connection.vendor == "sqlite" else "*/tests/test_sqlite*.py"
]


# Coverage is measured in the first cases of a parametrised test, but neither in the others, which
# differ in their data, nor in random cases. Measuring makes a test take almost twice as long.
MEASURED_CASES = 3
IS_MEASURED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    Leave out the tests that this run doesn't need.

    The tests whose result can't depend on the database run on SQLite only. With ``BROWSER=0``, the
    tests that need a browser don't run.
    """
    left_out = []
    if connection.vendor != "sqlite":
        left_out.append("one_database")
    if os.environ.get("BROWSER") == "0":
        left_out.append("browser")
    groups: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        groups[any(item.get_closest_marker(name) for name in left_out)].append(item)
    config.hook.pytest_deselected(items=groups[True])
    items[:] = groups[False]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep the garbage collector from scanning all tests again and again, and count their cases."""
    gc.freeze()
    cases: Counter[str] = Counter()
    for item in session.items:
        cases[function := item.nodeid.partition("[")[0]] += 1
        is_random = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        item.stash[IS_MEASURED] = cases[function] <= MEASURED_CASES and not is_random


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Stop measuring coverage during a test that isn't measured."""
    coverage = Coverage.current()
    if coverage is None or item.stash[IS_MEASURED] or item.get_closest_marker("no_cover"):
        return (yield)
    coverage.stop()
    try:
        return (yield)
    finally:
        coverage.start()


class LedgerClient(APIClient):
    """A client that is logged in as ``user`` and sends a fresh Idempotency-Key with each write."""

    def __init__(self, user: User | None = None) -> None:
        super().__init__(raise_request_exception=False)
        self.user = user
        if user is not None:
            token = AccessToken.for_user(user)
            # A test may take longer than the five minutes for which a token is valid.
            token.set_exp(lifetime=timedelta(days=1))
            self.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    def post(self, path: str, data: Any = None, key: str | None = None, **extra: Any):
        headers = {"Idempotency-Key": key or str(uuid.uuid4()), **extra.pop("headers", {})}
        return super().post(path, {} if data is None else data, headers=headers, **extra)

    def patch(self, path: str, data: Any = None, key: str | None = None, **extra: Any):
        headers = {"Idempotency-Key": key or str(uuid.uuid4()), **extra.pop("headers", {})}
        return super().patch(path, {} if data is None else data, headers=headers, **extra)

    def delete(self, path: str, data: Any = None, key: str | None = None, **extra: Any):
        headers = {"Idempotency-Key": key or str(uuid.uuid4()), **extra.pop("headers", {})}
        return super().delete(path, data, headers=headers, **extra)


@pytest.fixture(scope="session", autouse=True)
def static_files_read_once() -> Iterator[None]:
    """
    Read the static files once in a run.

    Each client builds the middleware anew, and WhiteNoise then reads all files of the admin, which
    takes longer than most requests.
    """
    read, files_of = WhiteNoiseMiddleware.add_files_from_finders, {}

    def read_once(middleware: WhiteNoiseMiddleware) -> None:
        configuration = (middleware.static_prefix, middleware.max_age)
        if configuration not in files_of:
            read(middleware)
            files_of[configuration] = dict(middleware.files)
        middleware.files.update(files_of[configuration])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", read_once)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Create the database, and empty it after each test with real commits."""
    with pytest.MonkeyPatch.context() as patch:
        with django_db_blocker.unblock():
            teardown = emptying()
        patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
        yield


@pytest.fixture
def make_user(db) -> Callable[..., User]:
    """Return a function that creates a user with the given permissions and a unique name."""

    def make(*permissions: str, **fields: Any) -> User:
        name = fields.pop("username", f"user-{uuid.uuid4().hex[:8]}")
        return allow(User.objects.create_user(name, password="a password", **fields), *permissions)

    return make


@pytest.fixture
def alice(make_user) -> User:
    return make_user(username="alice")


@pytest.fixture
def bob(make_user) -> User:
    return make_user(username="bob")


@pytest.fixture
def staff(make_user) -> User:
    """A member of staff in the group Operations, who may do everything to every account."""
    staff = make_user(username="staff", is_staff=True)
    staff.groups.add(Group.objects.get(name="Operations"))
    return staff


@pytest.fixture
def newcomer(make_user) -> User:
    """A member of staff without any permission."""
    return make_user(username="newcomer", is_staff=True)


@pytest.fixture
def api(alice) -> LedgerClient:
    """A client that is logged in as alice."""
    return LedgerClient(alice)


@pytest.fixture
def client_for() -> Callable[[User | None], LedgerClient]:
    return LedgerClient


@pytest.fixture
def patient_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let new connections wait for locks without a limit.

    On a slow machine a wait may exceed the limits of production, which proves nothing.
    """
    option, value = (
        ("timeout", 300) if connection.vendor == "sqlite" else ("options", "-c lock_timeout=0")
    )
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], option, value)


@pytest.fixture
def at_once(patient_database: None) -> Callable[..., list[Any]]:
    """
    Return a function that runs calls at the same time and returns their results in order.

    Each call runs in its own thread, with its own connection, and commits.
    """

    def run(*calls: Callable[[], Any]) -> list[Any]:
        barrier = threading.Barrier(len(calls))

        def contend(call: Callable[[], Any]) -> Any:
            try:
                connection.cursor().close()  # Connect before the race starts.
                barrier.wait(timeout=300)
                return call()
            finally:
                connection.close()

        with ThreadPoolExecutor(len(calls)) as threads:
            return list(threads.map(contend, calls))

    return run


@pytest.fixture
def race(at_once) -> Callable[..., list[Any]]:
    """
    Return a function like ``at_once`` that returns a ``LedgerError`` if a call raises one.

    Any other exception fails the test.
    """

    def outcome(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except LedgerError as refusal:
            return refusal

    return lambda *calls: at_once(*(partial(outcome, call) for call in calls))


@pytest.fixture
def funded_account(db) -> Callable[..., Account]:
    """Return a function that opens an account and deposits its balance."""

    def fund(owner: User, balance: int = 0, **fields: Any) -> Account:
        account = Account.objects.create(
            owner=owner, **{"owner_name": owner.username, "currency": "USD", **fields}
        )
        if balance:
            order = services.Order(
                kind=Kind.DEPOSIT, source_id=None, dest_id=account.pk, amount=balance
            )
            services.transfer(order=order, actor=_teller(), is_approved=True)
            account.refresh_from_db()
        return account

    return fund


def allow(user: User, *permissions: str) -> User:
    """Give the user permissions, such as ``accounts.read_any``, and return the user."""
    for permission in permissions:
        app, codename = permission.split(".")
        found = Permission.objects.get(content_type__app_label=app, codename=codename)
        user.user_permissions.add(found)
    return user


def _teller() -> User:
    # A superuser, because to give and look up a permission takes more statements than a deposit.
    teller = User.objects.filter(username="teller").first()
    return teller or User.objects.create(username="teller", is_superuser=True)


class Clock:
    """Replaces the database's clock by one that stands still until ``go_on`` advances it."""

    def __init__(self, stack: ExitStack) -> None:
        self.now = timezone.now()
        self._stack = stack
        self.go_on()

    def go_on(self, **by: int) -> None:
        self.now += timedelta(**by)
        self._stack.enter_context(at(self.now))


@pytest.fixture
def clock() -> Iterator[Clock]:
    with ExitStack() as stack:
        yield Clock(stack)
