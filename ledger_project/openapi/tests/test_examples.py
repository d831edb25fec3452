"""The examples in Swagger UI work on the demo data, in any order."""

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from ledger_project.openapi.tests.test_autoschema import OPERATIONS, parameters_of, resolved
from transfers.examples import HOLD_ORDER


@dataclass(frozen=True)
class Click:
    """A click on "Execute": an operation, the name of its body if any, and the media type."""

    operation: str
    body: str
    accept: str

    @property
    def description(self) -> dict[str, Any]:
        return OPERATIONS[self.operation]

    @property
    def success(self) -> int:
        """The documented status of a successful response."""
        return next(int(status) for status in self.description["responses"] if status[0] == "2")


def clicks() -> Iterator[Click]:
    """Yield every possible click, from the top of the page to the bottom."""
    for name, operation in OPERATIONS.items():
        response = next(each for status, each in operation["responses"].items() if status[0] == "2")
        for body in bodies_of(name) or [""]:
            for accept in resolved(response).get("content", ["*/*"]):
                yield Click(name, body, accept)


def bodies_of(operation: str) -> dict[str, Any]:
    content = resolved(OPERATIONS[operation].get("requestBody", {})).get("content", {})
    return content.get("application/json", {}).get("examples", {})


CLICKS = list(clicks())
ORDERS = {
    "from top to bottom": CLICKS,
    "from bottom to top": CLICKS[::-1],
    **{f"shuffled by {n}": random.Random(n).sample(CLICKS, len(CLICKS)) for n in range(3)},
}


def filled_in(click: Click, place: str) -> dict[str, str]:
    """Return the example or default of each parameter in one place, by name."""
    values = {}
    for parameter in parameters_of(click.description):
        examples = parameter.get("examples", {"": {"value": parameter.get("example")}})
        example = examples.get(click.body, next(iter(examples.values())))
        value = example["value"] or resolved(parameter["schema"]).get("default")
        if value and parameter["in"] == place:
            values[parameter["name"]] = value
    return values


def send(click: Click, key: str) -> int:
    """Send a request as the user that the description names, and return the status."""
    client = APIClient()
    name = "admin" if "`admin`" in click.description.get("description", "") else "demo"
    tokens = client.post("/auth/token", {"username": name, "password": name}).json()
    if click.description["security"]:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    body = bodies_of(click.operation).get(click.body, {}).get("value")
    if body and "refresh" in body:
        body = {"refresh": tokens["refresh"]}  # An example can't contain a valid refresh token.
    method, path = click.operation.split()
    in_path = filled_in(click, "path")
    if "place a hold first" in click.description.get("description", ""):
        in_path["transfer_id"] = hold_for(click.operation, client)
    response = client.generic(
        method,
        path.format(**in_path),
        "" if body is None else json.dumps(body),
        content_type="application/json",
        query_params=filled_in(click, "query"),
        headers={"Accept": click.accept, **dict.fromkeys(filled_in(click, "header"), key)},
    )
    response.getvalue()  # A streaming response may fail while it is read.
    return response.status_code


def hold_for(operation: str, client: APIClient) -> str:
    """Return the id of the hold of the example. It is placed once for each operation."""
    key = {"Idempotency-Key": f"hold-for-{operation.rpartition('/')[2]}"}
    return client.post("/transfers", HOLD_ORDER, format="json", headers=key).json()["id"]


@pytest.mark.django_db
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_every_example_succeeds_on_the_demo_data(order):
    call_command("seed_demo", stdout=StringIO())

    # Like docs.js, which sends a new key each time.
    statuses = {click: send(click, str(uuid.uuid4())) for click in order}

    assert statuses == {click: click.success for click in order}


@pytest.mark.django_db
def test_every_example_succeeds_again_with_the_same_key():
    call_command("seed_demo", stdout=StringIO())
    keys = {click: str(uuid.uuid4()) for click in CLICKS}

    statuses = {click: [send(click, keys[click]) for _ in range(2)] for click in CLICKS}

    assert statuses == {click: [click.success] * 2 for click in CLICKS}


def test_the_only_header_to_fill_in_is_the_key():
    names = {name for click in CLICKS for name in filled_in(click, "header")}

    assert names == {"Idempotency-Key"}
