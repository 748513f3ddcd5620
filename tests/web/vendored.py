"""The page's copies of npm packages, in `backend/web/static/vendor/`: `python -m tests.web.vendored` writes them.

The versions are those of package-lock.json here, which has a hash of each package. To take a newer version, change package.json,
run `npm install` in this folder, and run this module.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from tests.openapi.node import installed

HERE = Path(__file__).resolve().parent
VENDOR = HERE.parents[1] / "backend" / "web" / "static" / "vendor"

MODULES = {
    "htm.js": ("htm", "dist/htm.module.js"),
    "marked.js": ("marked", "lib/marked.esm.js"),
    "preact.js": ("preact", "dist/preact.module.js"),
    "preact-hooks.js": ("preact", "hooks/dist/hooks.module.js"),
    "signals-core.js": ("@preact/signals-core", "dist/signals-core.mjs"),
    "signals.js": ("@preact/signals", "dist/signals.mjs"),
}
"""The package and the file in it of which each module is a copy. Each is the package's own build: an ES module, minified.

Of `marked` only the first part is copied, which makes tokens of text, and not the second, which makes HTML of tokens.
"""

IMPORTED = {"preact": "preact.js", "preact/hooks": "preact-hooks.js", "@preact/signals-core": "signals-core.js"}
"""The modules that others import by the name of a package."""

_IMPORT = re.compile(r"""(?<=\bfrom)(\s*)(["'])([^"'./][^"']*)\2""")
_SOURCE_MAP = re.compile(r"\s*//# sourceMappingURL=\S+\s*\Z")


def files() -> dict[str, str]:
    """The name and text of each file of the folder. Raises RuntimeError if the packages cannot be installed."""
    made = {name: _module(*source) for name, source in MODULES.items()}
    rows = []
    for package in sorted({package for package, _ in MODULES.values()}):
        folder = installed(package, HERE)
        facts = json.loads((folder / "package.json").read_text())
        licence = f"{package.rpartition('/')[2]}.LICENSE"
        made[licence] = (folder / "LICENSE").read_text().rstrip() + "\n"
        names = ", ".join(f"`{name}`" for name, (source, _) in MODULES.items() if source == package)
        rows.append(f"| {package} | {facts['version']} | {facts['license']} ([text]({licence})) | {names} |")
    made["README.md"] = README.format(rows="\n".join(rows))
    return made


README = """# Copies of npm packages

These are the builds that their authors publish. Imports by the name of a package were replaced by relative ones, and links to
source maps were removed. Of marked only the part is here that makes tokens of text, not the part that makes HTML of tokens.
`python -m tests.web.vendored` writes this folder; do not edit it.

| package | version | licence | files |
|---|---|---|---|
{rows}
"""


def _module(package: str, path: str) -> str:
    text = (installed(package, HERE) / path).read_text()
    text = _IMPORT.sub(lambda match: f"{match[1]}{match[2]}./{IMPORTED[match[3]]}{match[2]}", text)
    text = _SOURCE_MAP.sub("", text) + "\n"
    return _without_html(text) if package == "marked" else text


def _without_html(marked: str) -> str:
    """marked up to the class that makes HTML. What follows uses what precedes, and not the reverse; a test runs the copy."""
    code, _, listed = marked.rpartition("export{")
    local = {exported: name for name, exported in re.findall(r"([\w$]+) as (\w+)", listed)}
    end = code.index(f"var {local['Renderer']}=class")
    return f"{code[:end]}export{{{local['Lexer']} as Lexer,{local['Tokenizer']} as Tokenizer}};\n"


def main() -> int:
    VENDOR.mkdir(exist_ok=True)
    try:
        made = files()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    for old in VENDOR.iterdir():
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (VENDOR / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
