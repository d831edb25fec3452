"""
The settings that differ between machines, read from ``LEDGER_*`` variables or ``.env``.

Each is declared only here. ``settings.py`` imports them all, so the code reads them from
``django.conf.settings`` like any other setting. `make generate` writes `.env.example` and the table
in docs/operations.md from these declarations.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from environs import ValidationError

from accounts.enums import MONEY_MAX
from ledger_project.database_url import POSTGRESQL, database_of
from ledger_project.ledgers.file import read
from ledger_project.setting_reader import SettingReader
from ledger_project.setting_validators import (
    FEWEST_BYTES,
    FEWEST_CHARACTERS,
    METRICS_TOKEN_CHARACTERS,
    app_name,
    between,
    code_of,
    currency,
    each,
    host,
    metrics_token,
    network,
    no_code_twice,
    not_empty,
    not_the_value_of,
    one_of,
    origin,
    rate,
    signing_key,
    specific_host,
)

BASE_DIR = Path(__file__).resolve().parent.parent

env = SettingReader(BASE_DIR / ".env")

APP_NAME = env.text(
    "APP_NAME",
    "Mini Ledger API",
    checks=[app_name],
    help="The title of the API, and the value of `app` in each log line.",
)

# Web requests have timeouts, and so has the command that runs beside the server. The other commands
# have none.
IS_COMMAND = Path(sys.argv[0]).name == "manage.py" and "deliver_webhooks" not in sys.argv


def database(url: str) -> dict[str, Any]:
    return database_of(url, BASE_DIR, is_command=IS_COMMAND)


DATABASE_URL = env.text(
    "DATABASE_URL",
    "sqlite:///mini_ledger.db",
    checks=[database],
    help="The database: `sqlite:///file.db`, or PostgreSQL as in "
    "`postgresql://user:password@host:5432/database`. See [Databases](databases.md).",
)
DATABASE = database(DATABASE_URL)


def ledgers(path: str) -> None:
    if path:
        read(BASE_DIR / path, BASE_DIR, is_command=IS_COMMAND)


LEDGERS = env.text(
    "LEDGERS",
    "",
    checks=[ledgers],
    help="The path of a file with several ledgers, each a database of its own, chosen by the host "
    "of the request. `LEDGER_DATABASE_URL` isn't used then. See "
    "[Several ledgers](ledgers.md).",
)


def standby(url: str) -> None:
    if url and LEDGERS:
        # It would be the standby of one of them, and answer for all.
        raise ValidationError("must not be set together with LEDGER_LEDGERS")
    if url and {database(each)["ENGINE"] for each in (url, DATABASE_URL)} != {POSTGRESQL}:
        raise ValidationError("needs PostgreSQL, and LEDGER_DATABASE_URL must be PostgreSQL too")


READ_DATABASE_URL = env.text(
    "READ_DATABASE_URL",
    "",
    checks=[standby],
    help="A hot standby of the database, to which lists, statements, exports and the audit are "
    "sent while it has everything that was committed. PostgreSQL only. See "
    "[Reads from a standby](scaling.md#reads-from-a-standby).",
)

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOG_LEVEL = env.text(
    "LOG_LEVEL",
    "INFO",
    checks=[one_of(LOG_LEVELS)],
    help=f"The lowest level of the messages that are logged: {', '.join(LOG_LEVELS)}.",
)

# OpenTelemetry's own variable. Its SDK reads it too, with the others that begin with OTEL_.
TRACES = bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
if TRACES and find_spec("opentelemetry") is None:
    sys.exit(
        "Mini Ledger can't start: OTEL_EXPORTER_OTLP_ENDPOINT needs the packages of "
        "requirements-otel.txt"
    )

IS_DEVELOPMENT = env.flag(
    "DEBUG",
    False,
    help="Set it to true only on a developer's own machine. The two keys below may then be "
    "missing, and are replaced by public keys from the source code, and webhooks may have http "
    "URLs. Nothing else changes: errors are still problem documents, and their tracebacks are in "
    "the log.",
)
# `manage.py check --deploy` warns about a key that begins like this.
PUBLIC_KEY = "django-insecure-development-only-" * 2
DEVELOPMENT_KEY = PUBLIC_KEY if IS_DEVELOPMENT else None

SECRET_KEY = env.text(
    "SECRET_KEY",
    fallback=DEVELOPMENT_KEY,
    checks=[signing_key],
    help="Signs sessions and cursors, and encrypts the secrets of webhooks. At least "
    f"{FEWEST_BYTES} bytes, with at least {FEWEST_CHARACTERS} different characters. Create one "
    "with `openssl rand -base64 48`.",
)

# A separate key, so that one of the two can leak or be changed without affecting the other.
JWT_SIGNING_KEY = env.text(
    "JWT_SIGNING_KEY",
    fallback=DEVELOPMENT_KEY,
    checks=[signing_key, not_the_value_of("LEDGER_SECRET_KEY", SECRET_KEY)],
    help="Signs access and refresh tokens. It must be as long and as random as "
    "`LEDGER_SECRET_KEY`, and must not be the same key.",
)

ALLOWED_HOSTS = env.items(
    "ALLOWED_HOSTS",
    ["localhost", "127.0.0.1", "[::1]"],
    checks=[not_empty, each(host)],
    help="The host names for which the service accepts requests, separated by commas. With "
    "`LEDGER_LEDGERS`, the hosts of the ledgers are accepted as well, and those of this list that "
    "have no ledger serve only health checks, metrics and the documentation.",
)

HTTPS = env.flag(
    "HTTPS",
    False,
    help="Set it to true behind TLS. Requests over http are then redirected, cookies are sent over "
    "https only, and browsers are told to use https only. See [HTTPS and HSTS](#https-and-hsts).",
)

TRUSTED_PROXIES = env.items(
    "TRUSTED_PROXIES",
    [],
    checks=[each(network)],
    help="The addresses or networks of the proxies whose `X-Forwarded-For` and "
    "`X-Forwarded-Proto` headers are trusted, separated by commas. Networks of all addresses, such "
    "as `0.0.0.0/0`, are refused.",
)

CORS_ORIGINS = env.items(
    "CORS_ORIGINS",
    [],
    checks=[each(origin)],
    help="The origins of browser apps that may call the API, separated by commas. Write an origin "
    "as browsers send it, such as `https://app.example`: without a path, a wildcard or a default "
    "port. See [Browser apps](#browser-apps).",
)

LISTED_CURRENCIES = env.items(
    "CURRENCIES",
    ["USD", "EUR", "GBP", "JPY"],
    checks=[not_empty, each(currency), no_code_twice],
    help="The currencies in which accounts can be opened: ISO 4217 codes, separated by commas. A "
    "unit of your own, such as points, has a code of three letters that ISO 4217 doesn't use and "
    "its number of decimals, as in `PTS:0`; the number must never change. After adding a currency, "
    "run `manage.py migrate`, which opens its EXTERNAL account.",
)
CURRENCIES = [code_of(item) for item in LISTED_CURRENCIES]
# By code, of the units that ISO 4217 doesn't define.
OWN_DECIMALS = {code_of(item): int(item[-1]) for item in LISTED_CURRENCIES if ":" in item}

DEFAULT_CURRENCY = env.text(
    "DEFAULT_CURRENCY",
    "USD",
    checks=[one_of(CURRENCIES, called="LEDGER_CURRENCIES")],
    help="The currency of a new account if the request doesn't specify one.",
)

PUBLIC_READS = env.flag(
    "PUBLIC_READS",
    False,
    help="Whether anyone can read a single account and its statement by the account's id, without "
    "a token. Use it for teaching, and never for real money.",
)

SELF_SERVICE_CASH = env.flag(
    "SELF_SERVICE_CASH",
    True,
    help="Whether owners may deposit to and withdraw from their own accounts. If it is false, only "
    "users with the permission `transfers.move_cash` may. **Set it to false where money is real**: "
    "an owner who may deposit can create money.",
)

APPROVAL_THRESHOLD = env.optional_number(
    "APPROVAL_THRESHOLD",
    checks=[between(1, MONEY_MAX)],
    help="From which amount on, in minor units of any currency, what only a permission allows "
    "waits for a second person: moving the money of others, reversing a transfer, raising an "
    "overdraft limit. If it isn't set, nothing waits. See [Approvals](approvals.md).",
)

METRICS_TOKEN = env.text(
    "METRICS_TOKEN",
    "",
    checks=[metrics_token],
    help="The bearer token with which other machines can read `/metrics`. It may contain "
    f"{METRICS_TOKEN_CHARACTERS}. If it isn't set, only this machine can read them.",
)

LOGIN_RATE = env.text(
    "LOGIN_RATE",
    "10/minute",
    checks=[rate],
    help="How many logins may fail from one network (an IPv4 address, or an IPv6 /64), and for one "
    "user name in total from networks from which that user hasn't logged in within 30 days. See "
    "[Authentication](api.md#authentication).",
)

# In minutes. A revoked key ends at once, so a long lifetime costs little.
LONGEST_SERVICE_TOKEN = 24 * 60

SERVICE_TOKEN_MINUTES = env.number(
    "SERVICE_TOKEN_MINUTES",
    60,
    checks=[between(1, LONGEST_SERVICE_TOKEN)],
    help="For how many minutes the access token of a service key is valid. At most "
    f"{LONGEST_SERVICE_TOKEN}. See [Service keys](service-keys.md).",
)

WEBHOOK_ALLOWED_HOSTS = env.items(
    "WEBHOOK_ALLOWED_HOSTS",
    [],
    checks=[each(specific_host)],
    help="The hosts that webhooks may be sent to although their addresses aren't public, over http "
    "too, separated by commas: for receivers in your own network. `.ledger.example` stands for all "
    "hosts below it. Everybody who may register a webhook can then make the service send requests "
    "to them.",
)
