"""The base class of all viewsets."""

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar, cast

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django_filters import FilterSet
from django_filters.utils import translate_validation
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from api.exceptions import LARGEST_BODY, MethodNotAllowed
from api.parsers import unknown_parameter

# The query parameters of most lists, besides their filters.
PAGING = frozenset({"limit", "cursor"})


class LedgerViewSet(GenericViewSet):
    """Check requests in the same order on all routes, and refuse unknown query parameters."""

    filterset_class: ClassVar[type[FilterSet]]
    # The field that a list is ordered by. The newest row has the largest value.
    cursor_field: ClassVar[str]
    # OPTIONS isn't part of the API.
    http_method_names = ["get", "head", "post", "patch"]
    # The query parameters of a list, besides its filters.
    paging: ClassVar[frozenset[str]] = PAGING
    # The query parameters of an action, besides paging and filters.
    query_parameters: ClassVar[dict[str, set[str]]] = {}
    # The size of the largest request body, in bytes.
    max_body: ClassVar[int] = LARGEST_BODY
    # The actions that need no token if PUBLIC_READS is true.
    public_actions: ClassVar[frozenset[str]] = frozenset()
    # The actions that a standby may carry out, if it has all that was committed before.
    standby_actions: ClassVar[frozenset[str]] = frozenset({"list"})
    # The actions that return a ``DeferredResponse`` if the request is valid.
    deferred_actions: ClassVar[frozenset[str]] = frozenset()

    @staticmethod
    def before_transaction(request: HttpRequest) -> None:
        """
        Do what takes long, for a request with a valid key.

        It is called before the transaction begins, because on SQLite nobody else can write during a
        transaction.
        """

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # 401, 405 and 422 come first. DRF would check for 406 and 403 before them.
        self.perform_authentication(request)
        if not (self.is_public or request.user.is_authenticated):
            raise NotAuthenticated()
        if (request.method or "").lower() not in self.action_map:
            self.http_method_not_allowed(request)
        self._check_query(request)
        super().initial(request, *args, **kwargs)
        if self.action == "list" and request.accepted_renderer.format == "json":
            cast(Any, self.paginator).limit_of(request)

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code != MethodNotAllowed.status:
            # DRF adds it to every response. The replay of a response doesn't have it.
            del response["Allow"]
        return response

    @property
    def is_public(self) -> bool:
        """Whether anyone may read this without a token."""
        return settings.PUBLIC_READS and self.action in self.public_actions

    def get_permissions(self) -> Sequence[Any]:
        return [AllowAny()] if self.is_public else super().get_permissions()

    def _check_query(self, request: Request) -> None:
        known = self.query_parameters.get(self.action, set())
        if self.action == "list":
            known = self.paging | self.filterset_class.base_filters.keys()
        for name, values in request.query_params.lists():
            if name not in known:
                problem = ErrorDetail(unknown_parameter(known), "unknown_parameter")
            elif len(values) > 1:
                problem = ErrorDetail("Send this parameter only once.", "repeated_parameter")
            elif not values[0].strip() and name not in ("cursor", "after"):
                detail = "Send a value for this parameter, or leave it out."
                problem = ErrorDetail(detail, "empty_parameter")
            else:
                continue
            raise serializers.ValidationError({name: [problem]})
        if self.action == "list":
            self.filters_of(request)

    def is_filtered(self) -> bool:
        """Return whether the request of a list has filters."""
        return bool(self.request.query_params.keys() - self.paging)

    def filters_of(self, request: Request) -> dict[str, Any]:
        """
        Return the validated filters of a list, by name.

        :raises ValidationError: if a value is invalid
        """
        if not self.is_filtered():
            return {}
        return self.read_query(self.filterset_class().get_form_class())

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        # Building the form of the filters takes as long as half a page of a statement.
        return super().filter_queryset(queryset) if self.is_filtered() else queryset

    def newest(self, queryset: QuerySet, before: Any, count: int) -> list:
        """Return up to ``count`` rows, newest first, that are older than ``before``."""
        field = self.cursor_field
        if before is not None:
            queryset = queryset.filter(**{f"{field}__lt": before})
        return list(queryset.order_by(f"-{field}")[:count])

    def carried_by_cursor(self) -> dict[str, Any]:
        """Return data that is read for the first page of a list and repeated on each page."""
        return {}

    def read_query(self, form_class: type[forms.Form]) -> dict[str, Any]:
        """Return the validated query parameters of the request."""
        form = form_class(self.request.query_params)
        if not form.is_valid():
            raise translate_validation(form.errors)
        return form.cleaned_data

    @property
    def actor(self) -> User:
        """The caller. They are logged in, except on public reads."""
        return cast(User, self.request.user)

    def read_body(self, serializer_class: type[serializers.Serializer]) -> dict[str, Any]:
        """Return the validated body of the request."""
        return _checker(serializer_class).run_validation(self.request.data)


@cache
def _checker(serializer_class: type[serializers.Serializer]) -> serializers.Serializer:
    # Shared by all requests, because DRF copies every field of a new one. It has no state.
    return serializer_class()
