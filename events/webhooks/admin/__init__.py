"""
The admin of webhooks: see why a receiver gets nothing, disable or enable it, and retry deliveries.
"""

# Importing these modules registers their pages.
from events.webhooks.admin import delivery, endpoint  # noqa: F401
