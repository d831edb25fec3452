"""Structured logs: one JSON object per line, or plain text on a terminal."""

import io
import logging
import logging.config
import re
import sys
import time
import uuid
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog

from api.instants import instant
from api.routes import code_of, route_of
from api.waiting import when_sent
from database.switching import current_ledger
from ledger_project.printed import LogLines

# The request ids that clients may send: only characters that can't forge a log line.
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

# The only path that contains an idempotency key.
KEY_IN_PATH = re.compile(r"(?<=/idempotency-keys/).+", re.DOTALL | re.IGNORECASE)

# The handler of all messages.
STDERR = {"class": "logging.StreamHandler", "formatter": "structured"}

logger = structlog.get_logger("ledger.request")


class RequestLogMiddleware:
    """
    Log each request after its response: what was requested, by whom, and how it ended.

    The query, headers and bodies are never logged, because they contain cursors, tokens, keys and
    passwords.
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
        line = {
            # For a request that waited, another thread writes the line.
            **structlog.contextvars.get_contextvars(),
            "method": request.method,
            "path": request.path,
            "route": route_of(request),
            "status": response.status_code,
            "code": code_of(response),
            "ms": round((time.perf_counter() - started) * 1000, 1),
            "user": getattr(request, "caller_id", None),
            "client": request.META.get("REMOTE_ADDR") or None,
            "replayed": "Idempotent-Replayed" in response,
        }
        when_sent(request, partial(logger.info, "request", **line))
        return response


def configure(logging_settings: dict[str, str]) -> None:
    """
    Send the messages of all loggers, including Django's, through one structlog formatter.

    :param logging_settings: ``level``, and ``app``, the value of `app` in each line
    """

    def name_the_app(_logger, _method, event):
        return {"app": logging_settings["app"], **event}

    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _add_timestamp,
        _name_the_ledger,
        name_the_app,
        _hide_keys,
    ]
    if sys.stderr.isatty():
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=_write_traceback)
        rendering: list[Any] = [_escape_values, renderer]
    else:
        # Without local variables, which may contain tokens and passwords.
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
            "handlers": {"stderr": {**STDERR, "stream": _unchanged(sys.stderr)}},
            "root": {"handlers": ["stderr"], "level": logging_settings["level"]},
            "loggers": {
                # Replaces the level and handlers that Django sets.
                "django": {"level": "NOTSET", "handlers": [], "propagate": True},
                # At DEBUG it would log the parameters of each statement.
                "django.db.backends": {"level": "INFO"},
                # RequestLogMiddleware logs these requests already.
                "django.request": {"level": "ERROR"},
                "django.server": {"level": "ERROR"},
                # Anyone can cause it, and it would be logged with a traceback and the header.
                "django.security.DisallowedHost": {"level": "CRITICAL"},
            },
        }
    )
    # Python prints them otherwise.
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _unchanged(stream: Any) -> Any:
    return stream.unchanged if isinstance(stream, LogLines) else stream


def _request_id(request) -> str:
    # Not `request.headers`: it would be built from all headers.
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    return given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())


def _add_timestamp(_logger: Any, _method: str, event: Any) -> Any:
    return {**event, "timestamp": instant(datetime.now(UTC))}


def _name_the_ledger(_logger: Any, _method: str, event: Any) -> Any:
    # The line of a request, which is written later, has it already.
    ledger = current_ledger()
    return event if ledger is None else {"ledger": ledger, **event}


def _escape_values(_logger: Any, _method: str, event: Any) -> Any:
    return {
        name: _escaped(value) if isinstance(value, str) else value for name, value in event.items()
    }


def _write_traceback(output: Any, exc_info: Any) -> None:
    text = io.StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    output.write(_escaped(text.getvalue()))


def _escaped(text: str) -> str:
    """Return the text with escapes for what would control a terminal or reorder its characters."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode()
        for each in text
    )


def _hide_keys(_logger: Any, _method: str, event: Any) -> Any:
    # In `path`, and in Django's messages about failed requests.
    for name in ("path", "event"):
        if isinstance(event.get(name), str):
            event[name] = KEY_IN_PATH.sub("...", event[name])
    return event
