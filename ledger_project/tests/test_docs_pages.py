"""The files, links, commands and sections that the documentation mentions exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands

from ledger_project.tests.pages import PAGES, ROOT, name_of, text

pytestmark = pytest.mark.one_database

each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)

FILE = re.compile(r"(?<![\w/.:@<>-])((?:[\w.-]+/)*[\w.-]+\.(?:py|md|sql|toml|yaml|ini|txt|sh))\b")
# In backticks, or at the left of a tree.
FOLDER = re.compile(r"`((?:[\w.-]+/)+)`|^ *((?:[\w.-]+/)+) ", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
# In backticks, or on a line of its own, perhaps with a comment.
TARGET = re.compile(r"`make ([a-z]+)`|^make ([a-z]+)(?= *(?:#.*)?$)", re.MULTILINE)
TEST = re.compile(r"`((?:\w+/)+test_\w+\.py)(?:::(\w+))?`")
TEST_FILE = re.compile(r"(?:\w+/)+test_\w+\.py")
COMMAND = re.compile(r"manage\.py ([a-z_]+)")


def found(pattern: re.Pattern[str], words: str) -> set[str]:
    return {next(filter(None, match.groups())) for match in pattern.finditer(words)}


def project_files() -> Iterator[str]:
    for top in ROOT.iterdir():
        if top.is_file():
            yield top.name
        elif not top.name.startswith("."):
            yield from (name_of(path) for path in top.rglob("*") if path.is_file())


def is_at(name: str, path: str) -> bool:
    # A page may name a file by the end of its path: `posting.py` is `transfers/posting.py`.
    return f"/{name}" in f"/{path}" if name.endswith("/") else f"/{path}".endswith(f"/{name}")


@each_page
def test_a_page_names_only_files_that_exist(page):
    words = LINK.sub("]", page.read_text())
    files = list(project_files())

    missing = {
        name
        for name in found(FILE, words) | found(FOLDER, words)
        if not any(is_at(name, path) for path in files)
    }

    assert missing == set()


def test_every_guarantee_names_tests_that_exist():
    shown = TEST.findall(text("docs/guarantees.md"))

    assert len(shown) > 20
    for path, name in shown:
        assert (f"def {name}(" if name else "def test_") in text(path), (path, name)


def test_every_command_of_a_guarantee_runs_tests_that_its_row_names():
    guarantees = re.findall(
        r"^\| (.+) \| (.+) \| (.+) \|$", text("docs/guarantees.md"), re.MULTILINE
    )
    commands = {
        guarantee: (set(TEST_FILE.findall(command)), set(TEST_FILE.findall(tests)))
        for guarantee, tests, command in guarantees
        if command.startswith("`TEST ")
    }

    assert len(commands) > 20
    assert [name for name, (run, named) in commands.items() if not run or run - named] == []


@each_page
def test_a_page_names_only_commands_that_exist(page):
    words = page.read_text()
    targets = set(re.findall(r"^([a-z][\w-]*):(?!=)", text("Makefile"), re.MULTILINE))

    assert found(TARGET, words) - targets == set()
    assert found(COMMAND, words) - set(get_commands()) == set()


@each_page
def test_every_relative_link_of_a_page_has_a_target(page):
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]

    broken = [link for link in links if not leads_somewhere(page, link)]

    assert broken == []


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page: Path) -> set[str]:
    words = page.read_text()
    headings = re.findall(r"^#+ (.+)$", words, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="(\w+)"', words))


def test_the_readme_is_at_most_120_lines_long():
    assert len(text("README.md").splitlines()) <= 120


@each_page
def test_a_page_has_at_most_300_lines(page):
    assert len(page.read_text().splitlines()) <= 300


def test_every_decision_is_in_the_index_by_its_number_and_title():
    decisions = [page for page in PAGES if re.match(r"\d{4}-", page.name)]
    titles = {page.name: page.read_text().splitlines()[0] for page in decisions}

    index = re.findall(
        r"^(\d+)\. \[(.+)\]\((.+)\)$", text("docs/decisions/README.md"), re.MULTILINE
    )

    assert {name: f"# {number}. {title}" for number, title, name in index} == titles
    assert [f"{int(number):04}" for number, _, _ in index] == [page.name[:4] for page in decisions]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if re.match(r"\d{4}-", page.name)], ids=name_of
)
def test_a_decision_has_the_four_required_sections(page):
    parts = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)

    assert parts == ["Context", "Decision", "Consequences", "Rejected"]
