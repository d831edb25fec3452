"""The response to a request that is refused anyway doesn't disclose the state of other accounts."""

import pytest
from django.contrib.auth.models import Permission
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import services as account_services
from api.tests.contract import MONEY_MAX, assert_problem
from transfers import services
from transfers.models import Transfer
from transfers.tests.orders import hold_order, transfer_order

pytestmark = pytest.mark.django_db

UNAVAILABLE = ["frozen", "closed", "full"]
STATES = ["open", *UNAVAILABLE]


class Scene:
    """Alice's accounts, and accounts of Bob in every state."""

    def __init__(self, alice, bob, staff, fund) -> None:
        self.alice, self.bob, self.staff, self.fund = alice, bob, staff, fund
        self.rich, self.also_rich = fund(alice, MONEY_MAX), fund(alice, MONEY_MAX)
        self.broke, self.frozen, self.closed = fund(alice), fund(alice, 100), fund(alice)
        account_services.freeze(account_id=self.frozen.pk, actor=staff)
        account_services.close(account_id=self.closed.pk, actor=alice)
        self.euros = fund(bob, currency="EUR")
        self.theirs = [
            {state: self.enter(fund(bob), state) for state in [*STATES, "euros"]} for _ in range(2)
        ]

    def enter(self, account, state):
        if state == "frozen":
            account_services.freeze(account_id=account.pk, actor=self.staff)
        elif state == "closed":
            account_services.close(account_id=account.pk, actor=self.staff)
        elif state == "full":
            services.deposit(account_id=account.pk, amount=MONEY_MAX, actor=self.staff)
        elif state == "euros":
            return self.fund(self.bob, currency="EUR")
        return account


@pytest.fixture
def scene(alice, bob, staff, funded_account):
    return Scene(alice, bob, staff, funded_account)


@pytest.fixture
def teller(make_user):
    user = make_user(username="a teller")
    user.user_permissions.add(Permission.objects.get(codename="move_cash"))
    return user


def order(source, dest, amount=10, **more):
    parties = {"source_account_id": str(source.pk), "dest_account_id": str(dest.pk)}
    return {**parties, "amount": amount, **more}


def disclosed(response, *ids) -> tuple:
    """Return a response without what differs between any two requests, with ``ids`` masked."""
    content = response.content
    for place, each in enumerate(ids):
        content = content.replace(str(each.pk).encode(), f"id {place}".encode())
    headers = {name: value for name, value in response.items() if name != "X-Request-ID"}
    return response.status_code, headers, content


# ── Callers without the funds or the right ───────────────────────────────────────────────────────

# Requests of Alice about an account of Bob in any state. She lacks the funds or the right, or her
# own account can't take part.
LACKING = {
    "a transfer that exceeds her balance": lambda s, bobs: ("/transfers", order(s.broke, bobs)),
    "a hold that exceeds her balance": lambda s, bobs: (
        "/transfers",
        order(s.broke, bobs, hold=True),
    ),
    "a transfer from her frozen account": lambda s, bobs: ("/transfers", order(s.frozen, bobs)),
    "a hold on her closed account": lambda s, bobs: (
        "/transfers",
        order(s.closed, bobs, hold=True),
    ),
    "a transfer from his account": lambda s, bobs: ("/transfers", order(bobs, s.broke)),
    "a hold on his account": lambda s, bobs: ("/transfers", order(bobs, s.broke, hold=True)),
    "a transfer to itself": lambda s, bobs: ("/transfers", order(bobs, bobs)),
    "a batch whose last transfer exceeds her balance": lambda s, bobs: (
        "/transfers/batch",
        {"transfers": [order(s.rich, bobs), order(s.broke, s.rich)]},
    ),
    "a batch that exceeds the largest balance of her own account": lambda s, bobs: (
        "/transfers/batch",
        {"transfers": [order(s.also_rich, bobs, 5), order(s.also_rich, s.rich, 1)]},
    ),
    "a deposit": lambda s, bobs: (f"/accounts/{bobs.pk}/deposit", {"amount": 1}),
    "a withdrawal": lambda s, bobs: (f"/accounts/{bobs.pk}/withdraw", {"amount": 1}),
    "closing it": lambda s, bobs: (f"/accounts/{bobs.pk}/close", {}),
    "freezing it": lambda s, bobs: (f"/accounts/{bobs.pk}/freeze", {}),
    "its statement": lambda s, bobs: (f"/accounts/{bobs.pk}/statement", None),
    "its balance": lambda s, bobs: (f"/accounts/{bobs.pk}/balance", None),
    "its transfers": lambda s, bobs: (f"/transfers?account_id={bobs.pk}", None),
    "the account": lambda s, bobs: (f"/accounts/{bobs.pk}", None),
}


