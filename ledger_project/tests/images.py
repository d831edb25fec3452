"""
Carry out a Dockerfile without Docker, in a folder that stands for the image's file system.

Instructions have the effects that matter to this project, and an unknown one is an error: a changed
Dockerfile needs a changed test. Packages aren't installed again. Instead, the versions that the
requirements pin must be those with which the tests run.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path
from typing import Any

BASE = "python:3.11-slim"


@dataclass
class Image:
    """A stage of a Dockerfile, and its file system in ``root``."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "root"
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)
    users: dict[str, str] = field(default_factory=dict)
    # Folders of this machine by the paths at which they are mounted.
    mounts: dict[str, Path] = field(default_factory=dict)

    def at(self, path: str) -> Path:
        """Return where a path of the image is on this machine."""
        for mounted, folder in self.mounts.items():
            if path == mounted or path.startswith(f"{mounted}/"):
                return folder / path.removeprefix(mounted).lstrip("/")
        return self.root / path.lstrip("/")

    def here(self, text: str) -> str:
        """Replace the image's paths in a text, such as an argument or the value of a variable."""
        tops = "|".join(map(re.escape, ["/venv", "/app", *self.mounts]))
        return re.sub(rf"(?<![\w./-])({tops})(?![\w-])", lambda found: str(self.at(found[0])), text)

    def start(self, command: list[str], variables: dict[str, str], **options: Any) -> Any:
        """Start a command with only the image's variables and these."""
        environment = {**self.environment, **variables}
        return subprocess.Popen(
            [self.here(part) for part in command],
            cwd=self.at(self.workdir),
            env={name: self.here(value) for name, value in environment.items()},
            text=True,
            **options,
        )

    def run(self, command: list[str], variables: dict[str, str]) -> tuple[int, str]:
        """Run a command, and return its exit status and what it printed."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with self.start(command, variables, **pipes) as process:
            printed = process.communicate(timeout=300)[0]
        return process.returncode, printed


def build(dockerfile: Path, context: Path, folder: Path) -> Image:
    """Return the last stage of a Dockerfile, built in ``folder``."""
    ignored = [
        line
        for line in Path(f"{dockerfile}.dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    stages: dict[str, Image] = {}
    for word, rest in _instructions(dockerfile.read_text()):
        if word == "FROM":
            base, *name = rest.split(" AS ")
            assert base == BASE, base
            image = stages[name[0] if name else ""] = Image(folder / f"stage-{len(stages)}")
            image.root.mkdir()
        elif word == "COPY":
            _copy(image, rest.split(), stages, context, ignored)
        elif word == "RUN":
            _run(image, shlex.split(rest))
        elif word == "ENV":
            image.environment |= dict(part.split("=", 1) for part in shlex.split(rest))
        elif word == "HEALTHCHECK":
            image.healthcheck = json.loads(rest.partition("CMD ")[2])
        elif word == "CMD":
            image.command = json.loads(rest)
        elif word == "EXPOSE":
            image.ports = rest.split()
        else:
            setattr(image, {"WORKDIR": "workdir", "USER": "user"}[word], rest)
    return image


def _instructions(text: str) -> list[tuple[str, str]]:
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    return [
        (word, rest)
        for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def _copy(
    image: Image, words: list[str], stages: dict[str, Image], context: Path, ignored: list[str]
) -> None:
    if words[0].startswith("--from="):
        stage, source, target = stages[words[0].removeprefix("--from=")], *words[1:]
        if (found := stage.at(source)).is_symlink():
            image.at(target).symlink_to(found.readlink())
        else:
            shutil.copytree(found, image.at(target))
        return
    *sources, target = words
    for source in sources:
        assert not _is_ignored(source, ignored), f"{source} isn't sent to the build"
        if (context / source).is_dir():
            shutil.copytree(
                context / source,
                image.at(target),
                ignore=lambda folder, names: [
                    name
                    for name in names
                    if _is_ignored(str((Path(folder) / name).relative_to(context)), ignored)
                ],
            )
        else:
            image.at(target).mkdir(parents=True, exist_ok=True)
            shutil.copy(context / source, image.at(target))


def _is_ignored(path: str, patterns: list[str]) -> bool:
    """Return whether the last pattern that matches the path, or a folder above it, excludes it."""
    parts = path.split("/")
    above = ["/".join(parts[: length + 1]) for length in range(len(parts))]
    verdict = False
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        if any(_matches(each, wanted) for each in above):
            verdict = not pattern.startswith("!")
    return verdict


def _matches(path: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatchcase(path.rpartition("/")[2], pattern.removeprefix("**/"))
    # A star doesn't match a slash.
    return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)


def _run(image: Image, words: list[str]) -> None:
    match words:
        case ["python", "-m", "venv", "/venv"]:
            image.at("/venv").symlink_to(sys.prefix)
        case ["/venv/bin/python", "-m", "pip", "install", *files]:
            for file in filter(lambda word: word != "-r", files):
                _check_installed(image.at(file).read_text())
        case ["/venv/bin/python", "-m", "compileall", *_]:
            status, printed = image.run(words, {"PATH": os.environ["PATH"]})
            assert status == 0, printed
        case ["useradd", *options, name]:
            image.users[options[options.index("--uid") + 1]] = name
        case _:
            raise AssertionError(f"unknown: RUN {' '.join(words)}")


def _check_installed(requirements: str) -> None:
    pinned = re.findall(r"^([\w-]+)(?:\[\w+\])?==(\S+)$", requirements, re.MULTILINE)
    lines = [line for line in requirements.splitlines() if line and not line.startswith("#")]

    assert len(pinned) == len(lines) > 0
    assert {name: version(name) for name, _ in pinned} == dict(pinned)
