"""The WSGI entry point: ``granian --interface wsgi ledger_project.wsgi:application``."""

import os
from collections.abc import Callable
from io import BytesIO
from typing import Any

from django.core.wsgi import get_wsgi_application
from granian.utils.proxies import wrap_wsgi_with_proxy_headers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledger_project.settings")
django_application = get_wsgi_application()

from django.conf import settings  # noqa: E402 -- the line above makes them readable


def with_length(app: Callable) -> Callable:
    """
    Let Django read a chunked body, which it takes for none because it has no Content-Length.

    An empty body is a valid one on some routes: a capture would take the whole of a hold.
    """

    def counted(environ: dict[str, Any], start_response: Callable) -> Any:
        if environ.get("HTTP_TRANSFER_ENCODING") and not environ.get("CONTENT_LENGTH"):
            # One byte beyond the longest is enough for it to be refused.
            body = environ["wsgi.input"].read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
            # Who sends chunks has something to say: if none arrived, the request broke off, and
            # a length of 1 has it refused as malformed.
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body) or 1)
        return app(environ, start_response)

    return counted


application = with_length(django_application)
if settings.TRUSTED_PROXIES:
    application = wrap_wsgi_with_proxy_headers(application, settings.TRUSTED_PROXIES)
