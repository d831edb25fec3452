"""manage.py help: the ledger's commands come first, and every option is explained."""

import re

import pytest
from django.core.management import get_commands, load_command_class

from ledger_project.command_line import CommandLine
from ledger_project.earlier_versions import APPS

pytestmark = pytest.mark.one_database

OWN = sorted(name for name, app in get_commands().items() if app.rpartition(".")[2] in APPS)


def test_help_lists_the_commands_of_the_ledger_first_and_each_command_once():
    text = CommandLine(["manage.py", "help"]).main_help_text()

    usage, title, first, *others = text.strip().split("\n\n")
    assert usage == "Type 'manage.py help <subcommand>' for help on a specific subcommand."
    assert title == "Available subcommands:"
    assert re.findall("^    ([a-z_]+)  ", first, re.MULTILINE) == OWN
    listed = re.findall("^    ([a-z_]+)", "\n".join([first, *others]), re.MULTILINE)
    assert sorted(listed) == sorted(get_commands())
    assert [group for group in others if "\n" not in group] == []


def test_help_says_in_one_line_what_each_command_of_the_ledger_does():
    text = CommandLine(["manage.py", "help"]).main_help_text()

    [line] = re.findall("^    seed_load +(.+)$", text, re.MULTILINE)
    assert line == "Fill an empty ledger with accounts and entries for benchmarks"


@pytest.mark.parametrize("name", OWN)
def test_every_option_of_a_command_of_the_ledger_is_explained(name):
    command = load_command_class(get_commands()[name], name)

    text = command.create_parser("manage.py", name).format_help()
    options = re.findall(r"^  -.+?(?=^  -|\Z)", text, re.MULTILINE | re.DOTALL)

    # The explanation follows after two spaces, or on the next line.
    assert len(options) > 5
    assert [option for option in options if not re.search(r"\S  +\w|\n {10,}\w", option)] == []
