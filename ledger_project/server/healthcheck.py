"""
Check the service on this machine: ``python -m ledger_project.server.healthcheck --port 8000``.

The exit status is 0 if the service responds to ``GET /healthz``. Otherwise it is 1, and one line
says why.
"""

import argparse
import http.client
import sys

# In seconds.
PATIENCE = 5


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="ledger_project.server.healthcheck", description="Check the service on this machine."
    )
    parser.add_argument(
        "--port", type=int, default=8000, help="the port of the service (default: %(default)s)"
    )
    port = parser.parse_args().port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        sys.exit(f"The service on port {port} doesn't respond: {error}")
    # 400 if LEDGER_ALLOWED_HOSTS lacks 127.0.0.1: the service is alive.
    if status not in (200, 400):
        sys.exit(f"The service on port {port} responds with {status}.")


if __name__ == "__main__":
    main()
