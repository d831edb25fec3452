"""Send grants, form-encoded or as JSON, with the credentials in the body or in the header."""

import base64
import json
from urllib.parse import quote_plus, urlencode

import pytest

from ledger_project.service_keys.tests.keys import TOKEN_PATH

FORM = "application/x-www-form-urlencoded"


def basic(client_id: str, secret: str) -> dict[str, str]:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def by_form(client, body, **headers):
    text = body if isinstance(body, str) else urlencode(body)
    return client.generic("POST", TOKEN_PATH, text, content_type=FORM, headers=headers)


def by_json(client, body, **headers):
    return client.generic(
        "POST", TOKEN_PATH, json.dumps(body), content_type="application/json", headers=headers
    )


def in_body(client, send, held, **changes):
    return send(client, held.grant(**changes))


def in_header(client, send, held, **changes):
    grant = held.grant(client_secret=None, **{"client_id": None, **changes})
    return send(client, grant, **basic(str(held.key.pk), held.secret))


each_encoding = pytest.mark.parametrize("send", [by_form, by_json])
