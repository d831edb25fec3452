"""Members of the group Support see everything in the admin, and change nothing."""

import re
from io import StringIO

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.urls import reverse

MODELS = [model for model in apps.get_models() if admin.site.is_registered(model)]
# What a visit itself changes.
VISITS = {"sessions.session", "auth.user"}


@pytest.fixture(autouse=True)
def demo_data(db) -> None:
    call_command("seed_demo", stdout=StringIO())


def address(model, page, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def everything() -> dict[str, list]:
    """Return all rows of all tables, apart from those that a visit changes."""
    return {
        model._meta.label_lower: list(model._default_manager.order_by("pk").values())
        for model in apps.get_models(include_auto_created=True)
        if model._meta.label_lower not in VISITS
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_support_sees_each_table_and_is_offered_no_change(browser, model):
    row = model._default_manager.order_by("pk").last()
    paths = [address(model, "changelist"), address(model, "change", row.pk)]

    pages = [browser.get(path) for path in paths]

    assert [page.status_code for page in pages] == [200, 200]
    for page in pages:
        html = page.content.decode()
        forms = re.findall(r'<form [^>]*method="post"[^>]*>', html)
        # Django's own forms of lists and pages are empty.
        own = ("logout-form", "changelist-form", f"{model._meta.model_name}_form")
        assert [form for form in forms if not any(f'id="{name}"' in form for name in own)] == []
        assert re.findall(r'name="(action|_save|_continue|_addanother)"', html) == []
        assert "addlink" not in html
        assert "deletelink" not in html


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_support_changes_nothing_whatever_is_sent(browser, model):
    rows = model._default_manager.order_by("pk")
    last = rows.last()
    before, people = everything(), list(User.objects.order_by("pk").values("pk", "is_staff"))
    actions = [*(admin.site.get_model_admin(model).actions or ()), "delete_selected"]
    ids = [row.pk for row in rows]

    for action in actions:
        form = {"action": action, "_selected_action": ids, "reason": "Why", "confirmed": "yes"}
        browser.post(address(model, "changelist"), {**form, "post": "yes"})
    fields = {
        "overdraft_limit": "5",
        "reason": "Why",
        "name": "X",
        "username": "x",
        "_save": "Save",
    }
    statuses = [
        browser.post(address(model, "change", last.pk), fields).status_code,
        browser.post(address(model, "add"), fields).status_code,
        browser.post(address(model, "delete", last.pk), {"post": "yes"}).status_code,
    ]

    assert statuses == [403, 403, 403]
    assert everything() == before
    assert list(User.objects.order_by("pk").values("pk", "is_staff")) == people
