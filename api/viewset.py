"""What every route of the ledger does alike."""

from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar, cast

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django_filters import FilterSet
from django_filters.utils import translate_validation
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from api.exceptions import UNKNOWN_PARAMETER

# The query parameters that every list takes besides its filters.
PAGING = frozenset({"limit", "cursor"})


class LedgerViewSet(GenericViewSet):
    """What every route of the ledger does alike: the order of its checks, and strict queries."""

    filterset_class: ClassVar[type[FilterSet]]
    # What a list is ordered by: its largest value is the newest.
    cursor_field: ClassVar[str]
    # OPTIONS is not in the contract, and so not in Allow.
    http_method_names = ["get", "head", "post", "patch"]
    # What else than paging and filters an action takes, by the action's name.
    query_parameters: ClassVar[dict[str, set[str]]] = {}
    # The actions that PUBLIC_READS opens to everybody.
    public_actions: ClassVar[frozenset[str]] = frozenset()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # 401, 405 and 422 come first: DRF would begin with 406 and 403.
        self.perform_authentication(request)
        if not (self.is_public or request.user.is_authenticated):
            raise NotAuthenticated()
        if (request.method or "").lower() not in self.action_map:
            self.http_method_not_allowed(request)
        self._check_query(request)
        super().initial(request, *args, **kwargs)
        if self.action == "list" and request.accepted_renderer.format == "json":
            cast(Any, self.paginator).limit_of(request)

    @property
    def is_public(self) -> bool:
        """Whether what is asked for is anybody's to read."""
        return settings.PUBLIC_READS and self.action in self.public_actions

    def get_permissions(self) -> Sequence[Any]:
        return [AllowAny()] if self.is_public else super().get_permissions()

    def _check_query(self, request: Request) -> None:
        known = self.query_parameters.get(self.action, set())
        if self.action == "list":
            known = PAGING | self.filterset_class.base_filters.keys()
        for name, values in request.query_params.lists():
            if name not in known:
                problem = ErrorDetail(UNKNOWN_PARAMETER, "unknown_parameter")
            elif len(values) > 1:
                problem = ErrorDetail("Give it once.", "repeated_parameter")
            elif not values[0].strip() and name != "cursor":
                problem = ErrorDetail("Give it a value, or leave it out.", "empty_parameter")
            else:
                continue
            raise serializers.ValidationError({name: [problem]})
        if self.action == "list":
            self.filters_of(request)

    def is_filtered(self) -> bool:
        """Whether the request of a list asks for something else than a page of all of it."""
        return bool(self.request.query_params.keys() - PAGING)

    def filters_of(self, request: Request) -> dict[str, Any]:
        """
        Return what the request of a list narrows it by.

        :raises ValidationError: if a filter has no such value
        """
        if not self.is_filtered():
            return {}
        return self.read_query(self.filterset_class().get_form_class())

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        # A form for the filters takes as long to build as half a page of a statement.
        return super().filter_queryset(queryset) if self.is_filtered() else queryset

    def newest(self, queryset: QuerySet, before: Any, count: int) -> list:
        """Return so many rows of a list, newest first; ``before`` is where the last page ended."""
        field = self.cursor_field
        if before is not None:
            queryset = queryset.filter(**{f"{field}__lt": before})
        return list(queryset.order_by(f"-{field}")[:count])

    def carried_by_cursor(self) -> dict[str, Any]:
        """Return what every page of a list shows beside its items, as read for the first page."""
        return {}

    def read_query(self, form_class: type[forms.Form]) -> dict[str, Any]:
        """Return the validated query of the request."""
        form = form_class(self.request.query_params)
        if not form.is_valid():
            raise translate_validation(form.errors)
        return form.cleaned_data

    @property
    def actor(self) -> User:
        """Who is calling: someone, on every route but the public reads."""
        return cast(User, self.request.user)

    def read_body(self, serializer_class: type[serializers.Serializer]) -> dict[str, Any]:
        """Return the validated body of the request."""
        return _checker(serializer_class).run_validation(self.request.data)


@cache
def _checker(serializer_class: type[serializers.Serializer]) -> serializers.Serializer:
    # One for all requests, because DRF copies every field for each new one. It keeps no state.
    return serializer_class()
