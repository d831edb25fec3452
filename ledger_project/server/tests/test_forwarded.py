"""Which X-Forwarded-* headers are trusted."""

import pytest

from ledger_project.server.forwarded import TrustedProxies
from ledger_project.server.head import Head, environ
from ledger_project.server.tests.scopes import scope

pytestmark = pytest.mark.one_database

PROXY, STRANGER = "10.1.2.3", "203.0.113.9"
PROXIES = TrustedProxies(["10.0.0.0/8", "192.0.2.1", "2001:db8:ffff::/48"])


def seen(peer: str, **headers: str) -> dict:
    """Return the environment of a request from ``peer`` with these headers."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return environment(peer, *named)


def environment(peer: str, *headers: tuple[str, str], proxies: TrustedProxies = PROXIES) -> dict:
    described = scope(*headers, peer=peer)
    return environ(Head.of(described), described, proxies)


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("203.0.113.7:50001", "203.0.113.7"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:50001", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::1"),
        (" 198.51.100.1 ", "198.51.100.1"),
        # Each proxy appends an address. Addresses before those of trusted proxies may be forged.
        ("1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("198.51.100.1, 10.9.9.9:4711, ::ffff:10.9.9.8", "198.51.100.1"),
        ("198.51.100.1,2001:db8:ffff::7", "198.51.100.1"),
        ("10.7.7.7, 10.9.9.9", "10.7.7.7"),
        # Neither a value that isn't an address nor anything before it is trusted.
        ("unknown", PROXY),
        ("_hidden", PROXY),
        ("", PROXY),
        ("198.51.100.1, unknown", PROXY),
        ("198.51.100.1, unknown, 10.9.9.9", "10.9.9.9"),
        ("203.0.113.7:port", PROXY),
        ("[2001:db8::1]x", PROXY),
        ("[2001:db8::1", PROXY),
        ("203.0.113.7/32", PROXY),
        ("0x7f.1", PROXY),
        ("203.0.113.007", PROXY),
        ("198.51.100.1,", PROXY),
    ],
)
def test_the_client_is_the_address_that_the_first_trusted_proxy_saw(forwarded_for, client):
    assert seen(PROXY, x_forwarded_for=forwarded_for)["REMOTE_ADDR"] == client


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        (STRANGER, STRANGER),
        ("::ffff:203.0.113.9", STRANGER),
        ("2001:DB8::0001", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_the_x_forwarded_for_of_an_untrusted_peer_is_ignored(peer, client):
    assert seen(peer)["REMOTE_ADDR"] == client
    assert seen(peer, x_forwarded_for="198.51.100.1")["REMOTE_ADDR"] == client


def test_a_proxy_that_connects_from_an_ipv4_mapped_address_is_trusted():
    assert seen("::ffff:10.1.2.3", x_forwarded_for="198.51.100.1")["REMOTE_ADDR"] == "198.51.100.1"


@pytest.mark.parametrize(
    ("named", "peer", "is_trusted"),
    [
        ("::ffff:10.0.0.5", "10.0.0.5", True),
        ("::ffff:10.0.0.5", "::ffff:10.0.0.5", True),
        ("::ffff:10.0.0.5", "10.0.0.6", False),
        ("::ffff:10.0.0.0/104", "10.200.0.5", True),
        ("::ffff:10.0.0.0/104", "11.0.0.5", False),
        ("::ffff:0:0/96", "192.0.2.1", True),
        ("2001:db8::/112", "2001:db8::5", True),
    ],
)
def test_a_trusted_proxy_may_be_configured_as_an_ipv4_mapped_address_or_network(
    named, peer, is_trusted
):
    assert (peer in TrustedProxies([named])) == is_trusted


def test_repeated_x_forwarded_for_headers_are_joined():
    headers = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "10.9.9.9")]

    assert environment(PROXY, *headers)["REMOTE_ADDR"] == "198.51.100.1"


@pytest.mark.parametrize(
    ("peer", "proto", "scheme"),
    [
        (PROXY, "https", "https"),
        (PROXY, "http", "http"),
        (PROXY, "ftp", "http"),
        ("192.0.2.1", "https", "https"),
        ("192.0.2.2", "https", "http"),
        (STRANGER, "https", "http"),
    ],
)
def test_x_forwarded_proto_is_trusted_only_from_trusted_proxies(peer, proto, scheme):
    variables = seen(peer, x_forwarded_for=STRANGER, x_forwarded_proto=proto)

    assert variables["wsgi.url_scheme"] == scheme


def test_without_trusted_proxies_the_headers_are_ignored():
    headers = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-proto", "https")]
    variables = environment(PROXY, *headers, proxies=TrustedProxies([]))

    assert (variables["REMOTE_ADDR"], variables["wsgi.url_scheme"]) == (PROXY, "http")
