"""
Check the service on this machine: ``python -m ledger_project.server.healthcheck --port 8000``.

The exit status is 0 if ``GET /healthz`` is 200. Otherwise it is 1, and one line says why.
"""

import argparse
import http.client
import os
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
    # The service refuses requests for other hosts. A host may stand for all hosts below it.
    allowed = os.environ.get("LEDGER_ALLOWED_HOSTS", "localhost")
    host = allowed.split(",")[0].strip().removeprefix(".").replace("*", "localhost")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/healthz", headers={"Host": host})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        sys.exit(f"The service on port {port} doesn't respond: {error}")
    if status != 200:
        sys.exit(f"The service on port {port} responds with {status}.")


if __name__ == "__main__":
    main()
