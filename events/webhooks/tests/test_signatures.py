"""The signatures of webhooks, verified by the library of Standard Webhooks."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from events.webhooks.signatures import new_secret, signed_headers

pytestmark = pytest.mark.one_database

BODY = '{"id": "1", "memo": "Miete für März"}'.encode()
SECRET = new_secret()


def headers(body: bytes = BODY, at: datetime | None = None, secrets=(SECRET,)) -> dict[str, str]:
    return signed_headers("message-1", at or datetime.now(UTC), body, secrets)


def test_a_signature_is_verified_by_the_library():
    assert Webhook(SECRET).verify(BODY, headers()) == {"id": "1", "memo": "Miete für März"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "message-2"),
        ("webhook-timestamp", str(int(datetime.now(UTC).timestamp()) - 1)),
        ("webhook-signature", headers(b"{}")["webhook-signature"]),
    ],
)
def test_a_message_with_another_header_is_refused_by_the_library(name, value):
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY, {**headers(), name: value})


def test_a_changed_body_is_refused_by_the_library():
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY + b" ", headers())


def test_an_old_message_is_refused_by_the_library():
    old = datetime.now(UTC) - timedelta(hours=1)

    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY, headers(at=old))


def test_while_a_secret_is_replaced_both_secrets_verify():
    new = new_secret()
    both = headers(secrets=[new, SECRET])

    assert Webhook(SECRET).verify(BODY, both) == Webhook(new).verify(BODY, both)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, both)


def test_a_secret_is_random_and_has_the_form_of_the_specification():
    secrets = {new_secret() for _ in range(100)}

    assert len(secrets) == 100
    assert {len(base64.b64decode(each.removeprefix("whsec_"))) for each in secrets} == {32}
