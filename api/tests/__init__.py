import pytest

# So that a failure in there shows what was compared.
pytest.register_assert_rewrite("api.tests.contract")
