"""Fixtures for the tests of events."""

from transfers.tests.conftest import all_rows, dest, source

__all__ = ["all_rows", "dest", "source"]
