"""Errors of deploy/install.sh, apart from the tests that need an installation: workers of the suite would each make one."""

from __future__ import annotations

import subprocess

import pytest

from tests.servers import ROOT


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--prefix", "code"], "write an absolute path, such as "),
        (["--prefix", "/opt/a b"], "use only letters, digits and . _ - / in the path"),
        (["--state"], "--state needs a value: deploy/install.sh --help lists the options"),
        (["--user", "Root;id"], "use lower-case letters"),
        (["everything"], "everything is neither an option nor a step: deploy/install.sh --help lists them"),
        (
            ["settings", "--settings", "/nonexistent/env"],
            "add --public-url https://chat.example.com, with your own name",
        ),
        (["settings", "--settings", "/nonexistent/env", "--public-url", "chat.example.com"], "begin it with https://"),
        (["settings", "--settings", "/nonexistent/env", "--public-url", "https://a\nSECRET_KEY=b"], "add --public-url"),
        (["service", "--units", "/nonexistent"], "name the folder of systemd's units with --units"),
        (["database", "--prefix", "/proc/confab"], "choose another --prefix"),
    ],
)
def test_each_error_says_what_to_do(words: list[str], said: str) -> None:
    done = subprocess.run([ROOT / "deploy/install.sh", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("confab: ")
    assert said in line
