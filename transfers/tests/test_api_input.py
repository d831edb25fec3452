"""The validation of amounts, memos, metadata and ids in every route that moves money."""

import json

import pytest

from api.tests.contract import JSON, NOWHERE, assert_invalid
from transfers import services
from transfers.models import Transfer
from transfers.tests.orders import hold_order

pytestmark = pytest.mark.django_db

WITH_METADATA = ("deposit", "withdraw", "transfer", "hold", "batch")
WITH_AMOUNT = (*WITH_METADATA, "capture")
WITH_MEMO = (*WITH_METADATA, "reverse")
WITH_IDS = ("transfer", "hold", "batch")


class Movement:
    """A route that moves money, a valid body for it, and the pointer to its members."""

    def __init__(self, path: str, body: dict, wrap: str = "%s", pointer: str = "#") -> None:
        self.path, self.body, self.wrap, self.pointer = path, dict(body), wrap, pointer
        self.status = 200 if path.endswith(("/deposit", "/withdraw")) else 201

    def send(self, api, name: str, literal: str):
        """Send the body with the member ``name`` written as the JSON ``literal``."""
        members = {each: json.dumps(value) for each, value in self.body.items()} | {name: literal}
        text = ", ".join(f'"{each}": {value}' for each, value in members.items())
        return api.post(self.path, self.wrap % f"{{{text}}}", content_type=JSON)


@pytest.fixture
def movements(alice, bob, funded_account):
    rich, poor = funded_account(alice, 10_00), funded_account(alice)
    hold = hold_order(rich, poor, 10, actor=alice)
    deposit = services.deposit(account_id=poor.pk, amount=1, actor=alice)
    order = {"source_account_id": str(rich.pk), "dest_account_id": str(poor.pk), "amount": 1}
    return {
        "deposit": Movement(f"/accounts/{poor.pk}/deposit", {"amount": 1}),
        "withdraw": Movement(f"/accounts/{rich.pk}/withdraw", {"amount": 1}),
        "transfer": Movement("/transfers", order),
        "hold": Movement("/transfers", order | {"hold": True}),
        "batch": Movement("/transfers/batch", order, '{"transfers": [%s]}', "#/transfers/0"),
        "capture": Movement(f"/transfers/{hold.pk}/capture", {}),
        "reverse": Movement(f"/transfers/{deposit.pk}/reverse", {}),
    }


def only(movements: dict[str, Movement], names: tuple[str, ...]) -> list[Movement]:
    return [movements[name] for name in names]


@pytest.fixture
def posted(movements):
    """Return a function that counts the transfers posted since the setup of the test."""
    before = Transfer.objects.count()
    return lambda: Transfer.objects.count() - before


@pytest.mark.parametrize(
    ("literal", "code"),
    [
        ("0", "min_value"),
        ("-0", "min_value"),
        ("-1", "min_value"),
        (str(2**53), "max_value"),
        (str(2**63), "max_value"),
        (str(10**30), "max_value"),
        ("9" * 5000, "max_value"),
        ("-" + "9" * 5000, "min_value"),
        ("5.0", "invalid"),
        ("0.1", "invalid"),
        ("5e0", "invalid"),
        ("1e400", "invalid"),
        ('"5"', "invalid"),
        ('""', "invalid"),
        ("true", "invalid"),
        ("false", "invalid"),
        ("[5]", "invalid"),
        ('{"value": 5}', "invalid"),
    ],
    ids=lambda value: value[:20],
)
def test_an_amount_that_is_not_a_positive_json_integer_is_refused(
    api, movements, posted, literal, code
):
    for movement in only(movements, WITH_AMOUNT):
        response = movement.send(api, "amount", literal)

        assert_invalid(response, (f"{movement.pointer}/amount", code))
        assert posted() == 0


def test_a_null_amount_is_refused(api, movements, posted):
    for movement in only(movements, WITH_AMOUNT):
        response = movement.send(api, "amount", "null")

        assert_invalid(response, (f"{movement.pointer}/amount", "null"))
        assert posted() == 0


def test_a_missing_amount_is_refused(api, movements, posted):
    for movement in only(movements, WITH_METADATA):
        del movement.body["amount"]

        response = movement.send(api, "memo", "null")

        assert_invalid(response, (f"{movement.pointer}/amount", "required"))
        assert posted() == 0


