"""Filters for the query parameters of lists."""

from collections.abc import Iterable
from typing import Any

from django_filters import rest_framework as filters

from api.fields import not_a_choice


class OneOfFilter(filters.ChoiceFilter):
    """One of several values, which the error message lists."""

    def __init__(self, values: Iterable[str], **kwargs: Any) -> None:
        choices = [(value, value) for value in values]
        error_messages = {"invalid_choice": not_a_choice("%(value)s", values)}
        super().__init__(choices=choices, error_messages=error_messages, **kwargs)
