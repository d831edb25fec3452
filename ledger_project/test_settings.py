"""
The settings of the tests. They don't depend on the environment of the machine.

The defaults in ``.env.example`` take precedence over environment variables and ``.env``. Set
``LEDGER_TEST_DATABASE_URL`` to use another database than SQLite.
"""

import os
from pathlib import Path

from dotenv import dotenv_values

BASE_DIR = Path(__file__).resolve().parent.parent
# Files would take precedence over the defaults.
for name in [*os.environ]:
    if name.startswith("LEDGER_") and name.endswith("_FILE"):
        del os.environ[name]
os.environ |= {name: text or "" for name, text in dotenv_values(BASE_DIR / ".env.example").items()}
os.environ |= {
    "LEDGER_SECRET_KEY": "secret-key-of-the-tests-and-of-nothing-else",
    "LEDGER_JWT_SIGNING_KEY": "signing-key-of-the-tests-and-of-nothing-else",
    "LEDGER_DATABASE_URL": os.environ.get("LEDGER_TEST_DATABASE_URL", "sqlite:///test.db"),
    # Tests log in far more often than users.
    "LEDGER_LOGIN_RATE": "100000/minute",
}

from ledger_project.settings import *  # noqa: E402, F403 -- the environment comes first
from ledger_project.settings import DATABASES  # noqa: E402

# The default hasher takes 0.2 s per user.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]

if "sqlite" in DATABASES["default"]["ENGINE"]:
    # A file, because an in-memory database shared by threads uses other locks.
    DATABASES["default"]["OPTIONS"]["init_command"] = DATABASES["default"]["OPTIONS"][
        "init_command"
    ].replace("synchronous=FULL", "synchronous=OFF")  # Tests needn't survive a power failure.
    DATABASES["default"]["TEST"] = {"NAME": os.environ.get("TEST_DB", str(BASE_DIR / "test.db"))}
