"""Join the modules that the page needs at its start into one, so that the browser loads one file, which compresses better.

Each module becomes a function that is called once, in the order of imports, and returns what the module exports:

    const m0 = (() => { const { h } = v0; const title = h('h1'); return { title }; })();

Modules that are imported when needed stay files. They take what they import from these results, so each module exists once.
This is simple because the modules of the page keep to some rules, which tests check: an import or export begins a line, nothing
exports a variable that changes (`let`) or a default, no two modules import each other, and none waits (`await`) while it starts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

_IMPORT = re.compile(r"^import (?:([\w$]+|\* as [\w$]+|\{[^}]*\}) from )?(['\"])(\.[^'\"]+)\2;", re.MULTILINE)
_EXPORT_FROM = re.compile(r"^export (\{[^}]*\}) from (['\"])(\.[^'\"]+)\2;", re.MULTILINE)
_EXPORT_LIST = re.compile(r"^export \{([^}]*)\};", re.MULTILINE)
_DECLARATION = re.compile(r"^export (?=(?:const|class|(?:async )?function\*?) (\{[^}]*\}|[\w$]+))", re.MULTILINE)
_DYNAMIC = re.compile(r"\bimport\((['\"])(\.[^'\"]+)\1\)")

SHARED = "$m"
"""The name under which the main module exports the results, by the names of their modules."""


def resolved(name: str, path: str) -> str:
    """The name of the module that *path* means in the module *name*."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))


def joined(main: str, sources: dict[str, str]) -> dict[str, str]:
    """The scripts to serve in place of *sources*, by their names: *main* contains all modules that it needs at its start.

    Each of these also stays a file, which exports what *main* contains.
    """
    order = _in_order(main, sources, {})
    places = {name: place for place, name in enumerate(name for name in order if name in sources)}
    outside = {name: f"v{place}" for place, name in enumerate(name for name in order if name not in sources)}

    def result_of(name: str) -> str:
        return outside.get(name) or f"m{places[name]}"

    parts = [f"const m{place} = (() => {{\n{_as_function(name, sources[name], main, places, result_of)}}})();"
             for name, place in places.items()]  # fmt: skip
    heads = [f"import * as {local} from '{_relative(main, name)}';" for name, local in outside.items()]
    results = ", ".join(f"'{_key(name)}': m{place}" for name, place in places.items())
    tail = f"export const {SHARED} = {{ {results} }};"
    scripts = {main: "\n".join([*heads, *parts, tail, ""])}
    for name, source in sources.items():
        if name not in places:
            scripts[name] = _as_file(name, source, main, places)
        elif name != main:
            scripts[name] = _as_pointer(name, source, main)
    return scripts


def static_imports(name: str, source: str) -> list[str]:
    """The names of the modules that the module *name* imports at its start, in order."""
    found = sorted([*_IMPORT.finditer(source), *_EXPORT_FROM.finditer(source)], key=lambda match: match.start())
    return [resolved(name, match[3]) for match in found]


def exported_names(source: str) -> list[str]:
    """The names that a module exports."""
    lists = [match[1].strip("{}") for match in (*_EXPORT_FROM.finditer(source), *_EXPORT_LIST.finditer(source))]
    names = [new for listed in lists for _, new in _pairs(listed, " as ")]
    return names + [new for match in _DECLARATION.finditer(source) for new in _declared(match[1])]


def _in_order(name: str, sources: dict[str, str], found: dict[str, None]) -> dict[str, None]:
    """Add *name* behind what it imports: the order in which browsers run the modules. Those that are no *sources* are files."""
    for imported in static_imports(name, sources.get(name, "")):
        if imported not in found:
            _in_order(imported, sources, found)
    found.setdefault(name, None)
    return found


