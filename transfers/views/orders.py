"""Orders over HTTP: they are carried out together with those of other requests."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.contrib.auth.models import User

from accounts.exceptions import ApprovalRequired
from api.deferred import ALONE, Answer, DeferredResponse
from api.errors import LedgerError
from transfers.approvals.models import Approval
from transfers.approvals.serializers import waiting
from transfers.approvals.services import ask_for_order
from transfers.models import Transfer
from transfers.movements import Movement, Order, perform


def deferred(order: Order, answer: Callable[[Transfer, User], Answer]) -> DeferredResponse:
    """Return the response of a view that asks for ``order`` to be carried out."""
    return DeferredResponse(_perform, order, partial(_answer, answer))


def _answer(
    answer: Callable[[Transfer, User], Answer], result: Transfer | Approval, actor: User
) -> Answer:
    return waiting(result) if isinstance(result, Approval) else answer(result, actor)


def _perform(orders: Sequence[tuple[Order, User]]) -> list[Any]:
    outcomes = perform([Movement([order], actor) for order, actor in orders])
    results: list[Any] = [each[0] if isinstance(each, list) else each for each in outcomes]
    if len(results) == 1 and isinstance(results[0], ApprovalRequired):
        return [_ask(*orders[0])]
    # Asking for approval takes statements of its own, which the others mustn't wait for.
    return [ALONE if isinstance(each, ApprovalRequired) else each for each in results]


def _ask(order: Order, actor: User) -> Approval | LedgerError:
    try:
        return ask_for_order(order=order, actor=actor)
    except LedgerError as refusal:
        return refusal
