"""Responses to requests whose work is done later, together with that of other requests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from rest_framework.response import Response

# Takes the work and the caller of each of several requests, and does all of it in the current
# transaction. For each request it returns the result, or the error that refuses it, or ``ALONE``. A
# refused request has changed nothing. If it raises another error, everything must be rolled back.
Service = Callable[[Sequence[tuple[Any, User]]], Sequence[Any]]

# The result of work that wasn't done, because it would delay the other requests. It is to be done
# on its own: the service never returns this for a single request.
ALONE: Any = object()


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to a request whose work was done."""

    status: int
    data: dict[str, Any]
    headers: dict[str, str]


class DeferredResponse(Response):
    """
    What a view returns instead of doing the work of a request, after it has validated the request.

    The idempotency middleware calls ``service``, for several requests at once if they are waiting.
    A view that returns this has no user yet and must not use the database.

    :param work: what ``service`` is to do
    :param answer: returns the answer for a result of ``service`` and the caller
    """

    def __init__(self, service: Service, work: Any, answer: Callable[[Any, User], Answer]) -> None:
        super().__init__()
        self.service, self.work, self._answer = service, work, answer

    def complete(self, result: Any, caller: User) -> None:
        """Turn this into the response for a result of ``service``."""
        answer = self._answer(result, caller)
        self.status_code, self.data = answer.status, answer.data
        for name, value in answer.headers.items():
            self[name] = value
        self.render()
