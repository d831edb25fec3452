import pytest

# pytest then shows the compared values if an assertion in this module fails.
pytest.register_assert_rewrite("api.tests.contract")
