"""Create a service key from the command line."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from api.scopes import Scope
from ledger_project.service_keys import services
from ledger_project.service_keys.models import LONGEST_NAME

LONGEST_DAYS = 3650


class Command(BaseCommand):
    help = (
        "Create a service key for a user, and print its client id and its secret, which is shown "
        "only once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", help="the user whom the key belongs to")
        parser.add_argument("name", help="what the key is for")
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=[scope.value for scope in Scope],
            help="what the key may do; may be repeated",
        )
        parser.add_argument(
            "--days", type=int, help="for how many days the key works (default: until revoked)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        owner = User.objects.filter(username=options["username"]).first()
        if owner is None:
            raise CommandError(f"There is no user named {options['username']}.")
        if not owner.is_active:
            raise CommandError(f"The user {owner} is deactivated, so the key wouldn't work.")
        name, days = options["name"].strip(), options["days"]
        if not 1 <= len(name) <= LONGEST_NAME:
            raise CommandError(f"The name must have 1 to {LONGEST_NAME} characters.")
        if days is not None and not 1 <= days <= LONGEST_DAYS:
            raise CommandError(f"--days must be from 1 to {LONGEST_DAYS}.")
        key, secret = services.create(
            owner=owner,
            name=name,
            scopes=[Scope(scope) for scope in options["scope"]],  # type: ignore[call-arg]
            expires_in=None if days is None else timedelta(days=days),
        )
        self.stdout.write(f"client_id={key.pk}")
        self.stdout.write(f"client_secret={secret}")
