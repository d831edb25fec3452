"""One request to a receiver, which may behave in any way."""

import asyncio
import datetime
import ipaddress
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from events.webhooks import sending
from events.webhooks.addresses import Target, target_of
from events.webhooks.sending import Outcome, Sender
from events.webhooks.tests.receivers import (
    answering,
    dripping,
    dripping_head,
    hanging,
    receiver,
)
from events.webhooks.tests.receivers import sending as answering_bytes

pytestmark = pytest.mark.one_database

BODY = b'{"type": "transfer.posted"}'


@pytest.fixture(autouse=True)
def allow_this_machine(settings):
    settings.WEBHOOK_ALLOWED_HOSTS = ["127.0.0.1", "localhost"]


def post(url: str | Target, sender: Sender | None = None) -> Outcome:
    target = target_of(url) if isinstance(url, str) else url
    return asyncio.run((sender or Sender()).post(target, {"webhook-id": "1"}, BODY))


def test_a_receiver_gets_the_body_and_the_headers():
    with receiver(answering(200, "thanks")) as server:
        outcome = post(f"{server.url}?a=b")

    [(head, body)] = server.requests
    assert body == BODY
    assert head.split("\r\n") == [
        "POST /hook?a=b HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        "User-Agent: Mini-Ledger-Webhooks",
        "Content-Type: application/json",
        f"Content-Length: {len(BODY)}",
        "Connection: close",
        "webhook-id: 1",
    ]
    assert (outcome.status, outcome.excerpt, outcome.error) == (200, "thanks", "")


@pytest.mark.parametrize(
    ("status", "is_success"),
    [(200, True), (202, True), (204, True), (299, True), (300, False), (404, False), (410, False)],
)
def test_every_status_from_200_to_299_is_a_success(status, is_success):
    with receiver(answering(status)) as server:
        outcome = post(server.url)

    assert (outcome.status, outcome.is_success) == (status, is_success)


def test_a_redirect_is_not_followed():
    with (
        receiver(answering(200)) as elsewhere,
        receiver(answering(307, location=elsewhere.url)) as server,
    ):
        outcome = post(server.url)

    assert (outcome.status, outcome.is_success) == (307, False)
    assert elsewhere.requests == []


def test_retry_after_is_returned():
    with receiver(answering(429, retry_after="120")) as server:
        assert post(server.url).retry_after == "120"


def test_only_the_beginning_of_the_response_is_read():
    with receiver(answering(500, "ä" * 10_000_000)) as server:
        outcome = post(server.url)

    assert (outcome.status, outcome.excerpt) == (500, "ä" * 512)


def test_an_excerpt_is_text_that_every_database_can_store():
    with receiver(answering_bytes(b"HTTP/1.1 500 No\r\n\r\na\x00\xff")) as server:
        assert post(server.url).excerpt == "a\ufffd\ufffd"


@pytest.mark.parametrize("behave", [hanging, dripping_head])
def test_a_receiver_that_does_not_respond_is_given_up(monkeypatch, behave):
    monkeypatch.setattr(sending, "SECONDS", 1)
    with receiver(behave) as server:
        outcome = post(server.url)

    assert (outcome.status, outcome.is_success) == (None, False)
    assert outcome.error == "There was no response within 1 seconds."


def test_a_response_whose_body_never_ends_counts_by_its_status(monkeypatch):
    monkeypatch.setattr(sending, "SECONDS", 3)
    with receiver(dripping) as server:
        outcome = post(server.url)

    assert (outcome.status, outcome.error) == (200, "")
    assert set(outcome.excerpt) == {"a"}


