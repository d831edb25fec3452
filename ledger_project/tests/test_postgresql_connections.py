"""Metrics of the connections to PostgreSQL, which has one limit for all its databases."""

import psycopg
import pytest
from django.db import connection

from ledger_project.tests.test_metrics import samples

pytestmark = pytest.mark.django_db(transaction=True)


def test_connections_to_other_databases_of_the_server_are_counted(client):
    parameters = {**connection.get_connection_params(), "dbname": "postgres"}
    with psycopg.connect(**parameters), psycopg.connect(**parameters):
        figures = samples(client.get("/metrics").text)

    here = sum(
        figure for (name, *_), figure in figures.items() if name == "ledger_database_connections"
    )
    used, limit = (
        figures[f"ledger_database_{each}",] for each in ("server_connections", "connections_limit")
    )
    assert here + 2 <= used <= limit
