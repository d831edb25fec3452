"""Each error is defined by one class, and the catalogue contains all of them."""

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
from ledger_project.service_keys.exceptions import GrantError
from ledger_project.tests.pages import ROOT, rows

pytestmark = pytest.mark.one_database

ROOMS = ("api", "database", "accounts", "transfers", "audit", "events", "ledger_project")
PARTS = ("title", "detail", "meaning", "remedy")


def classes_with_a_code() -> Iterator[tuple[str, str]]:
    """Yield the module and the code of each class in the sources that defines a code."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if "tests" in path.parts:
                continue
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    yield from ((module, code) for code in codes_defined_by(node))


def codes_defined_by(class_node: ast.ClassDef) -> Iterator[str]:
    for node in class_node.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "code":
            yield ast.literal_eval(node.value)


def test_every_class_with_a_code_is_in_the_catalogue_once():
    modules = {module.__name__ for module in MODULES}
    found = list(classes_with_a_code())

    assert [code for module, code in found if module not in modules] == []
    assert sorted(code for _, code in found) == sorted(ERRORS)


def test_every_error_without_a_code_is_a_subclass_of_one_with_a_code():
    def subclasses(parent: type[ApiError]) -> Iterator[type[ApiError]]:
        for each in parent.__subclasses__():
            yield each
            yield from subclasses(each)

    defined = {each for each in subclasses(ApiError) if ".tests." not in each.__module__}

    catalogued = tuple(type(error) for error in ERRORS.values())
    assert {each for each in defined if not issubclass(each, catalogued)} == {
        LedgerError,
        GrantError,
    }


def test_errors_are_sorted_by_status_and_code():
    assert list(ERRORS) == sorted(ERRORS, key=lambda code: (ERRORS[code].status, code))


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_has_all_texts_in_whole_sentences(code):
    error = ERRORS[code]

    assert [part for part in PARTS if not getattr(error, part)] == []
    assert [text for text in (error.meaning, error.remedy) if not is_a_table_cell(text)] == []
    assert str(error) == error.detail


@pytest.mark.parametrize(
    "error",
    [each for each in ERRORS.values() if isinstance(each, LedgerError) and each.status == 409],
    ids=str,
)
def test_a_stored_refusal_that_can_be_overcome_asks_for_a_new_key(error):
    assert ("new key" in error.remedy) == ("new Idempotency-Key" in error.detail)


def is_a_table_cell(text: str) -> bool:
    """Whether a text consists of sentences and is valid in a cell of a Markdown table."""
    begins = text[0].isupper() or text[0] == "`"
    return begins and text.endswith(".") and not set(text) & {"|", "\n"}


@pytest.mark.parametrize("code", ERRORS)
def test_the_example_of_an_error_is_a_valid_problem_with_its_code_and_status(code, rf):
    error = ERRORS[code]
    schema = {**DOCUMENT, "$ref": "#/components/schemas/Problem"}

    response = Problem(error).response(rf.get("/transfers"))

    document = json.loads(response.content)
    assert list(Draft202012Validator(schema).iter_errors(document)) == []
    assert document["code"] == code
    assert 400 <= document["status"] == response.status_code == type(error).status <= 599
    assert document["type"] == f"/docs#{code}"


@pytest.mark.parametrize(
    "error", [each for each in ERRORS.values() if getattr(each, "for_staff", "")], ids=str
)
def test_the_admin_message_only_uses_members_that_the_error_has(error):
    named = {name for _, name, _, _ in Formatter().parse(error.for_staff) if name}

    assert named - {"account"} <= set(error.evidence)
    assert "account" not in named or "account_id" in error.evidence


def test_each_value_that_an_error_has_is_described_by_one_class():
    described = [
        name
        for error in {each for error in ERRORS.values() for each in type(error).__mro__}
        for name in vars(error).get("figures", {})
    ]
    names = {name for error in ERRORS.values() for name in error.evidence} - {"errors"}

    assert sorted(described) == sorted(names | {"pointer", "index"})


def test_the_table_has_a_row_with_an_anchor_for_each_error():
    listed = [(row["code"], int(row["status"])) for row in rows("docs/errors.md", "code")]

    assert listed == [
        (f'<a id="{code}"></a>`{code}`', error.status) for code, error in ERRORS.items()
    ]
    assert table(anchors=True) in (ROOT / "docs/errors.md").read_text()
