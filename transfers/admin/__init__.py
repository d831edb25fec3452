"""Transfers and entries for staff: to look at, to find, and to undo by a reversal."""

# Importing them registers their pages.
from transfers.admin import account, entry, transfer  # noqa: F401
