"""The OpenAPI document works with client generators, and a generated client works."""

import importlib
import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from types import ModuleType
from typing import Any

import httpx
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from openapi_spec_validator import OpenAPIV31SpecValidator

from ledger_project.openapi.errors import ERRORS
from ledger_project.openapi.tests.test_autoschema import DOCUMENT, OPERATIONS, parameters_of
from ledger_project.tests.live import HOST, LiveClient, live_server

pytestmark = pytest.mark.one_database

# Integers whose bounds fit into 32 bits.
NARROW = {"limit", "expires_in", "status", "wait"}


def objects(part: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object of the document with its name, except those in examples."""
    if isinstance(part, dict):
        yield name, part
        for key, member in part.items():
            # The name of a parameter is its member "name".
            inner = part.get("name", key) if key == "schema" else key
            if key not in ("example", "examples") or name == "properties":
                yield from objects(member, inner)
    elif isinstance(part, list):
        for item in part:
            yield from objects(item, name)


def request_members() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for title, schema in DOCUMENT["components"]["schemas"].items():
        if title.endswith("Request"):
            for name, member in schema["properties"].items():
                yield title, name, member


# ── The rules of validators ──────────────────────────────────────────────────────────────────────


def test_the_document_is_valid_openapi():
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_the_license_has_its_spdx_identifier():
    assert DOCUMENT["info"]["license"] == {"name": "MIT License", "identifier": "MIT"}


def test_every_component_is_used_and_every_reference_has_a_component():
    referred = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(DOCUMENT)))
    components = {
        f"#/components/{kind}/{name}"
        for kind, named in DOCUMENT["components"].items()
        for name in named
        if kind != "securitySchemes"
    }

    assert referred == components


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_parameters_of_every_path_are_declared(name):
    declared = [
        parameter["name"]
        for parameter in parameters_of(OPERATIONS[name])
        if parameter["in"] == "path"
    ]

    assert sorted(declared) == sorted(re.findall(r"{(\w+)}", name))


def test_no_schema_has_alternatives():
    alternatives = [part for _, part in objects(DOCUMENT) if part.keys() & {"oneOf", "anyOf"}]

    assert alternatives == []


# ── What generators need ─────────────────────────────────────────────────────────────────────────


def test_every_integer_that_may_exceed_32_bits_has_the_format_int64():
    integers = [
        (name, part) for name, part in objects(DOCUMENT) if "integer" in str(part.get("type"))
    ]

    narrow = {name for name, part in integers if part.get("format") != "int64"}
    wide = {name for name, part in integers if part.get("format") == "int64"}
    assert narrow == NARROW
    assert wide >= {
        *("amount", "available", "balance", "held", "overdraft_limit", "version", "sequence"),
        *("opening_balance", "closing_balance", "required", "shortfall", "requested"),
        *("debits", "credits", "customers", "external", "entries"),
    }


def test_no_member_of_a_request_has_a_default():
    # Generators for TypeScript would make it required.
    assert [each for each in request_members() if "default" in each[2]] == []


def test_a_request_requires_exactly_the_members_without_a_default():
    schemas = DOCUMENT["components"]["schemas"]
    required = {
        name: set(schema["required"])
        for name, schema in schemas.items()
        if name.endswith("Request") and "required" in schema
    }

    order = {"source_account_id", "dest_account_id", "amount"}
    assert required == {
        "BatchRequest": {"transfers"},
        "CashRequest": {"amount"},
        "CreateServiceKeyRequest": {"name", "scopes"},
        "DeclineRequest": {"reason"},
        "LoginRequest": {"username", "password"},
        "OpenAccountRequest": {"owner_name"},
        "OrderRequest": order,
        "RefreshRequest": {"refresh"},
        "RegisterWebhookRequest": {"url"},
        "ReplayRequest": {"after"},
        "TransferOrderRequest": order,
    }


def test_a_side_of_a_transfer_is_an_account_that_only_requires_its_id():
    account, side = (
        DOCUMENT["components"]["schemas"][name] for name in ("Account", "TransferSide")
    )

    assert side["properties"] == account["properties"]
    assert side["required"] == ["id"]
    assert "additionalProperties" not in side


def test_error_codes_are_an_extensible_enum_of_all_codes():
    code = DOCUMENT["components"]["schemas"]["ErrorCode"]

    assert code["type"] == "string"
    assert "enum" not in code
    assert code["x-extensible-enum"] == [*ERRORS]


# ── A generated client ───────────────────────────────────────────────────────────────────────────


class GeneratedClient:
    """A client that openapi-python-client generates from the document of a running service."""

    def __init__(self, port: int, directory: Any, name: str) -> None:
        self.port, self.name = port, name
        with LiveClient(port) as live:
            (directory / "openapi.json").write_bytes(live.get("/openapi.json").content)
        # Without this it runs ruff on the generated code.
        (directory / "config.yaml").write_text("post_hooks: []\n")
        command = [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--path", directory / "openapi.json", "--config", directory / "config.yaml"),
            *("--output-path", directory / name, "--fail-on-warning"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        self.http: Any = self._connection("Client")

    def _connection(self, kind: str, **fields: Any) -> Any:
        return getattr(self.module("client"), kind)(
            base_url=f"http://{HOST}:{self.port}",
            timeout=httpx.Timeout(60),
            # It raises an error for a status that the document doesn't declare.
            raise_on_unexpected_status=True,
            # Ignores proxies that the environment configures.
            httpx_args={"trust_env": False},
            **fields,
        )

    def module(self, path: str) -> ModuleType:
        return importlib.import_module(f"{self.name}.{path}")

    def model(self, name: str, **members: Any) -> Any:
        return getattr(self.module("models"), name)(**members)

    def log_in(self, user: User) -> None:
        # The service doesn't accept the fast password hash of the tests.
        user.password = PBKDF2PasswordHasher().encode("a password", "salt")
        user.save()
        body = self.model("LoginRequest", username=user.username, password="a password")
        tokens = self.send("authentication.log_in", body=body).parsed
        self.http.get_httpx_client().close()
        self.http = self._connection("AuthenticatedClient", token=tokens.access)

    def send(self, operation: str, *path: Any, **arguments: Any) -> Any:
        """Call an operation, and return its response: the status, headers and parsed body."""
        function = self.module(f"api.{operation}").sync_detailed
        return function(*path, client=self.http, **arguments)

    def write(self, operation: str, *path: Any, key: str = "", **arguments: Any) -> Any:
        return self.send(operation, *path, idempotency_key=key or str(uuid.uuid4()), **arguments)


@pytest.fixture
def ledger(transactional_db, tmp_path, monkeypatch) -> Iterator[GeneratedClient]:
    monkeypatch.syspath_prepend(tmp_path)
    with live_server() as server:
        client = GeneratedClient(server.port, tmp_path, "generated_ledger_client")
        yield client
        client.http.get_httpx_client().close()
    for name in [name for name in sys.modules if name.startswith(client.name)]:
        del sys.modules[name]


def test_a_generated_client_can_open_accounts_move_money_and_read_statements(
    ledger, alice, bob, funded_account
):
    ledger.log_in(alice)
    stranger = funded_account(bob).pk

    opened = [
        ledger.write(
            "accounts.open_account", body=ledger.model("OpenAccountRequest", owner_name=name)
        )
        for name in ("Ann", "Ben")
    ]
    ann, ben = (each.parsed for each in opened)
    paid_in = ledger.write(
        "money.deposit", ann.id, body=ledger.model("CashRequest", amount=3_000_000_000)
    )
    order = ledger.model(
        "TransferOrderRequest",
        source_account_id=ann.id,
        dest_account_id=ben.id,
        amount=2_500_000_000,
        memo="Rent",
    )
    key = str(uuid.uuid4())
    first = ledger.write("transfers.create_transfer", key=key, body=order)
    replay = ledger.write("transfers.create_transfer", key=key, body=order)
    order.dest_account_id, order.amount = stranger, 1
    to_a_stranger = ledger.write("transfers.create_transfer", body=order)
    page = ledger.send("statements.get_statement", ann.id, limit=2)
    rest = ledger.send("statements.get_statement", ann.id, cursor=page.parsed.next_cursor)

    assert [each.status_code for each in opened] == [HTTPStatus.CREATED] * 2
    assert (ann.currency, ann.balance, ann.status) == ("USD", 0, "OPEN")
    assert paid_in.parsed.balance == 3_000_000_000
    assert (first.parsed.source.balance, first.parsed.dest.balance) == (500_000_000, 2_500_000_000)
    assert replay.parsed == first.parsed
    assert replay.headers["Idempotent-Replayed"] == "true"
    assert to_a_stranger.parsed.dest.to_dict() == {"id": str(stranger)}
    lines = [*page.parsed.items, *rest.parsed.items]
    assert [(each.kind, each.counterparty_id, each.ref) for each in lines] == [
        ("TRANSFER", stranger, "Rent"),
        ("TRANSFER", ben.id, "Rent"),
        ("DEPOSIT", lines[2].counterparty_id, None),
    ]
    assert rest.parsed.next_cursor is None


def test_a_generated_client_can_read_errors_including_unknown_codes(ledger, alice, funded_account):
    ledger.log_in(alice)
    account = funded_account(alice, 5)

    refused = ledger.write("money.withdraw", account.pk, body=ledger.model("CashRequest", amount=7))
    document = {**json.loads(refused.content), "code": "a_code_of_next_year", "figure": 1}
    unknown = ledger.module("models").Problem.from_dict(document)
    # These two are declared by the response `default`.
    long = ledger.model("OpenAccountRequest", owner_name="A" * 70_000)
    too_large = ledger.write("accounts.open_account", body=long)
    ledger.http = ledger.http.with_headers({"Accept": "text/html"})
    not_acceptable = ledger.send("accounts.list_accounts")

    assert refused.status_code == HTTPStatus.CONFLICT
    assert (refused.parsed.code, refused.parsed.shortfall) == ("insufficient_funds", 2)
    assert (too_large.status_code, too_large.parsed.code) == (413, "payload_too_large")
    assert (not_acceptable.status_code, not_acceptable.parsed.code) == (406, "not_acceptable")
    assert unknown.code == "a_code_of_next_year"
    assert unknown.additional_properties == {"figure": 1}
