"""The charts of the figures, each relative to its target."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # Needs no display.

from matplotlib import pyplot as plt

from benchmarks.figures import Outcome

MET, MISSED = "#2a7f62", "#b3403a"


def draw(outcomes: list[Outcome], path: Path) -> None:
    """Draw a chart for each id, whose figures are multiples of their targets."""
    promised = [outcome for outcome in outcomes if outcome.target]
    charts = {each.id: [one for one in promised if one.id == each.id] for each in promised}
    if not charts:
        return
    heights = [len(chart) + 0.8 for chart in charts.values()]
    figure, axes = plt.subplots(
        len(charts),
        figsize=(12, 0.5 * sum(heights) + 0.6),
        height_ratios=heights,
        layout="constrained",
        squeeze=False,
    )
    for (name, chart), panel in zip(charts.items(), axes[:, 0], strict=True):
        _draw(name, chart, panel)
    figure.supxlabel("multiple of the target (dashed line)")
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _draw(name: str, outcomes: list[Outcome], axes: Any) -> None:
    """Draw each figure as a bar, with a line from its worst to its best value."""
    for row, outcome in enumerate(outcomes):
        margin = outcome.margin(outcome.median)
        margins = sorted(outcome.margin(value) for value in outcome.values)
        axes.barh(row, margin, color=MET if outcome.verdict == "met" else MISSED, height=0.6)
        axes.plot([margins[0], margins[-1]], [row, row], color="black", linewidth=1.5, marker="|")
        label = f"{outcome.median:.3g}{outcome.unit}  ({outcome.target})"
        axes.annotate(
            label, (max(margins[-1], margin), row), (6, 0), textcoords="offset points", va="center"
        )
    axes.axvline(1, color="black", linewidth=1, linestyle="--")
    axes.set_title(name, loc="left", fontweight="bold")
    axes.set_yticks(range(len(outcomes)), [outcome.title for outcome in outcomes])
    axes.set_ylim(len(outcomes) - 0.5, -0.5)
    axes.margins(x=0.25)
    axes.set_xlim(left=0)
    axes.spines[["top", "right"]].set_visible(False)
