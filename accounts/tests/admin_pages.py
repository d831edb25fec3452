"""Functions with which tests read the pages of the admin."""

import re
from html import unescape

from django.contrib.messages import get_messages
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import Account, AccountChange


def messages_of(response: HttpResponse) -> list[tuple[str, str]]:
    """Return the level and text of the messages that a response leaves for the next page."""
    return [(each.level_tag, str(each)) for each in get_messages(response.wsgi_request)]


def queries_of(browser: Client, path: str) -> int:
    """Return the number of queries that a page makes."""
    with CaptureQueriesContext(connection) as queries:
        response = browser.get(path)
    assert response.status_code == 200
    return len(queries)


def column(response: HttpResponse, name: str) -> list[str]:
    """Return the texts in one column of a list, from top to bottom."""
    cell = rf'<t[dh] class="field-{name}(?: [^"]*)?">(.*?)</t[dh]>'
    return [_text(html) for html in re.findall(cell, response.content.decode(), re.S)]


def field(response: HttpResponse, name: str) -> str:
    """Return the text of a read-only field on a page."""
    cell = rf'(?:form-row|fieldBox) field-{name}">.*?<div class="readonly">(.*?)</div>'
    [html] = re.findall(cell, response.content.decode(), re.S)
    return _text(html)


def table(response: HttpResponse, module_id: str) -> list[list[str]]:
    """Return the texts in the rows of a table on a page, without its header."""
    html = response.content.decode()
    [body] = re.findall(rf'id="{module_id}">.*?<tbody>(.*?)</tbody>', html, re.S)
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.S)
    return [[_text(cell) for cell in re.findall(r"<td.*?>(.*?)</td>", row, re.S)] for row in rows]


def _text(html: str) -> str:
    return unescape(strip_tags(html)).strip().replace("\N{NO-BREAK SPACE}", " ")


def page_of(account: Account) -> str:
    """Return the URL of an account's page."""
    return reverse("admin:accounts_account_change", args=[account.pk])


def changes() -> list[tuple]:
    """Return all recorded changes, oldest first: action, before, after, reason and username."""
    recorded = AccountChange.objects.order_by("pk")
    return list(recorded.values_list("action", "before", "after", "reason", "actor__username"))
