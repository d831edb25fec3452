"""Read deploy/compose.yaml as Docker Compose does, as far as this project uses it."""

import re
from pathlib import Path
from typing import Any

import yaml

# The members of a service that this project uses, all of the Compose specification.
SERVICE = {
    *("build", "cap_drop", "command", "depends_on", "environment", "healthcheck", "image", "ports"),
    *("profiles", "read_only", "restart", "secrets", "security_opt", "stop_grace_period", "tmpfs"),
    "volumes",
}


def load(path: Path) -> dict[str, Any]:
    """Return the file with the defaults of its variables."""
    document: dict[str, Any] = _interpolated(yaml.safe_load(path.read_text()))
    return document


def _interpolated(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _interpolated(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_interpolated(each) for each in value]
    if isinstance(value, str):
        filled = re.sub(r"(?<!\$)\$\{\w+:-([^}]*)\}", r"\1", value)
        assert not re.search(r"(?<!\$)\$(?!\$)", filled.replace("$$", "")), value
        return filled.replace("$$", "$")
    return value
