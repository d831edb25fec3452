"""The panels of the admin's home page. Each app adds its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

# Returns the context of the panel's template, or None if the user may not see the panel.
Content = Callable[[HttpRequest], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Panel:
    """
    A part of the home page.

    The home page must be fast in a large ledger, so a panel may not count or scan a table.
    """

    order: int
    title: str
    template: str
    content: Content


_panels: list[Panel] = []


def home_panel(*, order: int, title: str, template: str) -> Callable[[Content], Content]:
    """
    Add a panel whose content the decorated function returns.

    :param order: panels are shown in ascending order
    :param template: is rendered with the content as ``panel``
    """

    def add(content: Content) -> Content:
        _panels.append(Panel(order, title, template, content))
        return content

    return add


def panels_for(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the panels that the user may see, with their contents."""
    shown = []
    for panel in sorted(_panels, key=lambda panel: panel.order):
        content = panel.content(request)
        if content is not None:
            shown.append({"title": panel.title, "template": panel.template, "content": content})
    return shown
