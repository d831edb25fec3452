"""Charts for the admin, as SVG that the server draws. They need no script."""

from collections.abc import Sequence
from typing import Any

# The chart is stretched to the width of the page, so only the proportions of these matter.
HEIGHT = 100
BAR, GAP = 8, 2


def bars(values: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """
    Return the content of the template ``admin/accounts/bars.html``: a bar for each value.

    :param values: the label and the value, from left to right
    """
    most = max((value for _, value in values), default=0)
    return {
        "most": most,
        "width": len(values) * (BAR + GAP),
        "height": HEIGHT,
        "bar": BAR,
        "first": values[0][0] if values else "",
        "last": values[-1][0] if values else "",
        "bars": [
            {"label": label, "value": value, "x": place * (BAR + GAP), **_extent(value, most)}
            for place, (label, value) in enumerate(values)
        ],
    }


def _extent(value: int, most: int) -> dict[str, int]:
    # A value above zero is visible, however small it is.
    tall = max(1, round(HEIGHT * value / most)) if value > 0 else 0
    return {"y": HEIGHT - tall, "tall": tall}


def steps(values: Sequence[int]) -> dict[str, Any]:
    """
    Return the content of the template ``admin/accounts/steps.html``: a line with a step for each
    value, from left to right, above or below zero.
    """
    high, low = max(0, *values), min(0, *values)

    def y(value: int) -> float:
        return round(HEIGHT * (high - value) / ((high - low) or 1), 1)

    width = len(values) * BAR
    line = " ".join(
        f"{place * BAR},{y(value)} {(place + 1) * BAR},{y(value)}"
        for place, value in enumerate(values)
    )
    return {
        "line": line,
        "area": f"{line} {width},{y(0)} 0,{y(0)}",
        "zero": y(0),
        "width": width,
        "height": HEIGHT,
    }
