"""The renderer writes the same JSON as DRF's."""

import json
from uuid import UUID

import pytest
from rest_framework import renderers

from api.renderers import JSONRenderer

pytestmark = pytest.mark.one_database

ID = UUID("01936b1e-7c00-7000-8000-000000000001")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"id": ID, "amount": 10**15, "memo": None, "open": True, "of": [1, -1]},
        {"owner_name": 'Zoë "O\'Neil" \\ 李 🙂', "memo": "tab\t and line\n"},
        {"credits": 2**63, "debits": 2**200, "net": -(2**64)},
    ],
    ids=["empty", "figures", "letters", "beyond 64 bits"],
)
def test_json_is_written_as_drf_writes_it(data):
    written = JSONRenderer().render(data)

    assert written == renderers.JSONRenderer().render(data)
    assert json.loads(written) == json.loads(json.dumps(data, default=str))


def test_no_data_gives_an_empty_body():
    assert JSONRenderer().render(None) == b""
