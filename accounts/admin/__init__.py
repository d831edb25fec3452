"""
The admin of accounts.

Staff find accounts, view them, and change them through the services. Each change needs a reason.
"""

# Importing these modules registers their pages.
from accounts.admin import account, change  # noqa: F401
