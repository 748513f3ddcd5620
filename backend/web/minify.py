"""Make JavaScript and CSS smaller without a build step: comments and indentation are removed, and nothing is renamed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
      (?P<comment> //[^\n]* | /\*.*?\*/ )
    | (?P<string>  "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
    | (?P<regex>   /(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]* )
    | (?P<space>   \s+ )
    | (?P<word>    [\w$\#@\u0080-\U0010ffff]+ )
    | (?P<mark>    \+\+ | -- | => | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_TEMPLATE = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*(?:\$\{|`)", re.DOTALL)
_INDENTATION = re.compile(r"\s*\n\s*")

_BEFORE_OPERAND = frozenset(
    ("await", "case", "delete", "do", "else", "extends", "in", "instanceof", "new", "of", "return", "throw", "typeof",
     "void", "yield")
)  # fmt: skip
"""The words before which no value ends: a slash after them begins a regular expression."""


def minify_script(source: str) -> str:
    """*source* without comments, indentation and spaces that separate nothing. Line breaks between statements stay.

    *source* is a module in which every control statement has a block, as biome requires: a slash after `)` is a division.
    In templates tagged `html`, a line break stands for itself and the indentation after it, because htm drops both at the
    edges of text. All other templates, strings and regular expressions stay as they are.
    """
    made: list[str] = []
    before, space = "", ""
    for kind, text in _script_tokens(source):
        if kind in ("space", "comment"):
            # A comment with a line break ends a statement like the line break itself.
            space = "\n" if "\n" in space + text else " "
            continue
        if space and before and _must_separate(before, text, space):
            made.append(space)
        made.append(text)
        before, space = text, ""
    return "".join(made) + "\n"


def _script_tokens(source: str) -> Iterator[tuple[str, str]]:
    """The kind and text of each token. A template is several tokens: its texts, and the tokens of the code between them."""
    position, ended_value, word = 0, False, ""
    depths: list[
        tuple[int, bool]
    ] = []  # for each open template: how many braces are open in its code, and whether it is html
    while found := _TOKEN.match(source, position):
        kind, text = str(found.lastgroup), found[0]
        if kind == "regex" and ended_value:
            kind, text = "mark", "/"
        closes_code = text == "}" and depths and depths[-1][0] == 0
        if text == "`" or closes_code:
            is_html = depths.pop()[1] if closes_code else word == "html"
            part = _TEMPLATE.match(source, position + 1)
            end = part.end() if part else len(source)
            kind, text = "template", source[position:end]
            if text.endswith("${"):
                depths.append((0, is_html))
            if is_html:
                text = _INDENTATION.sub("\n", text)
            position, ended_value, word = end, not text.endswith("${"), ""
            yield kind, text
            continue
        if depths and text in ("{", "}"):
            depths[-1] = (depths[-1][0] + (1 if text == "{" else -1), depths[-1][1])
        position += len(text)
        if kind not in ("space", "comment"):
            ended_value = _ends_value(kind, text)
            word = text if kind == "word" else ""
        yield kind, text


def _ends_value(kind: str, text: str) -> bool:
    if kind == "word":
        return text not in _BEFORE_OPERAND
    return kind in ("string", "regex") or text in (")", "]", "}", "++", "--")


def _must_separate(before: str, after: str, space: str) -> bool:
    """Whether *space*, or what stands for it, must stay between two tokens."""
    left, right = before[-1], after[0]
    if space == "\n":
        # Where an operand or a bracket must follow, a line break ends no statement.
        return not (left in "{[(,;:?=&|<>*%^!~" or right in ")]},;.:?=&|<>%^")
    if _is_of_word(right):
        return _is_of_word(left) or left == "/"
    return (left in "+-/" and right in "+-/") or (left.isdigit() and right == ".")


def _is_of_word(letter: str) -> bool:
    return letter.isalnum() or letter in "_$#@" or letter > "\x7f"


_SHORTEN = """
import json, sys, minify
json.dump([minify.string('text/javascript', script) for script in json.load(sys.stdin)], sys.stdout)
"""


def shorten_names(scripts: list[str]) -> list[str]:
    """JavaScript modules without comments and spaces, and with short names of local variables. Raises CalledProcessError.

    The minifier is a library in Go. It runs in a process of its own, so that a server has no second runtime with its threads.
    """
    command = (sys.executable, "-I", "-X", "utf8", "-c", _SHORTEN)
    done = subprocess.run(command, input=json.dumps(scripts), capture_output=True, check=True, encoding="utf-8")
    shortened: list[str] = json.loads(done.stdout)
    return shortened


_STYLE_TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/)|(?P<kept>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|url\([^)'"]*\))""", re.DOTALL
)
_STYLE_SPACE = re.compile(r"\s+")
_AROUND = re.compile(r"\s*([{};,])\s*")
_PROPERTY = re.compile(r"(?<=[{;])([\w-]+): ")


def minify_style(source: str) -> str:
    """*source* without comments, indentation, and spaces around `{`, `}`, `;` and `,`. Strings and addresses stay as they are."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        if found["comment"]:
            return " "
        kept.append(found[0])
        return "\0"

    text = _AROUND.sub(r"\1", _STYLE_SPACE.sub(" ", _STYLE_TOKEN.sub(keep, source))).replace(";}", "}").strip()
    text = _PROPERTY.sub(r"\1:", text)
    parts = iter(kept)
    return re.sub("\0", lambda _: next(parts), text) + "\n"
