"""The admin of events. Staff find and view them."""

# Importing these modules registers their pages.
from events.admin import event  # noqa: F401
