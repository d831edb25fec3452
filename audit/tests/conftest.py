"""What the tests of the audit share with those of the transfers."""

from transfers.tests.conftest import race  # noqa: F401 -- a fixture
