"""Name the examples of the OpenAPI document by their titles, and share those that are repeated."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ledger_project.openapi.components import reference

# An example of at most this length isn't shared. A reference takes almost as much.
SHORT = 100


def name_examples_by_title(operations: Iterable[dict[str, Any]]) -> None:
    """
    Replace the names that drf-spectacular gives to examples by their titles.

    drf-spectacular names an example `AnAccount`, because the names of components have no spaces,
    and adds the title as its summary. Elsewhere, a name may have spaces.
    """
    for holder in _with_examples(operations):
        holder["examples"] = {
            example.pop("summary", name): example for name, example in holder["examples"].items()
        }


def share_examples(operations: Iterable[dict[str, Any]], components: dict[str, Any]) -> None:
    """
    Move long examples that occur several times into the shared ``components``, by name.

    An example is named after its title where it occurs first, unless another one has that name.
    """
    holders = list(_with_examples(operations))
    uses = Counter(repr(example) for holder in holders for example in holder["examples"].values())
    names: dict[str, str] = {}
    for holder in holders:
        for title, example in holder["examples"].items():
            value = repr(example)
            if uses[value] > 1 and len(value) > SHORT:
                name = names.setdefault(value, title.replace(" ", "_").lower())
                if components.setdefault(name, example) == example:
                    holder["examples"][title] = reference("examples", name)


def _with_examples(operations: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield each parameter and body of the operations that has examples."""
    for operation in operations:
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        contents = [content for body in bodies for content in body.get("content", {}).values()]
        for holder in [*operation.get("parameters", ()), *contents]:
            if "examples" in holder:
                yield holder
