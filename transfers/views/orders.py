"""Orders over HTTP: they are carried out together with those of other requests."""

from collections.abc import Callable, Sequence

from django.contrib.auth.models import User

from api.deferred import Answer, DeferredResponse
from transfers.models import Transfer
from transfers.movements import Movement, Order, Refusal, perform


def deferred(order: Order, answer: Callable[[Transfer, User], Answer]) -> DeferredResponse:
    """Return the response of a view that asks for ``order`` to be carried out."""
    return DeferredResponse(_perform, order, answer)


def _perform(orders: Sequence[tuple[Order, User]]) -> list[Transfer | Refusal]:
    outcomes = perform([Movement([order], actor) for order, actor in orders])
    return [outcome[0] if isinstance(outcome, list) else outcome for outcome in outcomes]
