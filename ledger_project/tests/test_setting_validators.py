"""The one-line errors for values of settings that are invalid or could never work."""

import pytest

from ledger_project.conftest import KEYS

pytestmark = pytest.mark.one_database


INVALID = [
    ("DEBUG", "perhaps"),
    ("DATABASE_URL", ""),
    ("DATABASE_URL", "ledger.db"),
    ("READ_DATABASE_URL", "sqlite:///reads.db"),
    # The database is SQLite.
    ("READ_DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger"),
    ("DATABASE_URL", "mysql://ledger@127.0.0.1/ledger"),
    ("DATABASE_URL", "postgresql+asyncpg://ledger@127.0.0.1/ledger"),
    ("DATABASE_URL", "postgresql://ledger@127.0.0.1:port/ledger"),
    ("DATABASE_URL", "postgresql://"),
    ("DATABASE_URL", "postgresql://ledger@127.0.0.1/"),
    ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?server_side_binding=maybe"),
    ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?connect_timeout=soon"),
    ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?prepare_threshold=often"),
    ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?client_timeout=true"),
    ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?ssl_mode=require"),
    ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?pool=true"),
    ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?=on"),
    ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?isolation_level=3"),
    ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?connect_timeout=0"),
    ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?client_timeout=0"),
    ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?sslmode=always"),
    ("DATABASE_URL", "postgresql://ledger@127.0.0.1/ledger?target_session_attrs=write"),
    ("DATABASE_URL", "postgresql://ledger@one,two:port/ledger"),
    ("DATABASE_URL", "postgresql://ledger@one:1,two:2,three:65536/ledger"),
    ("DATABASE_URL", "postgresql://ledger@one,two,three/ledger?port=1,2"),
    ("DATABASE_URL", "postgresql://ledger@[::1,two:2/ledger"),
    ("DATABASE_URL", "postgres://"),
    ("DATABASE_URL", "sqlite://ledger.db"),
    ("DATABASE_URL", "sqlite:///ledger.db?timeout=5"),
    ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "sqlite:///"),
    ("DATABASE_URL", "sqlite:///no/such/folder/ledger.db"),
    ("DATABASE_URL", "sqlite:///ledger\n.db"),
    ("APP_NAME", ""),
    ("APP_NAME", " "),
    ("APP_NAME", "Mini\nLedger"),
    ("APP_NAME", "Mini\x1b[31mLedger"),
    ("APP_NAME", "Mini\u2028Ledger"),
    ("APP_NAME", "Mini\udcffLedger"),
    ("LOG_LEVEL", "LOUD"),
    ("LOG_LEVEL", "WARN"),
    ("LOG_LEVEL", "NOTSET"),
    ("LOG_LEVEL", "info"),
    ("SECRET_KEY", ""),
    ("SECRET_KEY", "x" * 31),
    ("SECRET_KEY", " " * 64),
    ("SECRET_KEY", "\t" * 64),
    ("SECRET_KEY", "x" * 64),
    ("SECRET_KEY", "changeme" * 8),
    ("SECRET_KEY", f"short{' ' * 32}"),
    ("SECRET_KEY", "django-insecure-development-only-" * 2),
    ("SECRET_KEY", "\udcff" * 64),
    ("JWT_SIGNING_KEY", ""),
    ("JWT_SIGNING_KEY", "x" * 31),
    ("JWT_SIGNING_KEY", " " * 64),
    ("JWT_SIGNING_KEY", "x" * 64),
    ("JWT_SIGNING_KEY", "django-insecure-development-only-" * 2),
    ("ALLOWED_HOSTS", ""),
    ("ALLOWED_HOSTS", "ledger.example,"),
    ("ALLOWED_HOSTS", "https://ledger.example"),
    ("ALLOWED_HOSTS", "ledger.example:8000"),
    ("ALLOWED_HOSTS", ".."),
    ("ALLOWED_HOSTS", "a..b"),
    ("ALLOWED_HOSTS", "ledger.example."),
    ("ALLOWED_HOSTS", "[::::]"),
    ("ALLOWED_HOSTS", "-"),
    ("ALLOWED_HOSTS", "ledger-.example"),
    ("ALLOWED_HOSTS", "127.1"),
    ("ALLOWED_HOSTS", "999.1.1.1"),
    ("ALLOWED_HOSTS", "::1"),
    ("ALLOWED_HOSTS", "[127.0.0.1]"),
    ("ALLOWED_HOSTS", "x" * 64 + ".example"),
    ("ALLOWED_HOSTS", ".*"),
    ("HTTPS", "2"),
    ("TRUSTED_PROXIES", "the-proxy"),
    ("TRUSTED_PROXIES", "::ffff:10.0.0.1/104"),
    ("TRUSTED_PROXIES", "10.0.0.0/8,10.0.0.300"),
    ("TRUSTED_PROXIES", "10.0.0.1/8"),
    ("TRUSTED_PROXIES", "0.0.0.0/0"),
    ("TRUSTED_PROXIES", "::/0"),
    ("TRUSTED_PROXIES", "::ffff:0:0/96"),
    ("TRUSTED_PROXIES", "0.0.0.0"),
    ("TRUSTED_PROXIES", "::"),
    ("TRUSTED_PROXIES", "224.0.0.1"),
    ("CORS_ORIGINS", "*"),
    ("CORS_ORIGINS", "null"),
    ("CORS_ORIGINS", "app.example"),
    ("CORS_ORIGINS", "https://*.app.example"),
    ("CORS_ORIGINS", "https://app.example/"),
    ("CORS_ORIGINS", "https://app.example:443"),
    ("CORS_ORIGINS", "https://app.example:0443"),
    ("CORS_ORIGINS", "https://app.example:65536"),
    ("CORS_ORIGINS", "https://App.example"),
    ("CORS_ORIGINS", "https://[::::]"),
    ("CORS_ORIGINS", "https://[0:0:0:0:0:0:0:1]"),
    ("CORS_ORIGINS", "https://[::1]x"),
    ("CORS_ORIGINS", "https://127.1"),
    ("CORS_ORIGINS", "https://999.1.1.1"),
    ("CORS_ORIGINS", "https://0x7f.0.0.0x1"),
    ("CORS_ORIGINS", "https://-"),
    ("CORS_ORIGINS", "https://app.example:"),
    ("CORS_ORIGINS", "https://app.example:8000:8000"),
    ("CORS_ORIGINS", "https://app.example.."),
    ("CORS_ORIGINS", "https://user@app.example"),
    ("CORS_ORIGINS", "https://app.example,"),
    ("CURRENCIES", ""),
    ("CURRENCIES", "USD,usd"),
    ("CURRENCIES", "USD,EUR,USD"),
    ("CURRENCIES", "EUR,GBP"),
    ("CURRENCIES", "USD,ZZZ"),
    ("CURRENCIES", "USD,XXX"),
    ("CURRENCIES", "USD,XTS"),
    ("CURRENCIES", "USD,XXQ"),
    ("CURRENCIES", "USD,XXX:0"),
    ("CURRENCIES", "USD:2"),
    ("CURRENCIES", "USD,EUR:3"),
    ("CURRENCIES", "USD,PTS:"),
    ("CURRENCIES", "USD,PTS:10"),
    ("CURRENCIES", "USD,PTS:-1"),
    ("CURRENCIES", "USD,PTS:\u0662"),
    ("CURRENCIES", "USD,pts:2"),
    ("CURRENCIES", "USD,POINTS:2"),
    ("CURRENCIES", "USD,PTS:2,PTS:0"),
    ("DEFAULT_CURRENCY", "dollar"),
    ("DEFAULT_CURRENCY", "CHF"),
    ("PUBLIC_READS", "sometimes"),
    ("SELF_SERVICE_CASH", ""),
    ("METRICS_TOKEN", "clé-de-mesure"),
    ("METRICS_TOKEN", "two words"),
    ("METRICS_TOKEN", "token\n"),
    ("WEBHOOK_ALLOWED_HOSTS", "*"),
    ("WEBHOOK_ALLOWED_HOSTS", "Hooks.example"),
    ("WEBHOOK_ALLOWED_HOSTS", "hooks.example:8443"),
    ("WEBHOOK_ALLOWED_HOSTS", "http://hooks.example"),
    ("LOGIN_RATE", "10"),
    ("LOGIN_RATE", "0/minute"),
    ("LOGIN_RATE", "10/fortnight"),
    ("LOGIN_RATE", "1\u0660/minute"),
    ("SERVICE_TOKEN_MINUTES", "0"),
    ("SERVICE_TOKEN_MINUTES", "1441"),
    ("SERVICE_TOKEN_MINUTES", "-5"),
    ("SERVICE_TOKEN_MINUTES", "1.5"),
    ("SERVICE_TOKEN_MINUTES", "an hour"),
]


