"""The admin of the audit: a panel on the home page."""

# Importing the module adds the panel.
from audit.admin import balances  # noqa: F401
