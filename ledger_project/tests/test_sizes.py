"""The maximum length of files and functions. Migrations aren't counted: Django writes them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.one_database

LONGEST_FILE = 300
LONGEST_FUNCTION = 70


def python_files() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each Python file of the project."""
    root = settings.BASE_DIR
    for path in sorted(root.rglob("*.py")):
        inside = path.relative_to(root)
        hidden = any(part.startswith(".") for part in inside.parts)
        if not hidden and "migrations" not in inside.parts:
            yield str(inside), path.read_text()


def test_no_file_is_longer_than_300_lines():
    lengths = {path: len(text.splitlines()) for path, text in python_files()}

    assert lengths[str(Path(__file__).relative_to(settings.BASE_DIR))] > 0
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_longer_than_70_lines():
    lengths = {
        f"{path}::{node.name}": node.end_lineno - node.lineno + 1
        for path, text in python_files()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert len(lengths) > 0
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}