@pytest.mark.parametrize(
    "response",
    [b"", b"HTTP/1.1 ", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01\x00", b"HTTP/1.1 20 OK\r\n\r\n"],
)
def test_a_receiver_that_closes_early_or_does_not_speak_http_is_a_failure(response):
    with receiver(answering_bytes(response)) as server:
        outcome = post(server.url)

    assert outcome.status is None
    assert outcome.error.startswith(
        (
            "The response isn't valid HTTP: ",
            "The response couldn't be read: ",
            "The receiver closed the connection before it responded.",
        )
    )


ENDLESS = {
    "a header": b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 10_000_000,
    "headers": b"HTTP/1.1 200 OK\r\n" + b"X-Long: a\r\n" * 1_000_000,
    "interim responses": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 300_000,
    "empty interim responses": b"HTTP/1.1 100 \r\n\r\n" * 600_000,
}


@pytest.mark.parametrize("name", ENDLESS)
@pytest.mark.parametrize("encrypted", [False, True])
def test_only_64_kib_of_an_endless_head_are_read(monkeypatch, certificate, name, encrypted):
    # The response must be refused for its size, even if this machine is slow.
    monkeypatch.setattr(sending, "SECONDS", 60)
    context, file = certificate
    monkeypatch.setenv("SSL_CERT_FILE", file)

    with receiver(answering_bytes(ENDLESS[name]), context if encrypted else None) as server:
        scheme = "https" if encrypted else "http"
        outcome = post(f"{scheme}://localhost:{server.port}/hook")

    assert (outcome.status, outcome.error) == (
        None,
        "The response couldn't be read: The head is larger than 65536 bytes.",
    )


def test_a_receiver_that_is_down_is_a_failure():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    outcome = post(f"http://127.0.0.1:{port}/")

    assert (outcome.status, outcome.error) == (None, "The connection was refused.")


def test_a_name_without_addresses_is_a_failure():
    def fail(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    outcome = post("https://hooks.example/", Sender(fail))

    assert (outcome.status, outcome.error) == (None, "The host name can't be resolved.")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_name_that_resolves_to_a_private_address_by_now_is_not_connected_to(address):
    """The name had a public address when the webhook was registered."""
    with receiver(answering(200)) as server:
        target = Target("http", "rebound.example", server.port, "/", is_trusted=False)
        outcome = post(target, Sender(lambda host, port: [address]))

    assert server.requests == []
    assert outcome.error.startswith("The host must only have public addresses.")


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    """A DNS server may give another answer to the next question. There is no next question."""
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    connected = []

    class Network(sending.httpcore.AnyIOBackend):
        async def connect_tcp(self, host, *rest, **options):
            connected.append(host)
            raise sending.httpcore.ConnectError("not in a test")

    monkeypatch.setattr(sending.httpcore, "AnyIOBackend", Network)

    outcome = post("https://hooks.example/", Sender(lambda host, port: next(answers)))

    assert connected == ["8.8.8.8"]
    assert outcome.error == "No connection could be made: not in a test"


def test_the_next_address_is_tried_if_one_cannot_be_connected_to():
    with receiver(answering(200)) as server:
        target = target_of(server.url.replace("127.0.0.1", "localhost"))
        outcome = post(target, Sender(lambda host, port: ["127.0.0.2", "127.0.0.1"]))

    assert outcome.status == 200


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    with receiver(answering(200)) as proxy, receiver(answering(201)) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        outcome = post(server.url)

    assert (outcome.status, proxy.requests) == (201, [])


def test_a_slow_receiver_does_not_delay_another(monkeypatch):
    async def send_both(slow: str, fast: str) -> tuple[bool, Outcome]:
        sender = Sender()
        waiting = asyncio.create_task(sender.post(target_of(slow), {}, BODY))
        outcome = await sender.post(target_of(fast), {}, BODY)
        is_waiting = not waiting.done()
        waiting.cancel()
        return is_waiting, outcome

    monkeypatch.setattr(sending, "SECONDS", 60)
    with receiver(hanging) as slow, receiver(answering(200)) as fast:
        is_waiting, outcome = asyncio.run(send_both(slow.url, fast.url))

    assert (is_waiting, outcome.status) == (True, 200)


@pytest.fixture
def certificate(tmp_path):
    """A server's TLS settings with a certificate for "localhost", and the file that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, key_file = tmp_path / "certificate.pem", tmp_path / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return context, str(file)


def test_a_certificate_of_the_operator_is_trusted(monkeypatch, certificate):
    context, file = certificate
    monkeypatch.setenv("SSL_CERT_FILE", file)

    with receiver(answering(200), context) as server:
        outcome = post(f"https://localhost:{server.port}/")

    assert (outcome.status, outcome.error) == (200, "")


def test_a_certificate_that_nobody_trusts_is_refused(certificate):
    context, _ = certificate

    with receiver(answering(200), context) as server:
        outcome = post(f"https://localhost:{server.port}/")

    assert (outcome.status, server.requests) == (None, [])
    assert outcome.error == "The certificate isn't valid: self-signed certificate."


def test_a_certificate_of_another_host_is_refused(monkeypatch, certificate):
    context, file = certificate
    monkeypatch.setenv("SSL_CERT_FILE", file)

    with receiver(answering(200), context) as server:
        outcome = post(f"https://127.0.0.1:{server.port}/")

    assert (outcome.status, server.requests) == (None, [])
    assert outcome.error.startswith("The certificate isn't valid: IP address mismatch, ")
