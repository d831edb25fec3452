"""What the tests of every room's admin read from its pages."""

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


def said(response: HttpResponse) -> list[tuple[str, str]]:
    """Return the messages that an answer left for the next page: their level and text."""
    return [(each.level_tag, str(each)) for each in get_messages(response.wsgi_request)]


def queries_of(browser: Client, path: str) -> int:
    """Return how many statements it takes to show a page."""
    with CaptureQueriesContext(connection) as queries:
        response = browser.get(path)
    assert response.status_code == 200
    return len(queries)


def column(response: HttpResponse, name: str) -> list[str]:
    """Return the texts of one column of a list, from the top."""
    cell = rf'<t[dh] class="field-{name}(?: [^"]*)?">(.*?)</t[dh]>'
    return [_text(html) for html in re.findall(cell, response.content.decode(), re.S)]


def field(response: HttpResponse, name: str) -> str:
    """Return the text of a read-only field of a page."""
    cell = rf'(?:form-row|fieldBox) field-{name}">.*?<div class="readonly">(.*?)</div>'
    [html] = re.findall(cell, response.content.decode(), re.S)
    return _text(html)


def table(response: HttpResponse, module_id: str) -> list[list[str]]:
    """Return the texts of a table of a page, row by row, without its head."""
    html = response.content.decode()
    [body] = re.findall(rf'id="{module_id}">.*?<tbody>(.*?)</tbody>', html, re.S)
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.S)
    return [[_text(cell) for cell in re.findall(r"<td.*?>(.*?)</td>", row, re.S)] for row in rows]


def _text(html: str) -> str:
    return unescape(strip_tags(html)).strip().replace("\N{NO-BREAK SPACE}", " ")


def page_of(account: Account) -> str:
    """Return the address of an account's page."""
    return reverse("admin:accounts_account_change", args=[account.pk])


def changes() -> list[tuple]:
    """Return the recorded changes of accounts, with who made them and why, oldest first."""
    recorded = AccountChange.objects.order_by("pk")
    return list(recorded.values_list("action", "before", "after", "reason", "actor__username"))
