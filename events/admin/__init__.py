"""The admin of events. Staff find and view them."""

# Importing these modules registers their pages.
from events.admin import activity, event  # noqa: F401
