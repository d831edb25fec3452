"""Functions with which tests read the pages of the admin."""

import re
import uuid
from html import unescape

from django.contrib.messages import get_messages
from django.db import connection
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from accounts.models import AccountChange


def messages_of(response: HttpResponse) -> list[tuple[str, str]]:
    """Return the level and text of the messages that a response leaves for the next page."""
    return [(each.level_tag, str(each)) for each in get_messages(response.wsgi_request)]


def queries_of(browser: Client, path: str) -> int:
    """Return the number of queries that a page makes."""
    with CaptureQueriesContext(connection) as queries:
        response = browser.get(path)
    assert response.status_code == 200
    return len(queries)


def found(response: HttpResponse) -> list[object]:
    """Return the ids of the rows in a list, from top to bottom."""
    return [row.pk for row in response.context["cl"].result_list]


def column(response: HttpResponse, name: str) -> list[str]:
    """Return the texts in one column of a list, from top to bottom."""
    cell = rf'<t[dh] class="field-{name}(?: [^"]*)?">(.*?)</t[dh]>'
    return [text_of(html) for html in re.findall(cell, response.content.decode(), re.S)]


def field(response: HttpResponse, name: str) -> str:
    """Return the text of a read-only field on a page."""
    cell = rf'(?:form-row|fieldBox) field-{name}">.*?<div class="readonly">(.*?)</div>'
    [html] = re.findall(cell, response.content.decode(), re.S)
    return text_of(html)


def figures(response: HttpResponse, name: str = "[a-z]+") -> list[str]:
    """Return the texts of the figures at the top of an account's page."""
    cell = rf'figure-{name}"><dt>.*?</dt><dd>(.*?)</dd>'
    return [text_of(html) for html in re.findall(cell, response.content.decode(), re.S)]


def figure(response: HttpResponse, name: str) -> str:
    """Return the text of one figure at the top of an account's page."""
    [text] = figures(response, name)
    return text


def menu(response: HttpResponse) -> list[str]:
    """Return the labels in the menu of actions on a page."""
    html = response.content.decode()
    found = re.findall(r'<details class="actions-menu">(.*?)</details>', html, re.S)
    return re.findall(r'<li>\s*<a href="[^"]*">(.*?)</a>', "".join(found))


def refusal(response: HttpResponse) -> str | None:
    """Return why an action is refused, as its page says."""
    html = response.content.decode()
    found = re.findall(r'id="refusal">[^.]+\. (.*?)</p>', html, re.S)
    return text_of(found[0]) if found else None


def preview(response: HttpResponse) -> dict[str, dict[str, tuple[str, str]]]:
    """Return the figures before and after an action, by the row's name and label."""
    return {
        effect.name: {
            each.label: (text_of(each.before), text_of(each.after)) for each in effect.figures
        }
        for effect in response.context["effects"]
    }


def confirm(browser: Client, path: str, key: str | None = None, **fields: object) -> HttpResponse:
    """Send the form of an action's page as the browser does after the preview."""
    return browser.post(path, {**fields, "form_key": key or str(uuid.uuid4())})


def action_of(row: Model, name: str) -> str:
    """Return the URL of the page of an action on a row, such as an account."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])


def table(response: HttpResponse, module_id: str) -> list[list[str]]:
    """Return the texts in the rows of a table on a page, without its header."""
    html = response.content.decode()
    [body] = re.findall(rf'id="{module_id}">.*?<tbody>(.*?)</tbody>', html, re.S)
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.S)
    return [[text_of(cell) for cell in re.findall(r"<td.*?>(.*?)</td>", row, re.S)] for row in rows]


def text_of(html: str) -> str:
    """Return the text of a part of a page, without its tags."""
    return unescape(strip_tags(html)).strip().replace("\N{NO-BREAK SPACE}", " ")


def page_of(row: Model) -> str:
    """Return the URL of the page of a row, such as an account."""
    return action_of(row, "change")


def changes() -> list[tuple]:
    """Return all recorded changes, oldest first: action, before, after, reason and username."""
    recorded = AccountChange.objects.order_by("pk")
    return list(recorded.values_list("action", "before", "after", "reason", "actor__username"))
