"""Which URLs and addresses webhooks may be sent to."""

import threading

import pytest

from events.webhooks import addresses
from events.webhooks.addresses import (
    Refused,
    Target,
    addresses_of,
    is_public,
    require_public,
    target_of,
)

pytestmark = pytest.mark.one_database

URL = "https://hooks.example/"
TARGET = Target("https", "hooks.example", 443, "/", is_trusted=False)

NOT_PUBLIC = [
    *("0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254"),
    *("172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1"),
    *("198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "fe80::1", "fe80::1%lo", "fc00::1", "fd00:ec2::254", "ff02::1"),
    # IPv4 addresses inside IPv6: mapped, NAT64, 6to4 and Teredo.
    *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1"),
    *("2002:7f00:1::1", "2001::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1"),
]
PUBLIC = ["8.8.8.8", "172.32.0.1", "100.128.0.1", "198.20.0.1", "2606:4700::1111", "2a00::1"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hooks.example", ("https", "hooks.example", 443, "/")),
        ("https://HOOKS.example/a/b", ("https", "hooks.example", 443, "/a/b")),
        ("HTTPS://hooks.example:8443/a?b=c&d", ("https", "hooks.example", 8443, "/a?b=c&d")),
        ("https://8.8.8.8/", ("https", "8.8.8.8", 443, "/")),
        ("https://[2606:4700::1111]/", ("https", "2606:4700::1111", 443, "/")),
        (
            "https://xn--bcher-kva.example/%C3%BC",
            ("https", "xn--bcher-kva.example", 443, "/%C3%BC"),
        ),
    ],
)
def test_a_public_https_url_is_accepted(url, expected):
    target = target_of(url)

    assert (target.scheme, target.host, target.port, target.path) == expected
    assert not target.is_trusted


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example",
        "//hooks.example",
        "https:",
        "https://",
        "https:///path",
        "https:hooks.example",
        "http://hooks.example",
        "ftp://hooks.example",
        "file:///etc/passwd",
        "gopher://hooks.example:6379/_",
        "javascript:alert(1)",
        "https://user@hooks.example",
        "https://user:password@hooks.example",
        "https://:password@hooks.example",
        "https://@hooks.example",
        "https://hooks.example@127.0.0.1",
        "https://hooks.example#@127.0.0.1/",
        "https://hooks.example#",
        "https://hooks.example\\@127.0.0.1/",
        "https://hooks.example\t/",
        "https://hooks.example\n/",
        " https://hooks.example",
        "https://hooks example/",
        "https://hooks.example/\x00",
        "https://bücher.example/",
        "https://hooks.example/ü",
        "https://hooks.example./",
        "https://hooks..example/",
        "https://-hooks.example/",
        "https://%31%32%37.0.0.1/",
        "https://hooks.example:0/",
        "https://hooks.example:65536/",
        "https://hooks.example:https/",
        "https://hooks.example:-1/",
        f"https://hooks.example/{'a' * 2048}",
        # Other spellings of 127.0.0.1.
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.01/",
        "https://127.0.0.1./",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[fe80::1%25lo]/",
        "https://[v1.1]/",
        "https://[::1/",
        "https://::1/",
    ],
)
def test_any_other_url_is_refused(url):
    with pytest.raises(Refused):
        target_of(url)


@pytest.mark.parametrize("address", [each for each in NOT_PUBLIC if "%" not in each])
def test_a_url_with_an_address_that_is_not_public_is_refused(address):
    host = f"[{address}]" if ":" in address else address

    with pytest.raises(Refused):
        target_of(f"https://{host}/")


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_special_addresses_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_other_addresses_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_one_address_that_is_not_public_is_enough_to_refuse_a_host(address):
    with pytest.raises(Refused):
        require_public(TARGET, [*PUBLIC, address])


def test_a_host_with_public_addresses_is_accepted():
    require_public(TARGET, PUBLIC)


@pytest.mark.parametrize("url", ["http://localhost:9000/", "https://127.0.0.1/", "http://[::1]/"])
def test_an_allowed_host_may_be_private_and_use_http(settings, url):
    settings.WEBHOOK_ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]

    target = target_of(url)

    assert target.is_trusted
    require_public(target, ["127.0.0.1", "::1"])


@pytest.mark.parametrize(
    ("host", "is_trusted"),
    [
        ("a.internal", True),
        ("a.b.internal", True),
        ("internal", False),
        ("ainternal", False),
        ("hooks.example", True),
        ("a.hooks.example", False),
        ("hooks.example.com", False),
    ],
)
def test_an_allowed_host_is_a_name_or_all_names_below_a_domain(settings, host, is_trusted):
    settings.WEBHOOK_ALLOWED_HOSTS = [".internal", "hooks.example"]

    assert target_of(f"https://{host}/").is_trusted == is_trusted


def test_http_is_accepted_in_development_but_not_to_private_addresses(settings):
    settings.IS_DEVELOPMENT = True

    assert target_of("http://hooks.example/").port == 80
    with pytest.raises(Refused):
        target_of("http://127.0.0.1/")


def test_a_name_that_has_a_private_address_is_refused_at_registration():
    found = addresses_of(URL, lambda host, port: ["8.8.8.8", "10.0.0.1"])

    with pytest.raises(Refused):
        require_public(TARGET, found)


def test_a_name_that_does_not_resolve_yet_is_accepted_at_registration():
    def fail(host: str, port: int) -> list[str]:
        raise OSError("Name or service not known")

    assert addresses_of(URL, fail) == []


def test_a_dns_that_does_not_respond_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(addresses, "LOOKUP_SECONDS", 0.01)
    released = threading.Event()

    def hang(host: str, port: int) -> list[str]:
        released.wait(60)
        return ["10.0.0.1"]

    assert addresses_of(URL, hang) == []
    released.set()


def test_a_name_of_this_machine_is_refused_by_the_resolver_of_the_system():
    url = "https://localhost/"

    with pytest.raises(Refused):
        require_public(target_of(url), addresses_of(url))
