"""Generate `.env.example` and the table in docs/operations.md from the declared settings."""

import re
import shlex
from collections.abc import Iterable
from textwrap import fill
from urllib.parse import urljoin

from ledger_project.setting_reader import Setting

# Links in the help of settings are relative to this page.
PAGE = "docs/operations.md"

HEADER = """\
# Every setting with its default. This file is written by `make generate`. To change a setting, copy
# its line into .env, which `make run` creates with random keys. Environment variables take
# precedence over .env.
"""


def env_example(settings: Iterable[Setting]) -> str:
    """Return an env file with every default, in the syntax of a shell."""
    return "\n".join([HEADER, *map(_assignment, settings)])


def _assignment(setting: Setting) -> str:
    help = re.sub(r"\[[^]]*\]\(([^)]+)\)", lambda link: urljoin(PAGE, link[1]), setting.help)
    if setting.is_required:
        help = f"Required. {help}"
    comment = fill(
        help,
        width=100,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    value = shlex.quote(setting.default) if setting.default else ""
    return f"{comment}\n{setting.name}={value}\n"


def settings_table(settings: Iterable[Setting]) -> str:
    """Return the table of docs/operations.md."""
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *map(_row, settings)])


def _row(setting: Setting) -> str:
    default = f"`{setting.default}`" if setting.default else "none"
    if setting.is_required:
        default = "none: required"
    return f"| `{setting.name}` | {default} | {setting.help} |"
