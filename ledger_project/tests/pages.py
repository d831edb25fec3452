"""Read the pages of the documentation and their tables."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

ROOT: Path = settings.BASE_DIR
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def text(path: str) -> str:
    return (ROOT / path).read_text()


def rows(path: str, first_title: str) -> list[dict[str, str]]:
    """Return the rows, by column title, of the table whose first column has this title."""
    lines = iter(text(path).splitlines())
    for line in lines:
        if line.startswith(f"| {first_title} |"):
            next(lines)  # The rule under the titles.
            titles = _cells(line)
            return [dict(zip(titles, _cells(row), strict=True)) for row in _until_blank(lines)]
    raise LookupError(f"{path} has no table that begins with {first_title!r}")


def column(path: str, first_title: str) -> list[str]:
    """Return the first column of a table, without backticks."""
    return [row[first_title].strip("`") for row in rows(path, first_title)]


def _until_blank(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if not line:
            return
        yield line


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]
