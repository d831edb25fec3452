"""Log in over the API from any address."""

from collections.abc import Callable, Iterable

from django.http import HttpResponse

HERE, THERE = "203.0.113.1", "203.0.113.2"


def logging_in(client_for: Callable, user: str = "alice") -> Callable[..., HttpResponse]:
    """Return a function that sends a login, by default of ``user``, and returns the response."""

    def try_it(
        username: object = user, password: str = "wrong", address: str = HERE
    ) -> HttpResponse:
        body = {"username": username, "password": password}
        return client_for(None).post("/auth/token", body, REMOTE_ADDR=address)

    return try_it


def statuses(responses: Iterable[HttpResponse]) -> list[int]:
    return [response.status_code for response in responses]
