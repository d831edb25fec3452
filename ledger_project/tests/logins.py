"""Logging in over the API, from an address of choice."""

from collections.abc import Callable, Iterable

from django.http import HttpResponse

HERE, THERE = "203.0.113.1", "203.0.113.2"


def logging_in(client_for: Callable, user: str = "alice") -> Callable[..., HttpResponse]:
    """Return a function that tries to log in, as ``user`` by default, and returns the answer."""

    def try_it(
        username: object = user, password: str = "wrong", address: str = HERE
    ) -> HttpResponse:
        body = {"username": username, "password": password}
        return client_for(None).post("/auth/token", body, REMOTE_ADDR=address)

    return try_it


def statuses(answers: Iterable[HttpResponse]) -> list[int]:
    return [answer.status_code for answer in answers]
