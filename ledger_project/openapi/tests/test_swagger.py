"""Swagger UI at /docs: all of it comes from here, and it shows what a problem's `type` names."""

import re
from contextlib import closing

from api.problems import Problem
from ledger_project.openapi.errors import ERRORS


def page(client) -> str:
    return client.get("/docs").content.decode()


def test_the_page_refers_to_no_other_host(client):
    assert re.findall(r"""["'](?:https?:)?//[^"']*""", page(client)) == []


def test_every_asset_of_the_page_is_served(db, client):
    assets = re.findall(r'(?:href|src|data-document)="([^"]+)"', page(client))

    types = {}
    for asset in assets:
        with closing(client.get(asset)) as answer:
            assert answer.status_code == 200
            types[asset.rpartition("/")[2]] = answer["Content-Type"].partition(";")[0]

    assert types == {
        "favicon.svg": "image/svg+xml",
        "swagger-ui.css": "text/css",
        "docs.css": "text/css",
        "openapi.json": "application/vnd.oai.openapi+json",
        "swagger-ui-bundle.js": "text/javascript",
        "docs.js": "text/javascript",
    }


def test_the_page_is_titled_as_the_service_is(client, settings):
    settings.APP_NAME = "The <Bank>"

    assert "<title>The &lt;Bank&gt;</title>" in page(client)


def test_no_script_is_in_the_page_itself(client):
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page(client), re.DOTALL)

    assert [(attributes.split("=")[0], body) for attributes, body in scripts] == [(" src", "")] * 2
    assert re.findall(r"\son\w+=", page(client)) == []


def test_the_page_sets_no_cookie(client):
    assert client.get("/docs").cookies == {}


def test_the_type_of_each_problem_leads_to_the_row_that_explains_it(client):
    description = client.get("/openapi.json").json()["info"]["description"]

    anchors = re.findall(r'^\| <a id="(\w+)"></a>`(\w+)` \| (\d+) \|', description, re.MULTILINE)

    assert anchors == [(code, code, str(error.status)) for code, error in ERRORS.items()]
    assert {Problem(error).body("/")["type"] for error in ERRORS.values()} == {
        f"/docs#{anchor}" for anchor, _, _ in anchors
    }


def test_the_document_is_openapi_3_1(client):
    assert client.get("/openapi.json").json()["openapi"] == "3.1.0"
