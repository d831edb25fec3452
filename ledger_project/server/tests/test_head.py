"""Which requests are refused by their head, and the WSGI environment of the others."""

import pytest

from ledger_project.server.forwarded import TrustedProxies
from ledger_project.server.head import Head, environ, refusal
from ledger_project.server.tests.scopes import scope

pytestmark = pytest.mark.one_database

HOST = ("host", "127.0.0.1")


def code_of(*headers: tuple[str, str], method="POST", version="1.1", path="/transfers"):
    head = Head.of(scope(HOST, *headers, method=method, version=version, path=path))
    problem = refusal(head)
    return None if problem is None else (problem.status, problem.code)


def seen(path: str, *headers: tuple[str, str], query="") -> dict:
    described = scope(*headers, path=path, query=query)
    return environ(Head.of(described), described, TrustedProxies([]))


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/transfers", 65_536),
        ("/transfers/batch", 1_048_576),
        ("/transfers/%62atch", 1_048_576),
        ("/transfers/batch/", 65_536),
        ("/auth/token", 65_536),
        ("/admin/login/", 65_536),
        ("/nowhere", 65_536),
        ("/\u20ac", 65_536),
    ],
)
def test_a_content_length_above_the_limit_of_the_path_is_refused(path, limit):
    for length in (0, 1, limit):
        assert code_of(("content-length", str(length)), path=path) is None
    for length in (limit + 1, 209_715_200, 10**15):
        refused = code_of(("content-length", str(length)), path=path)
        assert refused == (413, "payload_too_large")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_post_put_and_patch_require_a_length(method, version):
    assert code_of(method=method, version=version) == (411, "length_required")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_other_methods_require_no_length(method, version):
    assert code_of(method=method, version=version) is None


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "chunked, chunked", "identity", ""])
def test_chunked_is_the_only_accepted_transfer_encoding(coding):
    assert code_of(("transfer-encoding", coding)) == (400, "malformed_request")
    assert code_of(("transfer-encoding", "Chunked")) is None


MALFORMED = [
    pytest.param([("transfer-encoding", "chunked"), ("content-length", "3")], {}, id="TE and CL"),
    pytest.param([("content-length", "3"), ("transfer-encoding", "chunked")], {}, id="CL and TE"),
    pytest.param([("transfer-encoding", "chunked")] * 2, {}, id="chunked twice"),
    pytest.param([("transfer-encoding", "chunked")], {"version": "1.0"}, id="chunked in HTTP/1.0"),
    pytest.param([], {"version": "2.0"}, id="HTTP/2"),
    pytest.param([], {"version": "0.9"}, id="HTTP/0.9"),
]


@pytest.mark.parametrize(("headers", "line"), MALFORMED)
def test_a_request_that_contradicts_itself_is_refused(headers, line):
    assert code_of(*headers, **line) == (400, "malformed_request")


def test_http_1_1_requires_exactly_one_host_header():
    assert refusal(Head.of(scope())).code == "malformed_request"
    assert refusal(Head.of(scope(HOST, HOST))).code == "malformed_request"
    assert refusal(Head.of(scope(version="1.0"))) is None


@pytest.mark.parametrize("name", ["authorization", "content-length", "content-type"])
def test_a_repeated_header_is_refused_if_it_must_be_unique(name):
    assert code_of((name, "1"), (name, "2"), method="GET") == (400, "malformed_request")


@pytest.mark.parametrize(
    "name", ["idempotency_key", "x_forwarded_for", "x_forwarded-proto", "content_length"]
)
def test_a_header_with_an_underscore_is_refused_if_the_service_reads_it_with_a_hyphen(name):
    assert code_of((name, "1"), method="GET") == (400, "malformed_request")


def test_other_headers_with_an_underscore_do_not_reach_django():
    headers = (HOST, ("x_colour", "red"), ("x-colour", "blue"))

    assert code_of(*headers[1:], method="GET") is None
    assert seen("/", *headers)["HTTP_X_COLOUR"] == "blue"


def test_the_values_of_a_repeated_header_are_joined():
    variables = seen(
        "/", ("accept", "a/b"), ("cookie", "a=1"), ("accept", "c/d"), ("cookie", "b=2")
    )

    assert (variables["HTTP_ACCEPT"], variables["HTTP_COOKIE"]) == ("a/b,c/d", "a=1; b=2")


@pytest.mark.parametrize(
    ("path", "query", "seen_path"),
    [
        ("/a/b", "c=d&e=%20", "/a/b"),
        ("/%C3%A9", "", "/\xc3\xa9"),
        ("//a", "", "//a"),
        ("/a", "b?c", "/a"),
    ],
)
def test_the_path_is_decoded_and_the_query_is_not(path, query, seen_path):
    variables = seen(path, query=query)

    assert (variables["PATH_INFO"], variables["QUERY_STRING"]) == (seen_path, query)
