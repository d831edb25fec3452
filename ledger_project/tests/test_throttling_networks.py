"""The networks by which logins are counted, and the known networks of a user."""

from datetime import timedelta

import pytest

from ledger_project.addresses import network_of
from ledger_project.models import KnownNetwork
from ledger_project.tests.logins import HERE, THERE, logging_in, statuses

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("three_logins_a_minute")]


@pytest.fixture
def log_in(client_for):
    return logging_in(client_for)


def test_failed_logins_from_elsewhere_do_not_lock_the_user_out(alice, log_in):
    log_in(password="a password", address=HERE)
    guesses = [log_in(address=f"198.51.100.{n}") for n in range(5)]

    responses = [log_in(password="a password", address=HERE) for _ in range(5)]

    assert statuses(guesses) == [401, 401, 401, 429, 429]
    assert statuses(responses) == [200] * 5


def test_a_known_network_has_the_same_limit_as_any_other(alice, log_in):
    log_in(password="a password", address=HERE)
    for n in range(4):
        log_in(address=f"198.51.100.{n}")

    responses = [log_in(address=HERE) for _ in range(4)]

    assert statuses(responses) == [401, 401, 401, 429]


def test_a_network_is_known_only_for_the_user_who_logged_in(alice, bob, log_in):
    log_in("bob", "a password", address=HERE)
    for n in range(3):
        log_in("alice", address=f"198.51.100.{n}")

    responses = [log_in(name, "a password", address=HERE) for name in ("alice", "bob")]

    assert statuses(responses) == [429, 200]


def test_a_network_known_for_alice_is_not_known_for_the_user_alice_in_capitals(
    alice, make_user, log_in
):
    make_user(username="ALICE")
    log_in("ALICE", "a password", address=HERE)
    for n in range(3):
        log_in("alice", address=f"198.51.100.{n}")

    responses = [log_in(name, "a password", address=HERE) for name in ("alice", "ALICE")]

    assert statuses(responses) == [429, 200]


@pytest.mark.parametrize("name", ["alice", " alice", "alice\n"], ids=repr)
def test_a_known_network_is_recognized_for_a_name_with_spaces_around_it(alice, log_in, name):
    log_in(name, "a password", address=HERE)
    for n in range(3):
        log_in("alice", address=f"198.51.100.{n}")

    responses = [log_in(each, "a password", address=HERE) for each in ("alice", name)]

    assert statuses(responses) == [200, 200]


def test_a_network_is_known_for_30_days_after_its_last_login(alice, log_in, clock):
    log_in(password="a password", address=HERE)
    clock.go_on(days=29)
    log_in(password="a password", address=HERE)
    responses = []
    for days in (29, 1):
        clock.go_on(days=days)
        for n in range(3):
            log_in(address=f"198.51.100.{n}")
        responses.append(log_in(password="wrong", address=HERE))

    assert statuses(responses) == [401, 429]


def test_expired_known_networks_are_deleted(alice, log_in, clock):
    for n in range(12):
        log_in(password="a password", address=f"203.0.113.{n}")
        clock.go_on(minutes=1)
    clock.go_on(days=30)

    for _ in range(2):
        log_in(password="a password", address=THERE)

    assert KnownNetwork.objects.count() == 1


def test_only_the_last_100_networks_of_a_name_are_kept(alice, settings, log_in, clock):
    settings.LOGIN_RATE = "1000/minute"
    for n in range(102):
        log_in(password="a password", address=f"203.0.113.{n}")
        clock.go_on(seconds=1)

    assert KnownNetwork.objects.count() == 100
    assert KnownNetwork.objects.earliest("last_login_at").last_login_at == (
        clock.now - timedelta(seconds=100)
    )


def test_a_failed_login_does_not_make_the_network_known(alice, log_in):
    log_in("alice")
    log_in("nobody")
    log_in(5)

    assert KnownNetwork.objects.count() == 0


# REMOTE_ADDR, and the network for which attempts are counted.
NETWORKS = {
    "203.0.113.7": "203.0.113.7",
    "::ffff:203.0.113.7": "203.0.113.7",
    "::FFFF:cb00:7107": "203.0.113.7",
    "::ffff:203.0.113.7%eth0": "203.0.113.7",
    "2001:db8:1:2::1": "2001:db8:1:2::/64",
    "2001:DB8:1:2:ffff:ffff:ffff:ffff": "2001:db8:1:2::/64",
    "2001:db8:1:2::1%eth0": "2001:db8:1:2::/64",
    "fe80::1%2": "fe80::/64",
    "2001:db8:1:3::1": "2001:db8:1:3::/64",
    "::1": "::/64",
    "": "none",
    None: "none",
    "unix:": "none",
    "/run/ledger.sock": "none",
    "localhost": "none",
    "203.0.113.256": "none",
    "203.000.113.007": "none",
    "2001:db8::g": "none",
    "\0": "none",
}


@pytest.mark.parametrize(("address", "network"), NETWORKS.items(), ids=repr)
def test_an_address_belongs_to_its_network(address, network):
    assert network_of(address) == network


@pytest.mark.parametrize(
    "addresses",
    [
        ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:0:0:1", "2001:db8:0:0:a::"],
        ["203.0.113.7", "::ffff:203.0.113.7", "::ffff:cb00:7107", "::ffff:203.0.113.7%eth0"],
        ["fe80::1%eth0", "fe80::1%eth1", "fe80::2%eth0", "fe80::3"],
        ["", "unix:", "localhost", "/run/ledger.sock"],
    ],
    ids=["one /64", "mapped IPv4", "zones", "no address"],
)
def test_addresses_of_one_network_are_counted_together(log_in, addresses):
    responses = [log_in(f"name-{n}", address=address) for n, address in enumerate(addresses)]

    assert statuses(responses) == [401, 401, 401, 429]


def test_a_network_is_counted_for_all_names_together(log_in):
    responses = [log_in(username=name) for name in ("alice", "bob", "carol", "dave")]

    assert statuses(responses) == [401, 401, 401, 429]


def test_a_name_is_counted_for_all_unknown_networks_together(alice, log_in):
    responses = [log_in(address=f"203.0.113.{n}") for n in range(4)]

    assert statuses(responses) == [401, 401, 401, 429]
