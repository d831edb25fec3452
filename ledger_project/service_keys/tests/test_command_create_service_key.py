"""``manage.py create_service_key``."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from ledger_project.service_keys.models import ServiceKey
from ledger_project.service_keys.tests.keys import Held, client_with

pytestmark = pytest.mark.django_db


def create(*arguments: str) -> Held:
    output = StringIO()
    call_command("create_service_key", *arguments, stdout=output)
    printed = dict(line.split("=", 1) for line in output.getvalue().splitlines())
    assert list(printed) == ["client_id", "client_secret"]
    return Held(ServiceKey.objects.get(pk=printed["client_id"]), printed["client_secret"])


def test_the_printed_key_works_with_its_scopes(alice):
    held = create("alice", "Shop backend", "--scope", "transfers:write", "--scope=accounts:read")

    client = client_with(held)

    assert client.get("/accounts").status_code == 200
    assert client.post("/accounts", {"owner_name": "A"}).status_code == 403
    assert (held.key.owner, held.key.name) == (alice, "Shop backend")
    assert held.key.scope == "accounts:read transfers:write"
    assert held.key.expires_at is None


def test_a_key_for_some_days_expires(alice):
    key = create("alice", "report", "--scope=accounts:read", "--days=90").key

    assert key.expires_at - key.created_at == timedelta(days=90)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody", "x", "--scope=cash:write"], "There is no user named nobody."),
        (["gone", "x", "--scope=cash:write"], "The user gone is deactivated, so the key wouldn't "),
        (["alice", " ", "--scope=cash:write"], "The name must have 1 to 100 characters."),
        (["alice", "x" * 101, "--scope=cash:write"], "The name must have 1 to 100 characters."),
        (["alice", "x", "--scope=cash:write", "--days=0"], "--days must be from 1 to 3650."),
        (["alice", "x", "--scope=all"], "Error: argument --scope: invalid choice: 'all'"),
        (["alice", "x"], "Error: the following arguments are required: --scope"),
    ],
)
def test_invalid_arguments_are_reported_and_create_nothing(alice, make_user, arguments, message):
    make_user(username="gone", is_active=False)

    with pytest.raises(CommandError, match=message):
        call_command("create_service_key", *arguments)

    assert not ServiceKey.objects.exists()
