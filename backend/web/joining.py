"""Join modules that are loaded together into one, so that browsers load one file, which compresses better.

The main module gets all modules that it imports at its start. A module that is imported when needed gets those that nothing
else needs. Each becomes a function that is called once, in the order of imports, and returns what the module exports:

    const m0 = (() => { const { h } = v0; const title = h('h1'); return { title }; })();

Modules that several others import when needed stay files. All of them take what they import from the results, so each module
exists once. For that, no two modules import each other, and those that become functions export no variable that changes (`let`)
and no default, and do not wait (`await`) while they start. Tests check these rules.
"""

from __future__ import annotations

import re
from collections import Counter

from backend.web.modules import (
    DECLARATION,
    DYNAMIC_IMPORT,
    EXPORT_FROM,
    EXPORT_LIST,
    IMPORT,
    declared,
    dynamic_imports,
    exported_names,
    relative,
    renamed,
    resolved,
    static_imports,
)

OWN, MAINS = "$g", "$m"
"""The names of the results of a file, by the names of its modules, where the file exports them; and of those of the main module
where another file takes them.
"""


def joined(main: str, sources: dict[str, str], second: str | None = None) -> dict[str, str]:
    """The scripts to serve in place of *sources*, by their names. A module that is in another file also stays a file, which
    exports what is there.

    *second* is imported when needed, and nearly always: it gets all that it needs, also what others need.
    """
    joining = Joining(main, sources, second)
    return {name: joining.script(name) for name in sources}


class Joining:
    """Which modules of *sources* become one file, and the scripts of all files."""

    def __init__(self, main: str, sources: dict[str, str], second: str | None = None):
        self.main = main
        self.sources = sources
        self.orders = {main: self._needed_by(main, frozenset())}
        self.groups = {main: [name for name in self.orders[main] if name in sources]}
        """The modules of each file that has several, in the order in which they run."""
        mains = frozenset(self.groups[main])
        entries = {each for name, source in sources.items() for each in dynamic_imports(name, source)}
        self.orders |= {entry: self._needed_by(entry, mains) for entry in sorted((entries & sources.keys()) - mains)}
        counts = Counter(name for names in self.orders.values() for name in names if name in sources)
        seconds = [name for name in self.orders.get(second or "", []) if name in sources]
        for entry in self.orders.keys() - {main}:
            own = [name for name in self.orders[entry] if counts[name] == 1 and name not in seconds]
            if entry == second:
                own = seconds
            if entry in own and len(own) > 1:
                self.groups[entry] = own
        self.homes = {name: entry for entry, names in self.groups.items() for name in names}

    def script(self, name: str) -> str:
        """The script of the file *name*."""
        if name in self.groups:
            return self._group(name)
        if name in self.homes:
            home, exports = self.homes[name], ", ".join(exported_names(self.sources[name]))
            return f"import {{ {OWN} }} from '{relative(name, home)}';\nexport const {{ {exports} }} = {OWN}['{_key(name)}'];\n"
        return self._file(name)

    def _needed_by(self, entry: str, others: frozenset[str]) -> list[str]:
        """*entry* behind all that it imports, in the order in which browsers run the modules, without *others*.

        Modules that are no sources, such as copies of packages, are in it as well.
        """
        found: dict[str, None] = {}

        def visit(name: str) -> None:
            for imported in static_imports(name, self.sources.get(name, "")):
                if imported not in found and imported not in others:
                    visit(imported)
            found[name] = None

        visit(entry)
        return list(found)

    def _group(self, entry: str) -> str:
        """The file of a group: its modules as functions."""
        names = self.groups[entry]
        direct = {imported for name in names for imported in static_imports(name, self.sources[name])}
        others = [name for name in self.orders[entry] if name in direct and name not in names]
        files = {name: f"v{place}" for place, name in enumerate(others)}
        results = {name: f"m{place}" for place, name in enumerate(names)}
        parts = [f"import * as {local} from '{relative(entry, name)}';" for name, local in files.items()]
        if entry != self.main:
            parts.insert(0, self._import_of_mains(entry))
        for name, result in results.items():
            parts.append(f"const {result} = (() => {{\n{self._function(name, entry, files | results)}}})();")
        listed = ", ".join(f"'{_key(name)}': {result}" for name, result in results.items())
        parts.append(f"export const {OWN} = {{ {listed} }};")
        if entry != self.main:
            parts.append(f"export const {{ {', '.join(exported_names(self.sources[entry]))} }} = {results[entry]};")
        return "\n".join([*parts, ""])

    def _function(self, name: str, entry: str, locals_: dict[str, str]) -> str:
        """The body of the function that a module becomes in the file *entry*. *locals_* are the variables with results."""
        returned: list[str] = []

        def result_of(path: str) -> str:
            wanted = resolved(name, path)
            return locals_.get(wanted) or _result_of_main(wanted)

        def take_list(match: re.Match[str]) -> str:
            returned.extend(_property(new, old) for old, new in renamed(match[1], " as "))
            return ""

        def take_from(match: re.Match[str]) -> str:
            returned.extend(f"{new}: {result_of(match[3])}.{old}" for old, new in renamed(match[1], " as "))
            return ""

        def take_declaration(match: re.Match[str]) -> str:
            returned.extend(declared(match[1]))
            return ""

        text = IMPORT.sub(lambda match: _taken(match[1], result_of(match[3])), self.sources[name])
        text = DECLARATION.sub(take_declaration, EXPORT_LIST.sub(take_list, EXPORT_FROM.sub(take_from, text)))
        text = DYNAMIC_IMPORT.sub(lambda match: f"import('{relative(entry, resolved(name, match[2]))}')", text)
        return f"{text}\nreturn {{ {', '.join(returned)} }};\n"

    def _file(self, name: str) -> str:
        """A module that stays a file: what it imports from the main module's file comes from the results there."""

        def is_in_main(match: re.Match[str]) -> bool:
            return self.homes.get(resolved(name, match[3])) == self.main

        def take(match: re.Match[str], prefix: str = "") -> str:
            return (
                prefix + _taken(match[1], _result_of_main(resolved(name, match[3]))) if is_in_main(match) else match[0]
            )

        source = self.sources[name]
        text = EXPORT_FROM.sub(lambda match: take(match, "export "), IMPORT.sub(take, source))
        return text if text == source else f"{self._import_of_mains(name)}\n{text}"

    def _import_of_mains(self, name: str) -> str:
        return f"import {{ {OWN} as {MAINS} }} from '{relative(name, self.main)}';"


def _result_of_main(name: str) -> str:
    return f"{MAINS}['{_key(name)}']"


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
        default, _, listed = clause.partition(",")
        clause = f"default as {default}, {listed.strip(' {}')}"
    return f"const {{ {', '.join(_property(old, new) for old, new in renamed(clause, ' as '))} }} = {result};"


def _property(name: str, value: str) -> str:
    return name if name == value else f"{name}: {value}"
