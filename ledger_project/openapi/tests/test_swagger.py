"""Swagger UI at /docs: self-contained, with the rows that the ``type`` of problems links to."""

import re
from contextlib import closing

import pytest

from api.problems import Problem
from ledger_project.openapi.errors import ERRORS

pytestmark = pytest.mark.one_database


def page(client) -> str:
    return client.get("/docs").content.decode()


def test_the_page_loads_nothing_from_other_hosts(client):
    assert re.findall(r"""["'](?:https?:)?//[^"']*""", page(client)) == []


def test_every_asset_of_the_page_is_served(db, client):
    assets = re.findall(r'(?:href|src|data-document)="([^"]+)"', page(client))

    types = {}
    for asset in assets:
        with closing(client.get(asset)) as response:
            assert response.status_code == 200
            types[asset.rpartition("/")[2]] = response["Content-Type"].partition(";")[0]

    assert types == {
        "favicon.svg": "image/svg+xml",
        "swagger-ui.css": "text/css",
        "docs.css": "text/css",
        "openapi.json": "application/vnd.oai.openapi+json",
        "swagger-ui-bundle.js": "text/javascript",
        "docs.js": "text/javascript",
    }


def test_the_title_of_the_page_is_the_name_of_the_service(client, settings):
    settings.APP_NAME = "The <Bank>"

    assert "<title>The &lt;Bank&gt;</title>" in page(client)


def test_the_page_has_no_inline_scripts(client):
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page(client), re.DOTALL)

    assert [(attributes.split("=")[0], body) for attributes, body in scripts] == [(" src", "")] * 2
    assert re.findall(r"\son\w+=", page(client)) == []


def test_the_page_sets_no_cookie(client):
    assert client.get("/docs").cookies == {}


def test_the_type_of_each_problem_links_to_the_row_of_its_code(client):
    description = client.get("/openapi.json").json()["info"]["description"]

    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", description, re.MULTILINE)

    assert rows == [(code, str(error.status)) for code, error in ERRORS.items()]
    # docs.js finds the row by its code.
    assert {Problem(error).body("/")["type"] for error in ERRORS.values()} == {
        f"/docs#{code}" for code, _ in rows
    }


def test_the_document_is_openapi_3_1(client):
    assert client.get("/openapi.json").json()["openapi"] == "3.1.0"
