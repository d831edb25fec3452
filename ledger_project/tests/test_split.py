"""Each test is in the run on SQLite, in the run on PostgreSQL, or in both."""

import pytest
from django.conf import settings

# A module with one of these names is only collected on PostgreSQL (see ``conftest.py``).
ONLY_POSTGRESQL = "tests/test_postgresql*.py"

pytestmark = pytest.mark.one_database


def test_no_module_of_postgresql_has_tests_that_run_on_sqlite_only():
    modules = {path.name: path for path in settings.BASE_DIR.rglob(ONLY_POSTGRESQL)}

    assert "test_postgresql_faults.py" in modules
    assert [name for name in modules if "one_database" in modules[name].read_text()] == []
