"""
The settings of the tests: the product's own, in an environment that the machine doesn't change.

The documented defaults of ``.env.example`` win over the shell and over ``.env``.
``LEDGER_TEST_DATABASE_URL`` names another database than SQLite.
"""

import os
from pathlib import Path

from dotenv import dotenv_values

BASE_DIR = Path(__file__).resolve().parent.parent
os.environ |= {name: text or "" for name, text in dotenv_values(BASE_DIR / ".env.example").items()}
os.environ |= {
    "LEDGER_SECRET_KEY": "secret-key-of-the-tests-and-of-nothing-else",
    "LEDGER_JWT_SIGNING_KEY": "signing-key-of-the-tests-and-of-nothing-else",
    "LEDGER_DATABASE_URL": os.environ.get("LEDGER_TEST_DATABASE_URL", "sqlite:///test.db"),
    # Tests log in far more often than a person.
    "LEDGER_LOGIN_RATE": "100000/minute",
}

from ledger_project.settings import *  # noqa: E402, F403 -- the environment comes first
from ledger_project.settings import DATABASES  # noqa: E402

# The honest hasher takes 0.2 s a user, and no test is about it.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]

if "sqlite" in DATABASES["default"]["ENGINE"]:
    # A file: an in-memory database shared by threads has other locks than the real thing.
    DATABASES["default"]["OPTIONS"]["init_command"] = DATABASES["default"]["OPTIONS"][
        "init_command"
    ].replace("synchronous=FULL", "synchronous=OFF")  # No test cuts the power.
    DATABASES["default"]["TEST"] = {"NAME": os.environ.get("TEST_DB", str(BASE_DIR / "test.db"))}
