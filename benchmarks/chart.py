"""The chart of the figures, each relative to its target."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # Needs no display.

from matplotlib import pyplot as plt

from benchmarks.figures import Outcome

MET, MISSED = "#2a7f62", "#b3403a"


def draw(outcomes: list[Outcome], path: Path) -> None:
    """Draw each figure with a target as a multiple of it, with its worst and best value."""
    promised = [outcome for outcome in outcomes if outcome.target]
    figure, axes = plt.subplots(figsize=(10, 0.55 * len(promised) + 1.4), layout="constrained")
    for row, outcome in enumerate(promised):
        margin = outcome.margin(outcome.median)
        margins = sorted(outcome.margin(value) for value in outcome.values)
        axes.barh(row, margin, color=MET if outcome.verdict == "met" else MISSED, height=0.6)
        axes.plot([margins[0], margins[-1]], [row, row], color="black", linewidth=1.5, marker="|")
        label = f"{outcome.median:.3g}{outcome.unit}  ({outcome.target})"
        axes.annotate(
            label, (max(margins[-1], margin), row), (6, 0), textcoords="offset points", va="center"
        )
    axes.axvline(1, color="black", linewidth=1, linestyle="--")
    axes.set_yticks(range(len(promised)), [f"{each.title}  {each.id}" for each in promised])
    axes.set_xlabel("multiple of the target (dashed line)")
    axes.invert_yaxis()
    axes.margins(x=0.25)
    axes.set_xlim(left=0)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    plt.close(figure)
