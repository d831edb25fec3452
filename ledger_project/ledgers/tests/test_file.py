"""The file of LEDGER_LEDGERS: what it says, and what is refused in one line."""

from pathlib import Path

import pytest
from environs import ValidationError

from ledger_project.ledgers.file import read

pytestmark = pytest.mark.one_database

URL = "postgresql://ledger:s3cret@db:5432/{}"


def test_each_line_is_a_host_and_the_url_of_its_database(tmp_path):
    file = tmp_path / "ledgers.toml"
    file.write_text(
        "# Two tenants.\n"
        f'"A.Example" = "{URL.format("a")}"\n'
        f"'[2001:db8::1]' = '{URL.format('b')}?options=-csearch_path%3Dl0'\n"
    )

    ledgers = read(file, tmp_path, is_command=False)

    assert [(host, each.host) for host, each in ledgers.items()] == [
        ("a.example", "a.example"),
        ("[2001:db8::1]", "[2001:db8::1]"),
    ]
    assert [each.database["NAME"] for each in ledgers.values()] == ["a", "b"]
    assert "s3cret" not in repr(ledgers)


def test_a_sqlite_file_is_relative_to_the_folder_of_the_project(tmp_path):
    file = tmp_path / "ledgers.toml"
    file.write_text('localhost = "sqlite:///one.db"\n"127.0.0.1" = "sqlite:///two.db"')

    ledgers = read(file, tmp_path, is_command=False)

    assert [each.database["NAME"] for each in ledgers.values()] == [
        str(tmp_path / "one.db"),
        str(tmp_path / "two.db"),
    ]


@pytest.mark.parametrize("spelling", ["../{}/one.db", "linked.db"])
def test_one_sqlite_file_under_two_names_is_refused(tmp_path, spelling):
    (tmp_path / "linked.db").symlink_to(tmp_path / "one.db")
    file = tmp_path / "ledgers.toml"
    other = spelling.format(tmp_path.name)
    file.write_text(f'"a.example" = "sqlite:///one.db"\n"b.example" = "sqlite:///{other}"')

    with pytest.raises(ValidationError, match=r"a\.example and b\.example have the same database"):
        read(file, tmp_path, is_command=False)


A, B = URL.format("a"), URL.format("b")
REFUSED = {
    "": "which has no ledger",
    "=": "which isn't valid TOML: Invalid statement (at line 1, column 1)",
    '"a.example" = 5': "where a.example must have the URL of its database",
    f'a.example = "{A}"': 'where a must be in quotes: "host" = "URL"',
    f'"a.example:8000" = "{A}"': (
        "which has 'a.example:8000'; write a host name without a port, such as ledger.example"
    ),
    f'"*" = "{A}"': "which has '*'; write a host name without a port, such as ledger.example",
    '"a.example" = "mysql://db/ledger"': (
        "where the URL of a.example must begin with one of sqlite://, postgresql://, postgres://, "
        "postgresql+psycopg://"
    ),
    f'"a.example" = "{A}"\n"A.example" = "{B}"': "which has a host twice",
    f'"a.example" = "{A}"\n"b.example" = "{A}"': (
        "where a.example and b.example have the same database"
    ),
    '"a.example" = "postgresql://db/a"\n"b.example" = "postgresql://DB:5432/a"': (
        "where a.example and b.example have the same database"
    ),
    f'"a.example" = "{A}"\n"b.example" = "sqlite:///b.db"': (
        "whose databases must all be SQLite, or all be PostgreSQL with the same server_side_binding"
    ),
    f'"a.example" = "{A}"\n"b.example" = "{B}?server_side_binding=0"': (
        "whose databases must all be SQLite, or all be PostgreSQL with the same server_side_binding"
    ),
}


@pytest.mark.parametrize("text", REFUSED)
def test_an_invalid_file_is_refused_in_one_line_without_the_password(tmp_path, text):
    file = tmp_path / "ledgers.toml"
    file.write_text(text)

    with pytest.raises(ValidationError) as refused:
        read(file, tmp_path, is_command=False)

    [message] = refused.value.messages
    assert message == f"names {file}, {REFUSED[text]}"


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(ValidationError) as refused:
        read(Path("/nowhere.toml"), tmp_path, is_command=False)

    assert refused.value.messages == [
        "names /nowhere.toml, which can't be read: No such file or directory"
    ]


def test_two_schemas_of_one_database_are_two_ledgers(tmp_path):
    file = tmp_path / "ledgers.toml"
    urls = [f"{A}?options=-csearch_path%3D{schema}" for schema in ("l0", "l1")]
    file.write_text(f'"a.example" = "{urls[0]}"\n"b.example" = "{urls[1]}"')

    assert list(read(file, tmp_path, is_command=True)) == ["a.example", "b.example"]
