"""Who may use a webhook, and the errors for those who may not."""

from api.exceptions import PermissionDenied
from events.webhooks.exceptions import WebhookNotFound

READER = "the owner of the webhook, and users with the permission `webhooks.read_any`."
MANAGER = (
    "the owner of the webhook, and users with the permissions `webhooks.read_any`, "
    "`webhooks.manage_any` and `accounts.read_any`."
)
MANAGER_ERRORS = (WebhookNotFound, PermissionDenied)
