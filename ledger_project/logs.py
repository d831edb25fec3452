"""Structured logs: one JSON object a line, or plain text on a terminal, with a request id."""

import logging
import logging.config
import re
import sys
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import structlog

from api.instants import instant

# A client may name its request, in letters that can't forge a log line.
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

# The one path that holds a key.
KEY_IN_PATH = re.compile(r"(?<=/idempotency-keys/).+", re.DOTALL | re.IGNORECASE)

logger = structlog.get_logger("ledger.request")


class RequestLogMiddleware:
    """
    Log each request once it is answered: method, path, status, milliseconds and user.

    Never the query, a header or a body: they carry cursors, tokens, keys and passwords.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        started = time.perf_counter()
        request_id = _request_id(request)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        logger.info(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            ms=round((time.perf_counter() - started) * 1000, 1),
            user=getattr(request, "caller_id", None),
            replayed="Idempotent-Replayed" in response,
        )
        return response


def configure(logging_settings: dict[str, str]) -> None:
    """
    Route every logger, Django's and the libraries' too, through one structlog formatter.

    :param logging_settings: ``level``, and ``app``: the name that each line carries
    """

    def name_the_app(_logger, _method, event):
        return {"app": logging_settings["app"], **event}

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _add_timestamp,
        name_the_app,
        _hide_keys,
    ]
    if sys.stderr.isatty():
        plain = structlog.dev.plain_traceback
        rendering: list[Any] = [structlog.dev.ConsoleRenderer(exception_formatter=plain)]
    else:
        # The variables of a traceback's frames hold tokens and passwords.
        without_locals = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        rendering = [
            structlog.processors.ExceptionRenderer(without_locals),
            structlog.processors.JSONRenderer(),
        ]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structured": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        *rendering,
                    ],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
            "root": {"handlers": ["stderr"], "level": logging_settings["level"]},
            "loggers": {
                # Django has given it a level and handlers of its own.
                "django": {"level": "NOTSET", "handlers": [], "propagate": True},
                # It would tell the parameters of each statement.
                "django.db.backends": {"level": "INFO"},
                # RequestLogMiddleware has said it already.
                "django.request": {"level": "ERROR"},
                "django.server": {"level": "ERROR"},
                # Anybody can send one, and it would be told with a traceback and the header.
                "django.security.DisallowedHost": {"level": "CRITICAL"},
            },
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _request_id(request) -> str:
    given = request.headers.get("X-Request-ID", "")
    return given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())


def _add_timestamp(_logger: Any, _method: str, event: Any) -> Any:
    return {**event, "timestamp": instant(datetime.now(UTC))}


def _hide_keys(_logger: Any, _method: str, event: Any) -> Any:
    # In the path of a request, and in Django's own message about one that failed.
    for name in ("path", "event"):
        if isinstance(event.get(name), str):
            event[name] = KEY_IN_PATH.sub("...", event[name])
    return event
