"""Filters for the feed of events."""

from django_filters import rest_framework as filters

from api.filters import OneOfFilter
from events.models import Event
from events.types import EventType
from transfers.filters import IdFilter


class EventFilter(filters.FilterSet):
    """The filters of the feed. ``EventQuerySet`` applies them."""

    type = OneOfFilter([each.value for each in EventType], help_text="Only events of this type.")
    account_id = IdFilter(help_text="Only events of this account.")

    class Meta:
        model = Event
        fields = ("type", "account_id")
