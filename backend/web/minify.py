"""Make JavaScript modules and style sheets smaller when they are served, without a build step."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable

_TYPES = {"js": "text/javascript", "css": "text/css"}
_MINIFY = """
import json, sys, minify
json.dump([minify.string(mimetype, text) for mimetype, text in json.load(sys.stdin)], sys.stdout)
"""


def minified(files: Iterable[tuple[str, str]]) -> list[str]:
    """The texts of *files*, each given as its name and its text, without comments and spaces that separate nothing.

    The type of a file is told by the end of its name, `.js` or `.css`. In scripts, local variables and private members get
    short names; the names at the top level of a module stay. Raises CalledProcessError, whose `stderr` says why, if one of
    the files has a syntax error.

    The minifier is a library in Go. It runs in a process of its own, so that a server has no second runtime with its threads.
    """
    texts = [(_TYPES[name.rpartition(".")[2]], text) for name, text in files]
    command = (sys.executable, "-I", "-X", "utf8", "-c", _MINIFY)
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, check=True, encoding="utf-8")
    smaller: list[str] = json.loads(done.stdout)
    return smaller
