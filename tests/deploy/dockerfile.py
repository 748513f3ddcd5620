"""Reading of a Dockerfile, and of .dockerignore: the instructions that deploy/Dockerfile uses, and no others."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

KNOWN = {"FROM", "RUN", "COPY", "WORKDIR", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "CMD"}


@dataclass(frozen=True)
class Instruction:
    """A line of a Dockerfile: its word in capitals, its options (`--from=build`), and the rest."""

    word: str
    options: dict[str, str]
    rest: str

    def words(self) -> list[str]:
        """The rest as a list: a JSON array, or words."""
        return json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)


@dataclass
class Stage:
    """The instructions from one FROM to the next."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def last(self, word: str) -> Instruction:
        """The last instruction with this word. Raises IndexError."""
        return [each for each in self.instructions if each.word == word][-1]

    def environment(self) -> dict[str, str]:
        """The variables of all ENV instructions."""
        pairs = (pair for each in self.instructions if each.word == "ENV" for pair in each.words())
        return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


def read_dockerfile(path: Path) -> list[Stage]:
    """The stages of a Dockerfile. Raises ValueError for an instruction that is not known here."""
    stages: list[Stage] = []
    text = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        word, _, rest = line.strip().partition(" ")
        options = {}
        while match := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
            options[match[1]] = match[2]
            rest = rest[match.end() :]
        if word not in KNOWN:
            raise ValueError(f"{path.name}: {word} is not known to the tests")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(base, name))
        else:
            stages[-1].instructions.append(Instruction(word, options, " ".join(rest.split())))
    return stages


def context_files(root: Path) -> Iterator[Path]:
    """The files that a build of *root* gets, relative to it: those that .dockerignore does not exclude. The last pattern wins."""
    lines = [line.strip() for line in (root / ".dockerignore").read_text().splitlines()]
    patterns = [line for line in lines if line and not line.startswith("#")]
    for folder, _, names in root.walk() if hasattr(root, "walk") else _walk(root):
        for name in names:
            relative = (folder / name).relative_to(root)
            if not _is_ignored(relative, patterns):
                yield relative


def _walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    import os

    for folder, folders, names in os.walk(root):
        folders[:] = [each for each in folders if each not in {".git", ".venv", "node_modules"}]
        yield Path(folder), folders, names


def _is_ignored(path: Path, patterns: list[str]) -> bool:
    is_ignored = False
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        candidates = [str(path), *(str(parent) for parent in path.parents if parent != Path())]
        if wanted.startswith("**/"):
            is_match = any(fnmatch.fnmatch(Path(each).name, wanted[3:]) for each in candidates)
        else:
            is_match = any(
                fnmatch.fnmatch(each, wanted) and each.count("/") == wanted.count("/") for each in candidates
            )
        if is_match:
            is_ignored = not pattern.startswith("!")
    return is_ignored
