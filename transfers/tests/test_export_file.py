"""The limits on the number and total size of export files."""

import gc
from errno import EDQUOT, EFBIG, ENOSPC
from io import FileIO

import pytest

from api.exceptions import TemporarilyUnavailable
from api.tests.contract import assert_problem
from transfers import export, export_file, services
from transfers.export_file import ExportFile


@pytest.fixture(autouse=True)
def none_are_open():
    """Start and end each test without open export files."""
    # Closes the exports that other tests have not read.
    gc.collect()
    assert (ExportFile.files, ExportFile.bytes) == (0, 0)
    yield
    assert (ExportFile.files, ExportFile.bytes) == (0, 0)


@pytest.fixture
def ask(api, alice, funded_account):
    """Return a function that requests the export of an account with one entry."""
    account = funded_account(alice)
    services.deposit(account_id=account.pk, amount=1, actor=alice)

    def ask_for_export():
        return api.get(f"/accounts/{account.pk}/statement", headers={"Accept": "text/csv"})

    return ask_for_export


def assert_busy(answer, detail: str) -> None:
    assert_problem(answer, 503, "temporarily_unavailable")
    assert answer.json()["detail"] == detail
    assert answer["Retry-After"] == "1"


def test_a_file_counts_towards_the_limits_until_it_is_closed():
    with ExportFile() as first, ExportFile() as second:
        first.write(b"abc")
        second.write(b"defg")
        assert (ExportFile.files, ExportFile.bytes) == (2, 7)
        first.close()
        first.close()
        assert (ExportFile.files, ExportFile.bytes) == (1, 4)


def test_a_file_beyond_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(export_file, "FILES", 1)
    with ExportFile():
        for _ in range(2):
            with pytest.raises(TemporarilyUnavailable, match="Too many exports are in progress"):
                ExportFile()


def test_a_byte_beyond_the_limit_is_refused_in_any_file(monkeypatch):
    monkeypatch.setattr(export_file, "BYTES", 5)
    with ExportFile() as first, ExportFile() as second:
        first.write(b"abc")
        with pytest.raises(TemporarilyUnavailable, match="no room for this export"):
            second.write(b"def")
        second.write(b"de")


@pytest.mark.django_db
def test_an_export_beyond_the_limits_returns_503_until_another_was_sent(ask, monkeypatch):
    monkeypatch.setattr(export_file, "FILES", 1)
    first = ask()
    refused = ask()
    # Reading to the end closes the file.
    lines = b"".join(first.streaming_content).count(b"\n")
    again = b"".join(ask().streaming_content).count(b"\n")

    assert_busy(refused, "Too many exports are in progress. Retry later.")
    assert (lines, again) == (2, 2)


@pytest.mark.django_db
def test_an_export_without_disk_space_returns_503(ask, monkeypatch):
    monkeypatch.setattr(export_file, "BYTES", 200)

    assert_busy(ask(), "There is no room for this export. Retry later or narrow the range.")


class FullDisk(FileIO):
    """A file on a disk that takes no byte more."""

    code = ENOSPC

    def write(self, data):
        raise OSError(self.code, "no room")


@pytest.mark.django_db
@pytest.mark.parametrize("code", [ENOSPC, EDQUOT, EFBIG])
def test_exports_to_a_full_disk_return_503_and_take_no_place(ask, monkeypatch, tmp_path, code):
    monkeypatch.setattr(export_file, "FILES", 2)
    monkeypatch.setattr(FullDisk, "code", code)
    monkeypatch.setattr(
        export_file, "TemporaryFile", lambda buffering: FullDisk(tmp_path / "export", "w+")
    )

    for _ in range(3):
        assert_busy(ask(), "There is no room for this export. Retry later or narrow the range.")


@pytest.mark.django_db
def test_an_export_that_takes_too_long_returns_503(ask, monkeypatch):
    monkeypatch.setattr(export, "EXPORT_SECONDS", -1)

    assert_busy(ask(), "The export took too long. Narrow the range with from and to.")
