"""
Write the files, and the blocks of the pages in docs/, that are generated from the code.

`make generate` writes them, and `make check` fails if one is out of date. To generate something
new, add a line to `GENERATED`. A block of a page is everything between two comments, each on its
own line:

    <!-- generated: settings -->
    <!-- end -->
"""

import argparse
import difflib
import json
import os
import re
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import django
import yaml
from django.core.management import CommandError, call_command

from ledger_project import environment
from tools import setting_texts

ROOT = Path(__file__).resolve().parent.parent
# The width of the OpenAPI document, and of what is written on one line of it.
WIDTH, SHORT = 100, 90


class Generated(NamedTuple):
    """A generated file, or a block of one. ``text`` returns its content."""

    path: str
    block: str | None
    text: Callable[[], str]


def openapi() -> str:
    out = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, format="openapi-json", stdout=out)
    return yaml.dump(
        json.loads(out.getvalue()), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=WIDTH
    )


class Dumper(yaml.SafeDumper):
    """Write what is short on one line, examples in as few as possible, and long text in blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:
        on_one_line = mapping.keys() == {"$ref"} or is_short(mapping)
        node = super().represent_mapping(tag, mapping, on_one_line)
        if mapping.keys() <= {"summary", "value"}:  # An example.
            for _, value in node.value:
                value.flow_style = True
        return node

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:
        of_scalars = not any(isinstance(item, dict | list) for item in sequence)
        return super().represent_sequence(tag, sequence, of_scalars or is_short(sequence))

    def represent_str(self, data: str) -> Any:
        style = "|" if "\n" in data else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style)


Dumper.add_representer(str, Dumper.represent_str)


def is_short(value: Any) -> bool:
    """Whether a mapping or sequence takes one line or, if it isn't nested, at most two."""
    encoded = json.dumps(value, ensure_ascii=False)
    longest = SHORT if encoded.count("{") > 1 else 1.5 * WIDTH
    return len(encoded) <= longest and "\\n" not in encoded


def env_example() -> str:
    return setting_texts.env_example(environment.env.declared)


def settings_table() -> str:
    return setting_texts.settings_table(environment.env.declared)


def errors() -> str:
    # Imported here, after Django is set up.
    from ledger_project.openapi.errors import table

    return table(anchors=True)


def grants() -> str:
    """Return the grants in docs/databases.md, for programs."""
    page = (ROOT / "docs/databases.md").read_text()
    [sql] = re.findall(r"```sql\n(GRANT USAGE ON SCHEMA.*?)```", page, re.DOTALL)
    return f"-- Generated from docs/databases.md by `make generate`.\n{sql}"


GENERATED = [
    Generated(".env.example", None, env_example),
    Generated("docs/operations.md", "settings", settings_table),
    Generated("docs/openapi.yaml", None, openapi),
    Generated("deploy/postgresql/grants.sql", None, grants),
    Generated("docs/errors.md", "errors", errors),
]


class BlockError(Exception):
    """A page doesn't have exactly one block of a name."""


def filled(page: str, block: str, text: str) -> str:
    """
    Return a page in which ``text`` replaces the content of a block.

    :raises BlockError: unless the page has exactly one block of this name
    """
    begin, end = f"<!-- generated: {block} -->\n", "<!-- end -->\n"
    # Without the blank lines, Markdown would treat a table as part of the comments.
    new = f"{begin}\n{text.strip()}\n\n{end}"
    page, count = re.subn(f"(?ms)^{re.escape(begin)}.*?^{re.escape(end)}", lambda _: new, page)
    if count != 1:
        raise BlockError(f"needs one block between {begin.strip()} and {end.strip()}, has {count}")
    return page


def generate(root: Path, generated: list[Generated]) -> dict[str, tuple[str, str]]:
    """
    Return the current text of each file (empty if there is no file), and the generated text.

    :raises BlockError: if a page doesn't have one of its blocks; the message names the page
    """
    files: dict[str, tuple[str, str]] = {}
    for path, block, text in generated:
        if path not in files:
            now = (root / path).read_text() if (root / path).exists() else ""
            files[path] = now, now
        now, wanted = files[path]
        try:
            files[path] = now, text() if block is None else filled(wanted, block, text())
        except BlockError as error:
            raise BlockError(f"{path} {error}") from error
    return files


def difference(path: str, now: str, wanted: str) -> str:
    lines = now.splitlines(), wanted.splitlines()
    diff = difflib.unified_diff(*lines, path, f"{path}, generated", lineterm="")
    return "\n".join([*diff, f"{path} is out of date with the code: run `make generate`."])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only check that all are up to date")
    check = parser.parse_args().check
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledger_project.settings")
    django.setup()
    try:
        files = generate(ROOT, GENERATED)
    except (CommandError, BlockError) as error:
        sys.exit(f"Can't generate: {error}")
    stale = {path: texts for path, texts in files.items() if texts[0] != texts[1]}
    if check and stale:
        sys.exit("\n".join(difference(path, *texts) for path, texts in stale.items()))
    for path, (_, wanted) in stale.items():
        (ROOT / path).write_text(wanted)
        print(f"Wrote {path}.")


if __name__ == "__main__":
    main()
