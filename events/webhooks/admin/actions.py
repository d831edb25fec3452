"""The actions on a webhook or a delivery, each with a page of its own."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget

from accounts.admin.action_form import ActionForm
from accounts.admin.action_page import ActionPage
from accounts.admin.pages import DASH
from accounts.admin.preview import Effect, compared
from accounts.models import Account
from events.webhooks import services
from events.webhooks.admin.pages import moment
from events.webhooks.models import Delivery, Endpoint
from events.webhooks.services import LONGEST_OWN_REASON, manages_all
from events.webhooks.statuses import EndpointStatus


class NoFields(ActionForm):
    """The form of an action that is only confirmed: no reason for it is recorded."""

    reason = None  # type: ignore[assignment]  # removes the field, as Django documents


class DisableForm(ActionForm):
    reason = forms.CharField(
        label="Reason",
        max_length=LONGEST_OWN_REASON,
        widget=AdminTextInputWidget,
        help_text="The owner of the webhook sees it, with your user name.",
    )


class WebhookAction(ActionPage):
    """An action for those who may manage the webhooks of all users."""

    permission = "webhooks.manage_any"

    def is_allowed(self, user: Any) -> bool:
        return manages_all(user)

    def accounts_of(self, row: Any, data: Mapping[str, Any]) -> Sequence[Account]:
        return []

    def observed(self, row: Any, actor: Any, data: Mapping[str, Any]) -> list[Effect]:
        after = self.act(row, actor, data)
        return [Effect(row, self.name_of(row), compared(self.shown(row), self.shown(after)))]

    def name_of(self, row: Any) -> str:
        """Return the name of a row above its figures."""
        return str(row)

    def shown(self, row: Any) -> Iterator[tuple[str, str]]:
        """Yield the labels and values of what the action may change."""
        raise NotImplementedError


class EndpointAction(WebhookAction):
    def shown(self, row: Endpoint) -> Iterator[tuple[str, str]]:
        yield "Status", row.get_status_display()
        yield "Why", row.disabled_reason or DASH


class Disable(EndpointAction):
    name, label, done = "disable", "Disable", "disabled"
    summary = (
        "Nothing is sent until it is enabled again, by its owner or by staff. Nothing is lost: "
        "what happens meanwhile is delivered then."
    )
    form: ClassVar[type[ActionForm]] = DisableForm

    def is_offered(self, row: Endpoint) -> bool:
        return row.status == EndpointStatus.ENABLED

    def act(self, row: Endpoint, actor: Any, data: Mapping[str, Any]) -> Endpoint:
        return services.disable(webhook_id=row.pk, actor=actor, reason=data["reason"])


class Enable(EndpointAction):
    name, label, done = "enable", "Enable", "enabled"
    summary = "What happened while it was disabled is delivered now."
    form: ClassVar[type[ActionForm]] = NoFields

    def is_offered(self, row: Endpoint) -> bool:
        return row.status == EndpointStatus.DISABLED

    def act(self, row: Endpoint, actor: Any, data: Mapping[str, Any]) -> Endpoint:
        return services.enable(webhook_id=row.pk, actor=actor)


class Retry(WebhookAction):
    name, label, done = "retry", "Retry", "scheduled for another attempt"
    summary = (
        "It is attempted as soon as possible, even if it succeeded before, and after failures for "
        "three days again."
    )
    form: ClassVar[type[ActionForm]] = NoFields

    def is_offered(self, row: Delivery) -> bool:
        return True

    def name_of(self, row: Delivery) -> str:
        return row.endpoint.url

    def act(self, row: Delivery, actor: Any, data: Mapping[str, Any]) -> Delivery:
        return services.retry(webhook_id=row.endpoint_id, delivery_id=row.pk, actor=actor)

    def shown(self, row: Delivery) -> Iterator[tuple[str, str]]:
        yield "Status", row.get_status_display()
        yield "Next attempt", moment(row.due_at)