@pytest.mark.parametrize(("variable", "value"), INVALID)
def test_the_error_for_an_invalid_value_is_one_line_that_names_the_setting(
    machine, variable, value
):
    with pytest.raises(SystemExit) as refused:
        machine.settings(**{f"LEDGER_{variable}": value})

    line = refused.value.code
    assert line.startswith("Mini Ledger can't start: ")
    assert len(line.splitlines()) == 1
    assert f"LEDGER_{variable}" in line
    assert len(f"{line}\n") < 200
    assert "[" not in line.replace(value, "")


# The first invalid value of each setting.
FIRST = dict(reversed(INVALID))


@pytest.mark.parametrize(("variable", "value"), FIRST.items(), ids=FIRST)
def test_a_process_with_an_invalid_setting_prints_this_line_only_and_stops(
    machine, variable, value
):
    environment = {**KEYS, f"LEDGER_{variable}": value}
    with pytest.raises(SystemExit) as refused:
        machine.settings(**environment)

    done = machine.run("manage.py", "check", **environment)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{refused.value.code}\n"


def test_a_list_may_have_spaces_between_its_items(machine):
    settings = machine.settings(
        *("ALLOWED_HOSTS", "TRUSTED_PROXIES", "CURRENCIES"),
        LEDGER_ALLOWED_HOSTS="localhost, .ledger.example, [::1], 10.0.0.7, Ledger_1.example",
        LEDGER_TRUSTED_PROXIES="10.0.0.0/8, ::1, fd00::/8",
        LEDGER_CURRENCIES="USD, EUR",
    )

    assert settings == {
        "ALLOWED_HOSTS": [
            *("localhost", ".ledger.example", "[::1]", "10.0.0.7", "Ledger_1.example"),
        ],
        "TRUSTED_PROXIES": ["10.0.0.0/8", "::1", "fd00::/8"],
        "CURRENCIES": ["USD", "EUR"],
    }


def test_a_unit_of_ones_own_is_listed_with_its_decimals(machine):
    settings = machine.settings("CURRENCIES", "OWN_DECIMALS", LEDGER_CURRENCIES="USD, PTS:0, XBT:8")

    assert settings == {"CURRENCIES": ["USD", "PTS", "XBT"], "OWN_DECIMALS": {"PTS": 0, "XBT": 8}}


def test_the_error_for_an_unknown_currency_says_how_to_add_a_unit_of_ones_own(machine):
    with pytest.raises(SystemExit) as refused:
        machine.settings(LEDGER_CURRENCIES="USD,XXQ")

    assert refused.value.code == (
        "Mini Ledger can't start: LEDGER_CURRENCIES contains 'XXQ', which is not an ISO 4217 code "
        "such as USD; add the decimals of a unit of your own, as in PTS:2"
    )


def test_the_secret_and_the_signing_key_must_differ(machine):
    with pytest.raises(SystemExit) as refused:
        machine.settings(LEDGER_JWT_SIGNING_KEY=KEYS["LEDGER_SECRET_KEY"])

    assert refused.value.code == (
        "Mini Ledger can't start: LEDGER_JWT_SIGNING_KEY must not be the same as LEDGER_SECRET_KEY"
    )
