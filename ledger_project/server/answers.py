"""Answers as bytes."""

import json
import time
from collections.abc import Generator
from email.utils import formatdate
from functools import lru_cache

from ledger_project.problems import MEDIA_TYPE, Problem
from ledger_project.server.threads import Answer

# Written at once; the next one when the client has taken this one.
PIECE = 64 * 1024


def pieces(answer: Answer, method: str, keep_alive: bool) -> Generator[bytes]:
    """Yield an answer piece by piece, and close its file in the end."""
    body = answer.body
    lines = [f"HTTP/1.1 {answer.status}", *(f"{name}: {value}" for name, value in answer.headers)]
    if isinstance(body, bytes):
        if _lacks_length(answer):
            lines.append(f"Content-Length: {len(body)}")
        head = _head(lines, keep_alive)
        if method == "HEAD":
            body = b""
        yield head + body[:PIECE]
        for start in range(PIECE, len(body), PIECE):
            yield body[start : start + PIECE]
    else:
        with body:
            yield _head(lines, keep_alive)
            while method != "HEAD" and (piece := body.read(PIECE)):
                yield piece


def bare(problem: Problem, request_id: str) -> bytes:
    """Return a whole answer to what could not be read as a request."""
    body = json.dumps(problem.body("")).encode()
    lines = [f"HTTP/1.1 {problem.status} {problem.title}", f"Content-Type: {MEDIA_TYPE}"]
    lines.append(f"X-Request-ID: {request_id}")
    return _head([*lines, f"Content-Length: {len(body)}"], keep_alive=False) + body


def _lacks_length(answer: Answer) -> bool:
    names = [name.lower() for name, _ in answer.headers]
    return "content-length" not in names and answer.status[:3] not in ("204", "304")


def _head(lines: list[str], keep_alive: bool) -> bytes:
    lines.append(f"Date: {_date(int(time.time()))}")
    if not keep_alive:
        lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@lru_cache(1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
