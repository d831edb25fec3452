"""What the head of a request decides."""

import pytest

from ledger_project.server.forwarded import TrustedProxies
from ledger_project.server.head import Head, environ, refusal

LARGEST = 1000
HOST = ("host", "127.0.0.1")


def code_of(*headers: tuple[str, str], method="POST", target="/transfers", version="1.1"):
    problem = refusal(Head.of(method, target, version, [HOST, *headers]), LARGEST)
    return None if problem is None else (problem.status, problem.code)


def seen(target: str, *headers: tuple[str, str]) -> dict:
    head = Head.of("GET", target, "1.1", list(headers))
    return environ(head, "127.0.0.1", ("127.0.0.1", 8000), TrustedProxies([]))


@pytest.mark.parametrize("length", ["0", "1", "1000"])
def test_a_length_up_to_the_largest_is_taken(length):
    assert code_of(("content-length", length)) is None


@pytest.mark.parametrize("length", ["1001", "209715200", "9" * 15])
def test_a_longer_body_is_refused_by_its_head(length):
    assert code_of(("content-length", length)) == (413, "payload_too_large")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_method_with_content_needs_a_length(method, version):
    assert code_of(method=method, version=version) == (411, "length_required")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_another_method_needs_none(method, version):
    assert code_of(method=method, version=version) is None


@pytest.mark.parametrize("coding", ["gzip", "gzip, chunked", "chunked, chunked", "identity", ""])
def test_chunked_is_the_only_coding(coding):
    assert code_of(("transfer-encoding", coding)) == (400, "malformed_request")
    assert code_of(("transfer-encoding", "Chunked")) is None


MALFORMED = [
    pytest.param([("transfer-encoding", "chunked"), ("content-length", "3")], {}, id="TE and CL"),
    pytest.param([("content-length", "3"), ("transfer-encoding", "chunked")], {}, id="CL and TE"),
    pytest.param([("transfer-encoding", "chunked")] * 2, {}, id="chunked twice"),
    pytest.param([("transfer-encoding", "chunked")], {"version": "1.0"}, id="chunked in HTTP/1.0"),
    pytest.param([], {"version": "2.0"}, id="HTTP/2"),
    pytest.param([], {"version": "0.9"}, id="HTTP/0.9"),
    pytest.param([], {"target": "*"}, id="no path"),
    pytest.param([], {"target": "example.com:443", "method": "CONNECT"}, id="a tunnel"),
]


@pytest.mark.parametrize(("headers", "line"), MALFORMED)
def test_a_request_that_contradicts_itself_is_refused(headers, line):
    assert code_of(*headers, **line) == (400, "malformed_request")


def test_http_1_1_names_its_host_once():
    assert refusal(Head.of("GET", "/", "1.1", []), LARGEST).code == "malformed_request"
    assert refusal(Head.of("GET", "/", "1.1", [HOST, HOST]), LARGEST).code == "malformed_request"
    assert refusal(Head.of("GET", "/", "1.0", []), LARGEST) is None


@pytest.mark.parametrize("name", ["authorization", "content-length", "content-type"])
def test_a_header_that_counts_once_is_refused_twice(name):
    assert code_of((name, "1"), (name, "2"), method="GET") == (400, "malformed_request")


@pytest.mark.parametrize(
    "name", ["idempotency_key", "x_forwarded_for", "x_forwarded-proto", "content_length"]
)
def test_a_name_with_an_underscore_is_refused_where_wsgi_would_take_it_for_ours(name):
    assert code_of((name, "1"), method="GET") == (400, "malformed_request")


def test_another_name_with_an_underscore_never_reaches_django():
    headers = (HOST, ("x_colour", "red"), ("x-colour", "blue"))

    assert code_of(*headers[1:], method="GET") is None
    assert seen("/", *headers)["HTTP_X_COLOUR"] == "blue"


def test_what_was_sent_twice_is_joined():
    variables = seen(
        "/", ("accept", "a/b"), ("cookie", "a=1"), ("accept", "c/d"), ("cookie", "b=2")
    )

    assert (variables["HTTP_ACCEPT"], variables["HTTP_COOKIE"]) == ("a/b,c/d", "a=1; b=2")


@pytest.mark.parametrize(
    ("target", "path", "query", "host"),
    [
        ("/a/b?c=d&e=%20", "/a/b", "c=d&e=%20", None),
        ("/%C3%A9", "/\xc3\xa9", "", None),
        ("//a", "//a", "", None),
        ("/a?b?c", "/a", "b?c", None),
        ("http://example.com:80/a?b", "/a", "b", "example.com:80"),
        ("http://example.com", "/", "", "example.com"),
    ],
)
def test_the_target_is_taken_apart(target, path, query, host):
    variables = seen(target)

    assert (variables["PATH_INFO"], variables["QUERY_STRING"]) == (path, query)
    assert variables.get("HTTP_HOST") == host
