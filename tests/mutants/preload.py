"""Import the modules of `backend` that do not depend on a mutated one, so that a fork imports only the others."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from types import ModuleType

PACKAGE = "backend"
OTHERS = {"tests"}
"""pytest imports these itself, because it rewrites their assertions."""


def preload(names: Iterable[str], mutated: Collection[str]) -> None:
    """Import those modules of *names* (in the order in which the application imports them) that need none of *mutated*.

    *mutated* are paths of files. `finish` is to be called after a fork.
    """
    own = [name for name in names if name.partition(".")[0] not in OTHERS and _path(name).is_file()]
    late = _dependents(own, {name for name in own if _path(name).as_posix() in mutated})
    packages = [name for name in late if _path(name).name == "__init__.py"]
    for name in packages:  # a package would import its modules; its place is taken until all else is imported
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = [str(_path(name).parent)]
    for name in own:
        if name not in late:
            importlib.import_module(name)
    for name in packages:
        del sys.modules[name]


def finish() -> None:
    """Import the rest. An import that fails does so again in the test that needs it."""
    loaded = {name: module for name, module in sys.modules.items() if name.startswith(f"{PACKAGE}.")}
    with suppress(Exception):
        importlib.import_module(PACKAGE)
    for name, module in loaded.items():
        parent, _, last = name.rpartition(".")
        if parent in sys.modules and not hasattr(sys.modules[parent], last):
            setattr(sys.modules[parent], last, module)


def _path(name: str) -> Path:
    path = Path(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _dependents(names: Collection[str], of: Collection[str]) -> set[str]:
    """The modules *of*, and those of *names* that import any of these, or import one that does."""
    imports = {name: _imported(name) for name in names}
    found = set(of)
    while new := {name for name in names if name not in found and not found.isdisjoint(imports[name])}:
        found |= new
    return found


def _imported(name: str) -> set[str]:
    """The modules that a module may import by its text. It has names in it that are no modules."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(_path(name).read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return found
