"""Find uses of undocumented API of the libraries."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ledger_project.tests.pages import ROOT

LIBRARIES = {
    *("django", "django_filters", "drf_spectacular", "gunicorn", "prometheus_client", "psycopg"),
    *("pytest_django", "rest_framework", "rest_framework_simplejwt", "uvicorn"),
}
ROOMS = ("api", "database", "accounts", "transfers", "audit", "events", "ledger_project")

# The modules that the documentation of the libraries imports from or describes.
DOCUMENTED_MODULES = {
    "django",
    "django.apps",
    "django.conf",
    "django.contrib",
    *(f"django.contrib.admin{each}" for each in ("", ".apps", ".forms", ".models")),
    *(f"django.contrib.auth{each}" for each in ("", ".admin", ".backends", ".hashers")),
    *(f"django.contrib.auth{each}" for each in (".middleware", ".models")),
    "django.contrib.contenttypes.models",
    *("django.contrib.messages", "django.contrib.messages.middleware"),
    *("django.contrib.sessions.backends.db", "django.contrib.sessions.middleware"),
    "django.contrib.staticfiles",
    *(f"django.core{each}" for each in ("", ".checks", ".exceptions", ".management")),
    *(f"django.core{each}" for each in (".paginator", ".signals", ".wsgi")),
    *("django.core.management.base", "django.core.management.commands"),
    "django.db",
    # Custom backends subclass the classes in these. Their methods are checked separately.
    *("django.db.backends.postgresql", "django.db.backends.sqlite3"),
    "django.db.migrations",
    *(f"django.db.models{each}" for each in ("", ".deletion", ".expressions", ".functions")),
    "django.db.models.signals",
    *("django.db.transaction", "django.db.utils", "django.http", "django.shortcuts"),
    *("django.template.loader", "django.template.response", "django.test", "django.test.utils"),
    "django.urls",
    *(f"django.utils{each}" for each in ("", ".cache", ".dateparse", ".deprecation", ".html")),
    *(f"django.utils{each}" for each in (".functional", ".http", ".safestring")),
    *("django.views.decorators.csrf", "django.views.generic"),
    "django_filters",
    *(f"drf_spectacular.{each}" for each in ("extensions", "generators", "openapi", "renderers")),
    *("drf_spectacular.types", "drf_spectacular.utils"),
    "gunicorn.app.base",
    *(f"prometheus_client{each}" for each in ("", ".core", ".multiprocess", ".parser")),
    "prometheus_client.registry",
    *("psycopg", "psycopg.adapt", "psycopg.conninfo", "psycopg.errors", "psycopg.pq"),
    "psycopg.types.numeric",
    "rest_framework",
    *(f"rest_framework.{each}" for each in ("authentication", "exceptions", "negotiation")),
    *(f"rest_framework.{each}" for each in ("pagination", "parsers", "permissions", "renderers")),
    *(f"rest_framework.{each}" for each in ("request", "response", "settings", "test")),
    *(f"rest_framework.{each}" for each in ("throttling", "views", "viewsets")),
    *(f"rest_framework_simplejwt.{each}" for each in ("authentication", "exceptions", "settings")),
    *(f"rest_framework_simplejwt.{each}" for each in ("serializers", "tokens", "utils")),
    *(f"rest_framework_simplejwt.token_blacklist{each}" for each in ("", ".models")),
    "uvicorn",
}

# Matches neither ``__dunder__`` names nor the ``_sunder_`` names of enums.
PRIVATE = re.compile("_[^_].*(?<!_)$")

# Documented names that begin with an underscore.
DOCUMENTED_NAMES = {"_default_manager", "_exit", "_make", "_meta", "_replace", "_state"}

# Undocumented names without an underscore, as they occur in the code.
INTERNALS = re.compile(
    r"\.(query\.\w+|get_compiler|get_converters|sql_with_params|set_cached_value|migration_plan"
    r"|base_filters|get_form_class|get_deferred_fields|in_atomic_block|check_expression_support)$"
    r"|(?:connections?(?:\[[^]]*\])?|self)\.(settings_dict|introspection|ops|features|copy"
    r"|ensure_connection|is_in_memory_db)$"
    r"|connection\.(connection)$|^(connection\.wait)$"
)


def used() -> dict[tuple[str, str], int]:
    """Return the file and name of each use of undocumented API, with the number of a line."""
    found: dict[tuple[str, str], int] = {}
    own = _own_names()
    for path, tree in _trees().items():
        internals = () if "tests" in Path(path).parts else _internals(tree)
        for name, line in (*_imports(tree), *_private_names(tree, own), *internals):
            found.setdefault((path, name), line)
    for path, name in _overrides():
        found.setdefault((path, name), 0)
    return found


@cache
def _trees() -> dict[str, ast.Module]:
    trees = {}
    for path in sorted(ROOT.rglob("*.py")):
        inside = path.relative_to(ROOT)
        hidden = any(part.startswith(".") for part in inside.parts)
        if not hidden and "migrations" not in inside.parts:
            trees[str(inside)] = ast.parse(path.read_text())
    return trees


def _own_names() -> set[str]:
    """Return all names that our own code defines."""
    names = set()
    for tree in _trees().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
                names |= {ast.unparse(node).removeprefix("self.")}
    return names


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = {node.module}
            modules |= {f"{node.module}.{a.name}" for a in node.names if a.name.startswith("_")}
        elif isinstance(node, ast.Import):
            modules = {alias.name for alias in node.names}
        else:
            continue
        for module in modules:
            if module.partition(".")[0] in LIBRARIES and module not in DOCUMENTED_MODULES:
                yield module, node.lineno


def _private_names(tree: ast.Module, own: set[str]) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and PRIVATE.match(node.attr):
            of_parent = isinstance(node.value, ast.Call) and _is_super(node.value)
            if (of_parent or node.attr not in own) and node.attr not in DOCUMENTED_NAMES:
                yield node.attr, node.lineno
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr"):
            name = node.args[1]
            if isinstance(name, ast.Constant) and PRIVATE.match(str(name.value)):
                yield str(name.value), node.lineno


def _is_super(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "super"


def _internals(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (match := INTERNALS.search(ast.unparse(node))):
            yield next(name for name in match.groups() if name), node.lineno


def _overrides() -> Iterator[tuple[str, str]]:
    """Yield each function of our code that overrides an undocumented one of a library."""
    for path in _trees():
        parts = Path(path).with_suffix("").parts
        if parts[0] not in ROOMS or "tests" in parts or parts[-1] in ("__main__", "conftest"):
            continue
        module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
        for cls in vars(module).values():
            if inspect.isclass(cls) and cls.__module__ == module.__name__:
                yield from ((path, name) for name in _overridden(cls))


def _overridden(cls: type) -> Iterator[str]:
    for name, value in vars(cls).items():
        if name.startswith("__") or not callable(value) or inspect.isclass(value):
            continue
        for base in cls.__mro__[1:]:
            if base.__module__.partition(".")[0] in LIBRARIES and name in vars(base):
                if name not in DOCUMENTED_METHODS:
                    yield f"{base.__name__}.{name}"
                break


# The methods that may be overridden, by the documentation of the libraries.
DOCUMENTED_METHODS = {
    # Django
    *("add_arguments", "execute", "get_check_kwargs", "handle", "ready"),
    *("clean", "to_python", "pre_save", "save", "update", "bulk_update", "lookups", "queryset"),
    *("get_fields", "get_fieldsets", "get_form", "get_list_display", "get_queryset"),
    *("get_readonly_fields", "response_add", "add_view", "changelist_view", "get_urls"),
    "formfield_for_manytomany",
    *("get_search_results", "has_add_permission", "has_change_permission"),
    *("has_delete_permission", "has_module_permission", "has_view_permission", "history_view"),
    *("change_view", "lookup_allowed", "response_change", "save_model", "get_all_permissions"),
    *("process_request", "process_response", "process_exception"),
    # Django REST Framework
    *("allow_request", "wait", "filter_queryset", "get_permissions", "get_renderers", "initial"),
    *("get_paginated_response", "get_schema_operation_parameters", "paginate_queryset", "list"),
    *("finalize_response", "handle_exception"),
    *("has_permission", "parse", "render", "select_parser", "select_renderer"),
    *("to_internal_value", "to_representation", "validate"),
    # drf-spectacular
    *("get_description", "get_operation_id", "get_override_parameters", "get_request_serializer"),
    *("get_response_serializers", "get_security_definition", "get_summary", "get_tags"),
    "is_excluded",
    # simplejwt
    *("authenticate", "get_raw_token", "get_user", "get_validated_token"),
    *("check_blacklist", "check_exp", "verify"),
    # gunicorn, prometheus_client and psycopg
    *("load", "load_config", "run", "collect"),
}
