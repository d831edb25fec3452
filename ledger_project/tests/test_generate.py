"""Generated files are up to date, and a page without its block is an error."""

import os
import re
import subprocess
import sys

import pytest

from ledger_project.tests.pages import ROOT
from tools.generate import GENERATED, BlockError, Generated, difference, filled, generate

pytestmark = pytest.mark.one_database

PAGE = """# Animals

<!-- generated: cats -->
<!-- end -->

And the dogs:

<!-- generated: dogs -->

Rex

<!-- end -->
"""


def test_every_generated_file_and_block_is_up_to_date():
    files = generate(ROOT, GENERATED)

    assert {path: now for path, (now, _) in files.items()} == {
        path: wanted for path, (_, wanted) in files.items()
    }


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_the_document_does_not_depend_on_the_order_of_sets(seed):
    done = subprocess.run(
        [sys.executable, "-m", "tools.generate", "--check"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_every_block_in_a_page_is_generated():
    marked = [
        (str(page.relative_to(ROOT)), block)
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        for block in re.findall("(?m)^<!-- generated: (.*) -->$", page.read_text())
    ]

    assert sorted(marked) == sorted((path, block) for path, block, _ in GENERATED if block)


def test_the_content_of_a_block_is_replaced_and_the_rest_of_the_page_stays():
    page = filled(PAGE, "dogs", "Bello\n")

    assert page == PAGE.replace("Rex", "Bello")


def test_filling_a_block_again_changes_nothing():
    page = filled(PAGE, "cats", "Tom\n\\1")

    assert filled(page, "cats", "Tom\n\\1") == page


@pytest.mark.parametrize(
    "page",
    [
        PAGE.replace("cats", "birds"),
        PAGE.replace("dogs", "cats"),
        PAGE.replace("<!-- end -->", ""),
        PAGE.replace("<!-- generated", "  <!-- generated"),
    ],
)
def test_a_page_without_exactly_one_block_of_the_name_is_refused(page):
    with pytest.raises(BlockError, match="needs one block between <!-- generated: cats -->"):
        filled(page, "cats", "Tom")


def test_whole_files_and_several_blocks_of_one_page_are_generated(tmp_path):
    (tmp_path / "animals.md").write_text(PAGE)

    files = generate(
        tmp_path,
        [
            Generated("animals.md", "cats", lambda: "Tom"),
            Generated("animals.md", "dogs", lambda: "Bello"),
            Generated("new.txt", None, lambda: "All of it"),
        ],
    )

    assert files == {
        "animals.md": (PAGE, filled(filled(PAGE, "cats", "Tom"), "dogs", "Bello")),
        "new.txt": ("", "All of it"),
    }


def test_a_missing_block_is_reported_with_its_page(tmp_path):
    with pytest.raises(BlockError, match=r"^animals\.md needs one block"):
        generate(tmp_path, [Generated("animals.md", "cats", lambda: "Tom")])


def test_a_stale_file_is_reported_with_its_difference_and_the_command():
    assert difference("animals.md", "Tom\nRex\n", "Tom\nBello\n").splitlines() == [
        "--- animals.md",
        "+++ animals.md, generated",
        "@@ -1,2 +1,2 @@",
        " Tom",
        "-Rex",
        "+Bello",
        "animals.md is out of date with the code: run `make generate`.",
    ]
