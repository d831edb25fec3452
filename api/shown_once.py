"""Responses with a secret that is shown once."""

from typing import Any

from rest_framework.response import Response

from api.renderers import JSONRenderer


class ShownOnce(Response):
    """
    A response with a secret that isn't stored with the Idempotency-Key.

    In the stored response, and so in each replay, the secret is null.

    :param data: the body without the secret
    :param secret: the name and the value of the secret
    """

    def __init__(self, data: dict[str, Any], secret: tuple[str, str], **options: Any) -> None:
        name, value = secret
        super().__init__({**data, name: value}, **options)
        self.stored_content = JSONRenderer().render({**data, name: None})
