"""The health routes, and system checks of the settings and the database."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from drf_spectacular.utils import OpenApiParameter

from accounts.models import lacks_external_accounts
from api.exceptions import TemporarilyUnavailable
from api.operations import ANYONE, Operation
from api.probe import probe
from api.problems import Problem
from audit import protection
from audit.protection.postgresql_writes import Privilege
from database.exceptions import UnusableDatabase
from database.switching import current_ledger
from events.order import is_behind
from ledger_project.earlier_versions import why_made_anew
from ledger_project.environment import env
from ledger_project.ledgers.pool import using
from ledger_project.ledgers.registry import registry

logger = structlog.get_logger("ledger.health")

# By ledger, and whether only reads were asked for: the reason that was logged last.
_logged: dict[tuple[str | None, bool], str | None] = {}


def _schema(status: str) -> dict[str, Any]:
    properties = {"status": {"type": "string", "const": status}}
    return {"type": "object", "required": ["status"], "properties": properties}


@Operation(
    "getHealth",
    "Health",
    "Check that the process is alive",
    who=ANYONE,
    response=_schema("ok"),
    answers={"Alive": {"status": "ok"}},
)
@probe
def healthz(request: HttpRequest) -> HttpResponse:
    """Respond with 200 while the process can serve requests."""
    return JsonResponse({"status": "ok"})


@Operation(
    "getReadiness",
    "Health",
    "Check that the ledger can be used",
    who=ANYONE,
    description="200 if the database is reachable, migrated and writable. Otherwise 503, and "
    "`detail` says why.",
    parameters=(
        OpenApiParameter(
            "for",
            enum=["reads"],
            description="`reads`: 200 also if the database can only be read, as a standby can.",
        ),
    ),
    response=_schema("ready"),
    answers={"Ready": {"status": "ready"}},
    errors=(TemporarilyUnavailable,),
)
@partial(probe, choices={"for": ["reads"]})
def readyz(request: HttpRequest) -> HttpResponse:
    """
    Respond with 200 if the ledger can be written to, or with ``?for=reads`` if it can be read.

    Otherwise the response is 503, and says why.
    """
    only_reads = "for" in request.GET
    if settings.LEDGERS and current_ledger() is None:
        reason = _no_ledger_is_ready(only_reads)
    else:
        reason = _not_ready(only_reads)
    _log_change(reason, only_reads)
    if reason is None:
        return JsonResponse({"status": "ready"})
    return Problem(TemporarilyUnavailable(reason)).response(request)


def _log_change(reason: str | None, only_reads: bool) -> None:
    """Log why the ledger can't be used, but only once, and that it can be used again."""
    asked = (current_ledger(), only_reads)
    if _logged.get(asked) == reason:
        return
    _logged[asked] = reason
    if reason is None:
        logger.info("ready again")
    else:
        logger.warning("not ready", reason=reason)


def _no_ledger_is_ready(only_reads: bool) -> str | None:
    """
    Return None if one of several ledgers is ready, or else why the first one isn't.

    One is enough: a database that is down must not end the service for the other ledgers.
    """
    reasons = []
    for ledger in registry().all().values():
        with using(ledger):
            reason = _not_ready(only_reads)
        if reason is None:
            return None
        reasons.append(reason)
    # Without the names of ledgers, which aren't public.
    return f"No ledger is ready. One of them: {reasons[0]}"


def _not_ready(only_reads: bool) -> str | None:
    """Return why the ledger can't be used, or None if it can."""
    try:
        return _why_not_ready(for_reads=only_reads)
    except UnusableDatabase as error:
        return str(error)
    except DatabaseError:
        return TemporarilyUnavailable.detail


def _why_not_ready(*, for_reads: bool) -> str | None:
    lacking = protection.lacking_privileges(connection)
    # What follows reads some of these tables.
    unreadable = [each for each in lacking if each.name == "SELECT"]
    reason = _to_grant(unreadable) or _not_migrated()
    if reason or for_reads:
        return reason
    return (
        connection.why_no_writes()  # type: ignore[attr-defined]  # our own wrappers'
        or _to_grant(lacking)
        or protection.why_no_inserts(connection)
    )


def _to_grant(lacking: list[Privilege]) -> str | None:
    if not lacking:
        return None
    table, name = lacking[0]
    return f"The database's role lacks the privilege {name} on {table}. Repeat the grants."


def _not_migrated() -> str | None:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if reason := why_made_anew(connection, plan):
        return reason
    # `migrate` also opens the EXTERNAL account of a currency that was added to the settings.
    if plan or lacks_external_accounts():
        return "The database is not migrated. Run `manage.py migrate`."
    if is_behind(connection):
        return "The event log comes from another server. Run `manage.py migrate` to continue it."
    return None


def check_settings(**_options: Any) -> list[checks.Warning]:
    """Report each variable that names no setting. Its value would be ignored silently."""
    return [checks.Warning(each, id="ledger_project.W001") for each in env.mistaken()]


def check_database(databases: Sequence[str] | None = None, **_options: Any) -> list[checks.Error]:
    """Report each database that can be reached but must not be used."""
    found = []
    for alias in databases or ():
        try:
            connections[alias].ensure_connection()
        except UnusableDatabase as error:
            found.append(checks.Error(str(error), id="ledger_project.E001"))
        except DatabaseError:
            # The command reports an unreachable database itself.
            continue
    return found