def _as_function(name: str, source: str, main: str, places: dict[str, int], result_of: Callable[[str], str]) -> str:
    """The body of the function that a module becomes."""
    results: list[str] = []

    def take_list(match: re.Match[str]) -> str:
        results.extend(_property(new, old) for old, new in _pairs(match[1], " as "))
        return ""

    def take_from(match: re.Match[str]) -> str:
        result = result_of(resolved(name, match[3]))
        results.extend(f"{new}: {result}.{old}" for old, new in _pairs(match[1].strip("{}"), " as "))
        return ""

    def take_declaration(match: re.Match[str]) -> str:
        results.extend(_declared(match[1]))
        return ""

    def load_later(match: re.Match[str]) -> str:
        wanted = resolved(name, match[2])
        return f"Promise.resolve(m{places[wanted]})" if wanted in places else f"import('{_relative(main, wanted)}')"

    text = _IMPORT.sub(lambda match: _taken(match[1], result_of(resolved(name, match[3]))), source)
    text = _DECLARATION.sub(take_declaration, _EXPORT_LIST.sub(take_list, _EXPORT_FROM.sub(take_from, text)))
    return f"{_DYNAMIC.sub(load_later, text)}\nreturn {{ {', '.join(results)} }};\n"


def _as_file(name: str, source: str, main: str, places: dict[str, int]) -> str:
    """A module that is imported when needed: what it imports from joined modules comes from the list of their results."""

    def result_at(match: re.Match[str], path: int) -> str | None:
        wanted = resolved(name, match[path])
        return f"{SHARED}['{_key(wanted)}']" if wanted in places else None

    def take(match: re.Match[str]) -> str:
        result = result_at(match, 3)
        return match[0] if result is None else _taken(match[1], result)

    def pass_on(match: re.Match[str]) -> str:
        result = result_at(match, 3)
        return match[0] if result is None else f"export {_taken(match[1], result)}"

    def load_later(match: re.Match[str]) -> str:
        result = result_at(match, 2)
        return match[0] if result is None else f"Promise.resolve({result})"

    text = _DYNAMIC.sub(load_later, _EXPORT_FROM.sub(pass_on, _IMPORT.sub(take, source)))
    return text if text == source else f"import {{ {SHARED} }} from '{_relative(name, main)}';\n{text}"


def _as_pointer(name: str, source: str, main: str) -> str:
    exports = ", ".join(exported_names(source))
    return f"import {{ {SHARED} }} from '{_relative(name, main)}';\nexport const {{ {exports} }} = {SHARED}['{_key(name)}'];\n"


def _key(name: str) -> str:
    """A name in the object of results: no number, because a page that is open during an update may mix two versions."""
    return name.partition("/")[2].removesuffix(".js")


def _taken(clause: str | None, result: str) -> str:
    """The declaration that takes what an import names from the result of a module."""
    if clause is None:
        return ""
    if clause.startswith("*"):
        return f"const {clause.removeprefix('* as ')} = {result};"
    if not clause.startswith("{"):
        return f"const {{ default: {clause} }} = {result};"
    taken = ", ".join(_property(old, new) for old, new in _pairs(clause.strip("{}"), " as "))
    return f"const {{ {taken} }} = {result};"


def _declared(target: str) -> list[str]:
    """The names that a declaration makes: one, or those of a pattern such as `{ a, b: c }`."""
    if not target.startswith("{"):
        return [target]
    return [new for _, new in _pairs(target.strip("{}"), ":")]


def _pairs(listed: str, separator: str) -> Iterator[tuple[str, str]]:
    """The names of a list before and after renaming."""
    for each in listed.split(","):
        if each.strip():
            old, _, new = each.partition(separator)
            yield old.strip(), (new or old).strip()


def _property(name: str, value: str) -> str:
    return name if name == value else f"{name}: {value}"


def _relative(name: str, other: str) -> str:
    """The path of the module *other* in the module *name*."""
    path = posixpath.relpath(other, posixpath.dirname(name))
    return path if path.startswith(".") else f"./{path}"
