"""Run the same operations on the service (over HTTP) and on the model, and compare them."""

import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from hypothesis.stateful import RuleBasedStateMachine
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from ledger_project.tests.model_ledger import ModelLedger
from transfers import clock

REMEMBERED = {200, 201, 404, 409}

# The members of an account that are compared.
SHOWN = ("owner_name", "currency", "status", "balance", "held", "available", "version")


def pick(place: int, every: list, likely: list) -> Any:
    """Choose an item by number: one of ``likely`` in three of four cases."""
    choices = likely if likely and place % 4 else every
    return choices[place // 4 % len(choices)]


class ComparisonMachine(RuleBasedStateMachine):
    """Operations of three users on a few accounts, on the service and on the model."""

    # Shared, because each new client loads the middleware again.
    client: APIClient
    clerk: User
    seen: Counter

    def __init__(self) -> None:
        super().__init__()
        self.model = ModelLedger(datetime(2026, 1, 1, tzinfo=UTC))
        self.name = uuid.uuid4().hex
        people = {"staff": self.clerk}
        for who in ("alice", "bob"):
            people[who] = User.objects.create(username=f"{who}-{self.name}")
        self.headers = {
            who: {"Authorization": f"Bearer {AccessToken.for_user(user)}"}
            for who, user in people.items()
        }
        # The requests whose responses were stored, with key and response; and the unused keys.
        self.answers: list[tuple] = []
        self.free_keys: dict[str, list] = {who: [] for who in people}
        self.sent, self.agreed = 0, True

    # ── Requests ─────────────────────────────────────────────────────────────────────────────

    def send(self, actor, method, path, body, key):
        with clock.at(self.model.now):
            return getattr(self.client, method)(path, body, key=key, headers=self.headers[actor])

    def read(self, path, actor="staff"):
        with clock.at(self.model.now):
            response = self.client.get(path, headers=self.headers[actor])
        self.seen["read", response.status_code] += 1
        return response.status_code, response.json()

    def read_pages(self, path, actor="staff", **query):
        """Return the items of all pages of a list."""
        items: list[dict] = []
        while "cursor" not in query or query["cursor"]:
            status, page = self.read(f"{path}?{urlencode(query)}", actor)
            assert (status, len(page["items"]) <= query["limit"]) == (200, True)
            items += page["items"]
            assert len({item["id"] for item in items}) == len(items)
            query["cursor"] = page["next_cursor"]
        return items

    def write(self, actor, path, body, verb, *args, method="post"):
        """Run a write on both, compare the results, and return the document if it succeeded."""
        expected = self.model.attempt(verb, *args)
        self.sent += 1
        free = self.free_keys[actor]
        key = free.pop() if free else f"{self.name}-{self.sent}"
        response = self.send(actor, method, path, body, key)
        document = response.json()

        # After a difference, the test stops: the states differ from now on.
        actual = response.status_code, document.get("code")
        self.agreed = actual == expected
        assert self.agreed, f"{actor} {path} {body}: {actual}, but the model expects {expected}"
        assert "Idempotent-Replayed" not in response
        self.seen[expected] += 1
        if expected[0] in REMEMBERED:
            self.answers.append((actor, method, path, body, key, response))
        else:
            free.append(key)
        return document if expected[0] < 300 else None

    def write_transfer(self, actor, path, body, verb, *args):
        """Run a transfer on both, copy the ids to the model, and compare the accounts."""
        document = self.write(actor, path, body, verb, actor, *args)
        if document is None:
            return
        posted = document.get("transfers", [document])
        for transfer, shown in zip(self.model.transfers[-len(posted) :], posted, strict=True):
            transfer["id"] = shown.get("transfer_id", shown["id"])
        if "transfer_id" in document:
            self.assert_account(document)
        for side in ("source", "dest"):
            if set(document.get(side, {})) > {"id"}:
                assert actor in ("staff", self.model.accounts[document[side]["id"]]["owner"])
                self.assert_account(document[side])

    def assert_account(self, shown):
        account = self.model.accounts[shown["id"]]
        facts = {
            **account,
            "available": account["balance"] - account["held"],
            "version": len(account["statement"]),
        }
        assert {name: shown[name] for name in SHOWN} == {name: facts[name] for name in SHOWN}

    def account(self, place, owner=None):
        """Choose an account, more often one of the owner."""
        accounts = self.model.accounts
        own = [one for one in accounts if accounts[one]["owner"] == owner]
        return pick(place, [*accounts], own)

    def actor(self, name, transfer):
        """Return the name of a user. For the payee of a withdrawal, it is staff."""
        payee = self.model.accounts.get(transfer["dest"], {"owner": "staff"})
        return payee["owner"] if name == "payee" else name

    def transfer(self, place, *statuses):
        """Choose a transfer with a known id, more often one with one of the statuses."""
        known = [each for each in self.model.transfers if "id" in each]
        likely = [each for each in known if self.model.status_of(each["place"]) in statuses]
        return pick(place, known, likely)
