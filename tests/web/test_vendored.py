"""The page's copies of npm packages are those of the locked versions, and name no other host to load from."""

from __future__ import annotations

import json
import re

import pytest

from tests.openapi.node import run
from tests.web import emojis
from tests.web.vendored import HERE, MODULES, VENDOR, files

IMPORT = re.compile(r"""\bfrom\s*["']([^"']+)["']|\bimport\s*\(?\s*["']([^"']+)["']""")


def test_the_copies_are_those_of_the_locked_versions() -> None:
    committed = {path.name: path.read_text() for path in VENDOR.iterdir()}
    assert committed == files(), "run `python -m tests.web.vendored`"


def test_the_list_of_emoji_is_that_of_the_locked_versions() -> None:
    for name, text in emojis.files().items():
        assert (emojis.FOLDER / name).read_text() == text, "run `python -m tests.web.emojis`"


def test_the_lock_has_a_hash_of_each_package_and_no_address_of_a_registry() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    packages = {name: facts for name, facts in lock["packages"].items() if name}
    assert {name.removeprefix("node_modules/") for name in packages} == {
        *(package for package, _ in MODULES.values()),
        *emojis.PACKAGES,
        "axe-core",
    }
    for facts in packages.values():
        assert facts["integrity"].startswith("sha512-")
        assert "resolved" not in facts
    package = json.loads((HERE / "package.json").read_text())
    assert {**package["dependencies"], **package["devDependencies"]} == {
        name.removeprefix("node_modules/"): facts["version"] for name, facts in packages.items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_a_copy_imports_only_other_copies(name: str) -> None:
    text = (VENDOR / name).read_text()
    imported = [one or other for one, other in IMPORT.findall(text)]
    assert [path for path in imported if not path.startswith("./")] == []
    assert {path.removeprefix("./") for path in imported} <= set(MODULES)
    assert "sourceMappingURL" not in text
    assert not re.search(r"\beval\(|\bnew Function\b", text), "the page's policy forbids to make code of text"


def test_the_part_of_marked_makes_tokens() -> None:
    text = "# a\n\n*b* `c` [d](https://e) <i>f</i> ~~g~~\n\n- h\n\n| i |\n|---|\n| j |\n\n```js\nk\n```\n"
    script = (
        f"import {{ Lexer, Tokenizer }} from {json.dumps((VENDOR / 'marked.js').as_uri())};"
        f"const tokens = new Lexer({{ gfm: true, tokenizer: new Tokenizer() }}).lex({json.dumps(text)});"
        "const types = (token) => [token.type, ...(token.tokens ?? token.items ?? []).flatMap(types)];"
        "console.log(JSON.stringify(tokens.map(types)));"
    )
    done = run("node", "--input-type=module", "--eval", script)
    assert json.loads(done.stdout) == [
        ["heading", "text"],
        ["space"],
        ["paragraph", "em", "text", "text", "codespan", "text", "link", "text", "text", "html", "text", "html",
         "text", "del", "text"],
        ["space"],
        ["list", "list_item", "text", "text"],
        ["space"],
        ["table"],
        ["space"],
        ["code"],
    ]  # fmt: skip
