"""The services that the benchmarks compare with this one."""

import pytest

from benchmarks.processes import ROOT

pytestmark = pytest.mark.one_database


def pinned(name: str) -> dict[str, str]:
    """Return the versions in a requirements file by package."""
    lines = (ROOT / name).read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_the_peers_use_the_versions_of_the_service():
    theirs, ours = pinned("benchmarks/peers/requirements.txt"), pinned("requirements.txt")

    shared = {name: version for name, version in theirs.items() if name in ours}
    assert shared == {name: ours[name] for name in shared}
    assert set(theirs) - set(shared) == {"django-hordak", "fastapi", "sqlalchemy"}
