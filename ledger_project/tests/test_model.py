"""
Compare the service (over HTTP) with the model ledger, for random sequences of requests.

Each step is a real request through all middleware, with a real commit. A seed gives the same
sequences in every run, others on each database. A failing one is shown as a list of steps.
"""

from collections import Counter
from datetime import datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from accounts.models import Account, external_account_id
from audit.ledger import check_ledger
from ledger_project.tests.model_machine import ComparisonMachine, pick

EXAMPLES, STEPS = 200, 50
BOOKS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    print_blob=True,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)

# All results of writes in the model. Each must occur, so that the sequences cover them.
OUTCOMES = {
    (200, None),
    (201, None),
    (400, "same_account"),
    (400, "currency_mismatch"),
    (403, "permission_denied"),
    (404, "account_not_found"),
    (404, "transfer_not_found"),
    (409, "account_closed"),
    (409, "account_frozen"),
    (409, "account_not_empty"),
    (409, "already_reversed"),
    (409, "capture_exceeds_hold"),
    (409, "destination_unavailable"),
    (409, "hold_already_resolved"),
    (409, "hold_expired"),
    (409, "insufficient_funds"),
    (409, "not_a_hold"),
    (409, "not_reversible"),
}
LINE = ("type", "amount", "balance", "sequence", "kind", "ts", "transfer_id", "counterparty_id")

owners = st.sampled_from(["alice", "bob"])
actors = st.sampled_from(["alice", "alice", "bob", "bob", "staff"])
places = st.integers(0, 47)
amounts = st.integers(1, 60)
durations = st.sampled_from([1, 60, 3600, 3600])
# One of three captures exceeds every hold.
captures = st.none() | amounts | st.integers(61, 120)
# Only the payee may capture a hold or reverse a transfer, but others try too.
resolvers = st.sampled_from(["payee", "payee", "payee", "alice", "bob", "staff"])
terms = st.sampled_from([60, 3600, 86400])
orders = st.tuples(places, places, amounts)
# The filters of a list, whose values come from a transfer, so that it often contains this one.
narrowings = st.sampled_from(
    [(), ("kind",), ("status",), ("account_id",), ("status", "account_id")]
)
limits = st.sampled_from([2, 5, 100])


def wire(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%S.%fZ}"


