"""The env file and the table that are generated from the settings."""

import subprocess

import pytest
from dotenv import dotenv_values

from ledger_project.setting_reader import Setting
from tools.setting_texts import HEADER, env_example, settings_table

pytestmark = pytest.mark.one_database

SETTINGS = [
    Setting(
        "LEDGER_TITLE",
        "Mini `Ledger` $HOME [::1]",
        False,
        "See [Title](#the-title) and [Book](book.md#it).",
    ),
    Setting("LEDGER_KEY", "", True, "Signs. " + "word " * 30),
    Setting("LEDGER_TOKEN", "", False, "Opens."),
]
VALUES = {"LEDGER_TITLE": "Mini `Ledger` $HOME [::1]", "LEDGER_KEY": "", "LEDGER_TOKEN": ""}


def test_the_env_example_explains_each_setting_above_its_default():
    lines = env_example(SETTINGS).removeprefix(HEADER).splitlines()

    assert lines == [
        "",
        "# See docs/operations.md#the-title and docs/book.md#it.",
        "LEDGER_TITLE='Mini `Ledger` $HOME [::1]'",
        "",
        "# Required. Signs." + " word" * 16,
        "#" + " word" * 14,
        "LEDGER_KEY=",
        "",
        "# Opens.",
        "LEDGER_TOKEN=",
    ]
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("name", VALUES)
def test_a_shell_reads_the_env_example_as_the_service_does(tmp_path, name):
    file = tmp_path / "env"
    file.write_text(env_example(SETTINGS))

    by_shell = subprocess.run(
        ["sh", "-c", f'. "$1"; printf %s "${name}"', "sh", file],
        capture_output=True,
        text=True,
        check=True,
    )

    assert dotenv_values(file) == VALUES
    assert by_shell.stdout == VALUES[name]


def test_the_table_has_a_row_for_each_setting():
    assert settings_table(SETTINGS[1:]).splitlines() == [
        "| setting | default | meaning |",
        "|---|---|---|",
        f"| `LEDGER_KEY` | none: required | Signs. {'word ' * 30} |",
        "| `LEDGER_TOKEN` | none | Opens. |",
    ]
