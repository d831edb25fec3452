"""
Create data that needs the application's code: ``python -m benchmarks.insider WHAT [ARGS...]``.

Runs in a separate process with the environment of one ledger, and prints JSON. If that has several
ledgers, ``--ledger HOST`` selects one, as for ``manage.py``.
"""

import json
import os
import sys

import django

from ledger_project.ledgers import commands


def tokens() -> list[str]:
    """Return an access token for each user who has accounts, in the order of their ids."""
    from django.contrib.auth.models import User
    from rest_framework_simplejwt.tokens import AccessToken

    owners = User.objects.filter(accounts__isnull=False).distinct().order_by("pk")
    return [str(AccessToken.for_user(owner)) for owner in owners]


def cursors(account_id: str, *sequences: str) -> list[str]:
    """Return the cursors of the statement pages that begin below these sequence numbers."""
    from api import pagination

    scope = [f"/accounts/{account_id}/statement", []]
    return [pagination._sign(int(sequence), {}, scope) for sequence in sequences]


def drop_guards() -> None:
    """Remove the guards from the database, because the ceiling is plain SQL."""
    from django.db import connection

    from database import guards

    guards.drop(connection)


def failed_checks() -> list[str]:
    """Return the names of the audit's checks that find something in the database."""
    from audit.ledger import check_ledger

    return [check.name for check in check_ledger().checks if not check.ok]


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "ledger_project.settings"
    arguments = commands.parse(sys.argv)
    if arguments.host is not None:
        commands.choose(arguments.host)
    django.setup()
    makers = {maker.__name__: maker for maker in (tokens, cursors, drop_guards, failed_checks)}
    _, what, *rest = arguments.others
    print(json.dumps(makers[what](*rest)))