@pytest.mark.parametrize(
    "memo", [None, "", "x" * 140, "\U0001f600" * 140, "  kept as it is \n", "=1+1"]
)
def test_a_memo_within_its_limit_is_stored_unchanged(api, movements, memo):
    for movement in only(movements, WITH_MEMO):
        response = movement.send(api, "memo", json.dumps(memo))

        assert response.status_code == movement.status
        assert Transfer.objects.latest("pk").memo == memo


@pytest.mark.parametrize(
    ("literal", "code"),
    [
        (json.dumps("x" * 141), "max_length"),
        (json.dumps("nul \0"), "null_characters_not_allowed"),
        ('"\\ud800"', "surrogate_characters_not_allowed"),
        ("5", "invalid"),
        ("5.0", "invalid"),
        ("true", "invalid"),
        ("[]", "invalid"),
        ("{}", "invalid"),
    ],
    ids=lambda value: value[:20],
)
def test_a_memo_beyond_its_limit_is_refused(api, movements, posted, literal, code):
    for movement in only(movements, WITH_MEMO):
        response = movement.send(api, "memo", literal)

        assert_invalid(response, (f"{movement.pointer}/memo", code))
        assert posted() == 0


@pytest.mark.parametrize(
    ("metadata", "pointer", "code"),
    [
        (None, "", "null"),
        ([], "", "not_a_dict"),
        ({str(index): "" for index in range(21)}, "", "invalid"),
        ({"a": "x" * 4096}, "", "invalid"),
        ({"a": 5}, "/a", "invalid"),
        ({"a": None}, "/a", "null"),
        ({"a": "nul \0"}, "/a", "null_characters_not_allowed"),
        ({"nul\0": "a"}, "/nul%00", "null_characters_not_allowed"),
    ],
)
def test_metadata_beyond_its_limits_is_refused(api, movements, posted, metadata, pointer, code):
    for movement in only(movements, WITH_METADATA):
        response = movement.send(api, "metadata", json.dumps(metadata))

        assert_invalid(response, (f"{movement.pointer}/metadata{pointer}", code))
        assert posted() == 0


@pytest.mark.parametrize("metadata", [{}, {str(i): "" for i in range(20)}, {"a": "x" * 4095}])
def test_metadata_within_its_limits_is_stored_unchanged(api, movements, metadata):
    for movement in only(movements, WITH_METADATA):
        response = movement.send(api, "metadata", json.dumps(metadata))

        assert response.status_code == movement.status
        assert Transfer.objects.latest("pk").metadata == metadata


@pytest.mark.parametrize("side", ["source_account_id", "dest_account_id"])
@pytest.mark.parametrize(
    ("literal", "code"),
    [
        ('""', "invalid"),
        ('"not-a-uuid"', "invalid"),
        (f'"{NOWHERE.hex}"', "invalid"),
        (f'"{{{NOWHERE}}}"', "invalid"),
        (f'"urn:uuid:{NOWHERE}"', "invalid"),
        (f'"{NOWHERE} "', "invalid"),
        (f'"{NOWHERE}\\u0000"', "invalid"),
        ('"\\ud800"', "invalid"),
        ("null", "null"),
        ("5", "invalid"),
        ("true", "invalid"),
        ("[]", "invalid"),
        ("{}", "invalid"),
    ],
)
def test_an_id_that_is_not_a_uuid_is_refused(api, movements, posted, side, literal, code):
    for movement in only(movements, WITH_IDS):
        response = movement.send(api, side, literal)

        assert_invalid(response, (f"{movement.pointer}/{side}", code))
        assert posted() == 0


@pytest.mark.parametrize("unknown", ["currency", "created_at", "id", "kind", "status", "actor"])
def test_an_unknown_member_is_refused(api, movements, posted, unknown):
    for movement in movements.values():
        response = movement.send(api, unknown, "1")

        assert_invalid(response, (f"{movement.pointer}/{unknown}", "unknown_field"))
        assert posted() == 0


def test_a_query_parameter_of_a_post_is_refused(api, movements, posted):
    for movement in movements.values():
        movement.path += "?amount=5"

        response = movement.send(api, "amount", "1")

        assert_invalid(response, ("#/amount", "unknown_parameter"))
        assert posted() == 0
