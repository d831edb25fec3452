"""The settings, and the one-line errors for invalid ones."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from dotenv import dotenv_values

from ledger_project import environment
from ledger_project.conftest import KEYS

pytestmark = pytest.mark.one_database


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


def test_a_variable_that_names_no_setting_is_reported(machine):
    ignored = {
        "LEDGER_TRUSTED_PROXYS": "127.0.0.1",
        "LEDGER_XYZ_FILE": "/nowhere",
        # These aren't meant to be settings.
        "LEDGER_PORT": "tcp://10.0.0.1:80",
        "LEDGER_SERVICE_HOST": "10.0.0.1",
        "LEDGER_CLIENT_SECRET": "s",
    }

    done = machine.run("manage.py", "check", **KEYS, **ignored)

    assert done.returncode == 0
    assert re.findall(r"\(ledger_project.W001\) (.*)", done.stderr) == [
        "There is no setting LEDGER_TRUSTED_PROXYS. Did you mean LEDGER_TRUSTED_PROXIES?",
        "There is no setting LEDGER_XYZ_FILE.",
    ]


def test_a_line_of_the_env_file_that_names_no_setting_is_reported(new_machine):
    machine = new_machine()
    lines = "# LEDGER_OLD=1\nLEDGER_CURRENCIS=USD\nexport LEDGER_HTTP=true\n"
    (machine.directory / ".env").write_text(lines)

    done = machine.run("manage.py", "check", **KEYS)

    assert re.findall(r"\(ledger_project.W001\) (.*)", done.stderr) == [
        "There is no setting LEDGER_CURRENCIS. Did you mean LEDGER_CURRENCIES?",
        "There is no setting LEDGER_HTTP. Did you mean LEDGER_HTTPS?",
    ]


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


def test_a_setting_can_be_read_from_a_file_which_takes_precedence(machine, tmp_path):
    (tmp_path / "name").write_text("  of the file\n")
    (tmp_path / "hosts").write_text("ledger.example,localhost\n")

    settings = machine.settings(
        *("APP_NAME", "ALLOWED_HOSTS"),
        LEDGER_APP_NAME="of the variable",
        LEDGER_APP_NAME_FILE=f"{tmp_path}/name",
        LEDGER_ALLOWED_HOSTS_FILE=f"{tmp_path}/hosts",
    )

    assert settings == {
        "APP_NAME": "of the file",
        "ALLOWED_HOSTS": ["ledger.example", "localhost"],
    }


@pytest.mark.parametrize("content", [None, b"\xff", b"short"], ids=["missing", "binary", "invalid"])
def test_a_file_that_cannot_be_used_is_refused_in_one_line(machine, tmp_path, content):
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SystemExit) as refused:
        machine.settings(LEDGER_SECRET_KEY_FILE=str(path))

    wanted = {
        b"short": "LEDGER_SECRET_KEY must be at least 32 bytes long; try `openssl rand -base64 48`",
    }.get(content, "LEDGER_SECRET_KEY_FILE must be the path of a file that can be read")
    assert refused.value.code == f"Mini Ledger can't start: {wanted}"


SHOW_POINTS = """
import django
django.setup()
from accounts.money import money
print(money(15000, "PTS"), money(15000, "USD"))
"""


def test_the_decimals_of_a_unit_of_ones_own_are_used_to_show_amounts(machine):
    done = machine.run(
        *("-c", SHOW_POINTS),
        **KEYS,
        DJANGO_SETTINGS_MODULE="ledger_project.settings",
        LEDGER_CURRENCIES="USD,PTS:1",
    )

    assert done.stdout == "1,500.0 PTS 150.00 USD\n", done.stderr


def test_traces_need_their_packages(machine, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "opentelemetry" else find(name)
    )

    with pytest.raises(SystemExit) as refused:
        machine.settings(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4318")

    assert refused.value.code == (
        "Mini Ledger can't start: OTEL_EXPORTER_OTLP_ENDPOINT needs the packages of "
        "requirements-otel.txt"
    )


@pytest.mark.parametrize("line", ['LEDGER_APP_NAME="Mini\\nLedger"', 'LEDGER_HTTPS="true\\t"'])
def test_a_control_character_in_the_env_file_is_refused_in_one_line(new_machine, line):
    machine = new_machine()
    (machine.directory / ".env").write_text(f"{line}\n")

    with pytest.raises(SystemExit) as refused:
        machine.settings()

    name = line.partition("=")[0]
    assert refused.value.code == (
        f"Mini Ledger can't start: {name} contains a line break or another control character, or "
        "bytes that aren't UTF-8"
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
