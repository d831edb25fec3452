"""The filter of the list of approvals."""

from django_filters import rest_framework as filters

from api.filters import OneOfFilter
from transfers.approvals.models import Approval
from transfers.approvals.statuses import ApprovalStatus


class ApprovalFilter(filters.FilterSet):
    """A filter by status."""

    status = OneOfFilter(
        [each.value for each in ApprovalStatus], help_text="Only approvals with this status."
    )

    class Meta:
        model = Approval
        fields = ("status",)
