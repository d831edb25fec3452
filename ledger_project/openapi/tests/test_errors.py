"""Every error is one class that says everything about it, and the catalogue has all of them."""

import ast
import json
from collections.abc import Iterator
from string import Formatter

import pytest
from jsonschema import Draft202012Validator

from api.errors import ApiError, LedgerError
from api.problems import Problem
from ledger_project.openapi.errors import ERRORS, MODULES, table
from ledger_project.openapi.tests.test_autoschema import DOCUMENT
from ledger_project.tests.pages import ROOT, rows

ROOMS = ("api", "database", "accounts", "transfers", "audit", "ledger_project")
PARTS = ("title", "detail", "meaning", "remedy")


def classes_with_a_code() -> Iterator[tuple[str, str]]:
    """Return the module and the code of every class in the sources that names one."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if "tests" in path.parts:
                continue
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    yield from ((module, code) for code in codes_named_by(node))


def codes_named_by(class_node: ast.ClassDef) -> Iterator[str]:
    for node in class_node.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
            yield ast.literal_eval(node.value)


def test_every_class_with_a_code_is_in_the_catalogue_under_a_code_of_its_own():
    modules = {module.__name__ for module in MODULES}
    found = list(classes_with_a_code())

    assert [code for module, code in found if module not in modules] == []
    assert sorted(code for _, code in found) == sorted(ERRORS)


def test_every_other_error_is_a_special_case_of_one_with_a_code():
    def subclasses(parent: type[ApiError]) -> Iterator[type[ApiError]]:
        for each in parent.__subclasses__():
            yield each
            yield from subclasses(each)

    defined = {each for each in subclasses(ApiError) if ".tests." not in each.__module__}

    catalogued = tuple(type(error) for error in ERRORS.values())
    assert {each for each in defined if not issubclass(each, catalogued)} == {LedgerError}


def test_errors_are_in_the_order_of_their_statuses_and_codes():
    assert list(ERRORS) == sorted(ERRORS, key=lambda code: (ERRORS[code].status, code))


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_says_what_happened_what_it_means_and_what_to_do(code):
    error = ERRORS[code]

    assert [part for part in PARTS if not getattr(error, part)] == []
    assert [text for text in (error.meaning, error.remedy) if not fits(text)] == []
    assert str(error) == error.detail


def fits(text: str) -> bool:
    """Whether a text is made of sentences, and fits into a cell of a table in Markdown."""
    begins = text[0].isupper() or text[0] == "`"
    return begins and text.endswith(".") and not set(text) & {"|", "\n"}


@pytest.mark.parametrize("code", ERRORS)
def test_the_example_of_an_error_is_a_valid_document_of_its_code_and_status(code, rf):
    error = ERRORS[code]
    schema = {**DOCUMENT, "$ref": "#/components/schemas/Problem"}

    answer = Problem(error).response(rf.get("/transfers"))

    document = json.loads(answer.content)
    assert list(Draft202012Validator(schema).iter_errors(document)) == []
    assert document["code"] == code
    assert 400 <= document["status"] == answer.status_code == type(error).status <= 599
    assert document["type"] == f"/docs#{code}"


@pytest.mark.parametrize(
    "error", [each for each in ERRORS.values() if getattr(each, "for_staff", "")], ids=str
)
def test_what_staff_are_told_names_only_what_the_error_has(error):
    named = {name for _, name, _, _ in Formatter().parse(error.for_staff) if name}

    assert named - {"account"} <= set(error.evidence)
    assert "account" not in named or "account_id" in error.evidence


def test_the_table_has_a_row_for_each_error_at_its_anchor():
    listed = [(row["code"], int(row["status"])) for row in rows("docs/errors.md", "code")]

    assert listed == [
        (f'<a id="{code}"></a>`{code}`', error.status) for code, error in ERRORS.items()
    ]
    assert table() in (ROOT / "docs/errors.md").read_text()
