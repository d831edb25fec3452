"""Swagger UI at /docs: all of it comes from here."""

import re
from contextlib import closing


def pages(client) -> str:
    """Return the page and the script that it is split into."""
    return (client.get("/docs").content + client.get("/docs?script=").content).decode()


def test_the_page_refers_to_no_other_host(client):
    page = pages(client)

    assert re.findall(r"""["'](?:https?:)?//[^"']*""", page) == []


def test_every_asset_of_the_page_is_served(db, client):
    assets = re.findall(r'(?:href|src)="([^"]+)"', pages(client))

    statuses = []
    for asset in assets:
        with closing(client.get(asset)) as answer:
            statuses.append(answer.status_code)

    assert statuses == [200] * 5


def test_the_page_shows_the_document_of_this_service(client):
    script = client.get("/docs?script=").content.decode()

    assert re.findall(r'\burl: "([^"]+)"', script) == ["/openapi.json"]
    assert client.get("/openapi.json").json()["openapi"] == "3.1.0"
