"""The rows of a list, as its filters and its search show them, as a CSV file."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.text import slugify

from accounts.admin import pages
from accounts.admin.pages import HistoryAdmin, MoreThan
from transfers.export import chunks_of, csv_file


class Uncounted(Paginator):
    """A paginator for a list that isn't split into pages, and isn't counted for that."""

    count = 0


class FilteredFileAdmin(HistoryAdmin):
    """
    A list whose rows can be downloaded, newest first.

    The file has at most as many rows as the list counts. The page says so if there are more.
    """

    # The names of the columns, and what must be fetched with each chunk of rows.
    csv_header: ClassVar[Sequence[str]]
    csv_prefetched: ClassVar[Sequence[str]] = ()

    def csv_cells(self, row: Any) -> Iterable[Any]:
        """Return the cells of a row. ``transfers.export.harmless`` must check those with texts."""
        raise NotImplementedError

    @property
    def csv_name(self) -> str:
        """The name of the URL of the file."""
        return f"{self.opts.app_label}_{self.opts.model_name}_filtered"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.filtered_file)
        return [path("filtered.csv", view, name=self.csv_name), *super().get_urls()]

    def filtered_file(self, request: HttpRequest) -> HttpResponseBase:
        """Return the file of the rows that the list would show for the same query."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            url = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
            return redirect(f"{url}?{ERROR_FLAG}=1")
        chunks = chunks_of(rows.prefetch_related(*self.csv_prefetched), "pk")
        name = slugify(str(self.opts.verbose_name_plural))
        cells = (map(self.csv_cells, chunk) for chunk in _first(chunks, pages.MOST_COUNTED))
        return csv_file(f"{name}.csv", self.csv_header, cells)

    def get_paginator(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Paginator:
        if self._is_for_file(request):
            return Uncounted(*args[:2])
        return super().get_paginator(request, *args, **kwargs)

    def message_user(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        # A warning about the rows that weren't searched would appear on some later page. The list
        # has shown it already.
        if not self._is_for_file(request):
            super().message_user(request, *args, **kwargs)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        # A page with this list, and not that of an action.
        context = getattr(response, "context_data", None) or {}
        if "cl" in context:
            context["csv"] = {
                "url": reverse(f"admin:{self.csv_name}"),
                "rows": f"{pages.MOST_COUNTED:,}",
                "is_cut": isinstance(context["cl"].result_count, MoreThan),
            }
        return response

    def _is_for_file(self, request: HttpRequest) -> bool:
        match = request.resolver_match
        return match is not None and match.url_name == self.csv_name


def _first(chunks: Iterable[list[Any]], most: int) -> Iterator[list[Any]]:
    """Yield the first rows of the chunks, and read no chunk after them."""
    for chunk in chunks:
        yield chunk[:most]
        most -= len(chunk)
        if most <= 0:
            return
