"""What is logged, and what is never logged, on the standard error of a process."""

import json
import re
from datetime import datetime

import pytest

pytestmark = pytest.mark.one_database

ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "ledger_project.settings",
    "LEDGER_SECRET_KEY": "a-secret-key-of-more-than-32-bytes",
    "LEDGER_JWT_SIGNING_KEY": "a-signing-key-of-more-than-32-bytes",
    "LEDGER_ALLOWED_HOSTS": "testserver",
    "LEDGER_APP_NAME": "Ledger of a test",
}

# Sends requests to a server, then makes its database fail. Prints the secrets that it used.
SESSION = """
import json, types, django
django.setup()
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client
from django.urls import path
from rest_framework.views import APIView
from ledger_project import urls

class Crash(APIView):
    max_body = 1000

    def post(self, request):
        header, key = request.headers["Authorization"], request.headers["Idempotency-Key"]
        password = request.data["password"]
        if request.data["of"] == "the database":
            raise OperationalError("It is gone.")
        raise RuntimeError("It broke.")

with_crash = types.ModuleType("with_crash")
vars(with_crash).update(vars(urls), urlpatterns=[*urls.urlpatterns, path("crash", Crash.as_view())])
settings.ROOT_URLCONF = with_crash
call_command("migrate", verbosity=0)
password, wrong, key, cursor = "pass-of-alice", "wrong-pass", "key-of-a-post", "cursor-of-a-list"
user = User.objects.create_user("alice", password=password)
client = Client(raise_request_exception=False)

def send(method, address, body=None, **headers):
    text = "" if body is None else json.dumps(body)
    return client.generic(method, address, text, "application/json", headers=headers)

def keyed(name):
    return {"Authorization": "Bearer " + tokens["access"], "Idempotency-Key": name}

tokens = send("POST", "/auth/token", {"username": "alice", "password": password}).json()
send("POST", "/auth/token", {"username": "alice", "password": wrong})
renewed = send("POST", "/auth/token/refresh", {"refresh": tokens["refresh"]}).json()
send("POST", "/auth/token/refresh", {"refresh": tokens["refresh"]})
send("POST", "/auth/logout", {"refresh": renewed["refresh"]})
account = {"owner_name": "Alice"}
send("POST", "/accounts", account, **keyed(key), **{"X-Request-ID": "the.first-one_1"})
send("POST", "/accounts", account, **keyed(key))
send("POST", "/accounts", {}, **keyed(key))
for _ in range(2):
    nowhere = "/accounts/00000000-0000-7000-8000-000000000000/close"
    send("POST", nowhere, {}, **keyed("key-of-a-refusal"))
send("GET", "/accounts?cursor=" + cursor, **keyed(key))
send("GET", "/accounts", Authorization="Bearer " + tokens["refresh"])
send("GET", "/healthz", **{"X-Request-ID": "two\\nlines"})
for of in ("the code", "the database"):
    body = {"of": of, "password": password}
    named = {"X-Request-ID": "crash-of-" + of[4:]}
    send("POST", "/crash", body, **keyed("key-of-a-crash"), **named)
for method in ("GET", "POST"):
    send(method, "/idempotency-keys/" + key, **keyed("key-in-a-path"))
    send(method, "/idempotency-keys/key%2Fwith%20letters", **keyed("key-in-a-path"))
    send(method, "/Idempotency-Keys/" + key, **keyed("key-in-a-path"))
send("GET", "/docs", **{"Host": "host-of-a-scanner", "X-Request-ID": "scanner"})
clerk = User.objects.create_user("clerk", password=password, is_staff=True)
browser = Client()
browser.post("/admin/login/", {"username": "clerk", "password": password})
browser.get("/admin/", headers={"X-Request-ID": "clerk-" + str(clerk.pk)})
with connection.cursor() as cursor_:
    cursor_.execute("DROP TABLE idempotency_idempotencykey")
send("GET", "/idempotency-keys/key-of-a-lookup-that-fails", **keyed("key-in-a-path"))
send("POST", "/accounts", account, **keyed("key-of-a-claim-that-fails"))
print(json.dumps({
    "password": password, "wrong password": wrong, "cursor": cursor, "key": key,
    "key of a crash": "key-of-a-crash", "key in a path": "key-in-a-path",
    "key with a slash": "key/with letters", "key with a slash, encoded": "key%2Fwith",
    "key of a lookup": "key-of-a-lookup-that-fails",
    "key of a claim": "key-of-a-claim-that-fails",
    "access token": tokens["access"], "refresh token": tokens["refresh"],
    "new access token": renewed["access"], "new refresh token": renewed["refresh"],
    "secret key": settings.SECRET_KEY, "signing key": settings.SIMPLE_JWT["SIGNING_KEY"],
    "password hash": user.password, "session": browser.cookies["sessionid"].value,
    "foreign host": "host-of-a-scanner",
}))
"""

SECRETS = [
    *("password", "wrong password", "cursor", "key", "key of a crash", "key in a path"),
    *("key with a slash", "key with a slash, encoded", "key of a lookup", "key of a claim"),
    *("access token", "refresh token", "new access token", "new refresh token"),
    *("secret key", "signing key", "password hash", "session", "foreign host"),
]

ONE_REQUEST = """
import django
django.setup()
from django.test import Client
Client().get("/healthz", headers={"X-Request-ID": "one"})
"""


