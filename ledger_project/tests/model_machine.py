"""Telling one history twice, to the service over HTTP and to the model, and comparing both."""

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

# What of an account is compared.
SHOWN = ("owner_name", "currency", "status", "balance", "held", "available", "version")


def pick(place: int, every: list, likely: list) -> Any:
    """Pick one by its place, three times in four a likely one."""
    choices = likely if likely and place % 4 else every
    return choices[place // 4 % len(choices)]


class TwiceTold(RuleBasedStateMachine):
    """One history of three people and a few accounts, told to the service and to the model."""

    # One for all: each new one starts the middleware anew.
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
        # Each key that was used up, with its request and its answer; and those that stayed free.
        self.answers: list[tuple] = []
        self.free_keys: dict[str, list] = {who: [] for who in people}
        self.sent, self.agreed = 0, True

    # ── Telling both ─────────────────────────────────────────────────────────────────────────────

    def send(self, actor, method, path, body, key):
        with clock.at(self.model.now):
            return getattr(self.client, method)(path, body, key=key, headers=self.headers[actor])

    def read(self, path, actor="staff"):
        with clock.at(self.model.now):
            answer = self.client.get(path, headers=self.headers[actor])
        self.seen["read", answer.status_code] += 1
        return answer.status_code, answer.json()

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

    def tell(self, actor, path, body, verb, *args, method="post"):
        """Tell both of a write, compare how they answer, and return the answer if it is good."""
        expected = self.model.attempt(verb, *args)
        self.sent += 1
        free = self.free_keys[actor]
        key = free.pop() if free else f"{self.name}-{self.sent}"
        answer = self.send(actor, method, path, body, key)
        document = answer.json()

        # Where they differ, the history ends here: what follows from it is no news.
        answered = answer.status_code, document.get("code")
        self.agreed = answered == expected
        assert self.agreed, f"{actor} {path} {body}: {answered}, and the model says {expected}"
        assert "Idempotent-Replayed" not in answer
        self.seen[expected] += 1
        if expected[0] in REMEMBERED:
            self.answers.append((actor, method, path, body, key, answer))
        else:
            free.append(key)
        return document if expected[0] < 300 else None

    def tell_movement(self, actor, path, body, verb, *args):
        """Tell both of a movement; give the model the ids, and compare what is shown."""
        document = self.tell(actor, path, body, verb, actor, *args)
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
        """Pick an account, and more often one of the owner's."""
        accounts = self.model.accounts
        own = [one for one in accounts if accounts[one]["owner"] == owner]
        return pick(place, [*accounts], own)

    def actor(self, name, transfer):
        """Return who is meant: the payee of a withdrawal is outside, and staff act for it."""
        payee = self.model.accounts.get(transfer["dest"], {"owner": "staff"})
        return payee["owner"] if name == "payee" else name

    def transfer(self, place, *statuses):
        """Pick a transfer whose id is known, and more often one that has one of the statuses."""
        known = [each for each in self.model.transfers if "id" in each]
        likely = [each for each in known if self.model.status_of(each["place"]) in statuses]
        return pick(place, known, likely)
