"""The settings, and the one-line errors for invalid ones."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from dotenv import dotenv_values

from ledger_project import environment
from ledger_project.conftest import KEYS


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DEBUG", "perhaps"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "ledger.db"),
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
        ("HTTPS", "2"),
        ("TRUSTED_PROXIES", "the-proxy"),
        ("TRUSTED_PROXIES", "::ffff:10.0.0.1/104"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,10.0.0.300"),
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
        ("CORS_ORIGINS", "https://app.example,"),
        ("CURRENCIES", ""),
        ("CURRENCIES", "USD,usd"),
        ("CURRENCIES", "USD,EUR,USD"),
        ("CURRENCIES", "EUR,GBP"),
        ("CURRENCIES", "USD,ZZZ"),
        ("DEFAULT_CURRENCY", "dollar"),
        ("DEFAULT_CURRENCY", "CHF"),
        ("PUBLIC_READS", "sometimes"),
        ("SELF_SERVICE_CASH", ""),
        ("METRICS_TOKEN", "clé-de-mesure"),
        ("METRICS_TOKEN", "two words"),
        ("METRICS_TOKEN", "token\n"),
        ("LOGIN_RATE", "10"),
        ("LOGIN_RATE", "0/minute"),
        ("LOGIN_RATE", "10/fortnight"),
        ("LOGIN_RATE", "1\u0660/minute"),
    ],
)
def test_an_invalid_value_stops_the_start_with_one_line_that_names_the_setting(
    machine, variable, value
):
    done = machine.run("manage.py", "check", **{**KEYS, f"LEDGER_{variable}": value})

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Mini Ledger can't start: ")
    assert f"LEDGER_{variable}" in done.stderr
    assert len(done.stderr) < 200
    assert "[" not in done.stderr.replace(value, "")


def test_a_list_may_have_spaces_between_its_items(machine):
    settings = machine.settings(
        *("ALLOWED_HOSTS", "TRUSTED_PROXIES", "CURRENCIES"),
        LEDGER_ALLOWED_HOSTS="localhost, .ledger.example, [::1]",
        LEDGER_TRUSTED_PROXIES="10.0.0.0/8, ::1",
        LEDGER_CURRENCIES="USD, EUR",
    )

    assert settings == {
        "ALLOWED_HOSTS": ["localhost", ".ledger.example", "[::1]"],
        "TRUSTED_PROXIES": ["10.0.0.0/8", "::1"],
        "CURRENCIES": ["USD", "EUR"],
    }


def test_equal_secret_and_signing_keys_stop_the_start(machine):
    key = KEYS["LEDGER_SECRET_KEY"]

    done = machine.run("manage.py", "check", **{**KEYS, "LEDGER_JWT_SIGNING_KEY": key})

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Mini Ledger can't start: LEDGER_JWT_SIGNING_KEY must not be the same as"
        " LEDGER_SECRET_KEY\n"
    )


@pytest.mark.parametrize("missing", KEYS)
def test_keys_are_required_without_debug(machine, missing):
    given = {name: key for name, key in KEYS.items() if name != missing}

    done = machine.run("manage.py", "check", **given)

    assert done.returncode == 1
    assert done.stderr == (f"Mini Ledger can't start: {missing} is required; see .env.example\n")


def test_keys_are_not_required_with_debug(machine):
    done = machine.run("manage.py", "check", LEDGER_DEBUG="true")

    assert done.returncode == 0


def test_the_deployment_check_warns_about_the_public_keys_of_debug(machine):
    done = machine.run("manage.py", "check", "--deploy", LEDGER_DEBUG="true")

    assert "(security.W009) Your SECRET_KEY" in done.stderr


ANSWERS = """
import django, json
django.setup()
from django.core.management import call_command
from django.test import Client
from ledger_project import urls

call_command("migrate", verbosity=0)
client = Client(raise_request_exception=False)
client.get("/")
urls.urlpatterns[0].callback = lambda request: 1 / 0
responses = [client.get("/nowhere"), client.get("/healthz", headers={"host": "elsewhere"}),
           client.get("/auth/token")]
print(json.dumps([[response.status_code, response["Content-Type"]] for response in responses]))
"""


def test_errors_are_problem_documents_and_are_logged_with_debug(machine):
    done = machine.run(
        "-c",
        ANSWERS,
        DJANGO_SETTINGS_MODULE="ledger_project.settings",
        LEDGER_DEBUG="true",
        LEDGER_DATABASE_URL="sqlite://:memory:",
        LEDGER_LOG_LEVEL="ERROR",
        LEDGER_ALLOWED_HOSTS="testserver",
    )

    assert "ZeroDivisionError" in done.stderr
    assert json.loads(done.stdout) == [
        [status, "application/problem+json"] for status in (404, 400, 500)
    ]


def test_the_env_example_sets_every_default(machine):
    names = [name for name in vars(environment) if name.isupper()]
    example = dotenv_values(Path(settings.BASE_DIR, ".env.example"))

    with_the_example = machine.settings(
        *names, **{name: value for name, value in example.items() if name not in KEYS}
    )

    assert with_the_example == machine.settings(*names)


def test_the_tests_use_the_documented_defaults_whatever_the_shell_sets():
    shown = "from ledger_project import test_settings as s; print(s.APP_NAME, s.PUBLIC_READS)"
    shell = {"LEDGER_APP_NAME": "of the shell", "LEDGER_PUBLIC_READS": "true"}

    done = subprocess.run(
        [sys.executable, "-c", shown],
        cwd=settings.BASE_DIR,
        env={**os.environ, **shell},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "Mini Ledger API False\n"


def test_environment_variables_take_precedence_over_the_env_file(new_machine):
    machine = new_machine()
    (machine.directory / ".env").write_text("LEDGER_APP_NAME=of the file\nLEDGER_CURRENCIES=USD\n")

    settings = machine.settings("APP_NAME", "CURRENCIES", LEDGER_APP_NAME="of the environment")

    assert settings == {"APP_NAME": "of the environment", "CURRENCIES": ["USD"]}


@pytest.mark.parametrize("line", ['LEDGER_APP_NAME="Mini\\nLedger"', 'LEDGER_HTTPS="true\\t"'])
def test_a_control_character_in_the_env_file_is_refused_in_one_line(new_machine, line):
    machine = new_machine()
    (machine.directory / ".env").write_text(f"{line}\n")

    done = machine.run("manage.py", "check", **KEYS)

    assert (done.returncode, done.stdout) == (1, "")
    name = line.partition("=")[0]
    assert done.stderr == (
        f"Mini Ledger can't start: {name} contains a line break or another control character, or "
        "bytes that aren't UTF-8\n"
    )


def test_the_keys_can_be_in_the_env_file(new_machine):
    machine = new_machine()
    lines = [f"{name}={key}\n" for name, key in KEYS.items()]
    (machine.directory / ".env").write_text("".join(lines))

    done = machine.run("manage.py", "check")

    assert done.returncode == 0


def test_the_deployment_check_has_no_warnings_with_https(machine):
    keys = {
        "LEDGER_SECRET_KEY": "a-key-as-long-as-the-one-that-make-run-writes-into-env-0",
        "LEDGER_JWT_SIGNING_KEY": "another-as-long-as-the-one-that-make-run-writes-into-env",
    }

    done = machine.run(
        *("manage.py", "check", "--deploy", "--fail-level", "WARNING"),
        **keys,
        LEDGER_HTTPS="true",
        LEDGER_ALLOWED_HOSTS="ledger.example",
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "System check identified no issues (2 silenced).\n"
