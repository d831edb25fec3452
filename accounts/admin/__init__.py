"""Accounts for staff: find one, look at it, and act on it through the services, with a reason."""

# Importing them registers their pages.
from accounts.admin import account, change  # noqa: F401
