"""What Swagger UI fills in works on the demo data as it stands, whatever was pressed before."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

from ledger_project.openapi.tests.test_autoschema import OPERATIONS, parameters_of, resolved


@dataclass(frozen=True)
class Press:
    """A press of "Execute": an operation, the name of its body if any, and the answer's type."""

    operation: str
    body: str
    accept: str

    @property
    def description(self) -> dict[str, Any]:
        return OPERATIONS[self.operation]

    @property
    def success(self) -> int:
        """The status with which the operation is documented to succeed."""
        return next(int(status) for status in self.description["responses"] if status[0] == "2")


def presses() -> Iterator[Press]:
    """Return whatever can be pressed, from top to bottom."""
    for name, operation in OPERATIONS.items():
        answer = next(each for status, each in operation["responses"].items() if status[0] == "2")
        for body in bodies_of(name) or [""]:
            for accept in answer.get("content", ["*/*"]):
                yield Press(name, body, accept)


def bodies_of(operation: str) -> dict[str, Any]:
    content = OPERATIONS[operation].get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("examples", {})


PRESSES = list(presses())
ORDERS = {
    "from top to bottom": PRESSES,
    "from bottom to top": PRESSES[::-1],
    "everything twice": [press for press in PRESSES for _ in range(2)],
    **{f"shuffled by {n}": random.Random(n).sample(PRESSES, len(PRESSES)) for n in range(3)},
}


def filled_in(press: Press, place: str) -> dict[str, str]:
    """Return the parameters of one place that have an example, or a default, by their names."""
    values = {}
    for parameter in parameters_of(press.description):
        examples = parameter.get("examples", {"": {"value": parameter.get("example")}})
        example = examples.get(press.body, next(iter(examples.values())))
        value = example["value"] or resolved(parameter["schema"]).get("default")
        if value and parameter["in"] == place:
            values[parameter["name"]] = value
    return values


def send(press: Press) -> int:
    """Send what is filled in as the user whom the description names, and return the status."""
    client = APIClient()
    name = "admin" if "`admin`" in press.description.get("description", "") else "demo"
    tokens = client.post("/auth/token", {"username": name, "password": name}).json()
    if press.description["security"]:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    body = bodies_of(press.operation).get(press.body, {}).get("value")
    if body and "refresh" in body:
        body = {"refresh": tokens["refresh"]}  # Nobody else's can be in an example.
    method, path = press.operation.split()
    answer = client.generic(
        method,
        path.format(**filled_in(press, "path")),
        "" if body is None else json.dumps(body),
        content_type="application/json",
        query_params=filled_in(press, "query"),
        headers={"Accept": press.accept, **filled_in(press, "header")},
    )
    answer.getvalue()  # A stream may fail while it is read.
    return answer.status_code


@pytest.mark.django_db
@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_every_example_succeeds_on_the_demo_data(order):
    call_command("seed_demo", stdout=StringIO())

    statuses = {press: send(press) for press in order}

    assert statuses == {press: press.success for press in order}
