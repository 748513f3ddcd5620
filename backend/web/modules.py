"""What a JavaScript module imports and exports, found without a parser.

The modules of the page keep to some rules, which tests check: an import or export begins a line, each `export` of a variable
declares one name or one pattern without defaults, and paths are relative.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

IMPORT = re.compile(
    r"^import (?:([\w$]+(?:, \{[^}]*\})?|\* as [\w$]+|\{[^}]*\}) from )?(['\"])(\.[^'\"]+)\2;", re.MULTILINE
)
EXPORT_FROM = re.compile(r"^export (\{[^}]*\}) from (['\"])(\.[^'\"]+)\2;", re.MULTILINE)
EXPORT_LIST = re.compile(r"^export (\{[^}]*\});", re.MULTILINE)
DECLARATION = re.compile(r"^export (?=(?:const|class|(?:async )?function\*?) (\{[^}]*\}|[\w$]+))", re.MULTILINE)
DYNAMIC_IMPORT = re.compile(r"\bimport\((['\"])(\.[^'\"]+)\1\)(?!\.[A-Z])")
"""An `import()` that loads a module. Types in comments, `import('./a.js').Type`, look the same up to the end."""


def resolved(name: str, path: str) -> str:
    """The name of the module that *path* means in the module *name*."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def relative(name: str, other: str) -> str:
    """The path of the module *other* in the module *name*."""
    path = posixpath.relpath(other, posixpath.dirname(name))
    return path if path.startswith(".") else f"./{path}"


def static_imports(name: str, source: str) -> list[str]:
    """The names of the modules that the module *name* imports at its start, in order."""
    found = sorted([*IMPORT.finditer(source), *EXPORT_FROM.finditer(source)], key=lambda match: match.start())
    return [resolved(name, match[3]) for match in found]


def dynamic_imports(name: str, source: str) -> list[str]:
    """The names of the modules that the module *name* imports when it needs them."""
    return [resolved(name, match[2]) for match in DYNAMIC_IMPORT.finditer(source)]


def exported_names(source: str) -> list[str]:
    """The names that a module exports, except `default`."""
    listed = [match[1] for match in (*EXPORT_FROM.finditer(source), *EXPORT_LIST.finditer(source))]
    names = [new for each in listed for _, new in renamed(each, " as ")]
    return names + [new for match in DECLARATION.finditer(source) for new in declared(match[1])]


def declared(target: str) -> list[str]:
    """The names that a declaration makes: one, or those of a pattern such as `{ a, b: c }`."""
    return [new for _, new in renamed(target, ":")] if target.startswith("{") else [target]


def renamed(listed: str, separator: str) -> Iterator[tuple[str, str]]:
    """The names of a list in braces, before and after renaming."""
    for each in listed.strip("{}").split(","):
        if each.strip():
            old, _, new = each.partition(separator)
            yield old.strip(), (new or old).strip()
