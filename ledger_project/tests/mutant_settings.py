"""The project's settings with a middleware that stores the response after the commit."""

from ledger_project.settings import *  # noqa: F403
from ledger_project.settings import MIDDLEWARE

MIDDLEWARE = [*MIDDLEWARE[:-1], "ledger_project.tests.mutants.AnswerStoredAfterTheCommit"]
