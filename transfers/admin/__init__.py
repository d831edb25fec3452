"""The admin of transfers and entries. Staff find and view them, and reverse transfers."""

# Importing these modules registers their pages.
from transfers.admin import account, approval, entry, holds, transfer  # noqa: F401