class HistoryMachine(ComparisonMachine):
    """The possible steps, in any order, and what must hold after each of them."""

    # ── Accounts ─────────────────────────────────────────────────────────────────────────────────

    @initialize()
    def begin(self):
        for place, (owner, amount) in enumerate([("alice", 100), ("alice", 20), ("bob", 50)]):
            self.open(owner, "USD")
            self.deposit(owner, 4 * place, amount)
        # From the first to the third account, so that there is always something to resolve.
        self.hold("alice", (0, 8, 30), 3600)
        # The fourth account is closed and the fifth frozen, to cause errors.
        self.open("bob", "USD")
        self.close("bob", 12)
        self.open("alice", "USD")
        self.freeze_or_unfreeze("staff", 16, "freeze")

    @precondition(lambda self: len(self.model.accounts) < 7)
    @rule(owner=owners, currency=st.sampled_from(["USD", "EUR"]))
    def open(self, owner, currency):
        body = {"owner_name": owner, "currency": currency}
        document = self.write(owner, "/accounts", body, lambda _: (201, None), owner)
        self.model.open(document["id"], owner, owner, currency)
        self.assert_account(document)

    @rule(actor=actors, place=places, name=st.sampled_from(["Ann", "Ben"]))
    def rename(self, actor, place, name):
        one, body = self.account(place), {"owner_name": name}
        self.write(
            actor, f"/accounts/{one}", body, self.model.rename, actor, one, name, method="patch"
        )

    @rule(actor=actors, place=places)
    def close(self, actor, place):
        one = self.account(place)
        self.write(actor, f"/accounts/{one}/close", {}, self.model.close, actor, one)

    @rule(actor=actors, place=places, verb=st.sampled_from(["freeze", "unfreeze", "unfreeze"]))
    def freeze_or_unfreeze(self, actor, place, verb):
        one, status = self.account(place), "FROZEN" if verb == "freeze" else "OPEN"
        self.write(actor, f"/accounts/{one}/{verb}", {}, self.model.set_status, actor, one, status)

    # ── Movements ────────────────────────────────────────────────────────────────────────────────

    @rule(actor=actors, place=places, amount=amounts)
    def deposit(self, actor, place, amount):
        one, body = self.account(place, actor), {"amount": amount}
        self.write_transfer(
            actor, f"/accounts/{one}/deposit", body, self.model.deposit, one, amount
        )

    @rule(actor=actors, place=places, amount=amounts)
    def withdraw(self, actor, place, amount):
        one, body = self.account(place, actor), {"amount": amount}
        path = f"/accounts/{one}/withdraw"
        self.write_transfer(actor, path, body, self.model.withdraw, one, amount)

    def order(self, actor, source, dest, amount):
        one = self.account(source, actor)
        other = pick(
            dest, [*self.model.accounts], [each for each in self.model.accounts if each != one]
        )
        body = {"source_account_id": one, "dest_account_id": other, "amount": amount}
        return body, (one, other, amount)

    @rule(actor=actors, order=orders)
    def move(self, actor, order):
        body, args = self.order(actor, *order)
        self.write_transfer(actor, "/transfers", body, self.model.transfer, *args)

    @rule(actor=actors, batch=st.lists(orders, min_size=1, max_size=3))
    def move_batch(self, actor, batch):
        bodies, args = zip(*(self.order(actor, *order) for order in batch), strict=True)
        body = {"transfers": bodies}
        self.write_transfer(actor, "/transfers/batch", body, self.model.batch, args)

    @rule(actor=actors, order=orders, seconds=terms)
    def hold(self, actor, order, seconds):
        body, args = self.order(actor, *order)
        body |= {"hold": True, "expires_in": seconds}
        self.write_transfer(actor, "/transfers", body, self.model.hold, *args, seconds)

    @rule(actor=resolvers, place=places, amount=captures)
    def capture(self, actor, place, amount):
        held, body = (
            self.transfer(place, "PENDING", "EXPIRED"),
            {} if amount is None else {"amount": amount},
        )
        actor, path = self.actor(actor, held), f"/transfers/{held['id']}/capture"
        self.write_transfer(actor, path, body, self.model.capture, held["place"], amount)

    @rule(actor=resolvers, place=places)
    def void(self, actor, place):
        held = self.transfer(place, "PENDING", "EXPIRED")
        actor, path = self.actor(actor, held), f"/transfers/{held['id']}/void"
        self.write_transfer(actor, path, {}, self.model.void, held["place"])

    @rule(actor=resolvers, place=places)
    def reverse(self, actor, place):
        original = self.transfer(place, "POSTED", "REVERSED")
        actor, path = self.actor(actor, original), f"/transfers/{original['id']}/reverse"
        self.write_transfer(actor, path, {}, self.model.reverse, original["place"])

    @rule(seconds=durations)
    def wait(self, seconds):
        self.model.now += timedelta(seconds=seconds)

    # ── Keys ─────────────────────────────────────────────────────────────────────────────────────

    @rule(place=places)
    def replay(self, place):
        actor, method, path, body, key, first = self.answers[place % len(self.answers)]
        again = self.send(actor, method, path, body, key)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again["Idempotent-Replayed"] == "true"
        assert again.get("Location") == first.get("Location")

    @rule(place=places)
    def use_a_key_for_another_body(self, place):
        actor, method, path, body, key, _ = self.answers[place % len(self.answers)]
        response = self.send(actor, method, path, {**body, "memo": "another"}, key)
        assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_reused")

    @rule(place=places, actor=actors)
    def look_up_a_key(self, place, actor):
        owner, _, _, _, key, first = self.answers[place % len(self.answers)]
        status, shown = self.read(f"/idempotency-keys/{key}", actor)
        assert status == (200 if actor == owner else 404)
        if actor == owner:
            assert shown["response_status"] == first.status_code
            assert shown["response_body"] == first.json()

    # ── Reading ──────────────────────────────────────────────────────────────────────────────────

    @rule(place=places, limit=st.integers(1, 4))
    def page_through_a_statement(self, place, limit):
        self.assert_statement(self.account(place), limit)

    def assert_statement(self, one, limit):
        items = self.read_pages(f"/accounts/{one}/statement", limit=limit)
        lines = self.model.accounts[one]["statement"]
        outside = str(external_account_id(self.model.accounts[one]["currency"]))
        assert [{name: item[name] for name in LINE} for item in items] == [
            {
                **{name: line[name] for name in LINE[:5]},
                "ts": wire(line["ts"]),
                "transfer_id": self.model.transfers[line["transfer"]]["id"],
                "counterparty_id": line["counterparty"] or outside,
            }
            for line in reversed(lines)
        ]

    @rule(actor=owners, place=places, narrowing=narrowings, limit=limits)
    def page_through_transfers(self, actor, place, narrowing, limit):
        one = self.transfer(place, "REVERSED", "CAPTURED", "VOIDED", "EXPIRED")
        of_it = {
            "account_id": one["dest"],
            "kind": one["kind"],
            "status": self.model.status_of(one["place"]),
        }
        query = {name: of_it[name] for name in narrowing if of_it[name]}
        if self.model.accounts.get(query.get("account_id"), {"owner": actor})["owner"] != actor:
            assert self.read(f"/transfers?{urlencode(query)}", actor)[0] == 404
            return
        items = self.read_pages("/transfers", actor, **query, limit=limit)
        listed = self.model.listed(actor, **query)
        assert [(item["kind"], item["status"], item["amount"]) for item in items] == [
            (each["kind"], self.model.status_of(each["place"]), each["amount"]) for each in listed
        ]
        # The model doesn't know the ids of the automatic releases.
        ids = [each.get("id", item["id"]) for item, each in zip(items, listed, strict=True)]
        assert [item["id"] for item in items] == ids

    @rule(place=places, seconds=st.sampled_from([0, 1, 60, 61, 3600, -1]))
    def ask_for_an_earlier_balance(self, place, seconds):
        one, at = self.account(place), self.model.now - timedelta(seconds=seconds)
        status, shown = self.read(f"/accounts/{one}/balance?at={wire(at)}")
        assert status == (422 if seconds < 0 else 200)
        if seconds >= 0:
            assert (shown["balance"], shown["sequence"]) == self.model.as_of(one, at)

    @rule(actor=actors, place=places)
    def look_at_a_transfer(self, actor, place):
        transfer = self.transfer(place, "PENDING", "EXPIRED", "CAPTURED", "VOIDED")
        status, shown = self.read(f"/transfers/{transfer['id']}", actor)
        assert status == self.model.attempt(self.model.look, actor, transfer["place"])[0]
        if status == 200:
            facts = (transfer["kind"], self.model.status_of(transfer["place"]), transfer["amount"])
            assert (shown["kind"], shown["status"], shown["amount"]) == facts

    @invariant()
    def the_accounts_are_as_the_model_says(self):
        columns = ("pk", "owner_name", "status", "balance", "held", "version", "currency")
        rows = Account.objects.filter(pk__in=self.model.accounts).values_list(*columns)
        total = dict.fromkeys(self.model.cash, 0)
        for one, name, status, balance, held, version, currency in rows:
            account = self.model.accounts[str(one)]
            assert (name, status) == (account["owner_name"], account["status"])
            assert (balance, held) == (account["balance"], account["held"])
            assert version == len(account["statement"])
            total[currency] += balance
        assert (len(rows), total) == (len(self.model.accounts), self.model.cash)

    def teardown(self):
        for one in self.model.accounts if self.agreed else ():
            self.assert_statement(one, 100)


@pytest.mark.no_cover  # Measuring coverage would double its time, and add no lines.
@pytest.mark.django_db(transaction=True)
def test_the_service_and_the_model_agree_on_random_histories(client_for, staff, caplog, request):
    seed(f"{request.config.getoption('--hypothesis-seed')} {connection.vendor}")(HistoryMachine)
    caplog.set_level("ERROR", "ledger.request")
    HistoryMachine.client, HistoryMachine.clerk = client_for(None), staff
    HistoryMachine.seen = seen = Counter()

    run(HistoryMachine, settings=BOOKS)

    assert {outcome for outcome in seen if outcome[0] != "read"} == OUTCOMES
    failed = {check.name for check in check_ledger().checks if not check.ok}
    assert failed == {"transfer_is_no_older_than_its_accounts"}  # The model's clock is behind.