@pytest.fixture(scope="module")
def machine(new_machine):
    return new_machine()


@pytest.fixture(scope="module")
def session(machine):
    """The secrets that the script used, and its standard error."""
    done = machine.run("-c", SESSION, **ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.fixture(scope="module")
def lines(session):
    return [json.loads(line) for line in session[1].splitlines()]


def requests(lines, request_id):
    return [line for line in lines if line["request_id"] == request_id]


@pytest.mark.parametrize("name", SECRETS)
def test_no_line_shows_a_secret(session, name):
    secrets, text = session

    assert set(secrets) == set(SECRETS)
    assert secrets[name] not in text


def test_each_line_has_the_app_a_request_id_a_level_and_a_utc_timestamp(lines):
    assert {line["app"] for line in lines} == {"Ledger of a test"}
    assert [line for line in lines if not line["request_id"]] == []
    assert [line for line in lines if line["level"] not in ("info", "warning", "error")] == []
    times = [datetime.fromisoformat(line["timestamp"]) for line in lines]
    assert times == sorted(times)
    assert {time.utcoffset().total_seconds() for time in times} == {0}


def test_a_request_is_logged_once_with_its_status_and_user(lines):
    (line,) = requests(lines, "the.first-one_1")

    assert {name: line[name] for name in line if name not in ("timestamp", "ms", "user")} == {
        "app": "Ledger of a test",
        "client": "127.0.0.1",
        "code": None,
        "event": "request",
        "level": "info",
        "logger": "ledger.request",
        "method": "POST",
        "path": "/accounts",
        "replayed": False,
        "request_id": "the.first-one_1",
        "route": "/accounts",
        "status": 201,
    }
    assert isinstance(line["user"], int)
    assert line["ms"] > 0


def test_a_refused_request_is_logged_with_the_code_of_its_error(lines):
    refused = [line for line in lines if line.get("path") == "/accounts" and line["code"]]

    assert {(line["status"], line["code"]) for line in refused} == {
        (409, "idempotency_key_reused"),
        (400, "invalid_cursor"),
        (401, "token_not_valid"),
        (503, "temporarily_unavailable"),
    }


def test_a_failed_login_is_logged_with_its_name_and_its_client(lines):
    (line,) = [line for line in lines if line["logger"] == "ledger.login"]

    assert (line["level"], line["event"]) == ("warning", "a login failed")
    assert (line["name"], line["client"]) == ("alice", "127.0.0.1")


def test_a_request_to_the_admin_is_logged_with_its_user(lines):
    (line,) = [line for line in lines if line["request_id"].startswith("clerk-")]

    assert line["path"] == "/admin/"
    assert line["request_id"] == f"clerk-{line['user']}"


def test_a_request_for_an_unknown_host_is_logged_once_without_a_traceback(lines):
    (line,) = requests(lines, "scanner")

    assert (line["level"], line["status"]) == ("info", 400)


def test_a_replay_is_logged_as_a_replay_with_the_code_of_its_error(lines):
    replays = [(line["status"], line["code"]) for line in lines if line.get("replayed")]

    assert replays == [(201, None), (404, "account_not_found")]


def test_a_request_id_that_could_forge_a_line_is_replaced(lines):
    (line,) = [line for line in lines if line.get("path") == "/healthz"]

    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", line["request_id"])


@pytest.mark.parametrize(
    ("request_id", "error", "status"),
    [
        ("crash-of-code", ("RuntimeError", "It broke."), 500),
        ("crash-of-database", ("OperationalError", "It is gone."), 503),
    ],
)
def test_a_crash_is_logged_with_a_traceback_without_local_variables(
    lines, request_id, error, status
):
    of_the_crash = requests(lines, request_id)

    raised = [
        (each["exc_type"], each["exc_value"])
        for line in of_the_crash
        for each in line.get("exception", [])
    ]
    assert error in raised
    assert [line["status"] for line in of_the_crash if line["event"] == "request"] == [status]
    assert "locals" not in json.dumps(of_the_crash)


@pytest.mark.parametrize(("level", "count"), [("DEBUG", 1), ("INFO", 1), ("WARNING", 0)])
def test_the_log_level_sets_which_messages_are_logged(machine, level, count):
    done = machine.run("-c", ONE_REQUEST, **ENVIRONMENT, LEDGER_LOG_LEVEL=level)

    written = [json.loads(line) for line in done.stderr.splitlines()]
    assert len([line for line in written if line["logger"] == "ledger.request"]) == count


FOREIGN = """
import django
django.setup()
from django.test import Client
Client().get("/healthz", headers={"Host": "elsewhere"})
Client(enforce_csrf_checks=True).post("/admin/login/")
import logging
logging.getLogger("django.template").debug("nothing")
logging.getLogger("django.security.csrf").warning("something")
"""


@pytest.mark.parametrize(
    ("level", "loggers"),
    [
        ("CRITICAL", set()),
        ("WARNING", {"django.security.csrf"}),
        ("DEBUG", {"django.security.csrf", "django.template"}),
    ],
)
def test_the_log_level_applies_to_django_too(machine, level, loggers):
    done = machine.run("-c", FOREIGN, **ENVIRONMENT, LEDGER_LOG_LEVEL=level)

    written = [json.loads(line)["logger"] for line in done.stderr.splitlines()]
    assert {name for name in written if name.startswith("django.")} - {"django.utils"} == loggers
