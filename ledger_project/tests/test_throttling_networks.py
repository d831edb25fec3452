"""What one network is, and the networks that are known to a name."""

from datetime import timedelta

import pytest

from ledger_project.models import KnownNetwork
from ledger_project.tests.logins import HERE, THERE, logging_in, statuses
from ledger_project.throttling import network_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("three_logins_a_minute")]


@pytest.fixture
def log_in(client_for):
    return logging_in(client_for)


def test_whoever_guesses_from_elsewhere_cannot_lock_the_owner_out(alice, log_in):
    log_in(password="a password", address=HERE)
    guesses = [log_in(address=f"198.51.100.{n}") for n in range(5)]

    answers = [log_in(password="a password", address=HERE) for _ in range(5)]

    assert statuses(guesses) == [401, 401, 401, 429, 429]
    assert statuses(answers) == [200] * 5


def test_a_network_that_is_known_may_fail_as_often_as_any_other(alice, log_in):
    log_in(password="a password", address=HERE)
    for n in range(4):
        log_in(address=f"198.51.100.{n}")

    answers = [log_in(address=HERE) for _ in range(4)]

    assert statuses(answers) == [401, 401, 401, 429]


def test_a_network_is_known_to_the_name_that_logged_in_and_to_no_other(alice, bob, log_in):
    log_in("bob", "a password", address=HERE)
    for n in range(3):
        log_in("alice", address=f"198.51.100.{n}")

    answers = [log_in(name, "a password", address=HERE) for name in ("alice", "bob")]

    assert statuses(answers) == [429, 200]


def test_a_network_known_to_one_user_is_not_known_to_a_user_of_the_name_in_capitals(
    alice, make_user, log_in
):
    make_user(username="ALICE")
    log_in("ALICE", "a password", address=HERE)
    for n in range(3):
        log_in("alice", address=f"198.51.100.{n}")

    answers = [log_in(name, "a password", address=HERE) for name in ("alice", "ALICE")]

    assert statuses(answers) == [429, 200]


@pytest.mark.parametrize("name", ["alice", " alice", "alice\n"], ids=repr)
def test_a_name_with_spaces_around_it_is_known_where_the_user_is(alice, log_in, name):
    log_in(name, "a password", address=HERE)
    for n in range(3):
        log_in("alice", address=f"198.51.100.{n}")

    answers = [log_in(each, "a password", address=HERE) for each in ("alice", name)]

    assert statuses(answers) == [200, 200]


def test_a_network_is_known_for_30_days_after_its_last_login(alice, log_in, clock):
    log_in(password="a password", address=HERE)
    clock.go_on(days=29)
    log_in(password="a password", address=HERE)
    answers = []
    for days in (29, 1):
        clock.go_on(days=days)
        for n in range(3):
            log_in(address=f"198.51.100.{n}")
        answers.append(log_in(password="wrong", address=HERE))

    assert statuses(answers) == [401, 429]


def test_networks_that_are_no_longer_known_are_removed(alice, log_in, clock):
    for n in range(12):
        log_in(password="a password", address=f"203.0.113.{n}")
        clock.go_on(minutes=1)
    clock.go_on(days=30)

    for _ in range(2):
        log_in(password="a password", address=THERE)

    assert KnownNetwork.objects.count() == 1


def test_a_name_has_no_more_than_its_100_last_networks(alice, settings, log_in, clock):
    settings.LOGIN_RATE = "1000/minute"
    for n in range(102):
        log_in(password="a password", address=f"203.0.113.{n}")
        clock.go_on(seconds=1)

    assert KnownNetwork.objects.count() == 100
    assert KnownNetwork.objects.earliest("last_login_at").last_login_at == (
        clock.now - timedelta(seconds=100)
    )


def test_a_login_that_fails_makes_no_network_known(alice, log_in):
    log_in("alice")
    log_in("nobody")
    log_in(5)

    assert KnownNetwork.objects.count() == 0


# REMOTE_ADDR, and what tries from there are counted for.
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
def test_an_address_is_counted_for_its_network(address, network):
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
def test_other_addresses_of_one_network_are_one_count(log_in, addresses):
    answers = [log_in(f"name-{n}", address=address) for n, address in enumerate(addresses)]

    assert statuses(answers) == [401, 401, 401, 429]


def test_one_network_is_counted_over_all_names(log_in):
    answers = [log_in(username=name) for name in ("alice", "bob", "carol", "dave")]

    assert statuses(answers) == [401, 401, 401, 429]


def test_one_name_is_counted_over_all_networks_that_are_new_to_it(alice, log_in):
    answers = [log_in(address=f"203.0.113.{n}") for n in range(4)]

    assert statuses(answers) == [401, 401, 401, 429]