@pytest.mark.parametrize("ask", LACKING.values(), ids=LACKING.keys())
def test_insufficient_funds_are_reported_whatever_the_state_of_the_destination(api, scene, ask):
    answers = []
    for state in [*STATES, "euros"]:
        bobs = scene.theirs[0][state]
        path, body = ask(scene, bobs)
        response = api.get(path) if body is None else api.post(path, body)
        answers.append(disclosed(response, bobs))

    assert answers[0][0] in (400, 403, 404, 409)
    assert answers == [answers[0]] * 5


@pytest.mark.parametrize("lack", ["the right", "an open account", "enough of a hold"])
def test_a_refused_capture_does_not_disclose_the_state_of_the_other_account(
    client_for, scene, lack
):
    payer, payee = (scene.rich, scene.fund(scene.bob))
    bobs, captor = (payee, scene.alice) if lack == "the right" else (payer, scene.bob)
    answers = []
    for state in ("open", "frozen"):
        hold = hold_order(payer, payee, 10, actor=scene.alice)
        if lack == "an open account":
            account_services.freeze(account_id=payee.pk, actor=scene.staff)
        scene.enter(bobs, state)
        body = {"amount": 11} if lack == "enough of a hold" else {}

        answer = client_for(captor).post(f"/transfers/{hold.pk}/capture", body)

        answers.append(disclosed(answer, hold))
        for account in (payer, payee):
            account_services.unfreeze(account_id=account.pk, actor=scene.staff)

    assert answers[0][0] in (403, 409)
    assert answers[0] == answers[1]


@pytest.mark.parametrize("lack", ["funds", "an open account", "a second time"])
def test_a_refused_reversal_does_not_disclose_the_state_of_the_other_account(
    client_for, scene, lack
):
    answers = []
    for state in STATES:
        payer, payee = scene.fund(scene.alice, 10), scene.fund(scene.bob)
        paid = transfer_order(payer, payee, 10, actor=scene.alice)
        if lack == "funds":
            services.withdraw(account_id=payee.pk, amount=1, actor=scene.bob)
        elif lack == "an open account":
            account_services.freeze(account_id=payee.pk, actor=scene.staff)
        else:
            services.reverse(transfer_id=paid.pk, actor=scene.bob)
            services.withdraw(account_id=payer.pk, amount=10, actor=scene.alice)
        scene.enter(payer, state)

        answer = client_for(scene.bob).post(f"/transfers/{paid.pk}/reverse", {})

        answers.append(disclosed(answer, paid, payee))

    assert answers[0][0] == 409
    assert answers == [answers[0]] * len(STATES)


own = st.sampled_from(["rich", "also_rich", "broke", "frozen", "closed"])
amounts = st.sampled_from([1, 5, MONEY_MAX - 1, MONEY_MAX])
items = st.tuples(own, st.one_of(own, st.sampled_from([0, 1])), amounts)
states = st.sampled_from([*STATES, "euros"])
worlds = st.tuples(states, states)


@settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(items, max_size=4), st.integers(0, 4), st.lists(worlds, min_size=2, max_size=2))
def test_a_batch_without_funds_is_refused_alike_whatever_the_state_of_others(
    api, scene, items, at, two
):
    # This item exceeds the funds anywhere in the batch.
    items.insert(at, ("broke", 0, MONEY_MAX))
    answers = []
    for world in two:
        theirs = [scene.theirs[place][state] for place, state in enumerate(world)]

        def account(name, theirs=theirs):
            return theirs[name] if isinstance(name, int) else getattr(scene, name)

        transfers = [order(account(a), account(b), amount) for a, b, amount in items]
        answers.append(disclosed(api.post("/transfers/batch", {"transfers": transfers}), *theirs))

    assert answers[0][0] in (400, 409)
    assert answers[0] == answers[1]
    assert b"destination_unavailable" not in answers[0][2]


# ── Callers with the funds ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["transfer", "batch", "batch of others"])
def test_frozen_closed_and_full_destinations_get_the_same_response(api, scene, kind):
    answers = []
    for state in UNAVAILABLE:
        bobs = scene.theirs[0][state]
        orders = [order(scene.rich, bobs)]
        if kind == "batch of others":
            orders = [order(scene.rich, scene.theirs[1]["open"]), *orders, *orders]
        path = "/transfers" if kind == "transfer" else "/transfers/batch"
        answer = api.post(path, orders[0] if kind == "transfer" else {"transfers": orders})
        assert_problem(answer, 409, "destination_unavailable")
        answers.append(disclosed(answer, bobs))

    assert answers == [answers[0]] * 3


@pytest.mark.parametrize("amount", [MONEY_MAX - 41, MONEY_MAX - 42, MONEY_MAX - 43])
@pytest.mark.parametrize("anyway", ["no funds", "a frozen payee", "another currency"])
def test_a_refused_batch_does_not_disclose_a_balance(api, scene, amount, anyway):
    bobs = scene.fund(scene.bob, 42)
    refused = {
        "no funds": order(scene.broke, scene.rich),
        "a frozen payee": order(scene.also_rich, scene.theirs[0]["frozen"], 1),
        "another currency": order(scene.also_rich, scene.euros, 1),
    }[anyway]

    asked = {"transfers": [order(scene.rich, bobs, amount), refused]}
    answer = api.post("/transfers/batch", asked)

    at = {"index": 1, "pointer": "#/transfers/1"}
    if anyway == "no funds":
        figures = {"available": 0, "required": 10, "shortfall": 10}
        account_id = str(scene.broke.pk)
        assert_problem(answer, 409, "insufficient_funds", account_id=account_id, **figures, **at)
    elif anyway == "a frozen payee":
        assert_problem(answer, 409, "destination_unavailable")
    else:
        currencies = {"source_currency": "USD", "dest_currency": "EUR"}
        assert_problem(answer, 400, "currency_mismatch", **currencies, **at)
    assert Transfer.objects.filter(kind="TRANSFER").count() == 0


@pytest.mark.parametrize("state", UNAVAILABLE)
@pytest.mark.parametrize("verb", ["deposit", "withdraw"])
def test_a_teller_gets_the_same_response_as_other_users(client_for, scene, teller, verb, state):
    account = scene.theirs[0][state]
    client = client_for(teller)

    answer = client.post(f"/accounts/{account.pk}/{verb}", {"amount": MONEY_MAX})

    if verb == "deposit":
        assert_problem(answer, 409, "destination_unavailable")
    elif state != "full":
        figures = {"account_id": str(account.pk), "required": MONEY_MAX}
        assert_problem(answer, 409, "insufficient_funds", **figures)
    else:
        assert answer.status_code == 200


def test_the_owner_and_staff_get_the_account_and_the_reason(client_for, scene):
    account, bobs = scene.theirs[0]["frozen"], scene.fund(scene.bob, 10)

    for user in (scene.bob, scene.staff):
        answer = client_for(user).post("/transfers", order(bobs, account))
        assert_problem(answer, 409, "account_frozen", account_id=str(account.pk))
